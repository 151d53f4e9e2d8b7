"""Tests of many things at once, and what a sample could have shown at all."""

from __future__ import annotations

import math

import numpy as np

__all__ = [
    "DETECTED",
    "benjamini_hochberg",
    "smallest_sharpe",
    "holm",
    "p_of_t",
]

#: Standard errors from zero that a two-sided test at 5 % finds four times out of five:
#: the normal quantiles of 0.975 and 0.8, together.
DETECTED = 1.959964 + 0.841621


def p_of_t(t_stat: float, observations: float) -> float:
    """Two-sided p-value of a t-statistic of a mean, Student's with ``observations - 1``.

    NaN where the statistic is, or under two observations.
    """
    from scipy.stats import t as student

    if not (math.isfinite(t_stat) and observations >= 2):
        return math.nan
    return float(2.0 * student.sf(abs(t_stat), observations - 1))


def holm(p_values: np.ndarray) -> np.ndarray:
    """(K,) p-values after Holm's step-down correction, in the order given.

    The chance that any true null hypothesis among the K is refused stays below the level,
    whatever their dependence. NaN stays NaN and is no test.

    References
    ----------
    Holm (1979), "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian
    Journal of Statistics 6.
    """
    return _adjusted(p_values, lambda p: np.maximum.accumulate(p * np.arange(len(p), 0, -1)))


def benjamini_hochberg(p_values: np.ndarray) -> np.ndarray:
    """(K,) p-values after the step-up correction for the false discovery rate.

    Among those under a level, that share at most is expected to be false, where the tests are
    independent or positively dependent. NaN stays NaN and is no test.

    References
    ----------
    Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57.
    """

    def stepped(ordered: np.ndarray) -> np.ndarray:
        scaled = ordered * len(ordered) / np.arange(1, len(ordered) + 1)
        return np.minimum.accumulate(scaled[::-1])[::-1]

    return _adjusted(p_values, stepped)


def smallest_sharpe(years: float) -> float:
    """Sharpe ratio a year that a sample finds four times out of five, at 5 % two-sided.

    A ratio's standard error is about one over the root of the years (Lo, 2002, of independent
    returns). NaN without any years.
    """
    return DETECTED / math.sqrt(years) if years > 0 else math.nan


def _adjusted(p_values: np.ndarray, steps) -> np.ndarray:
    p_values = np.asarray(p_values, dtype=float)
    known = np.flatnonzero(np.isfinite(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    out = np.full(p_values.shape, np.nan)
    if len(order):
        out[order] = np.minimum(steps(p_values[order]), 1.0)
    return out
