"""Cross-sections: who takes part, groups treated apart, and sums that no order changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from feeds.panel import Panel

__all__ = ["GROUPINGS", "by_group", "group_labels", "known_entries", "row_demean", "row_sum"]

#: Labels of assets that a panel has, by which they may be treated apart.
GROUPINGS = ("asset_class", "sector")

RowFunction = Callable[..., np.ndarray]


def known_entries(scores: np.ndarray, eligible: np.ndarray | None) -> np.ndarray:
    """(R, N) bool: the score is finite, and the asset eligible where that is told."""
    known = np.isfinite(scores)
    return known if eligible is None else known & eligible


def by_group(function: RowFunction, groups: np.ndarray | None, *blocks: np.ndarray) -> np.ndarray:
    """Apply a function of (R, n) blocks to all columns, or to the columns of each group.

    Parameters
    ----------
    function : callable
        Of one (R, n) array for each of `blocks`; gives (R, n).
    groups : (N,) array or None
        Labels of columns.
    *blocks : (R, N) float arrays

    Returns
    -------
    (R, N) float64 array
    """
    if groups is None:
        return function(*blocks)
    result = np.full(blocks[0].shape, np.nan)
    for label in np.unique(groups):
        columns = np.flatnonzero(groups == label)
        result[:, columns] = function(*(block[:, columns] for block in blocks))
    return result


def row_sum(rows: np.ndarray) -> np.ndarray:
    """(R, 1) sums of the known entries, the same bits for every order of the columns."""
    ordered = np.sort(rows, axis=1)
    return np.where(np.isfinite(ordered), ordered, 0.0).sum(axis=1, keepdims=True)


def row_demean(rows: np.ndarray) -> np.ndarray:
    """(R, N) deviations of the known entries from their mean."""
    count = np.isfinite(rows).sum(axis=1, keepdims=True)
    return rows - row_sum(rows) / np.maximum(count, 1)


def group_labels(panel: Panel, names: Sequence[str]) -> np.ndarray | None:
    """(N,) labels of the groups that `names` make together; None for one group of all.

    A sector is one of its asset class, and assets whose sector is not known are a group of
    their class.

    Parameters
    ----------
    panel : Panel
    names : sequence of {"asset_class", "sector"}

    Raises
    ------
    ValueError
        If sectors are asked for and the panel has none.
    """
    if not names:
        return None
    if "sector" not in names:
        return panel.asset_class
    sector = getattr(panel, "sector", None)
    if sector is None:
        raise ValueError("the panel has no sectors")
    within = np.strings.add(panel.asset_class.astype(str), "/")
    return np.strings.add(within, np.asarray(sector).astype(str))
