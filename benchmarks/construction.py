"""Portfolio construction against the estimation of its covariance, in CPU seconds.

python -m benchmarks.construction [--assets 1000] [--decisions 120] [--lookback 252] [--json FILE]

A thousand assets from a factor model, weighed every month for ten years: the window of returns
up to each decision is handed to the Ledoit-Wolf estimator, and the matrix to every weighting in
turn. Risk parity should take no more than the estimation does. Imports and a first small case
are done before the clock starts; ``--threads`` limits those of the linear algebra.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.tables import aligned
from strategies.covariance import covariance
from strategies.mean_variance import expected_returns, mean_variance
from strategies.risk_weights import (
    equal_risk_contribution,
    hierarchical_risk_parity,
    inverse_volatility,
    minimum_variance,
    risk_contributions,
)

__all__ = ["Measured", "factor_returns", "main", "measure"]

#: What is measured against the estimation, and the most it may take of it.
PARITY, LIMIT = "equal_risk_contribution", 1.0
#: Sessions between decisions, and a year's.
_STEP, _YEAR = 21, 252
_WARM_UP = 40


@dataclasses.dataclass(frozen=True)
class Measured:
    """CPU of one stage over all decisions that took part.

    Parameters
    ----------
    stage : str
        ``ledoit_wolf``, or the name of a weighting.
    seconds : float
        CPU seconds a decision, mean.
    median : float
        Median likewise: what other work on the machine disturbs least.
    decisions : int
    gap : float
        Largest distance of a contribution from its budget, for risk parity; None for others.
    """

    stage: str
    seconds: float
    median: float
    decisions: int
    gap: float | None


def factor_returns(sessions: int, assets: int, seed: int) -> np.ndarray:
    """(sessions, assets) daily returns: a market, ten further factors, volatilities of 15-60 %."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0003, 0.01, (sessions, 1)) @ rng.uniform(0.5, 1.5, (1, assets))
    others = rng.normal(0.0, 0.004, (sessions, 10)) @ rng.normal(0.0, 1.0, (10, assets))
    return market + others + rng.normal(size=(sessions, assets)) * rng.uniform(0.008, 0.035, assets)


def _stages(assets: int, seed: int) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Each weighting as a function of a covariance by session."""
    names = np.array([f"A{number:05d}" for number in range(assets)])
    score = np.random.default_rng([seed, 1]).normal(size=assets)

    def on_scores(cov: np.ndarray) -> np.ndarray:
        year = cov * _YEAR
        expected = expected_returns(score, np.sqrt(np.diagonal(year)), 0.05)
        made = mean_variance(expected, year, risk_aversion=5.0, net=1.0, lower=0.0, upper=0.05)
        return made.weights

    return {
        "inverse_volatility": lambda cov: inverse_volatility(cov).weights,
        PARITY: lambda cov: equal_risk_contribution(cov).weights,
        "minimum_variance": lambda cov: minimum_variance(cov).weights,
        "minimum_variance, capped": lambda cov: minimum_variance(
            cov, upper=max(0.02, 2.0 / assets)
        ).weights,
        "hierarchical_risk_parity": lambda cov: hierarchical_risk_parity(cov, names).weights,
        "mean_variance, long only": on_scores,
    }


def measure(
    assets: int, decisions: int, lookback: int, seed: int, *, slow: int = 12
) -> list[Measured]:
    """Time the estimation and every weighting, in turns, on the same decisions.

    Parameters
    ----------
    assets, decisions, lookback, seed : int
    slow : int
        Decisions on which the weightings other than risk parity and inverse volatility take
        part, spread evenly.
    """
    returns = factor_returns(lookback + _STEP * (decisions - 1), assets, seed)
    stages = _stages(assets, seed)
    small = covariance(factor_returns(lookback, min(_WARM_UP, assets), seed)).matrix
    for weigh in _stages(len(small), seed).values():
        weigh(small)
    every = max(1, -(-decisions // slow))
    seconds: dict[str, list[float]] = {"ledoit_wolf": [], **{name: [] for name in stages}}
    gap = 0.0
    for number in range(decisions):
        window = returns[number * _STEP : number * _STEP + lookback]
        cov, took = _timed(lambda: covariance(window).matrix)
        seconds["ledoit_wolf"].append(took)
        for name, weigh in stages.items():
            if name in (PARITY, "inverse_volatility") or number % every == 0:
                weights, took = _timed(lambda: weigh(cov))
                seconds[name].append(took)
                if name == PARITY:
                    missed = np.abs(risk_contributions(weights, cov) - 1.0 / assets).max()
                    gap = max(gap, float(missed))
    return [
        Measured(
            name,
            float(np.mean(taken)),
            float(np.median(taken)),
            len(taken),
            gap if name == PARITY else None,
        )
        for name, taken in seconds.items()
    ]


def _timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    gc.collect()
    start = time.process_time()
    found = work()
    return found, time.process_time() - start


def table(results: Sequence[Measured]) -> str:
    """The figures, ready for a page."""
    base = results[0]
    rows = [
        (
            result.stage,
            str(result.decisions),
            f"{1e3 * result.seconds:.1f}",
            f"{1e3 * result.median:.1f}",
            f"{result.seconds / base.seconds:.2f}",
            "" if result.gap is None else f"{result.gap:.0e}",
        )
        for result in results
    ]
    head = ("stage", "decisions", "CPU ms", "median ms", "of the estimation", "gap")
    return aligned(head, rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where risk parity takes more CPU than the estimation."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.construction", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--assets", type=int, default=1000)
    parser.add_argument("--decisions", type=int, default=120)
    parser.add_argument("--lookback", type=int, default=252)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write one JSON object a line")
    given = parser.parse_args(argv)
    with threadpool_limits(limits=given.threads):
        results = measure(given.assets, given.decisions, given.lookback, given.seed)
    by_name = {result.stage: result for result in results}
    ratio = by_name[PARITY].seconds / results[0].seconds
    print(table(results))
    print(
        f"{given.assets} assets, {given.decisions} decisions of {given.lookback} sessions: risk "
        f"parity takes {ratio:.2f} of the CPU of its covariance, at most {LIMIT:g} is asked"
    )
    if given.json:
        lines = [json.dumps(dataclasses.asdict(result)) for result in results]
        given.json.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
