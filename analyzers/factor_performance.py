"""What a factor earns: costless portfolios of its scores, and how well it ranks.

Rows of scores and weights are decisions (R,), rows of marks are sessions (T,). A decision
uses its own row and is entered `lag` rows later, at the close.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from factors.holdings import holding_returns as drifted_returns
from factors.holdings import holding_turnover as factor_turnover
from feeds.errors import DataError

__all__ = [
    "drifted_returns",
    "equal_weights",
    "factor_correlation",
    "factor_turnover",
    "long_short_weights",
    "quantile_returns",
    "quantile_weights",
]


def equal_weights(eligible: np.ndarray) -> np.ndarray:
    """(R, N) weights 1/n over the n eligible assets of each row; zero where there is none.

    Parameters
    ----------
    eligible : (R, N) bool array
    """
    eligible = np.asarray(eligible, dtype=bool)
    count = eligible.sum(axis=1, keepdims=True)
    return np.where(eligible, 1.0 / np.maximum(count, 1), 0.0)


def long_short_weights(scores: np.ndarray, quantile: float, min_breadth: int = 2) -> np.ndarray:
    """(R, N) dollar-neutral weights: +0.5 spread over the best scores, -0.5 over the worst.

    Each side holds ``max(1, floor(quantile x n))`` of the n assets with a score, equally
    weighted. Assets tied across the edge of a side share its last places equally, so that
    the order of columns never matters; where all scores are equal both sides cancel to zero.

    Parameters
    ----------
    scores : (R, N) array
        Higher is better; NaN is not ranked and gets zero.
    quantile : float
        Share of the ranked assets on each side, in (0, 0.5].
    min_breadth : int
        Rows with fewer ranked assets (and always with fewer than two) are all zero.

    Raises
    ------
    DataError
        If `quantile` is outside (0, 0.5].
    """
    if not 0.0 < quantile <= 0.5:
        raise DataError(f"quantile {quantile} is outside (0, 0.5]", "0.2 holds a fifth a side")
    scores = np.asarray(scores, dtype=float)
    count = np.isfinite(scores).sum(axis=1)
    places = _places(count, quantile)
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


def quantile_returns(
    scores: np.ndarray, close_marks: np.ndarray, rows: np.ndarray, quantiles: int, lag: int = 1
) -> np.ndarray:
    """(T, Q) session returns of the equally weighted quantile portfolios, worst first.

    Parameters as in `quantile_weights` and `drifted_returns`.
    """
    books = quantile_weights(scores, quantiles)
    return np.column_stack([drifted_returns(close_marks, rows, book, lag) for book in books])


def factor_correlation(returns: pd.DataFrame) -> pd.DataFrame:
    """(F, F) correlation of session returns; NaN for a column without variance.

    NaN handling: pairs of columns use the sessions that both know, at least three.
    """
    return returns.corr(min_periods=3)


def _places(count: np.ndarray, quantile: float) -> np.ndarray:
    """Assets a side; the tiny excess keeps 0.29 x 100 at 29."""
    return np.minimum(np.maximum(np.floor(quantile * count + 1e-9), 1), count // 2).astype(int)


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
