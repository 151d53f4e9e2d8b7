"""Checks, repairs and joins of raw bars; every one of them is reported."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from feeds.clean import check_bars, repair_bars
from feeds.errors import DataError
from feeds.joins import compare_bars, join_bars, witness_bars
from feeds.recipe import Join, Repair, Witness

NAN = float("nan")


def bars(closes, start="2021-01-04", dates=None, **given) -> pd.DataFrame:
    index = pd.date_range(start, periods=len(closes)) if dates is None else dates
    index = pd.DatetimeIndex(index).as_unit("s").rename("date")
    columns = {name: [NAN] * len(closes) for name in ("open", "high", "low", "volume")}
    columns |= {"close": closes} | given
    frame = pd.DataFrame(columns, index=index, dtype="float64")
    return frame[["open", "high", "low", "close", "volume"]]


def actions(findings) -> list[tuple[str, tuple[str, ...]]]:
    return [(finding.action, finding.dates) for finding in findings]


class TestChecks:
    def test_clean_bars_pass_untouched_and_unmentioned(self):
        frame = bars([1.0, 2.0], open=[1, 1.5], high=[1.5, 2.5], low=[0.5, 1.5], volume=[5, 6])
        out, found = check_bars("A", frame)
        pd.testing.assert_frame_equal(out, frame)
        assert found == []

    @pytest.mark.parametrize(
        ("bad", "reason"), [(NAN, "no close"), (np.inf, "no close"), (0.0, "not positive")]
    )
    def test_a_close_that_is_none_is_dropped(self, bad, reason):
        frame = bars([1.0, bad, 3.0], volume=[1, 1, 1])
        out, found = check_bars("A", frame)
        assert out["close"].tolist() == [1.0, 3.0]
        assert actions(found) == [("drop", ("2021-01-05",))] and reason in found[0].reason

    def test_a_negative_price_is_dropped(self):
        assert check_bars("A", bars([1.0, -2.0]))[0]["close"].tolist() == [1.0]

    def test_an_empty_row_is_dropped(self):
        out, found = check_bars("A", bars([1.0, NAN, 3.0]))
        assert len(out) == 2 and found[0].reason == "the row is empty"

    def test_dates_out_of_order_are_sorted_and_reported(self):
        days = ["2021-01-06", "2021-01-04", "2021-01-05"]
        out, found = check_bars("A", bars([3.0, 1.0, 2.0], dates=days))
        assert out["close"].tolist() == [1.0, 2.0, 3.0]
        assert actions(found) == [("sort", ("2021-01-04",))]

    def test_the_same_row_twice_is_kept_once(self):
        days = ["2021-01-04", "2021-01-04", "2021-01-05"]
        out, found = check_bars("A", bars([1.0, 1.0, 2.0], dates=days))
        assert len(out) == 2 and actions(found) == [("drop", ("2021-01-04",))]

    def test_two_different_rows_for_a_date_are_refused(self):
        days = ["2021-01-04", "2021-01-04"]
        with pytest.raises(DataError, match="A: two different rows for 2021-01-04"):
            check_bars("A", bars([1.0, 2.0], dates=days))

    def test_the_bar_that_was_not_closed_is_dropped(self):
        out, found = check_bars("A", bars([1.0, 2.0]), last=pd.Timestamp("2021-01-04"))
        assert len(out) == 1 and actions(found) == [("drop", ("2021-01-05",))]

    def test_a_row_on_a_closed_day_is_dropped(self):
        friday_to_monday = bars([1.0, 2.0, 3.0, 4.0], start="2021-01-08")
        days = np.array(["2021-01-08", "2021-01-11"], dtype="datetime64[D]")
        out, found = check_bars("A", friday_to_monday, sessions=days)
        assert out["close"].tolist() == [1.0, 4.0]
        assert actions(found) == [("drop", ("2021-01-09", "2021-01-10"))]

    @pytest.mark.parametrize(
        "given",
        [
            {"open": [1.0], "high": [0.9], "low": [1.1]},
            {"open": [2.0], "high": [1.5], "low": [0.5]},
            {"open": [1.0], "high": [0.8], "low": [0.5]},
            {"open": [1.0], "high": [2.0], "low": [1.5]},
            {"open": [1.0], "high": [2.0], "low": [-1.0]},
            {"open": [NAN], "high": [2.0], "low": [0.5]},
        ],
        ids=["high<low", "open>high", "close>high", "close<low", "low<0", "no open"],
    )
    def test_a_contradictory_range_is_removed_and_the_close_stays(self, given):
        out, found = check_bars("A", bars([1.0], **given))
        assert out.iloc[0].isna().tolist() == [True, True, True, False, True]
        assert actions(found) == [("blank_range", ("2021-01-04",))]

    def test_rounding_is_no_contradiction(self):
        frame = bars([10.0000001], open=[10], high=[10], low=[9])
        out, found = check_bars("A", frame)
        assert found == [] and out["high"].iloc[0] == 10.0000001

    @pytest.mark.parametrize(
        ("policy", "closes", "volumes"),
        [("keep", 2, [0.0, 5.0]), ("blank", 2, [NAN, 5.0]), ("drop", 1, [5.0])],
    )
    def test_zero_volume(self, policy, closes, volumes):
        out, _ = check_bars("A", bars([1.0, 2.0], volume=[0, 5]), zero_volume=policy)
        assert len(out) == closes
        np.testing.assert_array_equal(out["volume"], volumes)


def repair(action, *dates, symbols=("A",), **given) -> Repair:
    return Repair(
        action=action,
        symbols=symbols,
        dates=tuple(dt.date.fromisoformat(day) for day in dates),
        reason="a reason for the test",
        **given,
    )


class TestRepairs:
    def test_void_removes_the_return_and_keeps_the_others(self):
        # 100 -> 110 (+10 %) -> 165 (+50 %, wrong) -> 181.5 (+10 %): without the wrong one
        # the level is 100, 110, none, 121.
        out, found = repair_bars(
            "A", bars([100.0, 110.0, 165.0, 181.5]), (repair("void", "2021-01-06"),)
        )
        np.testing.assert_allclose(out["close"], [100.0, 110.0, 121.0])
        assert [str(day.date()) for day in out.index] == ["2021-01-04", "2021-01-05", "2021-01-07"]
        assert actions(found) == [("void", ("2021-01-06",))]

    def test_void_changes_no_earlier_level(self):
        frame = bars([100.0, 110.0, 165.0, 181.5])
        out, _ = repair_bars("A", frame, (repair("void", "2021-01-06"),))
        assert out["close"].iloc[:2].tolist() == [100.0, 110.0]

    def test_void_of_two_days_in_a_row(self):
        # Both returns unknown: 100, none, none, then +10 %.
        frame = bars([100.0, 200.0, 50.0, 55.0])
        out, _ = repair_bars("A", frame, (repair("void", "2021-01-05", "2021-01-06"),))
        np.testing.assert_allclose(out["close"], [100.0, 110.0])

    def test_void_scales_the_range_and_not_the_volume(self):
        frame = bars([10, 20, 20], open=[10, 20, 20], high=[11, 22, 22], low=[9, 18, 18])
        out, _ = repair_bars("A", frame.assign(volume=7.0), (repair("void", "2021-01-05"),))
        assert out.iloc[1].tolist() == [10.0, 11.0, 9.0, 10.0, 7.0]

    def test_drop_leaves_the_return_to_the_next_bar(self):
        out, _ = repair_bars("A", bars([100.0, 130.0, 110.0]), (repair("drop", "2021-01-05"),))
        assert out["close"].tolist() == [100.0, 110.0]

    def test_truncate(self):
        order = repair("truncate", "2021-01-05", end_reason="merger")
        out, found = repair_bars("A", bars([1.0, 2.0, 3.0]), (order,))
        assert out["close"].tolist() == [1.0, 2.0] and found[0].action == "truncate"

    def test_a_truncation_that_is_not_reached_is_not_reported(self):
        order = repair("truncate", "2021-01-05", end_reason="merger")
        assert repair_bars("A", bars([1.0]), (order,))[1] == []

    def test_blank_volume(self):
        frame = bars([1.0, 2.0], volume=[5, 6])
        out, _ = repair_bars("A", frame, (repair("blank_volume", "2021-01-05"),))
        np.testing.assert_array_equal(out["volume"], [5.0, NAN])

    def test_other_symbols_are_left_alone(self):
        frame = bars([1.0, 2.0])
        out, found = repair_bars("B", frame, (repair("drop", "2021-01-05"),))
        assert out is frame and found == []

    def test_a_day_without_a_bar_is_a_mistake_in_the_recipe(self):
        frame = bars([1.0, 2.0], dates=["2021-01-04", "2021-01-06"])
        with pytest.raises(DataError, match="A: repair void on 2021-01-05"):
            repair_bars("A", frame, (repair("void", "2021-01-05"),))

    def test_a_later_day_is_not_reached_yet(self):
        out, found = repair_bars("A", bars([1.0]), (repair("void", "2021-02-01"),))
        assert len(out) == 1 and found == []


def join(**given) -> Join:
    return Join(source="other", symbol="A", first=dt.date(2021, 1, 16), **given)


class TestJoins:
    walk = 100.0 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.03, 30)))

    def test_the_second_series_goes_on_as_printed(self):
        one, two = bars(self.walk[:12]), bars(self.walk * 1.01)
        out, found = join_bars("A", one, two, join())
        np.testing.assert_array_equal(out["close"], [*self.walk[:12], *(self.walk * 1.01)[12:]])
        # The ratio is 1.01 throughout, and proportional series correlate perfectly.
        assert "12 common days 2021-01-04..2021-01-15" in found[0].reason
        assert "1.0100 on average and within 0.0100 of 1" in found[0].reason
        assert "daily returns 1.0000" in found[0].reason

    def test_dollars_become_coins(self):
        one = bars(self.walk[:12], volume=np.full(12, 10.0))
        two = bars(self.walk, volume=10.0 * 500 * self.walk)
        out, found = join_bars("A", one, two, join(volume="dollars_to_units"))
        np.testing.assert_allclose(out["volume"], [10.0] * 12 + [5000.0] * 18)
        assert "500 times the volume before it" in found[0].reason

    def test_levels_apart_are_refused(self):
        with pytest.raises(DataError, match="differs by up to 0.0500"):
            join_bars("A", bars(self.walk[:12]), bars(self.walk * 1.05), join())

    def test_returns_that_do_not_correlate_are_refused(self):
        shifted = bars(np.roll(self.walk, 1))
        with pytest.raises(DataError, match="return correlation"):
            join_bars("A", bars(self.walk[:12]), shifted, join(max_gap=9.0))

    def test_a_short_overlap_is_refused(self):
        with pytest.raises(DataError, match="shares 5 days"):
            join_bars("A", bars(self.walk[:5]), bars(self.walk), join())

    def test_a_disagreement_may_be_only_reported(self):
        out, found = join_bars("A", bars(self.walk[:12]), bars(self.walk * 2), join(), strict=False)
        assert len(out) == 30 and "within 1.0000 of 1" in found[0].reason

    def test_no_second_series_yet(self):
        one = bars(self.walk[:12])
        out, found = join_bars("A", one, bars(self.walk[:12]), join())
        assert out is one and found == []


class TestWitnesses:
    walk = TestJoins.walk

    def test_agreement_is_reported(self):
        check = Witness(source="other", symbols={"A": "A"})
        found = witness_bars("A", bars(self.walk), bars(self.walk), check)
        assert found[0].action == "witness" and "1.0000 on 30 common days" in found[0].reason

    def test_disagreement_is_an_error_or_is_reported(self):
        check = Witness(source="other", symbols={"A": "A"})
        walk = 100 * np.exp(np.cumsum(np.random.default_rng(7).normal(0, 0.02, 300)))
        one, other = bars(walk), bars(walk[::-1])
        with pytest.raises(DataError, match="A: daily returns correlate"):
            witness_bars("A", one, other, check)
        assert witness_bars("A", one, other, check, False)[0].action == "disagrees"

    def test_too_few_common_days_to_refuse_are_only_reported(self):
        check = Witness(source="other", symbols={"A": "A"})
        found = witness_bars("A", bars(self.walk), bars(self.walk[::-1]), check)
        assert found[0].action == "disagrees"

    def test_comparison_by_hand(self):
        # Ratios 1.1, 1.0, 0.9: mean 1, farthest 0.1 away.
        overlap = compare_bars(bars([10.0, 20.0, 30.0]), bars([11.0, 20.0, 27.0, 5.0]))
        assert len(overlap.days) == 3
        assert overlap.ratio == pytest.approx(1.0) and overlap.gap == pytest.approx(0.1)
