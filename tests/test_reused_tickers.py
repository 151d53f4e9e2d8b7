"""A ticker means the series that has it on the day."""

from __future__ import annotations

import numpy as np

from feeds.reused_tickers import later_series, series_of


def test_a_ticker_is_that_of_the_series_that_has_it():
    parents = {"A.3": "A", "A.2": "A", "B.2": "B", "GONE.2": "GONE"}
    began = {"A": "2010-01-04", "A.2": "2012-01-03", "A.3": "2014-01-02", "B.2": "2015-01-02"}
    later = later_series(parents, began)
    assert {ticker: [name for _, name in series] for ticker, series in later.items()} == {
        "A": ["A.2", "A.3"], "B": ["B.2"],
    }  # fmt: skip
    asked = [
        ("A", "2009-01-02", "A"), ("A", "2012-01-02", "A"), ("A", "2012-01-03", "A.2"),
        ("A", "2014-01-01", "A.2"), ("A", "2020-01-01", "A.3"), ("B", "2015-01-01", "B"),
        ("C", "2015-01-01", "C"), ("B", "2016-01-01", "B.2"),
    ]  # fmt: skip
    symbols = np.array([row[0] for row in asked], dtype=object)
    days = np.array([row[1] for row in asked], dtype="datetime64[D]")
    assert series_of(symbols, days, later).tolist() == [row[2] for row in asked]
    assert symbols.tolist() == [row[0] for row in asked]
    # What begins later changes nothing before.
    early = later_series({"A.2": "A"}, began)
    assert series_of(symbols[:4], days[:4], early).tolist() == [row[2] for row in asked[:4]]
