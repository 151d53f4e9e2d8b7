"""Share counts of filings, held against the symbol's other filings of the past year.

A count that follows from net income and earnings per share is off by rounding, and by far more
where the two are of different lengths, classes of shares or units. What one filing says is held
against what those before it said; no filing is judged by a later one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from feeds.errors import DataError

__all__ = ["settle_shares"]

#: Earnings per share are filed to the cent: half of one is what rounding may hide.
_HALF_CENT = 0.005
#: Part of a count's departure that the balance sheet must show as well to confirm it.
_CONFIRMED = 0.5


def settle_shares(
    filings: pd.DataFrame,
    assets: Sequence[str],
    dates: np.ndarray,
    split_factor: np.ndarray,
    *,
    window: int = 5,
    days: int = 460,
    tolerance: float = 0.2,
) -> pd.DataFrame:
    """Replace share counts that the filings before do not bear out by the median of them all.

    Each count is compared, on one basis of splits, with the weighted median of itself and the
    symbol's counts before it, at most `window` of them from the last `days`. Weights are the
    absolute earnings per share, up to 1: a count divided by 0.03 says little. A count within
    `tolerance`, and what rounding to the cent may add, stays as it is. So does one that the
    balance sheet confirms: assets or book equity moved the same way since the filing before, by
    half as much or more, as in a merger. Any other becomes the median.

    Parameters
    ----------
    filings : DataFrame
        As `feeds.fundamentals.check_fundamentals` returns it; ``eps`` and ``assets`` are used
        where they are there. Without ``eps`` all counts weigh the same.
    assets : sequence of str
        N symbols; counts of others stay as they are.
    dates : (T,) datetime64[D] array
        Sessions.
    split_factor : (T, N) float64 array
        Cumulative, 1 at the first bar.
    window : int
        Counts compared, its own included.
    days : int
        Their greatest age.
    tolerance : float
        Greatest log difference from the median that is no fault.

    Returns
    -------
    DataFrame
        The filings with `shares` settled, each in the shares of its own ``shares_as_of``; NaN
        where the filing has no count.

    Raises
    ------
    DataError
        If `window` is under 1 or `tolerance` negative.
    """
    if window < 1 or tolerance < 0.0:
        raise DataError(
            f"window {window} and tolerance {tolerance:g} compare no share counts",
            "give a window of 1 or more and a tolerance of 0 or more",
        )
    column = pd.Index(list(assets)).get_indexer(filings["symbol"])
    counted = np.flatnonzero((column >= 0) & filings["shares"].notna().to_numpy())
    counted = counted[np.argsort(column[counted], kind="stable")]  # each symbol's, in order known
    part, column = filings.iloc[counted], column[counted]
    base = _split_base(part, column, dates, split_factor)
    eps = _figure(part, "eps", 1.0)
    own = np.log(part["shares"].to_numpy(dtype="float64") / base)
    known = part["known_from"].to_numpy().astype("datetime64[D]").astype("int64")
    logs, weights = _before(own, np.clip(np.abs(eps), _HALF_CENT, 1.0), known, column, window, days)
    middle = _weighted_median(logs, weights)
    away = own - middle
    rounding = np.where(np.isfinite(eps), _HALF_CENT / np.maximum(np.abs(eps), _HALF_CENT), 0.0)
    stays = (np.abs(away) <= tolerance + rounding) | _confirmed(part, column, own, away)
    shares = filings["shares"].to_numpy(dtype="float64", copy=True)
    shares[counted[~stays]] = (np.exp(middle) * base)[~stays]
    return filings.assign(shares=shares)


def _split_base(
    filings: pd.DataFrame, column: np.ndarray, dates: np.ndarray, split_factor: np.ndarray
) -> np.ndarray:
    """(M,) cumulative split factor on the day of each count; 1 before the first session."""
    day = filings["shares_as_of"].to_numpy().astype("datetime64[D]")
    row = np.searchsorted(dates, day, side="right") - 1
    return np.where(row >= 0, split_factor[np.maximum(row, 0), column], 1.0)


def _before(
    own: np.ndarray,
    weight: np.ndarray,
    known: np.ndarray,
    column: np.ndarray,
    window: int,
    days: int,
) -> tuple[np.ndarray, np.ndarray]:
    """(M, window) counts of the filing itself and of those before it, NaN elsewhere; weights."""
    back = np.arange(len(own))[:, None] - np.arange(window)
    at = np.maximum(back, 0)
    same = (back >= 0) & (column[at] == column[:, None]) & (known[:, None] - known[at] <= days)
    return np.where(same, own[at], np.nan), np.where(same, weight[at], 0.0)


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(M,) lowest known value at which half of each line's weight is reached."""
    order = np.argsort(values, axis=1, kind="stable")
    reached = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    place = (reached >= reached[:, -1:] / 2.0).argmax(axis=1)
    return np.take_along_axis(values, order, axis=1)[np.arange(len(values)), place]


def _confirmed(
    filings: pd.DataFrame, column: np.ndarray, own: np.ndarray, away: np.ndarray
) -> np.ndarray:
    """(M,) bool: the balance sheet moved with the count since the symbol's count before."""
    follows = np.append(False, column[1:] == column[:-1]) if len(column) else np.zeros(0, bool)
    moved = np.diff(own, prepend=np.nan)
    confirmed = np.zeros(len(own), dtype=bool)
    for name in ("assets", "book_equity"):
        amount = _figure(filings, name, np.nan)
        logs = np.log(np.where(amount > 0, amount, np.nan))
        change = np.diff(logs, prepend=np.nan)
        with np.errstate(invalid="ignore"):
            confirmed |= (change * moved > 0) & (np.abs(change) >= _CONFIRMED * np.abs(away))
    return follows & confirmed


def _figure(filings: pd.DataFrame, name: str, absent: float) -> np.ndarray:
    if name not in filings.columns:
        return np.full(len(filings), absent)
    return filings[name].to_numpy(dtype="float64", na_value=np.nan)
