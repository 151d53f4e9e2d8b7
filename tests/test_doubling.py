"""Means over windows by doubling sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factors.doubling import window_mean, window_sum

NAN = np.nan


def test_means_by_hand() -> None:
    values = np.array([[1.0, NAN], [2.0, 4.0], [6.0, NAN], [NAN, NAN], [8.0, NAN]])
    # Windows of three rows: 1, (1 + 2) / 2, (1 + 2 + 6) / 3, (2 + 6) / 2, (6 + 8) / 2.
    expected = [[1.0, NAN], [1.5, 4.0], [3.0, 4.0], [4.0, 4.0], [7.0, NAN]]
    np.testing.assert_array_equal(window_mean(values, 3), expected)
    expected = [[NAN, NAN], [1.5, NAN], [3.0, NAN], [4.0, NAN], [7.0, NAN]]
    np.testing.assert_array_equal(window_mean(values, 3, least=2), expected)


@pytest.mark.parametrize("window", range(1, 40))
def test_every_window_is_the_sum_of_its_rows(window: int) -> None:
    values = np.arange(1.0, 101.0)[:, None] ** 2
    plain = [values[row : row + window].sum() for row in range(101 - window)]
    np.testing.assert_array_equal(window_sum(values, window)[:, 0], plain)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_any_values_are_those_of_a_walk_through_the_rows(data) -> None:
    shape = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 3)))
    window, least = data.draw(st.integers(1, 45)), data.draw(st.integers(1, 6))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    values = np.where(rng.random(shape) < 0.7, rng.normal(size=shape), NAN)
    found = window_mean(values, window, least=least)
    for row in range(shape[0]):
        for column in range(shape[1]):
            own = values[max(row - window + 1, 0) : row + 1, column]
            own = own[np.isfinite(own)]
            expected = own.mean() if len(own) >= least else NAN
            assert found[row, column] == pytest.approx(expected, rel=1e-12, abs=1e-14, nan_ok=True)
    # Alone, in any order, and of a table that ends there: the same bits.
    rows = rng.permutation(shape[0])[: data.draw(st.integers(0, shape[0]))]
    np.testing.assert_array_equal(window_mean(values, window, rows, least), found[rows])
    cut = data.draw(st.integers(1, shape[0]))
    np.testing.assert_array_equal(window_mean(values[:cut], window, least=least), found[:cut])


def test_pieces_meet_without_a_seam(monkeypatch) -> None:
    values = np.random.default_rng(2).normal(size=(300, 3))
    whole = window_mean(values, 20)
    monkeypatch.setattr("factors.doubling._CELLS", 1)
    np.testing.assert_array_equal(window_mean(values, 20), whole)


def test_a_huge_value_leaves_no_trace_once_it_has_left() -> None:
    values = np.ones((30, 1))
    values[5] = 1e300
    np.testing.assert_array_equal(window_mean(values, 4)[9:], 1.0)
