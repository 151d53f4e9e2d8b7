"""Coefficients and spreads by horizon, ranks that last, by hand and against pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers import decay as d
from analyzers.information import (
    forward_returns,
    information_coefficients,
    rank_autocorrelation,
    rank_correlation,
)
from feeds.errors import DataError


def sample(sessions: int = 90, assets: int = 9, seed: int = 4):
    """Scores on every third session and closes, some of both missing."""
    rng = np.random.default_rng(seed)
    closes = 50.0 * np.exp(np.cumsum(rng.normal(0, 0.02, (sessions, assets)), axis=0))
    closes[: sessions // 3, 2] = np.nan
    rows = np.arange(0, sessions, 3)
    scores = rng.normal(size=(len(rows), assets))
    scores[rng.random(scores.shape) < 0.15] = np.nan
    return scores, closes, rows


@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize("lag", [0, 1])
def test_coefficients_agree_with_pandas(method: str, lag: int) -> None:
    scores, closes, rows = sample()
    found = information_coefficients(scores, closes, rows, 5, lag=lag, method=method)
    ahead = pd.DataFrame(closes).shift(-5 - lag) / pd.DataFrame(closes).shift(-lag) - 1.0
    for place, row in enumerate(rows):
        pair = pd.DataFrame({"s": scores[place], "r": ahead.loc[row]}).dropna()
        if row + 5 + lag >= len(closes):
            assert np.isnan(found.loc[row])
        else:
            assert found.loc[row] == pytest.approx(pair["s"].corr(pair["r"], method=method))


def test_pearson_by_hand() -> None:
    # Returns of the next session 0.1, 0, 0.2; scores 1, 2, 6. Deviations 0, -.1, .1 and
    # -2, -1, 3: covariance 0.4, norms sqrt(.02) and sqrt(14).
    closes = np.array([[10.0, 10.0, 10.0], [11.0, 10.0, 12.0]])
    scores, rows = np.array([[1.0, 2.0, 6.0]]), np.array([0])
    found = information_coefficients(scores, closes, rows, 1, lag=0, method="pearson")
    assert found.iloc[0] == pytest.approx(0.4 / (0.02 * 14) ** 0.5)


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_scores_that_do_not_vary_have_no_coefficient(method: str) -> None:
    _, closes, rows = sample()
    # Means of equal numbers differ from them in the last digit, in some rows.
    scores = np.tile(np.random.default_rng(3).uniform(size=(len(rows), 1)), closes.shape[1])
    found = information_coefficients(scores, closes, rows, 1, method=method)
    assert found.isna().all()


def test_an_unknown_method_is_refused() -> None:
    scores, closes, rows = sample()
    with pytest.raises(DataError, match="kendall"):
        information_coefficients(scores, closes, rows, 1, method="kendall")


def test_decay_is_the_summary_of_each_horizon() -> None:
    scores, closes, rows = sample()
    found = d.ic_decay(scores, closes, rows, (1, 6, 500))
    assert found["horizon"].tolist() == [1, 6, 500]
    six = information_coefficients(scores, closes, rows, 6).dropna()
    assert found.loc[1, "mean"] == pytest.approx(six.mean())
    assert found.loc[1, "icir"] == pytest.approx(six.mean() / six.std())
    # Decisions are three sessions apart: six sessions overlap the next decision's, and the
    # automatic choice floor(4 (28/100)^(2/9)) = 3 is larger.
    assert found.loc[1, "lags"] == 3 and found.loc[1, "observations"] == len(six) == 28
    assert np.isnan(found.loc[2, "mean"]) and found.loc[2, "observations"] == 0


def test_the_lags_cover_the_overlap_of_long_horizons() -> None:
    scores, closes, rows = sample(sessions=200)
    found = d.ic_decay(scores, closes, rows, (60,))
    assert found.loc[0, "lags"] == 19  # 60 / 3 - 1


def test_windows_do_not_overlap() -> None:
    """A score that is the return of sessions 4 to 6 after entry, exactly, ranks that one only."""
    _, closes, _ = sample(sessions=400)
    closes = np.nan_to_num(closes, nan=50.0)
    rows = np.arange(0, 380)
    scores = forward_returns(closes, rows, 3, lag=1 + 3)
    found = d.ic_by_window(scores, closes, rows, (0, 3, 6, 9))
    assert found["start"].tolist() == [0, 3, 6] and found["stop"].tolist() == [3, 6, 9]
    assert found.loc[1, "mean"] == pytest.approx(1.0)
    assert abs(found.loc[0, "mean"]) < 0.1 and abs(found.loc[2, "mean"]) < 0.1
    whole = d.ic_decay(scores, closes, rows, (9,))
    assert whole.loc[0, "mean"] > 0.3  # the nine sessions hold the three


@pytest.mark.parametrize("edges", [(0,), (5, 5), (-1, 4), (10, 5)])
def test_edges_increase(edges: tuple[int, ...]) -> None:
    scores, closes, rows = sample()
    with pytest.raises(DataError, match="increase"):
        d.ic_by_window(scores, closes, rows, edges)


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        ([0.08, 0.06, 0.02], 15.0),  # half is 0.04: midway from 10 to 20, so age 15 + first 0
        ([0.08, 0.04, 0.02], 10.0),
        ([-0.08, -0.06, -0.02], 15.0),  # a score that ranks upside down decays as well
        ([0.08, 0.07, 0.06], np.nan),
        ([0.08, np.nan, 0.0], 10.0),  # from 0 to 20 the mean falls evenly
        ([0.0, 0.1, 0.1], np.nan),
        ([0.1, np.nan, np.nan], np.nan),
    ],
)
def test_half_life(means: list[float], expected: float) -> None:
    assert d.half_life([0.0, 10.0, 20.0], means) == pytest.approx(expected, nan_ok=True)


def test_half_life_counts_from_the_first_known_age() -> None:
    assert d.half_life([5, 15, 25], [0.1, 0.05, 0.0]) == pytest.approx(10.0)


def test_quantile_forward_returns_by_hand() -> None:
    # Scores 1 2 3 4 with returns 0.1, 0.2, 0.3, -0.4: halves earn 0.15 and -0.05.
    closes = np.array([[10.0] * 4, [11.0, 12.0, 13.0, 6.0]])
    found = d.quantile_forward_returns(
        np.array([[1.0, 2.0, 3.0, 4.0]]), closes, np.array([0]), 1, 2, lag=0
    )
    assert found[0] == pytest.approx([0.15, -0.05])


def test_an_asset_without_a_return_is_in_no_quantile() -> None:
    closes = np.array([[10.0, np.nan, 10.0, 10.0], [11.0, 12.0, 13.0, 6.0]])
    scores = np.array([[1.0, 2.0, 3.0, 4.0]])
    # Three are left: 1, 3, 4 in three quantiles of one.
    found = d.quantile_forward_returns(scores, closes, np.array([0]), 1, 3, lag=0)
    assert found[0] == pytest.approx([0.1, 0.3, -0.4])
    few = d.quantile_forward_returns(scores, closes, np.array([0]), 1, 4, lag=0)
    assert np.isnan(few).all()


def test_spread_by_horizon_by_hand() -> None:
    # Three decisions, two assets: spreads of the next session 0.1, 0.3, 0.2; mean 0.2.
    closes = np.cumprod([[1.0, 1.0], [1.1, 1.0], [1.3, 1.0], [1.2, 1.0]], axis=0)
    scores = np.tile([2.0, 1.0], (3, 1))
    table = d.spread_by_horizon(
        scores, closes, np.arange(3), 2, (1, 2), lag=0, periods_per_year=252
    )
    found, longer = table.iloc[0], table.iloc[1]
    assert found["spread"] == pytest.approx(0.2) and found["observations"] == 3
    assert found["spread_annual"] == pytest.approx(0.2 * 252)
    # Two sessions: 1.43 and 1.56 less one, twice: mean 0.495, 126 times a year.
    assert longer["spread"] == pytest.approx(0.495) and longer["observations"] == 2
    assert longer["spread_annual"] == pytest.approx(0.495 * 126)
    # Automatic lags: floor(4 (3/100)^(2/9)) = 1. Deviations -.1, .1, 0: 0.02 + 2 (1/2)(-.01).
    assert found["t_stat"] == pytest.approx(0.2 / (0.01**0.5 / 3))


def test_quantile_turnover_is_the_share_of_new_names() -> None:
    scores = np.array([[1.0, 2, 3, 4], [1, 3, 2, 4], [4, 3, 2, 1], [np.nan, np.nan, np.nan, 1]])
    found = d.quantile_turnover(scores, 2)
    assert np.isnan(found[0]).all() and np.isnan(found[3]).all()
    assert found[1] == pytest.approx([0.5, 0.5]) and found[2] == pytest.approx([0.5, 0.5])
    assert d.quantile_turnover(scores, 2, periods=2)[2] == pytest.approx([1.0, 1.0])


def test_rank_persistence_looks_back_over_decisions() -> None:
    up, down = [1.0, 2, 3, 4], [4.0, 3, 2, 1]
    scores = np.array([up, down, up, down, up])
    assert rank_autocorrelation(scores, 2)[2:] == pytest.approx([1.0, 1.0, 1.0])
    assert np.isnan(rank_autocorrelation(scores, 2)[:2]).all()
    found = d.rank_persistence(scores, (1, 2, 9))
    assert found["mean"].tolist()[:2] == pytest.approx([-1.0, 1.0])
    assert found["observations"].tolist() == [4, 3, 0] and np.isnan(found["mean"].iloc[2])


@pytest.mark.parametrize("call", [rank_autocorrelation, lambda s, p: d.quantile_turnover(s, 2, p)])
def test_the_past_is_at_least_one_decision_away(call) -> None:
    with pytest.raises(DataError, match="past"):
        call(np.ones((4, 4)), 0)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 12))
def test_coefficients_stay_within_bounds_and_ranks_forget_scale(seed: int, assets: int) -> None:
    rng = np.random.default_rng(seed)
    left, right = rng.integers(0, 5, (2, 4, assets)).astype(float)
    found = rank_correlation(left, right)
    known = np.isfinite(found)
    assert (np.abs(found[known]) <= 1.0 + 1e-12).all()
    assert rank_correlation(np.exp(left), right)[known] == pytest.approx(found[known])
    assert rank_correlation(-left, right)[known] == pytest.approx(-found[known])
    assert rank_correlation(right, left)[known] == pytest.approx(found[known])
