"""Costless factor portfolios, quantiles and information coefficients, by hand and by SciPy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers import factor_performance as fp
from analyzers import information as info
from feeds.errors import DataError

NAN = np.nan
MARKS = np.array([[100, 50.0], [110, 50], [121, 40], [121, NAN], [133.1, 44]])


def test_drifted_returns_by_hand() -> None:
    # Decided in row 0, entered at the close of row 1 half and half: A 110 -> 121 is +10 %, B
    # 50 -> 40 is -20 %: 0.55 + 0.40 = 0.95. Row 3: nothing moves (B carries 40), and the second
    # decision enters. Row 4: A +10 % at weight 1, B +10 % at -0.5: 1 + 0.1 - 0.05 = 1.05.
    found = fp.drifted_returns(MARKS, np.array([0, 2]), np.array([[0.5, 0.5], [1.0, -0.5]]))
    assert found.tolist() == pytest.approx([0, 0, -0.05, 0, 0.05], abs=1e-12)


def test_weights_drift_between_entries() -> None:
    # Half in a doubling asset: 1 -> 1.5 (+50 %) -> 2.5 (+66.7 %), not +50 % again.
    marks = np.array([[1.0], [1.0], [2.0], [4.0]])
    found = fp.drifted_returns(marks, np.array([0]), np.array([[0.5]]))
    assert found.tolist() == pytest.approx([0, 0, 0.5, 2.5 / 1.5 - 1])
    again = fp.drifted_returns(marks, np.array([0, 1]), np.array([[0.5], [0.5]]))
    assert again.tolist() == pytest.approx([0, 0, 0.5, 0.5])


def test_factor_turnover_by_hand() -> None:
    # From cash: (0.5 + 0.5) / 2. By row 3 the book is worth 0.95: A 0.55, B 0.40; drifted
    # weights 0.578947 and 0.421053, targets 1 and -0.5: (0.421053 + 0.921053) / 2 = 0.671053.
    weights = np.array([[0.5, 0.5], [1.0, -0.5], [0.0, 0.0]])
    found = fp.factor_turnover(MARKS, np.array([0, 2, 4]), weights)
    assert found[:2].tolist() == pytest.approx([0.5, 0.6710526315789473])
    assert np.isnan(found[2])  # row 5 does not exist


def test_no_mark_no_entry_and_gaps_carry() -> None:
    marks = np.array([[10.0, NAN], [10, NAN], [11, 5], [11, NAN], [11, 10]])
    found = fp.drifted_returns(marks, np.array([0]), np.array([[0.5, 0.5]]))
    assert found.tolist() == pytest.approx([0, 0, 0.05, 0, 0])  # B stays in cash
    found = fp.drifted_returns(marks, np.array([1]), np.array([[0.5, NAN]]))
    assert found.tolist() == pytest.approx([0, 0, 0, 0, 0])
    found = fp.drifted_returns(marks, np.array([1]), np.array([[0.0, 0.5]]))
    assert found.tolist() == pytest.approx([0, 0, 0, 0, 0.5])


def test_a_book_that_lost_everything_stays_lost() -> None:
    # Short half of an asset that goes up fourfold: 1 + 0.5 - 0.5 x 4 = -0.5.
    marks = np.array([[1.0], [1.0], [2.0], [4.0], [1.0], [2.0]])
    found = fp.drifted_returns(marks, np.array([0, 3]), np.array([[-0.5], [1.0]]))
    assert found.tolist() == pytest.approx([0, 0, -0.5, -1.0, 0, 0])


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 2))
def test_drifted_returns_equal_a_ledger_of_units(seed: int, lag: int) -> None:
    rng = np.random.default_rng(seed)
    marks = np.exp(np.cumsum(rng.normal(0, 0.05, (30, 4)), axis=0))
    rows = np.sort(rng.choice(28, 4, replace=False))
    weights = rng.uniform(-0.4, 0.5, (4, 4))
    cash, units, values = 1.0, np.zeros(4), []
    for row in range(30):
        values.append(cash + units @ marks[row])
        if row - lag in rows:  # sell everything, buy the target, at this close
            target = weights[list(rows).index(row - lag)]
            units = target * values[-1] / marks[row]
            cash = values[-1] - units @ marks[row]
    expected = np.diff([1.0, *values]) / np.array([1.0, *values[:-1]])
    found = fp.drifted_returns(marks, rows, weights, lag)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_equal_weights() -> None:
    eligible = np.array([[True, True, False], [False, False, False]])
    assert fp.equal_weights(eligible).tolist() == [[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]


def test_long_short_weights_by_hand() -> None:
    scores = np.array(
        [
            [1, 2, 3, 4, 5.0],  # one a side
            [1, NAN, NAN, NAN, 2],  # floor(0.2 x 2) = 0, raised to 1
            [1, 1, 1, 2, 2],  # ties share the one place of a side
            [7, 7, 7, 7, 7],  # nothing to tell them apart
            [NAN, 3, NAN, NAN, NAN],  # one asset is no cross-section
        ]
    )
    expected = [
        [-0.5, 0, 0, 0, 0.5],
        [-0.5, 0, 0, 0, 0.5],
        [-1 / 6, -1 / 6, -1 / 6, 0.25, 0.25],
        [0] * 5,
        [0] * 5,
    ]
    np.testing.assert_allclose(fp.long_short_weights(scores, 0.2), expected, atol=1e-15)
    assert not fp.long_short_weights(scores, 0.2, min_breadth=6).any()


def test_sides_hold_the_floor_of_the_share() -> None:
    scores = np.arange(100.0)[None]
    for quantile, places in [(0.29, 29), (0.295, 29), (0.5, 50), (0.001, 1)]:
        assert (fp.long_short_weights(scores, quantile) > 0).sum() == places
    with pytest.raises(DataError, match="0.6 is outside"):
        fp.long_short_weights(scores, 0.6)


@settings(derandomize=True, max_examples=80, deadline=None)
@given(
    st.lists(st.sampled_from([NAN, -1.0, 0.0, 0.5, 2.0, 3.0]), min_size=1, max_size=12),
    st.sampled_from([0.1, 0.2, 0.34, 0.5]),
    st.integers(0, 1000),
)
def test_long_short_invariants(row: list[float], quantile: float, seed: int) -> None:
    scores = np.array([row])
    found = fp.long_short_weights(scores, quantile)[0]
    assert found.sum() == pytest.approx(0, abs=1e-12)
    assert np.abs(found).sum() <= 1 + 1e-12
    assert not found[np.isnan(scores[0])].any()
    order = np.random.default_rng(seed).permutation(len(row))
    np.testing.assert_allclose(fp.long_short_weights(scores[:, order], quantile)[0], found[order])
    np.testing.assert_allclose(fp.long_short_weights(-scores, quantile)[0], -found, atol=1e-15)
    ranked = np.argsort(scores[0][~np.isnan(scores[0])], kind="stable")
    assert (np.diff(found[~np.isnan(scores[0])][ranked]) >= -1e-12).all()


def test_quantile_weights_by_hand() -> None:
    # Twelve assets in five: floor(12/5) = 2 at each end, the middle takes what is left.
    found = fp.quantile_weights(np.arange(12.0)[None], 5)
    assert (found > 0).sum(axis=2)[:, 0].tolist() == [2, 2, 4, 2, 2]
    assert found.sum(axis=2)[:, 0].tolist() == pytest.approx([1.0] * 5)
    # Twins across the edge of the halves: each is half of a place on both sides.
    twins = fp.quantile_weights(np.array([[1.0, 2, 2, 3]]), 2)[:, 0]
    assert twins.tolist() == [[0.5, 0.25, 0.25, 0], [0, 0.25, 0.25, 0.5]]
    assert not fp.quantile_weights(np.array([[1.0, 2, NAN, NAN]]), 3).any()
    with pytest.raises(DataError, match="1 quantiles"):
        fp.quantile_weights(np.ones((1, 3)), 1)


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.integers(2, 30), st.integers(2, 7), st.integers(0, 1000))
def test_outer_quantiles_are_the_sides_of_the_long_short_book(n: int, q: int, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 6, (3, n)).astype(float)
    books = fp.quantile_weights(scores, q)
    if n >= q:
        if q > 2 or n % 2 == 0:  # two halves of an odd number share the asset in the middle
            spread = (books[-1] - books[0]) / 2
            np.testing.assert_allclose(spread, fp.long_short_weights(scores, 1 / q), atol=1e-12)
        np.testing.assert_allclose(books.sum(axis=2), 1.0)
        np.testing.assert_allclose(fp.quantile_weights(-scores, q), books[::-1], atol=1e-12)
    else:
        assert not books.any()


def test_quantile_returns() -> None:
    scores = np.array([[1.0, 2.0], [2.0, 1.0]])
    found = fp.quantile_returns(scores, MARKS, np.array([0, 2]), 2)
    # Worst: A +10 %, flat, then B +10 %. Best: B -20 %, flat, then A +10 %.
    expected = [[0, 0], [0, 0], [0.1, -0.2], [0, 0], [0.1, 0.1]]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("rows", "weights", "lag"),
    [([0, 0], np.zeros((2, 2)), 1), ([0], np.zeros((1, 3)), 1), ([0], np.zeros((1, 2)), -1)],
)
def test_mistaken_decisions_are_refused(rows: list[int], weights: np.ndarray, lag: int) -> None:
    with pytest.raises(DataError):
        fp.drifted_returns(MARKS, np.array(rows), weights, lag)


def test_no_decision_no_return() -> None:
    none = fp.drifted_returns(MARKS, np.array([], dtype=int), np.zeros((0, 2)))
    assert none.tolist() == [0.0] * 5
    late = fp.drifted_returns(MARKS, np.array([4]), np.array([[1.0, 0.0]]))
    assert late.tolist() == [0.0] * 5


def test_factor_correlation() -> None:
    table = pd.DataFrame({"a": [0.1, -0.1, 0.2, NAN], "b": [-0.2, 0.2, -0.4, 0.1], "c": 0.0})
    found = fp.factor_correlation(table)
    assert found.loc["a", "b"] == pytest.approx(-1.0)
    assert found["c"].isna().all()


def make_scores(seed: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tied and missing scores, gappy marks, every fifth row a decision."""
    rng = np.random.default_rng(seed)
    marks = np.exp(np.cumsum(rng.normal(0, 0.02, (60, 9)), axis=0))
    marks[20:24, 3] = NAN
    marks[:30, 5] = NAN
    rows = np.arange(0, 60, 5)
    scores = rng.integers(0, 5, (len(rows), 9)).astype(float)
    scores[2, :7] = NAN
    scores[4] = 1.0
    return scores, marks, rows


@pytest.mark.parametrize("lag", [0, 1])
def test_information_coefficients_agree_with_scipy(lag: int) -> None:
    scores, marks, rows = make_scores()
    found = info.information_coefficients(scores, marks, rows, 7, lag=lag)
    filled = pd.DataFrame(marks).ffill().to_numpy()
    for number, row in enumerate(rows):
        if row + lag + 7 >= 60:
            assert np.isnan(found[row])
            continue
        ahead = filled[row + lag + 7] / filled[row + lag] - 1
        both = np.isfinite(scores[number]) & np.isfinite(ahead)
        if both.sum() < 3 or np.ptp(scores[number][both]) == 0:
            assert np.isnan(found[row])
        else:
            witness = scipy.stats.spearmanr(scores[number][both], ahead[both]).statistic
            assert found[row] == pytest.approx(witness, abs=1e-12)
    assert found.index.tolist() == rows.tolist()
    assert found.notna().sum() == 9  # of 12: 2 rows do not rank, row 55 ends beyond the data


def test_the_tradable_coefficient_ignores_the_session_of_the_decision() -> None:
    # The score is right about row 0 -> 1 only; after that the order is the reverse.
    marks = np.array([[1.0, 1, 1], [1, 2, 3], [3, 4, 3]])
    scores = np.array([[1.0, 2, 3]])
    rows = np.array([0])
    assert info.information_coefficients(scores, marks, rows, 1, lag=0)[0] == pytest.approx(1)
    assert info.information_coefficients(scores, marks, rows, 1)[0] == pytest.approx(-1)


def test_rank_autocorrelation_agrees_with_scipy() -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(4, 8))
    scores[1, 2] = scores[2, 5] = NAN
    scores[3, :6] = NAN
    found = info.rank_autocorrelation(scores)
    assert np.isnan(found[[0, 3]]).all()
    for row in (1, 2):
        both = np.isfinite(scores[row]) & np.isfinite(scores[row - 1])
        witness = scipy.stats.spearmanr(scores[row][both], scores[row - 1][both]).statistic
        assert found[row] == pytest.approx(witness, abs=1e-12)
    assert info.rank_autocorrelation(scores[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("rows", "horizon", "lags"),
    [
        (range(0, 50), 21, 20),  # every session: h - 1
        (range(0, 500, 21), 21, 0),  # just apart
        ([0, 19, 40], 21, 1),  # a short month
        ([0, 5, 10], 21, 4),  # 5, 10, 15 and 20 sessions later still share one
        ([3], 21, 0),
    ],
)
def test_overlap_lags(rows: range | list[int], horizon: int, lags: int) -> None:
    assert info.overlap_lags(np.array(rows), horizon) == lags


def test_summary_of_information_by_hand() -> None:
    # 0.1, 0.3, -0.1, 0.1: mean 0.1, sd sqrt((0 + 0.04 + 0.04 + 0) / 3). No lags: the error is
    # sqrt(0.08) / 4, hence t = 0.1 / 0.0707107 = 1.414214. T = 4 gives 1 lag, a floor of 0 too:
    # products of neighbours 0, -0.04, 0, weight 1/2 twice: 0.08 - 0.04 = 0.04; t = 2.
    ic = pd.Series([0.1, 0.3, NAN, -0.1, 0.1])
    found = info.summarize_information(ic)
    assert found["mean"] == pytest.approx(0.1)
    assert found["icir"] == pytest.approx(0.1 / np.sqrt(0.08 / 3))
    assert (found["lags"], found["observations"]) == (1.0, 4.0)
    assert found["t_stat"] == pytest.approx(2.0)
    assert info.summarize_information(ic, lags=3)["lags"] == 3.0
    empty = info.summarize_information(ic[:0])
    assert np.isnan(empty["mean"]) and np.isnan(empty["icir"]) and empty["observations"] == 0


def test_forward_returns_refuse_the_past() -> None:
    with pytest.raises(DataError, match="0 sessions"):
        info.forward_returns(MARKS, np.array([0]), 0)
    with pytest.raises(DataError, match="lag -1"):
        info.forward_returns(MARKS, np.array([0]), 1, lag=-1)
