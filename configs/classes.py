"""Asset classes that a configuration names, against those that the data set has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from configs.schema import BacktestConfig
from feeds.errors import ConfigError
from feeds.suggestions import remedy_for

__all__ = ["check_asset_classes"]

#: Named by defaults and shared settings even where the data set has one of them only.
_COMMON = ("equity", "crypto")


def check_asset_classes(config: BacktestConfig, present: Iterable[str]) -> None:
    """Refuse settings for an asset class that does not exist: they would do nothing.

    Parameters
    ----------
    config : BacktestConfig
    present : iterable of str
        Classes of the data set's assets.

    Raises
    ------
    ConfigError
        Naming the key and the classes there are.
    """
    known = sorted({*_COMMON, *present})
    for place, name in _named(config):
        if name not in known:
            raise ConfigError(
                f"{place}.{name}: there is no asset class of this name", remedy_for(name, known)
            )


def _named(config: BacktestConfig) -> Iterator[tuple[str, str]]:
    """(dotted place, class) of each class that is a key."""
    portfolio, costs = config.portfolio, config.costs
    for place, given in (
        ("portfolio.sleeves", portfolio.sleeves or {}),
        ("portfolio.max_class_weight", portfolio.max_class_weight),
        ("portfolio.neutral.asset_class", _without_all(portfolio.neutral.asset_class)),
        ("execution.lots", config.execution.lots),
        ("execution.ticks", config.execution.ticks),
        ("execution.min_ticket", config.execution.min_ticket),
        ("execution.short_available", config.execution.short_available),
        ("execution.participation_rate", _by_class(config.execution.participation_rate)),
        ("costs.commission", costs.commission),
        ("costs.slippage", costs.slippage),
        ("costs.carry.borrow_annual", costs.carry.borrow_annual),
        ("costs.carry.funding_annual", costs.carry.funding_annual),
    ):
        yield from ((place, name) for name in given)


def _without_all(names: Iterable[str]) -> list[str]:
    return [name for name in names if name != "all"]


def _by_class(value: object) -> dict:
    """A setting by class; nothing where it is one for all."""
    return value if isinstance(value, dict) else {}
