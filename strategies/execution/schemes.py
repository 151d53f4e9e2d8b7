"""How a commission or slippage scheme is made from its entry in the configuration."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from feeds.errors import ConfigError
from feeds.panel import Panel
from feeds.suggestions import remedy_for

__all__ = ["check_scheme_fields", "make_scheme"]

Scheme = TypeVar("Scheme")


def make_scheme(
    registry: Mapping[str, type[Scheme]], entry: Mapping[str, Any], place: str
) -> Scheme:
    """The scheme that ``{scheme: name, parameter: value, ...}`` asks for.

    Parameters
    ----------
    registry : mapping
        Scheme name to its frozen dataclass.
    entry : mapping
        The configuration's entry.
    place : str
        Where the entry stands, for messages: ``costs.commission.equity``.

    Raises
    ------
    ConfigError
        If the name or a parameter is unknown, missing, not a number, or negative.
    """
    name = entry.get("scheme")
    if name is None:
        raise ConfigError(f"{place} has no scheme", f"give one of {', '.join(sorted(registry))}")
    if name not in registry:
        raise ConfigError(
            f"{place}.scheme {name!r} is unknown", remedy_for(str(name), sorted(registry))
        )
    kind = registry[name]
    parameters = {item.name: item for item in dataclasses.fields(kind)}
    given = {key: value for key, value in entry.items() if key != "scheme"}
    for key, value in given.items():
        if key not in parameters:
            raise ConfigError(
                f"{place}.{key} is not a parameter of scheme {name}",
                remedy_for(key, sorted(parameters)),
            )
        if not _is_amount(value):
            raise ConfigError(
                f"{place}.{key} is {value!r}", "give a number that is finite and not negative"
            )
    for key, item in parameters.items():
        if item.default is dataclasses.MISSING and key not in given:
            raise ConfigError(f"{place} lacks {key}, which scheme {name} needs", f"add {key}: ...")
    return kind(**{key: float(value) for key, value in given.items()})


def check_scheme_fields(scheme: Any, panel: Panel, place: str, data: str) -> None:
    """Refuse a scheme whose fields the panel lacks, naming them.

    Raises
    ------
    ConfigError
        If a field in ``scheme.fields`` is absent.
    """
    absent = [field for field in scheme.fields if not panel.available(field)]
    if absent:
        raise ConfigError(
            f"{place}: {type(scheme).__name__} needs {', '.join(absent)}, which {data} lacks",
            "choose another scheme (percent needs prices only) or a data set that has it",
        )


def _is_amount(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value >= 0
