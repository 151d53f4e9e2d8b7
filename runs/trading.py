"""How a configuration's weights become tickets: rules, stops, ticks, and what can be borrowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from configs.execution import BorrowConfig
from configs.schema import BacktestConfig
from feeds.errors import ConfigError
from feeds.panel import Panel
from feeds.suggestions import remedy_for
from feeds.universe import Floors
from strategies.execution.capacity import check_participation
from strategies.trading import OrderRules

if TYPE_CHECKING:
    from strategies.execution.ticks import Ticks
    from strategies.stops import StopRules

__all__ = [
    "borrowable",
    "check_spread",
    "order_rules",
    "participation_rates",
    "printed_ticks",
    "stop_rules",
]


def order_rules(config: BacktestConfig) -> OrderRules:
    """How weights become tickets."""
    portfolio, execution = config.portfolio, config.execution
    stops = portfolio.stops
    return OrderRules(
        lots=execution.lots,
        fill=execution.fill,
        no_trade_band=portfolio.no_trade_band,
        band_to=portfolio.band_to,
        trade_fraction=portfolio.trade_fraction,
        turnover_budget=portfolio.turnover_budget,
        min_ticket=execution.min_ticket,
        spread_over=execution.spread_over,
        barred="cash" if stops is None else stops.barred,
    )


def stop_rules(config: BacktestConfig) -> StopRules | None:
    """When holdings are given up between rebalances; None for never."""
    stops = config.portfolio.stops
    if stops is None:
        return None
    from strategies.stops import StopRules

    return StopRules(
        loss=stops.loss,
        trailing=stops.trailing,
        drawdown=stops.drawdown,
        drawdown_lookback=stops.drawdown_lookback,
        cool_off=None if stops.cool_off == "next_rebalance" else stops.cool_off,
    )


def printed_ticks(config: BacktestConfig, panel: Panel) -> Ticks | None:
    """Steps of printed prices; None where none are asked for."""
    if not config.execution.ticks:
        return None
    from strategies.execution.ticks import make_ticks

    return make_ticks(panel, config.execution.ticks, config.data.dir)


def participation_rates(config: BacktestConfig, panel: Panel) -> float | np.ndarray | None:
    """Largest shares of a session's volume: one for all, (N,) with NaN for no cap, or None.

    Raises
    ------
    ConfigError
        If no volume is known of a class that has a cap.
    """
    rate, data = config.execution.participation_rate, config.data.dir
    if not isinstance(rate, dict):
        check_participation(panel, rate, data)
        return rate
    rates = np.full(panel.shape[1], np.nan)
    for name, own in sorted(rate.items()):
        members = np.flatnonzero(panel.asset_class == name)
        if len(members):
            check_participation(panel.select(members), own, data)
        rates[members] = own
    return rates


def check_spread(sessions: int, rows: np.ndarray, dates: np.ndarray) -> None:
    """Refuse to spread a rebalance beyond the next one.

    Parameters
    ----------
    sessions : int
        ``execution.spread_over``.
    rows : (R,) int array
        Decision rows.
    dates : (T,) datetime64 array
        Sessions of the panel.

    Raises
    ------
    ConfigError
        If two decisions are fewer sessions apart.
    """
    gaps = np.diff(rows)
    if sessions > 1 and len(gaps) and int(gaps.min()) < sessions:
        at = int(gaps.argmin())
        raise ConfigError(
            f"execution.spread_over {sessions} is longer than the {gaps[at]} sessions from the "
            f"rebalance of {dates[rows[at]]} to that of {dates[rows[at + 1]]}",
            f"set it to {gaps[at]} or less, or rebalance less often",
        )


def borrowable(
    config: BacktestConfig,
    panel: Panel,
    rows: np.ndarray,
    above: Callable[[Floors], np.ndarray],
) -> np.ndarray | None:
    """What can be sold short on each decision row.

    Parameters
    ----------
    config : BacktestConfig
    panel : Panel
    rows : (R,) int array
        Decision rows.
    above : callable
        Floors to the (T, N) bool mask of the assets that reach them.

    Returns
    -------
    (R, N) bool array or None
        As known on each row; None where everything can be borrowed. An asset without a bar on
        the row is not asked for floors, so that a hole in the data covers no short.

    Raises
    ------
    ConfigError
        If the data set lacks what is asked for.
    """
    wanted = config.execution.short_available
    if all(entry is True for entry in wanted.values()):
        return None
    mask = np.ones((len(rows), panel.shape[1]), dtype=bool)
    for name, entry in sorted(wanted.items(), key=lambda item: item[0]):
        members = panel.asset_class == name
        if isinstance(entry, BorrowConfig):
            mask[:, members] = _reached(entry, name, panel, rows, above, config.data.dir)[
                :, members
            ]
        elif not entry:
            mask[:, members] = False
    return mask


def _reached(
    entry: BorrowConfig,
    name: str,
    panel: Panel,
    rows: np.ndarray,
    above: Callable[[Floors], np.ndarray],
    data: str,
) -> np.ndarray:
    """(R, N) what reaches the floors of a class."""
    place = f"execution.short_available.{name}"
    if entry.min_market_cap > 0 and panel.market_cap is None:
        raise ConfigError(
            f"{place}.min_market_cap: {data} has no market caps",
            "use min_dollar_volume, or a data set with market_cap",
        )
    reached = np.ones((len(rows), panel.shape[1]), dtype=bool)
    if entry.min_market_cap > 0 or entry.min_dollar_volume > 0:
        floors = _Floors(entry.min_market_cap, entry.min_dollar_volume)
        present = (panel.member & panel.tradable)[rows]
        reached = above(floors)[rows] | ~present
    if entry.figure is not None:
        if entry.figure not in panel.figures:
            known = panel.figures
            raise ConfigError(
                f"{place}.figure: {data} has no figure {entry.figure!r}",
                remedy_for(entry.figure, known) if known else "ingest the set with --figures",
            )
        # What is not known cannot be counted on.
        reached &= np.nan_to_num(panel.figure(entry.figure)[rows], nan=0.0) > 0
    return reached


class _Floors:
    """Floors of market cap and traded value alone."""

    min_price, min_age = 0.0, 0

    def __init__(self, min_market_cap: float, min_dollar_volume: float) -> None:
        self.min_market_cap, self.min_dollar_volume = min_market_cap, min_dollar_volume
