"""Capacity: where a curve falls below a level, and how large tickets are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analyzers.cost_capacity import capacity_at, capacity_limits, participation

CAPITAL = np.array([1e5, 1e6, 1e7, 1e8])


def test_capacity_is_interpolated_in_the_logarithm() -> None:
    # From 0.06 at 1e6 to 0.02 at 1e7, 0.05 is a quarter of the way: 10^6.25.
    excess = np.array([0.08, 0.06, 0.02, -0.5])
    capital, note = capacity_at(CAPITAL, excess, 0.05)
    assert capital == pytest.approx(10**6.25) and note == "interpolated"
    assert capacity_at(CAPITAL, excess, 0.06)[0] == pytest.approx(1e6)


def test_levels_beyond_the_curve_are_said_to_be() -> None:
    excess = np.array([0.08, 0.06, 0.02, 0.01])
    assert capacity_at(CAPITAL, excess, 0.0)[1] == "above the largest capital shown"
    assert capacity_at(CAPITAL, excess, 0.09)[1] == "below the smallest capital shown"


def test_ruin_is_an_end() -> None:
    capital, note = capacity_at(CAPITAL, np.array([0.08, 0.06, np.nan, np.nan]), 0.04)
    assert capital == 1e7 and "ruined" in note


def test_limits_are_of_the_return_without_impact() -> None:
    curve = pd.DataFrame(
        {
            "model": ["a"] * 4,
            "capital": CAPITAL,
            "return_over_cash": [0.09, 0.06, 0.02, -0.02],
        }
    )
    half, nothing = capacity_limits(curve, 0.08).to_dict("records")
    # Half is 0.04, half of the way from 0.06 to 0.02; nothing is half of the way to -0.02.
    assert half["level"] == 0.04 and half["capital"] == pytest.approx(10**6.5)
    assert nothing["level"] == 0.0 and nothing["capital"] == pytest.approx(10**7.5)
    lost = capacity_limits(curve, -0.01)
    assert lost["capital"].isna().all() and lost["level"].isna().all()
    assert set(lost["note"]) == {"earns no more than cash without impact"}


def test_participation_by_hand() -> None:
    fills = pd.DataFrame(
        {
            "size": [10.0, -10.0, 10.0, -5.0],
            "price": [10.0, 20.0, 10.0, 10.0],
            "reason": ["rebalance", "rebalance", "rebalance", "delisting"],
        }
    )
    # Tickets of 100, 200 and 100; of a day's 1000, 500 and what is not known.
    found = participation(fills, np.array([1000.0, 500.0, np.nan, 10.0]))
    assert found["median"] == pytest.approx(0.25)  # of 0.1 and 0.4
    assert found["largest"] == pytest.approx(0.4)
    assert found["over_tenth"] == pytest.approx(0.5)  # 200 of 400
    assert found["unknown"] == pytest.approx(0.25)


def test_participation_where_nothing_is_known() -> None:
    fills = pd.DataFrame({"size": [10.0], "price": [10.0], "reason": ["rebalance"]})
    found = participation(fills, np.array([np.nan]))
    assert np.isnan(found["median"]) and found["unknown"] == 1.0
