"""Quality: what a company earns on its book, and how much of it was paid in cash."""

from __future__ import annotations

import numpy as np

from factors.ratios import ratio, scores_by_part
from factors.registry import factor
from factors.windows import at_rows
from feeds.panel import Panel

__all__ = ["accruals", "profitability", "return_on_equity"]


@factor("profitability", label="Profitability", fields=("operating_income_ttm", "book_equity"))
def profitability(panel: Panel, rows: np.ndarray | None = None) -> np.ndarray:
    """Operating income of the last twelve months over the latest public book equity.

    The authors also take off interest, which filings do not give apart.

    Parameters
    ----------
    panel : Panel
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        A fraction a year, negative for a loss. NaN where either is not known, where book equity
        is not positive, and where the asset has no bar within the week before t.

    References
    ----------
    Fama and French (2015), Journal of Financial Economics 116.
    """
    return _on_book(panel, "operating_income_ttm", rows)


@factor("return_on_equity", label="Return on equity", fields=("net_income_ttm", "book_equity"))
def return_on_equity(panel: Panel, rows: np.ndarray | None = None) -> np.ndarray:
    """Net income of the last twelve months over the latest public book equity.

    Parameters
    ----------
    panel : Panel
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        A fraction a year. NaN as for :func:`profitability`.

    References
    ----------
    Haugen and Baker (1996), Journal of Financial Economics 41; Hou, Xue and Zhang (2015), Review
    of Financial Studies 28, divide a quarter's income by the book of the quarter before.
    """
    return _on_book(panel, "net_income_ttm", rows)


@factor("accruals", label="Low accruals", fields=("accruals_ttm", "assets", "assets_year_ago"))
def accruals(panel: Panel, rows: np.ndarray | None = None) -> np.ndarray:
    """Minus the accruals of the last twelve months over average assets: earnings paid in cash.

    Accruals are net income less operating cash flow, both of the same twelve months; average
    assets are the mean of the latest and of those a year before.

    Parameters
    ----------
    panel : Panel
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        A fraction. NaN where one of them is not known, where average assets are not positive, and
        where the asset has no bar within the week before t.

    References
    ----------
    Sloan (1996), The Accounting Review 71; accruals from the cash flow statement as Hribar and
    Collins (2002), Journal of Accounting Research 40, would have them.
    """
    accrued, now, before = map(panel.figure, ("accruals_ttm", "assets", "assets_year_ago"))

    def average(part: np.ndarray) -> np.ndarray:
        total = at_rows(now, part) + at_rows(before, part)
        return np.divide(total, 2.0, out=total)

    return scores_by_part(
        panel,
        rows,
        lambda part, out: np.subtract(
            0.0, ratio(at_rows(accrued, part), average(part), out), out=out
        ),
    )


def _on_book(panel: Panel, name: str, rows: np.ndarray | None) -> np.ndarray:
    earned, book = panel.figure(name), panel.book_equity
    return scores_by_part(
        panel, rows, lambda part, out: ratio(at_rows(earned, part), at_rows(book, part), out)
    )
