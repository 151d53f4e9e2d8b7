"""Solve portfolio problems of a file by cvxpy, and trees by PyPortfolioOpt; write weights as JSON.

Called by `tests/test_construction_peers.py` with the Python of ``.venv-peers``; knows nothing of
the project. The solver is OSQP: not the one that the project calls.
"""

from __future__ import annotations

import json
import sys
import warnings

import cvxpy as cp
import numpy as np
import pandas as pd
from pypfopt.hierarchical_portfolio import HRPOpt
from scipy.cluster.hierarchy import linkage

EXACT = {"solver": "OSQP", "eps_abs": 1e-11, "eps_rel": 1e-11, "max_iter": 400_000}


def minimum_variance(of: dict[str, np.ndarray]) -> np.ndarray:
    scale = np.diag(of["cov"]).mean()
    w = cp.Variable(len(of["cov"]))
    limits = [cp.sum(w) == 1, w >= 0, w <= of["upper"]]
    cp.Problem(cp.Minimize(cp.quad_form(w, cp.psd_wrap(of["cov"] / scale))), limits).solve(**EXACT)
    return w.value


def mean_variance(of: dict[str, np.ndarray]) -> np.ndarray:
    w = cp.Variable(len(of["cov"]))
    risk = cp.quad_form(w, cp.psd_wrap(of["cov"])) * of["risk_aversion"] / 2
    trading = cp.sum(cp.multiply(of["turnover_penalty"], cp.abs(w - of["held"])))
    limits = [
        cp.sum(w) >= of["net"][0],
        cp.sum(w) <= of["net"][1],
        cp.norm1(w) <= of["max_gross"],
        w >= of["lower"],
        w <= of["upper"],
        of["rows"] @ w >= of["rows_lower"],
        of["rows"] @ w <= of["rows_upper"],
    ]
    goal = cp.Maximize(of["expected"] @ w - risk - trading)
    cp.Problem(goal, limits).solve(**EXACT)
    return w.value


def equal_risk(of: dict[str, np.ndarray]) -> np.ndarray:
    """Spinu's convex program by an interior point of exponential cones."""
    volatility = np.sqrt(np.diag(of["cov"]))
    y = cp.Variable(len(volatility), pos=True)
    correlation = of["cov"] / np.outer(volatility, volatility)
    goal = cp.quad_form(y, cp.psd_wrap(correlation)) / 2 - of["budget"] @ cp.log(y)
    tight = {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12}
    cp.Problem(cp.Minimize(goal)).solve(solver="CLARABEL", **tight)
    return y.value / volatility / (y.value / volatility).sum()


def tree(of: dict[str, np.ndarray]) -> np.ndarray:
    """The paper's clusters, ordered and halved by PyPortfolioOpt."""
    cov = pd.DataFrame(of["cov"])
    volatility = np.sqrt(np.diag(cov))
    correlation = of["cov"] / np.outer(volatility, volatility)
    distance = np.sqrt(np.clip((1 - correlation) / 2, 0, 1))
    np.fill_diagonal(distance, 0.0)
    order = HRPOpt._get_quasi_diag(linkage(distance, "single"))
    return HRPOpt._raw_hrp_allocation(cov, cov.index[order].tolist()).sort_index().to_numpy()


SOLVE = {
    "minimum": minimum_variance,
    "mean": mean_variance,
    "equal": equal_risk,
    "tree": tree,
}


def main(source: str, target: str) -> None:
    """Read arrays by ``kind/number/name``; write weights by ``kind/number``."""
    problems: dict[str, dict[str, np.ndarray]] = {}
    for key, value in np.load(source).items():
        problem, name = key.rsplit("/", 1)
        problems.setdefault(problem, {})[name] = value
    found = {key: SOLVE[key.split("/")[0]](of).tolist() for key, of in problems.items()}
    with open(target, "w", encoding="utf-8") as stream:
        json.dump(found, stream)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
