"""Carry of coins: what a holder of the perpetual future is paid for holding it."""

from __future__ import annotations

import numpy as np

from factors.ratios import scores_by_part
from factors.registry import factor
from factors.rolling import moving_mean
from factors.windows import check_window
from feeds.panel import Panel

__all__ = ["funding_carry"]

#: One week, in sessions.
_WEEK = {"XNYS": 5, "24/7": 7}


@factor("carry", label="Carry", fields=("funding_rate",))
def funding_carry(
    panel: Panel, window: int | None = None, rows: np.ndarray | None = None
) -> np.ndarray:
    """Minus the mean funding rate: a positive one is paid by longs to shorts.

    Carry is the return of a position whose price does not change; of a perpetual future that is
    the funding that it receives.

    Parameters
    ----------
    panel : Panel
        With the daily figure ``funding_rate``, a fraction of the position.
    window : int, optional
        Sessions of the mean, the current one included; 5 on XNYS and 7 on 24/7.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        A fraction, in the unit of time of the figure. NaN where fewer than half of the window's
        sessions have it, and where the asset has no bar within the week before t.

    Raises
    ------
    ConfigError
        If the window is empty.

    References
    ----------
    Koijen, Moskowitz, Pedersen and Vrugt (2018), "Carry", Journal of Financial Economics 127.
    """
    window = _WEEK[panel.calendar] if window is None else window
    check_window("carry", window)
    figure, least = panel.figure("funding_rate"), (window + 1) // 2
    return scores_by_part(
        panel,
        rows,
        lambda part, out: np.subtract(0.0, moving_mean(figure, window, part, least), out=out),
    )
