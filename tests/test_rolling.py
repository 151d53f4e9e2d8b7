"""Moving statistics against two-pass ones, on hostile numbers, cut and moved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factors import tiles
from factors.rolling import (
    moving_beta,
    moving_correlation,
    moving_covariance,
    moving_deviation,
    moving_max,
    moving_mean,
    moving_sum,
)

NAN = np.nan
WINDOWS = [1, 2, 5, 21, 60, 200]


def two_pass(values, window, least, statistic):
    """One window after the other, in extended precision."""
    out = np.full(values.shape, NAN)
    for row, column in np.ndindex(*values.shape):
        part = values[max(0, row - window + 1) : row + 1, column].astype(np.longdouble)
        part = part[~np.isnan(part)]
        if len(part) >= least:
            out[row, column] = statistic(part)
    return out


def sample_deviation(part):
    if (part == part[0]).all():
        return 0.0
    return np.sqrt(((part - part.mean()) ** 2).sum() / (len(part) - 1))


def hostile(seed: int = 3) -> np.ndarray:
    """Columns of tiny and huge numbers, a large mean, constant stretches, holes, and nothing."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0.0, 1.0, (130, 8))
    values[:, 1] = np.where(rng.random(130) < 0.5, 1e-8, 1e9) * (1.0 + 0.01 * values[:, 1])
    values[:, 2] += 1e7
    values[30:90, 3] = 0.1
    values[:, 4] = 1e-8
    values[:, 4][[0, 40, 41, 99]] = 1e9
    values[:, 5] = 5e-324 + 0.3
    values[rng.random(values.shape) < 0.1] = NAN
    values[:, 6] = NAN
    values[:50, 7] = NAN
    return values


@pytest.mark.parametrize("window", WINDOWS)
def test_the_deviation_is_that_of_two_passes(window: int) -> None:
    values = hostile()
    expected = two_pass(values, window, 2, sample_deviation)
    found = moving_deviation(values, window)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_array_equal(found == 0.0, expected == 0.0)


def test_what_is_constant_does_not_vary_at_all() -> None:
    # A window of 10 that begins after row 4 holds 0.1 alone, which no binary fraction is.
    values = np.full((40, 1), 0.1)
    values[:5] = 1e6
    found = moving_deviation(values, 10)[:, 0]
    assert (found[1:5] == 0.0).all() and (found[5:14] > 0.0).all() and (found[14:] == 0.0).all()


@pytest.mark.parametrize("window", WINDOWS)
def test_sums_means_and_maxima(window: int) -> None:
    values = hostile()
    np.testing.assert_allclose(
        moving_mean(np.abs(values), window), two_pass(np.abs(values), window, 1, np.mean), 1e-12
    )
    np.testing.assert_allclose(
        moving_sum(np.abs(values), window, least=2),
        two_pass(np.abs(values), window, 2, np.sum),
        1e-12,
    )
    for least in (1, 3):
        np.testing.assert_array_equal(
            moving_max(values, window, least=least), two_pass(values, window, least, np.max)
        )


@pytest.mark.parametrize("window", [2, 5, 21, 60])
def test_moments_of_two_series_are_those_of_the_rows_that_both_know(window: int) -> None:
    rng = np.random.default_rng(5)
    values, other = hostile()[:, [0, 2, 3, 6, 7]], rng.normal(0.0, 0.01, 130)
    other[[3, 4, 77]] = NAN
    covariance, slope, correlation = (np.full(values.shape, NAN) for _ in range(3))
    scale = np.full(values.shape, NAN)
    for row, column in np.ndindex(*values.shape):
        rows = slice(max(0, row - window + 1), row + 1)
        known = ~np.isnan(values[rows, column]) & ~np.isnan(other[rows])
        if known.sum() < 2:
            continue
        one = values[rows, column][known].astype(np.longdouble)
        two = other[rows][known].astype(np.longdouble)
        one, two = one - one.mean() if (one != one[0]).any() else 0.0 * one, two - two.mean()
        covariance[row, column] = (one * two).sum() / (known.sum() - 1)
        slope[row, column] = (one * two).sum() / (two * two).sum()
        size = np.sqrt((one * one).sum() * (two * two).sum())
        scale[row, column] = size / (known.sum() - 1)
        correlation[row, column] = (one * two).sum() / size if size > 0 else NAN
    found = moving_covariance(values, other, window)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(covariance))
    # Relative to both deviations: a covariance of nearly 0 has no digits of its own.
    assert np.nanmax(np.abs(found - covariance) - 1e-12 * scale) <= 0.0
    np.testing.assert_allclose(moving_beta(values, other, window), slope, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        moving_correlation(values, other, window), correlation, rtol=1e-9, atol=1e-12
    )


def test_a_series_that_does_not_vary_has_no_slope_upon_it() -> None:
    values = np.random.default_rng(1).normal(size=(30, 2))
    flat = np.full(30, 0.1)
    assert np.isnan(moving_beta(values, flat, 5)).all()
    assert np.isnan(moving_correlation(values, flat, 5)).all()
    np.testing.assert_array_equal(moving_covariance(values, flat, 5)[1:], 0.0)


STATISTICS = {
    "sum": moving_sum,
    "mean": moving_mean,
    "deviation": moving_deviation,
    "max": moving_max,
    "beta": lambda values, window, rows=None: moving_beta(values, MARKET, window, rows),
}
MARKET = np.random.default_rng(9).normal(0.0, 0.01, 130)
every_statistic = pytest.mark.parametrize("name", sorted(STATISTICS))


@every_statistic
@pytest.mark.parametrize("window", [3, 21, 50])
@pytest.mark.parametrize("cells", [1, 1 << 18])
def test_rows_asked_for_and_rows_cut_off_are_the_same_bits(
    name: str, window: int, cells: int, monkeypatch
) -> None:
    statistic, values = STATISTICS[name], hostile()
    whole = statistic(values, window)
    monkeypatch.setattr(tiles, "_CELLS", cells)
    monkeypatch.setattr(tiles, "_WIDEST", 2)
    np.testing.assert_array_equal(statistic(values, window), whole)
    rng = np.random.default_rng(2)
    for rows in ([129], [0], [], [50, 3, 51, 129], rng.permutation(130), np.arange(20, 90)):
        rows = np.array(rows, dtype=int)
        np.testing.assert_array_equal(statistic(values, window, rows), whole[rows])
    for stop in range(1, 130, 7 if cells > 1 else 29):
        short = values[:stop]
        if name == "beta":
            cut = moving_beta(short, MARKET[:stop], window)
        else:
            cut = statistic(short, window)
        np.testing.assert_array_equal(cut, whole[:stop])


@every_statistic
def test_what_has_left_the_window_is_forgotten(name: str) -> None:
    """After 1e9 has left, numbers of 1e-8 are as exact as if it had never been."""
    statistic, window = STATISTICS[name], 20
    calm = 1e-8 * np.random.default_rng(4).random((130, 3))
    disturbed = calm.copy()
    disturbed[[10, 33, 60]] = 1e9
    rows = np.r_[53:60, 80:130]
    np.testing.assert_allclose(
        statistic(disturbed, window)[rows], statistic(calm, window)[rows], rtol=1e-9
    )


@every_statistic
@pytest.mark.parametrize("times", [1, 2, 4])
def test_a_longer_history_changes_nothing(name: str, times: int, monkeypatch) -> None:
    values, window = hostile()[:, [0, 2, 3, 7]], 21
    whole = STATISTICS[name](values, window)[-20:]
    start = 130 - 20 - times * window
    if name == "beta":
        late = moving_beta(values[start:], MARKET[start:], window)[-20:]
    else:
        late = STATISTICS[name](values[start:], window)[-20:]
    np.testing.assert_allclose(late, whole, rtol=1e-9, atol=1e-12)


def test_empty_arrays_have_empty_statistics() -> None:
    assert moving_deviation(np.empty((0, 3)), 5).shape == (0, 3)
    assert moving_max(np.empty((4, 0)), 5).shape == (4, 0)
    assert np.isnan(moving_mean(np.full((4, 2), NAN), 3)).all()


numbers = st.one_of(
    st.just(NAN), st.floats(-1e6, 1e6), st.sampled_from([0.0, 0.1, 1e-8, 1e9, -1e9])
)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.lists(numbers, min_size=2, max_size=2), min_size=1, max_size=40), st.data())
def test_any_numbers(lines: list[list[float]], data) -> None:
    values = np.array(lines)
    window = data.draw(st.integers(1, 45))
    expected = two_pass(values, window, 2, sample_deviation)
    np.testing.assert_allclose(moving_deviation(values, window), expected, rtol=1e-11)
    np.testing.assert_array_equal(moving_max(values, window), two_pass(values, window, 1, np.max))
