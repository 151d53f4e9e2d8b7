"""The past of a panel as seen from one row: nothing after the row is read."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from feeds.panel import Panel

__all__ = ["past_returns", "returns_up_to"]


def past_returns(panel: Panel, row: int, columns: np.ndarray | None, lookback: int) -> np.ndarray:
    """Simple session returns of some assets up to and including a row.

    Parameters
    ----------
    panel : Panel
    row : int
        The last row that is read.
    columns : (k,) int array, optional
        Assets, in the order of the answer; all of them unless given.
    lookback : int
        Most sessions.

    Returns
    -------
    (L, k) float64 array
        L = min(`lookback`, `row`), the newest last. The return of a bar is from the asset's last
        bar before it; NaN where a session has no bar, or no bar came before.
    """
    columns = np.arange(panel.shape[1]) if columns is None else np.asarray(columns)
    first = max(row - lookback, 0)
    # One row before the window, whose gaps are carried over from the bars before it.
    marks = panel.marks(first, row + 1, columns)
    returns = marks[1:] / marks[:-1] - 1.0
    returns[~panel.tradable[first + 1 : row + 1].take(columns, axis=1)] = np.nan
    return returns


def returns_up_to(panel: Panel, row: int) -> Callable[[np.ndarray | None, int], np.ndarray]:
    """``history(columns, lookback)`` of :func:`past_returns` at one row."""

    def history(columns: np.ndarray | None, lookback: int) -> np.ndarray:
        return past_returns(panel, row, columns, lookback)

    return history
