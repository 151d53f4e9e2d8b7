"""What an account reads of a panel's bars beside its fills: values, ages and ends."""

from __future__ import annotations

import numpy as np

from feeds.panel import Panel

__all__ = ["first_stale", "has_ended", "values_beside"]


def first_stale(panel: Panel, first: int, last: int, held: np.ndarray, stale_after: int) -> int:
    """The first row from `first` to `last` on which a holding is stale; `last` + 1 if none is."""
    stale = (panel.ages(first, last + 1, held) >= stale_after).any(axis=1)
    return first + int(stale.argmax()) if stale.any() else last + 1


def has_ended(panel: Panel, row: int, columns: np.ndarray) -> np.ndarray:
    """(k,) bool: whether no bar of an asset comes after `row`."""
    return ~panel.tradable[row + 1 :, columns].any(axis=0)


def values_beside(
    panel: Panel, row: int, prices: np.ndarray, position: np.ndarray, traded: np.ndarray
) -> tuple[float, float]:
    """Long and short value of what is held and not traded, at the instant of a fill.

    Parameters
    ----------
    prices : (N,) float array
        Opens or closes of the row; what has no bar counts at its last close.
    position : (N,) float array
        Units held.
    traded : (k,) int array
        Assets with a ticket.
    """
    untouched = position != 0
    untouched[traded] = False
    others = untouched.nonzero()[0]
    if not len(others):
        return 0.0, 0.0
    mark = prices[others]
    gaps = np.flatnonzero(~panel.tradable[row, others])
    if len(gaps):
        mark[gaps] = panel.mark_at(max(row - 1, 0), others[gaps])
    value = position[others] * mark
    return float(value[value > 0].sum()), float(value[value < 0].sum())
