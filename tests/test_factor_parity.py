"""Budgets of risk across factor exposures become weights of assets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.factor_books import Exposure, exposure_streams
from strategies.factor_parity import RiskBudget, factor_parity, risk_budgets
from strategies.portfolio_rules import CovarianceRules, PortfolioRules

A, B = Exposure("equity", "a"), Exposure("equity", "b")
COIN = Exposure("crypto", "trend", is_own=True)
SAMPLE = CovarianceRules("sample", lookback=8, min_history=4)
#: Two stocks and a coin; the stocks' sessions are orthogonal, the coin has twice their size.
UP, DOWN = 1.02, 0.98
PATTERN = np.array([[UP, UP, 1.04], [DOWN, DOWN, 1.04], [UP, DOWN, 0.96], [DOWN, UP, 0.96]])


def rules(**given) -> PortfolioRules:
    usual = {"side": "long_short", "sleeves": {"equity": 0.5, "crypto": 0.5}, "covariance": SAMPLE}
    return PortfolioRules(**(usual | given))


@pytest.fixture
def panel(make_panel):
    close = np.vstack([np.full((1, 3), 100.0), 100 * np.tile(PATTERN, (3, 1)).cumprod(axis=0)])
    return make_panel(close=close)


def test_budgets_are_shares_of_shares():
    budget = RiskBudget({"a": 3.0}, {"equity": 0.9, "crypto": 0.1})
    # Three quarters and a quarter of 0.9, and 0.1.
    assert risk_budgets([A, B, COIN], budget) == pytest.approx([0.675, 0.225, 0.1])
    # Without factor a its sleeve keeps its share; without the sleeve, the other has all.
    assert risk_budgets([B, COIN], budget) == pytest.approx([0.9, 0.1])
    assert risk_budgets([COIN], budget) == pytest.approx([1.0])
    assert risk_budgets([A, B, COIN], RiskBudget()) == pytest.approx([0.25, 0.25, 0.5])


def test_two_factors_and_three_assets_by_hand(panel):
    """Streams that do not move together: each is held as much as its risk is small."""
    # a holds the stocks against each other, b the coin. In the pattern of four sessions a earns
    # (r1 - r2) / 2 = 0, 0, 2 %, -2 % and b 4 %, 4 %, -4 %, -4 %: their covariance is zero.
    # Over 8 sessions: var a = 4 x 4e-4 / 7, var b = 8 x 16e-4 / 7, deviations 1 : sqrt(8).
    books = np.array([[[0.5, -0.5, 0.0], [0.0, 0.0, 1.0]]])
    made = factor_parity(panel, np.array([12]), (A, COIN), books, rules())
    # Equal budgets: x in proportion to 1 / deviation, gross 1.
    share = np.sqrt(8) / (1 + np.sqrt(8))
    assert made.budgets.tolist() == [[0.5, 0.5]]
    assert made.multiples[0] == pytest.approx([share, 1 - share], abs=1e-12)
    expected = [0.5 * share, -0.5 * share, 1 - share]
    assert made.weights[0] == pytest.approx(expected, abs=1e-12)
    assert made.contributions[0] == pytest.approx([0.5, 0.5], abs=1e-12)


def test_a_budget_of_four_to_one_doubles_what_is_held(panel):
    # Uncorrelated: x_j = sqrt(b_j) / deviation_j, so that 4 : 1 is twice as much as 1 : 1.
    books = np.array([[[0.5, -0.5, 0.0], [0.0, 0.0, 1.0]]])
    budget = RiskBudget(sleeves={"equity": 0.8, "crypto": 0.2})
    made = factor_parity(panel, np.array([12]), (A, COIN), books, rules(), budget)
    ratio = made.multiples[0, 0] / made.multiples[0, 1]
    assert ratio == pytest.approx(2 * np.sqrt(8), rel=1e-12)


def test_factors_that_disagree_about_an_asset_net(panel):
    # Both hold the first stock, on opposite sides; what is left still adds up to gross.
    books = np.array([[[0.5, -0.5, 0.0], [-0.5, 0.0, 0.5]]])
    made = factor_parity(panel, np.array([12]), (A, B), books, rules(sleeves={"equity": 1.0}))
    first, second = made.multiples[0]
    expected = [0.5 * (first - second), -0.5 * first, 0.5 * second]
    assert made.weights[0] == pytest.approx(expected, abs=1e-15)
    assert np.abs(made.weights[0]).sum() == pytest.approx(1.0, abs=1e-12)
    assert first + second > 1.0


def test_one_exposure_is_the_whole_book(panel):
    books = np.array([[[0.5, -0.5, 0.0]]])
    given = rules(sleeves={"equity": 1.0}, gross=2.0)
    made = factor_parity(panel, np.array([12]), (A,), books, given)
    assert made.weights[0] == pytest.approx([1.0, -1.0, 0.0])
    assert made.contributions.tolist() == made.budgets.tolist() == [[1.0]]


def test_a_sleeve_that_holds_nothing_leaves_its_budget_in_cash(panel):
    books = np.array([[[0.5, -0.5, 0.0], [0.0, 0.0, 0.0]]])
    budget = RiskBudget(sleeves={"equity": 0.9, "crypto": 0.1})
    made = factor_parity(panel, np.array([12]), (A, COIN), books, rules(), budget)
    assert made.weights[0] == pytest.approx([0.45, -0.45, 0.0])
    assert made.budgets.tolist() == [[1.0, 0.0]]
    said = ("crypto", "missing exposure", "the sleeve holds nothing")
    assert said in made.reports[0]
    spread = rules(thin_sleeve="redistribute")
    made = factor_parity(panel, np.array([12]), (A, COIN), books, spread, budget)
    assert made.weights[0] == pytest.approx([0.5, -0.5, 0.0])


def test_a_missing_factor_is_told_of_and_its_sleeve_has_its_budget(panel):
    books = np.array([[[0.5, -0.5, 0.0], [0, 0, 0], [0.0, 0.0, 1.0]]])
    budget = RiskBudget({"a": 1, "b": 3}, {"equity": 0.8, "crypto": 0.2})
    made = factor_parity(panel, np.array([12]), (A, B, COIN), books, rules(), budget, ("a", "b"))
    assert made.budgets[0] == pytest.approx([0.8, 0.0, 0.2])
    assert made.contributions[0] == pytest.approx([0.8, 0.0, 0.2], abs=1e-12)
    details = {detail for _, kind, detail in made.reports[0] if kind == "missing exposure"}
    assert details == {"b: the sleeve's other factors have the budget"}


def test_identical_factors_share_by_their_budgets(panel):
    books = np.array([[[0.5, -0.5, 0.0], [0.5, -0.5, 0.0], [0.0, 0.0, 1.0]]])
    budget = RiskBudget({"a": 1, "b": 3})
    made = factor_parity(panel, np.array([12]), (A, B, COIN), books, rules(), budget)
    assert made.contributions[0] == pytest.approx([0.125, 0.375, 0.5], abs=1e-8)
    assert made.multiples[0, 1] == pytest.approx(3 * made.multiples[0, 0], rel=1e-6)
    # Together they are what one of them is alone.
    alone = factor_parity(panel, np.array([12]), (A, COIN), books[:, [0, 2]], rules())
    assert made.weights[0] == pytest.approx(alone.weights[0], abs=1e-8)


def test_opposed_factors_have_a_defined_answer(panel):
    """A factor and its opposite can be held without risk: whatever is done is finite and told."""
    books = np.array([[[0.5, -0.5, 0.0], [-0.5, 0.5, 0.0]]])
    made = factor_parity(panel, np.array([12]), (A, B), books, rules(sleeves={"equity": 1.0}))
    assert np.isfinite(made.weights).all()
    assert not made.weights.any()
    assert any(kind == "risk budget" and "cancel" in text for _, kind, text in made.reports[0])


def test_an_exposure_that_does_not_move_has_no_budget(make_panel):
    close = np.vstack([np.full((1, 3), 100.0), 100 * np.tile(PATTERN, (3, 1)).cumprod(axis=0)])
    close[:, 2] = 100.0
    books = np.array([[[0.5, -0.5, 0.0], [0.0, 0.0, 1.0]]])
    made = factor_parity(make_panel(close=close), np.array([12]), (A, COIN), books, rules())
    assert made.multiples[0, 1] == 0.0 and made.budgets.tolist() == [[1.0, 0.0]]
    assert ("crypto", "missing exposure", "trend: no variance") in made.reports[0]


def test_an_asset_without_history_is_not_held_by_its_sleeve(make_panel):
    close = np.vstack([np.full((1, 3), 100.0), 100 * np.tile(PATTERN, (3, 1)).cumprod(axis=0)])
    close[:10, 2] = np.nan
    books = np.array([[[0.5, -0.5, 0.0], [0.0, 0.0, 1.0]]])
    made = factor_parity(make_panel(close=close), np.array([12]), (A, COIN), books, rules())
    assert made.weights[0, 2] == 0.0
    said = ("crypto", "missing exposure", "trend: 2 known returns, below 4")
    assert said in made.reports[0]


def test_nothing_is_held_before_there_is_a_past(panel):
    books = np.zeros((2, 1, 3))
    books[:, 0] = [0.5, -0.5, 0.0]
    made = factor_parity(panel, np.array([0, 2]), (A,), books, rules(sleeves={"equity": 1.0}))
    assert not made.weights.any() and not made.budgets.any() and not made.contributions.any()


def test_what_stands_in_for_a_short_stream_is_the_present_portfolio(panel):
    """The first decision has no streams: the past of the present portfolios is their risk."""
    books = np.array([[[0.5, -0.5, 0.0], [0.0, 0.0, 1.0]]])
    made = factor_parity(panel, np.array([12]), (A, COIN), books, rules())
    details = [detail for _, kind, detail in made.reports[0] if kind == "short stream"]
    assert details == [
        f"{name}: held on 0 of 8 sessions, its present portfolio stands in on the others"
        for name in ("a", "trend")
    ]


def test_a_stream_of_its_own_is_used_as_it_was(panel):
    """The stream counts, not what the present portfolio would have earned."""
    # For twelve sessions a held the coin; now it holds the stocks.
    rows = np.array([0, 12])
    books = np.zeros((2, 2, 3))
    books[0] = [[0.0, 0.0, 1.0], [0.5, -0.5, 0.0]]
    books[1] = [[0.5, -0.5, 0.0], [0.5, -0.5, 0.0]]
    made = factor_parity(panel, rows, (A, B), books, rules(sleeves={"equity": 1.0}))
    streams = exposure_streams(panel.mark, rows, books)[5:13]
    deviations = streams.std(axis=0, ddof=1)
    ratio = made.multiples[1, 1] / made.multiples[1, 0]
    assert ratio == pytest.approx(deviations[0] / deviations[1], rel=1e-9)
    assert deviations[0] / deviations[1] == pytest.approx(np.sqrt(8), rel=0.05)
    assert not [kind for _, kind, _ in made.reports[1] if kind == "short stream"]


def test_the_present_portfolios_may_be_what_risk_is_measured_on(panel):
    """What the factors held before does not count."""
    rows = np.array([0, 12])
    books = np.zeros((2, 2, 3))
    books[0] = [[0.0, 0.0, 1.0], [0.5, -0.5, 0.0]]
    books[1] = [[0.5, -0.5, 0.0], [0.0, 0.0, 1.0]]
    present = RiskBudget(streams="present")
    made = factor_parity(panel, rows, (A, COIN), books, rules(), present)
    # As by hand above: 1 to sqrt(8).
    assert made.multiples[1, 0] / made.multiples[1, 1] == pytest.approx(np.sqrt(8), rel=1e-12)
    assert not [kind for _, kind, _ in made.reports[1] if kind == "short stream"]


def random_problem(seed: int, sessions: int = 90):
    rng = np.random.default_rng(seed)
    loadings = rng.normal(size=(3, 10))
    moves = 0.01 * (rng.normal(size=(sessions, 3)) @ loadings + rng.normal(size=(sessions, 10)))
    close = 100 * np.exp(moves.cumsum(axis=0))
    rows = np.arange(40, sessions, 11)
    books = rng.normal(size=(len(rows), 4, 10))
    books[rng.random((len(rows), 4)) < 0.15] = 0.0
    size = np.abs(books).sum(axis=2, keepdims=True)
    books = books / np.where(size > 0, size, 1.0)
    shares = rng.uniform(0.05, 1.0, 4)
    return close, rows, books, shares


FOUR = (A, B, Exposure("crypto", "a"), Exposure("crypto", "b"))


@settings(derandomize=True, max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), estimator=st.sampled_from(["ledoit_wolf", "sample", "ewma"]))
def test_contributions_equal_budgets(make_panel_of, seed, estimator):
    close, rows, books, shares = random_problem(seed)
    budget = RiskBudget(
        {"a": shares[0], "b": shares[1]}, {"equity": shares[2], "crypto": shares[3]}
    )
    given = rules(covariance=CovarianceRules(estimator, lookback=40, min_history=20), gross=1.5)
    made = factor_parity(make_panel_of(close), rows, FOUR, books, given, budget)
    held = books.any(axis=2)
    assert ((made.budgets > 0) == held).all()
    assert np.abs(made.contributions - made.budgets).max() < 1e-8
    assert (made.multiples[held] > 0).all()
    some = held.any(axis=1)
    assert made.budgets.sum(axis=1)[some] == pytest.approx(1.0, abs=1e-12)
    mixed = np.einsum("rj,rjn->rn", made.multiples, books)
    np.testing.assert_allclose(made.weights, mixed, atol=1e-12)
    sleeves = np.stack([held[:, :2].any(axis=1), held[:, 2:].any(axis=1)], axis=1)
    invested = sleeves @ shares[2:] / shares[2:].sum()
    np.testing.assert_allclose(np.abs(made.weights).sum(axis=1), 1.5 * invested, atol=1e-12)


@settings(derandomize=True, max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), after=st.sampled_from(["cut", "scrambled"]))
def test_nothing_after_a_decision_is_read(make_panel_of, seed, after):
    close, rows, books, _ = random_problem(seed)
    given = rules(covariance=CovarianceRules(lookback=40, min_history=20))
    whole = factor_parity(make_panel_of(close), rows, FOUR, books, given)
    row = int(rows[2])
    if after == "cut":
        part = close[: row + 1]
        rows, books = rows[:3], books[:3]
    else:
        part = close.copy()
        part[row + 1 :] *= np.random.default_rng(seed).uniform(0.5, 2.0, part[row + 1 :].shape)
    again = factor_parity(make_panel_of(part), rows, FOUR, books, given)
    np.testing.assert_array_equal(again.weights[:3], whole.weights[:3])
    assert again.reports[:3] == whole.reports[:3]


@pytest.fixture(scope="module")
def make_panel_of():
    """A panel of closes, for many in one test."""
    from feeds.panel import Panel

    def make(close: np.ndarray) -> Panel:
        sessions, assets = close.shape
        ones = np.ones(close.shape)
        names = np.array([f"A{number:02d}" for number in range(assets)])
        dates = np.arange(sessions).astype("datetime64[D]")
        return Panel(
            dates=dates,
            assets=names,
            asset_class=np.full(assets, "equity"),
            calendar="24/7",
            next_session=dates[-1] + 1,
            **dict.fromkeys(("open", "high", "low", "close"), close),
            volume=ones,
            split_factor=ones,
            dividend_factor=ones,
            tradable=ones.astype(bool),
            member=ones.astype(bool),
            volume_unit=np.full(assets, "units"),
            price_kind=np.full(assets, "traded"),
            close_only=np.ones(assets, dtype=bool),
            end_reason=np.full(assets, "data_end"),
        )

    return make
