"""How a commission or slippage scheme is made from its entry in the configuration."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from feeds.errors import ConfigError
from feeds.panel import Panel
from feeds.suggestions import remedy_for
from strategies.execution.commission import Commission
from strategies.execution.slippage import Slippage

__all__ = ["check_scheme_fields", "make_scheme"]

Scheme = TypeVar("Scheme")

_NUMBER = "give a number that is finite and not negative"


def make_scheme(
    registry: Mapping[str, type[Scheme]],
    entry: Mapping[str, Any],
    place: str,
    defaults: Mapping[str, Any] | None = None,
) -> Scheme:
    """The scheme that ``{scheme: name, parameter: value, ...}`` asks for.

    A parameter is what its annotation in the dataclass says: a number (float), a whole number
    (int), true or false (bool), text (str or Literal), a list (``tuple[X, ...]``), keys of a
    dataclass of its own, or a further scheme (``Slippage``, ``Commission``); ``X | None`` may
    be null.

    Parameters
    ----------
    registry : mapping
        Scheme name to its frozen dataclass.
    entry : mapping
        The configuration's entry.
    place : str
        Where the entry stands, for messages: ``costs.commission.equity``.
    defaults : mapping, optional
        Values of parameters that an entry leaves out, for every scheme that has them: the seed
        of a run.

    Raises
    ------
    ConfigError
        If the name or a parameter is unknown, missing, of another kind, or a negative number.
    """
    return _Maker(registry, defaults or {}).scheme(entry, place)


def check_scheme_fields(scheme: Any, name: str, panel: Panel, place: str, data: str) -> None:
    """Refuse a scheme whose fields the panel lacks, naming them and its `name`.

    Raises
    ------
    ConfigError
        If a field in ``scheme.fields`` is absent.
    """
    absent = [field for field in scheme.fields if not panel.available(field)]
    if absent:
        raise ConfigError(
            f"{place}: scheme {name} needs {', '.join(absent)}, which {data} lacks",
            "choose another (percent and bps need prices only), or a data set that has it",
        )


class _Maker:
    """Makes schemes, and what they are made of, from plain values."""

    def __init__(self, registry: Mapping[str, type], defaults: Mapping[str, Any]) -> None:
        self._registry, self._defaults = registry, defaults

    def scheme(self, entry: Any, place: str) -> Any:
        known = sorted(self._registry)
        if not isinstance(entry, Mapping):
            raise ConfigError(
                f"{place} is {_told(entry)}, not a scheme", "write {scheme: name, ...}"
            )
        name = entry.get("scheme")
        if name is None:
            raise ConfigError(f"{place} has no scheme", f"give one of {', '.join(known)}")
        if not isinstance(name, str) or name not in self._registry:
            raise ConfigError(f"{place}.scheme {name!r} is unknown", remedy_for(str(name), known))
        given = {key: value for key, value in entry.items() if key != "scheme"}
        return self._filled(self._registry[name], given, place, f"scheme {name}")

    def _filled(self, kind: type, given: Mapping[str, Any], place: str, whole: str) -> Any:
        """A dataclass with the values given for its parameters."""
        # A name that Python does not allow, as `from`, stands in the field's metadata.
        fields = {item.metadata.get("key", item.name): item for item in dataclasses.fields(kind)}
        for key in given:
            if key not in fields:
                raise ConfigError(
                    f"{place}.{key} is not a parameter of {whole}",
                    remedy_for(str(key), sorted(fields)) if fields else f"{whole} takes none",
                )
        hints, values = get_type_hints(kind), {}
        for key, item in fields.items():
            if key in given:
                values[item.name] = self._value(hints[item.name], given[key], f"{place}.{key}")
            elif key in self._defaults:
                values[item.name] = self._defaults[key]
            elif item.default is dataclasses.MISSING and (
                item.default_factory is dataclasses.MISSING
            ):
                raise ConfigError(f"{place} lacks {key}, which {whole} needs", f"add {key}: ...")
        try:
            return kind(**values)
        except ConfigError as error:
            raise ConfigError(f"{place}: {error.problem}", error.remedy) from None
        except ValueError as error:
            why = " ".join(str(error).split())[:160]
            raise ConfigError(f"{place}: {why}", f"change a parameter of {whole}") from None

    def _value(self, hint: Any, value: Any, place: str) -> Any:
        origin = get_origin(hint)
        if origin in (Union, types.UnionType):
            return self._of_union(get_args(hint), value, place)
        if origin is Literal:
            choices = [str(choice) for choice in get_args(hint)]
            if value not in get_args(hint):
                raise ConfigError(f"{place} is {_told(value)}", remedy_for(str(value), choices))
            return value
        if origin is tuple:
            if not isinstance(value, (list, tuple)) or not value:
                raise ConfigError(f"{place} is {_told(value)}", "give a list of one or more")
            item = get_args(hint)[0]
            return tuple(self._value(item, one, f"{place}[{n}]") for n, one in enumerate(value))
        if hint in (Commission, Slippage):
            return self.scheme(value, place)
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, Mapping):
                raise ConfigError(f"{place} is {_told(value)}", "write its keys: {key: value, ...}")
            return self._filled(hint, value, place, place.rpartition(".")[2])
        return _plain(hint, value, place)

    def _of_union(self, options: tuple[Any, ...], value: Any, place: str) -> Any:
        if value is None and type(None) in options:
            return None
        (hint,) = (option for option in options if option is not type(None))
        return self._value(hint, value, place)


def _plain(hint: Any, value: Any, place: str) -> Any:
    """A number, a truth value or a text."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is float:
        if not is_number or not math.isfinite(value) or value < 0:
            raise ConfigError(f"{place} is {_told(value)}", _NUMBER)
        return float(value)
    if hint is int:
        if not is_number or not math.isfinite(value) or value != int(value) or value < 0:
            raise ConfigError(f"{place} is {_told(value)}", "give a whole number of 0 or more")
        return int(value)
    if hint is bool:
        if not isinstance(value, bool):
            raise ConfigError(f"{place} is {_told(value)}", "give true or false")
        return value
    if hint is str:
        if not isinstance(value, str):
            raise ConfigError(f"{place} is {_told(value)}", f"quote it if it is text: '{value}'")
        return value
    raise ConfigError(
        f"{place}: a parameter annotated {getattr(hint, '__name__', hint)} has no form in a "
        "configuration",
        "annotate it float, int, bool, str, tuple[float, ...], a dataclass, Slippage or Commission",
    )


def _told(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
