"""Proportional bid-ask spreads estimated from daily highs, lows and closes."""

from __future__ import annotations

import numpy as np

__all__ = ["abdi_ranaldo", "corwin_schultz"]

_ROOT = 3.0 - 2.0 * np.sqrt(2.0)


def corwin_schultz(high: np.ndarray, low: np.ndarray, close: np.ndarray) -> np.ndarray:
    """Proportional bid-ask spread from the ranges of two days.

    ``S = 2 (e^a - 1) / (1 + e^a)``, ``a = (sqrt(2 b) - sqrt(b)) / k - sqrt(g / k)``,
    ``k = 3 - 2 sqrt(2)``, b the sum of the squared log ranges of the two days and g the squared
    log range of both together. Where the second day opens beyond the close before it, its range
    is moved by the gap, and negative estimates are 0, both as the authors do.

    Parameters
    ----------
    high, low, close : (D,) or (D, n) float64 arrays
        Of days that follow each other, in one unit of account; NaN where there is no bar.

    Returns
    -------
    (D,) or (D, n) float64 array
        Of each day and the one before it; NaN where one of them is not known, on the first day,
        and where high equals low on both.

    References
    ----------
    Corwin and Schultz (2012), Journal of Finance 67, equations 14 and 18 and section II.B.
    """
    spread = np.full(np.shape(high), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        high, low, close = np.log(high), np.log(low), np.log(close)
        gap = np.maximum(low[1:] - close[:-1], 0.0) + np.minimum(high[1:] - close[:-1], 0.0)
        second_high, second_low = high[1:] - gap, low[1:] - gap
        beta = (high[:-1] - low[:-1]) ** 2 + (second_high - second_low) ** 2
        both = np.maximum(high[:-1], second_high) - np.minimum(low[:-1], second_low)
        alpha = (np.sqrt(2.0 * beta) - np.sqrt(beta)) / _ROOT - np.sqrt(both**2 / _ROOT)
        estimate = np.maximum(2.0 * np.tanh(alpha / 2.0), 0.0)
    spread[1:] = np.where(beta > 0, estimate, np.nan)
    return spread


def abdi_ranaldo(high: np.ndarray, low: np.ndarray, close: np.ndarray) -> np.ndarray:
    """Proportional bid-ask spread from a close and the mid-ranges of its day and the next.

    The two-day estimate ``s_t = sqrt(max(4 (c_t - m_t) (c_t - m_{t+1}), 0))`` in logarithms,
    c the close and m the middle of high and low; it is known at the close of t + 1. A mean over
    days, each of them corrected at 0, is the authors' two-day corrected version.

    Parameters
    ----------
    high, low, close : (D,) or (D, n) float64 arrays
        Of days that follow each other, in one unit of account; NaN where there is no bar.

    Returns
    -------
    (D,) or (D, n) float64 array
        Of each day and the one before it; NaN where one of them is not known, on the first day,
        and where high equals low on either: a bar without a range, as of a vendor that gives
        closes only, says nothing of a spread.

    References
    ----------
    Abdi and Ranaldo (2017), A Simple Estimation of Bid-Ask Spreads from Daily Close, High, and
    Low Prices, Review of Financial Studies 30, equation 11.
    """
    spread = np.full(np.shape(high), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        middle, close = (np.log(high) + np.log(low)) / 2.0, np.log(close)
        product = 4.0 * (close[:-1] - middle[:-1]) * (close[:-1] - middle[1:])
        ranged = (high > low)[1:] & (high > low)[:-1]
    spread[1:] = np.where(ranged, np.sqrt(np.maximum(product, 0.0)), np.nan)
    return spread
