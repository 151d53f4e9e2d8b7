"""Least squares in numpy: Newey-West errors and columns that carry their own variation."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

__all__ = [
    "automatic_lags",
    "independent_columns",
    "nearly_dependent",
    "long_run_sums",
    "newey_west_mean",
    "regress",
]

#: Part of a column's own spread that must be its own for a slope to mean anything.
COLLINEAR = 1e-8
#: Smallest eigenvalue of a correlation matrix that may be inverted.
_DEPENDENT = 1e-10


def automatic_lags(observations: int) -> int:
    """``floor(4 (T / 100)^(2/9))`` (Newey, West 1994, as commonly simplified)."""
    return math.floor(4.0 * (observations / 100.0) ** (2.0 / 9.0))


def newey_west_mean(values: pd.Series, lags: int | None = None) -> tuple[float, float, int]:
    """Mean of a series, its Newey-West t-statistic and the lags used.

    NaN handling: missing values are left out. The statistic is NaN under three values or
    without variance.
    """
    known = values.dropna().to_numpy(dtype=float)
    lags = automatic_lags(len(known)) if lags is None else lags
    if len(known) < 3:
        return (float(known.mean()) if len(known) else np.nan), np.nan, lags
    fit, t_stats, _ = regress(known, np.ones((len(known), 1)), lags)
    return float(fit[0]), float(t_stats[0]), lags


def independent_columns(market: np.ndarray) -> tuple[list[int], dict[int, str]]:
    """Columns with a spread of their own beside those before them, and why others have none.

    Parameters
    ----------
    market : (T, K) array
        Without NaN. Spread is measured around the mean: a regression has a constant.

    Returns
    -------
    used : list of int
        Columns kept, in order.
    dropped : dict
        Column to ``constant`` or ``collinear``.
    """
    used: list[int] = []
    dropped: dict[int, str] = {}
    centred = market - market.mean(axis=0) if len(market) else market
    basis: list[np.ndarray] = []
    for k in range(market.shape[1]):
        spread = float(np.linalg.norm(centred[:, k]))
        if spread <= 1e-12 * float(np.abs(market[:, k]).max(initial=0.0)):
            dropped[k] = "constant"
            continue
        own = centred[:, k] / spread
        for _ in range(2):  # the second pass removes what rounding left in the first
            for direction in basis:
                own = own - (direction @ own) * direction
        rest = float(np.linalg.norm(own))
        if rest <= COLLINEAR:
            dropped[k] = "collinear"
            continue
        basis.append(own / rest)
        used.append(k)
    return used, dropped


def nearly_dependent(values: np.ndarray) -> bool:
    """True where a mix of the (T, K) columns, each scaled to a spread of 1, hardly varies.

    Inverting their covariance would lose all but a few digits.
    """
    correlation = np.atleast_2d(np.corrcoef(values.T))
    return bool(np.linalg.eigvalsh(correlation).min() < _DEPENDENT)


def long_run_sums(moments: np.ndarray, lags: int) -> np.ndarray:
    """(K, K) sum of products of moments with themselves and, by Bartlett weights, their past.

    ``S_0 + sum_l (1 - l / (lags + 1)) (S_l + S_l')`` with ``S_l = sum_t m_t m_(t-l)'``: T times
    the long-run covariance of Newey, West (1987), never indefinite.

    Parameters
    ----------
    moments : (T, K) array
        Of mean zero; no NaN.
    lags : int
    """
    total = moments.T @ moments
    for lag in range(1, min(lags, len(moments) - 1) + 1):
        overlap = moments[lag:].T @ moments[:-lag]
        total += (1.0 - lag / (lags + 1.0)) * (overlap + overlap.T)
    return total


def regress(own: np.ndarray, design: np.ndarray, lags: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Coefficients, their Newey-West t-statistics and R squared.

    Parameters
    ----------
    own : (T,) array
    design : (T, K) array
        Linearly independent columns, the constant among them; no NaN.
    lags : int
        Bartlett weights ``1 - l / (lags + 1)``, no small-sample correction.

    Returns
    -------
    coefficients, t_stats : (K,) arrays
        Statistics are NaN where the fit leaves no residual.
    r_squared : float
        NaN where `own` has no variance.
    """
    size = np.linalg.norm(design, axis=0)
    scaled = design / size
    fit = np.linalg.lstsq(scaled, own, rcond=None)[0]
    residual = own - scaled @ fit
    scores = scaled * residual[:, None]
    meat = long_run_sums(scores, lags)
    bread = np.linalg.inv(scaled.T @ scaled)
    error = np.sqrt(np.maximum(np.diag(bread @ meat @ bread), 0.0))
    scale = float(np.abs(own).max(initial=0.0))
    # A fit without residuals leaves rounding errors only: nothing to test against.
    t_stats = np.full(len(fit), np.nan)
    if float(np.abs(residual).max(initial=0.0)) > 1e-13 * scale:
        np.divide(fit, error, out=t_stats, where=error > 0.0)
    total = float(np.sum((own - own.mean()) ** 2))
    varies = total > (1e-12 * scale) ** 2 * len(own)
    r_squared = 1.0 - float(residual @ residual) / total if varies else np.nan
    return fit / size, t_stats, r_squared
