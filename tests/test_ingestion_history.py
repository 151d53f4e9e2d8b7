"""Which bar can be the last closed one, what is planned, and what counts as the same history."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from feeds.errors import DataError
from feeds.ingestion.closed import last_closed
from feeds.ingestion.history import OVERLAP, check_overlap, differences, replace_history
from feeds.ingestion.plan import cut_to, plan_update, still_covered
from feeds.ingestion.raw_store import entry_of
from feeds.sources.request import SymbolRequest
from runs.ingest_progress import fetch_progress
from tests.ingestion_case import NOW, Vendor, coin

STOCK = SymbolRequest("A", "equity", "yahoo", "A")


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text + "+00:00")


class TestTheLastClosedBar:
    @pytest.mark.parametrize(
        ("now", "end", "last"),
        [
            ("2024-03-10T00:00:00", None, "2024-03-09"),
            ("2024-03-09T23:59:59", None, "2024-03-08"),
            ("2024-03-10T12:00:00", "2024-03-05", "2024-03-05"),
            ("2024-03-10T12:00:00", "2024-12-31", "2024-03-09"),
        ],
    )
    def test_of_a_coin(self, now, end, last):
        request = coin("BTC", end=None if end is None else dt.date.fromisoformat(end))
        assert last_closed(request, at(now)) == np.datetime64(last)

    @pytest.mark.parametrize(
        ("now", "end", "last"),
        [
            ("2024-03-10T12:30:00", None, "2024-03-10T11:00"),
            ("2024-03-10T12:00:00", None, "2024-03-10T11:00"),
            ("2024-03-10T12:30:00", "2024-03-08", "2024-03-08T23:00"),
        ],
    )
    def test_of_a_coins_hours(self, now, end, last):
        request = coin(
            "BTC", interval="1h", end=None if end is None else dt.date.fromisoformat(end)
        )
        assert last_closed(request, at(now)) == np.datetime64(last)

    @pytest.mark.parametrize(
        ("now", "end", "last"),
        [
            # Friday 8 March 2024, in New York 5 hours behind: 16:29 and 16:30 there.
            ("2024-03-08T21:29:00", None, "2024-03-07"),
            ("2024-03-08T21:30:00", None, "2024-03-08"),
            ("2024-03-10T12:00:00", None, "2024-03-08"),
            # Good Friday 2024 is 29 March, when clocks are 4 hours behind.
            ("2024-03-29T22:00:00", None, "2024-03-28"),
            ("2024-04-01T20:31:00", None, "2024-04-01"),
            ("2024-05-01T12:00:00", "2024-03-31", "2024-03-28"),
        ],
    )
    @pytest.mark.parametrize("exchange", ["", "XNAS", "ARCX", "xnys"])
    def test_of_new_york(self, now, end, last, exchange):
        end = None if end is None else dt.date.fromisoformat(end)
        request = replace(STOCK, exchange=exchange, end=end)
        assert last_closed(request, at(now)) == np.datetime64(last)

    @pytest.mark.parametrize(
        ("now", "end", "last"),
        [
            ("2024-03-08T03:00:00", None, "2024-03-08"),
            ("2024-03-10T12:00:00", None, "2024-03-08"),
            ("2024-05-01T12:00:00", "2024-03-31", "2024-03-29"),
        ],
    )
    def test_elsewhere_any_weekday_may_be_one(self, now, end, last):
        end = None if end is None else dt.date.fromisoformat(end)
        request = replace(STOCK, exchange="XTKS", end=end)
        assert last_closed(request, at(now)) == np.datetime64(last)

    def test_hours_of_sessions_cannot_be_told(self):
        assert last_closed(replace(STOCK, interval="1h"), NOW) is None


class TestPlans:
    def stored(self, request: SymbolRequest, now: dt.datetime = NOW):
        series = Vendor(now=now).fetch(request)
        return entry_of(series, request, series.bars, b"", now), series.bars

    def test_the_overlap_of_a_short_series_is_all_of_it(self):
        request = coin("BTC", start=dt.date(2024, 3, 5))
        entry, bars = self.stored(request)
        plan = plan_update(request, entry, bars, NOW + dt.timedelta(days=2))
        assert (plan.kind, plan.request.start) == ("part", dt.date(2024, 3, 5))

    def test_a_series_that_ended_is_not_asked_for_again(self):
        # Bars end on 9 March, and the last day asked for is past by two days.
        request = coin("BTC", end=dt.date(2024, 3, 20))
        entry, bars = self.stored(request)
        for days, kind in ((11, "part"), (12, "none")):
            then = dt.datetime(2024, 3, 10 + days, tzinfo=dt.timezone.utc)
            late = replace(entry, fetched=then.isoformat())
            assert plan_update(request, late, bars, then + dt.timedelta(days=9)).kind == kind

    def test_a_later_end_asks_for_the_days_between(self):
        request = coin("BTC", end=dt.date(2024, 2, 1))
        entry, bars = self.stored(request)
        entry = replace(entry, fetched="2024-03-10T00:00:00+00:00")
        assert plan_update(request, entry, bars, NOW).kind == "none"
        assert plan_update(coin("BTC", end=dt.date(2024, 2, 9)), entry, bars, NOW).kind == "part"

    def test_what_is_covered_are_the_days_of_both(self):
        had, wanted = coin("BTC", start=dt.date(2024, 2, 1)), coin("BTC", end=dt.date(2024, 3, 1))
        entry, _ = self.stored(had)
        both = still_covered(wanted, entry)
        assert (both.start, both.end) == (dt.date(2024, 2, 1), dt.date(2024, 3, 1))

    def test_cutting_keeps_both_ends_and_all_hours_of_them(self):
        bars = Vendor().history(coin("BTC", interval="1h"))
        request = coin("BTC", start=dt.date(2024, 1, 2), end=dt.date(2024, 1, 3))
        kept = cut_to(bars, request)
        assert len(kept) == 48 and str(kept.index[-1]) == "2024-01-03 23:00:00"
        assert cut_to(bars, coin("BTC")) is bars


def history(days: int, seed: int = 5) -> pd.DataFrame:
    index = pd.date_range("2024-01-01", periods=days, name="date").as_unit("s")
    close = 50.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.02, days)))
    table = pd.DataFrame({"open": close, "high": close, "low": close, "close": close}, index=index)
    return table.assign(volume=1e6, split_ratio=1.0, dividend=0.0)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    days=st.integers(2, 40),
    more=st.integers(0, 6),
    place=st.integers(0, 39),
    column=st.sampled_from(["open", "high", "low", "close", "dividend", "split_ratio"]),
)
@example(days=30, more=2, place=30 - OVERLAP - 1, column="dividend")
@example(days=30, more=2, place=30 - OVERLAP, column="dividend")
def test_a_change_within_the_overlap_is_found_and_none_is_invented(days, more, place, column):
    whole = history(days + more)
    stored = whole.iloc[:days]
    since = stored.index[max(days - OVERLAP - 1, 0)]
    fetched = whole[whole.index >= since].copy()
    assert check_overlap(stored, fetched, since.date()) == ("", [])
    place = place % days
    revised = fetched.copy()
    if stored.index[place] in revised.index:
        revised.loc[stored.index[place], column] += 0.5
    problem, found = check_overlap(stored, revised, since.date())
    compared = place >= days - OVERLAP or days <= OVERLAP + 1
    assert bool(problem) == bool(found) == compared
    if compared:
        assert [row[:2] for row in found] == [(str(stored.index[place].date()), column)]


@settings(derandomize=True, max_examples=40, deadline=None)
@given(days=st.integers(12, 30), gone=st.integers(1, 10), more=st.integers(0, 3))
def test_a_bar_that_is_missing_from_the_overlap_is_found(days, gone, more):
    whole = history(days + more)
    stored = whole.iloc[:days]
    since = stored.index[days - OVERLAP - 1]
    lost = stored.index[days - gone]
    fetched = whole[(whole.index >= since) & (whole.index != lost)]
    found = check_overlap(stored, fetched, since.date())[1]
    assert [row[:2] for row in found] == [(str(lost.date()), "bar")]


def test_an_unknown_value_equals_an_unknown_one_only():
    one, other = history(3), history(3)
    one.iloc[0, 0] = other.iloc[0, 0] = other.iloc[1, 1] = np.nan
    found = differences(one, other)
    assert [(row[0], row[1]) for row in found] == [("2024-01-02", "high")]
    assert np.isnan(found[0][3])


def test_a_move_is_not_seen_in_few_bars_or_in_equal_ones():
    flat = history(14).assign(**dict.fromkeys(("open", "high", "low", "close"), 5.0))
    changed = flat.copy()
    changed.iloc[-3, 3] = 6.0
    problem, _ = check_overlap(flat, changed, flat.index[3].date())
    assert problem == "the vendor tells another history than the stored one"


class TestReplacing:
    def test_bars_older_than_the_vendor_has_stay_where_the_rest_agrees(self):
        whole = history(60)
        joined, found = replace_history(whole.iloc[:50], whole.iloc[20:])
        assert found == [] and joined.equals(whole)

    def test_a_revision_behind_the_first_common_bars_is_told(self):
        whole = history(60)
        fetched = whole.iloc[20:].copy()
        fetched.iloc[25, 3] *= 2.0
        joined, found = replace_history(whole.iloc[:50], fetched)
        assert len(joined) == 60 and [row[:2] for row in found] == [("2024-02-15", "close")]

    def test_a_history_that_ends_earlier_is_not_taken(self):
        whole = history(60)
        with pytest.raises(DataError, match="ends on 2024-02-28, the stored one on 2024-02-29"):
            replace_history(whole, whole.iloc[:-1])

    def test_unless_it_is_ordered(self):
        whole = history(60)
        bars, found = replace_history(whole, whole.iloc[30:-1], as_it_is=True)
        assert len(bars) == 29 and [row[1] for row in found] == ["bar"] * 31

    def test_volumes_are_all_told_where_anything_counts(self):
        whole = history(20)
        fetched = whole.assign(volume=whole["volume"] * 1.01)
        assert replace_history(whole, fetched)[1] == []
        fetched.iloc[3, 0] *= 2.0
        assert len(replace_history(whole, fetched)[1]) == 21


class TestProgress:
    def step(self, kind: str, done: int) -> SimpleNamespace:
        return SimpleNamespace(kind=kind, symbol=f"[b]C{done}", done=done, total=3)

    def test_nothing_is_shown_where_it_is_quiet_or_no_terminal(self):
        with fetch_progress(True) as quiet, fetch_progress(False) as piped:
            assert quiet is None and piped is None

    def test_a_bar_with_the_symbol_and_the_failures(self):
        import io

        from rich.console import Console

        text = io.StringIO()
        console = Console(file=text, force_terminal=True, width=100)
        with fetch_progress(False, console) as show:
            show(self.step("begun", 0))
            show(self.step("failed", 1))
            show(self.step("fetched", 2))
        assert "2/3" in text.getvalue() and "1 failed" in text.getvalue()
        # A symbol is never taken for markup.
        assert "[b]C2" in text.getvalue()
