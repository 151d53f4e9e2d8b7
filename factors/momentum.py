"""Momentum: the return of the past year without its last month."""

from __future__ import annotations

import numpy as np

from factors.registry import factor
from factors.windows import asked_rows, check_window, close_before, is_fresh, spread
from feeds.panel import Panel

__all__ = ["momentum"]

#: (lookback, skip) of one year without its last month, in sessions.
_YEAR_BUT_MONTH = {"XNYS": (252, 21), "24/7": (365, 30)}


@factor("momentum", label="Momentum", fields=("close",))
def momentum(
    panel: Panel,
    lookback: int | None = None,
    skip: int | None = None,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Return from `lookback` sessions ago to `skip` sessions ago: P(t-skip)/P(t-lookback) - 1.

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
    growth = close_before(panel, at, skip) / close_before(panel, at, lookback)
    return spread(panel, at, np.where(is_fresh(panel, at), growth - 1.0, np.nan))
