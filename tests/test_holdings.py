"""Books that drift, and series that end: closed at their delisting return, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factors.holdings import (
    Endings,
    holding_returns,
    holding_turnover,
    likely_reasons,
    series_endings,
)
from feeds.errors import DataError

NAN = np.nan
REASONS = {"bankruptcy": -1.0, "unknown": -0.3, "merger": 0.0}
# B has its last bar in row 2 and is closed in row 3 at -50 %.
MARKS = np.array([[10.0, 20], [10, 20], [11, 30], [11, NAN], [22, NAN], [22, NAN]])
ENDS = Endings(np.array([6, 3]), np.array([0.0, -0.5]))


def test_an_ended_series_is_cash_at_its_delisting_return() -> None:
    # Entered in row 1 half and half. Row 2: 0.5 x 1.1 + 0.5 x 1.5 = 1.3. Row 3: B is worth
    # 0.75 x 0.5 = 0.375 in cash: 0.55 + 0.375 = 0.925. Row 4: A doubles, 1.1 + 0.375 = 1.475.
    found = holding_returns(MARKS, np.array([0]), np.array([[0.5, 0.5]]), ends=ENDS)
    expected = [0, 0, 0.3, 0.925 / 1.3 - 1, 1.475 / 0.925 - 1, 0]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_short_gains_what_the_series_loses() -> None:
    # Short 0.5 of B: 1 + 0.5 - 0.5 x 1.5 = 0.75 in row 2; bought back at half in row 3:
    # 1.5 - 0.5 x 0.75 = 1.125.
    found = holding_returns(MARKS, np.array([0]), np.array([[0.0, -0.5]]), ends=ENDS)
    np.testing.assert_allclose(found, [0, 0, -0.25, 0.5, 0, 0], atol=1e-12)


def test_a_closed_asset_is_not_entered_again() -> None:
    # The second decision is entered in row 3, when B is closed: its half stays in cash.
    weights = np.array([[0.5, 0.5], [0.5, 0.5]])
    found = holding_returns(MARKS, np.array([0, 2]), weights, ends=ENDS)
    assert found[4:].tolist() == pytest.approx([0.5, 0.0])
    # Entered on its last bar, it is closed on the next one.
    found = holding_returns(MARKS, np.array([2]), np.array([[0.0, 1.0]]), lag=0, ends=ENDS)
    assert found.tolist() == pytest.approx([0, 0, 0, -0.5, 0, 0])


def test_turnover_buys_nothing_of_what_was_closed() -> None:
    # Worth 0.925 in row 3, of it A 0.55 (59.46 %) and cash; the target 0.5 of A sells 9.46 %.
    weights = np.array([[0.5, 0.5], [0.5, 0.5]])
    found = holding_turnover(MARKS, np.array([0, 2]), weights, ends=ENDS)
    np.testing.assert_allclose(found, [0.5, (0.55 / 0.925 - 0.5) / 2])


def test_a_total_loss_is_no_division_by_zero() -> None:
    lost = Endings(np.array([6, 3]), np.array([0.0, -1.0]))
    found = holding_returns(MARKS, np.array([0, 3]), np.array([[0.0, 1.0], [1.0, 0.0]]), ends=lost)
    assert found.tolist() == [0, 0, 0.5, -1.0, 0, 0]


def test_endings_of_a_panel(make_panel) -> None:
    close = np.full((20, 5), 10.0)
    close[5:, 0] = NAN  # last bar in row 4, age 15
    close[11:, 1] = NAN  # age 9: silent, not ended
    close[3:18, 2] = NAN  # a gap that ends
    close[:, 4] = NAN  # no bar at all
    reasons = np.array(["bankruptcy", "unknown", "unknown", "merger", "unknown"])
    panel = make_panel(close, end_reason=reasons)
    known = series_endings(panel, REASONS)
    assert known.row.tolist() == [14, 20, 20, 20, 20]
    assert known.result.tolist() == [-1.0, 0, 0, 0, 0]
    following = series_endings(panel, REASONS, stale_after=9, booked="next")
    assert following.row.tolist() == [5, 11, 20, 20, 20]
    assert following.result.tolist() == [-1.0, -0.3, 0, 0, 0]


def test_likely_reasons_by_the_last_printed_close(make_panel) -> None:
    close = np.full((30, 5), 4.0)
    close[5:] = NAN
    close[:, 4] = NAN
    # The second split four for one: it was printed at 1; the third at 0.99.
    split = np.ones((30, 5))
    split[3:, 1] = 4.0
    split[3:, 2] = 4.0 / 0.99
    reasons = np.array(["unknown", "unknown", "unknown", "bankruptcy", "unknown"])
    panel = make_panel(close, split_factor=split, end_reason=reasons)
    found = likely_reasons(panel)
    assert found.tolist() == ["merger", "merger", "unknown", "bankruptcy", "unknown"]
    assert likely_reasons(panel, floor=5.0).tolist() == reasons.tolist()
    ends = series_endings(panel, REASONS, reasons=found)
    assert ends.result.tolist() == [0, 0, -0.3, -1, 0]


def test_an_end_is_closed_when_it_is_known(make_panel) -> None:
    close = np.exp(np.random.default_rng(3).normal(0, 0.1, (40, 3)).cumsum(axis=0))
    close[12:, 1] = NAN
    panel = make_panel(close, end_reason=np.array(["unknown"] * 3))
    rows, weights = np.array([3, 20]), np.full((2, 3), 1 / 3)

    def returns(panel):
        return holding_returns(panel.mark, rows, weights, ends=series_endings(panel, REASONS))

    full = returns(panel)
    assert full[21] != 0
    for cut in range(5, 40):
        np.testing.assert_array_equal(returns(panel.as_of(cut)), full[: cut + 1])


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 2))
def test_closing_equals_a_ledger_of_units(seed: int, lag: int) -> None:
    rng = np.random.default_rng(seed)
    marks = np.exp(np.cumsum(rng.normal(0, 0.05, (30, 4)), axis=0))
    ends = Endings(rng.integers(5, 40, 4), rng.uniform(-1, 0.2, 4))
    for column, row in enumerate(ends.row):
        marks[row:, column] = NAN
    rows = np.sort(rng.choice(28, 4, replace=False))
    weights = rng.uniform(-0.2, 0.24, (4, 4))
    cash, units, values, last = 1.0, np.zeros(4), [], np.zeros(4)
    for row in range(30):
        for column in np.flatnonzero(ends.row == row):
            cash += units[column] * last[column] * (1 + ends.result[column])
            units[column] = 0.0
        last = np.where(np.isfinite(marks[row]), marks[row], last)
        values.append(cash + units @ last)
        if row - lag in rows:
            target = np.where(ends.row > row, weights[list(rows).index(row - lag)], 0.0)
            units = target * values[-1] / last
            cash = values[-1] - units @ last
    expected = np.diff([1.0, *values]) / np.array([1.0, *values[:-1]])
    found = holding_returns(marks, rows, weights, lag, ends=ends)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("ends", [([1], [-1.5]), ([1], [NAN]), ([1, 2], [0.0])])
def test_impossible_delisting_returns_are_refused(ends) -> None:
    with pytest.raises(DataError, match="delisting returns"):
        Endings(np.array(ends[0]), np.array(ends[1]))


def test_an_end_takes_a_session_at_least(make_panel) -> None:
    with pytest.raises(DataError, match="stale_after 0"):
        series_endings(make_panel(), REASONS, stale_after=0)
