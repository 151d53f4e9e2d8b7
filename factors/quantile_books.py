"""Books of ranked assets: quantiles of scores, equally weighted, ties sharing their places.

Rows of scores are decisions (R,), columns assets (N,); no row depends on another.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from feeds.errors import DataError

__all__ = ["long_only_weights", "long_short_weights", "quantile_weights"]


def long_only_weights(
    scores: np.ndarray,
    quantile: float | None = None,
    min_breadth: int = 1,
    *,
    top: int | None = None,
) -> np.ndarray:
    """(R, N) weights that sum to 1: the best scores, as many as a side of a long-short book.

    As `long_short_weights`, except that `top` may be every ranked asset. Where all scores are
    equal there is nothing to choose by, and every ranked asset is held.
    """
    scores = np.asarray(scores, dtype=float)
    count = np.isfinite(scores).sum(axis=1)
    places = _places(count, quantile, top)
    weights = _filled(_tied_places(scores), count - places, count)
    return np.where((count >= max(min_breadth, 1))[:, None], weights, 0.0)


def long_short_weights(
    scores: np.ndarray,
    quantile: float | None = None,
    min_breadth: int = 2,
    *,
    top: int | None = None,
) -> np.ndarray:
    """(R, N) dollar-neutral weights: +0.5 spread over the best scores, -0.5 over the worst.

    Each side holds ``max(1, floor(quantile x n))`` of the n assets with a score, or `top` of
    them, never more than half, equally weighted. Assets tied across the edge of a side share
    its last places equally, so that the order of columns never matters; where all scores are
    equal both sides cancel to zero.

    Parameters
    ----------
    scores : (R, N) array
        Higher is better; NaN is not ranked and gets zero.
    quantile : float, optional
        Share of the ranked assets on each side, in (0, 0.5].
    min_breadth : int
        Rows with fewer ranked assets (and always with fewer than two) are all zero.
    top : int, optional
        Number of assets on each side, in place of `quantile`.

    Raises
    ------
    DataError
        If `quantile` is outside (0, 0.5], or not one of `quantile` and `top` is given.
    """
    scores = np.asarray(scores, dtype=float)
    count = np.isfinite(scores).sum(axis=1)
    places = np.minimum(_places(count, quantile, top), count // 2)
    places_of = _tied_places(scores)
    long = _filled(places_of, count - places, count)
    short = _filled(places_of, np.zeros_like(count), places)
    broad = (count >= max(min_breadth, 2))[:, None]
    return np.where(broad, 0.5 * (long - short), 0.0)


def quantile_weights(scores: np.ndarray, quantiles: int) -> np.ndarray:
    """(Q, R, N) equal weights, summing to 1, of each quantile of the scores, worst first.

    The outer ones hold floor(n / Q) assets, as the sides of `long_short_weights` do, and ties
    share places as there. With an even Q the middle edge is n / 2, so that halves are equal and
    negated scores mirror the quantiles. NaN is not ranked; rows with fewer than Q scores are
    zero.

    Raises
    ------
    DataError
        If `quantiles` is under 2.
    """
    if quantiles < 2:
        raise DataError(f"{quantiles} quantiles cannot be compared", "ask for 2 or more")
    scores = np.asarray(scores, dtype=float)
    count = np.isfinite(scores).sum(axis=1)
    count = np.where(count >= quantiles, count, 0)
    steps = np.arange(quantiles + 1)[:, None]
    below = count * steps // quantiles
    edges = np.where(2 * steps < quantiles, below, count - below[::-1])
    edges = np.where(2 * steps == quantiles, count / 2, edges)
    places_of = _tied_places(scores)
    return np.stack([_filled(places_of, low, high) for low, high in zip(edges[:-1], edges[1:])])


def _places(count: np.ndarray, quantile: float | None, top: int | None) -> np.ndarray:
    """(R,) assets a side; the tiny excess keeps 0.29 x 100 at 29."""
    if (quantile is None) == (top is None):
        raise DataError("a side is either a quantile or a number of assets", "give one of the two")
    if top is not None:
        return np.minimum(top, count)
    if not 0.0 < quantile <= 0.5:
        raise DataError(f"quantile {quantile} is outside (0, 0.5]", "0.2 holds a fifth a side")
    return np.minimum(np.maximum(np.floor(quantile * count + 1e-9), 1), count).astype(int)


def _tied_places(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First place and the one after the last that each asset and those tied with it hold."""
    frame = pd.DataFrame(np.where(np.isfinite(scores), scores, np.nan))
    first = frame.rank(axis=1, method="min").to_numpy() - 1.0
    return first, frame.rank(axis=1, method="max").to_numpy()


def _filled(tied: tuple[np.ndarray, np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Each asset's share of the places [low, high), places counted from the worst score.

    Tied assets hold their places jointly, each an equal part.
    """
    first, stop = tied
    overlap = np.minimum(stop, high[:, None]) - np.maximum(first, low[:, None])
    share = np.maximum(overlap, 0.0) / (stop - first)
    width = (high - low)[:, None]
    return np.where(np.isfinite(first) & (width > 0), share / np.maximum(width, 1), 0.0)
