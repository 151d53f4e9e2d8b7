"""Time-series momentum and the 52-week high: an asset against its own past."""

from __future__ import annotations

import numpy as np

from factors.moments import in_deviations, window_moments
from factors.registry import factor
from factors.rolling import moving_max
from factors.tiles import array_reader
from factors.windows import (
    asked_rows,
    check_window,
    close_before,
    growth_between,
    hide_stale,
    parts,
    returns_reader,
    spread,
)
from feeds.panel import Panel

__all__ = ["high_52w", "trend"]

_YEAR = {"XNYS": 252, "24/7": 365}
#: Half a year: a plain window of it is as old on average, 62 sessions, as the authors'
#: exponential weights with a centre of mass of 60 days, and forgets what has left it.
_HALF_YEAR = {"XNYS": 126, "24/7": 182}


@factor("trend", label="Time-series momentum", fields=("close",))
def trend(
    panel: Panel,
    lookback: int | None = None,
    volatility_lookback: int | None = None,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Return of the past year in units of its volatility: (P(t)/P(t-lookback) - 1) / s.

    s is the sample deviation of one session's returns over `volatility_lookback` sessions
    times the square root of `lookback`. The sign is the authors' signal: long where it is
    positive, short where it is negative; the size is how sure the trend is.

    Parameters
    ----------
    panel : Panel
    lookback : int, optional
        Sessions back to the start of the window; 252 on XNYS and 365 on 24/7. No month is
        skipped.
    volatility_lookback : int, optional
        Sessions of the deviation; 126 on XNYS and 182 on 24/7. Half of them must be known.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        A plain number. NaN as for momentum, and where the returns do not vary.

    Raises
    ------
    ConfigError
        If a window is empty.

    References
    ----------
    Moskowitz, Ooi and Pedersen (2012), Journal of Financial Economics 104.
    """
    lookback = _YEAR[panel.calendar] if lookback is None else lookback
    risk = _HALF_YEAR[panel.calendar] if volatility_lookback is None else volatility_lookback
    check_window("trend", lookback)
    check_window("trend", risk)
    at = asked_rows(panel, rows)
    growth = growth_between(panel, at, lookback, 0, lambda part: np.subtract(part, 1.0, out=part))
    read = returns_reader(panel)
    for tile, found in window_moments(read, panel.shape, risk, rows):
        tile.put(growth, in_deviations(tile.taken(growth), found, risk // 2, np.sqrt(lookback)))
    return spread(panel, at, growth)


@factor("high_52w", label="52-week high", fields=("close",))
def high_52w(
    panel: Panel, lookback: int | None = None, rows: np.ndarray | None = None
) -> np.ndarray:
    """Nearness to the 52-week high: the close over the highest close of the past year.

    Parameters
    ----------
    panel : Panel
    lookback : int, optional
        Sessions, the current one included; 252 on XNYS and 365 on 24/7.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        Within (0, 1]. NaN where the first session of the window has no close within the week
        before it, so that no high is of a shorter history, and where the asset has no bar
        within the week before t.

    Raises
    ------
    ConfigError
        If the window is empty.

    References
    ----------
    George and Hwang (2004), Journal of Finance 59.
    """
    lookback = _YEAR[panel.calendar] if lookback is None else lookback
    check_window("high_52w", lookback)
    at = asked_rows(panel, rows)
    scores = moving_max(array_reader(panel.close), lookback, rows, shape=panel.shape)
    for lines in parts(*scores.shape):
        part = scores[lines]
        np.divide(close_before(panel, at[lines], 0), part, out=part)
        part[np.isnan(close_before(panel, at[lines], lookback - 1))] = np.nan
    return spread(panel, at, hide_stale(panel, at, scores))
