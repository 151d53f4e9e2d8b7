"""Limits and weightings that a configuration asks for, against what the data set has."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from configs.construction import largest_side
from configs.portfolio import PortfolioConfig
from configs.schema import BacktestConfig
from feeds.errors import ConfigError
from feeds.panel import Panel
from feeds.suggestions import remedy_for
from strategies.limit_rows import sector_labels
from strategies.portfolio_rules import OTHERS

__all__ = ["check_limits"]

#: Rounding that no limit is refused for.
_ROUNDING = 1e-9


def check_limits(config: BacktestConfig, panel: Panel, symbols: Collection[str]) -> None:
    """Refuse limits that the data set cannot tell of, or under which gross is out of reach.

    Parameters
    ----------
    config : BacktestConfig
    panel : Panel
        The universe.
    symbols : collection of str
        All symbols of the data set, those outside the universe too.

    Raises
    ------
    ConfigError
        Naming the key, what is missing and the nearest that would do.
    """
    portfolio, where = config.portfolio, config.data.dir
    if portfolio.weighting == "cap" and not panel.available("market_cap"):
        raise ConfigError(
            f"portfolio.weighting cap needs market_cap, which {where} lacks",
            "choose another weighting, or ingest shares outstanding with --fundamentals",
        )
    _check_sectors(portfolio, panel, where)
    market = portfolio.neutral.market
    if portfolio.neutral.beta is not None and market not in ("equal_weight", *symbols):
        raise ConfigError(
            f"portfolio.neutral.market: {market!r} is not in {where}",
            remedy_for(market, ("equal_weight", *symbols)),
        )
    _check_room(portfolio, panel)
    _check_quantile(portfolio, panel)


def _check_sectors(portfolio: PortfolioConfig, panel: Panel, where: str) -> None:
    asked = {
        "max_sector_weight": bool(portfolio.max_sector_weight),
        "neutral.sector": portfolio.neutral.sector,
    }
    for key in [key for key, given in asked.items() if given]:
        if panel.sector is None:
            raise ConfigError(
                f"portfolio.{key} needs sectors, which {where} lacks",
                f"remove portfolio.{key}, or give the data set sectors: runs.ingest --sectors",
            )
    if not portfolio.max_sector_weight:
        return
    known = np.unique(sector_labels(panel.sector, panel.asset_class)).tolist()
    for name in portfolio.max_sector_weight:
        if name != OTHERS and name not in known:
            raise ConfigError(
                f"portfolio.max_sector_weight.{name}: the universe has no such sector",
                remedy_for(name, [*known, OTHERS]),
            )


def _check_room(portfolio: PortfolioConfig, panel: Panel) -> None:
    """Caps that leave no room for gross, whichever assets are chosen."""
    classes = np.unique(panel.asset_class).tolist()
    groups = {"max_class_weight": {name: portfolio.max_class_weight.get(name) for name in classes}}
    if portfolio.max_sector_weight:
        others = portfolio.max_sector_weight.get(OTHERS)
        labels = np.unique(sector_labels(panel.sector, panel.asset_class)).tolist()
        caps = {name: portfolio.max_sector_weight.get(name, others) for name in labels}
        groups["max_sector_weight"] = caps
    for key, caps in groups.items():
        if None in caps.values():
            continue
        room, gross = sum(caps.values()), portfolio.gross
        if room < gross - _ROUNDING:
            what = " + ".join(f"{name} {cap:g}" for name, cap in list(caps.items())[:4])
            what += " + ..." if len(caps) > 4 else ""
            raise ConfigError(
                f"portfolio.{key} {what} = {room:g} cannot reach gross {gross:g}",
                f"lower portfolio.gross to {room:g}, or raise the caps by {gross - room:.4g}",
            )


def _check_quantile(portfolio: PortfolioConfig, panel: Panel) -> None:
    """A cap under which a side is out of reach even where every asset is ranked."""
    quantile, cap = portfolio.select.quantile, portfolio.max_weight
    if quantile is None or portfolio.weighting in ("mean_variance", "factor_risk_parity"):
        return
    least = getattr(portfolio.min_breadth, portfolio.side)
    for name, share in (portfolio.sleeves or {"": 1.0}).items():
        ranked = int((panel.asset_class == name).sum()) if name else panel.shape[1]
        count = max(1, int(ranked * quantile + _ROUNDING))
        needed = share * largest_side(portfolio)
        # A sleeve that is always thin is not selected by quantile.
        if ranked >= least and count * cap < needed - _ROUNDING:
            of = f"the {ranked} {name}".rstrip() + " assets"
            raise ConfigError(
                f"portfolio.max_weight {cap:g} x {count} assets a side ({quantile:g} of {of}) "
                f"cannot reach {needed:g} a side",
                f"raise max_weight to {needed / count:.4g}, or select a larger quantile",
            )
