"""What can go wrong between us and Yahoo: each failure named, within its time."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from feeds.sources.request import FetchError, SymbolRequest
from feeds.sources.retry import RetryPolicy, with_retries
from feeds.sources.yahoo_wire import Attempt, Wire
from tests.yahoo_case import ACME, SourceMaker, ask, running_server
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
    yahoo: SourceMaker, request_: SymbolRequest, words: str
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
    server: YahooServer, yahoo: SourceMaker, how: str, fault: str, words: str
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


def test_nobody_listens(server: YahooServer, yahoo: SourceMaker) -> None:
    source = yahoo(timeout=2.0)
    server.__exit__(None, None, None)
    with pytest.raises(FetchError, match="the connection failed") as caught:
        source.fetch(ask())
    assert caught.value.fault == "unavailable"


@pytest.mark.parametrize("how", ["timeout", "down", "busy", "reset"])
def test_charts_come_without_cookies(server: YahooServer, yahoo: SourceMaker, how: str) -> None:
    server.faults["cookies"] = how
    assert len(yahoo(timeout=2.0).fetch(ask()).bars) == 5


@pytest.mark.parametrize(
    ("start", "end"),
    [("2020-08-29", "2020-08-30"), ("2020-11-01", None), (None, "2019-12-31")],
)
def test_a_range_without_bars(yahoo: SourceMaker, start: str, end: str) -> None:
    span = [dt.date.fromisoformat(day) if day else None for day in (start, end)]
    with pytest.raises(FetchError) as caught:
        yahoo().fetch(ask(start=span[0], end=span[1]))
    assert caught.value.fault == "no_data"


def test_hanging_cookies_do_not_stop_a_queue_of_threads(
    server: YahooServer, yahoo: SourceMaker
) -> None:
    server.charts.update({f"S{i}": ACME for i in range(8)})
    server.faults["cookies"] = "timeout"
    source = yahoo(timeout=4.0)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: len(source.fetch(ask(f"S{i}")).bars), range(8)))
    assert found == [5] * 8


def test_tried_again_as_the_source_asks(server: YahooServer, yahoo: SourceMaker) -> None:
    server.faults["ACME"] = "busy"
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            del server.faults["ACME"]

    source = yahoo()
    raw = with_retries(RetryPolicy(sleep=sleep), "ACME", lambda: source.fetch(ask()))
    assert len(raw.bars) == 5 and slept == [7.0, 7.0]


def test_several_threads_keep_their_failures_apart(server: YahooServer, yahoo: SourceMaker) -> None:
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


def test_its_own_session_is_opened_at_the_first_attempt() -> None:
    from curl_cffi.requests import Session

    with Wire().attempt(Attempt(1.0)) as session:
        assert isinstance(session, Session)


def test_the_client_is_imported_when_it_is_needed() -> None:
    code = "import sys, feeds.sources.yahoo; print({'yfinance', 'curl_cffi'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
