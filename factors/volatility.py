"""Volatility: calm assets score high."""

from __future__ import annotations

import numpy as np

from factors.registry import factor
from factors.windows import asked_rows, check_window, is_fresh, session_returns, spread
from feeds.errors import ConfigError
from feeds.panel import Panel

__all__ = ["low_volatility"]


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
        before t.

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
    needed = max(2, lookback // 2) if min_observations is None else min_observations
    if not 2 <= needed <= lookback:
        raise ConfigError(
            f"factors.volatility: min_observations {needed} does not fit a lookback of {lookback}",
            "choose 2 or more, and no more than the lookback",
        )
    at = asked_rows(panel, rows)
    returns = session_returns(panel)
    deviations = np.empty((len(at), panel.shape[1]))
    for line, row in enumerate(at):
        deviations[line] = _deviation(returns[max(0, row - lookback + 1) : row + 1], needed)
    return spread(panel, at, np.where(is_fresh(panel, at), 0.0 - deviations, np.nan))


def _deviation(returns: np.ndarray, needed: int) -> np.ndarray:
    """Sample deviation of each column of (W, N) over its known values; else NaN."""
    known = np.isfinite(returns)
    count = known.sum(axis=0)
    enough = count >= needed
    mean = np.where(known, returns, 0.0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(known, returns - mean, 0.0) ** 2
    deviation = np.sqrt(squares.sum(axis=0) / np.maximum(count - 1, 1))
    return np.where(enough, deviation, np.nan)
