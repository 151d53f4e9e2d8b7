"""Printed bars out of adjusted ones, without a client."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.sources.yahoo_chart import Chart, closed, printed_bars, read_chart
from tests.yahoo_case import ACME, LATER, OPENS
from tests.yahoo_server import ChartFixture


def test_days_that_begin_before_midnight_have_their_own_label() -> None:
    # Where clocks changed, a day of Sao Paulo is stamped 23:00 of the day before (02:00 UTC).
    stamps = pd.DatetimeIndex(["2022-01-04 02:00", "2022-01-05 13:00"], tz="UTC")
    chart = Chart({"exchangeTimezoneName": "America/Sao_Paulo"}, stamps, [1, 1], {}, True)
    assert list(map(str, chart.labels(stamps).date)) == ["2022-01-04", "2022-01-05"]


def test_without_session_hours_a_day_is_over_at_midnight_of_the_exchange() -> None:
    meta = {"exchangeTimezoneName": "Asia/Tokyo", "instrumentType": "EQUITY"}
    chart = Chart(meta, pd.DatetimeIndex([], tz="UTC"), [], {}, True)
    index = pd.DatetimeIndex(["2020-09-01", "2020-09-02"]).as_unit("s")
    # Midnight after 2 September in Tokyo is 15:00 UTC of that day.
    assert closed(chart, index, pd.Timestamp("2020-09-02 14:59", tz="UTC")).tolist() == [
        True,
        False,
    ]
    assert closed(chart, index, pd.Timestamp("2020-09-02 15:00", tz="UTC")).tolist() == [True, True]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.integers(100, 900_000), st.sampled_from([1, 1, 1, 2, 3, 0.5, 1.5]),
            st.sampled_from([0.0, 0.0, 0.01, 0.02]),
        ),
        min_size=1,
        max_size=12,
    )
)  # fmt: skip
def test_what_the_vendor_adjusts_is_had_back(bars: list[tuple[int, float, float]]) -> None:
    # Bars as printed: cents, ratio and dividend yield of each day; then adjusted as Yahoo does,
    # bar by bar from the last one back.
    cents, ratios, yields = zip(*bars)
    opens = [OPENS[0] + 86_400 * i for i in range(len(bars))]
    closes = [value / 100 for value in cents]
    paid = [0.0] + [closes[i - 1] / ratios[i] * yields[i] for i in range(1, len(bars))]
    adjusted, payouts, factor = closes.copy(), paid.copy(), 1.0
    for i in reversed(range(len(bars))):
        adjusted[i], payouts[i] = closes[i] / factor, paid[i] / factor
        factor *= ratios[i]
    total, factor = adjusted.copy(), 1.0
    for i in reversed(range(len(bars))):
        total[i] = adjusted[i] * factor
        factor *= 1.0 - payouts[i] / adjusted[i - 1] if i else 1.0
    rows = [(opens[i], *[adjusted[i]] * 4, total[i], 1000) for i in range(len(bars))]
    splits = [
        {"date": opens[i], "numerator": 2 * ratios[i], "denominator": 2}
        for i in range(len(bars)) if ratios[i] != 1
    ]  # fmt: skip
    dividends = [{"date": opens[i], "amount": payouts[i]} for i in range(1, len(bars)) if paid[i]]
    fixture = ChartFixture(rows, ACME.meta, dividends, splits)
    chart = read_chart(json.dumps(fixture.reply("X", 0, 2**40)), True)
    columns = ["Open", "High", "Low", "Close", "Adj Close", "Volume"]
    index = chart.labels(chart.stamps).tz_localize(chart.zone)
    frame = pd.DataFrame([row[1:] for row in rows], index, columns, dtype="float64")
    found, notes = printed_bars(chart, frame, pd.Timestamp(LATER))
    np.testing.assert_allclose(found["close"], closes, rtol=1e-12)
    np.testing.assert_allclose(found["dividend"], paid, rtol=1e-12)
    np.testing.assert_allclose(found["split_ratio"], ratios, rtol=1e-12)
    assert not any("disagree" in note for note in notes)
