"""The smallest change that makes a book neutral, against hand and an independent optimiser."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from strategies.hedge import HedgeLimits, hedged_weights

NOTHING = (0.0, 0.0, 0.0)


def limits(dollar=0.0, beta=None, gross=2.0, max_weight=1.0) -> HedgeLimits:
    return HedgeLimits(dollar, beta, gross, max_weight)


def test_a_neutral_book_stays_as_it_is():
    wanted = np.array([0.3, -0.3])
    found = hedged_weights(wanted, wanted, np.ones(2), NOTHING, limits())
    assert found.weights.tolist() == wanted.tolist() and found.neutral and found.gross


def test_net_is_spread_evenly():
    """0.3 - 0.2 and 0.1 that does not trade are 0.2 net: each of the two gives 0.1."""
    wanted = np.array([0.3, -0.2])
    found = hedged_weights(wanted, wanted, np.ones(2), (0.1, 0.1, 0.1), limits())
    assert found.weights == pytest.approx([0.2, -0.3], abs=1e-12)
    # Up to the tolerance and no further: 0.08 each leave 0.04.
    found = hedged_weights(wanted, wanted, np.ones(2), (0.1, 0.1, 0.1), limits(dollar=0.04))
    assert found.weights == pytest.approx([0.22, -0.28], abs=1e-12)


def test_a_weight_is_not_raised_above_the_cap_and_keeps_its_side():
    """The short may grow to 0.25 alone, so the long gives 0.15."""
    wanted = np.array([0.3, -0.2])
    rest = (0.1, 0.1, 0.1)
    found = hedged_weights(wanted, wanted, np.ones(2), rest, limits(max_weight=0.25))
    assert found.weights == pytest.approx([0.15, -0.25], abs=1e-12)
    # Without shorts the long cannot pass through zero: 0.1 of 0.5 remain.
    alone = hedged_weights(np.array([0.4]), np.array([0.4]), np.ones(1), rest, limits())
    assert alone.weights == pytest.approx([0.0], abs=1e-8) and not alone.neutral


def test_what_is_held_above_the_cap_may_stay_there():
    held = np.array([0.45, -0.35])
    rest = (-0.1, -0.1, 0.1)
    found = hedged_weights(held, held, np.ones(2), rest, limits(max_weight=0.4))
    assert found.weights == pytest.approx(held, abs=1e-12) and found.neutral


def test_gross_gives_way_before_neutrality():
    """0.4 do not trade: the short of 0.2 has to grow to 0.4, and gross to 0.8."""
    wanted = np.array([-0.2])
    found = hedged_weights(wanted, wanted, np.ones(1), (0.4, 0.4, 0.4), limits(gross=0.6))
    assert found.weights == pytest.approx([-0.4], abs=1e-6)
    assert found.neutral and not found.gross


def test_nothing_that_trades_is_no_hedge():
    none = np.zeros(0)
    assert not hedged_weights(none, none, none, (0.1, 0.1, 0.1), limits()).neutral
    assert hedged_weights(none, none, none, NOTHING, limits()).neutral


@pytest.mark.parametrize("seed", range(12))
def test_it_is_the_optimum_of_an_independent_method(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(4, 9))
    wanted = rng.normal(0.0, 0.15, count)
    beta = rng.normal(1.0, 0.3, count)
    rest = (float(rng.normal(0.0, 0.05)), float(rng.normal(0.0, 0.05)), 0.1)
    kept = limits(0.002, 0.004, np.abs(wanted).sum() + 0.12, 0.4)
    found = hedged_weights(wanted, wanted, beta, rest, kept)
    side = np.sign(wanted)
    gaps = [
        lambda x: kept.dollar - rest[0] - x.sum(),
        lambda x: kept.dollar + rest[0] + x.sum(),
        lambda x: kept.beta - rest[1] - beta @ x,
        lambda x: kept.beta + rest[1] + beta @ x,
        lambda x: kept.gross - rest[2] - side @ x,
    ]
    other = minimize(
        lambda x: ((x - wanted) ** 2).sum(),
        wanted,
        method="SLSQP",
        bounds=[(0, 0.4) if s > 0 else (-0.4, 0) for s in side],
        constraints=[{"type": "ineq", "fun": gap} for gap in gaps],
        options={"ftol": 1e-15, "maxiter": 500},
    )
    if not found.neutral or not found.gross:
        # Nor does the other method find a point that keeps all of it.
        assert not other.success or min(gap(other.x) for gap in gaps) < -1e-8
        return
    assert min(gap(found.weights) for gap in gaps) > -1e-9
    assert found.weights == pytest.approx(other.x, abs=2e-5)
    assert ((found.weights - wanted) ** 2).sum() <= other.fun + 1e-9
