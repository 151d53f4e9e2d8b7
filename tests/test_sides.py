"""Weightings by cap and by risk: hand-computed sides, and who is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.construction import CrossSection, PortfolioRules, target_weights
from strategies.covariance import covariance
from strategies.portfolio_rules import CovarianceRules, MeanVarianceRules
from strategies.risk_weights import risk_contributions
from strategies.sides import SIDE_WEIGHTINGS

NAN = np.nan
SAMPLE = CovarianceRules("sample", lookback=252, min_history=3)
RISKY = ("inverse_volatility", "minimum_variance", "equal_risk_contribution")
RISKY += ("hierarchical_risk_parity",)


def section(score, returns=None, *, caps=None, held=None, symbols=None, periods=252):
    score = np.array(score, dtype=float)
    count = len(score)
    names = symbols or [f"S{number:02d}" for number in range(count)]
    past = None if returns is None else np.array(returns, dtype=float)

    def history(columns, lookback):
        return past[-lookback:][:, columns]

    return CrossSection(
        symbols=np.array(names),
        asset_class=np.array(["equity"] * count),
        eligible=np.ones(count, dtype=bool),
        score=score,
        trend=score,
        market_cap=None if caps is None else np.array(caps, dtype=float),
        history=history,
        held=None if held is None else np.array(held, dtype=float),
        periods_per_year=periods,
    )


def rules(weighting, **given):
    given = {"quantile": None, "top": 12, "min_breadth": 1, "covariance": SAMPLE, **given}
    return PortfolioRules(weighting=weighting, **given)


#: Uncorrelated: variances 0.0004 and 0.0016 over 3 of 4 rows, that is in proportion 1 : 4.
APART = [[0.02, 0.04], [-0.02, 0.04], [0.02, -0.04], [-0.02, -0.04]]


def test_cap_weights_are_in_proportion_to_caps():
    target = target_weights(section([3, 2, 1], caps=[1e9, 2e9, 5e9]), rules("cap"))
    np.testing.assert_allclose(target.weights, [0.125, 0.25, 0.625], atol=1e-15)


def test_an_asset_without_a_cap_is_left_out_and_told():
    target = target_weights(section([3, 2, 1], caps=[NAN, 2e9, 6e9]), rules("cap"))
    np.testing.assert_allclose(target.weights, [0, 0.25, 0.75], atol=1e-15)
    assert target.reports == (("S00", "left out", "market cap not known"),)


def test_inverse_volatility_is_two_to_one():
    target = target_weights(section([2, 1], APART), rules("inverse_volatility"))
    np.testing.assert_allclose(target.weights, [2 / 3, 1 / 3], atol=1e-14)


def test_equal_contributions_of_what_is_uncorrelated_are_inverse_volatility():
    target = target_weights(section([2, 1], APART), rules("equal_risk_contribution"))
    np.testing.assert_allclose(target.weights, [2 / 3, 1 / 3], atol=1e-10)


@pytest.mark.parametrize("weighting", ["minimum_variance", "hierarchical_risk_parity"])
def test_the_least_variance_of_what_is_uncorrelated_is_by_inverse_variance(weighting):
    target = target_weights(section([2, 1], APART), rules(weighting))
    np.testing.assert_allclose(target.weights, [0.8, 0.2], atol=1e-12)


def test_the_cap_is_part_of_the_least_variance():
    # Covariance in proportion to [[1, 1, 0], [1, 4, 0], [0, 0, 4]]: its inverse sums to 1, 0 and
    # 1/4 by row, so 0.8, 0 and 0.2. With the first held to 0.5 the least of
    # 4 b^2 + 4 c^2 + b for b + c = 0.5 is at 8 b - 8 c + 1 = 0: 3/16 and 5/16.
    signs = np.array([[a, b, c] for a in (1, -1) for b in (1, -1) for c in (1, -1)])
    mixed = signs @ np.array([[1, 1, 0], [0, np.sqrt(3), 0], [0, 0, 2]])
    given_ = section([3, 2, 1], 0.01 * mixed)
    free = target_weights(given_, rules("minimum_variance")).weights
    np.testing.assert_allclose(free, [0.8, 0, 0.2], atol=1e-12)
    capped = target_weights(given_, rules("minimum_variance", max_weight=0.5))
    np.testing.assert_allclose(capped.weights, [0.5, 3 / 16, 5 / 16], atol=1e-12)
    assert capped.reports == ()


def test_both_sides_have_their_own_risk():
    returns = np.hstack([APART, APART])
    given_ = section([4, 3, 2, 1], returns)
    book = rules("inverse_volatility", side="long_short", gross=1.2, min_breadth=2, top=2)
    # Longs S00, S01 at 2 : 1 of 0.6; shorts S03, S02 at 1 : 2.
    np.testing.assert_allclose(
        target_weights(given_, book).weights, [0.4, 0.2, -0.4, -0.2], atol=1e-14
    )


def test_an_asset_with_too_little_history_is_left_out_and_told():
    returns = [[0.02, 0.04, NAN], [-0.02, 0.04, NAN], [0.02, -0.04, 0.1], [-0.02, -0.04, 0.1]]
    target = target_weights(section([3, 2, 1], returns), rules("inverse_volatility"))
    np.testing.assert_allclose(target.weights, [2 / 3, 1 / 3, 0], atol=1e-14)
    assert target.reports == (("S02", "left out", "2 known returns, below 3"),)


def test_a_price_that_does_not_move_is_left_out():
    returns = np.column_stack([APART, np.zeros(4)])
    target = target_weights(section([3, 2, 1], returns), rules("minimum_variance"))
    np.testing.assert_allclose(target.weights, [0.8, 0.2, 0], atol=1e-12)
    assert target.reports == (("S02", "left out", "no variance"),)


def test_many_that_are_left_out_are_one_report():
    target = target_weights(section(range(8, 0, -1), caps=[1e9, 1e9, *[NAN] * 6]), rules("cap"))
    np.testing.assert_allclose(target.weights, [0.5, 0.5, *[0] * 6], atol=1e-15)
    such = "6 assets, such as S02: market cap not known; S03: market cap not known"
    assert target.reports == (("", "left out", such),)


@pytest.mark.parametrize("weighting", RISKY)
def test_a_side_of_which_nothing_is_known_leaves_its_sleeve_in_cash(weighting):
    returns = np.column_stack([np.full((4, 2), NAN), APART])
    book = rules(weighting, side="long_short", min_breadth=2, top=2)
    target = target_weights(section([4, 3, 2, 1], returns), book)
    assert target.weights.tolist() == [0, 0, 0, 0]
    assert target.reports[-1][2] == "no asset of a side can be weighted: all in cash"


@pytest.mark.parametrize("weighting", [*RISKY, "mean_variance"])
def test_one_asset_holds_all(weighting):
    target = target_weights(section([1], [[0.01], [-0.01], [0.02]]), rules(weighting))
    np.testing.assert_allclose(target.weights, [1.0], atol=1e-9)


def test_a_tree_of_twins_is_halved_in_the_order_of_the_names():
    returns = np.column_stack([np.array(APART)[:, 0]] * 3)
    target = target_weights(section([1, 1, 1], returns), rules("hierarchical_risk_parity"))
    assert sorted(target.weights.tolist()) == [0.25, 0.25, 0.5]


@pytest.mark.parametrize("weighting", [*RISKY[:3], "mean_variance"])
def test_twins_have_a_defined_answer(weighting):
    returns = np.column_stack([np.array(APART)[:, 0]] * 3)
    target = target_weights(section([1, 1, 1], returns), rules(weighting))
    assert target.weights.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(target.weights, np.full(3, 1 / 3), atol=1e-4)


def test_nothing_is_ranked():
    target = target_weights(section([NAN, NAN], APART), rules("minimum_variance"))
    assert target.weights.tolist() == [0, 0]


# Mean-variance


def test_mean_variance_by_hand():
    # Scores 2 and 1 are +1 and -1 in standard form. With four sessions a year the variance of a
    # year is v = 4 x 0.0016 / 3 each, and expected returns are +-m, m = 0.1 sqrt(v). Long only,
    # summing to one and uncorrelated: the most of (2a - 1) m
    # - (lambda/2) v (a^2 + (1 - a)^2) is at 2m = lambda v (2a - 1): a = 1/2 + m / (lambda v).
    returns = np.array(APART) * [1.0, 0.5]
    risk = MeanVarianceRules(risk_aversion=20.0, information_coefficient=0.1)
    given_ = section([2, 1], returns, periods=4)
    target = target_weights(given_, rules("mean_variance", mean_variance=risk))
    v = 4 * 0.0016 / 3
    a = 0.5 + 0.1 * np.sqrt(v) / (20.0 * v)
    np.testing.assert_allclose(target.weights, [a, 1 - a], atol=1e-9)


def test_a_turnover_penalty_keeps_what_is_held():
    risk = MeanVarianceRules(risk_aversion=1.0, turnover_penalty=10.0)
    book = rules("mean_variance", mean_variance=risk)
    assert book.needs_account
    target = target_weights(section([2, 1], APART, held=[0.3, 0.7]), book)
    np.testing.assert_allclose(target.weights, [0.3, 0.7], atol=1e-9)


def test_a_long_short_book_keeps_net_gross_and_cap():
    rng = np.random.default_rng(5)
    given_ = section(rng.normal(size=12), rng.normal(0, 0.01, (60, 12)))
    book = rules("mean_variance", side="long_short", gross=1.0, net=0.2, max_weight=0.3)
    weights = target_weights(given_, book).weights
    assert weights.sum() == pytest.approx(0.2, abs=1e-9)
    assert np.abs(weights).sum() <= 1.0 + 1e-9
    assert np.abs(weights).max() <= 0.3 + 1e-12


def test_caps_too_tight_for_the_sum_are_met_and_told():
    book = rules("mean_variance", max_weight=0.3)
    target = target_weights(section([2, 1], APART), book)
    np.testing.assert_allclose(target.weights, [0.3, 0.3], atol=1e-9)
    assert target.reports == (("", "capped", "max_weight leaves 0.4000 of NAV in cash"),)


# What must hold for any side


@st.composite
def sides(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(1, 12))
    common = rng.normal(0, 0.01, (60, 1))
    returns = common * rng.uniform(0.2, 2.0, count) + rng.normal(0, 0.01, (60, count))
    returns[rng.random((60, count)) < draw(st.sampled_from([0.0, 0.1]))] = NAN
    names = rng.permutation([f"S{number:02d}" for number in range(count)]).tolist()
    caps = rng.lognormal(20, 1, count)
    return section(rng.normal(size=count), returns, caps=caps, symbols=names)


EXAMPLES = settings(max_examples=25, deadline=None, derandomize=True)


@pytest.mark.parametrize("weighting", SIDE_WEIGHTINGS)
@EXAMPLES
@given(given_=sides(), total=st.sampled_from([0.3, 1.0]))
def test_a_side_is_positive_and_sums_to_its_total(weighting, given_, total):
    target = target_weights(given_, rules(weighting, gross=total))
    assert (target.weights >= 0).all()
    assert target.weights.sum() == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize("weighting", SIDE_WEIGHTINGS)
@EXAMPLES
@given(given_=sides(), random=st.randoms(use_true_random=False))
def test_the_order_of_assets_changes_no_bit(weighting, given_, random):
    order = list(range(len(given_.score)))
    random.shuffle(order)
    names = ("symbols", "asset_class", "eligible", "score", "trend", "market_cap")
    moved = {name: getattr(given_, name)[order] for name in names}

    def history(columns, lookback):
        return given_.history(np.array(order)[columns], lookback)

    shuffled = replace(given_, **moved, history=history)
    one = target_weights(given_, rules(weighting)).weights
    two = target_weights(shuffled, rules(weighting)).weights
    assert two.tolist() == one[order].tolist()


@EXAMPLES
@given(given_=sides())
def test_equal_risk_contributions_are_equal(given_):
    target = target_weights(given_, rules("equal_risk_contribution"))
    found = covariance(given_.history(np.arange(len(given_.score)), 252), "sample", min_history=3)
    shares = risk_contributions(target.weights[found.kept], found.matrix)
    np.testing.assert_allclose(shares, 1.0 / len(shares), atol=1e-8)
