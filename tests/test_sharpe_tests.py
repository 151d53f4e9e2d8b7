"""Differences of Sharpe ratios: plain loops, hand arithmetic, and how often the tests reject."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.sharpe_tests import sharpe_difference
from feeds.errors import DataError


def sample(dates: int = 120, seed: int = 5, gap: float = 0.0) -> tuple[pd.Series, pd.Series]:
    rng = np.random.default_rng(seed)
    both = rng.multivariate_normal([0.01 + gap, 0.01], [[4e-4, 2e-4], [2e-4, 4e-4]], dates)
    index = pd.date_range("2001-01-31", periods=dates, freq="ME")
    return pd.Series(both[:, 0], index), pd.Series(both[:, 1], index)


def sharpe(values: np.ndarray) -> float:
    return values.mean() / values.std()


def test_sharpe_ratios_and_memmel_by_hand() -> None:
    # Both series have mean 1 and variance 1 or 4 over T; ratios 1 and 0.5, correlation 0:
    # a = 0, 2, 0, 2, ... and b = -1, -1, 3, 3, ...; error sqrt((2 + (1 + .25) / 2) / T).
    a, b = pd.Series([0.0, 2, 0, 2] * 3), pd.Series([-1.0, -1, 3, 3] * 3)
    found = sharpe_difference(a, b, periods_per_year=4, lags=0)
    assert (found.first, found.second, found.difference) == pytest.approx((2.0, 1.0, 1.0))
    error = math.sqrt((2 + 1.25 / 2) / 12)
    assert found.p_memmel == pytest.approx(math.erfc(0.5 / error / math.sqrt(2)))


def test_memmel_is_the_delta_method_on_the_moments_of_a_normal() -> None:
    """cov(x_i^2, x_j^2) = 2 s_ij^2 + 4 m_i m_j s_ij and cov(x_i, x_j^2) = 2 m_j s_ij."""
    a, b = sample(gap=0.003)
    values = np.column_stack([a, b])
    m, s = values.mean(axis=0), np.cov(values.T, ddof=0)
    squares = 2 * s**2 + 4 * np.outer(m, m) * s
    psi = np.block([[s, 2 * s * m], [2 * s.T * m[:, None], squares]])
    sd, second = np.sqrt(np.diag(s)), np.diag(s) + m**2
    slope = np.concatenate([second / sd**3, -m / (2 * sd**3)]) * np.array([1, -1, 1, -1])
    error = math.sqrt(slope @ psi @ slope / len(values))
    found = sharpe_difference(a, b, periods_per_year=1)
    expected = math.erfc(abs(found.difference) / error / math.sqrt(2))
    assert 1e-4 < expected < 0.5
    assert found.p_memmel == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("lags", [0, 3])
def test_error_by_numerical_gradient_and_plain_loops(lags: int) -> None:
    a, b = sample()
    y = np.column_stack([a, b, a**2, b**2])

    def gap(v: np.ndarray) -> float:
        return v[0] / math.sqrt(v[2] - v[0] ** 2) - v[1] / math.sqrt(v[3] - v[1] ** 2)

    v = y.mean(axis=0)
    steps = np.diag(np.abs(v) * 1e-5)
    slope = np.array([(gap(v + s) - gap(v - s)) / (2 * s.sum()) for s in steps])
    centred, psi = y - v, np.zeros((4, 4))
    for t in range(len(y)):
        for s in range(max(0, t - lags), min(len(y), t + lags + 1)):
            psi += (1 - abs(t - s) / (lags + 1)) * np.outer(centred[t], centred[s]) / len(y)
    error = math.sqrt(slope @ psi @ slope / len(y))
    found = sharpe_difference(a, b, periods_per_year=12, lags=lags)
    assert found.error == pytest.approx(error * 12**0.5, rel=1e-6)
    difference = sharpe(a.to_numpy()) - sharpe(b.to_numpy())
    assert found.difference == pytest.approx(difference * 12**0.5, rel=1e-9)
    p_value = math.erfc(abs(difference) / error / math.sqrt(2))
    assert found.p_hac == pytest.approx(p_value, rel=1e-6)


def test_bootstrap_by_plain_loops() -> None:
    a, b = sample(dates=43, gap=0.004)
    draws, block = 60, 4
    values = np.column_stack([a, b])
    found = sharpe_difference(
        a, b, periods_per_year=1, lags=2, draws=draws, block=block, rng=np.random.default_rng(7)
    )
    starts = np.random.default_rng(7).integers(0, 43, size=(draws, 10))
    extreme = 0
    for drawn in starts:
        taken = np.concatenate([[(s + k) % 43 for k in range(block)] for s in drawn])
        y = values[taken]
        ratio = sharpe(y[:, 0]) - sharpe(y[:, 1])
        moments = np.column_stack([y, y**2])
        m = moments.mean(axis=0)
        cubed = (m[2:] - m[:2] ** 2) ** 1.5
        slope = np.array([m[2] / cubed[0], -m[3] / cubed[1], -m[0] / cubed[0] / 2, 0.0])
        slope[3] = m[1] / cubed[1] / 2
        sums = ((moments - m) @ slope).reshape(10, block).sum(axis=1)
        error = math.sqrt((sums**2).sum()) / 40
        extreme += abs(ratio - found.difference) / error >= abs(found.difference) / found.error
    assert 1 < extreme < draws
    assert found.p_bootstrap == pytest.approx((extreme + 1) / (draws + 1))


def test_tests_reject_as_often_as_they_say() -> None:
    """With equal ratios 10 % of p-values are under 0.1: of 300, 30 +- 3 sqrt(27)."""
    results = [
        sharpe_difference(*sample(seed=seed), periods_per_year=12, lags=0) for seed in range(300)
    ]
    for name in ("p_memmel", "p_hac"):
        assert 14 <= sum(getattr(found, name) < 0.1 for found in results) <= 46


def test_a_large_difference_is_found_by_all() -> None:
    found = sharpe_difference(
        *sample(gap=0.01), periods_per_year=12, draws=999, rng=np.random.default_rng(1)
    )
    assert max(found.p_memmel, found.p_hac, found.p_bootstrap) < 0.01


def test_a_series_against_itself_and_its_double() -> None:
    a, _ = sample()
    for other in (a, 2 * a):
        found = sharpe_difference(a, other, periods_per_year=12)
        assert found.difference == pytest.approx(0.0, abs=1e-12)
        assert found.p_memmel == found.p_hac == 1.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda a, b: (a.iloc[:9], b), "9 common dates, 10 needed"),
        (lambda a, b: (a.iloc[:30], b.iloc[30:]), "0 common dates"),
        (lambda a, b: (a * 0 + 0.1, b), "first series does not vary"),
        (lambda a, b: (a, b * 0.0), "second series does not vary"),
    ],
)
def test_what_is_not_defined_says_why(change, reason: str) -> None:
    found = sharpe_difference(*change(*sample()), periods_per_year=12)
    assert reason in found.reason
    assert np.isnan([found.first, found.difference, found.p_memmel, found.p_hac]).all()


@pytest.mark.parametrize(
    "options", [{"draws": 10}, {"draws": -1}, {"block": 0}, {"lags": -1}], ids=str
)
def test_mistakes_are_named(options: dict) -> None:
    with pytest.raises(DataError):
        sharpe_difference(*sample(), periods_per_year=12, **options)


def test_blocks_longer_than_half_the_sample_give_no_bootstrap() -> None:
    found = sharpe_difference(
        *sample(20), periods_per_year=12, draws=9, block=11, rng=np.random.default_rng(1)
    )
    assert np.isnan(found.p_bootstrap) and np.isfinite(found.p_hac)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100.0))
def test_leverage_and_order_change_no_p_value(seed: int, scale: float) -> None:
    a, b = sample(30, seed, gap=0.005)
    plain = sharpe_difference(a, b, periods_per_year=12)
    swapped = sharpe_difference(b * scale, a, periods_per_year=12)
    assert swapped.p_hac == pytest.approx(plain.p_hac, rel=1e-6)
    assert swapped.p_memmel == pytest.approx(plain.p_memmel, rel=1e-6)
    assert swapped.difference == pytest.approx(-plain.difference, abs=1e-12)
