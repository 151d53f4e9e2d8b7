"""Size: small is better, by market cap or by traded value where no cap is known."""

from __future__ import annotations

import numpy as np

from factors.medians import moving_median
from factors.ratios import positive, scores_by_part
from factors.registry import factor
from factors.windows import (
    asked_rows,
    check_window,
    hide_stale,
    last_known,
    parts,
    spread,
    traded_reader,
)
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
        panel,
        rows,
        lambda at, out: _minus_log(last_known(panel, panel.market_cap, at), out),
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
    medians = _medians(panel, window, rows)
    for lines in parts(*medians.shape):
        _minus_log(medians[lines], medians[lines])
    return spread(panel, at, hide_stale(panel, at, medians))


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
    return spread(panel, at, hide_stale(panel, at, _medians(panel, window, rows)))


def _medians(panel: Panel, window: int, rows: np.ndarray | None) -> np.ndarray:
    read = traded_reader(panel)
    return moving_median(read, window, rows, (window + 1) // 2, panel.shape)


def _minus_log(amounts: np.ndarray, out: np.ndarray) -> None:
    np.negative(np.log(positive(amounts), out=out), out=out)
