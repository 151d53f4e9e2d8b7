"""Factor portfolios of each sleeve, and their streams of returns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factors.holdings import holding_returns
from strategies.factor_books import (
    Exposure,
    drifted_books,
    exposure_streams,
    factor_books,
    present_returns,
)
from strategies.portfolio_rules import PortfolioRules

STOCKS = np.array(["equity"] * 4)
MIXED = np.array(["equity", "equity", "crypto", "equity", "equity", "crypto"])
ALL = np.ones((1, 4), dtype=bool)
UNKNOWN = np.full((1, 4), np.nan)


def rules(**given) -> PortfolioRules:
    usual = {"side": "long_short", "quantile": 0.25, "min_breadth": 4}
    return PortfolioRules(**(usual | given))


def test_each_factor_has_its_own_long_short_portfolio():
    scores = {"a": np.array([[4.0, 3.0, 2.0, 1.0]]), "b": np.array([[1.0, 4.0, 2.0, 3.0]])}
    exposures, books = factor_books(scores, ALL, ALL, UNKNOWN, STOCKS, rules())
    assert [exposure.label for exposure in exposures] == ["all:a", "all:b"]
    # A quarter of four is one a side, half of the unit each.
    assert books[0].tolist() == [[0.5, 0.0, 0.0, -0.5], [-0.5, 0.5, 0.0, 0.0]]


def test_a_long_only_book_has_the_long_sides():
    scores = {"a": np.array([[4.0, 3.0, 2.0, 1.0]])}
    _, books = factor_books(
        scores, ALL, ALL, UNKNOWN, STOCKS, rules(side="long_only", quantile=0.5)
    )
    assert books[0].tolist() == [[0.5, 0.5, 0.0, 0.0]]


def test_only_ranked_assets_are_in_a_portfolio():
    scores = {"a": np.array([[4.0, 3.0, 2.0, 1.0]])}
    ranked = np.array([[False, True, True, True]])
    _, books = factor_books(scores, ranked, ALL, UNKNOWN, STOCKS, rules(min_breadth=3))
    assert books[0].tolist() == [[0.0, 0.5, 0.0, -0.5]]


def mixed(thin: str, side: str = "long_short", trend=(0.0, 0.0, 0.3, 0.0, 0.0, -0.2)):
    scores = {"a": np.array([[4.0, 3.0, 9.0, 2.0, 1.0, 8.0]])}
    known = np.ones((1, 6), dtype=bool)
    given = rules(sleeves={"equity": 0.9, "crypto": 0.1}, thin_sleeve=thin, side=side)
    return factor_books(scores, known, known, np.array([trend]), MIXED, given)


def test_a_thin_sleeve_has_a_book_of_its_own_trends():
    exposures, books = mixed("trend")
    assert exposures == (Exposure("equity", "a"), Exposure("crypto", "trend", is_own=True))
    # Two coins, one up and one down, are half of the unit each.
    assert books[0].tolist() == [[0.5, 0, 0, 0, -0.5, 0], [0, 0, 0.5, 0, 0, -0.5]]


def test_a_long_only_book_holds_what_rises_whole():
    exposures, books = mixed("trend", "long_only")
    assert books[0, 1].tolist() == [0, 0, 1.0, 0, 0, 0]


def test_a_thin_sleeve_may_hold_all_or_nothing():
    exposures, books = mixed("long_only")
    assert exposures[1].label == "crypto:long_only"
    assert books[0, 1].tolist() == [0, 0, 0.5, 0, 0, 0.5]
    for thin in ("cash", "redistribute"):
        assert [exposure.sleeve for exposure in mixed(thin)[0]] == ["equity"]


def test_an_unknown_trend_is_not_held():
    _, books = mixed("trend", trend=(0, 0, np.nan, 0, 0, -0.2))
    assert books[0, 1].tolist() == [0, 0, 0, 0, 0, -1.0]
    exposures, _ = mixed("trend", trend=(0, 0, np.nan, 0, 0, np.nan))
    assert len(exposures) == 1


def test_a_factor_without_breadth_or_differences_is_missing_on_that_row_only():
    narrow = [np.nan, 3.0, 2.0, 1.0]
    scores = {
        "narrow": np.array([narrow, [4.0, 3.0, 2.0, 1.0]]),
        "tied": np.array([[4.0, 3.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0]]),
    }
    known = np.ones((2, 4), dtype=bool)
    trend = np.full((2, 4), np.nan)
    _, books = factor_books(scores, known, known, trend, STOCKS, rules())
    assert books.any(axis=2).tolist() == [[False, True], [True, False]]


def test_nothing_to_hold_at_all():
    exposures, books = factor_books({"a": UNKNOWN}, ALL, ALL, UNKNOWN, STOCKS, rules())
    assert exposures == () and books.shape == (1, 0, 4)


def test_a_stream_is_the_book_as_it_was_rebalanced():
    marks = np.array([[10.0, 10.0], [10.0, 10.0], [11.0, 10.0], [11.0, 12.0], [11.0, 12.0]])
    books = np.zeros((2, 1, 2))
    books[0, 0], books[1, 0] = [0.5, -0.5], [-0.5, 0.5]
    # Decided in row 0, entered at the close of row 1: row 2 earns 0.5 x 10 % = 5 %. The second
    # is decided in row 1, entered at the close of row 2: row 3 earns 0.5 x 20 % = 10 %.
    streams = exposure_streams(marks, np.array([0, 1]), books)[:, 0]
    assert np.isnan(streams[:2]).all()
    assert streams[2:].tolist() == pytest.approx([0.05, 0.10, 0.0])


def test_a_stream_is_unknown_while_its_exposure_is_missing():
    marks = np.array([[10.0], [10.0], [11.0], [12.0], [13.0], [14.0]])
    books = np.array([[[1.0]], [[0.0]], [[1.0]]])
    # Held from the close of row 1 to that of 3, and again from that of row 4.
    streams = exposure_streams(marks, np.array([0, 2, 3]), books)[:, 0]
    assert np.isfinite(streams).tolist() == [False, False, True, True, False, True]


def test_a_portfolio_that_lost_everything_starts_anew_at_the_next_entry():
    marks = np.array([[10.0], [10.0], [25.0], [20.0], [20.0], [18.0]])
    books = np.array([[[-1.0]], [[-1.0]]])
    # Short one unit from 10: at 25 it has lost 150 %. Entered again at the close of row 4, at
    # 20: 18 is a gain of 10 %.
    streams = exposure_streams(marks, np.array([0, 3]), books)[:, 0]
    assert streams[2:].tolist() == pytest.approx([-1.0, 0.0, 0.0, 0.1])


def test_a_portfolio_worth_nothing_holds_nothing():
    # Short one unit from 10: at 20 its value is exactly zero.
    weights, returns = drifted_books(np.array([[10.0], [20.0], [15.0]]), np.array([[-1.0]]))
    assert weights[:, 0, 0].tolist() == [-1.0, 0.0, 0.0]
    assert returns[:, 0].tolist() == [-1.0, 0.0]


def test_streams_agree_with_the_returns_of_costless_books():
    rng = np.random.default_rng(3)
    marks = 10 * np.exp(rng.normal(0, 0.02, (60, 6)).cumsum(axis=0))
    marks[:20, 2] = np.nan
    rows = np.arange(2, 60, 7)
    books = rng.normal(size=(len(rows), 3, 6)) / 6
    streams = exposure_streams(marks, rows, books)
    for number in range(3):
        expected = holding_returns(marks, rows, books[:, number])[4:]
        np.testing.assert_allclose(streams[4:, number], expected, rtol=0, atol=1e-14)


def test_streams_do_not_look_ahead():
    rng = np.random.default_rng(7)
    marks = 10 * np.exp(rng.normal(0, 0.02, (40, 5)).cumsum(axis=0))
    rows = np.arange(3, 40, 6)
    books = rng.normal(size=(len(rows), 2, 5))
    whole = exposure_streams(marks, rows, books)
    for cut in range(4, 40, 3):
        past = rows < cut
        part = exposure_streams(marks[:cut], rows[past], books[past])
        np.testing.assert_array_equal(part, whole[:cut])


def test_present_portfolios_over_sessions_already_past():
    returns = np.array([[0.10, 0.02, 0.0], [np.nan, 0.04, 0.0], [np.nan, np.nan, 0.01]])
    books = np.array([[0.5, -0.5, 0.0], [0.2, 0.0, 0.8], [0.6, 0.4, 0.0]])
    # 0.05 - 0.01; half is known: -0.02 / 0.5; nothing is known. Of the second: 0.02 + 0;
    # 0.8 is known: 0 / 0.8; 0.008 / 0.8. Of the third: 0.06 + 0.008; 0.4 known is too little.
    expected = [[0.04, 0.02, 0.068], [-0.04, 0.0, np.nan], [np.nan, 0.01, np.nan]]
    np.testing.assert_allclose(present_returns(returns, books), expected, atol=1e-15)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), side=st.sampled_from(["long_short", "long_only"]))
def test_books_are_units_and_blind_to_the_order_of_assets(seed, side):
    rng = np.random.default_rng(seed)
    known = rng.random((3, 12)) < 0.8
    classes = np.where(rng.random(12) < 0.3, "crypto", "equity")
    values = rng.integers(0, 6, (3, 12)).astype(float)
    trend = rng.normal(size=(3, 12))
    given_rules = rules(
        sleeves={"equity": 0.5, "crypto": 0.5}, side=side, min_breadth=int(rng.integers(2, 7))
    )
    order = rng.permutation(12)

    def made(columns):
        parts = (known[:, columns], known[:, columns], trend[:, columns], classes[columns])
        return factor_books({"a": values[:, columns]}, *parts, given_rules)

    exposures, books = made(np.arange(12))
    shuffled_exposures, shuffled = made(order)
    assert exposures == shuffled_exposures
    np.testing.assert_allclose(shuffled, books[:, :, order], atol=1e-15)
    own = np.array([exposure.is_own for exposure in exposures], dtype=bool)
    gross = np.abs(books).sum(axis=2)
    whole = np.isclose(gross, 1.0) | (gross == 0.0)
    if side == "long_only":
        assert whole.all() and (books >= 0).all()
    else:
        # Assets tied across both sides of a long-short portfolio cancel in part.
        assert whole[:, own].all() and (gross <= 1.0 + 1e-12).all()
        assert np.abs(books[:, ~own].sum(axis=2)).max(initial=0.0) < 1e-12
