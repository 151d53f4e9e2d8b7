"""What a factor earns: costless portfolios of its scores, and how well it ranks.

Rows of scores and weights are decisions (R,), rows of marks are sessions (T,). A decision
uses its own row and is entered `lag` rows later, at the close.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from factors.holdings import holding_returns as drifted_returns
from factors.holdings import holding_turnover as factor_turnover
from factors.quantile_books import long_short_weights, quantile_weights

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
