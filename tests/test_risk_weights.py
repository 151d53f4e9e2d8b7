"""Weights from risk alone: by hand, by their conditions of optimality, and degenerate input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from strategies.covariance import covariance
from strategies.risk_budgeting import solve_budget
from strategies.risk_weights import (
    equal_risk_contribution,
    hierarchical_risk_parity,
    inverse_volatility,
    minimum_variance,
    risk_contributions,
)

EXAMPLES = settings(max_examples=80, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)


def names(count: int) -> np.ndarray:
    return np.array([f"A{number:04d}" for number in range(count)])


def by_tree(cov: np.ndarray, **_):
    return hierarchical_risk_parity(cov, names(len(cov)))


ALL = [inverse_volatility, minimum_variance, equal_risk_contribution, by_tree]


def random_covariance(seed: int, most: int = 25) -> np.ndarray:
    """Factor models, few observations, and volatilities that differ a thousandfold."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, most))
    factors = rng.normal(rng.choice([0.0, 1.0]), 0.5, (2, count))
    sessions = int(rng.integers(count + 2, 3 * count + 4))
    returns = rng.normal(size=(sessions, 2)) @ factors + rng.normal(size=(sessions, count))
    size = 10.0 ** rng.uniform(-3, 0, count) if rng.random() < 0.3 else np.full(count, 0.01)
    return np.atleast_2d(np.cov((returns * size).T))


def weights(made) -> list[float]:
    assert made.reports == ()
    return made.weights.tolist()


def test_inverse_volatility_by_hand():
    # Volatilities 10, 20, 40 %: 4 : 2 : 1.
    cov = np.diag([0.01, 0.04, 0.16])
    cov[0, 1] = cov[1, 0] = 0.01
    assert weights(inverse_volatility(cov)) == pytest.approx([4 / 7, 2 / 7, 1 / 7], abs=1e-15)


def test_minimum_variance_of_two_by_hand():
    # (0.09 - 0.01) / (0.04 + 0.09 - 2 x 0.01) = 8/11.
    cov = np.array([[0.04, 0.01], [0.01, 0.09]])
    assert weights(minimum_variance(cov)) == pytest.approx([8 / 11, 3 / 11], abs=1e-14)
    assert weights(minimum_variance(cov, upper=0.6)) == pytest.approx([0.6, 0.4], abs=1e-14)
    limits = np.array([1.0, 0.25])
    assert weights(minimum_variance(cov, upper=limits)) == pytest.approx([0.75, 0.25], abs=1e-14)


def test_minimum_variance_holds_none_of_what_only_shorts_would_help():
    # With shorts (0.16 - 0.06) / (0.2 - 0.12) = 1.25 and -0.25.
    cov = np.array([[0.04, 0.06], [0.06, 0.16]])
    assert weights(minimum_variance(cov)) == [1.0, 0.0]


def test_minimum_variance_of_uncorrelated_assets_is_in_proportion_to_precision():
    # 1/1 : 1/2 : 1/4 of 7/4.
    found = weights(minimum_variance(np.diag([1.0, 2.0, 4.0])))
    assert found == pytest.approx([4 / 7, 2 / 7, 1 / 7], abs=1e-14)


def test_equal_contributions_of_two_are_inverse_volatility_whatever_the_correlation():
    for correlation in (-0.9, 0.0, 0.5, 0.99):
        cov = np.array([[0.01, 0.02 * correlation], [0.02 * correlation, 0.04]])
        found = weights(equal_risk_contribution(cov))
        assert found == pytest.approx([2 / 3, 1 / 3], abs=1e-12)


def test_equal_contributions_of_three_by_hand():
    # Unit variances, assets 0 and 1 correlated 0.44, 2 apart: a^2 (1 + 0.44) = c^2, c = 1.2 a.
    cov = np.eye(3)
    cov[0, 1] = cov[1, 0] = 0.44
    found = weights(equal_risk_contribution(cov))
    assert found == pytest.approx([1 / 3.2, 1 / 3.2, 1.2 / 3.2], abs=1e-13)


def test_budgets_of_uncorrelated_assets_by_hand():
    # w^2 v in proportion to b: w = sqrt(b / v) = sqrt(4/1), sqrt(1/4), sqrt(1/1) = 2, 1/2, 1.
    cov = np.diag([1.0, 4.0, 1.0])
    found = equal_risk_contribution(cov, budget=np.array([4.0, 1.0, 1.0]))
    assert weights(found) == pytest.approx([4 / 7, 1 / 7, 2 / 7], abs=1e-13)
    without = equal_risk_contribution(cov, budget=np.array([4.0, 1.0, 0.0]))
    assert weights(without) == pytest.approx([0.8, 0.2, 0.0], abs=1e-13)


def test_contributions_by_hand():
    # w Cov w: 0.5 x (0.02 + 0.005) = 0.0125 and 0.5 x (0.005 + 0.045) = 0.025, of 0.0375.
    cov = np.array([[0.04, 0.01], [0.01, 0.09]])
    found = risk_contributions(np.array([0.5, 0.5]), cov)
    assert found == pytest.approx([1 / 3, 2 / 3], abs=1e-15)
    hedged = risk_contributions(np.array([1.0, -1.0]), np.ones((2, 2)))
    assert np.isnan(hedged).all()


@EXAMPLES
@given(seed=SEEDS)
def test_contributions_equal_budgets(seed):
    cov = random_covariance(seed)
    rng = np.random.default_rng(seed)
    budget = rng.uniform(0.05, 1.0, len(cov)) if rng.random() < 0.5 else np.ones(len(cov))
    found = equal_risk_contribution(cov, budget=budget)
    contributions = risk_contributions(found.weights, cov)
    assert contributions == pytest.approx(budget / budget.sum(), abs=1e-8)
    assert found.reports == () and (found.weights > 0).all()


@EXAMPLES
@given(seed=SEEDS, factor=st.sampled_from([None, 1.0, 1.5, 3.0]))
def test_least_variance_meets_its_conditions(seed, factor):
    """One level of marginal risk for what is free; no lower where nothing is held, no higher
    where the cap is."""
    cov = random_covariance(seed)
    upper = None if factor is None else factor / len(cov)
    found = minimum_variance(cov, upper=upper).weights
    cap = 1.0 if upper is None else min(upper, 1.0)
    marginal = cov @ found / np.diag(cov).mean()
    can_grow, can_shrink = found < cap - 1e-12, found > 1e-12
    if can_grow.any() and can_shrink.any():
        assert marginal[can_shrink].max() <= marginal[can_grow].min() + 1e-9
    assert (found >= 0.0).all() and (found <= cap + 1e-12).all()


@EXAMPLES
@given(seed=SEEDS)
def test_weights_sum_to_one_whatever_the_order_and_the_scale(seed):
    cov = random_covariance(seed)
    rng = np.random.default_rng(seed)
    way, symbols = rng.permutation(len(cov)), names(len(cov))
    for weigh in ALL:
        found = weigh(cov).weights
        assert abs(found.sum() - 1.0) <= 1e-12 and (found >= 0.0).all()
        turned = cov[np.ix_(way, way)]
        again = (
            hierarchical_risk_parity(turned, symbols[way]).weights
            if weigh is by_tree
            else weigh(turned).weights
        )
        assert again == pytest.approx(found[way], abs=1e-9)
        assert weigh(1e4 * cov).weights == pytest.approx(found, abs=1e-9)


def wide(count: int, seed: int = 11) -> np.ndarray:
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0, 0.01, (252, 1)) @ rng.uniform(0.5, 1.5, (1, count))
    return market + rng.normal(size=(252, count)) * rng.uniform(0.01, 0.04, count)


def test_a_thousand_assets():
    cov = covariance(wide(1000)).matrix
    parity = equal_risk_contribution(cov)
    contributions = risk_contributions(parity.weights, cov)
    assert np.abs(contributions - 1e-3).max() < 1e-11
    least = minimum_variance(cov).weights
    marginal = cov @ least / (least @ cov @ least)
    assert marginal[least > 0] == pytest.approx(1.0, abs=1e-9)
    assert marginal.min() >= 1.0 - 1e-9
    assert 20 < np.count_nonzero(least) < 500
    assert abs(by_tree(cov).weights.sum() - 1.0) <= 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_ill_conditioned_matrices(seed):
    """Eigenvalues spread over ten powers of ten."""
    rng = np.random.default_rng(seed)
    turned, _ = np.linalg.qr(rng.normal(size=(100, 100)))
    cov = (turned * 10.0 ** rng.uniform(-10, 0, 100)) @ turned.T
    cov = (cov + cov.T) / 2
    found = equal_risk_contribution(cov)
    assert np.abs(risk_contributions(found.weights, cov) - 0.01).max() < 1e-8


def test_the_same_bytes_on_one_thread_and_on_two():
    cov = covariance(wide(150)).matrix
    for weigh in (minimum_variance, equal_risk_contribution):
        made = []
        for threads in (1, 2):
            with threadpool_limits(limits=threads):
                made.append(weigh(cov).weights.tobytes())
        assert made[0] == made[1]


def test_a_start_changes_nothing_but_the_effort():
    cov = covariance(wide(80)).matrix
    cold = equal_risk_contribution(cov).weights
    warm = equal_risk_contribution(cov, start=cold * np.linspace(0.9, 1.1, 80)).weights
    assert warm == pytest.approx(cold, abs=1e-13)
    budget = np.full(80, 1 / 80)
    again = solve_budget(cov, budget, cold)
    assert again.products < solve_budget(cov, budget).products
    broken = equal_risk_contribution(cov, start=np.full(80, np.nan)).weights
    assert broken.tobytes() == cold.tobytes()


@pytest.mark.parametrize("weigh", ALL)
def test_one_asset_and_none(weigh):
    assert weights(weigh(np.array([[0.04]]))) == [1.0]
    assert len(weigh(np.zeros((0, 0))).weights) == 0


@pytest.mark.parametrize("weigh", ALL)
def test_what_has_no_variance_holds_nothing_and_is_told_of(weigh):
    cov = np.diag([0.01, 0.0, 0.04])
    found = weigh(cov)
    assert found.weights[1] == 0.0 and found.weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert found.reports == (("no variance", "of 1 assets, which hold nothing"),)
    without = weigh(np.diag([0.01, 0.04])).weights
    assert found.weights[[0, 2]] == pytest.approx(without, abs=1e-13)
    still = weigh(np.zeros((4, 4)))
    assert still.weights.tolist() == [0.25] * 4 and still.reports[0][0] == "no variance"


@pytest.mark.parametrize("weigh", ALL)
def test_a_matrix_that_is_not_finite_is_refused(weigh):
    with pytest.raises(ValueError, match="finite"):
        weigh(np.array([[1.0, np.nan], [np.nan, 1.0]]))


def test_twins_share_alike():
    cov = covariance(wide(6), "sample").matrix[np.ix_([0, 1, 2, 2], [0, 1, 2, 2])]
    for weigh in (inverse_volatility, minimum_variance, equal_risk_contribution):
        found = weigh(cov).weights
        assert found[2] == pytest.approx(found[3], abs=1e-6)
    assert minimum_variance(cov).reports[0][0] == "singular covariance"
    assert np.abs(risk_contributions(equal_risk_contribution(cov).weights, cov) - 0.25).max() < 1e-9


def test_more_assets_than_sessions_are_defined_and_told_of():
    """Enough of them cancel all risk: the answer is that of a matrix with a little more."""
    rng = np.random.default_rng(5)
    cov = np.cov(rng.normal(size=(30, 100)).T)
    for weigh in (minimum_variance, equal_risk_contribution):
        first, again = weigh(cov), weigh(cov)
        assert [kind for kind, _ in first.reports] == ["singular covariance"]
        assert first.weights.tobytes() == again.weights.tobytes()
        assert abs(first.weights.sum() - 1.0) <= 1e-12
        assert first.weights @ cov @ first.weights < 1e-4 * np.diag(cov).mean()


def test_opposites_cancel_and_are_told_of():
    cov = np.array([[0.01, -0.02], [-0.02, 0.04]])
    for weigh in (minimum_variance, equal_risk_contribution):
        found = weigh(cov)
        assert found.reports[0][0] == "singular covariance"
        assert found.weights == pytest.approx([2 / 3, 1 / 3], abs=1e-4)


def test_caps_that_cannot_hold_are_raised_and_told_of():
    cov = np.diag([0.01, 0.04, 0.09])
    found = minimum_variance(cov, upper=np.array([0.1, 0.2, 0.2]))
    assert found.weights == pytest.approx([0.2, 0.4, 0.4], abs=1e-14)
    assert found.reports == (("limit", "upper weights sum to 0.500000: raised to one by a factor"),)
    exact = minimum_variance(cov, upper=1 / 3)
    assert exact.weights == pytest.approx([1 / 3] * 3, abs=1e-14) and exact.reports == ()


@pytest.mark.parametrize("budget", [[1.0, -0.1], [np.nan, 1.0], [0.0, 0.0]])
def test_budgets_that_mean_nothing_are_refused(budget):
    with pytest.raises(ValueError, match="budgets"):
        equal_risk_contribution(np.eye(2), budget=np.array(budget))


def test_a_budget_on_what_has_no_variance_cannot_be_spent():
    found = equal_risk_contribution(np.diag([0.0, 1.0, 1.0]), budget=np.array([1.0, 0.0, 0.0]))
    assert found.weights.tolist() == [0.0, 0.5, 0.5]
    assert [kind for kind, _ in found.reports] == ["risk budget", "no variance"]
