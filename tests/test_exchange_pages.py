"""Paging: the three ways of exchanges, and that no fault leaves a hole in silence."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.sources.exchange_faults import Answers
from feeds.sources.exchange_pages import DAY_MS, Row, Window, collect, to_bars
from feeds.sources.request import FetchError

#: Day 0 of these tests, far enough from 1970 that a page may begin earlier.
ZERO = 18_262 * DAY_MS


def row(day: int, close: float | None = None) -> Row:
    return [ZERO + day * DAY_MS, 1.0, 2.0, 0.5, 1.5 + day if close is None else close, 10.0]


def window(first: int, last: int, size: int = 5, active: bool = True, live: bool = True) -> Window:
    return Window(ZERO + first * DAY_MS, ZERO + last * DAY_MS, DAY_MS, size, active, live)


class Venue:
    """Candles on `days`, paged in one of three ways; the `lost`-th page comes empty."""

    def __init__(self, days: list[int], way: str, size: int, lost: int | None = None) -> None:
        self.days, self.way, self.size, self.lost = sorted(days), way, size, lost
        self.asked: list[int] = []

    def __call__(self, since: int) -> list[Row]:
        day = (since - ZERO) // DAY_MS
        self.asked.append(day)
        if self.lost == len(self.asked) - 1:
            return []
        later = [at for at in self.days if at >= day]
        if self.way == "onward":
            return [row(at) for at in later[: self.size]]
        if self.way == "span":
            return [row(at) for at in later if at < day + self.size]
        return [row(at) for at in later[-self.size :]]


def days_of(found: dict[int, Row]) -> list[int]:
    return sorted((start - ZERO) // DAY_MS for start in found)


def test_a_listing_inside_a_span_is_found_and_asked_for_once_more():
    venue = Venue(list(range(12, 21)), "span", 5)
    found, notes = collect(venue, window(0, 20), "X at Y")
    assert (days_of(found), notes) == (list(range(12, 21)), ())
    # 0 and 5 are before the listing; 10 holds 12, 13, 14; 5 once more; then from 15 and from 20.
    assert venue.asked == [0, 5, 10, 5, 15, 20]


def test_a_lost_page_before_the_first_one_is_noticed():
    with pytest.raises(FetchError, match="empty page from 2020-01-01 on, inside"):
        collect(Venue(list(range(0, 21)), "span", 5, lost=0), window(0, 20), "X at Y")


def test_a_hole_in_a_market_that_ended_is_refused():
    days = [*range(0, 6), *range(16, 20)]
    with pytest.raises(FetchError, match="empty page from 2020-01-07 on"):
        collect(Venue(days, "span", 5), window(0, 30, active=False), "X at Y")


def test_a_missing_day_inside_a_page_is_left_to_the_cleaning():
    found, _ = collect(Venue([0, 1, 3, 4], "onward", 3), window(0, 4), "X at Y")
    assert days_of(found) == [0, 1, 3, 4]


def test_a_venue_that_never_moves_on_is_left_after_two_pages():
    asked = []

    def stuck(since: int) -> list[Row]:
        asked.append(since)
        return [row(day) for day in range(0, 5)]

    with pytest.raises(FetchError, match="empty page from 2020-01-06"):
        collect(stuck, window(0, 1000), "X at Y")
    assert len(asked) == 2


def test_pages_that_overlap_give_each_candle_once():
    def overlapping(since: int) -> list[Row]:
        day = (since - ZERO) // DAY_MS
        return [row(at) for at in range(max(0, day - 2), min(day + 3, 8))]

    found, _ = collect(overlapping, window(0, 7), "X at Y")
    assert days_of(found) == list(range(8))


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ([row(0), row(1), row(1, close=9.0)], "two different candles for 2020-01-02"),
        ([[ZERO + 3_600_000, 1.0, 1.0, 1.0, 1.0, 1.0]], "begins at 2020-01-01 01:00:00"),
        ([[ZERO, 1.0, 1.0]], "not six numbers"),
        ([[None, 1.0, 1.0, 1.0, 1.0, 1.0]], "not six numbers"),
        ([1.0], "not six numbers"),
    ],
)
def test_candles_that_cannot_be_are_malformed(page, said):
    with pytest.raises(FetchError, match=said) as caught:
        collect(lambda since: page, window(0, 5), "X at Y")
    assert caught.value.fault == "malformed"


def test_the_same_candle_twice_is_one():
    found, _ = collect(lambda since: [row(1), row(0), row(0)], window(0, 1), "X at Y")
    assert days_of(found) == [0, 1]


def test_what_is_left_out_is_nan_and_what_lies_outside_is_cut():
    found = {item[0]: item for item in (row(2), row(0), row(1), row(3))}
    found[ZERO + DAY_MS][5] = None
    bars = to_bars(found, window(0, 2))
    assert bars.index.astype(str).tolist() == ["2020-01-01", "2020-01-02", "2020-01-03"]
    assert np.isnan(bars["volume"]).tolist() == [False, True, False]
    assert bars["close"].tolist() == [1.5, 2.5, 3.5]


WAYS = st.sampled_from(["onward", "span"])


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    way=WAYS,
    days=st.lists(st.integers(0, 40), min_size=1, unique=True),
    size=st.integers(1, 9),
    first=st.integers(0, 20),
    active=st.booleans(),
)
def test_all_that_was_traded_is_there_or_it_is_refused(way, days, size, first, active):
    venue = Venue(days, way, size)
    wanted = [day for day in sorted(days) if day >= first]
    try:
        found, notes = collect(venue, window(first, 40, size, active), "X at Y")
    except FetchError:
        # Refused: nothing there, or a page without a trade, which could have been lost.
        assert way == "span" or not wanted or (active and max(wanted) < 40)
        return
    assert days_of(found) == wanted
    assert len(venue.asked) <= 2 * 41 + 2


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    way=WAYS,
    begin=st.integers(0, 30),
    length=st.integers(1, 30),
    size=st.integers(1, 9),
    lost=st.integers(0, 12),
    active=st.booleans(),
)
def test_a_lost_page_never_loses_a_candle_in_silence(way, begin, length, size, lost, active):
    days = list(range(begin, 41 if active else min(41, begin + length)))
    venue = Venue(days, way, size, lost)
    try:
        found, _ = collect(venue, window(0, 40, size, active), "X at Y")
    except FetchError as error:
        assert error.fault == "malformed" or not active
        return
    assert days_of(found) == days


@settings(max_examples=100, derandomize=True, deadline=None)
@given(length=st.integers(1, 41), size=st.integers(2, 50), first=st.integers(0, 40))
def test_latest_only_venues_say_what_is_missing(length, size, first):
    days = list(range(41 - length, 41))
    found, notes = collect(Venue(days, "latest", size), window(first, 40, size), "X at Y")
    missing = {day for day in days if day >= first} - set(days_of(found))
    assert bool(notes) or not missing


@pytest.mark.parametrize(("size", "noted"), [(6, True), (7, True), (8, False)])
def test_a_full_page_of_the_latest_may_be_one_short(size, noted):
    # Six candles, 10..15, where those from 0 on were asked for.
    _, notes = collect(Venue(list(range(10, 16)), "latest", 6), window(0, 15, size), "X at Y")
    assert bool(notes) == noted


def test_a_listing_on_the_first_day_is_not_called_capped():
    _, notes = collect(Venue(list(range(0, 6)), "latest", 6), window(0, 5, 6), "X at Y")
    assert notes == ()


def answers(headers: dict[str, str]) -> float | None:
    client = SimpleNamespace(on_rest_response=lambda *answer: answer[5], parse_json=lambda text: 1)
    seen = Answers(client)
    client.on_rest_response(429, "", "", "GET", headers, "text", {}, None)
    return seen.retry_after


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [("30", 30.0), ("0.5", 0.5), ("-1", None), ("nan", None), ("inf", None), ("soon", None)],
)
def test_retry_after_in_seconds(wait, seconds):
    assert answers({"Retry-After": wait}) == seconds


def test_retry_after_as_a_date_counts_from_the_answers_own():
    sent = {"Date": "Sun, 10 Mar 2024 12:00:00 GMT"}
    # One and a half minutes later.
    assert answers({"Retry-After": "Sun, 10 Mar 2024 12:01:30 GMT", **sent}) == 90.0
    assert answers({"Retry-After": "Sun, 10 Mar 2024 11:00:00 GMT", **sent}) is None
    assert answers({"Retry-After": "Sun, 10 Mar 2024 12:01:30 GMT"}) is None
    assert answers(sent) is None


def test_day_zero_is_what_the_messages_say():
    assert dt.date(1970, 1, 1) + dt.timedelta(ZERO // DAY_MS) == dt.date(2020, 1, 1)
