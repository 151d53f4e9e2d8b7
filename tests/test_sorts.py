"""Sorted portfolios by hand: breakpoints, ties, empty cells, weights and returns of cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factors.holdings import Endings, holding_returns
from factors.sorts import (
    assign_buckets,
    breakpoints,
    cell_returns,
    cell_weights,
    conditional_buckets,
    cross_buckets,
    largest,
)
from feeds.errors import DataError

NAN = np.nan


def everyone(values) -> np.ndarray:
    return np.ones(np.shape(values), dtype=bool)


def test_the_largest_names() -> None:
    caps = np.array([[5.0, 1, NAN, 9, 5], [NAN, NAN, 2, NAN, 1]])
    # Two names of 5 tie for the second place: both are in.
    assert largest(caps, 2).tolist() == [
        [True, False, False, True, True],
        [False, False, True, False, True],
    ]
    assert largest(caps, 9).tolist() == np.isfinite(caps).tolist()
    with pytest.raises(DataError, match="largest 0"):
        largest(caps, 0)


def test_breakpoints_by_hand() -> None:
    # Known in the universe: 10, 20, 30, 40. Place 0.3 x 3 = 0.9 is 10 + 0.9 x 10 = 19; place
    # 0.7 x 3 = 2.1 is 30 + 0.1 x 10 = 31; the median is 25.
    values = np.array([[40.0, 10, 999, 30, 20, NAN]])
    universe = np.array([[True, True, False, True, True, True]])
    np.testing.assert_allclose(breakpoints(values, universe, [0.3, 0.5, 0.7]), [[19, 25, 31]])
    assert np.isnan(breakpoints(values, universe, [0.5], fewest=5)).all()
    assert np.isnan(breakpoints(values, ~everyone(values), [0.5])).all()
    assert np.isnan(breakpoints(values[:, :0], universe[:, :0], [0.3, 0.7])).tolist() == [
        [True] * 2
    ]


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30))
def test_breakpoints_are_numpys_quantiles(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(3, count)).round(1)
    values[rng.random(values.shape) < 0.3] = NAN
    universe = rng.random(values.shape) < 0.8
    found = breakpoints(values, universe, [0.2, 0.5, 0.9])
    for line in range(3):
        known = values[line][universe[line] & np.isfinite(values[line])]
        expected = np.quantile(known, [0.2, 0.5, 0.9]) if len(known) > 1 else [NAN] * 3
        np.testing.assert_allclose(found[line], expected, atol=1e-12)


@pytest.mark.parametrize("quantiles", [[0.0], [1.0], [0.7, 0.3], [0.5, 0.5], [NAN]])
def test_quantiles_that_part_nothing_are_refused(quantiles) -> None:
    with pytest.raises(DataError, match="not increasing within"):
        breakpoints(np.ones((1, 3)), everyone(np.ones((1, 3))), quantiles)


def test_a_value_at_a_breakpoint_is_below_it() -> None:
    edges = np.array([[2.0, 4.0], [NAN, 1.0], [3.0, 3.0]])
    values = np.array([[2.0, 2.1, 4, 5, NAN], [0.0, 1, 2, 3, 4], [2.0, 3, 4, NAN, -1]])
    # Equal breakpoints leave the middle bucket empty.
    expected = [[0, 1, 1, 2, -1], [-1] * 5, [0, 0, 2, -1, 0]]
    assert assign_buckets(values, edges).tolist() == expected


def test_independent_two_by_three_by_hand() -> None:
    # Caps 1..6 and ratios: median cap 3.5; thirds of 1..6 at 2.5 and 4.5.
    caps = np.array([[1.0, 2, 3, 4, 5, 6]])
    ratio = np.array([[1.0, 3, 5, 2, 4, 6]])
    size = assign_buckets(caps, breakpoints(caps, everyone(caps), [0.5]))
    value = assign_buckets(ratio, breakpoints(ratio, everyone(ratio), [0.3, 0.7]))
    assert size.tolist() == [[0, 0, 0, 1, 1, 1]]
    assert value.tolist() == [[0, 1, 2, 0, 1, 2]]
    assert cross_buckets(size, value, 3).tolist() == [[0, 1, 2, 3, 4, 5]]
    assert cross_buckets(size, np.full_like(value, -1), 3).tolist() == [[-1] * 6]


def test_conditional_breakpoints_are_those_of_the_first_bucket() -> None:
    # Among the small, ratios 1 2 3 part at 1.6 and 2.4; among the big, 10 20 30 at 16 and 24.
    # An independent sort would put all of the small low and all of the big high or middle.
    ratio = np.array([[1.0, 2, 3, 10, 20, 30, 99]])
    first = np.array([[0, 0, 0, 1, 1, 1, -1]])
    found = conditional_buckets(ratio, first, everyone(ratio), [0.3, 0.7])
    assert found.tolist() == [[0, 1, 2, 0, 1, 2, -1]]
    thin = conditional_buckets(ratio, first, everyone(ratio), [0.3, 0.7], fewest=4)
    assert (thin == -1).all()


def test_weights_of_cells_by_hand() -> None:
    cells = np.array([[0, 0, 2, -1, 0]])
    caps = np.array([[1.0, 3, 5, 7, NAN]])
    found = cell_weights(cells, 3, caps)
    assert found.tolist() == [[[0.25, 0.75, 0, 0, 0], [0.0] * 5, [0, 0, 1.0, 0, 0]]]
    third = 1 / 3
    equal = cell_weights(cells, 3)
    np.testing.assert_allclose(equal[0, 0], [third, third, 0, 0, third])


MARKS = np.array([[10.0, 20, 5], [20, 20, 5], [20, NAN, 5], [10, NAN, 6], [10, NAN, 6]])


def test_returns_of_cells_by_hand() -> None:
    # Bought in row 0 half and half. Row 1: 0.5 x 2 + 0.5 = 1.5, +50 %. Row 2: nothing moves.
    # Row 3: A halves: (0.5 + 0.5) / 1.5 - 1 = -1/3. The second cell is empty.
    weights = np.array([[[0.5, 0.5, 0], [0.0, 0, 0]]])
    found = cell_returns(MARKS, np.array([0]), weights)
    np.testing.assert_allclose(found[:, 0], [NAN, 0.5, 0, -1 / 3, 0], atol=1e-12)
    assert np.isnan(found[:, 1]).all()


def test_proceeds_of_an_ended_series() -> None:
    # B is closed in row 2 at -50 %: 1 + 0.25 of 1.5. Spread, the rest of the cell is A alone,
    # which halves in row 3; held as cash, (0.5 + 0.25) / 1.25 - 1 = -40 %.
    ends = Endings(np.array([5, 2, 5]), np.array([0, -0.5, 0]))
    weights = np.array([[[0.5, 0.5, 0]]])
    spread = cell_returns(MARKS, np.array([0]), weights, ends=ends)[:, 0]
    np.testing.assert_allclose(spread, [NAN, 0.5, 1.25 / 1.5 - 1, -0.5, 0], atol=1e-12)
    cash = cell_returns(MARKS, np.array([0]), weights, ends=ends, proceeds="cash")[:, 0]
    np.testing.assert_allclose(cash, [NAN, 0.5, 1.25 / 1.5 - 1, -0.4, 0], atol=1e-12)


def test_a_cell_whose_names_all_ended_is_empty() -> None:
    ends = Endings(np.array([5, 2, 5]), np.array([0, -0.5, 0]))
    found = cell_returns(MARKS, np.array([0]), np.array([[[0, 1.0, 0]]]), ends=ends)[:, 0]
    np.testing.assert_allclose(found, [NAN, 0, -0.5, NAN, NAN])


def test_a_name_that_was_closed_is_not_bought_at_its_last_mark() -> None:
    # B is closed in row 2; bought in row 3 the cell is A alone: 11 / 10 - 1.
    ends = Endings(np.array([5, 2, 5]), np.array([0, -0.5, 0]))
    marks = MARKS.copy()
    marks[4, 0] = 11.0
    found = cell_returns(
        marks, np.array([3]), np.array([[[0.5, 0.5, 0]]]), ends=ends, proceeds="cash"
    )
    assert found[4, 0] == pytest.approx(0.1)


def test_a_name_without_a_mark_is_not_bought() -> None:
    marks = np.array([[NAN, 10.0], [4, 11], [8, 11]])
    found = cell_returns(marks, np.array([0, 1]), np.array([[[0.5, 0.5]], [[0.5, 0.5]]]))[:, 0]
    np.testing.assert_allclose(found, [NAN, 0.1, 0.5])


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_cells_with_cash_are_books_without_lag(seed: int) -> None:
    rng = np.random.default_rng(seed)
    marks = np.exp(np.cumsum(rng.normal(0, 0.05, (30, 6)), axis=0))
    marks[rng.random(marks.shape) < 0.1] = NAN
    marks[0] = 1.0
    ends = Endings(rng.integers(5, 60, 6), rng.uniform(-1, 0, 6))
    for column, row in enumerate(ends.row):
        marks[row:, column] = NAN
    rows = np.array([0, 7, 19])
    cells = rng.integers(0, 2, (3, 6))
    alive = ends.row > rows[:, None]
    weights = cell_weights(np.where(alive, cells, -1), 2)
    found = cell_returns(marks, rows, weights, ends=ends, proceeds="cash")
    for cell in range(2):
        book = holding_returns(marks, rows, weights[:, cell], lag=0, ends=ends)
        held = np.isfinite(found[:, cell])
        np.testing.assert_allclose(found[held, cell], book[held], atol=1e-12)
        assert not book[~held].any()


def test_shapes_must_agree() -> None:
    weights = np.zeros((1, 2, 3))
    for rows, books in (([0, 1], weights), ([0], weights[:, :, :2]), ([1, 1], np.zeros((2, 2, 3)))):
        with pytest.raises(DataError, match="do not fit"):
            cell_returns(MARKS, np.array(rows), books)
