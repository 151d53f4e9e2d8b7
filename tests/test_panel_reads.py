"""Marks, ages and factors of a few assets are those of the whole panel, and cost less."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feeds.errors import DataError
from feeds.last_bars import LastBars

NAN = np.nan
ANY = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@st.composite
def holed_closes(draw):
    """(T, N) closes with late listings, holes of any length, ends, and columns without a bar."""
    rows, columns = draw(st.integers(1, 90)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    close = np.round(rng.uniform(1, 100, (rows, columns)), 2)
    for column in range(columns):
        for _ in range(rng.integers(0, 4)):
            start = rng.integers(0, rows)
            close[start : start + rng.integers(1, rows + 1), column] = NAN
    return close


@ANY
@given(holed_closes(), st.data())
def test_any_questions_in_any_order_are_answered_as_from_the_whole_panel(make_panel, close, data):
    panel = make_panel(close)
    rows, columns = close.shape
    whole = make_panel(close)
    for _ in range(data.draw(st.integers(1, 8))):
        first = data.draw(st.integers(0, rows - 1))
        stop = data.draw(st.integers(first + 1, rows))
        some = np.array(sorted(data.draw(st.sets(st.integers(0, columns - 1)))), dtype=int)
        np.testing.assert_array_equal(panel.mark_at(first, some), whole.mark[first, some])
        np.testing.assert_array_equal(
            panel.marks(first, stop, some), whole.mark[first:stop].take(some, axis=1)
        )
        np.testing.assert_array_equal(
            panel.ages(first, stop, some), whole.age[first:stop].take(some, axis=1)
        )


@ANY
@given(holed_closes())
def test_a_look_back_sees_no_later_row(make_panel, close):
    panel, every = make_panel(close), np.arange(close.shape[1])
    for row in range(len(close)):
        then = panel.as_of(row)
        np.testing.assert_array_equal(panel.mark_at(row, every), then.mark[-1])
        np.testing.assert_array_equal(panel.ages(row, row + 1, every), then.age[-1:])


class Counting:
    """A mask of bars that counts the cells that are read."""

    def __init__(self, tradable):
        self.tradable, self.shape, self.cells = tradable, tradable.shape, 0

    def __getitem__(self, key):
        found = self.tradable[key]
        self.cells += found.size
        return found


def test_an_asset_long_dead_is_looked_through_once():
    # One bar on row 0, then 9,999 rows without: asked every tenth row, each row is read once to
    # see whether it has a bar and at most once to look back.
    tradable = np.zeros((10_000, 1), dtype=bool)
    tradable[0] = True
    counted = Counting(tradable)
    bars = LastBars(counted)
    for row in range(0, 10_000, 10):
        assert bars.at(row, np.array([0])).tolist() == [0]
    assert counted.cells <= 11_000


def test_a_bar_found_for_a_later_row_is_not_shown_to_an_earlier_one():
    tradable = np.array([[False], [False], [True], [False]])
    bars, every = LastBars(tradable), np.array([0])
    assert [bars.at(row, every)[0] for row in (3, 1, 2, 3, 0)] == [2, -1, 2, 2, -1]


def test_before_the_first_row_there_is_no_bar():
    assert LastBars(np.ones((3, 2), dtype=bool)).at(-1, np.array([1])).tolist() == [-1]


def test_the_factors_of_some_assets(make_panel):
    split, payout = np.full((3, 2), 2.0), np.full((3, 2), 1.5)
    split[2, 1] = 4.0
    panel = make_panel(np.full((3, 2), 10.0), split_factor=split, dividend_factor=payout)
    assert panel.adjustment_at(2, np.array([1, 0])).tolist() == [6.0, 3.0]
    assert panel.adjustment_at(np.array([0, 2]), np.array([1, 1])).tolist() == [3.0, 6.0]


def test_a_close_that_is_not_positive_is_named_wherever_it_stands(make_panel):
    close = np.full((700, 500), 10.0)
    close[650, 499] = 0.0
    with pytest.raises(DataError) as caught:
        make_panel(close)
    assert str(caught.value).startswith("A499: close 0.0 on 2021-10-12 is not a positive number")
