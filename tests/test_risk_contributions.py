"""Contributions to risk of the book that is held, and how far they are from their budgets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.risk_contributions import (
    contributions,
    held_exposures,
    prevailing_budgets,
    rebalance_contributions,
    rolling_contributions,
)
from analyzers.risk_gaps import exposure_label, gap_table, grouped, mean_absolute_gap

#: Two factors over three assets, and their covariance.
BOOKS = np.array([[0.5, -0.5, 0.0], [0.0, 0.0, 1.0]])
COVARIANCE = np.array([[4.0, 0.0, 1.0], [0.0, 4.0, 0.0], [1.0, 0.0, 9.0]])


def test_two_factors_and_three_assets_by_hand():
    # w = 0.8 a + 0.2 b = (0.4, -0.4, 0.2). S w = (1.8, -1.6, 2.2), w'Sw = 0.72 + 0.64 + 0.44 =
    # 1.8. Of a: 0.8 x (0.5 x 1.8 + 0.5 x 1.6) = 1.36; of b: 0.2 x 2.2 = 0.44.
    weights = 0.8 * BOOKS[0] + 0.2 * BOOKS[1]
    shares = contributions(weights, BOOKS, COVARIANCE @ weights)
    assert shares == pytest.approx([1.36 / 1.8, 0.44 / 1.8, 0.0], abs=1e-15)


def test_what_the_portfolios_do_not_span_is_the_residual():
    # w = (0.6, -0.2, 0.2): least squares gives 0.8 of a (0.4, -0.4, 0) and 0.2 of b, and leaves
    # u = (0.2, 0.2, 0). S w = (2.6, -0.8, 2.4), w'Sw = 1.56 + 0.16 + 0.48 = 2.2.
    weights = np.array([0.6, -0.2, 0.2])
    shares = contributions(weights, BOOKS, COVARIANCE @ weights)
    # 0.8 x (0.5 x 2.6 + 0.5 x 0.8) = 1.36, 0.2 x 2.4 = 0.48, 0.2 x (2.6 - 0.8) = 0.36.
    assert shares == pytest.approx([1.36 / 2.2, 0.48 / 2.2, 0.36 / 2.2], abs=1e-15)


def test_it_is_the_definition_with_loadings():
    """(B'w)_j (B^+ S w)_j / s^2 with loadings B, the pseudo-inverse of the portfolios' weights."""
    rng = np.random.default_rng(5)
    books, weights = rng.normal(size=(3, 8)), rng.normal(size=8)
    root = rng.normal(size=(8, 8))
    covariance = root @ root.T
    loadings = np.linalg.pinv(books.T).T
    expected = (loadings.T @ weights) * (np.linalg.pinv(loadings) @ covariance @ weights)
    expected /= weights @ covariance @ weights
    shares = contributions(weights, books, covariance @ weights)
    np.testing.assert_allclose(shares[:-1], expected, rtol=1e-10)
    assert shares.sum() == pytest.approx(1.0, abs=1e-12)


def test_identical_portfolios_share_alike():
    weights = np.array([0.4, -0.4, 0.2])
    shares = contributions(weights, BOOKS[[0, 0, 1]], COVARIANCE @ weights)
    assert shares == pytest.approx([0.68 / 1.8, 0.68 / 1.8, 0.44 / 1.8, 0.0], abs=1e-12)


def test_a_book_without_risk_has_no_contributions():
    assert np.isnan(contributions(np.zeros(3), BOOKS, np.zeros(3))).all()


def test_a_book_that_drifts_with_its_portfolios_keeps_its_multiples():
    """Long one and short one: weights change with prices, what is held of the factor hardly."""
    marks = np.array([[10.0, 10.0], [12.0, 10.0], [12.0, 9.0]])
    books = np.array([[[0.5, -0.5]]])
    # Value of the portfolio: 1, 1.1, 1.15; of the book, half of it: 1, 1.05, 1.075. Weights of
    # the book are half of the portfolio's units over its own value.
    units = np.array([0.025, -0.025])
    value = np.array([1.0, 1.05, 1.075])
    weights = marks * units / value[:, None]
    held = held_exposures(marks, weights, np.array([0]), books)
    assert held.multiples[:, 0] == pytest.approx([0.5, 0.5 * 1.1 / 1.05, 0.5 * 1.15 / 1.075])
    # What it earned is what the book did: 5 %, then 0.025 / 1.05.
    assert held.earned[:, 0] == pytest.approx([0.0, 0.05, 0.025 / 1.05])


def test_exposures_are_to_the_portfolios_in_force():
    marks = np.array([[10.0, 10.0], [10.0, 10.0], [11.0, 10.0], [11.0, 11.0]])
    weights = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    books = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    held = held_exposures(marks, weights, np.array([0, 2]), books)
    assert held.multiples[:, 0].tolist() == [1.0, 1.0, 1.0, 1.0]
    assert held.earned[:, 0] == pytest.approx([0.0, 0.0, 0.1, 0.1])
    # Entered before the first session: the last of them counts.
    early = held_exposures(marks[2:], weights[2:], np.array([-2, -1]), books)
    assert early.earned[:, 0] == pytest.approx([0.0, 0.1])


def test_realised_shares_by_hand():
    returns = np.array([0.03, -0.03, 0.01, -0.01])
    earned = np.array([[0.02], [-0.02], [0.0], [0.0]])
    shares = rolling_contributions(returns, earned, 2)
    assert np.isnan(shares[0]).all()
    # The first two: cov(0.02, 0.03) / var = 2/3. Then (-0.02, 0) with (-0.03, 0.01):
    # -0.01 x -0.02 + 0.01 x 0.02 = 4e-4 of 8e-4.
    assert shares[1:, 0] == pytest.approx([2 / 3, 0.5, 0.0])
    assert shares[1:].sum(axis=1) == pytest.approx(1.0, abs=1e-15)


def test_windows_that_are_not_whole_or_do_not_move():
    assert np.isnan(rolling_contributions(np.ones(3), np.ones((3, 1)), 4)).all()
    assert np.isnan(rolling_contributions(np.full(5, 0.01), np.ones((5, 1)), 4)).all()


def test_budgets_of_a_window_are_the_mean_of_its_sessions():
    budgets = np.array([[1.0, 0.0], [0.5, 0.5]])
    # In force from the close of sessions 0 and 2: 1 and 2 began with the first, 3 and 4 with
    # the second.
    mean = prevailing_budgets(budgets, np.array([0, 2]), 5, 2)
    assert np.isnan(mean[0]).all()
    # Nothing was in force in session 0, which therefore does not count.
    assert mean[1:].tolist() == [[1.0, 0.0], [1.0, 0.0], [0.75, 0.25], [0.5, 0.5]]
    # Nor does a session on which all was cash.
    mean = prevailing_budgets(budgets * [[0.0], [1.0]], np.array([0, 2]), 5, 2)
    assert np.isnan(mean[:3]).all() and mean[3:].tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_a_rebalance_is_measured_on_its_past():
    rng = np.random.default_rng(3)
    history = rng.normal(0, 0.01, (50, 4))
    history[:, 3] = np.nan
    weights, books = np.array([0.5, -0.3, 0.0, 0.0]), np.array([[0.5, -0.5, 0.0, 0.0]])
    shares = rebalance_contributions(history, weights, books)
    covariance = np.cov(history[:, :3], rowvar=False)
    expected = contributions(weights[:3], books[:, :3], covariance @ weights[:3])
    np.testing.assert_allclose(shares, expected, rtol=1e-10)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), exposures=st.integers(1, 5))
def test_parts_and_the_residual_are_the_whole(seed, exposures):
    rng = np.random.default_rng(seed)
    marks = 10 * np.exp(rng.normal(0, 0.02, (60, 6)).cumsum(axis=0))
    weights = rng.normal(size=(60, 6))
    books = rng.normal(size=(4, exposures, 6))
    books[rng.random((4, exposures)) < 0.2] = 0.0
    held = held_exposures(marks, weights, np.array([0, 11, 30, 44]), books)
    returns = rng.normal(0, 0.01, 59)
    shares = rolling_contributions(returns, held.earned[1:], 20)[19:]
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-9)
    one = rebalance_contributions(rng.normal(0, 0.01, (30, 6)), weights[0], books[0])
    assert one.sum() == pytest.approx(1.0, abs=1e-9)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_constant_multiples_give_the_sample_covariance(seed):
    """Realised shares are the definition where neither book nor portfolios change."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(0, 0.01, (30, 5))
    books, multiples = rng.normal(size=(3, 5)), rng.uniform(0.1, 1.0, 3)
    weights = multiples @ books
    earned = (returns @ books.T) * multiples
    realised = rolling_contributions(returns @ weights, earned, 30)[-1]
    expected = contributions(weights, books, np.cov(returns, rowvar=False) @ weights)
    np.testing.assert_allclose(realised, expected, atol=1e-9)


TABLE = pd.DataFrame(
    [
        ("equal", "realised", "equity:a", 0.6, 0.5),
        ("equal", "realised", "crypto:a", 0.4, 0.2),
        ("equal", "realised", "residual", 0.0, 0.3),
        ("factor_risk_parity", "realised", "equity:a", 0.6, 0.7),
        ("factor_risk_parity", "realised", "crypto:a", 0.4, 0.3),
        ("factor_risk_parity", "realised", "residual", 0.0, 0.0),
    ],
    columns=["book", "kind", "exposure", "budget", "contribution"],
).assign(date=pd.Timestamp("2020-01-31"))


def test_gaps_by_hand():
    # (0.1 + 0.2 + 0.3) / 3 and (0.1 + 0.1 + 0) / 3.
    assert mean_absolute_gap(TABLE, "realised", "equal") == pytest.approx(0.2)
    assert mean_absolute_gap(TABLE, "realised", "factor_risk_parity") == pytest.approx(0.2 / 3)
    # By factor: budget 1; 0.7 and the residual's 0.3 of the equal book.
    assert mean_absolute_gap(TABLE, "realised", "equal", "factor") == pytest.approx(0.3)
    assert mean_absolute_gap(TABLE, "realised", "factor_risk_parity", "factor") < 1e-15
    by_sleeve = grouped(TABLE, "sleeve")
    assert by_sleeve["exposure"].tolist()[:3] == ["equity", "crypto", "residual"]
    assert np.isnan(mean_absolute_gap(TABLE, "rebalance", "equal"))


def test_the_table_of_gaps():
    table = gap_table(TABLE)
    assert table.index.tolist() == ["equity:a", "crypto:a", "residual", "all"]
    assert table.loc["crypto:a"].tolist() == pytest.approx([0.4, 0.3, 0.1, 0.2, 0.2])
    assert table.loc["all", "equal_gap"] == pytest.approx(0.2)


def test_exposures_have_names_for_people():
    assert exposure_label("equity:size_proxy", {}) == "Equity: size (proxy)"
    assert exposure_label("equity:momentum", {"momentum": "Momentum"}) == "Equity: Momentum"
    assert exposure_label("residual", {}) == "Residual"
