"""Liquidity: assets whose price moves for little trade, or that change hands seldom, score high."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from factors.moments import Moments
from factors.ratios import ratio
from factors.registry import factor
from factors.rolling import moving
from factors.tiles import Columns, take_columns
from factors.windows import (
    asked_rows,
    check_observations,
    check_window,
    hide_stale,
    returns_reader,
    spread,
    traded_reader,
)
from feeds.panel import Panel

__all__ = ["illiquidity", "low_turnover"]

#: Three months, in sessions.
_QUARTER = {"XNYS": 63, "24/7": 90}


@factor("illiquidity", label="Illiquidity", fields=("close", "volume"))
def illiquidity(
    panel: Panel,
    lookback: int | None = None,
    min_observations: int | None = None,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Log of the mean absolute return a unit of traded value: log(mean(abs(r) / traded)).

    Parameters
    ----------
    panel : Panel
    lookback : int, optional
        Sessions, the current one included; 252 on XNYS and 365 on 24/7.
    min_observations : int, optional
        Fewest sessions with a return and trade within them; half the lookback unless given.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        A log of 1 / currency. Sessions without trade do not count. NaN with fewer sessions,
        where the price never moved, and where the asset has no bar within the week before t.
        On XNYS a coin's bar after a weekend holds the return and the volume of three days.

    Raises
    ------
    ConfigError
        If the window cannot hold the observations asked for.

    References
    ----------
    Amihud (2002), Journal of Financial Markets 5; the log keeps ranks and tames the tail.
    """
    lookback = panel.periods_per_year if lookback is None else lookback
    check_window("illiquidity", lookback)
    needed = check_observations("illiquidity", lookback, min_observations, 1)
    at = asked_rows(panel, rows)
    returns, traded = returns_reader(panel), traded_reader(panel)

    def read(first: int, stop: int, columns: Columns) -> np.ndarray:
        impact = returns(first, stop, columns)
        return ratio(np.abs(impact, out=impact), traded(first, stop, columns))

    scores = moving(read, panel.shape, lookback, _log_of(needed), rows, squares=False)
    return spread(panel, at, hide_stale(panel, at, scores))


@factor("share_turnover", label="Low share turnover", fields=("close", "volume", "market_cap"))
def low_turnover(
    panel: Panel,
    lookback: int | None = None,
    min_observations: int | None = None,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Minus the log of the mean share of the company, or of the coins, that changes hands.

    -log(mean(traded value / market cap)), which is volume over shares outstanding.

    Parameters
    ----------
    panel : Panel
    lookback : int, optional
        Sessions, the current one included; 63 on XNYS and 90 on 24/7.
    min_observations : int, optional
        Fewest sessions within them on which both are known; half the lookback unless given.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        Minus the log of a share a session. NaN with fewer sessions, where nothing was traded,
        and where the asset has no bar within the week before t. On XNYS a coin's bar after a
        weekend holds the volume of three days.

    Raises
    ------
    ConfigError
        If the window cannot hold the observations asked for.

    References
    ----------
    Datar, Naik and Radcliffe (1998), Journal of Financial Markets 1.
    """
    lookback = _QUARTER[panel.calendar] if lookback is None else lookback
    check_window("share_turnover", lookback)
    needed = check_observations("share_turnover", lookback, min_observations, 1)
    at = asked_rows(panel, rows)
    traded = traded_reader(panel)

    def read(first: int, stop: int, columns: Columns) -> np.ndarray:
        caps = take_columns(panel.market_cap[first:stop], columns)
        return ratio(traded(first, stop, columns), caps)

    scores = moving(read, panel.shape, lookback, _log_of(needed, -1.0), rows, squares=False)
    return spread(panel, at, hide_stale(panel, at, scores))


def _log_of(needed: int, sign: float = 1.0) -> Callable[[Moments], np.ndarray]:
    """Log of the mean, with a sign; NaN with fewer rows, and where the mean is not positive."""

    def finish(found: Moments) -> np.ndarray:
        if not (found.count.min() >= needed and found.mean.min() > 0.0):
            found.mean[~((found.count >= needed) & (found.mean > 0.0))] = np.nan
        logs = np.log(found.mean, out=found.mean)
        return logs if sign > 0 else np.negative(logs, out=logs)

    return finish
