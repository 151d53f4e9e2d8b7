"""Parity of weights with cvxpy (by another solver) and PyPortfolioOpt, in their own environment."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from strategies.mean_variance import LinearLimits, expected_returns, mean_variance
from strategies.risk_weights import (
    equal_risk_contribution,
    hierarchical_risk_parity,
    minimum_variance,
)

PEERS = Path(__file__).with_name("peers")
PYTHON = Path(os.environ.get("PEERS_PYTHON", PEERS.parents[1] / ".venv-peers/bin/python"))
#: Problems of each kind, and how near to each other the weights are.
COUNT, NEAR = 120, 1e-6

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.exists(), reason=f"{PYTHON} is absent: scripts/install_peers.sh makes it"
    ),
]


def random_covariance(rng: np.random.Generator) -> np.ndarray:
    """Annual; two to forty assets with a market in common."""
    count = int(rng.integers(2, 41))
    returns = rng.normal(size=(3 * count + 5, count)) + rng.normal(size=(3 * count + 5, 1))
    return np.cov((returns * rng.uniform(0.1, 0.5, count)).T)


def minimum_case(rng: np.random.Generator) -> dict[str, np.ndarray]:
    cov = random_covariance(rng)
    upper = np.minimum(1.0, rng.choice([1.2, 2.0, 50.0]) * rng.uniform(1.0, 1.5) / len(cov))
    return {"cov": cov, "upper": np.full(len(cov), upper)}


def mean_case(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Long only or long and short, with trading at a price, two sectors and a beta."""
    cov = random_covariance(rng)
    count = len(cov)
    long_only = rng.random() < 0.4
    cap = float(rng.choice([2.0, 5.0]) / count)
    gross = 1.0 if long_only else float(rng.choice([0.8, 1.0, 2.0]))
    sector = (np.arange(count) % 2 == 0).astype(float)
    beta = cov.mean(axis=1) / cov.mean()
    loose = 0.7 if long_only else 0.1
    return {
        "cov": cov,
        "expected": expected_returns(rng.normal(size=count), np.sqrt(np.diag(cov)), 0.05),
        "held": np.where(rng.random(count) < 0.5, rng.uniform(0, cap, count), 0.0),
        "risk_aversion": np.float64(rng.choice([1.0, 5.0, 20.0])),
        "turnover_penalty": rng.choice([0.0, 0.001, 0.01], count),
        "net": np.array([1.0, 1.0] if long_only else [-0.05, 0.05]),
        "max_gross": np.float64(gross),
        "lower": np.full(count, 0.0 if long_only else -cap),
        "upper": np.full(count, cap),
        "rows": np.vstack([sector, beta]),
        "rows_lower": np.array([-loose, -5.0 if long_only else -0.02]),
        "rows_upper": np.array([loose, 5.0 if long_only else 0.02]),
    }


def budget_case(rng: np.random.Generator) -> dict[str, np.ndarray]:
    cov = random_covariance(rng)
    budget = rng.uniform(0.2, 1.0, len(cov))
    return {"cov": cov, "budget": budget / budget.sum()}


CASES = {
    "minimum": minimum_case,
    "mean": mean_case,
    "equal": budget_case,
    "tree": lambda rng: {"cov": random_covariance(rng)},
}


@pytest.fixture(scope="module")
def problems() -> dict[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(20)
    return {f"{kind}/{n}": make(rng) for kind, make in CASES.items() for n in range(COUNT)}


@pytest.fixture(scope="module")
def theirs(problems, tmp_path_factory) -> dict[str, np.ndarray]:
    folder = tmp_path_factory.mktemp("cvxpy")
    arrays = {f"{key}/{name}": value for key, of in problems.items() for name, value in of.items()}
    np.savez(folder / "given.npz", **arrays)
    command = [str(PYTHON), str(PEERS / "cvxpy_peer.py"), "given.npz", "found.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads((folder / "found.json").read_text())
    return {key: np.array(value) for key, value in found.items()}


def ours(kind: str, of: dict[str, np.ndarray]) -> np.ndarray:
    if kind == "minimum":
        made = minimum_variance(of["cov"], upper=of["upper"])
    elif kind == "equal":
        made = equal_risk_contribution(of["cov"], budget=of["budget"])
    elif kind == "tree":
        made = hierarchical_risk_parity(of["cov"], np.arange(len(of["cov"])))
    else:
        rows = LinearLimits(["sector", "beta"], of["rows"], of["rows_lower"], of["rows_upper"])
        given = {name: of[name] for name in ("turnover_penalty", "lower", "upper")}
        made = mean_variance(
            of["expected"],
            of["cov"],
            of["held"],
            risk_aversion=float(of["risk_aversion"]),
            net=tuple(of["net"]),
            max_gross=float(of["max_gross"]),
            groups=rows,
            **given,
        )
        assert made.status == "solved"
    assert made.reports == ()
    return made.weights


@pytest.mark.parametrize("kind", CASES)
def test_weights_agree(kind, problems, theirs):
    gaps = {
        key: float(np.abs(ours(kind, of) - theirs[key]).max())
        for key, of in problems.items()
        if key.startswith(f"{kind}/")
    }
    assert len(gaps) == COUNT
    worst = max(gaps, key=gaps.get)
    assert gaps[worst] < NEAR, (worst, gaps[worst], sorted(gaps.values())[-5:])


def test_the_limits_of_the_problems_bind(problems):
    """Otherwise there would be nothing to agree about."""
    held = capped = gross = still = 0
    for key, of in problems.items():
        if key.startswith("mean/"):
            w = ours("mean", of)
            capped += bool((w >= of["upper"] - 1e-9).any())
            gross += np.abs(w).sum() >= of["max_gross"] - 1e-9
            still += bool((w == of["held"]).any())
            held += bool((np.abs(of["rows"] @ w - of["rows_upper"]) < 1e-9).any())
    assert min(held, capped, gross, still) >= 15, (held, capped, gross, still)
