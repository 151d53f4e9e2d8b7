"""Filed figures of a whole market: sums by hand, and no day that knows of a later filing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feeds.calendars import sessions
from feeds.figures import Figures
from feeds.filings.figures import filed_figures
from feeds.filings.options import FilingOptions
from feeds.filings.read import read_filings
from feeds.filings.table import filings_table
from feeds.fundamentals import check_fundamentals

REPORTS = Path(__file__).parents[2] / "shared" / "data" / "us_equities_reports.parquet"
pytestmark = pytest.mark.skipif(not REPORTS.exists(), reason="../shared/data is not there")


@pytest.fixture(scope="module")
def filings() -> pd.DataFrame:
    read = read_filings(REPORTS)
    names = sorted(set(read.symbol.tolist()))
    kinds = dict.fromkeys(names, "traded")
    table, _ = filings_table(read, FilingOptions(), kinds, iter(()))
    universe = pd.DataFrame({"symbol": names, "price_kind": "traded"})
    return check_fundamentals(REPORTS, table, universe)


@pytest.fixture(scope="module")
def dates() -> np.ndarray:
    return sessions("XNYS", np.datetime64("2015-03-20"), np.datetime64("2017-03-31"))


def test_twelve_months_of_one_company(filings: pd.DataFrame, dates: np.ndarray) -> None:
    events = filed_figures(filings, ["AAPL"], dates)
    held = Figures.of(events, (len(dates), 1))

    def on(name: str, day: str) -> float:
        return held.array(name)[np.searchsorted(dates, np.datetime64(day)), 0] / 1e6

    # The year to 2015-09-26, and half a year to date more and less: 81,266 + 39,064 - 52,803.
    assert on("operating_cash_flow_ttm", "2016-04-27") == 81_266
    assert on("operating_cash_flow_ttm", "2016-04-28") == 67_527
    # The year to 2016-09-24 and the first quarters: 45,687 + 17,891 - 18,361.
    assert on("net_income_ttm", "2017-02-01") == 45_687
    assert on("net_income_ttm", "2017-02-02") == 45_217
    # Both of the same year: 45,217 - (65,824 + 27,056 - 27,463).
    assert on("accruals_ttm", "2017-02-02") == 45_217 - 65_417
    assert on("assets", "2017-02-02") == 331_141
    assert on("assets_year_ago", "2017-02-02") == 293_284


def test_no_day_of_the_market_knows_of_a_later_filing(
    filings: pd.DataFrame, dates: np.ndarray
) -> None:
    names = sorted(set(filings["symbol"]))[::7]
    whole = Figures.of(filed_figures(filings, names, dates), (len(dates), len(names)))
    assert len(whole.names) == 13
    for row in np.linspace(20, len(dates) - 2, 12).astype(int):
        known = filings[filings["known_from"] <= pd.Timestamp(dates[row])]
        part = Figures.of(filed_figures(known, names, dates), whole.shape)
        for name in whole.names:
            np.testing.assert_array_equal(
                part.array(name)[row], whole.array(name)[row], err_msg=f"{name} on {dates[row]}"
            )
