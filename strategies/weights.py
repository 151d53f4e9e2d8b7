"""Selection and weighting: from the scores of one pool to the weights of its two sides."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["WEIGHTINGS", "select_sides", "weigh_side"]


def select_sides(
    scores: np.ndarray, symbols: np.ndarray, *, quantile: float | None, top: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Best and worst assets of a pool.

    Parameters
    ----------
    scores : (n,) float array
        Known scores; higher is better.
    symbols : (n,) str array
        Break ties, in alphabetical order, so that the order of the assets does not matter.
    quantile, top : float or int
        Share of the pool, or number of assets, on each side; one of the two. At least one
        asset a side, and never more than half of the pool.

    Returns
    -------
    best, worst : (k,) int arrays
        Positions, the most extreme first.
    """
    order = np.lexsort((symbols, -scores))
    wanted = int(np.floor(len(scores) * quantile + 1e-9)) if quantile is not None else int(top)
    best = max(1, min(wanted, len(scores)))
    worst = max(1, min(wanted, len(scores) // 2))
    return order[:best], order[::-1][:worst]


def _equal(scores: np.ndarray) -> np.ndarray:
    return np.ones(len(scores))


def _rank(scores: np.ndarray) -> np.ndarray:
    """n for the most extreme down to 1."""
    return np.arange(len(scores), 0, -1, dtype=float)


def _score(scores: np.ndarray) -> np.ndarray:
    """Distance from the least extreme of the side, plus the mean gap so that none is zero."""
    distance = np.abs(scores - scores[-1])
    width = distance[0] / max(1, len(scores) - 1)
    return distance + width if width > 0 else np.ones(len(scores))


#: Weighting in the configuration to its function of a side's scores, most extreme first.
WEIGHTINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "equal": _equal,
    "rank": _rank,
    "score": _score,
}


def weigh_side(scores: np.ndarray, weighting: str, total: float) -> np.ndarray:
    """Weights of one side that sum to `total`.

    Parameters
    ----------
    scores : (k,) float array
        Scores of the side's assets, the most extreme first.
    weighting : {"equal", "rank", "score"}
        ``equal``; ``rank``: in proportion to n, n-1, ... 1; ``score``: in proportion to the
        distance from the least extreme score plus the mean gap. Equal where all scores tie.
    total : float
        Sum of the weights, >= 0.
    """
    raw = WEIGHTINGS[weighting](scores)
    return total * raw / raw.sum()
