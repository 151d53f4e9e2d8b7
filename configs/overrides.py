"""Overrides from the command line: ``--set portfolio.gross=1.5``."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from configs.yaml_reader import parse_yaml, resolve_scalar, shorten
from feeds.errors import ConfigError

__all__ = ["apply_overrides"]

_FORM = "write --set key=value, for example --set portfolio.gross=1.5"
_KEY = re.compile(r"[^\s.=]+(\.[^\s.=]+)*")


def apply_overrides(
    data: Mapping[str, Any], overrides: Sequence[str]
) -> tuple[dict[str, Any], dict[tuple[str, ...], str]]:
    """Put values into nested plain data; the given data stay as they are.

    A value follows the rules of an unquoted YAML scalar; one that begins with a bracket, a
    brace or a quote is YAML of its own (``data.universe=[AAPL, ON]``). Of two overrides of one
    key the last wins. Mappings on the way that are absent or null are made.

    Parameters
    ----------
    data : mapping
        Plain data of a configuration.
    overrides : sequence of str
        ``dotted.key=value`` each.

    Returns
    -------
    data : dict
    places : dict
        Path of each overridden key to ``--set key=value``, for errors.

    Raises
    ------
    ConfigError
        If one has no key, no equals sign or no valid value, or leads through a value that is
        not a mapping.
    """
    result = copy.deepcopy(dict(data))
    places: dict[tuple[str, ...], str] = {}
    for text in overrides:
        place = f"--set {shorten(text)}"
        key, equals, written = text.partition("=")
        key = key.strip()
        if not equals or not _KEY.fullmatch(key):
            raise ConfigError(f"{place}: not of the form key=value", _FORM)
        path = tuple(key.split("."))
        _put(result, path, _value(written.strip(), place), place)
        places.pop(path, None)
        places[path] = place
    return result, places


def _value(written: str, place: str) -> Any:
    if written[:1] in ("[", "{", '"', "'"):
        return parse_yaml(written, place, numbered=False).data
    if any(ord(character) < 32 for character in written):
        raise ConfigError(f"{place}: the value holds a control character", _FORM)
    try:
        return resolve_scalar(written)
    except ValueError as error:
        raise ConfigError(f"{place}: {error}", "mend it, or quote it if it is text") from None


def _put(data: dict[str, Any], path: tuple[str, ...], value: Any, place: str) -> None:
    for depth, part in enumerate(path[:-1], start=1):
        inner = data.setdefault(part, {})
        if inner is None:
            inner = data[part] = {}
        if not isinstance(inner, dict):
            above = ".".join(path[:depth])
            rest = ".".join(path[depth:])
            raise ConfigError(
                f"{place}: {above} is {shorten(inner)}, which holds no keys",
                f"set the whole of it: --set '{above}={{{rest}: ...}}'",
            )
        data = inner
    data[path[-1]] = value
