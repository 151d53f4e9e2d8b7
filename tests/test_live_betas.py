"""Betas by the hour, through gaps, against slopes of an independent method."""

from __future__ import annotations

import numpy as np
import pytest

from feeds.panel import Panel
from feeds.universe import eligible_through_gaps
from strategies.portfolio_rules import CovarianceRules, NeutralRules, PortfolioRules
from strategies.targets import Signals, TargetMaker
from tests.hours_case import panel_of_hours

ROWS, COINS, LOOKBACK = 40, 5, 30


def prices_with_gaps(gaps: dict[int, range]) -> np.ndarray:
    rng = np.random.default_rng(3)
    moves = 0.005 * rng.normal(size=(ROWS, COINS)) + 0.006 * rng.normal(size=(ROWS, 1))
    close = 100.0 * np.exp(np.cumsum(moves, axis=0))
    for column, rows in gaps.items():
        close[list(rows), column] = np.nan
    return close


def maker_of(panel: Panel, row: int) -> TargetMaker:
    eligible = panel.tradable
    members = eligible_through_gaps(panel, eligible, np.array([row]), 10)
    scores = np.zeros((1, COINS))
    signals = Signals(np.array([row]), eligible[[row]], scores, scores, market_members=members)
    rules = PortfolioRules(
        neutral=NeutralRules(beta=0.01),
        covariance=CovarianceRules(lookback=LOOKBACK, min_history=5),
    )
    return TargetMaker(panel, signals, rules)


def slopes(close: np.ndarray, row: int, members: list[int]) -> np.ndarray:
    """Returns from one bar to the next alone, on the mean of half of the members or more."""
    pairs = close[row - LOOKBACK : row + 1]
    returns = pairs[1:] / pairs[:-1] - 1.0
    found = []
    for column in range(COINS):
        own, other = [], []
        for one in returns:
            known = [one[at] for at in members if np.isfinite(one[at])]
            if 2 * len(known) >= len(members) and np.isfinite(one[column]):
                own.append(one[column])
                other.append(np.mean(known))
        found.append(np.polyfit(other, own, 1)[0])
    return np.array(found)


@pytest.mark.parametrize(
    "gaps",
    [
        {},
        {1: range(20, 26)},
        {1: range(36, 40), 2: range(38, 40)},
        {0: range(20, 25), 1: range(20, 25), 2: range(21, 26)},
    ],
)
def test_a_return_over_a_gap_is_none_and_half_of_a_market_is_one(gaps):
    close = prices_with_gaps(gaps)
    found = maker_of(panel_of_hours(close), ROWS - 1).betas(0, np.arange(COINS))
    assert found == pytest.approx(slopes(close, ROWS - 1, list(range(COINS))), rel=1e-9)


def test_what_was_missed_for_long_is_no_part_of_the_market():
    close = prices_with_gaps({4: range(28, 40)})
    found = maker_of(panel_of_hours(close), ROWS - 1).betas(0, np.arange(COINS))
    assert found == pytest.approx(slopes(close, ROWS - 1, [0, 1, 2, 3]), rel=1e-9)


def test_nothing_after_the_row_is_read():
    close = prices_with_gaps({1: range(20, 26)})
    before = maker_of(panel_of_hours(close), 34).betas(0, np.arange(COINS))
    close[35:] *= 3.0
    assert (
        maker_of(panel_of_hours(close), 34).betas(0, np.arange(COINS)).tolist() == before.tolist()
    )
