"""Momentum: the return of the past year without its last month."""

from __future__ import annotations

from typing import Literal

import numpy as np

from factors.market import market_returns
from factors.moments import beta, window_moments
from factors.registry import factor
from factors.windows import (
    asked_rows,
    check_window,
    growth_between,
    hide_stale,
    returns_reader,
    spread,
)
from feeds.errors import ConfigError
from feeds.panel import Panel

__all__ = ["momentum", "residual_momentum"]

#: (lookback, skip) of one year without its last month, in sessions.
_YEAR_BUT_MONTH = {"XNYS": (252, 21), "24/7": (365, 30)}
_THREE_YEARS = {"XNYS": 756, "24/7": 1095}
#: Part of the variance below which what the market leaves over is rounding.
_NOTHING = 1e-12


@factor("momentum", label="Momentum", fields=("close",))
def momentum(
    panel: Panel,
    lookback: int | None = None,
    skip: int | None = None,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Return from `lookback` sessions ago to `skip` sessions ago: P(t-skip)/P(t-lookback) - 1.

    French's "prior 2-12" return at the end of a month is that of the eleven months before the
    last one, from the end of month t-13 to the end of month t-2 as seen from the month t that
    is held: 12 and 1 months before the decision, hence "12-1" too. Months have 21 sessions but
    for one or two, so the windows agree to within a few days.

    Parameters
    ----------
    panel : Panel
    lookback : int, optional
        Sessions back to the start of the window; 252 on XNYS and 365 on 24/7.
    skip : int, optional
        Sessions back to its end; 21 on XNYS and 30 on 24/7. Liu, Tsyvinski and Wu (2022) use
        three weeks without a skip for coins: ``lookback: 21, skip: 0`` on 24/7.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        A fraction. NaN where the history is shorter than `lookback`, where either end of the
        window has no close within the week before it, or where the asset has no bar within
        the week before t.

    Raises
    ------
    ConfigError
        If the window is empty.

    References
    ----------
    Jegadeesh and Titman (1993), Journal of Finance 48; the 12-1 form of Asness, Moskowitz and
    Pedersen (2013), Journal of Finance 68.
    """
    usual = _YEAR_BUT_MONTH[panel.calendar]
    lookback = usual[0] if lookback is None else lookback
    skip = usual[1] if skip is None else skip
    check_window("momentum", lookback, skip)
    at = asked_rows(panel, rows)
    scores = growth_between(
        panel, at, lookback, skip, lambda growth: np.subtract(growth, 1.0, out=growth)
    )
    return spread(panel, at, scores)


@factor("residual_momentum", label="Residual momentum", fields=("close",))
def residual_momentum(
    panel: Panel,
    lookback: int | None = None,
    skip: int | None = None,
    estimation: int | None = None,
    market: Literal["equal", "cap"] = "equal",
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Momentum of what the market does not explain: sum of residuals over their deviation.

    Returns are regressed on those of the market of the asset's own class, with a constant, over
    `estimation` sessions up to t; e are the residuals of the sessions of the momentum window,
    ``sum(e) / sd(e)``. The authors regress 36 monthly returns on three factors. Sessions' returns
    give twenty times the observations for the same window, so that young assets and coins have
    a slope worth the name, and they add up to the momentum window exactly; their price is that
    closes at other hours bias a slope towards 0.

    Parameters
    ----------
    panel : Panel
    lookback, skip : int, optional
        Sessions back to the start and the end of the window; 252 and 21 on XNYS, 365 and 30 on
        24/7.
    estimation : int, optional
        Sessions of the regression; 756 on XNYS and 1095 on 24/7. Half of them must be known,
        and half of those of the window.
    market : {"equal", "cap"}
        How assets are weighted in their market, see :func:`factors.market.market_returns`.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        A plain number. NaN with fewer returns, where the market does not vary or explains all
        (as it does for the only asset of a class), and where the asset has no bar within the
        week before t.

    Raises
    ------
    ConfigError
        If the window is empty or longer than the estimation, or caps are not known.

    References
    ----------
    Blitz, Huij and Martens (2011), "Residual Momentum", Journal of Empirical Finance 18.
    """
    usual = _YEAR_BUT_MONTH[panel.calendar]
    lookback = usual[0] if lookback is None else lookback
    skip = usual[1] if skip is None else skip
    estimation = _THREE_YEARS[panel.calendar] if estimation is None else estimation
    check_window("residual_momentum", lookback, skip)
    if estimation < lookback:
        raise ConfigError(
            f"factors.residual_momentum: estimation {estimation} is under lookback {lookback}",
            "the regression covers the window: estimation >= lookback",
        )
    at = asked_rows(panel, rows)
    scores = np.full((len(at), panel.shape[1]), np.nan)
    for columns, returns in market_returns(panel, market):
        _residual_sums(panel, at, (lookback, skip, estimation), columns, returns, scores)
    return spread(panel, at, hide_stale(panel, at, scores))


def _residual_sums(
    panel: Panel,
    at: np.ndarray,
    windows: tuple[int, int, int],
    columns: np.ndarray,
    returns: np.ndarray,
    scores: np.ndarray,
) -> None:
    """Fill in the scores of the assets of one market."""
    lookback, skip, estimation = windows
    read, beside = returns_reader(panel), {"other": returns, "columns": columns}
    slope, mean, market_mean = (np.full(scores.shape, np.nan) for _ in range(3))
    for tile, fit in window_moments(read, panel.shape, estimation, at, **beside):
        tile.put(slope, beta(fit, estimation // 2))
        tile.put(mean, fit.mean)
        tile.put(market_mean, fit.other_mean)
    # Rows that have no such past look at the first row, which has no return.
    ends = np.maximum(at - skip, 0)
    for tile, part in window_moments(read, panel.shape, lookback - skip, ends, **beside):
        line = tile.taken(slope)
        # Residuals of this window alone: their mean, and squares about it.
        excess = part.mean - tile.taken(mean)
        excess = excess - line * (part.other_mean - tile.taken(market_mean))
        left = part.square - 2.0 * line * part.cross + line * line * part.other_square
        left = np.where(left > _NOTHING * part.square, left, np.nan)
        score = part.count * excess / np.sqrt(left / (part.count - 1.0))
        tile.put(scores, np.where(part.count >= max((lookback - skip) // 2, 2), score, np.nan))
