"""Trusts, partnerships and second share classes, told by what they file and pay."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from factors.common_stock import distributing_vehicles, other_share_classes, payout_yield
from feeds.annual_rates import add_annual_rates
from feeds.errors import DataError

NAN = np.nan


def test_payout_yield_by_hand(make_panel) -> None:
    # 1 % on rows 63, 126, 189 and 252, and a spin-off of 30 % on row 200 that does not count.
    dividend = np.ones((330, 2))
    for row in (63, 126, 189, 252):
        dividend[row:, 0] *= 1.01
    dividend[200:, 0] *= 1.3
    panel = make_panel(np.full((330, 2), 10.0), calendar="XNYS", dividend_factor=dividend)
    found = payout_yield(panel, np.array([100, 251, 252, 314, 315]))
    # Row 100: one payment in 101 sessions, 0.01 x 252 / 101. The 252 sessions
    # up to row 314 begin with row 63, those up to row 315 after it.
    expected = [0.01 * 252 / 101, 0.03, 0.04, 0.04, 0.03]
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-12)
    assert found[:, 1].tolist() == [0] * 5


@pytest.fixture
def companies(make_panel):
    """A property trust, a bank, a mortgage trust, a partnership, a maker, an unknown one."""
    rows = 260
    shape = (rows, 6)
    dividend = np.ones(shape)
    for row in range(20, rows, 60):  # four payments in the last 252 sessions
        dividend[row:] *= 1.0 + np.array([0.01, 0.007, 0.025, 0.02, 0.02, 0.02])
    assets = [10e9, 100e9, 20e9, 10e9, 10e9, NAN]
    current = [NAN, NAN, NAN, 1e9, 2e9, NAN]
    return make_panel(
        np.full(shape, 10.0),
        calendar="XNYS",
        dividend_factor=dividend,
        book_equity=np.broadcast_to(np.array([5e9, 10e9, 3e9, 5e9, 5e9, 5e9]), shape),
        figures={
            "assets": np.broadcast_to(np.array(assets), shape),
            "current_assets": np.broadcast_to(np.array(current), shape),
        },
    )


def test_vehicles_by_hand(companies) -> None:
    rows = np.array([259])
    caps = np.full((1, 6), 10e9)
    revenue = np.array([[1e9, 5e9, 1e9, 6e9, 9e9, 1e9]])
    # Payouts a year: trust 4 %, bank 2.8 %, mortgage trust 10 %, the others 8 %: 0.8 billion.
    income = np.array([[0.2e9, 1e9, 1.5e9, 0.5e9, 1e9, 1e9]])
    found = distributing_vehicles(companies, rows, caps, income, revenue)
    # The trust: half equity, rents of a tenth of its assets. The bank: a tenth equity. The
    # mortgage trust: 15 % equity, but 10 % paid. The partnership pays 0.8 of 0.5 earned, 1.6
    # times; the maker 0.8 of 1.0.
    assert found.tolist() == [[True, False, True, True, False, False]]
    # What is not known tells nothing: no net income, no revenue.
    unknown = np.full((1, 6), NAN)
    found = distributing_vehicles(companies, rows, caps, unknown, unknown)
    assert found.tolist() == [[False, False, True, False, False, False]]


def test_vehicles_are_told_by_what_was_known(companies) -> None:
    caps, income = np.full((1, 6), 10e9), np.array([[0.2e9, 1e9, 1.5e9, 0.5e9, 1e9, 1e9]])
    told = set()
    for row in range(0, 260, 5):
        whole = distributing_vehicles(companies, np.array([row]), caps, income, income * 5)
        known = companies.as_of(row)
        again = distributing_vehicles(known, np.array([row]), caps, income, income * 5)
        assert again.tolist() == whole.tolist()
        told.add(tuple(whole[0].tolist()))
    assert len(told) > 1


def test_vehicles_need_balance_sheets(make_panel) -> None:
    nothing = np.full((1, 4), NAN)
    with pytest.raises(DataError, match="no book equity"):
        distributing_vehicles(make_panel(), np.array([5]), nothing, nothing, nothing)


def test_one_class_of_each_company_stays() -> None:
    # 0, 2 and 5 are one company, 2 trades most; 1 and 3 share their assets but not their books.
    assets = np.array([[7.0, 5, 7, 5, NAN, 7, NAN]])
    book = np.array([[3.0, 1, 3, 2, 3, 3, 3]])
    traded = np.array([[10.0, 1, 20, 1, 1, NAN, 1]])
    found = other_share_classes(assets, book, traded)
    assert found.tolist() == [[True, False, False, False, False, True, False]]
    # Each row by itself.
    twice = other_share_classes(
        np.vstack([assets, assets]),
        np.vstack([book, book + [0, 0, 1, 0, 0, 0, 0]]),
        np.vstack([traded, traded]),
    )
    assert twice[1].tolist() == [False] * 5 + [True, False]


def test_annual_rates_by_hand() -> None:
    table = pd.DataFrame(
        {
            "symbol": ["A", "A", "B", "A", "A", "A"],
            "net_income": [10.0, 12, 5, NAN, 40, 14],
            "months": [3, 3, NAN, 3, 12, 3],
        }
    )
    found = add_annual_rates(table, ["net_income"])["net_income_annual"]
    # A: 40; (40 + 48) / 2; -; (40 + 48 + 40) / 3; (40 + 48 + 40 + 56) / 4. B: 5 x 4 for a quarter.
    np.testing.assert_allclose(found, [40, 44, 20, NAN, 128 / 3, 46])
    last = add_annual_rates(table, ["net_income"], filings_back=1)["net_income_annual"]
    np.testing.assert_allclose(last, [40, 48, 20, NAN, 40, 56])


def test_annual_rates_need_their_columns() -> None:
    table = pd.DataFrame({"symbol": ["A"], "net_income": [1.0]})
    with pytest.raises(DataError, match="months"):
        add_annual_rates(table, ["net_income"])
    with pytest.raises(DataError, match="a filing or more"):
        add_annual_rates(table.assign(months=3), ["net_income"], filings_back=0)
