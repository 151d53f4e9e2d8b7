"""Flows of filings as rates a year, known from the first filing on."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from feeds.errors import DataError

__all__ = ["add_annual_rates"]


def add_annual_rates(
    filings: pd.DataFrame, names: Sequence[str], filings_back: int = 4
) -> pd.DataFrame:
    """Columns ``<name>_annual``: the mean rate a year of a symbol's last filings.

    A flow of m months counts as 12 / m of itself, and the last `filings_back` filings of the
    symbol that give it are averaged, fewer where it has fewer. Unlike the sum of four quarters
    this is known from the first filing on, and rougher: the seasons of a year do not cancel.

    Parameters
    ----------
    filings : DataFrame
        As `feeds.fundamentals.check_fundamentals` returns it, in the order known, with `names`
        and ``months``. A filing without months covers three.
    names : sequence of str
        Flows in currency.
    filings_back : int
        Filings averaged, its own included.

    Returns
    -------
    DataFrame
        The filings with the columns added; NaN where the filing does not give the flow.

    Raises
    ------
    DataError
        If a column is missing or `filings_back` is under 1.
    """
    lacking = [name for name in (*names, "months") if name not in filings.columns]
    if lacking or filings_back < 1:
        raise DataError(
            f"annual rates need {', '.join(lacking) or 'a filing or more'}",
            f"the filings have {', '.join(filings.columns)}",
        )
    months = filings["months"].fillna(3.0)
    added = {}
    for name in names:
        rate = (filings[name] * 12.0 / months).dropna()
        mean = rate.groupby(filings["symbol"], sort=False).rolling(filings_back, min_periods=1)
        added[f"{name}_annual"] = mean.mean().droplevel(0).reindex(filings.index)
    return filings.assign(**added)
