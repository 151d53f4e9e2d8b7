"""Yahoo through the real client, against a server of our own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from feeds.sources.request import BAR_COLUMNS, FetchError, RawSeries
from tests.yahoo_case import (
    ACME,
    DAYS,
    OPENS,
    UTC,
    SourceMaker,
    ask,
    changed,
    row,
    running_server,
    stamp,
)
from tests.yahoo_server import YahooServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[YahooServer]:
    """A server, and a client without a past."""
    with running_server(tmp_path) as running:
        yield running


@pytest.fixture
def yahoo(server: YahooServer) -> SourceMaker:
    """Makes sources that ask the server."""
    return SourceMaker(server)


def days(raw: RawSeries) -> list[str]:
    """ISO days of the bars."""
    return [str(day.date()) for day in raw.bars.index]


def test_prices_volume_and_dividends_come_back_as_printed(yahoo: SourceMaker) -> None:
    raw = yahoo().fetch(ask(currency="USD"))
    assert days(raw) == DAYS
    assert tuple(raw.bars.columns) == BAR_COLUMNS
    assert set(map(str, raw.bars.dtypes)) == {"float64"}
    assert str(raw.bars.index.dtype) == "datetime64[s]" and raw.bars.index.name == "date"
    assert raw.bars["close"].tolist() == [400.0, 404.0, 102.0, 104.0, 53.0]
    # Opens: (50 - 0.1) x 8 = 399.2, 50.4 x 8 = 403.2, 50.9 x 2 = 101.8, 51.9 x 2, 52.9.
    np.testing.assert_allclose(raw.bars["open"], [399.2, 403.2, 101.8, 103.8, 52.9], rtol=1e-14)
    np.testing.assert_allclose(raw.bars["high"], [401.6, 405.6, 102.4, 104.4, 53.2], rtol=1e-14)
    np.testing.assert_allclose(raw.bars["low"], [398.4, 402.4, 101.6, 103.6, 52.8], rtol=1e-14)
    # 8000/8, 8800/8, 10000/2, 10400/2, 9000.
    assert raw.bars["volume"].tolist() == [1000.0, 1100.0, 5000.0, 5200.0, 9000.0]
    assert raw.bars["split_ratio"].tolist() == [1.0, 1.0, 4.0, 1.0, 2.0]
    np.testing.assert_allclose(raw.bars["dividend"], [0.0, 1.6, 0.0, 0.5, 0.0], rtol=1e-14)
    assert (raw.volume_unit, raw.price_kind) == ("units", "traded")
    assert (raw.currency, raw.timezone) == ("USD", "America/New_York")
    assert raw.vendor == "yfinance 1.7.0" and raw.licence and raw.notes == ()


def test_a_range_that_ends_before_a_split_is_still_as_printed(
    server: YahooServer, yahoo: SourceMaker
) -> None:
    request = ask(start=dt.date(2020, 8, 28), end=dt.date(2020, 8, 31))
    raw = yahoo().fetch(request)
    assert days(raw) == ["2020-08-28", "2020-08-31"]
    assert raw.bars["close"].tolist() == [404.0, 102.0]
    np.testing.assert_allclose(raw.bars["dividend"], [1.6, 0.0], rtol=1e-14)
    # Midnight in New York of the first day is what was asked for.
    assert f"period1={stamp('2020-08-28')}" in server.chart_calls()[-1]


def test_an_open_session_is_left_out_and_its_split_counts(yahoo: SourceMaker) -> None:
    # 16:00 in New York is 20:00 UTC; half an hour later the day is closed.
    before = yahoo(now=dt.datetime(2020, 9, 2, 20, 29, tzinfo=UTC)).fetch(ask())
    assert days(before) == DAYS[:4]
    assert before.bars["close"].tolist() == [400.0, 404.0, 102.0, 104.0]
    assert before.notes == ("left out 1 bars that were not closed yet",)
    after = yahoo(now=dt.datetime(2020, 9, 2, 20, 30, tzinfo=UTC)).fetch(ask())
    assert days(after) == DAYS


def test_a_coin_has_volume_in_currency_and_utc_days(yahoo: SourceMaker) -> None:
    now = dt.datetime(2020, 11, 30, 23, 59, 59, tzinfo=UTC)
    raw = yahoo(now=now).fetch(ask("BTC-USD", "crypto"))
    assert days(raw) == ["2020-11-28", "2020-11-29"]
    # 32-bit 17717.400390625 is the shortest decimal 17717.4.
    assert raw.bars["close"].tolist() == [17717.4, 18177.5]
    assert raw.bars["volume"].iloc[0] == 32_601_040_734.0
    assert np.isnan(raw.bars["volume"].iloc[1]), "no volume is not a volume of 0"
    assert (raw.volume_unit, raw.timezone) == ("currency", "UTC")
    now = dt.datetime(2020, 12, 1, tzinfo=UTC)
    assert days(yahoo(now=now).fetch(ask("BTC-USD", "crypto")))[-1] == "2020-11-30"


def test_an_index_is_an_index(yahoo: SourceMaker) -> None:
    raw = yahoo().fetch(ask("^GSPC", "index"))
    assert (raw.price_kind, raw.volume_unit) == ("index", "units")
    assert raw.bars["close"].tolist() == [3526.65]


def test_hours_are_in_utc_and_unadjusted(server: YahooServer, yahoo: SourceMaker) -> None:
    # 10:30 in New York is 14:30 UTC: over at 15:30, taken from 16:00 on.
    now = dt.datetime(2020, 8, 31, 15, 59, tzinfo=UTC)
    raw = yahoo(now=now).fetch(ask("HOURLY", interval="1h", start=dt.date(2020, 8, 28)))
    assert list(map(str, raw.bars.index)) == [
        "2020-08-28 18:30:00", "2020-08-28 19:30:00", "2020-08-31 13:30:00"
    ]  # fmt: skip
    assert raw.bars["close"].tolist() == [200.0, 204.0, 52.0]
    assert raw.bars["volume"].tolist() == [1000.0, 1000.0, 4000.0]
    assert raw.bars["split_ratio"].tolist() == [1.0, 1.0, 4.0]
    assert raw.notes == ("left out 1 bars that were not closed yet",)
    assert "interval=1h" in server.chart_calls()[-1]
    request = ask("HOURLY", interval="1h", start=dt.date(2020, 8, 31), end=dt.date(2020, 8, 31))
    assert len(yahoo(now=now + dt.timedelta(minutes=1)).fetch(request).bars) == 2
    # An exchange in the east is a day ahead of UTC: asked for from the day before.
    assert f"period1={stamp('2020-08-30')}" in server.chart_calls()[-1]
    # Without a start, the 730 days that Yahoo has; the fixture is older.
    with pytest.raises(FetchError, match="no bars in this range"):
        yahoo().fetch(ask("HOURLY", interval="1h"))


def test_a_split_on_a_day_without_a_bar_belongs_to_the_next_bar(
    server: YahooServer, yahoo: SourceMaker
) -> None:
    # No bar on 31 August: 28 August is old shares, 1 September new ones, whoever says when.
    server.charts["ACME"] = changed(rows=[ACME.rows[i] for i in (0, 1, 3, 4)])
    raw = yahoo().fetch(ask())
    assert raw.bars["close"].tolist() == [400.0, 404.0, 104.0, 53.0]
    assert raw.bars["split_ratio"].tolist() == [1.0, 1.0, 4.0, 2.0]


def test_events_without_bars_add_up_on_the_next_one(
    server: YahooServer, yahoo: SourceMaker
) -> None:
    # From 28 August to 2 September: 4 x 2 = 8 for 1, and the 0.25 of 1 September in new shares.
    server.charts["ACME"] = changed(rows=[ACME.rows[i] for i in (0, 1, 4)])
    raw = yahoo().fetch(ask())
    assert raw.bars["split_ratio"].tolist() == [1.0, 1.0, 8.0]
    assert raw.bars["dividend"].iloc[2] == 0.25


def test_announced_events_count_for_nothing_yet(server: YahooServer, yahoo: SourceMaker) -> None:
    # The time is 1 December; Yahoo adjusts on the day itself.
    split = {"date": stamp("2020-12-24 09:30"), "numerator": 3, "denominator": 1}
    server.charts["ACME"] = changed(splits=[*ACME.splits, split])
    raw = yahoo().fetch(ask())
    assert days(raw) == DAYS
    assert raw.bars["close"].tolist() == [400.0, 404.0, 102.0, 104.0, 53.0]


def test_rows_without_prices_are_no_bars(server: YahooServer, yahoo: SourceMaker) -> None:
    hole = (OPENS[1], None, None, None, None, None, None)
    dividends = ACME.dividends[1:]
    server.charts["ACME"] = changed(rows=[hole, *ACME.rows[2:]], dividends=dividends)
    assert days(yahoo().fetch(ask())) == DAYS[2:]


def test_a_dividend_that_the_adjusted_closes_deny_is_told(
    server: YahooServer, yahoo: SourceMaker
) -> None:
    wrong = [{"date": OPENS[1], "amount": 2.0}, ACME.dividends[1]]
    server.charts["ACME"] = changed(dividends=wrong)
    raw = yahoo().fetch(ask())
    # Closes say 50 x 0.004 = 0.2 of today's shares.
    assert raw.notes == (
        "on 1 days dividends and Yahoo's adjusted closes disagree, first on 2020-08-28: "
        "2 paid, 0.2 implied",
    )
    assert raw.bars["dividend"].iloc[1] == 16.0


def test_capital_gains_count_where_the_adjusted_closes_say_so(
    server: YahooServer, yahoo: SourceMaker
) -> None:
    # 0.05 + 0.15 = 0.20: the fund's two payments together; a second gain is in the dividend.
    fund = {**ACME.meta, "instrumentType": "ETF"}
    parts = [{"date": OPENS[1], "amount": 0.05}, ACME.dividends[1]]
    gains = [{"date": OPENS[1], "amount": 0.15}, {"date": OPENS[3], "amount": 0.10}]
    server.charts["ACME"] = changed(meta=fund, dividends=parts, gains=gains)
    raw = yahoo().fetch(ask())
    np.testing.assert_allclose(raw.bars["dividend"], [0.0, 1.6, 0.0, 0.5, 0.0], rtol=1e-14)
    assert raw.notes == ()


def test_a_dividend_in_another_currency_is_unknown(server: YahooServer, yahoo: SourceMaker) -> None:
    foreign = [{**ACME.dividends[0], "currency": "EUR"}, {**ACME.dividends[1], "currency": "USD"}]
    server.charts["ACME"] = changed(dividends=foreign)
    raw = yahoo().fetch(ask())
    assert np.isnan(raw.bars["dividend"].iloc[1]) and raw.bars["dividend"].iloc[3] == 0.5
    assert raw.notes == ("1 dividends, the first of 2020-08-28, are not in USD: unknown",)


def test_a_split_that_yahoo_has_not_applied_is_told(
    server: YahooServer, yahoo: SourceMaker
) -> None:
    # Before 31 August the rows are as printed x 1/2 (the later split only): 200, 202, then 51.
    old = [row(OPENS[0], 200.0, 200.0, 2000), row(OPENS[1], 202.0, 202.0, 2200)]
    server.charts["ACME"] = changed(rows=[*old, *ACME.rows[2:]], dividends=[])
    notes = yahoo().fetch(ask()).notes
    assert notes[0].startswith(
        "over the split of 2020-08-31 (4 for 1) Yahoo's prices move by a factor of 0.2525"
    )
    assert not any("2020-09-02" in note for note in notes)
