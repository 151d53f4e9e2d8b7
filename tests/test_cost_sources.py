"""Where costs come from: by hand, and parts that add up to the total in every dimension."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.cost_sources import (
    FACTOR_DIMENSIONS,
    charges_of,
    cost_sources,
    factor_shares,
    waterfall,
)

DATES = pd.date_range("2020-12-29", periods=6, name="date")
CLASSES = {"A": "equity", "B": "crypto"}


def make_fills(rows: list[tuple]) -> pd.DataFrame:
    """(date number, symbol, size, commission, slippage), decided a day before."""
    return pd.DataFrame(
        {
            "date": [DATES[row[0]] for row in rows],
            "decision_date": [DATES[row[0]] - pd.Timedelta(days=1) for row in rows],
            "symbol": [row[1] for row in rows],
            "size": [row[2] for row in rows],
            "commission": [row[3] for row in rows],
            "slippage": [row[4] for row in rows],
        }
    )


def make_carry(rows: list[tuple]) -> pd.DataFrame:
    """(date number, symbol, kind, amount)."""
    return pd.DataFrame(
        {
            "date": pd.DatetimeIndex([DATES[row[0]] for row in rows]),
            "symbol": [row[1] for row in rows],
            "kind": [row[2] for row in rows],
            "amount": [float(row[3]) for row in rows],
        }
    )


FILLS = make_fills(
    [
        (0, "A", 10.0, 1.0, 2.0),  # A: long 10
        (0, "B", -4.0, 0.5, 0.5),  # B: short 4
        (2, "A", -25.0, 5.0, 10.0),  # A: 10 of 25 close the long, 15 open a short
        (4, "B", 4.0, 0.6, 0.0),  # B: closed
    ]
)
#: B pays borrow from the day after its fill on; A after it turned; cash earns.
CARRY = make_carry(
    [
        (1, "B", "borrow", -3.0),
        (3, "A", "borrow", -1.0),
        (3, "B", "borrow", -3.0),
        (4, "", "interest", 7.0),
    ]
)


def test_charges_by_hand() -> None:
    found = charges_of(FILLS, CARRY)
    said = {
        (row["symbol"], row["side"], row["action"]): (
            row["commission"],
            row["slippage"],
            row["carry"],
        )
        for row in found.to_dict("records")
        if row["action"] != "holding"
    }
    assert said == {
        ("A", "long", "entry"): (1.0, 2.0, 0.0),
        ("B", "short", "entry"): (0.5, 0.5, 0.0),
        ("A", "long", "exit"): (2.0, 4.0, 0.0),  # 10 of 25
        ("A", "short", "entry"): (3.0, 6.0, 0.0),  # 15 of 25
        ("B", "short", "exit"): (0.6, 0.0, 0.0),
    }
    held = found[found["action"] == "holding"]
    assert held["symbol"].tolist() == ["B", "A", "B", "cash"]
    assert held["side"].tolist() == ["short", "short", "short", "cash"]
    assert held["carry"].tolist() == [3.0, 1.0, 3.0, -7.0]


def test_carry_is_on_what_was_held_before_the_sessions_fills() -> None:
    # On day 2 A turns from long to short; carry booked on day 2 is of the long of day 1.
    carry = make_carry([(2, "A", "funding", -1.0), (3, "A", "funding", -1.0)])
    held = charges_of(FILLS, carry)
    assert held[held["action"] == "holding"]["side"].tolist() == ["long", "short"]


def test_a_closed_position_leaves_no_side_behind() -> None:
    # 0.1 + 0.2 - 0.3 is not zero: what is bought next is an entry and nothing else.
    fills = make_fills([(k, "A", size, 1.0, 0.0) for k, size in enumerate([0.1, 0.2, -0.3, 0.5])])
    found = charges_of(fills, CARRY[:0])
    assert found["action"].value_counts().to_dict() == {"entry": 3, "exit": 1}
    assert set(found["side"]) == {"long"}


def shares_of(names, rows=6, columns=2, seed=0) -> dict:
    rng = np.random.default_rng(seed)
    part = rng.normal(size=(len(names) - 2, rows, columns))
    part[:, 0, 1] = np.nan
    thin = np.zeros((rows, columns), dtype=bool)
    thin[3, 1] = True
    return {name: (names, factor_shares(part, thin)) for name in FACTOR_DIMENSIONS}


def sources(fills, carry, **given) -> pd.DataFrame:
    names = ["value", "momentum", "thin", "never ranked"]
    return cost_sources(
        charges_of(fills, carry),
        CLASSES,
        decisions=given.get("decisions", (DATES - pd.Timedelta(days=1)).to_numpy()),
        symbols=["A", "B"],
        shares=given.get("shares", shares_of(names)),
    )


def test_sources_by_hand() -> None:
    table = sources(FILLS, CARRY).set_index(["dimension", "part"])
    # Commission 7.1, slippage 12.5, carry 3 + 1 + 3 - 7 = 0: 19.6 in all.
    assert table.loc[("asset class", "equity"), "total"] == pytest.approx(19.0)  # 18 and 1 borrow
    assert table.loc[("asset class", "crypto"), "total"] == pytest.approx(7.6)  # 1.6 and 6
    assert table.loc[("asset class", "cash"), "total"] == pytest.approx(-7.0)
    assert table.loc[("side", "long"), "total"] == pytest.approx(9.0)  # 3 and 6
    assert table.loc[("side", "short"), "total"] == pytest.approx(17.6)  # 1 + 9 + 0.6 + 7
    assert table.loc[("action", "entry"), "total"] == pytest.approx(13.0)  # 3 + 1 + 9
    assert table.loc[("action", "exit"), "total"] == pytest.approx(6.6)
    assert table.loc[("action", "holding"), "total"] == pytest.approx(0.0)
    assert table.loc[("side and action", "long, exit"), "slippage"] == pytest.approx(4.0)
    assert table.loc[("year", "2020"), "total"] == pytest.approx(4.0 + 15.0 + 3.0)
    assert table.loc[("year", "2021"), "total"] == pytest.approx(0.6 + 4.0 - 7.0)
    assert table.loc[("asset", "A"), "share"] == pytest.approx(19.0 / 26.6)  # cash received


def test_factor_shares_by_hand() -> None:
    # Two factors, three decisions, three assets.
    parts = np.array(
        [
            [[0.3, np.nan, 0.0], [0.0, 0.2, np.nan], [np.nan, 0.1, np.nan]],
            [[-0.1, np.nan, 0.0], [0.5, -0.2, np.nan], [np.nan, 0.3, np.nan]],
        ]
    )
    thin = np.array([[False] * 3, [False] * 3, [False, True, False]])
    shares = factor_shares(parts, thin)
    assert shares.shape == (4, 3, 3)
    np.testing.assert_allclose(shares[:, 0, 0], [0.75, 0.25, 0, 0])
    np.testing.assert_allclose(shares[:, 1, 0], [0, 1, 0, 0])
    # Not ranked any more: what it was bought for.
    np.testing.assert_allclose(shares[:, 2, 0], [0, 1, 0, 0])
    np.testing.assert_allclose(shares[:, 0, 1], [0, 0, 0, 1])
    np.testing.assert_allclose(shares[:, 1, 1], [0.5, 0.5, 0, 0])
    np.testing.assert_allclose(shares[:, 2, 1], [0, 0, 1, 0])
    np.testing.assert_allclose(shares[:, :, 2].sum(axis=1), [0, 0, 0, 3])


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from("AB"),
            st.floats(-20, 20).filter(lambda size: abs(size) > 0.01),
            st.floats(0, 5),
            st.floats(0, 5),
        ),
        min_size=1,
        max_size=12,
    ),
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from(["A", "B", ""]),
            st.sampled_from(["borrow", "interest"]),
            st.floats(-5, 5),
        ),
        max_size=6,
    ),
)
def test_every_dimension_adds_up(rows, held) -> None:
    fills, carry = make_fills(sorted(rows, key=lambda row: row[0])), make_carry(held)
    paid = {
        "commission": fills["commission"].sum(),
        "slippage": fills["slippage"].sum(),
        "carry": -carry["amount"].sum(),
    }
    table = sources(fills, carry)
    assert set(FACTOR_DIMENSIONS) < set(table["dimension"])
    for _, part in table.groupby("dimension"):
        for kind, amount in paid.items():
            assert part[kind].sum() == pytest.approx(amount, abs=1e-9)
        assert part["total"].sum() == pytest.approx(sum(paid.values()), abs=1e-9)


def test_what_was_traded_before_the_first_decision_has_no_factor() -> None:
    table = sources(FILLS, CARRY, decisions=DATES[3:].to_numpy())
    part = table[table["dimension"] == FACTOR_DIMENSIONS[0]].set_index("part")["total"]
    # Fills decided before day 3 cost 3, 1 and 15; the borrow fee of day 1 is 3.
    assert part["never ranked"] >= 22.0
    assert part.sum() == pytest.approx(19.6)


def test_many_assets_are_fifteen_and_the_rest() -> None:
    symbols = [f"S{number:02d}" for number in range(20)]
    fills = make_fills([(0, name, 1.0, 1.0 + k, 0.0) for k, name in enumerate(symbols)])
    table = cost_sources(
        charges_of(fills, CARRY[:0]),
        dict.fromkeys(symbols, "equity"),
        decisions=DATES.to_numpy(),
        symbols=symbols,
        shares={},
    )
    part = table[table["dimension"] == "asset"]
    assert part["part"].tolist() == [f"S{k:02d}" for k in range(19, 4, -1)] + ["the other 5"]
    assert part["total"].iloc[-1] == 1 + 2 + 3 + 4 + 5


def test_waterfall_adds_up() -> None:
    # Net 26.4: paid 7.1 and 12.5, borrow 7, interest received 7: gross is 46.
    steps = waterfall(1026.4, 1000.0, FILLS, CARRY)
    assert steps["step"].tolist() == [
        "gross profit",
        "commission",
        "slippage",
        "borrow",
        "interest",
        "net profit",
    ]
    np.testing.assert_allclose(steps["amount"], [46.0, -7.1, -12.5, -7.0, 7.0, 26.4])
