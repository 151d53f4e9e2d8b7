"""Short-term reversal: what fell last month scores high."""

from __future__ import annotations

import numpy as np

from factors.registry import factor
from factors.windows import asked_rows, check_window, growth_between, spread
from feeds.panel import Panel

__all__ = ["short_term_reversal"]

#: One month, in sessions.
_MONTH = {"XNYS": 21, "24/7": 30}


@factor("short_term_reversal", label="Short-term reversal", fields=("close",))
def short_term_reversal(
    panel: Panel, lookback: int | None = None, skip: int = 0, rows: np.ndarray | None = None
) -> np.ndarray:
    """Minus the return of the past month: 1 - P(t-skip)/P(t-lookback).

    Parameters
    ----------
    panel : Panel
    lookback : int, optional
        Sessions back to the start of the window; 21 on XNYS and 30 on 24/7, the month of
        Jegadeesh. Lehmann's week is 5 or 7.
    skip : int
        Sessions back to its end; a skip of 1 leaves the bounce between bid and ask out.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        Minus a simple return. NaN as for momentum.

    Raises
    ------
    ConfigError
        If the window is empty.

    References
    ----------
    Jegadeesh (1990), Journal of Finance 45; Lehmann (1990), Quarterly Journal of Economics 105.
    """
    lookback = _MONTH[panel.calendar] if lookback is None else lookback
    check_window("short_term_reversal", lookback, skip)
    at = asked_rows(panel, rows)
    scores = growth_between(
        panel, at, lookback, skip, lambda growth: np.subtract(1.0, growth, out=growth)
    )
    return spread(panel, at, scores)
