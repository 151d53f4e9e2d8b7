"""The projection: hand-computed cases, and what must hold for any target and any limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.projection import Rows, project

INF = np.inf


def rows(*given):
    """Rows from (name, coefficients, lower, upper[, price])."""
    made = [(*each, INF)[:5] for each in given]
    names, matrix, lower, upper, price = zip(*made, strict=True)
    return Rows(names, np.array(matrix, dtype=float), *map(np.array, (lower, upper, price)))


def weights(target, cap, *given):
    return project(np.array(target, dtype=float), cap, rows(*given)).weights


def test_a_target_that_keeps_everything_is_returned_as_it_is():
    target = np.array([0.1, 0.2, -0.3])
    found = project(target, 0.3, rows(("gross", [1, 1, -1], -INF, 0.6), ("net", [1] * 3, 0, 0)))
    assert found.weights.tolist() == target.tolist()
    assert found.slack.tolist() == [0, 0] and found.capped == 1


def test_one_total_is_reached_by_scaling():
    # (w - t)^2 / t is least under a sum where all have the same w / t: 0.5 / 1.
    found = weights([0.2, 0.3, 0.5], 1.0, ("gross", [1, 1, 1], -INF, 0.5))
    np.testing.assert_allclose(found, [0.1, 0.15, 0.25], atol=1e-15)


def test_a_group_gives_to_the_others_in_proportion():
    # The first two are cut to 0.4 by one factor, 0.4 / 0.6; the others grow by 0.6 / 0.4.
    given = [("gross", [1] * 4, 1, 1), ("group", [1, 1, 0, 0], -INF, 0.4)]
    found = weights([0.2, 0.4, 0.3, 0.1], 1.0, *given)
    np.testing.assert_allclose(found, [0.4 / 3, 0.8 / 3, 0.45, 0.15], atol=1e-14)


def test_the_cap_spreads_its_excess_in_proportion():
    # 0.6 is cut to 0.5; 0.3 and 0.1 share 0.5 as 3 : 1.
    found = weights([0.6, 0.3, 0.1], 0.5, ("gross", [1, 1, 1], 1, 1))
    np.testing.assert_allclose(found, [0.5, 0.375, 0.125], atol=1e-14)


def test_dollar_neutrality_in_closed_form():
    # u = 1 + y1 sign + y2 with gross 1 and net 0: longs of 0.7 become 0.5, by 5/7 each;
    # shorts of 0.3 become 0.5, by 5/3.
    given = [("gross", [1, 1, -1], 1, 1), ("dollar", [1, 1, 1], 0, 0)]
    found = weights([0.4, 0.3, -0.3], 1.0, *given)
    np.testing.assert_allclose(found, [2 / 7, 1.5 / 7, -0.5], atol=1e-15)


def test_beta_neutrality_in_closed_form():
    # Minimise sum (w - t)^2 / |t| with b'w = 0: w = t - |t| b (b't) / (b' |t| b).
    # b't = 0.5 x 2 - 0.5 x 1 = 0.5; b'|t|b = 0.5 x 4 + 0.5 x 1 = 2.5; the factor is 0.2:
    # 0.5 - 0.5 x 2 x 0.2 = 0.3 and -0.5 - 0.5 x 1 x 0.2 = -0.6; 2 x 0.3 - 0.6 = 0.
    found = weights([0.5, -0.5], 1.0, ("beta", [2, 1], 0, 0))
    np.testing.assert_allclose(found, [0.3, -0.6], atol=1e-15)


def test_signs_are_kept_at_the_price_of_distance():
    # Without the signs the long would go below zero: the beta of 5 must be met by the others.
    given = [("gross", [1, 1, -1], 1, 1), ("beta", [5, 0, 1], 0, 0)]
    found = weights([0.5, 0.1, -0.4], 1.0, *given)
    # w1 x 5 = |w3| and w1 + w2 + |w3| = 1 leave w1 = a, w3 = -5a, w2 = 1 - 6a:
    # (a - .5)^2/.5 + (.9 - 6a)^2/.1 + (5a - .4)^2/.4 is least where
    # 4(a - .5) - 120(.9 - 6a) + 25(5a - .4) = 0, so a = 120 / 849.
    a = 120 / 849
    np.testing.assert_allclose(found, [a, 1 - 6 * a, -5 * a], atol=1e-13)


def test_what_gives_way_is_the_soft_row_by_its_amount():
    given = [("gross", [1, 1], 1, INF, 1.0), ("first", [1, 0], -INF, 0.3)]
    found = project(np.array([0.5, 0.5]), 0.4, rows(*given))
    # 0.3 and the cap of 0.4 hold 0.7 of 1.
    np.testing.assert_allclose(found.weights, [0.3, 0.4], atol=1e-10)
    np.testing.assert_allclose(found.slack, [-0.3, 0], atol=1e-9)
    assert found.binds.tolist() == [False, True] and found.capped == 1


def test_net_is_dearer_than_gross():
    # The long can hold 0.2 only: the short follows, since net costs ten times as much.
    given = [("gross", [1, -1], 1, INF, 1.0), ("net", [1, 1], 0, 0, 10.0)]
    found = project(np.array([0.5, -0.5]), 1.0, rows(*given, ("long", [1, 0], -INF, 0.2)))
    np.testing.assert_allclose(found.weights, [0.2, -0.2], atol=1e-9)
    np.testing.assert_allclose(found.slack, [-0.6, 0, 0], atol=1e-9)


def test_one_asset():
    assert weights([0.7], 0.5, ("gross", [1], 0.5, 0.5)).tolist() == [0.5]


@pytest.mark.parametrize(
    ("target", "cap", "given_"),
    [
        ([0.4, 0.3, -0.3], 1.0, [("gross", [1, 1, -1], 1, 1), ("dollar", [1, 1, 1], 0, 0)]),
        ([0.5, -0.5], 1.0, [("beta", [2, 1], 0, 0)]),
        ([0.6, 0.3, 0.1], 0.5, [("gross", [1, 1, 1], 1, 1)]),
        ([0.2, 0.4, 0.3, 0.1], 1.0, [("g", [1] * 4, 1, 1), ("s", [1, 1, 0, 0], -INF, 0.4)]),
        ([0.5, 0.1, -0.4], 1.0, [("gross", [1, 1, -1], 1, 1), ("beta", [5, 0, 1], 0, 0)]),
    ],
)
def test_simple_cases_need_no_solver(monkeypatch, target, cap, given_):
    monkeypatch.setattr("strategies.quadratic.solve_quadratic", None)
    found = weights(target, cap, *given_)
    monkeypatch.undo()
    monkeypatch.setattr("strategies.projection._Problem.newton", lambda self: None)
    np.testing.assert_allclose(weights(target, cap, *given_), found, atol=1e-10)


@st.composite
def problems(draw):
    """A target with groups, caps, totals and, with shorts, neutralities."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(1, 40))
    target = rng.gamma(1.0, 1.0, count) + 1e-3
    target /= target.sum()
    if draw(st.booleans()):
        target *= rng.choice([-1.0, 1.0], count)
    sign, group = np.sign(target), rng.integers(0, 4, count)
    made = [("gross", sign, 1.0, INF, 1.0), ("max_gross", sign, -INF, 1.0)]
    most = draw(st.sampled_from([0.1, 0.3, 0.6]))
    made += [(f"group.{number}", sign * (group == number), -INF, most) for number in range(4)]
    if (target < 0).any():
        bound = draw(st.sampled_from([0.0, 0.1]))
        made.append(("dollar", np.ones(count), -bound, bound))
        net = float(np.clip(target.sum(), -bound, bound))
        made += [("net", np.ones(count), net, net, 10.0)] if bound else []
        if draw(st.booleans()):
            made.append(("beta", rng.normal(1.0, 0.4, count), 0.0, 0.0))
        if draw(st.booleans()):
            made.append(("neutral.0", 1.0 * (group == 0), 0.0, 0.0))
    return target, draw(st.sampled_from([1.0, 0.3, 0.05])), rows(*made)


EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)


@EXAMPLES
@given(problem=problems())
def test_every_limit_holds_or_is_named(problem):
    target, cap, given_ = problem
    found = project(target, cap, given_)
    value = given_.matrix @ found.weights
    missed = np.maximum(np.maximum(given_.lower - value, value - given_.upper), 0.0)
    hard = np.isinf(given_.price)
    assert (found.weights * target >= 0).all()
    assert np.abs(found.weights).max() <= cap + 1e-15
    assert (missed[hard] <= 1e-9).all() and not found.slack[hard].any()
    assert (missed[(found.slack == 0)] <= 1e-12).all()


@EXAMPLES
@given(problem=problems(), seed=st.integers(0, 2**32 - 1))
def test_nothing_feasible_is_closer(problem, seed):
    """Mixtures with other points that keep the same limits are further away."""
    target, cap, given_ = problem
    found = project(target, cap, given_)
    if found.slack.any():
        return
    # Another feasible point: the projection of another target of the same signs.
    other = np.abs(np.random.default_rng(seed).normal(size=len(target))) * np.sign(target)
    other /= np.abs(other).sum()
    point = project(other, cap, given_)
    if point.slack.any():
        return
    mixed = 0.9 * found.weights + 0.1 * point.weights

    def distance(weights):
        return ((weights - target) ** 2 / np.abs(target)).sum()

    assert distance(found.weights) <= distance(mixed) + 1e-12


@EXAMPLES
@given(problem=problems(), random=st.randoms(use_true_random=False))
def test_the_order_of_assets_changes_nothing(problem, random):
    target, cap, given_ = problem
    order = list(range(len(target)))
    random.shuffle(order)
    shuffled = Rows(given_.names, given_.matrix[:, order], given_.lower, given_.upper, given_.price)
    one, two = project(target, cap, given_), project(target[order], cap, shuffled)
    np.testing.assert_allclose(two.slack, one.slack, atol=1e-7)
    if not one.slack.any():
        np.testing.assert_allclose(two.weights, one.weights[order], atol=1e-9)


@pytest.mark.parametrize("cap", [0.0, 1e-12])
def test_a_cap_of_nothing_leaves_nothing_and_says_so(cap):
    found = project(np.array([0.5, 0.5]), cap, rows(("gross", [1, 1], 1, INF, 1.0)))
    np.testing.assert_allclose(found.weights, [cap, cap], atol=1e-15)
    assert found.slack[0] == pytest.approx(-1.0, abs=1e-9)
