"""The same fills at other costs: by hand, and against a ledger run again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers import costs as c
from feeds.errors import DataError

DATES = pd.date_range("2020-01-01", periods=4, name="date")


def ledger(fills: pd.DataFrame, scale: float = 1.0) -> pd.DataFrame:
    """Values of 1000 in cash and the fills' units, marked at their reference price for ever.

    Each fill pays its commission and slippage times `scale`, at the reference price apart.
    """
    cash, held, rows = 1000.0, 0.0, []
    for number, date in enumerate(DATES):
        mark = 10.0 + number
        for fill in fills[fills["date"] == date].to_dict("records"):
            cash -= fill["size"] * mark + scale * (fill["commission"] + fill["slippage"])
            held += fill["size"]
        rows.append(cash + held * mark)
    return pd.DataFrame({"value": rows}, index=DATES)


def make_fills(sizes: list[float], costs: list[tuple[float, float]]) -> pd.DataFrame:
    """One fill a date from the first on; slippage is in the price, over 10, 11, ..."""
    rows = []
    for number, (size, (commission, slippage)) in enumerate(zip(sizes, costs)):
        price = 10.0 + number + (slippage / size if size else 0.0)
        rows.append((DATES[number], "A", "rebalance", size, price, commission, slippage))
    columns = ["date", "symbol", "reason", "size", "price", "commission", "slippage"]
    return pd.DataFrame(rows, columns=columns)


def test_reprice_by_hand() -> None:
    # Costs of 3 on the first date and 5 on the third. Free of them the book is worth 3, 3, 8, 8
    # more; at twice the cost 3, 3, 8, 8 less.
    fills = make_fills([10.0, 0.0, -5.0], [(1.0, 2.0), (0.0, 0.0), (4.0, 1.0)])
    values = pd.DataFrame({"value": [997.0, 1000, 1010, 1020]}, index=DATES)
    assert c.reprice(values, fills, 0.0).tolist() == [1000, 1003, 1018, 1028]
    assert c.reprice(values, fills, 1.0).tolist() == values["value"].tolist()
    assert c.reprice(values, fills, 2.0).tolist() == [994, 997, 1002, 1012]


@settings(derandomize=True, max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-20, 20).filter(lambda x: abs(x) > 0.1), min_size=3, max_size=3),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5)), min_size=3, max_size=3),
    st.sampled_from([0.0, 0.5, 1.0, 2.0, 4.0]),
)
def test_reprice_equals_a_ledger_that_pays_the_scaled_cost(
    sizes: list[float], costs: list[tuple[float, float]], scale: float
) -> None:
    fills = make_fills(sizes, costs)
    found = c.reprice(ledger(fills), fills, scale)
    np.testing.assert_allclose(found, ledger(fills, scale)["value"], atol=1e-9)


def test_cost_table_by_hand() -> None:
    # Four sessions of a 4-session year. Bought 10 at 10.2 (2 of slippage in it): 102 traded.
    fills = make_fills([10.0], [(1.0, 2.0)])
    values = ledger(fills)  # 997, 1007, 1017, 1027: mean 1012
    assert values["value"].tolist() == [997, 1007, 1017, 1027]
    table = c.cost_table(values, fills, starting_cash=1000.0, periods_per_year=4)
    assert table.columns.tolist() == list(c.COST_COLUMNS)
    assert table["scale"].tolist() == [0.0, 0.5, 1.0, 2.0, 4.0]
    assert set(table["method"]) == {"re-priced"}
    assert table["final_value"].tolist() == [1030, 1028.5, 1027, 1024, 1018]
    mean = np.array([1015, 1013.5, 1012, 1009, 1003])
    paid = np.array([0, 1.5, 3, 6, 12])
    np.testing.assert_allclose(table["cost_annual"], paid / mean, rtol=1e-12)
    np.testing.assert_allclose(table["turnover_traded_annual"], 102 / mean, rtol=1e-12)
    np.testing.assert_allclose(table["cagr"], (table["final_value"] / 1000) ** (365.25 / 3) - 1)
    # Free: 0, then +1 % thrice (10/1000, 10/1010, 10/1020), never a loss.
    assert table["max_drawdown"].tolist() == pytest.approx([0, -0.0015, -0.003, -0.006, -0.012])
    returns = np.array([-0.003, 10 / 997, 10 / 1007, 10 / 1017])
    assert table["volatility"][2] == pytest.approx(returns.std(ddof=1) * 2)
    assert table["sharpe"][2] == pytest.approx(returns.mean() / returns.std(ddof=1) * 2)


def test_row_of_a_re_run_reads_its_own_fills() -> None:
    fills = make_fills([10.0], [(2.0, 4.0)])
    given_ = {"starting_cash": 1000.0, "periods_per_year": 4}
    row = c.cost_row("re-run", 2.0, ledger(fills)["value"], fills, **given_)
    assert (row["method"], row["scale"]) == ("re-run", 2.0)
    assert row["cost_annual"] == pytest.approx(6 / 1009)
    assert row["final_value"] == 1024


def test_a_book_that_costs_ruin_has_no_growth_rate() -> None:
    fills = make_fills([10.0], [(300.0, 0.0)])
    table = c.cost_table(ledger(fills), fills, starting_cash=1000.0, periods_per_year=4)
    assert table["final_value"][4] == pytest.approx(1030 - 1200)
    assert np.isnan(table["cagr"][4])
    assert np.isfinite(table["cagr"][:4]).all()


def test_nothing_traded_and_nothing_at_all() -> None:
    fills = make_fills([], [])
    values = pd.DataFrame({"value": [1000.0, 1010, 1000, 1020]}, index=DATES)
    table = c.cost_table(values, fills, starting_cash=1000.0, periods_per_year=252)
    assert table["sharpe"].nunique() == 1 and (table["cost_annual"] == 0).all()
    empty = c.cost_table(values[:0], fills, starting_cash=1000.0, periods_per_year=252)
    assert (empty["final_value"] == 1000).all() and empty["cagr"].isna().all()


def test_mistakes_are_named() -> None:
    fills = make_fills([10.0], [(1.0, 2.0)])
    values = ledger(fills)
    with pytest.raises(DataError, match="scale -1"):
        c.reprice(values, fills, -1.0)
    with pytest.raises(DataError, match="fills on 2020-01-01, a date without a value"):
        c.reprice(values[1:], fills, 2.0)
