"""Folding, forward adjustment and membership, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.align import Native, adjustment_factors, align_bars
from feeds.bar_table import BarTable, concatenate
from feeds.blocks import align_block, panel_of
from feeds.calendars import sessions

FRIDAY, SATURDAY, SUNDAY, MONDAY = np.arange("2021-01-08", "2021-01-12", dtype="datetime64[D]")


def native(dates, close, **given) -> Native:
    close = np.asarray(close, dtype=float)
    columns = {name: close for name in ("open", "high", "low")}
    columns["volume"] = np.ones(len(close))
    columns["split_ratio"], columns["dividend"] = np.ones(len(close)), np.zeros(len(close))
    columns |= {name: np.asarray(values, dtype=float) for name, values in given.items()}
    return Native(np.asarray(dates, dtype="datetime64[D]"), close=close, **columns)


def table_of(bars: dict[str, Native]) -> BarTable:
    names = ("open", "high", "low", "close", "volume", "split_ratio", "dividend")
    return concatenate(
        [
            BarTable.from_frame(
                symbol,
                pd.DataFrame(
                    {name: getattr(own, name) for name in names},
                    index=pd.DatetimeIndex(own.dates.astype("datetime64[s]")),
                ),
            )
            for symbol, own in bars.items()
        ]
    )


def universe(*rows: tuple[str, str, str, str, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["symbol", "asset_class", "start", "end", "end_reason"])
    return table.assign(name="", volume_unit="units", price_kind="traded")


class TestFold:
    def test_a_weekend_crash_compounds_into_monday(self):
        # 100 on Friday, -20 % on Saturday, -10 % on Sunday, +5 % on Monday:
        # Monday's return is 0.8 x 0.9 x 1.05 - 1 = -24.4 %, Friday to Monday.
        bars = native(
            [FRIDAY, SATURDAY, SUNDAY, MONDAY],
            [100.0, 80.0, 72.0, 75.6],
            open=[99.0, 100.0, 80.0, 72.5],
            high=[101.0, 102.0, 81.0, 76.0],
            low=[98.0, 79.0, 70.0, 71.0],
            volume=[10.0, 20.0, 30.0, 40.0],
        )
        out = align_bars(bars, np.array([FRIDAY, MONDAY]))
        assert out["close"][1] / out["close"][0] - 1 == pytest.approx(0.8 * 0.9 * 1.05 - 1)
        assert out["high"].tolist() == [101.0, 102.0]  # Saturday's high
        assert out["low"].tolist() == [98.0, 70.0]  # Sunday's low
        assert out["open"].tolist() == [99.0, 72.5]  # Monday's own open
        assert out["volume"].tolist() == [10.0, 90.0]  # 20 + 30 + 40

    def test_a_session_without_its_own_bar_leaves_the_days_to_the_next_one(self):
        tuesday = MONDAY + 1
        bars = native([FRIDAY, SATURDAY, tuesday], [100.0, 90.0, 95.0], high=[100.0, 120.0, 96.0])
        out = align_bars(bars, np.array([FRIDAY, MONDAY, tuesday]))
        assert out["tradable"].tolist() == [True, False, True]
        assert np.isnan(out["close"][1])
        assert out["high"][2] == 120.0
        assert out["volume"].tolist()[::2] == [1.0, 2.0]

    def test_days_after_the_last_session_wait(self):
        whole = native([FRIDAY, SATURDAY, SUNDAY], [100.0, 50.0, 40.0])
        out = align_bars(whole, np.array([FRIDAY]))
        assert out["close"].tolist() == [100.0] and out["low"].tolist() == [100.0]

    def test_unknown_volume_stays_unknown_only_where_every_day_of_the_fold_is(self):
        bars = native([FRIDAY, SATURDAY, MONDAY], [1.0, 1.0, 1.0], volume=[np.nan, np.nan, 5.0])
        out = align_bars(bars, np.array([FRIDAY, MONDAY]))
        assert np.isnan(out["volume"][0]) and out["volume"][1] == 5.0

    def test_closes_alone_serve_as_open_high_and_low(self):
        gone = [np.nan, np.nan]
        bars = native([FRIDAY, MONDAY], [10.0, 11.0], open=gone, high=gone, low=gone)
        out = align_bars(bars, np.array([FRIDAY, MONDAY]))
        assert not out["has_open"].any()
        for name in ("open", "high", "low"):
            assert out[name].tolist() == [10.0, 11.0]


class TestForwardAdjustment:
    def test_a_split_and_a_dividend(self):
        # Day 1: 2 for 1, 100 -> 51. Day 2: 1.02 paid, 51 -> 51.
        # split 1 2 2; dividend 1 1 1 + 1.02/51 = 1.02.
        # adjusted 100, 51 x 2 = 102, 51 x 2 x 1.02 = 104.04: +2 % and +2 %.
        bars = native(
            [FRIDAY, SATURDAY, SUNDAY],
            [100.0, 51.0, 51.0],
            split_ratio=[1.0, 2.0, 1.0],
            dividend=[0.0, 0.0, 1.02],
        )
        split, payout = adjustment_factors(bars)
        assert split.tolist() == [1.0, 2.0, 2.0]
        np.testing.assert_allclose(payout, [1.0, 1.0, 1.02])
        out = align_bars(bars, bars.dates)
        np.testing.assert_allclose(out["close"], [100.0, 102.0, 104.04])
        assert out["volume"].tolist() == [1.0, 1.0, 1.0]  # as printed

    def test_an_event_on_the_first_bar_changes_nothing(self):
        bars = native([FRIDAY], [50.0], split_ratio=[4.0], dividend=[10.0])
        assert [f.tolist() for f in adjustment_factors(bars)] == [[1.0], [1.0]]

    def test_factors_are_one_before_the_first_bar_and_carried_over_gaps(self):
        days = np.array([FRIDAY, SATURDAY, SUNDAY, MONDAY])
        bars = native([SATURDAY, MONDAY], [10.0, 5.0], split_ratio=[1.0, 2.0])
        assert align_bars(bars, days)["split_factor"].tolist() == [1.0, 1.0, 1.0, 2.0]

    @settings(derandomize=True, max_examples=60, deadline=None)
    @given(
        st.lists(st.floats(0.2, 5.0), min_size=2, max_size=12),
        st.lists(st.sampled_from([1.0, 2.0, 0.1, 1.5]), min_size=12, max_size=12),
        st.integers(1, 11),
    )
    def test_no_later_event_changes_an_earlier_price(self, closes, ratios, cut):
        days = FRIDAY + np.arange(len(closes))
        whole = native(days, closes, split_ratio=ratios[: len(closes)])
        cut = min(cut, len(closes) - 1)
        part = native(days[:cut], closes[:cut], split_ratio=ratios[:cut])
        one, two = align_bars(whole, days), align_bars(part, days[:cut])
        for name in one:
            np.testing.assert_array_equal(one[name][:cut], two[name])


class TestBlock:
    def make(self, calendar: str = "XNYS"):
        days = np.arange("2021-01-04", "2021-01-15", dtype="datetime64[D]")
        weekdays = days[np.isin(np.arange(11), [0, 1, 2, 3, 4, 7, 8, 9, 10])]
        bars = {
            "AAA": native(weekdays, np.linspace(10, 18, 9)),
            "OLD": native(weekdays[:5], np.linspace(10, 14, 5)),
            "BTC": native(days, np.linspace(100, 200, 11)),
            "IDX": native(weekdays, np.linspace(1000, 1008, 9)),
        }
        table = universe(
            ("AAA", "equity", "2021-01-06", "2021-01-14", "data_end"),
            ("OLD", "equity", "2000-01-01", "2021-01-08", "merger"),
            ("BTC", "crypto", "2021-01-04", "2021-01-14", "data_end"),
            ("IDX", "index", "2021-01-04", "2021-01-14", "data_end"),
            ("NEW", "equity", "", "", "data_end"),
        )
        rows = sessions(calendar, days[0], days[-1])
        return align_block([table_of(bars)], table, rows, calendar)

    def test_references_are_apart_and_the_order_is_the_universes(self):
        aligned = self.make()
        assert aligned.meta["assets"] == ["AAA", "OLD", "BTC", "NEW"]
        assert aligned.meta["reference"] == ["IDX"]
        assert aligned.arrays["reference"].shape == (9, 1)

    def test_membership_runs_from_entry_and_ends_only_with_a_reason(self):
        panel = panel_of(self.make(), "XNYS", 9)
        assert panel.member[:, 0].tolist() == [False, False] + [True] * 7
        assert panel.member[:, 1].tolist() == [True] * 5 + [False] * 4
        assert not panel.member[:, 3].any()

    def test_the_reason_of_an_end_is_known_only_once_it_is_there(self):
        aligned = self.make()
        assert panel_of(aligned, "XNYS", 5).end_reason[1] == "merger"
        assert panel_of(aligned, "XNYS", 4).end_reason[1] == "data_end"

    def test_the_next_session_skips_the_weekend_and_the_holiday(self):
        # The 15th is a Friday; Martin Luther King day is Monday the 18th.
        aligned = self.make()
        assert panel_of(aligned, "XNYS", 9).next_session == np.datetime64("2021-01-15")
        assert panel_of(aligned, "XNYS", 5).next_session == np.datetime64("2021-01-11")

    def test_every_day_has_a_row_on_the_other_calendar(self):
        panel = panel_of(self.make("24/7"), "24/7", 11)
        assert panel.shape == (11, 4)
        assert panel.tradable[5].tolist() == [False, False, True, False]
        assert panel.periods_per_year == 365
