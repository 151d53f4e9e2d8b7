"""Covariances: by hand, against scikit-learn and pandas, and with gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import OAS, LedoitWolf
from threadpoolctl import threadpool_limits

from feeds.errors import ConfigError
from strategies.covariance import ESTIMATORS, covariance

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)
NAN = np.nan


def walk(sessions: int = 60, assets: int = 5, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0, 0.01, (sessions, 1))
    return market + rng.normal(0.0, 1.0, (sessions, assets)) * rng.uniform(0.01, 0.03, assets)


def test_the_sample_covariance_by_hand():
    # Deviations from 2 %: (-1, 0, 1) and (1, -1, 0) %. Squares sum to 2e-4 each, products to
    # -1e-4; over L - 1 = 2.
    found = covariance(np.array([[0.01, 0.03], [0.02, 0.01], [0.03, 0.02]]), "sample")
    assert found.matrix == pytest.approx(np.array([[1e-4, -0.5e-4], [-0.5e-4, 1e-4]]), rel=1e-12)
    assert found.kept.tolist() == [0, 1] and found.dropped == ()
    assert (found.shrinkage, found.observations) == (0.0, 3)


def test_exponential_weights_by_hand():
    # Half-life 1: weights 1/4 : 1/2 : 1, of 7/4: 1/7, 2/7, 4/7. Returns 7, 0, 0 %: mean 1 %,
    # squares (36 + 2 + 4) / 7 = 6, over 1 - (1 + 4 + 16) / 49 = 4/7: 10.5 (%^2).
    found = covariance(np.array([[0.07], [0.0], [0.0]]), "ewma", halflife=1.0)
    assert found.matrix[0, 0] == pytest.approx(10.5e-4, rel=1e-12)


@pytest.mark.parametrize("halflife", [5.0, 20.0, 63.0])
def test_exponential_weights_as_in_pandas(halflife):
    returns = walk()
    expected = pd.DataFrame(returns).ewm(halflife=halflife).cov().iloc[-5:].to_numpy()
    found = covariance(returns, "ewma", halflife=halflife).matrix
    assert found == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("name", "theirs"), [("ledoit_wolf", LedoitWolf), ("oas", OAS)])
@pytest.mark.parametrize("shape", [(60, 5), (20, 40)])
def test_shrunk_as_by_scikit_learn(name, theirs, shape):
    returns = walk(*shape)
    fitted, found = theirs().fit(returns), covariance(returns, name)
    assert found.matrix == pytest.approx(fitted.covariance_, rel=1e-9, abs=1e-18)
    assert found.shrinkage == pytest.approx(fitted.shrinkage_, rel=1e-9)


def test_the_intensity_of_ledoit_and_wolf_from_its_definition():
    """Their b^2 / d^2: how far single sessions scatter, over how far S is from the target."""
    x = walk() - walk().mean(axis=0)
    sessions, assets = x.shape
    sample = x.T @ x / sessions
    target = np.trace(sample) / assets * np.eye(assets)
    distance = ((sample - target) ** 2).sum() / assets
    scatter = sum(((np.outer(row, row) - sample) ** 2).sum() for row in x) / assets / sessions**2
    share = min(scatter, distance) / distance
    found = covariance(walk(), "ledoit_wolf")
    assert found.shrinkage == pytest.approx(share, rel=1e-9)
    assert found.matrix == pytest.approx(share * target + (1 - share) * sample, rel=1e-9)


def test_half_of_the_returns_missing_by_hand():
    # a: 1, -1, 1, -1 %, variance 4/3; b: 1, -1 %, then nothing, variance 2 (%^2). On the two
    # sessions they agree; the correlation is drawn from 1 to sqrt(1/2).
    returns = np.array([[0.01, 0.01], [-0.01, -0.01], [0.01, NAN], [-0.01, NAN]])
    found = covariance(returns, "sample").matrix
    assert np.diag(found) == pytest.approx([4e-4 / 3, 2e-4], rel=1e-12)
    assert found[0, 1] / np.sqrt(found[0, 0] * found[1, 1]) == pytest.approx(0.5**0.5, rel=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_with_gaps_variances_are_those_of_the_known_returns(estimator):
    returns = walk(80, 6)
    returns[:30, 1] = NAN
    returns[::3, 2] = NAN
    found = covariance(returns, estimator, halflife=20.0)
    known = {
        "ewma": np.diag(pd.DataFrame(returns).ewm(halflife=20.0, ignore_na=False).cov()[-6:]),
        "sample": np.nanvar(returns, axis=0, ddof=1),
    }.get(estimator, np.nanvar(returns, axis=0))
    share = found.shrinkage
    assert np.diag(found.matrix) == pytest.approx(share * known.mean() + (1 - share) * known)
    if estimator in ("oas", "ledoit_wolf"):
        assert 0.0 < share < 1.0


def test_a_session_in_which_nothing_is_known_does_not_count():
    returns = walk()
    with_holiday = np.insert(returns, 20, NAN, axis=0)
    for estimator in ("ledoit_wolf", "oas", "sample"):
        one, other = covariance(returns, estimator), covariance(with_holiday, estimator)
        assert one.matrix.tobytes() == other.matrix.tobytes() and other.observations == 60


def test_assets_without_history_or_motion_are_dropped_and_told_of():
    returns = walk(60, 5)
    returns[:50, 0] = NAN
    returns[:, 2] = 0.001
    returns[:, 4] = NAN
    returns[0, 3] = np.inf
    found = covariance(returns, min_history=30)
    assert found.kept.tolist() == [1, 3] and found.matrix.shape == (2, 2)
    assert found.dropped == (
        (0, "10 known returns, below 30"),
        (2, "no variance"),
        (4, "0 known returns, below 30"),
    )
    assert np.isfinite(found.matrix).all()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_nothing_and_one_asset(estimator):
    assert covariance(np.zeros((5, 0)), estimator).matrix.shape == (0, 0)
    none = covariance(np.full((5, 2), NAN), estimator)
    assert none.matrix.shape == (0, 0) and len(none.dropped) == 2 and none.observations == 0
    lone = covariance(walk(30, 1), estimator, halflife=1e9)
    expected = np.var(walk(30, 1), ddof=1 if estimator in ("ewma", "sample") else 0)
    assert lone.matrix == pytest.approx(np.array([[expected]]), rel=1e-6)
    assert lone.shrinkage == 0.0


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_more_assets_than_sessions_and_twins(estimator):
    returns = walk(15, 40)
    returns[:, 7] = returns[:, 30]
    found = covariance(returns, estimator).matrix
    least = np.linalg.eigvalsh(found)[0]
    assert np.abs(found - found.T).max() == 0.0
    if estimator in ("ledoit_wolf", "oas"):
        assert least > 1e-2 * np.diag(found).mean()
    else:
        assert abs(least) < 1e-12 * np.diag(found).sum()
    assert found[7, 7] == pytest.approx(found[30, 30], rel=1e-14)


@EXAMPLES
@given(
    seed=st.integers(0, 2**32 - 1),
    estimator=st.sampled_from(ESTIMATORS),
    missing=st.sampled_from([0.0, 0.1, 0.6]),
)
def test_always_symmetric_semidefinite_and_whatever_the_order(seed, estimator, missing):
    rng = np.random.default_rng(seed)
    returns = walk(int(rng.integers(3, 60)), int(rng.integers(1, 12)), seed)
    returns[rng.random(returns.shape) < missing] = NAN
    found = covariance(returns, estimator)
    matrix = found.matrix
    assert len(found.kept) + len(found.dropped) == returns.shape[1]
    assert (matrix == matrix.T).all() and (np.diag(matrix) > 0).all()
    if len(matrix):
        assert np.linalg.eigvalsh(matrix)[0] >= -1e-12 * np.trace(matrix)
    way = rng.permutation(returns.shape[1])
    turned = covariance(returns[:, way], estimator)
    assert sorted(way[turned.kept].tolist()) == found.kept.tolist()
    back = np.argsort(way[turned.kept])
    assert turned.matrix[np.ix_(back, back)] == pytest.approx(matrix, rel=1e-9, abs=1e-16)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_same_bytes_again_on_one_thread_and_on_two(estimator):
    returns = walk(252, 120)
    made = []
    for threads in (1, 2, 1):
        with threadpool_limits(limits=threads):
            made.append(covariance(returns, estimator).matrix.tobytes())
    assert made[0] == made[2]
    assert np.frombuffer(made[1]) == pytest.approx(np.frombuffer(made[0]), rel=1e-12, abs=1e-18)


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ({"estimator": "ledoitwolf"}, "ledoitwolf"),
        ({"halflife": 0.0}, "halflife 0"),
        ({"halflife": NAN}, "halflife nan"),
        ({"min_history": 1}, "min_history 1"),
    ],
)
def test_what_cannot_be_estimated_is_refused(how, named):
    with pytest.raises(ConfigError, match=named) as refused:
        covariance(walk(), **how)
    assert len(str(refused.value).splitlines()) <= 3
