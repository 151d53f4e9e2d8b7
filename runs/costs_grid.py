"""The schemes that a cost study compares: a default choice that fits the data, or a file's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from configs.schema import BacktestConfig
from configs.yaml_reader import read_yaml, shorten
from feeds.errors import ConfigError
from feeds.panel import Panel
from feeds.suggestions import remedy_for
from strategies.execution.costs import make_trading_costs
from strategies.execution.registry import COMMISSIONS, SLIPPAGES
from strategies.execution.schemes import make_scheme

__all__ = ["CONFIGURED", "CostGrid", "NamedSchemes", "default_grid", "fit_grid", "read_grid"]

#: The name of the configuration's own schemes, the base of every comparison.
CONFIGURED = "as configured"
_KINDS = ("commission", "slippage")
_REGISTRIES = {"commission": COMMISSIONS, "slippage": SLIPPAGES}
_MOST = 24

#: Default candidates: name to the entry of each class, ``*`` for the classes not named. A class
#: without an entry keeps its configured one; what the data cannot bear is left out and listed.
_COMMISSIONS: dict[str, dict[str, dict[str, Any]]] = {
    "none": {"*": {"scheme": "none"}},
    "5 bps": {"*": {"scheme": "percent", "bps": 5}},
    "20 bps": {"*": {"scheme": "percent", "bps": 20}},
    "1 a ticket": {"*": {"scheme": "fixed", "amount": 1}},
    "IBKR Pro fixed, equity": {"equity": {"scheme": "ibkr_pro_fixed"}},
    "Kraken Pro, crypto": {"crypto": {"scheme": "kraken_pro"}},
}
_SLIPPAGES: dict[str, dict[str, dict[str, Any]]] = {
    "none": {"*": {"scheme": "none"}},
    "2 bps": {"*": {"scheme": "bps", "bps": 2}},
    "10 bps": {"*": {"scheme": "bps", "bps": 10}},
    "25 bps": {"*": {"scheme": "bps", "bps": 25}},
    "half spread": {"*": {"scheme": "half_spread"}},
    "square root": {"*": {"scheme": "square_root"}},
    "volume share": {"*": {"scheme": "volume_share"}},
}


@dataclass(frozen=True)
class NamedSchemes:
    """One axis entry of the grid.

    Parameters
    ----------
    name : str
    entries : mapping
        Asset class to ``{scheme: ..., parameter: ...}``; a class not named trades free.
    """

    name: str
    entries: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class CostGrid:
    """Commission and slippage schemes to be crossed, and what was left out.

    Parameters
    ----------
    commission, slippage : tuple of NamedSchemes
        The configuration's own first.
    left_out : tuple of (kind, name, asset class, reason)
    """

    commission: tuple[NamedSchemes, ...]
    slippage: tuple[NamedSchemes, ...]
    left_out: tuple[tuple[str, str, str, str], ...] = field(default=())


def default_grid(config: BacktestConfig, panel: Panel) -> CostGrid:
    """The configuration's own schemes beside common ones, as far as the data bear them.

    A class that lacks the fields of a scheme keeps its configured one; a scheme that no class
    can use is left out.
    """
    classes = sorted(set(panel.asset_class.tolist()))
    chosen: dict[str, list[NamedSchemes]] = {}
    left_out: list[tuple[str, str, str, str]] = []
    for kind, candidates in zip(_KINDS, (_COMMISSIONS, _SLIPPAGES)):
        own = _configured(config, kind, classes)
        chosen[kind] = [NamedSchemes(CONFIGURED, own)]
        for name, by_class in candidates.items():
            asked = {label: by_class.get(label, by_class.get("*")) for label in classes}
            asked = {label: entry for label, entry in asked.items() if entry is not None}
            reasons = {
                label: _refusal(panel, label, kind, entry, config) for label, entry in asked.items()
            }
            left_out += [(kind, name, label, why) for label, why in reasons.items() if why]
            fitting = {label: entry for label, entry in asked.items() if not reasons[label]}
            entries = own | fitting
            if not fitting or entries in [other.entries for other in chosen[kind]]:
                continue
            only = "" if len(fitting) == len(asked) else f", {' and '.join(fitting)} only"
            chosen[kind].append(NamedSchemes(f"{name}{only}", entries))
    return CostGrid(*(tuple(chosen[kind]) for kind in _KINDS), tuple(left_out))


def read_grid(path: str) -> dict[str, list[NamedSchemes]]:
    """The schemes of a grid file: ``commission`` and ``slippage``, names to entries by class.

    Raises
    ------
    ConfigError
        If the file is missing or not strict YAML, or a key, name or entry is none.
    """
    data = read_yaml(path).data
    form = "write commission: {name: {equity: {scheme: percent, bps: 5}}} and slippage: likewise"
    if not isinstance(data, dict) or not data:
        raise ConfigError(f"{path}: is no grid of schemes", form)
    found: dict[str, list[NamedSchemes]] = {kind: [] for kind in _KINDS}
    for kind, named in data.items():
        if kind not in _KINDS:
            raise ConfigError(f"{path}: unknown key {shorten(kind)}", remedy_for(kind, _KINDS))
        if not isinstance(named, dict) or not named:
            raise ConfigError(f"{path}: {kind} is no mapping of names to schemes", form)
        if len(named) > _MOST:
            raise ConfigError(
                f"{path}: {kind} has {len(named)} schemes, above {_MOST}", "make two studies"
            )
        for name, entries in named.items():
            found[kind].append(
                NamedSchemes(name, _entries(f"{path}: {kind}.{name}", name, entries))
            )
    return found


def fit_grid(
    config: BacktestConfig, panel: Panel, given: Mapping[str, Sequence[NamedSchemes]]
) -> CostGrid:
    """A file's schemes beside the configuration's own, each checked against the data.

    A scheme whose fields a class lacks is left out as a whole, since its numbers would be those
    of another.

    Raises
    ------
    ConfigError
        If an asset class, a scheme or a parameter is unknown.
    """
    classes = sorted(set(panel.asset_class.tolist()))
    chosen: dict[str, list[NamedSchemes]] = {}
    left_out: list[tuple[str, str, str, str]] = []
    for kind in _KINDS:
        chosen[kind] = [NamedSchemes(CONFIGURED, _configured(config, kind, classes))]
        for schemes in given.get(kind, ()):
            reasons = []
            for label, entry in schemes.entries.items():
                place = f"{kind}.{schemes.name}.{label}"
                if label not in classes:
                    raise ConfigError(
                        f"{place}: the universe has no asset of this class",
                        remedy_for(label, classes),
                    )
                make_scheme(_REGISTRIES[kind], entry, place)
                reason = _refusal(panel, label, kind, entry, config)
                if reason:
                    reasons.append((kind, schemes.name, label, reason))
            left_out += reasons
            if not reasons:
                chosen[kind].append(schemes)
    return CostGrid(*(tuple(chosen[kind]) for kind in _KINDS), tuple(left_out))


def _configured(
    config: BacktestConfig, kind: str, classes: Sequence[str]
) -> dict[str, Mapping[str, Any]]:
    given = getattr(config.costs, kind)
    return {label: given.get(label, {"scheme": "none"}) for label in classes}


def _refusal(
    panel: Panel, label: str, kind: str, entry: Mapping[str, Any], config: BacktestConfig
) -> str:
    """Why the assets of a class cannot trade under a scheme; empty where they can."""
    entries = {kind: {label: entry}}
    members = panel.select(panel.asset_class == label)
    try:
        make_trading_costs(
            members, entries.get("commission", {}), entries.get("slippage", {}), config.data.dir
        )
    except ConfigError as error:
        return error.problem.removeprefix(f"costs.{kind}.{label}: ")
    return ""


def _entries(place: str, name: str, given: Any) -> dict[str, Mapping[str, Any]]:
    if name == CONFIGURED:
        raise ConfigError(f"{place}: this name is taken", "the configuration's own is always there")
    if not name.isprintable() or not name.strip() or len(name) > 40:
        raise ConfigError(f"{shorten(place)}: no name for a scheme", "use up to 40 plain letters")
    given = {} if given is None else given
    if not isinstance(given, dict):
        raise ConfigError(f"{place} is no mapping of classes", "write {equity: {scheme: none}}")
    for label, entry in given.items():
        if not isinstance(entry, dict):
            raise ConfigError(
                f"{place}.{label} is no mapping of keys", "write {scheme: percent, bps: 5}"
            )
    return given
