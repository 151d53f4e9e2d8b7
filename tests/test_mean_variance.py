"""Mean-variance weights: by hand, by exchanges that cannot help, and limits that give way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.mean_variance import LinearLimits, expected_returns, mean_variance
from strategies.split_program import SplitProgram

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)
RISK = np.diag([0.04, 0.02])


def weights(made) -> list[float]:
    assert made.status == "solved" and made.reports == ()
    return made.weights.tolist()


def test_expected_returns_by_hand():
    # Scores 1, 3: mean 2, deviation 1: -1 and 1; times 0.05 x 20 % and 0.05 x 40 %.
    found = expected_returns(np.array([1.0, 3.0]), np.array([0.2, 0.4]), 0.05)
    assert found.tolist() == pytest.approx([-0.01, 0.02], abs=1e-16)


def test_expected_returns_do_not_depend_on_the_scale_of_scores():
    score, volatility = np.array([0.3, -1.0, 2.5]), np.array([0.2, 0.4, 0.3])
    found = expected_returns(score, volatility, 0.05)
    assert expected_returns(7 * score + 3, volatility, 0.05) == pytest.approx(found, abs=1e-15)


def test_scores_that_tie_or_are_not_known_expect_nothing():
    tied = expected_returns(np.full(3, 0.1), np.full(3, 0.2), 0.05)
    assert tied.tolist() == [0.0, 0.0, 0.0]
    found = expected_returns(np.array([1.0, np.nan, 3.0]), np.full(3, 0.2), 0.05)
    assert np.isnan(found[1]) and found[[0, 2]] == pytest.approx([-0.01, 0.01], abs=1e-15)
    assert np.isnan(expected_returns(np.full(2, np.nan), np.ones(2), 0.05)).all()


def test_without_limits_by_hand():
    # w = mu / (lambda variance): 0.1 / (5 x 0.04), 0.05 / (5 x 0.02).
    found = mean_variance(np.array([0.1, 0.05]), RISK, risk_aversion=5.0)
    assert weights(found) == pytest.approx([0.5, 0.5], abs=1e-14)


def test_a_sum_by_hand():
    # 0.1 - 0.2 w = 0.05 - 0.1 (1 - w): 0.3 w = 0.15.
    found = mean_variance(np.array([0.1, 0.05]), RISK, risk_aversion=5.0, net=1.0)
    assert weights(found) == pytest.approx([0.5, 0.5], abs=1e-14)
    # Of 0.4: 0.1 - 0.2 w = 0.05 - 0.1 (0.4 - w): 0.3 w = 0.09. Between 0 and 0.4 the most.
    for net in (0.4, (0.0, 0.4)):
        found = mean_variance(np.array([0.1, 0.05]), RISK, risk_aversion=5.0, net=net)
        assert weights(found) == pytest.approx([0.3, 0.1], abs=1e-14)


@pytest.mark.parametrize(("held", "wanted"), [(0.3, 0.4), (0.45, 0.45), (0.7, 0.6), (0.5, 0.5)])
def test_the_price_of_trading_leaves_a_band_in_which_nothing_moves(held, wanted):
    # 0.1 - 0.2 w = +-0.02 at the edges: 0.4 and 0.6.
    made = mean_variance(
        np.array([0.1]),
        np.array([[0.04]]),
        np.array([held]),
        risk_aversion=5.0,
        turnover_penalty=0.02,
    )
    assert weights(made) == pytest.approx([wanted], abs=1e-13)
    assert wanted != held or made.weights[0] == held


def test_prices_of_trading_differ_by_asset():
    made = mean_variance(
        np.array([0.1, 0.05]),
        RISK,
        np.zeros(2),
        risk_aversion=5.0,
        turnover_penalty=np.array([0.02, 0.0]),
    )
    # 0.1 - 0.02 = 0.2 w; 0.05 = 0.1 w.
    assert weights(made) == pytest.approx([0.4, 0.5], abs=1e-13)


def test_gross_by_hand():
    # 1 and -1 without a limit; of 1 gross, half each.
    made = mean_variance(np.array([0.1, -0.1]), 0.1 * np.eye(2), risk_aversion=1.0, max_gross=1.0)
    assert weights(made) == pytest.approx([0.5, -0.5], abs=1e-13)
    loose = mean_variance(np.array([0.1, -0.1]), 0.1 * np.eye(2), risk_aversion=1.0, max_gross=3.0)
    assert weights(loose) == pytest.approx([1.0, -1.0], abs=1e-13)


def test_gross_of_weights_whose_sign_is_given():
    made = mean_variance(
        np.array([0.1, -0.1]),
        0.1 * np.eye(2),
        risk_aversion=1.0,
        max_gross=1.0,
        lower=np.array([0.0, -1.0]),
        upper=np.array([1.0, 0.0]),
    )
    assert weights(made) == pytest.approx([0.5, -0.5], abs=1e-13)


def test_gross_that_the_sum_uses_up():
    made = mean_variance(
        np.array([0.1, 0.05]), RISK, risk_aversion=5.0, net=1.0, max_gross=1.0, lower=0.0
    )
    assert weights(made) == pytest.approx([0.5, 0.5], abs=1e-12)


def test_bounds_and_groups_by_hand():
    expected = np.array([0.1, 0.05])
    made = mean_variance(expected, RISK, risk_aversion=5.0, lower=0.0, upper=0.2)
    assert weights(made) == [0.2, 0.2]
    group = LinearLimits(["beta"], np.array([[2.0, 1.0]]), np.array([0.0]), np.array([0.0]))
    # w1 = -2 w0: 0.1 w0 - 0.1 w0 = 0 expected, so nothing is held.
    assert weights(mean_variance(expected, RISK, risk_aversion=5.0, groups=group)) == [0.0, 0.0]


def test_limits_that_cannot_hold_are_named_and_nearly_kept():
    made = mean_variance(
        np.array([0.1, 0.05]), RISK, risk_aversion=5.0, net=1.0, lower=0.0, upper=0.3
    )
    assert made.status == "infeasible"
    assert made.weights == pytest.approx([0.3, 0.3], abs=1e-12)
    assert made.given_way == (("net", pytest.approx(-0.4, abs=1e-12)),)
    assert made.conflicts == ("net", "bounds")
    kind, detail = made.reports[0]
    assert kind == "limit given way"
    assert detail == "net missed by 0.400000; net, bounds cannot all hold"


def test_a_group_that_contradicts_the_sum():
    group = LinearLimits(
        ["sector a", "sector b"], np.eye(2), np.full(2, -np.inf), np.array([0.2, 0.3])
    )
    made = mean_variance(np.zeros(2), RISK, risk_aversion=1.0, net=1.0, groups=group)
    assert made.status == "infeasible" and set(made.conflicts) == {"net", "sector a", "sector b"}
    assert sum(abs(amount) for _, amount in made.given_way) == pytest.approx(0.5, abs=1e-9)


def test_nothing_found_is_nothing_traded():
    """Without risk or limits the best weight is infinite."""
    held = np.array([0.1, 0.2])
    made = mean_variance(np.array([0.1, 0.0]), np.zeros((2, 2)), held, risk_aversion=1.0)
    assert made.status == "failed" and made.weights.tolist() == held.tolist()
    assert made.reports[0][0] == "not solved"


@pytest.mark.parametrize("how", [{"risk_aversion": 0.0}, {"turnover_penalty": -0.1}])
def test_terms_that_are_not_convex_are_refused(how):
    with pytest.raises(ValueError, match="risk_aversion"):
        mean_variance(np.zeros(2), RISK, **{"risk_aversion": 1.0, **how})


def random_case(seed: int) -> dict:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 20))
    returns = rng.normal(size=(3 * count, count)) + rng.normal(size=(3 * count, 1))
    cov = 0.04 * np.cov(returns.T)
    long_only = bool(rng.random() < 0.5)
    cap = float(rng.choice([2.0, 4.0, 50.0])) / count
    held = rng.uniform(0.0 if long_only else -cap, cap, count) * (rng.random(count) < 0.6)
    return {
        "expected": expected_returns(rng.normal(size=count), np.sqrt(np.diag(cov)), 0.1),
        "cov": cov,
        "held": held,
        "risk_aversion": float(rng.choice([0.5, 5.0])),
        "turnover_penalty": float(rng.choice([0.0, 0.002, 0.02])),
        "net": 1.0 if long_only else 0.0,
        "lower": 0.0 if long_only else -cap,
        "upper": cap,
    }


@EXAMPLES
@given(seed=SEEDS)
def test_no_exchange_of_two_assets_helps(seed):
    """With one sum, bounds, and costs asset by asset, that is enough for an optimum."""
    of = random_case(seed)
    found = mean_variance(**of)
    w = found.weights
    assert found.status == "solved"
    assert abs(w.sum() - of["net"]) <= 1e-12
    assert (w >= of["lower"]).all() and (w <= of["upper"]).all()
    gradient = of["expected"] - of["risk_aversion"] * of["cov"] @ w
    moved, price = w - of["held"], of["turnover_penalty"]
    up = gradient - np.where(moved >= -1e-11, price, -price)
    down = gradient - np.where(moved > 1e-11, price, -price)
    can_rise, can_fall = w < of["upper"] - 1e-11, w > of["lower"] + 1e-11
    if can_rise.any() and can_fall.any():
        assert up[can_rise].max() <= down[can_fall].min() + 1e-9


@EXAMPLES
@given(seed=SEEDS)
def test_gross_is_kept_and_costs_what_it_must(seed):
    of = {**random_case(seed), "net": 0.0, "lower": -0.5, "upper": 0.5}
    free = mean_variance(**of).weights
    gross = np.abs(free).sum()
    assert mean_variance(**of, max_gross=gross + 0.1).weights == pytest.approx(free, abs=1e-9)
    tight = mean_variance(**of, max_gross=0.5 * gross)
    assert tight.status == "solved"
    assert np.abs(tight.weights).sum() == pytest.approx(0.5 * gross, abs=1e-10)


@EXAMPLES
@given(seed=SEEDS)
def test_the_order_of_assets_does_not_matter(seed):
    of = random_case(seed)
    way = np.random.default_rng(seed).permutation(len(of["held"]))
    turned = {
        **of,
        "expected": of["expected"][way],
        "cov": of["cov"][np.ix_(way, way)],
        "held": of["held"][way],
    }
    found = mean_variance(**of, max_gross=1.5).weights
    assert mean_variance(**turned, max_gross=1.5).weights == pytest.approx(found[way], abs=1e-10)


def large_case(seed: int, kind: str) -> dict:
    rng = np.random.default_rng(seed)
    count = 240
    returns = rng.normal(size=(300, 1)) + rng.normal(size=(300, count)) * rng.uniform(1, 3, count)
    cov = 0.01 * np.cov(returns.T)
    group = LinearLimits(
        ["half"], (np.arange(count) % 2 == 0)[None].astype(float), np.array([-0.3]), np.array([0.4])
    )
    of = {
        "expected": expected_returns(rng.normal(size=count), np.sqrt(np.diag(cov)), 0.05),
        "cov": cov,
        "held": np.where(rng.random(count) < 0.2, rng.dirichlet(np.ones(count)), 0.0),
        "risk_aversion": 5.0,
        "groups": group,
    }
    if kind.startswith("long only"):
        of |= {"net": 1.0, "lower": 0.0, "upper": 0.05}
    else:
        of |= {"net": 0.0, "max_gross": 1.0, "lower": -0.05, "upper": 0.05}
        of["held"] = of["held"] * rng.choice([-1.0, 1.0], count)
    if kind.endswith("traded"):
        of["turnover_penalty"] = np.where(np.arange(count) % 3 == 0, 0.02, 0.005)
    return of


@pytest.mark.parametrize(
    "kind", ["long only", "long only, traded", "long short", "long short, traded"]
)
@pytest.mark.parametrize("seed", [1, 2])
def test_solving_for_a_few_is_solving_for_all(kind, seed, monkeypatch):
    of = large_case(seed, kind)
    solved_for: list[int] = []
    solved = SplitProgram.solved

    def counted(program):
        solved_for.append(len(program.problem.expected))
        return solved(program)

    monkeypatch.setattr(SplitProgram, "solved", counted)
    found = mean_variance(**of)
    assert found.status == "solved" and abs(found.weights.sum() - of["net"]) <= 1e-12
    assert np.abs(found.weights).sum() <= of.get("max_gross", 1.0) + 1e-12
    assert max(solved_for) < 240 or kind == "long only"
    monkeypatch.setattr("strategies.mean_variance.solve_on_a_few", lambda problem: None)
    assert found.weights == pytest.approx(mean_variance(**of).weights, abs=1e-10)
    assert solved_for[-1] == 240


def test_limits_that_cannot_hold_are_named_of_many_assets_too():
    of = {**large_case(1, "long short"), "net": 2.0}
    made = mean_variance(**of)
    assert made.status == "infeasible"
    assert [name for name, _ in made.given_way] and "net" in made.conflicts
