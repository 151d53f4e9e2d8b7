"""Moving medians, to the bit, against each window sorted by itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factors import medians
from factors.medians import moving_median

NAN = np.nan


def one_by_one(values: np.ndarray, window: int, least: int = 1) -> np.ndarray:
    out = np.full(values.shape, NAN)
    for row, column in np.ndindex(*values.shape):
        part = values[max(0, row - window + 1) : row + 1, column]
        part = np.sort(part[~np.isnan(part)])
        if len(part) >= max(least, 1):
            out[row, column] = (part[(len(part) - 1) // 2] + part[len(part) // 2]) / 2.0
    return out


def mixed(rows: int = 330) -> np.ndarray:
    """Ties, holes, a late start, nothing, a constant, and numbers of all sizes."""
    rng = np.random.default_rng(17)
    values = rng.normal(size=(rows, 7)).round(1)
    values[rng.random(values.shape) < 0.3] = NAN
    values[: rows // 3, 1] = NAN
    values[:, 2] = NAN
    values[:, 3] = 0.1
    values[:, 4] = rng.normal(size=rows) * 10.0 ** rng.integers(-12, 12, rows)
    values[:, 5] = np.where(np.arange(rows) % 2, NAN, values[:, 4])
    return values


def test_by_hand() -> None:
    # Window 3: 5; (5 + 1)/2; 5 of 1, 5, 9; then 1 and 9; 9 and 2 with nothing between; 2.
    values = np.array([[5.0], [1.0], [9.0], [NAN], [2.0], [NAN]])
    expected = [5.0, 3.0, 5.0, 5.0, 5.5, 2.0]
    np.testing.assert_array_equal(moving_median(values, 3)[:, 0], expected)
    two = moving_median(values, 3, least=2)[:, 0]
    np.testing.assert_array_equal(two, [NAN, 3.0, 5.0, 5.0, 5.5, NAN])


@pytest.mark.parametrize("window", [1, 2, 3, 8, 63, 64, 90])
@pytest.mark.parametrize("widest", [2, 1024])
def test_every_window_is_sorted_right(window: int, widest: int, monkeypatch) -> None:
    monkeypatch.setattr(medians, "_WIDEST", widest)
    values = mixed()
    for least in (1, (window + 1) // 2, window):
        np.testing.assert_array_equal(
            moving_median(values, window, least=least), one_by_one(values, window, least)
        )


@pytest.mark.parametrize("window", [2, 21, 63])
def test_rows_alone_and_rows_cut_off_are_the_same_bits(window: int) -> None:
    values = mixed()
    whole = moving_median(values, window)
    for rows in ([329], [5, 329, 77], np.arange(0, 330, 21), np.arange(40, 300), [200, 199, 201]):
        rows = np.array(rows)
        np.testing.assert_array_equal(moving_median(values, window, rows), whole[rows])
    for stop in range(1, 330, 29):
        np.testing.assert_array_equal(moving_median(values[:stop], window), whole[:stop])
    assert moving_median(values, window, np.array([], dtype=int)).shape == (0, 7)


def test_pandas_is_a_second_witness() -> None:
    values = mixed(500)
    expected = pd.DataFrame(values).rolling(63, min_periods=32).median()
    np.testing.assert_allclose(moving_median(values, 63, least=32), expected, rtol=1e-14)


numbers = st.one_of(st.just(NAN), st.integers(-3, 3).map(float), st.floats(-1e300, 1e300))


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.lists(numbers, min_size=2, max_size=2), min_size=1, max_size=40), st.data())
def test_any_numbers(lines: list[list[float]], data) -> None:
    values, window = np.array(lines), data.draw(st.integers(1, 45))
    np.testing.assert_array_equal(moving_median(values, window), one_by_one(values, window))
