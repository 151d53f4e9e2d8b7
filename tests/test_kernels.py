"""Compiled loops: imported only where needed, and the same bits whatever stands beside."""

from __future__ import annotations

import subprocess
import sys

import numba
import numpy as np
import pytest

from factors import tiles
from factors.kernels import compiled
from factors.medians import moving_median
from factors.rolling import (
    moving_beta,
    moving_correlation,
    moving_deviation,
    moving_max,
    moving_mean,
)

NAN = np.nan
_FEW_ROWS = """
import sys
import numpy as np
import factors
from benchmarks.factors import factor_panel
from factors import book_to_market, dollar_volume, long_run_return, low_volatility, momentum
panel = factor_panel(1400, 5, 1, holes=True)
rows = np.arange(1270, 1400, 21)
for factor in (momentum, long_run_return, dollar_volume, book_to_market):
    assert np.isfinite(factor(panel, rows=rows)[rows]).any()
print("numba" in sys.modules)
low_volatility(panel, rows=rows)
print("numba" in sys.modules)
"""


def test_a_run_that_looks_at_few_rows_needs_no_compiler() -> None:
    done = subprocess.run([sys.executable, "-c", _FEW_ROWS], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_without_a_folder_to_keep_it_in_it_is_compiled_each_time(monkeypatch) -> None:
    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit(cache=True)(_twice)
    assert compiled(_twice)(4.0) == 8.0


def _twice(number: float) -> float:
    return 2.0 * number


STATISTICS = {
    "beta": lambda values, window, rows=None: moving_beta(values, OTHER, window, rows),
    "correlation": lambda values, window, rows=None: moving_correlation(
        values, OTHER, window, rows, window // 2
    ),
    "deviation": moving_deviation,
    "max": moving_max,
    "mean": moving_mean,
    "median": moving_median,
}
OTHER = np.random.default_rng(1).normal(0.0, 0.01, 400)
OTHER[[0, 250]] = NAN
every_statistic = pytest.mark.parametrize("name", sorted(STATISTICS))


def beside_each_other() -> np.ndarray:
    """A column without holes beside columns that have some in one block of rows or another."""
    values = np.random.default_rng(2).normal(0.0, 0.02, (400, 6))
    values[[0, 77], 1] = NAN
    values[120:160, 2] = NAN
    values[:301, 3] = NAN
    values[299, 4] = NAN
    return values


@every_statistic
@pytest.mark.parametrize("window", [7, 40, 130])
def test_what_a_neighbour_lacks_changes_no_bit(name: str, window: int) -> None:
    values, statistic = beside_each_other(), STATISTICS[name]
    together = statistic(values, window)
    for column in range(values.shape[1]):
        alone = statistic(np.ascontiguousarray(values[:, [column]]), window)
        np.testing.assert_array_equal(alone[:, 0], together[:, column])


@every_statistic
def test_the_layout_of_an_array_and_the_size_of_a_tile_change_no_bit(name, monkeypatch) -> None:
    values, statistic = beside_each_other(), STATISTICS[name]
    whole = statistic(values, 40)
    np.testing.assert_array_equal(statistic(np.asfortranarray(values), 40), whole)
    np.testing.assert_array_equal(statistic(np.repeat(values, 2, axis=1)[:, ::2], 40), whole)
    monkeypatch.setattr(tiles, "_WIDEST", 4)
    monkeypatch.setattr(tiles, "_CELLS", 12)
    np.testing.assert_array_equal(statistic(values, 40), whole)
    # The same row twice, as where windows that begin before the first row are moved to it.
    rows = np.array([0, 0, 0, 399, 5, 5, 251])
    np.testing.assert_array_equal(statistic(values, 40, rows), whole[rows])


@pytest.mark.parametrize("hole", [0, 1, 5, 6, 7, 12, 20, 39])
def test_a_hole_counts_in_the_windows_that_hold_it_alone(hole: int) -> None:
    # Ones but for one hole: a mean is 1 everywhere, and known with six of seven but where two
    # and more are not; the windows of the first rows hold fewer than seven rows.
    values = np.ones((40, 3))
    values[hole, 1] = NAN
    found = moving_mean(values, 7, least=7)
    held = (np.arange(40) >= hole) & (np.arange(40) < hole + 7)
    expected = np.where((np.arange(40) < 6) | held, NAN, 1.0)
    np.testing.assert_array_equal(found[:, 1], expected)
    np.testing.assert_array_equal(found[:, 0], np.where(np.arange(40) < 6, NAN, 1.0))
