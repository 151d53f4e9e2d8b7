"""Fetching many symbols at a time: bounds, deadlines, order, and sources that misbehave."""

from __future__ import annotations

import datetime as dt
import threading
import time
from dataclasses import replace

import pandas as pd
import pytest

from feeds.errors import ConfigError
from feeds.ingestion.fetch import FetchEvent, FetchReport, fetch_all
from feeds.ingestion.pool import Deadline
from feeds.sources.request import FetchError, RawSeries, SymbolRequest
from feeds.sources.retry import RetryPolicy
from tests.ingestion_case import Vendor, coin

QUICK = RetryPolicy(attempts=3, sleep=lambda seconds: None)
NAMES = ["C", "A", "B", "E", "D"]
#: A loaded machine is slow; what is bounded here would otherwise take ten times as long.
SLACK = 1.5


def fetch(
    requests: list[SymbolRequest], source: object, jobs: int = 2, **given
) -> tuple[FetchReport, list[RawSeries], list[FetchEvent]]:
    series: list[RawSeries] = []
    events: list[FetchEvent] = []
    settings = {"policy": QUICK, "deadline": Deadline(30.0, 5.0), **given}
    sources = given.pop("sources", lambda name: source)
    settings.pop("sources", None)
    report = fetch_all(
        requests,
        sources,
        jobs=jobs,
        on_series=series.append,
        on_progress=events.append,
        **settings,
    )
    return report, series, events


class Slow(Vendor):
    """Takes its time, or hangs until it is released."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds, self.released = seconds, threading.Event()

    def _answer(self, request: SymbolRequest) -> RawSeries:
        if request.symbol == "HANGS":
            self.released.wait(20)
        time.sleep(self.seconds)
        return super()._answer(request)


def test_results_are_in_the_order_of_the_requests():
    vendor = Slow()
    report, series, events = fetch([coin(name) for name in NAMES], vendor, jobs=5)
    assert [result.request.symbol for result in report.results] == NAMES
    assert sorted(item.request.symbol for item in series) == sorted(NAMES)
    assert report.failed == () and all(result.attempts == 1 for result in report.results)
    assert [event.kind for event in events].count("begun") == 5
    assert [event.done for event in events if event.kind == "fetched"] == [1, 2, 3, 4, 5]
    assert {event.total for event in events} == {5}


@pytest.mark.parametrize(("jobs", "most"), [(1, 1), (3, 3)])
def test_no_more_at_a_time_than_jobs(jobs, most):
    vendor = Slow(0.03)
    fetch([coin(f"C{number}") for number in range(9)], vendor, jobs=jobs)
    assert vendor.most_running <= most and (jobs == 1 or vendor.most_running > 1)


def test_one_exchange_is_asked_one_at_a_time_and_others_do_not_wait():
    vendors = {"exchange": Slow(0.03), "vendor": Slow(0.03)}
    requests = [coin(f"K{number}", source="exchange", exchange="kraken") for number in range(5)]
    requests += [coin(f"V{number}") for number in range(5)]
    fetch(requests, None, jobs=4, sources=vendors.__getitem__)
    assert vendors["exchange"].most_running == 1 and vendors["vendor"].most_running > 1


def test_two_exchanges_are_asked_at_a_time():
    vendor = Slow(0.05)
    requests = [
        coin(f"{place}{number}", source="exchange", exchange=place)
        for number in range(3)
        for place in ("kraken", "binance")
    ]
    fetch(requests, vendor, jobs=4)
    assert vendor.most_running == 2


def test_a_failure_is_named_with_fault_problem_remedy_attempts_and_seconds():
    vendor = Vendor()
    vendor.faults = {
        "A": [FetchError("unavailable", "A: no answer", "run again")] * 9,
        "B": [FetchError("unknown_symbol", "B: no such symbol", "correct it")],
        "C": [FetchError("malformed", "C: half of it")],
    }
    report, series, events = fetch([coin(name) for name in "ABCD"], vendor)
    told = [(r.fault, r.problem, r.remedy, r.attempts) for r in report.results]
    assert told == [
        ("unavailable", "A: no answer", "run again", 3),
        ("unknown_symbol", "B: no such symbol", "correct it", 1),
        ("", "", "", 2),
        ("", "", "", 1),
    ]
    assert [result.request.symbol for result in report.failed] == ["A", "B"]
    assert sorted(e.problem for e in events if e.kind == "failed") == [
        "A: no answer",
        "B: no such symbol",
    ]
    assert all(result.seconds >= 0.0 for result in report.results)


def test_pauses_are_of_each_symbol_and_the_same_in_every_run():
    def slept() -> dict[str, list[float]]:
        pauses: dict[str, list[float]] = {}

        def sleep(seconds: float) -> None:
            pauses.setdefault(threading.current_thread().name, []).append(seconds)

        vendor = Vendor()
        for name in "AB":
            vendor.faults[name] = [FetchError("unavailable", name)] * 9
        fetch([coin("A")], vendor, jobs=1, policy=replace(QUICK, sleep=sleep))
        first = pauses.pop("fetch-1")
        fetch([coin("B")], vendor, jobs=1, policy=replace(QUICK, sleep=sleep))
        return {"A": first, "B": pauses["fetch-1"]}

    one = slept()
    assert one == slept() and one["A"] != one["B"] and len(one["A"]) == 2


class TestTheDeadline:
    def test_nothing_is_begun_after_it(self):
        vendor = Slow(0.1)
        began = time.monotonic()
        report, series, _ = fetch(
            [coin(f"C{number}") for number in range(50)], vendor, deadline=Deadline(0.35, 2.0)
        )
        assert time.monotonic() - began < 0.35 + 2.0 + SLACK
        asked = len(vendor.asked)
        assert 0 < asked < 50 and len(series) == asked
        assert [result.fault for result in report.results] == [""] * asked + ["deadline"] * (
            50 - asked
        )
        last = report.results[-1]
        assert last.problem == "C49: not begun within the 0.35 s of all" and last.attempts == 0
        assert "run again later" in last.remedy

    def test_what_hangs_is_left_and_hands_nothing_over(self):
        vendor = Slow()
        began = time.monotonic()
        report, series, _ = fetch(
            [coin("A"), coin("HANGS"), coin("B")], vendor, deadline=Deadline(0.3, 0.2)
        )
        assert time.monotonic() - began < 0.5 + SLACK
        assert [result.fault for result in report.results] == ["", "deadline", ""]
        assert report.results[1].problem == "HANGS: still no answer after 0.3 s"
        vendor.released.set()
        time.sleep(0.1)
        assert [item.request.symbol for item in series] == ["A", "B"]

    def test_what_runs_may_end_within_the_grace(self):
        vendor = Slow(0.3)
        report, series, _ = fetch([coin("A")], vendor, deadline=Deadline(0.1, 5.0))
        assert len(series) == 1 and report.failed == ()

    def test_no_attempt_begins_after_it(self):
        vendor = Slow(0.2)
        vendor.faults["A"] = [FetchError("unavailable", "A: no answer")] * 99
        policy = replace(QUICK, attempts=50, first_pause=0.01)
        report, _, _ = fetch([coin("A")], vendor, policy=policy, deadline=Deadline(0.5, 2.0))
        assert report.results[0].fault == "deadline"
        assert len(vendor.asked) <= 4

    def test_one_symbol_has_its_own(self):
        vendor = Slow(0.1)
        vendor.faults["A"] = [FetchError("unavailable", "A: no answer")] * 99
        policy = replace(QUICK, attempts=50, first_pause=0.01, deadline=0.3)
        report, series, _ = fetch([coin("A"), coin("B")], vendor, jobs=1, policy=policy)
        assert "no answer within 0.3 s" in report.results[0].problem
        assert len(series) == 1

    @pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
    def test_it_must_be_some_time(self, seconds):
        with pytest.raises(ConfigError, match="deadline"):
            Deadline(seconds)


def test_an_interrupt_ends_the_work_at_once_and_keeps_what_was_handed_over():
    vendor = Slow(0.02)
    kept: list[RawSeries] = []

    def keep(series: RawSeries) -> None:
        kept.append(series)
        if len(kept) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_all(
            [coin(f"C{number}") for number in range(99)],
            vendor,
            QUICK,
            2,
            Deadline(30.0),
            keep,
        )
    asked = len(vendor.asked)
    time.sleep(0.15)
    assert len(kept) == 3 and asked <= 6 and len(vendor.asked) <= asked + 2


def test_whoever_asks_to_wait_is_left_alone_by_all():
    slept: list[float] = []
    vendor = Vendor()
    vendor.faults["A"] = [FetchError("rate_limited", "A: too many requests", "", 9.0)]
    policy = replace(QUICK, sleep=slept.append)
    report, _, _ = fetch([coin("A"), coin("B")], vendor, jobs=1, policy=policy)
    assert report.failed == ()
    # A waits its 9 s, by a clock that stands still here; then what is left of them twice.
    assert len(slept) == 3 and slept[0] == 9.0 and all(8.0 < pause <= 9.0 for pause in slept[1:])


def test_a_wait_beyond_the_deadline_is_not_begun():
    vendor = Vendor()
    vendor.faults["A"] = [FetchError("rate_limited", "A: too many requests", "", 900.0)]
    report, _, _ = fetch([coin("A"), coin("B")], vendor, jobs=1)
    assert [result.fault for result in report.results] == ["deadline", "deadline"]
    assert "asks to wait for 900 s more" in report.results[1].problem
    assert len(vendor.asked) == 1


class TestAVendorThatIsDown:
    def down(self, names: list[str]) -> Vendor:
        vendor = Vendor()
        for name in names:
            vendor.faults[name] = [FetchError("unavailable", f"{name}: no answer")] * 9
        return vendor

    def attempts(self, vendor: Vendor, names: list[str]) -> list[int]:
        report, _, _ = fetch([coin(name) for name in names], vendor, jobs=1)
        return [result.attempts for result in report.results]

    def test_after_four_symbols_each_is_tried_once(self):
        names = [f"C{number}" for number in range(10)]
        # Four of three attempts each, then one each.
        assert self.attempts(self.down(names), names) == [3] * 4 + [1] * 6

    def test_an_answer_makes_it_up_again(self):
        names = [f"C{number}" for number in range(10)]
        vendor = self.down(names)
        del vendor.faults["C5"]
        assert self.attempts(vendor, names) == [3] * 4 + [1, 1] + [3] * 4

    def test_other_failures_say_nothing_of_it(self):
        names = [f"C{number}" for number in range(8)]
        vendor = self.down(names)
        for name in names:
            vendor.faults[name] = [FetchError("malformed", f"{name}: half of it")] * 9
        assert self.attempts(vendor, names) == [3] * 8

    def test_another_vendor_is_not_meant(self):
        vendors = {"one": self.down([f"C{number}" for number in range(5)]), "two": self.down(["D"])}
        requests = [coin(f"C{number}", source="one") for number in range(5)]
        requests.append(coin("D", source="two"))
        report, _, _ = fetch(requests, None, jobs=1, sources=vendors.__getitem__)
        assert [result.attempts for result in report.results] == [3] * 4 + [1, 3]


class TestSourcesThatMisbehave:
    def told(self, answer) -> tuple[str, str, str]:
        class Odd:
            def fetch(self, request):
                return answer(request)

        vendors = {"odd": Odd(), "vendor": Vendor()}
        requests = [coin("A", source="odd"), coin("B")]
        report, series, _ = fetch(requests, None, sources=vendors.__getitem__)
        assert [item.request.symbol for item in series] == ["B"]
        assert report.results[0].attempts == 1
        return report.results[0].fault, report.results[0].problem, report.results[0].remedy

    def test_an_exception_names_the_line(self):
        def fails(request):
            raise TypeError("a number\nwas expected")

        fault, problem, remedy = self.told(fails)
        assert fault == "refused"
        assert problem == "A: the source odd failed: TypeError: a number was expected"
        assert "test_ingestion_fetch.py, line" in remedy

    @pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), MemoryError()])
    def test_not_even_an_exit_ends_the_others(self, error):
        def fails(request):
            raise error

        assert self.told(fails)[0] == "refused"

    def test_a_users_error_is_final_and_told_as_it_is(self):
        def fails(request):
            raise ConfigError("A: unknown exchange 'krakn'", "did you mean kraken?")

        assert self.told(fails) == (
            "refused",
            "A: unknown exchange 'krakn'",
            "did you mean kraken?",
        )

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda bars: None, "no table by date"),
            (lambda bars: bars.reset_index(), "no table by date"),
            (lambda bars: bars.drop(columns="close"), "no column close"),
            (lambda bars: bars.iloc[:0], "there are no bars"),
            (lambda bars: bars.iloc[::-1], "not in order of time"),
            (lambda bars: pd.concat([bars, bars.iloc[-1:]]), "two have the same time"),
            (lambda bars: bars.tz_localize("UTC"), "time zone"),
            (lambda bars: bars.astype(str).replace("1.0", "x"), "what is no number"),
        ],
    )
    def test_bars_of_another_form(self, change, words):
        def answer(request):
            series = Vendor().fetch(request)
            return replace(series, bars=change(series.bars))

        fault, problem, _ = self.told(answer)
        assert fault == "refused" and problem.startswith("A: the source odd") and words in problem

    def test_nothing_at_all(self):
        assert self.told(lambda request: None)[1] == "A: the source odd gave NoneType, no RawSeries"

    def test_an_answer_to_another_question_belongs_to_the_one_asked(self):
        class Odd:
            def fetch(self, request):
                return Vendor().fetch(replace(request, symbol="ELSE", start=dt.date(2024, 2, 1)))

        _, series, _ = fetch([coin("A")], Odd())
        assert series[0].request == coin("A")

    def test_a_source_that_cannot_be_had(self):
        def sources(name: str):
            if name == "gone":
                raise ConfigError("unknown source 'gone'", "did you mean vendor?")
            return Vendor()

        report, series, _ = fetch([coin("A", source="gone"), coin("B")], None, sources=sources)
        assert report.results[0].problem == "unknown source 'gone'"
        assert report.results[0].attempts == 0 and len(series) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"attempts": 0},
        {"attempts": 1.5},
        {"first_pause": -1.0},
        {"longest_pause": float("inf")},
        {"deadline": float("nan")},
    ],
)
def test_bounds_of_trying_again_are_looked_at(given):
    with pytest.raises(ConfigError, match=next(iter(given))):
        RetryPolicy(**given)
