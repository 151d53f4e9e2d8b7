"""Volatility, in all and beyond the market's: calm assets score high."""

from __future__ import annotations

from typing import Literal

import numpy as np

from factors.market import market_returns
from factors.moments import Moments, deviation
from factors.registry import factor
from factors.rolling import moving, moving_max
from factors.windows import (
    asked_rows,
    check_observations,
    check_window,
    hide_stale,
    returns_reader,
    spread,
)
from feeds.panel import Panel

__all__ = ["idiosyncratic_volatility", "low_maximum_return", "low_volatility"]

#: One month, in sessions.
_MONTH = {"XNYS": 21, "24/7": 30}
#: Part of the variance below which what the market leaves over is rounding.
_NOTHING = 1e-12


@factor("volatility", label="Low volatility", fields=("close",))
def low_volatility(
    panel: Panel,
    lookback: int | None = None,
    min_observations: int | None = None,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Minus the sample standard deviation of the last `lookback` sessions' returns.

    Parameters
    ----------
    panel : Panel
    lookback : int, optional
        Sessions, the current one included; 252 on XNYS and 365 on 24/7.
    min_observations : int, optional
        Fewest returns within them, at least 2; half the lookback unless given.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        Minus the deviation of one bar's simple return. Sessions without a bar have no return:
        the next bar's return spans them (on 24/7, a stock's Monday holds the weekend). NaN
        with fewer than `min_observations`, and where the asset has no bar within the week
        before t. On XNYS a coin's return after a weekend is that of three days, so that a coin
        is to be compared with coins.

    Raises
    ------
    ConfigError
        If the window cannot hold the observations asked for.

    References
    ----------
    Blitz and van Vliet (2007), "The Volatility Effect", Journal of Portfolio Management 34.
    """
    lookback = panel.periods_per_year if lookback is None else lookback
    check_window("volatility", lookback)
    needed = check_observations("volatility", lookback, min_observations)
    at = asked_rows(panel, rows)

    def finish(found: Moments) -> np.ndarray:
        return 0.0 - deviation(found, needed)

    scores = moving(returns_reader(panel), panel.shape, lookback, finish, rows)
    return spread(panel, at, hide_stale(panel, at, scores))


@factor("idiosyncratic_volatility", label="Low idiosyncratic volatility", fields=("close",))
def idiosyncratic_volatility(
    panel: Panel,
    lookback: int | None = None,
    min_observations: int | None = None,
    market: Literal["equal", "cap"] = "equal",
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Minus the standard error of a regression of returns on the market's, over one month.

    The market is that of the asset's own class, where the authors use the three factors of
    Fama and French; ``sqrt(sum e^2 / (n - 2))`` with e the residuals of n sessions.

    Parameters
    ----------
    panel : Panel
    lookback : int, optional
        Sessions, the current one included; 21 on XNYS and 30 on 24/7.
    min_observations : int, optional
        Fewest returns within them, at least 3; half the lookback unless given.
    market : {"equal", "cap"}
        How assets are weighted in their market, see :func:`factors.market.market_returns`.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        Minus the deviation of one bar's residual return; 0 where the market explains all, as it
        does for the only asset of a class. NaN with fewer returns, where the market does not
        vary, and where the asset has no bar within the week before t.

    Raises
    ------
    ConfigError
        If the window cannot hold the observations asked for, or caps are not known.

    References
    ----------
    Ang, Hodrick, Xing and Zhang (2006), Journal of Finance 61.
    """
    lookback = _MONTH[panel.calendar] if lookback is None else lookback
    check_window("idiosyncratic_volatility", lookback)
    needed = check_observations("idiosyncratic_volatility", lookback, min_observations, 3)
    at = asked_rows(panel, rows)

    def finish(found: Moments) -> np.ndarray:
        moved = np.where(found.other_square > 0.0, found.other_square, np.nan)
        left = found.square - found.cross * found.cross / moved
        left = np.where(left <= _NOTHING * found.square, 0.0 * left, left)
        score = 0.0 - np.sqrt(left / (found.count - 2.0))
        return np.where(found.count >= needed, score, np.nan)

    scores = np.full((len(at), panel.shape[1]), np.nan)
    read = returns_reader(panel)
    for columns, returns in market_returns(panel, market):
        moving(
            read, panel.shape, lookback, finish, rows, other=returns, columns=columns, out=scores
        )
    return spread(panel, at, hide_stale(panel, at, scores))


@factor("max_return", label="Low maximum return", fields=("close",))
def low_maximum_return(
    panel: Panel,
    lookback: int | None = None,
    min_observations: int | None = None,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Minus the largest session's return of the past month: what looks like a lottery is dear.

    Parameters
    ----------
    panel : Panel
    lookback : int, optional
        Sessions, the current one included; 21 on XNYS and 30 on 24/7.
    min_observations : int, optional
        Fewest returns within them; half the lookback unless given.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        Minus a simple return. NaN with fewer returns, and where the asset has no bar within the
        week before t.

    Raises
    ------
    ConfigError
        If the window cannot hold the observations asked for.

    References
    ----------
    Bali, Cakici and Whitelaw (2011), "Maxing Out", Journal of Financial Economics 99: MAX(1).
    """
    lookback = _MONTH[panel.calendar] if lookback is None else lookback
    check_window("max_return", lookback)
    needed = check_observations("max_return", lookback, min_observations, 1)
    at = asked_rows(panel, rows)
    read = returns_reader(panel)
    scores = moving_max(read, lookback, rows, needed, panel.shape)
    np.subtract(0.0, scores, out=scores)
    return spread(panel, at, hide_stale(panel, at, scores))
