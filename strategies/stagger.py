"""Overlapping portfolios: a book is the mean of what was formed at its last dates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["mean_formation"]


def mean_formation(
    formations: Sequence[np.ndarray], eligible: np.ndarray, asset_class: np.ndarray
) -> np.ndarray:
    """(N,) mean of the formations, each held at the weights it was formed with.

    Parameters
    ----------
    formations : sequence of (N,) float arrays
        Signed weights, the oldest first.
    eligible : (N,) bool array
        Who may be held now. What an earlier formation holds of the others goes to its assets of
        the same class and sign, in proportion; where there are none, to cash.
    asset_class : (N,) str array

    References
    ----------
    Jegadeesh and Titman (1993), Returns to buying winners and selling losers: each date one K-th
    of the book is formed anew and K formations are held. Here each is brought back to its
    weights when the book is rebalanced, instead of being left to drift, so that targets do not
    depend on the account and the mean keeps every sum that the formations keep.
    """
    total = np.zeros(len(eligible))
    for weights in formations:
        total += _still_held(weights, eligible, asset_class)
    return total / len(formations)


def _still_held(weights: np.ndarray, eligible: np.ndarray, asset_class: np.ndarray) -> np.ndarray:
    gone = (weights != 0.0) & ~eligible
    if not gone.any():
        return weights
    kept = np.where(eligible, weights, 0.0)
    for name in np.unique(asset_class[gone]).tolist():
        for sign in (1.0, -1.0):
            own = (asset_class == name) & (sign * weights > 0.0)
            left = kept[own].sum()
            if left:
                kept[own] *= weights[own].sum() / left
    return kept
