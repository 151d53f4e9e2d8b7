"""Ratios of figures that were filed, as of some rows of a panel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from factors.windows import asked_rows, hide_stale, spread
from feeds.panel import Panel

__all__ = ["positive", "ratio", "scores_by_part"]

#: Cells that are worked on at a time, so that what lies between two steps stays in the cache.
_CELLS = 1 << 16


def scores_by_part(
    panel: Panel, rows: np.ndarray | None, compute: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """(T, N) scores that a function gives for some rows at a time.

    NaN where the asset has no bar within the week before: what it filed stays on the books when
    it is traded no more.

    Parameters
    ----------
    panel : Panel
    rows : (R,) int array, optional
        Rows to compute; the others are NaN. All unless given.
    compute : callable
        Takes (k,) rows and gives their (k, N) scores.
    """
    at = asked_rows(panel, rows)
    scores = np.empty((len(at), panel.shape[1]))
    step = max(_CELLS // max(panel.shape[1], 1), 1)
    for first in range(0, len(at), step):
        scores[first : first + step] = compute(at[first : first + step])
    return spread(panel, at, hide_stale(panel, at, scores))


def positive(values: np.ndarray) -> np.ndarray:
    """The same values, NaN where they are not above zero."""
    return np.where(values > 0, values, np.nan)


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotient of two arrays; NaN where the denominator is not above zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        out = numerator / denominator
    good = denominator > 0
    if not good.all():
        out[~good] = np.nan
    return out
