"""Size: small is better, by market cap or by traded value where no cap is known."""

from __future__ import annotations

import numpy as np

from factors.ratios import scores_by_part
from factors.registry import factor
from factors.windows import asked_rows, check_window, is_fresh, last_known, spread
from feeds.panel import Panel

__all__ = ["dollar_volume", "median_dollar_volume", "small_cap"]


@factor("size", label="Size", fields=("market_cap",))
def small_cap(panel: Panel, rows: np.ndarray | None = None) -> np.ndarray:
    """Minus the log of the market cap.

    Parameters
    ----------
    panel : Panel
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        -log(currency). NaN where the cap is not known or not positive, and where the asset has
        no bar within the week before t.

    References
    ----------
    Banz (1981), Journal of Financial Economics 9.
    """
    return scores_by_part(
        panel, rows, lambda at: _minus_log(last_known(panel, panel.market_cap, at))
    )


@factor("size", proxy="dollar_volume", label="dollar volume", fields=("close", "volume"))
def dollar_volume(panel: Panel, window: int = 63, rows: np.ndarray | None = None) -> np.ndarray:
    """Minus the log of the median traded value, a stand-in for the market cap.

    Parameters
    ----------
    panel : Panel
    window : int
        Sessions, the current one included.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        -log(currency a session). NaN where fewer than half of the window's sessions have a
        known traded value, where the median is zero, and where the asset has no bar within
        the week before t.

    Raises
    ------
    ConfigError
        If the window is empty.
    """
    check_window("size", window)
    at = asked_rows(panel, rows)
    return spread(panel, at, _minus_log(_rolling_median(panel, window, at)))


def median_dollar_volume(
    panel: Panel, window: int = 63, rows: np.ndarray | None = None
) -> np.ndarray:
    """Median traded value of the last `window` sessions that have a bar, in currency.

    Parameters
    ----------
    panel : Panel
    window : int
        Sessions, the current one included.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        NaN where fewer than half of the window's sessions have a known traded value, and
        where the asset has no bar within the week before.
    """
    at = asked_rows(panel, rows)
    return spread(panel, at, _rolling_median(panel, window, at))


def _rolling_median(panel: Panel, window: int, rows: np.ndarray) -> np.ndarray:
    traded = panel.dollar_volume
    needed = (window + 1) // 2
    medians = np.empty((len(rows), panel.shape[1]))
    for line, row in enumerate(rows):
        medians[line] = _median(traded[max(0, row - window + 1) : row + 1].T, needed)
    return np.where(is_fresh(panel, rows), medians, np.nan)


def _median(values: np.ndarray, needed: int) -> np.ndarray:
    """Median of each line of (N, W) over its known values; NaN with fewer than `needed`."""
    ordered = np.sort(values, axis=1)  # NaN sorts last
    known = np.isfinite(values).sum(axis=1)
    lines = np.arange(len(values))
    lower = ordered[lines, np.maximum(known - 1, 0) // 2]
    upper = ordered[lines, np.minimum(known // 2, values.shape[1] - 1)]
    return np.where(known >= needed, (lower + upper) / 2.0, np.nan)


def _minus_log(amounts: np.ndarray) -> np.ndarray:
    return -np.log(np.where(amounts > 0, amounts, np.nan))
