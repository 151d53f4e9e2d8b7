"""Yahoo through the real client, against a server of our own."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.sources.request import BAR_COLUMNS, FetchError, RawSeries, SymbolRequest
from feeds.sources.retry import RetryPolicy, with_retries
from feeds.sources.yahoo import Yahoo
from feeds.sources.yahoo_chart import Chart, closed, printed_bars, read_chart
from feeds.sources.yahoo_wire import Attempt, Wire
from tests.yahoo_server import ChartFixture, YahooServer

UTC = dt.timezone.utc
LATER = dt.datetime(2020, 12, 1, tzinfo=UTC)


def stamp(text: str, zone: str = "America/New_York") -> int:
    """Seconds of a local time."""
    return int(pd.Timestamp(text, tz=zone).timestamp())


def meta(kind: str, zone: str, currency: str, start: str, end: str) -> dict[str, Any]:
    """What the client and we read of a chart's meta; start and end of the session, local."""
    regular = {"start": stamp(start, zone), "end": stamp(end, zone)}
    hours = {**regular, "timezone": "EDT", "gmtoffset": -14400}
    return {
        "instrumentType": kind,
        "exchangeTimezoneName": zone,
        "currency": currency,
        "validRanges": ["1d", "max"],
        "currentTradingPeriod": {"pre": hours, "regular": hours, "post": hours},
    }


def float32(value: float) -> float:
    """A price as Yahoo writes it: 50.1 becomes 50.099998474121094."""
    return float(np.float32(value))


def row(when: int, close: float, adjclose: float, volume: int | None) -> tuple[Any, ...]:
    """Open 0.1 below, high 0.2 above, low 0.2 below the close."""
    prices = [float32(round(close + step, 4)) for step in (-0.1, 0.2, -0.2)]
    return (when, *prices, float32(close), adjclose, volume)


# Printed: closes 400, 404, 102, 104, 53; 4 for 1 on 31 August, 2 for 1 on 2 September; 1.60
# paid on 28 August, 0.50 on 1 September. Yahoo divides what comes before a split by its ratio:
# 400/8 = 50, 404/8 = 50.5, 102/2 = 51, 104/2 = 52, 53; 1.60/8 = 0.20, 0.50/2 = 0.25.
DAYS = ["2020-08-27", "2020-08-28", "2020-08-31", "2020-09-01", "2020-09-02"]
OPENS = [stamp(f"{day} 09:30") for day in DAYS]
# Adjusted closes: times 1 - 0.25/51 before 1 September, times 1 - 0.20/50 before 28 August.
F2 = 1 - 0.25 / 51
F1 = F2 * (1 - 0.20 / 50)
ACME = ChartFixture(
    rows=[
        row(OPENS[0], 50.0, 50.0 * F1, 8000),
        row(OPENS[1], 50.5, 50.5 * F2, 8800),
        row(OPENS[2], 51.0, 51.0 * F2, 10000),
        row(OPENS[3], 52.0, 52.0, 10400),
        row(OPENS[4], 53.0, 53.0, 9000),
    ],
    meta=meta("EQUITY", "America/New_York", "USD", "2020-09-02 09:30", "2020-09-02 16:00"),
    dividends=[{"date": OPENS[1], "amount": 0.20}, {"date": OPENS[3], "amount": 0.25}],
    splits=[
        {"date": OPENS[2], "numerator": 4, "denominator": 1, "splitRatio": "4:1"},
        {"date": OPENS[4], "numerator": 2, "denominator": 1, "splitRatio": "2:1"},
    ],
)
COIN = ChartFixture(
    # The last row is the running day, with the time of the last trade.
    rows=[
        row(stamp("2020-11-28", "UTC"), 17717.4, 17717.4, 32_601_040_734),
        row(stamp("2020-11-29", "UTC"), 18177.5, 18177.5, None),
        row(stamp("2020-11-30 18:30", "UTC"), 19625.8, 19625.8, 47_728_480_399),
    ],
    meta=meta("CRYPTOCURRENCY", "UTC", "USD", "2020-11-30", "2020-11-30 23:59"),
)
INDEX = ChartFixture(
    rows=[row(OPENS[3], 3526.65, 3526.65, 4_083_110_000)],
    meta=meta("INDEX", "America/New_York", "USD", "2020-09-01 09:30", "2020-09-01 16:00"),
)
HOURS = [stamp(f"2020-08-28 {hour}:30") for hour in ("14", "15")]
HOURS += [stamp(f"2020-08-31 {hour}:30") for hour in ("09", "10")]
PERIODS = [
    [
        {
            "start": stamp(f"{day} 09:30"),
            "end": stamp(f"{day} 16:00"),
            "timezone": "EDT",
            "gmtoffset": -14400,
        }
    ]
    for day in ("2020-08-28", "2020-08-31")
]
HOURLY = ChartFixture(
    rows=[row(when, 50.0 + i, 50.0 + i, 4000) for i, when in enumerate(HOURS)],
    meta={**ACME.meta, "tradingPeriods": PERIODS},
    splits=[{"date": HOURS[2], "numerator": 4, "denominator": 1, "splitRatio": "4:1"}],
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[YahooServer]:
    """A server, and a client without a past."""
    import yfinance
    from yfinance.data import SingletonMeta

    yfinance.set_tz_cache_location(str(tmp_path))
    SingletonMeta._instances.clear()
    charts = {"ACME": ACME, "BTC-USD": COIN, "^GSPC": INDEX, "HOURLY": HOURLY}
    with YahooServer(charts) as running:
        yield running


@pytest.fixture
def yahoo(server: YahooServer) -> Callable[..., Yahoo]:
    """Makes a source whose session asks the server instead of Yahoo."""
    from curl_cffi.requests import Session

    class Redirected(Session):
        def request(self, method: str, url: str, **options: Any) -> Any:
            path = "/" + url.partition("://")[2].partition("/")[2]
            return super().request(method, server.url + path, **options)

    def make(now: dt.datetime = LATER, timeout: float = 5.0) -> Yahoo:
        return Yahoo(timeout=timeout, session=Redirected(), now=lambda: now)

    return make


def ask(symbol: str = "ACME", asset_class: str = "equity", **more: Any) -> SymbolRequest:
    """A row of a symbols file."""
    return SymbolRequest(symbol.partition("-")[0], asset_class, "yahoo", symbol, **more)


def days(raw: RawSeries) -> list[str]:
    """ISO days of the bars."""
    return [str(day.date()) for day in raw.bars.index]


def test_prices_volume_and_dividends_come_back_as_printed(yahoo: Callable[..., Yahoo]) -> None:
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
    server: YahooServer, yahoo: Callable[..., Yahoo]
) -> None:
    request = ask(start=dt.date(2020, 8, 28), end=dt.date(2020, 8, 31))
    raw = yahoo().fetch(request)
    assert days(raw) == ["2020-08-28", "2020-08-31"]
    assert raw.bars["close"].tolist() == [404.0, 102.0]
    np.testing.assert_allclose(raw.bars["dividend"], [1.6, 0.0], rtol=1e-14)
    # Midnight in New York of the first day is what was asked for.
    assert f"period1={stamp('2020-08-28')}" in server.chart_calls()[-1]


def test_an_open_session_is_left_out_and_its_split_counts(yahoo: Callable[..., Yahoo]) -> None:
    # 16:00 in New York is 20:00 UTC; half an hour later the day is closed.
    before = yahoo(now=dt.datetime(2020, 9, 2, 20, 29, tzinfo=UTC)).fetch(ask())
    assert days(before) == DAYS[:4]
    assert before.bars["close"].tolist() == [400.0, 404.0, 102.0, 104.0]
    assert before.notes == ("left out 1 bars that were not closed yet",)
    after = yahoo(now=dt.datetime(2020, 9, 2, 20, 30, tzinfo=UTC)).fetch(ask())
    assert days(after) == DAYS


def test_a_coin_has_volume_in_currency_and_utc_days(yahoo: Callable[..., Yahoo]) -> None:
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


def test_an_index_is_an_index(yahoo: Callable[..., Yahoo]) -> None:
    raw = yahoo().fetch(ask("^GSPC", "index"))
    assert (raw.price_kind, raw.volume_unit) == ("index", "units")
    assert raw.bars["close"].tolist() == [3526.65]


def test_hours_are_in_utc_and_unadjusted(server: YahooServer, yahoo: Callable[..., Yahoo]) -> None:
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


def changed(**parts: Any) -> ChartFixture:
    """The stock with other parts."""
    return ChartFixture(**{**vars(ACME), **parts})


def test_a_split_on_a_day_without_a_bar_belongs_to_the_next_bar(
    server: YahooServer, yahoo: Callable[..., Yahoo]
) -> None:
    # No bar on 31 August: 28 August is old shares, 1 September new ones, whoever says when.
    server.charts["ACME"] = changed(rows=[ACME.rows[i] for i in (0, 1, 3, 4)])
    raw = yahoo().fetch(ask())
    assert raw.bars["close"].tolist() == [400.0, 404.0, 104.0, 53.0]
    assert raw.bars["split_ratio"].tolist() == [1.0, 1.0, 4.0, 2.0]


def test_rows_without_prices_are_no_bars(server: YahooServer, yahoo: Callable[..., Yahoo]) -> None:
    hole = (OPENS[1], None, None, None, None, None, None)
    dividends = ACME.dividends[1:]
    server.charts["ACME"] = changed(rows=[hole, *ACME.rows[2:]], dividends=dividends)
    assert days(yahoo().fetch(ask())) == DAYS[2:]


def test_a_dividend_that_the_adjusted_closes_deny_is_told(
    server: YahooServer, yahoo: Callable[..., Yahoo]
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
    server: YahooServer, yahoo: Callable[..., Yahoo]
) -> None:
    # 0.05 + 0.15 = 0.20: the fund's two payments together; a second gain is in the dividend.
    fund = {**ACME.meta, "instrumentType": "ETF"}
    parts = [{"date": OPENS[1], "amount": 0.05}, ACME.dividends[1]]
    gains = [{"date": OPENS[1], "amount": 0.15}, {"date": OPENS[3], "amount": 0.10}]
    server.charts["ACME"] = changed(meta=fund, dividends=parts, gains=gains)
    raw = yahoo().fetch(ask())
    np.testing.assert_allclose(raw.bars["dividend"], [0.0, 1.6, 0.0, 0.5, 0.0], rtol=1e-14)
    assert raw.notes == ()


def test_a_dividend_in_another_currency_is_unknown(
    server: YahooServer, yahoo: Callable[..., Yahoo]
) -> None:
    foreign = [{**ACME.dividends[0], "currency": "EUR"}, {**ACME.dividends[1], "currency": "USD"}]
    server.charts["ACME"] = changed(dividends=foreign)
    raw = yahoo().fetch(ask())
    assert np.isnan(raw.bars["dividend"].iloc[1]) and raw.bars["dividend"].iloc[3] == 0.5
    assert raw.notes == ("1 dividends, the first of 2020-08-28, are not in USD: unknown",)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (ask(asset_class="crypto"), "of kind EQUITY, the symbols file says crypto"),
        (ask("BTC-USD"), "of kind CRYPTOCURRENCY, the symbols file says equity"),
        (ask(currency="GBP"), "quoted in USD, the symbols file says GBP"),
        (ask("A/../B?x"), "is no Yahoo symbol"),
        (ask(""), "is no Yahoo symbol"),
        (ask("GONE"), "No data found, symbol may be delisted"),
    ],
)
def test_what_is_not_the_symbol_asked_for(
    yahoo: Callable[..., Yahoo], request_: SymbolRequest, words: str
) -> None:
    with pytest.raises(FetchError, match=words) as caught:
        yahoo().fetch(request_)
    assert caught.value.fault == "unknown_symbol" and not caught.value.may_pass
    assert caught.value.problem.startswith(request_.symbol + ": Yahoo's")
    assert caught.value.remedy and len(str(caught.value).splitlines()) <= 3


@pytest.mark.parametrize(
    ("how", "fault", "words"),
    [
        ("timeout", "unavailable", "no whole answer within 0.6 s"),
        ("slow", "unavailable", "no whole answer within 0.6 s"),
        ("reset", "unavailable", "the connection failed"),
        ("endless", "malformed", "larger than 64 MB"),
        ("truncated", "malformed", "cut off"),
        ("broken", "malformed", "damaged"),
        ("ragged", "malformed", "damaged"),
        ("no_ratio", "malformed", "the split of 2020-08-31 has no ratio"),
        ("other", "malformed", "answered with 'OTHER'"),
        ("html", "unavailable", "a web page"),
        ("down", "unavailable", "out of order \\(500\\)"),
        ("busy", "rate_limited", "429"),
        ("busy_date", "rate_limited", "429"),
        ("refused", "refused", "403"),
        ("law", "refused", "451"),
        ("range", "no_data", "within the last 730 days"),
        ("empty", "no_data", "no bars in this range"),
    ],
)
def test_each_failure_is_told_in_time(
    server: YahooServer, yahoo: Callable[..., Yahoo], how: str, fault: str, words: str
) -> None:
    server.faults["ACME"] = how
    patience = 0.6 if how in ("timeout", "slow") else 3.0
    source = yahoo(timeout=patience)
    began = time.monotonic()
    with pytest.raises(FetchError, match=words) as caught:
        source.fetch(ask())
    assert time.monotonic() - began < patience + 1.0
    assert caught.value.fault == fault
    assert caught.value.problem.startswith("ACME: Yahoo's 'ACME'")
    assert len(str(caught.value).splitlines()) <= 3
    wanted = {"busy": 7.0, "busy_date": 0.0}.get(how)
    assert caught.value.retry_after == wanted
    del server.faults["ACME"]
    assert len(source.fetch(ask()).bars) == 5, "the next attempt does not see the old reply"


def test_nobody_listens(server: YahooServer, yahoo: Callable[..., Yahoo]) -> None:
    source = yahoo(timeout=2.0)
    server.__exit__(None, None, None)
    with pytest.raises(FetchError, match="the connection failed") as caught:
        source.fetch(ask())
    assert caught.value.fault == "unavailable"


@pytest.mark.parametrize("how", ["timeout", "down", "busy", "reset"])
def test_charts_come_without_cookies(
    server: YahooServer, yahoo: Callable[..., Yahoo], how: str
) -> None:
    server.faults["cookies"] = how
    assert len(yahoo(timeout=2.0).fetch(ask()).bars) == 5


@pytest.mark.parametrize(
    ("start", "end"),
    [("2020-08-29", "2020-08-30"), ("2020-11-01", None), (None, "2019-12-31")],
)
def test_a_range_without_bars(yahoo: Callable[..., Yahoo], start: str, end: str) -> None:
    span = [dt.date.fromisoformat(day) if day else None for day in (start, end)]
    with pytest.raises(FetchError) as caught:
        yahoo().fetch(ask(start=span[0], end=span[1]))
    assert caught.value.fault == "no_data"


def test_hanging_cookies_do_not_stop_a_queue_of_threads(
    server: YahooServer, yahoo: Callable[..., Yahoo]
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    server.charts.update({f"S{i}": ACME for i in range(8)})
    server.faults["cookies"] = "timeout"
    source = yahoo(timeout=2.0)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: len(source.fetch(ask(f"S{i}")).bars), range(8)))
    assert found == [5] * 8


def test_tried_again_as_the_source_asks(server: YahooServer, yahoo: Callable[..., Yahoo]) -> None:
    server.faults["ACME"] = "busy"
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            del server.faults["ACME"]

    source = yahoo()
    raw = with_retries(RetryPolicy(sleep=sleep), "ACME", lambda: source.fetch(ask()))
    assert len(raw.bars) == 5 and slept == [7.0, 7.0]


def test_several_threads_keep_their_failures_apart(
    server: YahooServer, yahoo: Callable[..., Yahoo]
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    server.charts.update({f"S{i}": ACME for i in range(6)})
    server.faults.update({"S0": "busy", "S2": "refused", "S4": "broken"})
    source = yahoo()

    def outcome(name: str) -> str:
        try:
            return str(len(source.fetch(ask(name)).bars))
        except FetchError as error:
            return error.fault

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(outcome, [f"S{i}" for i in range(6)]))
    assert found == ["rate_limited", "5", "refused", "5", "malformed", "5"]


def test_a_split_that_yahoo_has_not_applied_is_told(
    server: YahooServer, yahoo: Callable[..., Yahoo]
) -> None:
    # Before 31 August the rows are as printed x 1/2 (the later split only): 200, 202, then 51.
    old = [row(OPENS[0], 200.0, 200.0, 2000), row(OPENS[1], 202.0, 202.0, 2200)]
    server.charts["ACME"] = changed(rows=[*old, *ACME.rows[2:]], dividends=[])
    notes = yahoo().fetch(ask()).notes
    assert notes[0].startswith(
        "over the split of 2020-08-31 (4 for 1) Yahoo's prices move by a factor of 0.2525"
    )
    assert not any("2020-09-02" in note for note in notes)


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


@settings(max_examples=60, deadline=None, derandomize=True)
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


def test_its_own_session_is_opened_at_the_first_attempt() -> None:
    from curl_cffi.requests import Session

    with Wire().attempt(Attempt(1.0)) as session:
        assert isinstance(session, Session)


def test_the_client_is_imported_when_it_is_needed() -> None:
    code = "import sys, feeds.sources.yahoo; print({'yfinance', 'curl_cffi'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
