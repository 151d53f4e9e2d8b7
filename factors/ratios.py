"""Ratios of figures that were filed, as of some rows of a panel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from factors.windows import asked_rows, hide_stale, parts, spread
from feeds.panel import Panel

__all__ = ["positive", "ratio", "scores_by_part"]


def scores_by_part(
    panel: Panel,
    rows: np.ndarray | None,
    compute: Callable[[np.ndarray, np.ndarray], object],
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
        Takes (k,) rows and a (k, N) array, and puts their scores there.
    """
    at = asked_rows(panel, rows)
    scores = np.empty((len(at), panel.shape[1]))
    for lines in parts(*scores.shape):
        compute(at[lines], scores[lines])
        hide_stale(panel, at[lines], scores[lines])
    return spread(panel, at, scores)


def positive(values: np.ndarray) -> np.ndarray:
    """The same values, NaN where they are not above zero."""
    return values if _all_positive(values) else np.where(values > 0, values, np.nan)


def ratio(
    numerator: np.ndarray, denominator: np.ndarray, out: np.ndarray | None = None
) -> np.ndarray:
    """Quotient of two arrays; NaN where the denominator is not above zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        out = np.divide(numerator, denominator, out=out)
    if not _all_positive(denominator):
        out[~(denominator > 0)] = np.nan
    return out


def _all_positive(values: np.ndarray) -> bool:
    """Whether all are above zero, and none NaN: the least of them tells soonest."""
    return not values.size or bool(values.min() > 0)
