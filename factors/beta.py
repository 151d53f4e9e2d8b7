"""Betting against beta: assets that move little with their market score high."""

from __future__ import annotations

from typing import Literal

import numpy as np

from factors.market import market_returns
from factors.moments import Moments, correlation, deviation, window_moments
from factors.registry import factor
from factors.rolling import moving, moving_deviation
from factors.windows import asked_rows, check_window, hide_stale, returns_reader, spread
from feeds.errors import ConfigError
from feeds.panel import Panel

__all__ = ["low_beta"]

#: Sessions of an overlapping return in the correlation, against closes at other hours.
_OVERLAP = 3
#: Observations that the correlation needs: 750 of five years of 1260 sessions.
_LEAST = 0.6
_FIVE_YEARS = {"XNYS": 1260, "24/7": 1825}


@factor("beta", label="Low beta", fields=("close",))
def low_beta(
    panel: Panel,
    lookback: int | None = None,
    correlation_lookback: int | None = None,
    shrinkage: float = 0.6,
    market: Literal["equal", "cap"] = "equal",
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Minus the beta of Frazzini and Pedersen: shrinkage rho s_i / s_m + (1 - shrinkage).

    The deviations s are of one year of log returns of one session; rho is the correlation of
    overlapping log returns of three sessions over five years, since correlations move more
    slowly than volatilities. The market is that of the asset's own class, of the panel's own
    assets.

    Parameters
    ----------
    panel : Panel
    lookback : int, optional
        Sessions of the deviations; 252 on XNYS and 365 on 24/7. Half of them must be known.
    correlation_lookback : int, optional
        Sessions of the correlation; 1260 on XNYS and 1825 on 24/7. Six tenths of them must be
        known, as 750 of 1260.
    shrinkage : float
        Weight of the estimate, in [0, 1]; the rest is that of a beta of 1.
    market : {"equal", "cap"}
        How assets are weighted in their market, see :func:`factors.market.market_returns`.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        Minus a beta; -1 for the only asset of a class. NaN with fewer observations, where the
        asset or its market does not vary, and where the asset has no bar within the week
        before t.

    Raises
    ------
    ConfigError
        If a window is empty, the shrinkage is not in [0, 1], or caps are not known.

    References
    ----------
    Frazzini and Pedersen (2014), Journal of Financial Economics 111, equations 14 and 15.
    """
    lookback = panel.periods_per_year if lookback is None else lookback
    long = _FIVE_YEARS[panel.calendar] if correlation_lookback is None else correlation_lookback
    check_window("beta", lookback)
    check_window("beta", long)
    if not 0.0 <= shrinkage <= 1.0:
        raise ConfigError(
            f"factors.beta: shrinkage {shrinkage} is not in [0, 1]", "0.6 is the authors'"
        )
    at = asked_rows(panel, rows)

    def related(found: Moments) -> np.ndarray:
        return correlation(found, int(np.ceil(_LEAST * long)))

    shape, scores = panel.shape, np.full((len(at), panel.shape[1]), np.nan)
    read, scales = returns_reader(panel, _OVERLAP, log=True), []
    class_of = np.zeros(shape[1], dtype=np.intp)
    for columns, returns in market_returns(panel, market):
        steps = np.log1p(returns)
        over = _overlapping(steps)
        moving(read, shape, long, related, rows, other=over, columns=columns, out=scores)
        class_of[columns] = len(scales)
        scale = moving_deviation(steps[:, None], lookback, rows, lookback // 2)
        scales.append(np.where(scale > 0.0, scale, np.nan))
    risk, read = np.hstack(scales), returns_reader(panel, log=True)
    for tile, found in window_moments(read, shape, lookback, rows):
        slope = deviation(found, lookback // 2) / risk[tile.lines][:, class_of[tile.columns]]
        tile.put(scores, (shrinkage - 1.0) - shrinkage * tile.taken(scores) * slope)
    return spread(panel, at, hide_stale(panel, at, scores))


def _overlapping(steps: np.ndarray) -> np.ndarray:
    """(T,) sums of the last sessions; those without a market return did not move it."""
    known = np.nan_to_num(steps)
    total = np.full(len(steps), np.nan)
    if len(steps) > _OVERLAP:
        windows = np.lib.stride_tricks.sliding_window_view(known[1:], _OVERLAP)
        total[_OVERLAP:] = windows.sum(axis=1)
    return total
