"""Filings made by hand, and the figures that follow from them.

Every filing is a row (period end, day of filing, months, value); known_from is the day after.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from feeds.figures import Figures
from feeds.filings.figures import filed_figures
from feeds.fundamentals import check_fundamentals

__all__ = ["DATES", "YEARS", "on", "series", "table"]

NAN = np.nan
DATES = np.arange("2015-01-01", "2018-07-01", dtype="datetime64[D]")


def table(rows: list[tuple], column: str = "net_income", symbol: str = "A") -> pd.DataFrame:
    """A checked table of filings: (period_end, filed, months, value) each."""
    frame = pd.DataFrame(rows, columns=["period_end", "filed", "months", column])
    known = pd.to_datetime(frame["filed"]) + pd.Timedelta(days=1)
    frame = frame.assign(
        symbol=symbol, known_from=known.dt.strftime("%Y-%m-%d"), book_equity=NAN, shares=NAN,
        shares_as_of=None,
    )  # fmt: skip
    universe = pd.DataFrame({"symbol": [symbol], "price_kind": "traded"})
    return check_fundamentals(Path("fundamentals.csv"), frame.drop(columns="filed"), universe)


def series(
    rows: list[tuple], name: str = "net_income_ttm", column: str | None = None, dates=DATES
) -> pd.Series:
    """The figure of asset A by day."""
    filings = table(rows, column or name.removesuffix("_ttm").removesuffix("_year_ago"))
    events = filed_figures(filings, ["A"], dates)
    return pd.Series(Figures.of(events, (len(dates), 1)).array(name)[:, 0], pd.Index(dates))


def on(found: pd.Series, *days: str) -> list[float]:
    return [float(found[np.datetime64(day)]) for day in days]


YEARS = [
    ("2015-03-31", "2015-05-01", 3, 10.0),
    ("2015-06-30", "2015-08-01", 3, 20.0),
    ("2015-09-30", "2015-11-01", 3, 30.0),
    ("2015-12-31", "2016-02-20", 12, 100.0),
    ("2016-03-31", "2016-05-01", 3, 14.0),
    ("2016-06-30", "2016-08-01", 3, 26.0),
    ("2016-09-30", "2016-11-01", 3, 33.0),
    ("2016-12-31", "2017-02-20", 12, 120.0),
]
