"""The exchange source: the real ccxt client against a local Binance and a local Kraken."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from feeds.errors import ConfigError
from feeds.sources.exchange import Exchange
from feeds.sources.request import BAR_COLUMNS, FetchError, SymbolRequest
from feeds.sources.retry import RetryPolicy, with_retries
from tests.exchange_server import DAY, Fault, Listing, LocalExchange, serve

NOW = dt.datetime(2024, 3, 10, 12, 30, tzinfo=dt.timezone.utc)
LISTED = dt.date(2018, 1, 1)
BTC = SymbolRequest("BTC", "crypto", "exchange", "BTC/USDT", "binance")
KRAKEN = replace(BTC, source_symbol="BTC/USD", exchange="kraken")


def ms(day: dt.date) -> int:
    return (day - dt.date(1970, 1, 1)).days * DAY


@pytest.fixture
def local() -> Iterator[LocalExchange]:
    with serve(int(NOW.timestamp()) * 1000) as exchange:
        exchange.markets = {
            "BTCUSDT": Listing("BTC", "USDT", ms(LISTED)),
            "ETHUSDT": Listing("ETH", "USDT", ms(dt.date(2024, 3, 1))),
            "XXBTZUSD": Listing("XXBT", "ZUSD", ms(LISTED)),
            # 1,200 days: two pages of Binance's.
            "LUNAUSDT": Listing(
                "LUNA", "USDT", ms(LISTED), ms(LISTED) + 1199 * DAY, status="BREAK"
            ),
        }
        yield exchange


def source(local: LocalExchange, now: dt.datetime = NOW, **options) -> Exchange:
    options = {"settings": {"rateLimit": 1}, "timeout": 5.0, **options}
    return Exchange(now=lambda: now, address=local.address, **options)


def klines(local: LocalExchange) -> list[str]:
    return [path.rpartition("=")[2] for path in local.asked if "/klines" in path]


def test_a_full_history_takes_every_page_and_leaves_the_open_candle_out(local):
    series = source(local).fetch(BTC)
    # 2018-01-01..2024-03-09: 6 x 365 days to 2023-12-31 and one for 2020-02-29, 31 + 29 + 9.
    assert len(series.bars) == 6 * 365 + 1 + 69 == 2260
    assert series.bars.index.equals(pd.date_range("2018-01-01", "2024-03-09", name="date"))
    assert series.bars.index.dtype == "datetime64[s]"
    assert tuple(series.bars.columns) == BAR_COLUMNS
    assert (series.bars.dtypes == "float64").all()
    for number in (0, 999, 1000, 2259):
        expected = [100 + number, 102 + number, 99 + number, 100.5 + number, 10 + number, 1, 0]
        assert series.bars.iloc[number].tolist() == expected
    begins = [ms(dt.date(2010, 1, 1)), ms(LISTED) + 1000 * DAY, ms(LISTED) + 2000 * DAY]
    assert klines(local) == [str(begin) for begin in begins]


def test_what_is_said_of_the_market(local):
    series = source(local).fetch(BTC)
    assert (series.volume_unit, series.price_kind) == ("units", "traded")
    assert (series.currency, series.timezone) == ("USDT", "UTC")
    assert (series.lot, series.tick) == (1e-5, 0.01)
    assert series.vendor == "ccxt 4.5.90, binance"
    assert "binance" in series.licence
    assert series.notes == ("the smallest order is 0.0001, in steps of 1e-05",)


def test_another_quote_than_the_symbols_file_says_is_noted(local):
    notes = source(local).fetch(replace(BTC, currency="USD")).notes
    assert "quoted in USDT, not in USD as the symbols file says" in notes


def test_both_ends_are_included(local):
    request = replace(BTC, start=dt.date(2020, 2, 28), end=dt.date(2020, 3, 1))
    days = source(local).fetch(request).bars.index
    assert days.strftime("%m-%d").tolist() == ["02-28", "02-29", "03-01"]


@pytest.mark.parametrize(
    ("now", "last"),
    [("2024-03-10T00:00:00", "2024-03-09"), ("2024-03-09T23:59:59", "2024-03-08")],
)
def test_a_day_is_closed_at_midnight_utc(local, now, last):
    moment = dt.datetime.fromisoformat(now).replace(tzinfo=dt.timezone.utc)
    request = replace(BTC, start=dt.date(2024, 3, 1), end=dt.date(2024, 12, 31))
    assert str(source(local, moment).fetch(request).bars.index[-1].date()) == last


def test_hours_of_the_last_day_up_to_the_last_closed_one(local):
    request = replace(BTC, source_symbol="ETH/USDT", interval="1h", start=dt.date(2024, 3, 9))
    bars = source(local).fetch(request).bars
    # 24 hours of the 9th and 00:00..11:00 of the 10th: at 12:30 the one of 12:00 is open.
    hours = pd.date_range("2024-03-09", periods=36, freq="h", name="date")
    assert bars.index.equals(hours)
    # The 9th begins 8 x 24 hours after the listing on the 1st.
    assert bars["open"].iloc[0] == 100 + 192


def test_hours_to_the_end_of_the_last_day(local):
    day = dt.date(2024, 3, 5)
    request = replace(BTC, source_symbol="ETH/USDT", interval="1h", start=day, end=day)
    bars = source(local).fetch(request).bars
    assert (len(bars), str(bars.index[-1])) == (24, "2024-03-05 23:00:00")


def test_hours_over_pages(local):
    request = replace(BTC, interval="1h", start=dt.date(2023, 11, 1), end=dt.date(2024, 1, 31))
    # 30 + 31 + 31 days of 24 hours: three pages.
    assert len(source(local).fetch(request).bars) == 92 * 24
    assert len(klines(local)) == 3


def test_the_name_of_the_exchange_itself_serves_too(local):
    request = replace(BTC, source_symbol="BTCUSDT", start=dt.date(2024, 3, 1))
    assert len(source(local).fetch(request).bars) == 9


def test_kraken_gives_its_latest_bars_and_it_is_said_what_is_missing(local):
    series = source(local).fetch(replace(KRAKEN, start=dt.date(2020, 1, 1)))
    # 720 with the open one of the 10th: 719 closed ones up to the 9th.
    assert len(series.bars) == 719
    assert str(series.bars.index[0].date()) == "2022-03-22"
    assert series.bars["volume"].iloc[-1] == 10 + 2259
    assert (series.currency, series.lot, series.tick) == ("USD", 1e-8, 0.1)
    assert series.notes[0] == (
        "the exchange gave its latest 720 bars and no earlier ones: "
        "what lies between 2020-01-01 and 2022-03-22 is missing, if it was listed"
    )


def test_kraken_within_its_latest_bars_misses_nothing(local):
    series = source(local).fetch(replace(KRAKEN, start=dt.date(2022, 3, 22)))
    assert len(series.bars) == 719
    assert not any("missing" in note for note in series.notes)


def test_kraken_before_its_latest_bars_has_none(local):
    request = replace(KRAKEN, start=dt.date(2020, 1, 1), end=dt.date(2020, 12, 31))
    with pytest.raises(FetchError, match="no bars in the days") as caught:
        source(local).fetch(request)
    assert caught.value.fault == "no_data"


def test_kraken_by_the_hour(local):
    bars = source(local).fetch(replace(KRAKEN, interval="1h", start=dt.date(2024, 3, 10))).bars
    assert bars.index.equals(pd.date_range("2024-03-10", periods=12, freq="h", name="date"))


def test_a_delisted_market_ends_and_is_said_to(local):
    series = source(local).fetch(replace(BTC, source_symbol="LUNA/USDT"))
    # The 1,200th day from 2018-01-01 (2018..2020 are 1,096 days) is the 104th of 2021.
    assert len(series.bars) == 1200
    assert str(series.bars.index[-1].date()) == "2021-04-14"
    note = "binance lists LUNA/USDT as not trading; last bar 2021-04-14"
    assert note in series.notes


@pytest.mark.parametrize(
    ("symbol", "skip", "day"),
    [
        ("BTC/USDT", 0, "2018-01-01"),
        ("BTC/USDT", 1, "2020-09-27"),
        ("BTC/USDT", 2, "2023-06-24"),
        ("LUNA/USDT", 0, "2018-01-01"),
        ("LUNA/USDT", 1, "2020-09-27"),
    ],
)
def test_an_empty_page_inside_the_range_is_a_failure_not_the_end(local, symbol, skip, day):
    local.faults = [Fault("empty", "klines", skip=skip, times=1)]
    said = f"an empty page from {day} on, inside the listed range"
    with pytest.raises(FetchError, match=said) as caught:
        source(local).fetch(replace(BTC, source_symbol=symbol, start=LISTED))
    assert (caught.value.fault, caught.value.may_pass) == ("malformed", True)


def test_an_empty_page_before_the_listing_loses_nothing(local):
    # The page from 2010 on is lost, the next one begins in 2012 and has the first candle.
    local.faults = [Fault("empty", "klines", times=1)]
    assert len(source(local).fetch(BTC).bars) == 2260


def test_the_only_page_empty_is_a_failure_where_the_market_trades(local):
    local.faults = [Fault("empty", "klines")]
    with pytest.raises(FetchError, match="no bars from 2024-03-08 to 2024-03-09, yet it trades"):
        source(local).fetch(replace(BTC, start=dt.date(2024, 3, 8)))


@pytest.mark.parametrize("kind", ["html", "cut"])
def test_what_is_no_json_does_not_end_a_delisted_market(local, kind):
    local.faults = [Fault(kind, "klines", skip=1)]
    with pytest.raises(FetchError, match="the answer is no JSON") as caught:
        source(local).fetch(replace(BTC, source_symbol="LUNA/USDT"))
    assert caught.value.fault == "malformed"


def test_days_before_the_listing_are_no_data(local):
    request = replace(
        BTC, source_symbol="ETH/USDT", start=dt.date(2023, 1, 1), end=dt.date(2023, 1, 31)
    )
    with pytest.raises(FetchError) as caught:
        source(local).fetch(request)
    assert caught.value.fault == "no_data"


def test_a_day_that_is_not_closed_is_no_data(local):
    with pytest.raises(FetchError, match="no closed bar from 2024-03-10") as caught:
        source(local).fetch(replace(BTC, start=dt.date(2024, 3, 10)))
    assert caught.value.fault == "no_data"


def test_what_lies_outside_the_listing_is_not_invented(local):
    bars = source(local).fetch(replace(BTC, source_symbol="ETH/USDT")).bars
    assert (len(bars), str(bars.index[0].date())) == (9, "2024-03-01")


FAULTS = [
    ("status 429 7", "rate_limited", 7.0),
    ("status 429", "rate_limited", None),
    ("status 418 90", "rate_limited", 90.0),
    ("status 500", "unavailable", None),
    ("status 503 3", "unavailable", 3.0),
    ("html", "malformed", None),
    ("cut", "malformed", None),
    ('json {"unexpected": 1}', "malformed", None),
    ("json [[1, 2]]", "malformed", None),
    ("json", "malformed", None),
    ("truncated", "unavailable", None),
    ("reset", "unavailable", None),
    ("slow", "unavailable", None),
    ("endless 0.05", "unavailable", None),
]


@pytest.mark.parametrize("request_", [BTC, KRAKEN], ids=["binance", "kraken"])
@pytest.mark.parametrize(("kind", "fault", "wait"), FAULTS, ids=[kind for kind, *_ in FAULTS])
def test_each_fault_of_candles_is_told_apart_in_time(local, request_, kind, fault, wait):
    local.faults = [Fault(kind, "klines"), Fault(kind, "OHLC")]
    began = time.monotonic()
    with pytest.raises(FetchError) as caught:
        source(local, timeout=0.3).fetch(replace(request_, start=dt.date(2024, 3, 1)))
    assert time.monotonic() - began < 2.0
    assert (caught.value.fault, caught.value.retry_after) == (fault, wait)
    assert f"BTC at {request_.exchange}" in caught.value.problem
    assert caught.value.remedy
    assert "\n" not in caught.value.problem and "<h1>" not in caught.value.problem


@pytest.mark.parametrize("request_", [BTC, KRAKEN], ids=["binance", "kraken"])
@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("status 429 7", "rate_limited"),
        ("status 500", "unavailable"),
        ("html", "malformed"),
        ("cut", "malformed"),
        ('json {"unexpected": 1}', "malformed"),
        ("truncated", "unavailable"),
    ],
)
def test_each_fault_of_the_list_of_markets_is_told_apart(local, request_, kind, fault):
    local.faults = [Fault(kind, "exchangeInfo", times=1), Fault(kind, "AssetPairs", times=1)]
    exchange = source(local)
    with pytest.raises(FetchError) as caught:
        exchange.fetch(request_)
    assert caught.value.fault == fault
    assert "127.0.0.1" not in caught.value.problem
    # What failed is not kept: the next attempt asks again.
    assert len(exchange.fetch(request_).bars) > 0


def test_a_body_without_end_is_cut_by_its_size(local, monkeypatch):
    monkeypatch.setattr("feeds.sources.exchange._MOST_BYTES", 1_000_000)
    local.faults = [Fault("endless", "klines")]
    began = time.monotonic()
    with pytest.raises(FetchError, match="no complete answer") as caught:
        source(local, timeout=30.0).fetch(BTC)
    assert time.monotonic() - began < 10.0
    assert caught.value.fault == "unavailable"


def test_a_closed_port_is_unavailable(local):
    with serve(0) as gone:
        address = gone.address
    with pytest.raises(FetchError, match="no complete answer") as caught:
        Exchange(address=address, timeout=1.0, settings={"rateLimit": 1}).fetch(BTC)
    assert caught.value.fault == "unavailable"


@pytest.mark.parametrize("code", [403, 451])
def test_forbidden_once_may_pass_and_twice_is_final(local, code):
    local.faults = [Fault(f"status {code}", "klines", times=3)]
    exchange, faults = source(local), []
    for _ in range(2):
        with pytest.raises(FetchError, match=f"HTTP {code}") as caught:
            exchange.fetch(BTC)
        faults.append((caught.value.fault, caught.value.may_pass))
    assert faults == [("unavailable", True), ("refused", False)]


def test_forbidden_now_and_then_is_not_lasting(local):
    local.faults = [Fault("status 403", "klines", times=1)]
    exchange, recent = source(local), replace(BTC, start=dt.date(2024, 3, 1))
    for _ in range(2):
        with pytest.raises(FetchError) as caught:
            exchange.fetch(recent)
        assert caught.value.fault == "unavailable"
        exchange.fetch(recent)
        local.faults = [Fault("status 403", "klines", times=1)]


def test_a_fault_that_passes_costs_one_more_attempt(local):
    local.faults = [Fault("status 429 7", "klines", skip=1, times=1)]
    slept: list[float] = []
    exchange = source(local)
    series = with_retries(RetryPolicy(sleep=slept.append), "BTC", lambda: exchange.fetch(BTC))
    assert len(series.bars) == 2260
    assert slept == [7.0]


def test_an_unknown_market_is_final_and_a_close_one_is_named(local):
    with pytest.raises(FetchError) as caught:
        source(local).fetch(replace(BTC, source_symbol="BTC/USTD"))
    assert caught.value.fault == "unknown_symbol" and not caught.value.may_pass
    assert caught.value.problem == "BTC at binance: no market 'BTC/USTD' there"
    assert caught.value.remedy == "did you mean BTC/USDT?"


def test_a_market_that_vanishes_while_candles_are_fetched_is_unknown(local):
    exchange = source(local)
    exchange.fetch(replace(BTC, start=dt.date(2024, 3, 1)))
    del local.markets["BTCUSDT"]
    with pytest.raises(FetchError) as caught:
        exchange.fetch(BTC)
    assert caught.value.fault == "unknown_symbol"


@pytest.mark.parametrize(
    ("changes", "problem", "remedy"),
    [
        ({"exchange": "binanse"}, "unknown exchange 'binanse'", "did you mean binance?"),
        ({"exchange": ""}, "no exchange is given", "name it in the column exchange"),
        ({"exchange": "__init__"}, "unknown exchange", "known: "),
        ({"exchange": "bit2c"}, "bit2c offers no candles of 1d", "another exchange"),
        ({"exchange": "bithumb"}, "bithumb offers no candles of 1d", "another interval"),
    ],
)
def test_a_mistake_in_the_symbols_file_is_named(local, changes, problem, remedy):
    with pytest.raises(ConfigError) as caught:
        source(local).fetch(replace(BTC, **changes))
    assert not local.asked
    assert problem in caught.value.problem and "BTC" in caught.value.problem
    assert remedy in caught.value.remedy


def test_the_rate_limit_holds_over_pages_and_threads(local):
    # Binance counts a page of candles as 0.4 requests, so 0.4 x 250 ms lie between two.
    exchange = source(local, settings={"rateLimit": 250})
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(exchange.fetch, [BTC, replace(BTC, source_symbol="LUNA/USDT")]))
    assert [len(series.bars) for series in done] == [2260, 1200]
    assert sum("exchangeInfo" in path for path in local.asked) == 1
    pages = [when for when, path in zip(local.times, local.asked) if "/klines" in path]
    assert len(pages) >= 5
    assert np.diff(pages).min() > 0.08


def test_the_same_again_is_the_same(local):
    first, second = (source(local).fetch(BTC) for _ in range(2))
    pd.testing.assert_frame_equal(first.bars, second.bars, check_exact=True)
    assert replace(first, bars=None) == replace(second, bars=None)


def test_the_clients_are_imported_only_when_an_exchange_is_asked():
    code = (
        "import sys, feeds.sources.exchange as exchange; exchange.Exchange();"
        "print(*sorted({'ccxt', 'requests'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "")
