"""Break-even costs and the figures around them: by hand, and put back in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers import cost_break_even as b
from analyzers.costs import reprice

DATES = pd.date_range("2020-01-01", periods=4, name="date")
NO_CARRY = pd.DataFrame({"date": DATES[:0], "symbol": [], "kind": [], "amount": []})


def book(values: list[float], costs: list[tuple[float, float]], traded: float = 100.0):
    """Values, and one fill a date from the first on that trades `traded` and costs the pairs."""
    rows = [
        (DATES[k], "A", "rebalance", traded / 10.0, 10.0, commission, slippage)
        for k, (commission, slippage) in enumerate(costs)
    ]
    columns = ["date", "symbol", "reason", "size", "price", "commission", "slippage"]
    index = DATES[: len(values)]
    return pd.DataFrame({"value": values}, index=index), pd.DataFrame(rows, columns=columns)


def basis(cash: float = 1000.0) -> b.CostBasis:
    return b.CostBasis(1000.0, cash, 4)


def test_break_even_by_hand() -> None:
    # 1040 at the end after 8 of costs on 200 traded: 40 more could be paid, 48 in all, which is
    # 6 times 8. 8 of 200 are 400 bps, so 2400 bps break even.
    values, fills = book([997, 1000, 1010, 1040], [(1.0, 2.0), (4.0, 1.0)])
    even = b.break_even(values, fills, basis())
    assert (even.scale, even.verdict) == (6.0, b.BREAKS_EVEN)
    assert even.realised_bps == pytest.approx(400.0, rel=1e-12)
    assert even.bps == pytest.approx(2400.0, rel=1e-12)
    assert reprice(values, fills, even.scale).iloc[-1] == pytest.approx(1000.0, rel=1e-12)


def test_idle_cash_that_earns_is_what_must_be_beaten() -> None:
    # Cash comes to 1020: 20 more could be paid on top of 8, 28 in all, 3.5 times.
    values, fills = book([997, 1000, 1010, 1040], [(1.0, 2.0), (4.0, 1.0)])
    assert b.break_even(values, fills, basis(1020.0)).scale == 3.5


def test_a_book_that_loses_with_its_costs_breaks_even_below_them() -> None:
    # 996 after 8: free of cost 1004. Half of the costs leave 1000.
    values, fills = book([997, 1000, 1010, 996], [(1.0, 2.0), (4.0, 1.0)])
    assert b.break_even(values, fills, basis()).scale == 0.5


@pytest.mark.parametrize("final", [992.0, 900.0])
def test_a_book_that_loses_free_of_cost_has_none(final: float) -> None:
    values, fills = book([997, 1000, 1010, final], [(1.0, 2.0), (4.0, 1.0)])
    even = b.break_even(values, fills, basis())
    assert even.verdict == b.LOSES_FREE and np.isnan(even.scale) and np.isnan(even.bps)


def test_a_book_that_paid_nothing_has_none() -> None:
    values, fills = book([997, 1000, 1010, 1040], [(0.0, 0.0)])
    even = b.break_even(values, fills, basis())
    assert even.verdict == b.NOTHING_PAID and even.realised_bps == 0.0
    even = b.break_even(values, fills[:0], basis())
    assert even.verdict == b.NOTHING_PAID and np.isnan(even.realised_bps)


def test_a_delisting_is_no_traded_value() -> None:
    values, fills = book([997, 1000, 1010, 1040], [(1.0, 2.0), (4.0, 1.0), (0.0, 0.0)])
    fills.loc[2, "reason"] = "delisting"
    assert b.break_even(values, fills, basis()).realised_bps == pytest.approx(400.0)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.lists(st.floats(500, 2000), min_size=4, max_size=4),
    st.lists(st.tuples(st.floats(0.01, 9), st.floats(0.01, 9)), min_size=1, max_size=4),
    st.floats(900, 1100),
)
def test_put_back_in_it_gives_what_cash_does(values, costs, cash) -> None:
    frame, fills = book(values, costs)
    even = b.break_even(frame, fills, basis(cash))
    free = frame["value"].iloc[-1] + sum(map(sum, costs))
    assert (even.verdict == b.BREAKS_EVEN) == (free > cash)
    if even.verdict == b.BREAKS_EVEN:
        figures = b.reprice_figures(frame, fills, NO_CARRY, even.scale, basis(cash))
        assert figures["final_value"] == pytest.approx(cash, rel=1e-12)
        # Three days: a year's power of 122 enlarges the last digit.
        assert abs(figures["return_over_cash"]) < 1e-9


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.lists(st.floats(500, 2000), min_size=4, max_size=4),
    st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), min_size=1, max_size=4),
)
def test_drag_never_falls_with_the_scale_and_adds_up(values, costs) -> None:
    frame, fills = book(values, costs)
    rows = [b.reprice_figures(frame, fills, NO_CARRY, s, basis()) for s in (0, 0.5, 1, 2, 4)]
    drags, finals = ([row[name] for row in rows] for name in ("drag_bps", "final_value"))
    assert all(low <= high for low, high in zip(drags, drags[1:]))
    assert all(high <= low for low, high in zip(finals, finals[1:]))
    for row in rows:
        parts = row["commission_bps"] + row["slippage_bps"] + row["carry_bps"]
        assert parts == pytest.approx(row["drag_bps"], abs=1e-9)
        gap = 1e4 * (row["gross_annual"] - row["net_annual"])
        assert gap == pytest.approx(row["drag_bps"], abs=1e-6)


def test_cost_figures_by_hand() -> None:
    # Four sessions of a 4-session year: mean NAV is the year's. Paid: 5 commission, 3 slippage,
    # 2 borrow; mean NAV 1010, profit 40.
    values, fills = book([980, 1000, 1020, 1040], [(1.0, 2.0), (4.0, 1.0)])
    carry = pd.DataFrame({"date": DATES[2:3], "symbol": "A", "kind": "borrow", "amount": [-2.0]})
    row = b.cost_figures(values["value"], fills, carry, basis(1010.0))
    assert list(row) == list(b.COST_FIGURES)
    assert row["commission_bps"] == pytest.approx(1e4 * 5 / 1010)
    assert row["slippage_bps"] == pytest.approx(1e4 * 3 / 1010)
    assert row["carry_bps"] == pytest.approx(1e4 * 2 / 1010)
    assert row["net_annual"] == pytest.approx(40 / 1010)
    assert row["gross_annual"] == pytest.approx(50 / 1010)
    assert row["turnover_traded_annual"] == pytest.approx(200 / 1010)
    growth = 365.25 / 3
    assert row["return_over_cash"] == pytest.approx(1.04**growth - 1.01**growth)


def test_a_ruined_account_has_no_growth() -> None:
    values, fills = book([500.0, -10.0, -10.0, -10.0], [(1.0, 2.0)])
    row = b.cost_figures(values["value"], fills, NO_CARRY, basis())
    assert np.isnan(row["cagr"]) and np.isnan(row["return_over_cash"])
    assert row["final_value"] == -10.0


def test_root_of_a_line_and_of_a_staircase() -> None:
    calls = []

    def line(scale: float) -> float:
        calls.append(scale)
        return 0.06 - 0.01 * scale

    scale, left = b.root_scale(line, 2.0, 1e-9)
    assert scale == pytest.approx(6.0, abs=1e-6) and abs(left) <= 1e-9
    assert len(calls) <= 8
    stairs = b.root_scale(lambda s: 0.05 - 0.01 * np.floor(10 * s) / 10, 1.0, 1e-12)
    assert stairs[0] == pytest.approx(5.0, abs=0.11) and abs(stairs[1]) <= 0.0011


def test_root_where_there_is_none() -> None:
    assert np.isnan(b.root_scale(lambda scale: -0.01, 1.0, 1e-9)).all()
    assert np.isnan(b.root_scale(lambda scale: 0.01, 1.0, 1e-9)).all()


def test_root_beyond_which_the_account_is_ruined() -> None:
    # Known up to a scale of 3 only, where 0.01 is left: the root is the edge of ruin.
    scale, left = b.root_scale(lambda s: 0.04 - 0.01 * s if s < 3 else np.nan, 1.0, 1e-9, 40)
    assert scale == pytest.approx(3.0, abs=1e-4) and 0.0099 < left < 0.0101
