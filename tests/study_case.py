"""Made-up factor studies, the same each time."""

from __future__ import annotations

import functools

import numpy as np

from analyzers.factor_results import FactorResults
from analyzers.factor_study import StudyRules, study_factors

RULES = StudyRules(quantile=0.25, min_breadth=4, horizon=5, periods_per_year=252)
LABELS = {"oracle": "Oracle", "noise": "Noise (proxy: chance)"}


def make_study(sessions: int = 120) -> FactorResults:
    """Eight stocks and two coins; the oracle knows each five sessions' return."""
    rng = np.random.default_rng(8)
    dates = np.arange("2018-01-01", "2019-01-01", dtype="datetime64[D]")
    dates = dates[np.is_busday(dates)][:120]
    marks = 100 * np.cumprod(1 + rng.normal(0, 0.01, (120, 10)), axis=0)
    rows = np.arange(9, 120, 5)
    oracle = np.full((len(rows), 10), np.nan)
    inside = rows + 6 < 120
    oracle[inside] = marks[rows[inside] + 6] / marks[rows[inside] + 1] - 1
    noise = rng.normal(size=oracle.shape)
    noise[:3] = np.nan
    kept = rows < sessions
    return study_factors(
        {"oracle": oracle[kept], "noise": noise[kept]},
        {"crypto": np.arange(10) >= 8, "equity": np.arange(10) < 8},
        marks[:sessions],
        dates[:sessions],
        rows[kept],
        RULES,
        labels=LABELS,
        notes=["made up"],
    )


class FlatCharge:
    """Ten basis points of every trade, and one per cent a year on shorts."""

    def cost(self, entries: np.ndarray, columns: np.ndarray, trades: np.ndarray) -> np.ndarray:
        return np.nan_to_num(np.abs(trades)) * 1e-3

    def borrow_annual(self, columns: np.ndarray) -> np.ndarray:
        return np.full(len(columns), 0.01)


@functools.cache
def two_classes(
    factors: int = 3,
    sessions: int = 450,
    *,
    cut: int | None = None,
    names: tuple[str, ...] = (),
) -> FactorResults:
    """Twenty stocks and ten coins on weekly decisions; some factors rank, one is thin in coins.

    The first factor is called with markup that a page must escape. With `cut` only so many
    sessions are known, of the same prices and scores.
    """
    rng = np.random.default_rng(4)
    dates = np.arange("2015-01-01", "2021-01-01", dtype="datetime64[D]")
    dates = dates[np.is_busday(dates)][:sessions]
    risk = np.where(np.arange(30) < 20, 0.01, 0.04)
    steps = rng.normal(0.0003, risk, (sessions, 30))
    marks = 100 * np.cumprod(1 + np.maximum(steps, -0.5), axis=0)
    rows = np.arange(9, sessions, 5)
    ahead = np.full((len(rows), 30), np.nan)
    inside = rows + 6 < sessions
    ahead[inside] = marks[rows[inside] + 6] / marks[rows[inside] + 1] - 1
    scores, labels = {}, {}
    for number in range(factors):
        noise = rng.normal(size=ahead.shape) * risk
        column = names[number] if names else f"factor_{number}"
        scores[column] = 0.1 * (number % 3) * np.nan_to_num(ahead) + noise
        labels[column] = f"Factor {number} <i>" if number == 0 else f"Factor number {number}"
    scores[list(scores)[1]][:, 23:] = np.nan
    known = sessions if cut is None else cut
    kept = rows < known
    scores = {column: values[kept] for column, values in scores.items()}
    classes = {"crypto": np.arange(30) >= 20, "equity": np.arange(30) < 20}
    return study_factors(
        scores,
        classes,
        marks[:known],
        dates[:known],
        rows[kept],
        RULES,
        labels=labels,
        charge=FlatCharge(),
        name="Study of <two> & more",
        notes=["made up <b>"],
        command="python -m runs.factors",
    )
