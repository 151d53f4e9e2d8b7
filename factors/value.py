"""Value: book equity to market cap, or minus the long-run return where no book is known."""

from __future__ import annotations

import numpy as np

from factors.registry import factor
from factors.windows import (
    asked_rows,
    check_window,
    close_before,
    is_fresh,
    last_known,
    spread,
)
from feeds.panel import Panel

__all__ = ["book_to_market", "long_run_return"]

#: (lookback, skip): from five years ago to one year ago, in sessions.
_FIVE_YEARS_TO_ONE = {"XNYS": (1260, 252), "24/7": (1825, 365)}


@factor("value", label="Value", fields=("market_cap", "book_equity"))
def book_to_market(panel: Panel, rows: np.ndarray | None = None) -> np.ndarray:
    """Latest public book equity over the current market cap.

    Parameters
    ----------
    panel : Panel
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        A ratio. NaN where either is not known, where book equity or the cap is not positive,
        and where the asset has no bar within the week before t.

    References
    ----------
    Asness and Frazzini (2013), "The Devil in HML's Details", Journal of Portfolio Management
    39: the book of the latest report over today's cap.
    """
    at = asked_rows(panel, rows)
    book = last_known(panel, panel.book_equity, at)
    cap = last_known(panel, panel.market_cap, at)
    ratio = np.full(book.shape, np.nan)
    np.divide(book, cap, out=ratio, where=(book > 0) & (cap > 0))
    return spread(panel, at, ratio)


@factor("value", proxy="long_run_return", label="long-run return", fields=("close",))
def long_run_return(
    panel: Panel,
    lookback: int | None = None,
    skip: int | None = None,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Minus the log return from five years ago to one year ago, a stand-in for cheapness.

    -log(P(t-skip) / P(t-lookback)). The last year is left out because momentum uses it.

    Parameters
    ----------
    panel : Panel
    lookback : int, optional
        Sessions back to the start of the window; 1260 on XNYS and 1825 on 24/7. It is fixed:
        a shorter history gives NaN, never a shorter window, which would be minus momentum.
    skip : int, optional
        Sessions back to its end; 252 on XNYS and 365 on 24/7.
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        Minus a log return. NaN as for momentum.

    Raises
    ------
    ConfigError
        If the window is empty.

    References
    ----------
    De Bondt and Thaler (1985), Journal of Finance 40; used as a value measure by Asness,
    Moskowitz and Pedersen (2013), Journal of Finance 68.
    """
    usual = _FIVE_YEARS_TO_ONE[panel.calendar]
    lookback = usual[0] if lookback is None else lookback
    skip = usual[1] if skip is None else skip
    check_window("value", lookback, skip)
    at = asked_rows(panel, rows)
    growth = close_before(panel, at, skip) / close_before(panel, at, lookback)
    return spread(panel, at, np.where(is_fresh(panel, at), -np.log(growth), np.nan))
