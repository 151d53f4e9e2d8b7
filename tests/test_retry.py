"""Trying again: attempts, pauses, the deadline, and what is never tried again."""

from __future__ import annotations

import datetime as dt
import logging
import random
import time
from dataclasses import FrozenInstanceError
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.errors import DataError, UserError
from feeds.sources.request import BAR_COLUMNS, Fault, FetchError, SymbolRequest
from feeds.sources.retry import RetryPolicy, with_retries

PASSING = ("rate_limited", "unavailable", "malformed")
FINAL = ("unknown_symbol", "no_data", "refused", "deadline")


class Clock:
    """Time that passes only in sleeps and fetches; a sleep lasts `extra` longer than asked."""

    def __init__(self, extra: float = 0.0) -> None:
        self.now, self.extra = 1000.0, extra
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds + self.extra


class Highest(random.Random):
    """A random factor of nearly 1: every pause is as long as it can be."""

    def random(self) -> float:
        return 1.0


class Lowest(random.Random):
    """The other end: every pause is half of what it can be."""

    def random(self) -> float:
        return 0.0


class Vendor:
    """Answers each attempt with the next of `answers`, the last one for good."""

    def __init__(self, clock: Clock, *answers: BaseException | str, takes: float = 0.0) -> None:
        self.clock, self.answers, self.takes = clock, answers, takes
        self.began: list[float] = []

    def __call__(self) -> str:
        self.began.append(self.clock.now - 1000.0)
        self.clock.now += self.takes
        answer = self.answers[min(len(self.began), len(self.answers)) - 1]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def fault(kind: str = "unavailable", said: str = "", after: float | None = None) -> FetchError:
    return FetchError(kind, said or f"AAA from vendor: {kind}", "wait", after)


def policy(clock: Clock, **given: object) -> RetryPolicy:
    settings_of = {"random": Highest(), **given}
    return RetryPolicy(clock=clock, sleep=clock.sleep, **settings_of)


@pytest.fixture
def clock() -> Clock:
    return Clock()


class TestAttempts:
    def test_the_first_answer_is_taken_at_once(self, clock):
        vendor = Vendor(clock, "bars")
        assert with_retries(policy(clock), "AAA", vendor) == "bars"
        assert len(vendor.began) == 1 and clock.slept == []

    @pytest.mark.parametrize("kind", PASSING)
    def test_a_failure_that_may_pass_is_tried_again(self, clock, kind):
        vendor = Vendor(clock, fault(kind), fault(kind), "bars")
        assert with_retries(policy(clock), "AAA", vendor) == "bars"
        assert len(vendor.began) == 3

    @pytest.mark.parametrize("kind", FINAL)
    def test_a_final_failure_is_not(self, clock, kind):
        vendor = Vendor(clock, fault(kind), "bars")
        with pytest.raises(FetchError) as caught:
            with_retries(policy(clock), "AAA", vendor)
        assert caught.value.fault == kind
        assert len(vendor.began) == 1 and clock.slept == []

    def test_a_final_failure_ends_a_row_of_others(self, clock):
        vendor = Vendor(clock, fault(), fault("unknown_symbol"), "bars")
        with pytest.raises(FetchError) as caught:
            with_retries(policy(clock), "AAA", vendor)
        assert caught.value.fault == "unknown_symbol" and len(vendor.began) == 2

    @pytest.mark.parametrize("attempts", [1, 2, 5])
    def test_attempts_are_bounded_and_the_last_failure_is_raised(self, clock, attempts):
        failures = [fault("malformed", f"failure {number}") for number in range(1, 10)]
        vendor = Vendor(clock, *failures)
        with pytest.raises(FetchError) as caught:
            with_retries(policy(clock, attempts=attempts), "AAA", vendor)
        assert caught.value is failures[attempts - 1]
        # One pause between two attempts, none after the last.
        assert len(vendor.began) == attempts and len(clock.slept) == attempts - 1

    @pytest.mark.parametrize("error", [ValueError("a bug"), KeyboardInterrupt()])
    def test_what_is_no_failure_of_the_source_is_not_caught(self, clock, error):
        vendor = Vendor(clock, error, "bars")
        with pytest.raises(type(error)):
            with_retries(policy(clock), "AAA", vendor)
        assert len(vendor.began) == 1


class TestPauses:
    def test_they_double_up_to_the_longest(self, clock):
        chosen = policy(clock, attempts=7, first_pause=2.0, longest_pause=20.0)
        with pytest.raises(FetchError):
            with_retries(chosen, "AAA", Vendor(clock, fault()))
        # 2, 4, 8, 16, then 32 and 64 cut to 20; times a factor of 1.
        assert clock.slept == [2.0, 4.0, 8.0, 16.0, 20.0, 20.0]

    def test_the_random_factor_takes_away_up_to_half(self, clock):
        chosen = policy(clock, attempts=4, first_pause=2.0, random=Lowest())
        with pytest.raises(FetchError):
            with_retries(chosen, "AAA", Vendor(clock, fault()))
        assert clock.slept == [1.0, 2.0, 4.0]

    def test_they_are_the_same_in_every_run(self):
        def slept() -> list[float]:
            clock = Clock()
            with pytest.raises(FetchError):
                with_retries(
                    RetryPolicy(clock=clock, sleep=clock.sleep), "AAA", Vendor(clock, fault())
                )
            return clock.slept

        assert slept() == slept() and len(slept()) == 3

    def test_what_the_source_asks_for_comes_first(self, clock):
        vendor = Vendor(clock, fault("rate_limited", after=45.0), "bars")
        assert with_retries(policy(clock), "AAA", vendor) == "bars"
        # Longer than the longest of our own, 30.
        assert clock.slept == [45.0]

    def test_a_source_that_asks_for_less_waits_for_ours(self, clock):
        vendor = Vendor(clock, fault("rate_limited", after=0.0), "bars")
        with_retries(policy(clock, first_pause=3.0), "AAA", vendor)
        assert clock.slept == [3.0]

    def test_each_is_announced(self, clock, caplog):
        with caplog.at_level(logging.INFO, logger="feeds.sources.retry"):
            with_retries(policy(clock), "AAA", Vendor(clock, fault(said="AAA: reset"), "bars"))
        assert caplog.messages == ["AAA: AAA: reset; next attempt in 1.0 s"]


class TestDeadline:
    def test_it_holds_and_names_the_last_failure(self, clock):
        # Attempts at 0, 1, 3, 7, 15, 31; the next would begin at 31 + 30 > 60.
        chosen = policy(clock, attempts=100, deadline=60.0)
        vendor = Vendor(clock, fault(said="503"), *[fault("malformed", "an HTML page")] * 99)
        with pytest.raises(FetchError) as caught:
            with_retries(chosen, "AAA", vendor)
        assert vendor.began == [0.0, 1.0, 3.0, 7.0, 15.0, 31.0]
        assert caught.value.fault == "deadline" and not caught.value.may_pass
        assert str(caught.value) == (
            "AAA: no answer within 60 s, last: an HTML page\n"
            "run again later: what was fetched is kept"
        )

    def test_a_pause_that_would_end_after_it_is_not_slept(self, clock):
        vendor = Vendor(clock, fault("rate_limited", after=3600.0))
        with pytest.raises(FetchError, match="no answer within 120 s"):
            with_retries(policy(clock), "AAA", vendor)
        assert clock.slept == []

    def test_an_attempt_may_begin_on_it(self, clock):
        vendor = Vendor(clock, fault("rate_limited", after=120.0), "bars")
        assert with_retries(policy(clock), "AAA", vendor) == "bars"
        assert vendor.began == [0.0, 120.0]

    def test_time_spent_in_attempts_counts(self, clock):
        # Attempts of 50 s begin at 0, 51 and 103; the fourth would at 157.
        vendor = Vendor(clock, fault(), takes=50.0)
        with pytest.raises(FetchError, match="no answer within 120 s"):
            with_retries(policy(clock), "AAA", vendor)
        assert vendor.began == [0.0, 51.0, 103.0]

    def test_a_sleep_that_lasts_too_long_begins_nothing(self):
        clock = Clock(extra=500.0)
        vendor = Vendor(clock, fault())
        with pytest.raises(FetchError, match="no answer within 120 s"):
            with_retries(policy(clock), "AAA", vendor)
        assert vendor.began == [0.0] and clock.slept == [1.0]

    def test_a_late_answer_to_an_attempt_begun_in_time_is_taken(self, clock):
        assert with_retries(policy(clock), "AAA", Vendor(clock, "bars", takes=900.0)) == "bars"

    def test_the_last_allowed_attempt_raises_its_own_failure(self, clock):
        vendor = Vendor(clock, fault(said="503"), takes=900.0)
        with pytest.raises(FetchError, match="^503") as caught:
            with_retries(policy(clock, attempts=1), "AAA", vendor)
        assert caught.value.fault == "unavailable"


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    attempts=st.integers(1, 12),
    deadline=st.floats(0.0, 100.0),
    first=st.floats(0.0, 10.0),
    longest=st.floats(0.0, 40.0),
    extra=st.floats(0.0, 20.0),
    takes=st.floats(0.0, 30.0),
    asked=st.lists(st.none() | st.floats(0.0, 60.0), min_size=1, max_size=12),
    seed=st.integers(0, 9),
)
def test_no_attempt_too_many_and_none_too_late(
    attempts: int,
    deadline: float,
    first: float,
    longest: float,
    extra: float,
    takes: float,
    asked: list[float | None],
    seed: int,
) -> None:
    clock = Clock(extra)
    vendor = Vendor(clock, *[fault("rate_limited", after=wait) for wait in asked], takes=takes)
    chosen = RetryPolicy(
        attempts, first, longest, deadline, clock, clock.sleep, random.Random(seed)
    )
    with pytest.raises(FetchError) as caught:
        with_retries(chosen, "AAA", vendor)
    assert 1 <= len(vendor.began) <= attempts
    assert vendor.began[0] == 0.0
    assert all(began <= deadline for began in vendor.began)
    # It gives up for one of two reasons, and says which.
    if caught.value.fault != "deadline":
        assert len(vendor.began) == attempts
    # Each pause lies between half and the whole of the doubled one, unless more was asked for.
    for number, pause in enumerate(clock.slept):
        own = min(first * 2**number, longest)
        wanted = asked[min(number, len(asked) - 1)] or 0.0
        assert max(0.5 * own, wanted) <= pause <= max(own, wanted)


class TestParts:
    def test_every_fault_is_either_final_or_may_pass(self):
        assert sorted(get_args(Fault)) == sorted(PASSING + FINAL)
        assert [fault(kind).may_pass for kind in PASSING] == [True] * 3
        assert [fault(kind).may_pass for kind in FINAL] == [False] * 4

    def test_a_failure_is_a_mistake_that_commands_can_tell(self):
        error = fault("rate_limited", "AAA: too many requests", 7.5)
        assert isinstance(error, DataError) and isinstance(error, UserError)
        assert (error.problem, error.remedy) == ("AAA: too many requests", "wait")
        assert error.retry_after == 7.5
        assert str(FetchError("no_data", "AAA: nothing")) == "AAA: nothing"

    def test_a_request_is_a_daily_one_from_anywhere_to_anywhere(self):
        request = SymbolRequest("NA", "equity", "yahoo", "NA")
        assert (request.exchange, request.currency, request.interval) == ("", "", "1d")
        assert request.start is None and request.end is None
        assert request == SymbolRequest("NA", "equity", "yahoo", "NA")
        with pytest.raises(FrozenInstanceError):
            request.end = dt.date(2020, 1, 1)

    def test_the_columns_are_those_of_a_price_file_that_a_source_can_know(self):
        from feeds.store import PRICE_COLUMNS

        assert ("date", "symbol", *BAR_COLUMNS) == PRICE_COLUMNS

    def test_the_clock_and_the_sleep_are_real_where_none_is_given(self):
        assert RetryPolicy().clock is time.monotonic
        assert RetryPolicy().sleep is time.sleep
