"""From the real clients to raw files: local servers that speak Yahoo, Binance and Kraken."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest

from feeds.ingestion import Collected, CollectOptions
from feeds.sources.exchange import Exchange
from feeds.sources.request import SymbolRequest
from feeds.sources.retry import RetryPolicy
from tests.exchange_server import DAY, Fault, Listing, LocalExchange, serve
from tests.ingestion_case import contents, fetch_and_write
from tests.yahoo_case import ACME, LATER, UTC, SourceMaker, ask, changed, row, running_server
from tests.yahoo_server import YahooServer

NOON = dt.datetime(2024, 3, 10, 12, 30, tzinfo=UTC)
BTC = SymbolRequest("BTC", "crypto", "exchange", "BTC/USDT", "binance")
KRAKEN = SymbolRequest("XBT", "crypto", "exchange", "BTC/USD", "kraken")


def ms(day: dt.date) -> int:
    return (day - dt.date(1970, 1, 1)).days * DAY


@pytest.fixture
def yahoo(tmp_path: Path) -> Iterator[YahooServer]:
    with running_server(tmp_path / "cookies") as running:
        yield running


@pytest.fixture
def local() -> Iterator[LocalExchange]:
    with serve(int(NOON.timestamp()) * 1000) as exchange:
        exchange.markets = {
            "BTCUSDT": Listing("BTC", "USDT", ms(dt.date(2018, 1, 1))),
            "ETHUSDT": Listing("ETH", "USDT", ms(dt.date(2024, 3, 1))),
            "XXBTZUSD": Listing("XXBT", "ZUSD", ms(dt.date(2018, 1, 1))),
        }
        yield exchange


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "place" / "mine"


def collect_all(
    requests: list[SymbolRequest],
    out: Path,
    now: dt.datetime,
    yahoo: YahooServer | None = None,
    local: LocalExchange | None = None,
    **given,
) -> Collected:
    """A run at the time `now`; clients get 1 s for an answer, and pauses are short."""
    sources = {}
    if yahoo is not None:
        sources["yahoo"] = SourceMaker(yahoo)(now=now, timeout=given.pop("timeout", 1.0))
    if local is not None:
        local.now = int(now.timestamp()) * 1000
        sources["exchange"] = Exchange(
            now=lambda: now,
            address=local.address,
            settings={"rateLimit": 1},
            timeout=given.pop("timeout", 1.0),
        )
    policy = RetryPolicy(attempts=3, first_pause=0.02, sleep=lambda seconds: time.sleep(0.01))
    settings = {"jobs": 3, "deadline": 60.0, "policy": policy, "now": lambda: now, **given}
    return fetch_and_write(requests, out, sources.__getitem__, CollectOptions(**settings))


def statuses(made: Collected) -> list[tuple[str, str, int]]:
    return [(o.symbol, o.status, o.rows) for o in made.outcomes]


def raw(out: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(out / "raw" / f"{name}.csv", index_col="date")


class TestYahoo:
    def test_printed_prices_splits_and_dividends_reach_the_disk(self, out, yahoo):
        made = collect_all([ask(), ask("BTC-USD", "crypto")], out, LATER, yahoo)
        assert statuses(made) == [("ACME", "new", 5), ("BTC", "new", 3)]
        bars = raw(out, "ACME")
        assert bars["close"].tolist() == [400.0, 404.0, 102.0, 104.0, 53.0]
        assert bars["split_ratio"].tolist() == [1.0, 1.0, 4.0, 1.0, 2.0]
        np.testing.assert_allclose(bars["dividend"], [0.0, 1.6, 0.0, 0.5, 0.0], rtol=1e-14)
        assert [made.infos[name].volume_unit for name in ("ACME", "BTC")] == ["units", "currency"]
        assert made.infos["ACME"].vendor.startswith("yfinance ")
        # A null volume stays unknown.
        assert raw(out, "BTC")["volume"].isna().tolist() == [False, True, False]

    def grown(self) -> list:
        """24 sessions up to 30 September 2020, without Labor Day: 100, 101, ... as printed."""
        days = pd.bdate_range("2020-08-27", "2020-09-30").drop(pd.Timestamp("2020-09-07"))
        stamps = [int(day.tz_localize("America/New_York").timestamp()) + 34200 for day in days]
        return [row(when, 100.0 + n, 100.0 + n, 5000) for n, when in enumerate(stamps)]

    def morning_after(self, day: str) -> dt.datetime:
        return dt.datetime.fromisoformat(f"{day}T12:00:00+00:00") + dt.timedelta(days=1)

    def served(self, yahoo: YahooServer, rows: list, **events) -> None:
        plain = {"dividends": [], "splits": [], **events}
        yahoo.charts["ACME"] = changed(rows=rows, **plain)

    def starts(self, yahoo: YahooServer) -> list[str]:
        """The days from which charts were asked for; empty for all of it."""
        queries = [parse_qs(urlsplit(path).query) for path in yahoo.chart_calls()]
        stamps = [query["period1"][0] for query in queries]
        return [str(dt.datetime.fromtimestamp(int(stamp), UTC).date()) for stamp in stamps]

    def test_a_split_and_a_dividend_of_the_new_days_are_no_revision(self, out, yahoo):
        rows = self.grown()
        self.served(yahoo, rows[:20])
        # The 20th session is 24 September, a Thursday.
        made = collect_all([ask()], out, self.morning_after("2020-09-24"), yahoo)
        assert statuses(made) == [("ACME", "new", 20)]
        # 3 for 1 on the 28th (the 22nd): what comes before is divided by 3, in 32 bits; 0.60
        # for a share on the 29th (the 23rd), which rescales the adjusted closes before.
        split = [
            (w, *(float(np.float32(v / 3)) for v in p[:4]), p[4] / 3 * 0.98, p[5] * 3)
            for w, *p in rows[:21]
        ]
        late = [
            (w, *(float(np.float32(v / 3)) for v in p[:4]), p[4] / 3 * (0.98 if n < 1 else 1), p[5])
            for n, (w, *p) in enumerate(rows[21:])
        ]
        # Yahoo's factor over the 29th is 1 - 0.60 / close before.
        before = late[0][4]
        factor = 1 - 0.60 / before
        adjusted = [(*p[:5], p[4] * factor, p[6]) for p in split + late[:1]]
        after = [(*p[:5], p[4], p[6]) for p in late[1:]]
        yahoo.calls.clear()
        self.served(
            yahoo,
            adjusted + after,
            splits=[{"date": rows[21][0], "numerator": 3, "denominator": 1, "splitRatio": "3:1"}],
            dividends=[{"date": rows[22][0], "amount": 0.60}],
        )
        made = collect_all([ask()], out, self.morning_after("2020-09-30"), yahoo)
        outcome = made.outcomes[0]
        assert (outcome.status, outcome.rows, outcome.added, outcome.why) == ("updated", 24, 4, "")
        # One request, from the eleventh bar before the end on: 10 September.
        assert self.starts(yahoo) == ["2020-09-10"]
        bars = raw(out, "ACME")
        assert bars["close"].tolist()[:20] == [100.0 + n for n in range(20)]
        assert bars["split_ratio"].tolist() == [1.0] * 21 + [3.0] + [1.0] * 2
        assert bars["dividend"].tolist() == [0.0] * 22 + [0.6] + [0.0]
        np.testing.assert_allclose(bars["close"].iloc[21], 121 / 3, rtol=1e-7)

    def test_a_revised_history_is_replaced_and_told(self, out, yahoo):
        rows = self.grown()
        self.served(yahoo, rows[:20])
        collect_all([ask()], out, self.morning_after("2020-09-24"), yahoo)
        wrong = row(rows[15][0], 77.0, 77.0, 5000)
        yahoo.calls.clear()
        self.served(yahoo, rows[:15] + [wrong] + rows[16:])
        outcome = collect_all([ask()], out, self.morning_after("2020-09-30"), yahoo).outcomes[0]
        assert (outcome.status, outcome.rows) == ("revised", 24)
        # The 16th session is 18 September; open, high, low and close of row() move by 38.
        assert [(d[0], d[1], d[3] - d[2]) for d in outcome.differences] == [
            ("2020-09-18", name, pytest.approx(-38.0)) for name in ("close", "high", "low", "open")
        ]
        assert len(yahoo.chart_calls()) == 2
        assert raw(out, "ACME")["close"].iloc[15] == 77.0

    def test_nothing_missing_asks_nothing(self, out, yahoo):
        rows = self.grown()
        self.served(yahoo, rows[:20])
        collect_all([ask()], out, self.morning_after("2020-09-24"), yahoo)
        before = contents(out)
        yahoo.calls.clear()
        # At noon of the 25th New York has not closed.
        made = collect_all([ask()], out, dt.datetime(2020, 9, 25, 16, tzinfo=UTC), yahoo)
        assert yahoo.calls == [] and statuses(made) == [("ACME", "unchanged", 20)]
        assert contents(out) == before

    @pytest.mark.parametrize(
        ("how", "fault", "calls"),
        [
            ("timeout", "unavailable", 3),
            ("slow", "unavailable", 3),
            ("reset", "unavailable", 3),
            ("busy", "rate_limited", 3),
            ("down", "unavailable", 3),
            ("html", "unavailable", 3),
            ("truncated", "malformed", 3),
            ("broken", "malformed", 3),
            ("endless", "malformed unavailable", 3),
            ("refused", "refused", 1),
        ],
    )
    def test_a_symbol_that_fails_fails_alone(self, out, yahoo, how, fault, calls):
        yahoo.charts["GOOD"] = ACME
        yahoo.faults["ACME"] = how
        began = time.monotonic()
        good = replace(ask("GOOD"), symbol="GOOD")
        made = collect_all([ask(), good, ask("BTC-USD", "crypto")], out, LATER, yahoo, timeout=0.6)
        assert time.monotonic() - began < 12.0
        assert statuses(made) == [("ACME", "failed", 0), ("GOOD", "new", 5), ("BTC", "new", 3)]
        failed = made.outcomes[0]
        # Whether an endless reply ends by its size or by the time depends on the machine.
        assert failed.fault in fault.split() and failed.attempts == calls
        assert failed.problem.startswith("ACME: ") and failed.remedy
        asked = [path for path in yahoo.chart_calls() if "/ACME?" in path]
        # The client itself asks a second time with other cookies where it is refused.
        assert calls <= len(asked) <= 2 * calls
        assert sorted(path.name for path in (out / "raw").iterdir()) == [
            "BTC.csv",
            "GOOD.csv",
            "index.json",
        ]
        assert [path.name for path in out.parent.iterdir()] == ["mine"]

    def test_the_deadline_of_all_holds(self, out, yahoo):
        slow = [replace(ask(f"S{number}"), symbol=f"S{number}") for number in range(8)]
        yahoo.charts.update({f"S{number}": ACME for number in range(8)})
        yahoo.faults.update({f"S{number}": "timeout" for number in range(8)})
        SourceMaker(yahoo)().fetch(ask())  # importing the client is not what is measured
        began = time.monotonic()
        made = collect_all(
            [ask(), *slow], out, LATER, yahoo, deadline=1.5, grace=1.0, timeout=1.0, jobs=2
        )
        assert time.monotonic() - began < 5.0
        assert statuses(made)[0] == ("ACME", "new", 5)
        assert {o.status for o in made.outcomes[1:]} == {"failed"}
        assert {o.fault for o in made.outcomes[1:]} <= {"deadline", "unavailable"}
        assert made.outcomes[-1].fault == "deadline"


class TestExchanges:
    def klines(self, local: LocalExchange) -> list[str]:
        return [path for path in local.asked if "/klines" in path]

    def test_full_histories_over_pages_and_what_was_added_since(self, out, local):
        made = collect_all([BTC, KRAKEN], out, NOON, local=local)
        # 2018-01-01 to 2024-03-09; Kraken's latest 720 with the open one.
        assert statuses(made) == [("BTC", "new", 2260), ("XBT", "new", 719)]
        assert (made.infos["BTC"].lot, made.infos["BTC"].tick) == (1e-5, 0.01)
        assert any("latest 720 bars" in note for note in made.outcomes[1].notes)
        assert len(self.klines(local)) == 3
        local.asked.clear()
        made = collect_all([BTC, KRAKEN], out, NOON + dt.timedelta(days=3), local=local)
        assert [(o.status, o.rows, o.added) for o in made.outcomes] == [
            ("updated", 2263, 3),
            ("updated", 722, 3),
        ]
        # From the eleventh bar before the end: 28 February.
        assert [parse_qs(urlsplit(path).query)["startTime"] for path in self.klines(local)] == [
            [str(ms(dt.date(2024, 2, 28)))]
        ]
        bars = raw(out, "BTC")
        assert bars["close"].tolist() == [100.5 + n for n in range(2263)]
        assert raw(out, "XBT")["close"].tolist() == [100.5 + n for n in range(1541, 2263)]

    def test_hours(self, out, local):
        eth = replace(BTC, symbol="ETH", source_symbol="ETH/USDT", interval="1h")
        made = collect_all([eth], out, NOON, local=local)
        # 9 days of 24 hours, and those from 00:00 to 11:00 of the 10th.
        assert statuses(made) == [("ETH", "new", 9 * 24 + 12)]
        assert (made.outcomes[0].last, made.infos["ETH"].interval) == ("2024-03-10T11:00:00Z", "1h")
        local.asked.clear()
        soon = NOON + dt.timedelta(minutes=20)
        assert collect_all([eth], out, soon, local=local).outcomes[0].status == "unchanged"
        assert local.asked == []
        made = collect_all([eth], out, NOON + dt.timedelta(hours=5), local=local)
        assert (made.outcomes[0].status, made.outcomes[0].added) == ("updated", 5)
        bars = raw(out, "ETH")
        assert bars["close"].tolist() == [100.5 + n for n in range(9 * 24 + 17)]
        assert bars.index[-1] == "2024-03-10T16:00:00Z"

    def test_a_revised_history(self, out, local):
        collect_all([BTC], out, NOON, local=local)
        # The exchange now counts from a day earlier: each day has the values of the next.
        local.markets["BTCUSDT"].first -= DAY
        outcome = collect_all([BTC], out, NOON + dt.timedelta(days=1), local=local).outcomes[0]
        assert (outcome.status, outcome.rows) == ("revised", 2262)
        assert outcome.why == "the vendor's day labels moved by -1 day"
        assert outcome.first == "2017-12-31"

    @pytest.mark.parametrize(
        ("kind", "fault"),
        [
            ("status 429 0", "rate_limited"),
            ("status 500", "unavailable"),
            ("status 503", "unavailable"),
            ("html", "malformed"),
            ("cut", "malformed"),
            ("truncated", "unavailable"),
            ("reset", "unavailable"),
            ("slow", "unavailable"),
            ("endless 0.05", "unavailable"),
            ("empty", "malformed"),
        ],
    )
    def test_a_market_that_fails_fails_alone(self, out, local, kind, fault):
        local.faults = [Fault(kind, "klines")]
        recent = [
            replace(BTC, start=dt.date(2024, 3, 1)),
            replace(KRAKEN, start=dt.date(2024, 3, 1)),
        ]
        began = time.monotonic()
        made = collect_all(recent, out, NOON, local=local, timeout=0.4)
        assert time.monotonic() - began < 10.0
        assert statuses(made) == [("BTC", "failed", 0), ("XBT", "new", 9)]
        assert (made.outcomes[0].fault, made.outcomes[0].attempts) == (fault, 3)
        assert len(self.klines(local)) == 3
        assert sorted(path.name for path in (out / "raw").iterdir()) == ["XBT.csv", "index.json"]

    def test_a_fault_in_the_middle_of_the_pages_leaves_the_stored_bars(self, out, local):
        collect_all([BTC], out, NOON, local=local)
        before = (out / "raw" / "BTC.csv").read_bytes()
        local.faults = [Fault("cut", "klines")]
        outcome = collect_all([BTC], out, NOON + dt.timedelta(days=2), local=local).outcomes[0]
        assert (outcome.status, outcome.rows, outcome.attempts) == ("stale", 2260, 3)
        assert (out / "raw" / "BTC.csv").read_bytes() == before
        local.faults = [Fault("status 429 0", "klines", times=1)]
        outcome = collect_all([BTC], out, NOON + dt.timedelta(days=2), local=local).outcomes[0]
        assert (outcome.status, outcome.added, outcome.attempts) == ("updated", 2, 2)

    def test_both_clients_in_one_set(self, out, yahoo, local):
        made = collect_all([ask(), BTC, KRAKEN], out, NOON, yahoo, local)
        assert statuses(made) == [("ACME", "new", 5), ("BTC", "new", 2260), ("XBT", "new", 719)]
        assert [info.source for info in made.infos.values()] == ["yahoo", "exchange", "exchange"]
