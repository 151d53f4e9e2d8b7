"""The registry of factors: what exists, what each one needs and which parameters it takes."""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from factors.parameters import is_instance, parameter_hints, type_name
from feeds.errors import ConfigError, UserError
from feeds.panel import Panel
from feeds.plugin_modules import restore_on_failure
from feeds.suggestions import remedy_for

__all__ = [
    "Factor",
    "check_fields",
    "check_parameters",
    "factor",
    "get_factor",
    "known_factors",
]

ScoreFunction = Callable[..., np.ndarray]

#: Columns that stand beside the factors' own in a run's tables.
_RESERVED = (
    "asset_class",
    "date",
    "decision_date",
    "price",
    "rank",
    "score",
    "side",
    "symbol",
    "target_weight",
)
#: Keys of a factor in the configuration that are not parameters of its function.
_CONFIG_KEYS = ("weight", "proxy", "preprocess")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

_REGISTRY: dict[tuple[str, str | None], Factor] = {}
restore_on_failure(lambda: _REGISTRY)


@dataclass(frozen=True)
class Factor:
    """A registered factor.

    Parameters
    ----------
    name : str
        Its name in the configuration.
    function : callable
        ``f(panel, **parameters) -> (T, N) float64``; higher is better, NaN is not known, and
        row t depends on rows up to t only. Where it has a keyword ``rows`` it may fill those
        rows alone.
    proxy : str or None
        Name of the stand-in measure, or None for the factor itself.
    title : str
        What the factor is called in tables and plots; of a proxy, what the measure is called.
    fields : tuple of str
        Panel fields without which it cannot be computed.
    """

    name: str
    function: ScoreFunction
    proxy: str | None = None
    title: str = ""
    fields: tuple[str, ...] = ("close",)

    @property
    def column(self) -> str:
        """Column of the factor in every table: ``momentum``, or ``value_proxy`` of a proxy."""
        return self.name if self.proxy is None else f"{self.name}_proxy"

    @property
    def label(self) -> str:
        """Text for tables and plots; a proxy always says that it is one."""
        if self.proxy is None:
            return self.title or _words(self.name).capitalize()
        measure = self.title or _words(self.proxy)
        return f"{_words(self.name).capitalize()} (proxy: {measure})"

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that a configuration may set."""
        names = list(inspect.signature(self.function).parameters)[1:]
        return tuple(name for name in names if name != "rows")

    @cached_property
    def takes_rows(self) -> bool:
        """Whether the function can compute some rows only."""
        return "rows" in inspect.signature(self.function).parameters

    def scores(
        self, panel: Panel, rows: np.ndarray | None = None, **parameters: object
    ) -> np.ndarray:
        """Scores of `panel`, (T, N); with `rows` (R,), those rows, (R, N).

        Raises
        ------
        ConfigError
            If a user's function fails, or returns anything but one number an asset and
            session.
        """
        if self.takes_rows:
            parameters = {**parameters, "rows": rows}
        values = np.asarray(self._called(panel, parameters))
        if values.shape != panel.shape or values.dtype.kind not in "fiu":
            raise ConfigError(
                f"factor {self.column} returned {values.dtype} of shape {values.shape}, "
                f"expected float64 of shape {panel.shape}",
                "return one score for each session and asset, NaN where it is not known",
            )
        return (values if rows is None else values[rows]).astype(np.float64, copy=False)

    def _called(self, panel: Panel, parameters: Mapping[str, object]) -> np.ndarray:
        """What the function returns; a failure of a user's own names the line of theirs."""
        try:
            return self.function(panel, **parameters)
        except Exception as error:
            if isinstance(error, UserError) or self.function.__module__.startswith("factors."):
                raise
            frames = traceback.extract_tb(error.__traceback__)
            own = [at for at in frames if at.filename == self.function.__code__.co_filename]
            place = f"{own[-1].filename}, line {own[-1].lineno}" if own else self.name
            raise ConfigError(
                f"factor {self.column} failed: {type(error).__name__}: {error}",
                f"correct it at {place}",
            ) from error


def factor(
    name: str,
    proxy: str | None = None,
    label: str | None = None,
    fields: tuple[str, ...] = ("close",),
) -> Callable[[ScoreFunction], ScoreFunction]:
    """Register a function as a factor; it is returned unchanged.

    Parameters
    ----------
    name : str
        Name in the configuration: lower case letters, digits and underscores.
    proxy : str, optional
        Name of the stand-in measure that the function computes, where it is one. It is used
        only where a configuration asks for it.
    label : str, optional
        Text for tables and plots; of a proxy, what the measure is called.
    fields : tuple of str
        Panel fields that the function needs.

    Raises
    ------
    ConfigError
        If the name is taken, reserved or not a name, or the function has a parameter that the
        configuration keeps for itself.

    Examples
    --------
    >>> @factor("reversal", label="Short-term reversal")
    ... def reversal(panel, lookback: int = 21):
    ...     ...
    """

    def register(function: ScoreFunction) -> ScoreFunction:
        entry = Factor(name, function, proxy, label or "", tuple(fields))
        _check_entry(entry)
        _REGISTRY[name, proxy] = entry
        return function

    return register


def get_factor(name: str, proxy: str | None = None) -> Factor:
    """The factor registered as `name`, or its `proxy` where one is asked for.

    Raises
    ------
    ConfigError
        If there is none, with the nearest name.
    """
    entry = _REGISTRY.get((name, proxy))
    if entry is not None:
        return entry
    names = sorted({known for known, _ in _REGISTRY})
    if name not in names:
        raise ConfigError(f"factors.{name}: no factor of this name", remedy_for(name, names))
    proxies = proxies_of(name)
    if proxy is None:
        raise ConfigError(
            f"factors.{name} exists as a proxy only", f"set factors.{name}.proxy: {proxies[0]}"
        )
    remedy = remedy_for(proxy, proxies) if proxies else f"{name} has no proxy; remove the key"
    raise ConfigError(f"factors.{name}.proxy: {name} has no proxy named {proxy}", remedy)


def known_factors() -> tuple[Factor, ...]:
    """Every registered factor and proxy, sorted by column and proxy."""
    return tuple(sorted(_REGISTRY.values(), key=lambda entry: (entry.column, entry.proxy or "")))


def proxies_of(name: str) -> list[str]:
    """Names of the proxies of a factor, sorted."""
    return sorted(proxy for known, proxy in _REGISTRY if known == name and proxy is not None)


def check_fields(factor: Factor, panel: Panel, data_set: str = "the data set") -> None:
    """Refuse a factor whose fields the panel does not have.

    Parameters
    ----------
    factor : Factor
    panel : Panel
    data_set : str
        The data set's name in the error, ``data/sp500_crypto``.

    Raises
    ------
    ConfigError
        Naming the factor, the absent fields, the data set and the remedy.
    """
    absent = [field for field in factor.fields if not panel.available(field)]
    if not absent:
        return
    problem = f"{factor.name} needs {', '.join(absent)}, which {data_set} lacks"
    for proxy in proxies_of(factor.name):
        if all(panel.available(field) for field in _REGISTRY[factor.name, proxy].fields):
            raise ConfigError(problem, f"ask for a proxy: factors.{factor.name}.proxy: {proxy}")
    raise ConfigError(problem, f"remove factors.{factor.name}, or use a data set that has them")


def check_parameters(factor: Factor, parameters: Mapping[str, object]) -> None:
    """Refuse parameters that the factor's function does not take, or of the wrong type.

    Relations between values (a skip beyond the lookback) are checked by the function itself.

    Raises
    ------
    ConfigError
        Naming the configuration key, with the nearest parameter or the type expected.
    """
    hints = parameter_hints(factor.function)
    signature = inspect.signature(factor.function)
    open_ended = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    for name, value in parameters.items():
        place = f"factors.{factor.name}.{name}"
        if name not in factor.parameters and not open_ended:
            problem = f"{place}: {factor.column} has no parameter {name}"
            raise ConfigError(problem, remedy_for(name, (*factor.parameters, *_CONFIG_KEYS)))
        if name in hints and not is_instance(value, hints[name]):
            raise ConfigError(
                f"{place}: {value!r} is not {type_name(hints[name])}", "correct the value"
            )
    for name in factor.parameters:
        required = signature.parameters[name].default is inspect.Parameter.empty
        if required and name not in parameters and not open_ended:
            raise ConfigError(
                f"factors.{factor.name}: {factor.column} needs the parameter {name}",
                f"set factors.{factor.name}.{name}",
            )


def _check_entry(entry: Factor) -> None:
    for name in (entry.name, entry.proxy):
        if name is not None and (not _NAME.fullmatch(name) or name in _RESERVED):
            raise ConfigError(
                f"factor name {name!r} is reserved or not made of a-z, 0-9 and _",
                "choose another name in @factor",
            )
    clash = next((key for key in _CONFIG_KEYS if key in entry.parameters), None)
    if clash is not None:
        raise ConfigError(
            f"factor {entry.column}: its parameter {clash} is a key of every factor",
            "rename the parameter",
        )
    for known in _REGISTRY.values():
        same = (known.name, known.proxy) == (entry.name, entry.proxy)
        mixed = known.column == entry.column and known.name != entry.name
        if (same and not _redefinition(known, entry)) or mixed:
            raise ConfigError(
                f"factor {entry.column} of {entry.function.__module__} is taken by "
                f"{known.function.__module__}",
                "choose another name in @factor",
            )


def _redefinition(known: Factor, entry: Factor) -> bool:
    """Whether a notebook cell or script defines its own function once more."""
    return known.function.__module__ == entry.function.__module__ == "__main__"


def _words(name: str) -> str:
    return name.replace("_", " ")
