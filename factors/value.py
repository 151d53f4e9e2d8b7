"""Value: what a company owns, earns and sells to its market cap, or minus the long-run return."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from factors.ratios import positive, ratio, scores_by_part
from factors.registry import factor
from factors.windows import (
    asked_rows,
    at_rows,
    check_window,
    growth_between,
    last_known,
    spread,
)
from feeds.panel import Panel

__all__ = [
    "book_to_market",
    "cash_flow_yield",
    "earnings_yield",
    "long_run_return",
    "sales_yield",
]

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
    book, caps = panel.book_equity, panel.market_cap

    def compute(part: np.ndarray, out: np.ndarray) -> None:
        ratio(at_rows(book, part), at_rows(caps, part), out)
        # Where all ratios are numbers above zero, so are both fields.
        if not (out.min(initial=np.inf) > 0 and np.isfinite(out.sum())):
            ratio(positive(last_known(panel, book, part)), last_known(panel, caps, part), out)

    return scores_by_part(panel, rows, compute)


@factor("earnings_yield", label="Earnings yield", fields=("net_income_ttm", "market_cap"))
def earnings_yield(panel: Panel, rows: np.ndarray | None = None) -> np.ndarray:
    """Net income of the last twelve months over the current market cap.

    Parameters
    ----------
    panel : Panel
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        A ratio; losses are negative, and rank below every profit. NaN where either is not known,
        where the cap is not positive, and where the asset has no bar within the week before t.

    References
    ----------
    Basu (1977), Journal of Finance 32.
    """
    return scores_by_part(panel, rows, _yield(panel, "net_income_ttm"))


@factor(
    "cash_flow_yield", label="Cash flow yield", fields=("operating_cash_flow_ttm", "market_cap")
)
def cash_flow_yield(panel: Panel, rows: np.ndarray | None = None) -> np.ndarray:
    """Operating cash flow of the last twelve months over the current market cap.

    The authors take net income plus depreciation for the cash flow; here it is the one filed.

    Parameters
    ----------
    panel : Panel
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        A ratio, negative where cash was used up. NaN as for :func:`earnings_yield`.

    References
    ----------
    Lakonishok, Shleifer and Vishny (1994), Journal of Finance 49.
    """
    return scores_by_part(panel, rows, _yield(panel, "operating_cash_flow_ttm"))


@factor("sales_yield", label="Sales yield", fields=("revenue_ttm", "market_cap"))
def sales_yield(panel: Panel, rows: np.ndarray | None = None) -> np.ndarray:
    """Revenue of the last twelve months over the current market cap.

    Parameters
    ----------
    panel : Panel
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        A ratio, not negative. NaN as for :func:`earnings_yield`, and where revenue is negative.

    References
    ----------
    Barbee, Mukherji and Raines (1996), Financial Analysts Journal 52.
    """
    of_revenue = _yield(panel, "revenue_ttm")

    def compute(part: np.ndarray, out: np.ndarray) -> None:
        of_revenue(part, out)
        # The least is NaN where any is, which may hide another that is negative.
        if not out.min(initial=np.inf) >= 0:
            out[out < 0] = np.nan

    return scores_by_part(panel, rows, compute)


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
    scores = growth_between(
        panel, at, lookback, skip, lambda part: np.negative(np.log(part, out=part), out=part)
    )
    return spread(panel, at, scores)


def _yield(panel: Panel, name: str) -> Callable[[np.ndarray, np.ndarray], object]:
    figure, caps = panel.figure(name), panel.market_cap
    return lambda part, out: ratio(at_rows(figure, part), last_known(panel, caps, part), out)
