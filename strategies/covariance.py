"""Covariances of returns: sample, shrunk, and exponentially weighted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from feeds.errors import ConfigError

__all__ = ["ESTIMATORS", "Covariance", "covariance"]

#: Names of the estimators, as in the configuration.
ESTIMATORS = ("ewma", "ledoit_wolf", "oas", "sample")
#: Standard deviation of a session's return up to which an asset counts as not moving: far below
#: a rounding of any price, far above that of a float.
_STILL = 1e-10


@dataclass(frozen=True, eq=False)
class Covariance:
    """Covariance of the assets that have one, and what became of the others.

    Parameters
    ----------
    matrix : (m, m) float array
        Per session; symmetric, positive semidefinite, every variance above zero.
    kept : (m,) int array
        Positions of those assets among the k given, increasing.
    dropped : tuple of (int, str)
        Positions of the others, increasing, and why each is left out.
    shrinkage : float
        Share of the target in a shrunk estimate, in [0, 1]; zero for the others.
    observations : int
        Sessions in which any of the assets kept has a return.
    """

    matrix: np.ndarray
    kept: np.ndarray
    dropped: tuple[tuple[int, str], ...]
    shrinkage: float
    observations: int


def covariance(
    returns: np.ndarray,
    estimator: str = "ledoit_wolf",
    *,
    halflife: float = 63.0,
    min_history: int = 2,
) -> Covariance:
    """Covariance of returns by session.

    Parameters
    ----------
    returns : (L, k) float array
        Simple returns, oldest first; NaN where an asset has none.
    estimator : {"ledoit_wolf", "oas", "sample", "ewma"}
        ``ledoit_wolf`` and ``oas`` draw the covariance over L towards a multiple of the
        identity; ``sample`` is over L - 1; ``ewma`` weighs a session half of the one a
        half-life later and is unbiased, as in ``pandas.DataFrame.ewm(...).cov()``.
    halflife : float
        Sessions, for ``ewma``, > 0.
    min_history : int
        Known returns that an asset needs, at least 2.

    Returns
    -------
    Covariance

    Raises
    ------
    ConfigError
        If the estimator is not known, or `halflife` or `min_history` is out of its range.

    Notes
    -----
    NaN handling: an asset with fewer than `min_history` known returns, or whose known returns
    do not move, is dropped and told of. The returns that another lacks count as its mean, and
    its deviations are stretched so that its variance is that of its known returns: the matrix
    stays positive semidefinite, and correlations with an asset that lacks a share m of the
    weight are drawn to zero by ``sqrt(1 - m)``.

    Fewer sessions than assets make ``sample`` and ``ewma`` singular; so do two assets with the
    same returns. The solvers say what they do then. One asset has its own variance under
    every estimator.

    References
    ----------
    Ledoit, Wolf (2004), A well-conditioned estimator for large-dimensional covariance
    matrices. Chen, Wiesel, Eldar, Hero (2010), Shrinkage algorithms for MMSE covariance
    estimation. RiskMetrics (1996), technical document, for the weights.
    """
    _check(estimator, halflife, min_history)
    returns = np.asarray(returns, dtype=float)
    kept, dropped = _kept(returns, min_history)
    part = returns[:, kept]
    known = np.isfinite(part)
    part, known = part[any_known := known.any(axis=1)], known[any_known]
    weights = _weights(len(part), halflife if estimator == "ewma" else None)
    deviations = _deviations(part, known, weights, unbiased=estimator in ("ewma", "sample"))
    matrix, shrinkage = _ESTIMATE.get(estimator, _weighted)(deviations, weights)
    return Covariance(matrix, kept, dropped, shrinkage, len(part))


def _check(estimator: str, halflife: float, min_history: int) -> None:
    if estimator not in ESTIMATORS:
        raise ConfigError(
            f"no covariance estimator is called {estimator!r}", f"use {', '.join(ESTIMATORS)}"
        )
    if not 0.0 < halflife < np.inf:
        raise ConfigError(f"halflife {halflife} is no number of sessions", "give one above zero")
    if min_history < 2:
        raise ConfigError(f"min_history {min_history} gives no variance", "give 2 or more")


def _kept(returns: np.ndarray, least: int) -> tuple[np.ndarray, tuple[tuple[int, str], ...]]:
    """Positions of the assets that have a variance, and of the others with the reason."""
    known = np.isfinite(returns)
    counts = known.sum(axis=0)
    filled = np.where(known, returns, 0.0)
    mean = filled.sum(axis=0) / np.maximum(counts, 1)
    spread = (np.where(known, filled - mean, 0.0) ** 2).sum(axis=0) / np.maximum(counts - 1, 1)
    short, still = counts < least, spread <= _STILL**2
    dropped = tuple(
        (
            position,
            (
                f"{counts[position]} known returns, below {least}"
                if short[position]
                else "no variance"
            ),
        )
        for position in np.flatnonzero(short | still).tolist()
    )
    return np.flatnonzero(~(short | still)), dropped


def _weights(sessions: int, halflife: float | None) -> np.ndarray:
    """(L,) weights of the sessions, oldest first, that sum to one."""
    if halflife is None:
        return np.full(sessions, 1.0 / max(sessions, 1))
    # Relative to the newest, so that the oldest may vanish but never all.
    weights = 0.5 ** (np.arange(sessions - 1, -1, -1) / halflife)
    return weights / weights.sum() if sessions else weights


def _deviations(
    returns: np.ndarray, known: np.ndarray, weights: np.ndarray, *, unbiased: bool
) -> np.ndarray:
    """Deviations from each asset's mean, zero where not known, stretched to its own variance.

    Weighted squares of a column sum to the variance of its known returns, unbiased or not.
    """
    own = weights[:, None] * known
    total = own.sum(axis=0)
    mean = (own * np.where(known, returns, 0.0)).sum(axis=0) / total
    stretch = 1.0 / total
    if unbiased:
        stretch /= 1.0 - ((own / total) ** 2).sum(axis=0)
    return np.where(known, returns - mean, 0.0) * np.sqrt(stretch)


def _weighted(deviations: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
    scaled = deviations * np.sqrt(weights)[:, None]
    return scaled.T @ scaled, 0.0


def _ledoit_wolf(deviations: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
    from sklearn.covariance import ledoit_wolf

    return _shrunk(ledoit_wolf, deviations)


def _oas(deviations: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
    from sklearn.covariance import oas

    return _shrunk(oas, deviations)


def _shrunk(estimate: Callable[..., Any], deviations: np.ndarray) -> tuple[np.ndarray, float]:
    if not deviations.size:
        return np.zeros((0, 0)), 0.0
    # Centred already: stretched columns have no mean but rounding.
    matrix, shrinkage = estimate(deviations, assume_centered=True)
    return matrix, float(shrinkage)


_ESTIMATE = {"ledoit_wolf": _ledoit_wolf, "oas": _oas}
