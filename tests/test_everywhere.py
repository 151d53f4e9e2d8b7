"""Value and momentum everywhere: rank weights, combinations and classes of equal volatility."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factors.everywhere import everywhere, rank_weights, volatility_shares
from factors.holdings import Endings, holding_returns
from feeds.errors import DataError

NAN = np.nan
PAIRS = np.array(["equity", "equity", "crypto", "crypto"])


@pytest.mark.parametrize(
    ("scores", "weights"),
    [
        # Ranks 3, 1, 2 around their mean 2.
        ([30.0, 10.0, 20.0], [1.0, -1.0, 0.0]),
        # -1.5, -.5, .5, 1.5 over the long side's 2.
        ([1.0, 2.0, 3.0, 9.0], [-0.75, -0.25, 0.25, 0.75]),
        # Ranks 1.5, 1.5 and 3 around 2: -.5, -.5, 1.
        ([5.0, 5.0, 7.0], [-0.5, -0.5, 1.0]),
        # NaN is not ranked: two assets at 1.5 -+ .5.
        ([4.0, NAN, 2.0], [1.0, 0.0, -1.0]),
        ([np.inf, 3.0, 1.0], [0.0, 1.0, -1.0]),
        ([2.0, 2.0, 2.0], [0.0, 0.0, 0.0]),
        ([2.0, NAN, NAN], [0.0, 0.0, 0.0]),
        ([NAN, NAN, NAN], [0.0, 0.0, 0.0]),
    ],
)
def test_rank_weights_by_hand(scores, weights) -> None:
    np.testing.assert_allclose(rank_weights(np.array([scores])), [weights], atol=1e-15)


def test_groups_are_ranked_apart_and_thin_ones_left_out() -> None:
    scores = np.array([[1.0, 2.0, 3.0, 8.0, 9.0]])
    groups = np.array(["a", "a", "a", "b", "b"])
    np.testing.assert_allclose(rank_weights(scores, groups=groups), [[-1.0, 0.0, 1.0, -1.0, 1.0]])
    thin = rank_weights(scores, groups=groups, min_breadth=3)
    np.testing.assert_allclose(thin, [[-1.0, 0.0, 1.0, 0.0, 0.0]])


score = st.one_of(st.just(NAN), st.integers(-3, 3).map(float), st.floats(-1e6, 1e6))


@settings(derandomize=True, max_examples=150)
@given(st.lists(score, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_rank_weights_are_zero_cost_and_know_ranks_only(values, random) -> None:
    scores = np.array([values])
    weights = rank_weights(scores)[0]
    if weights.any():
        assert weights[weights > 0].sum() == pytest.approx(1.0, rel=1e-12)
        assert weights[weights < 0].sum() == pytest.approx(-1.0, rel=1e-12)
    else:
        assert len(np.unique(scores[np.isfinite(scores)])) < 2
    assert not weights[~np.isfinite(scores[0])].any()
    # A power of two rounds nothing off, so that no tie is made.
    np.testing.assert_allclose(rank_weights(4.0 * scores)[0], weights, atol=1e-15)
    np.testing.assert_allclose(rank_weights(-scores)[0], -weights, atol=1e-12)
    order = list(range(len(values)))
    random.shuffle(order)
    np.testing.assert_allclose(rank_weights(scores[:, order])[0], weights[order], atol=1e-12)


def test_volatility_shares_by_hand() -> None:
    # Two returns a and b deviate by abs(a - b) / sqrt 2: .02 against .08 gives 50 to 12.5.
    returns = np.array([[9.0, 9.0], [0.02, 0.08], [0.0, 0.0], [5.0, 5.0]])
    both = np.ones((1, 2), dtype=bool)
    shares = volatility_shares(returns, np.array([2]), both, window=2, min_observations=2)
    np.testing.assert_allclose(shares, [[0.8, 0.2]], rtol=1e-12)
    # One that holds nothing now, has too short a past, or never moved has no share.
    one = np.array([[False, True]])
    assert volatility_shares(returns, np.array([2]), one, 2, 2).tolist() == [[0.0, 1.0]]
    returns[1, 0] = NAN
    assert volatility_shares(returns, np.array([2]), both, 2, 2).tolist() == [[0.0, 1.0]]
    returns[1] = 0.0
    assert volatility_shares(returns, np.array([2]), both, 2, 2).tolist() == [[0.0, 0.0]]


def test_shares_of_books_with_pasts_of_different_length() -> None:
    # .02 and 0: s = .02 / sqrt 2. .03, 0 and 0: squares .0004, .0001, .0001 over 2, s = sqrt .0003.
    returns = np.array([[NAN, 0.03], [0.02, 0.0], [0.0, 0.0]])
    shares = volatility_shares(returns, np.array([2]), np.ones((1, 2), dtype=bool), 3, 2)
    calm = [2**0.5 / 0.02, 1.0 / 0.0003**0.5]
    np.testing.assert_allclose(shares, [[c / sum(calm) for c in calm]], rtol=1e-12)


@pytest.fixture
def marks() -> np.ndarray:
    """Four assets over eight sessions, which move on sessions 2 and 5 alone."""
    closes = np.full((8, 4), 100.0)
    closes[2:] *= [1.01, 0.99, 1.04, 0.96]
    closes[5:] *= [1.10, 1.00, 1.00, 1.20]
    return closes


def dates(sessions: int) -> np.ndarray:
    return np.datetime64("2020-01-01") + np.arange(sessions)


def test_a_book_across_classes_by_hand(marks) -> None:
    scores = {"momentum": np.array([[2.0, 1.0, 2.0, 1.0]] * 2)}
    found = everywhere(
        scores,
        PAIRS,
        marks,
        dates(8),
        np.array([0, 3]),
        window=2,
        min_observations=2,
        min_breadth=2,
    )
    # Entered on sessions 1 and 4. On session 2 equities earn .01 + .01, coins .04 + .04, and
    # nothing on session 3: at the decision of row 3 shares are .8 and .2 (as above).
    np.testing.assert_allclose(found.shares["momentum"], [[0.0, 0.0], [0.2, 0.8]], rtol=1e-12)
    np.testing.assert_allclose(
        found.weights["all momentum"], [[0.0] * 4, [0.8, -0.8, 0.2, -0.2]], rtol=1e-12
    )
    returns = found.returns
    np.testing.assert_allclose(
        returns["equity momentum"], [NAN, NAN, 0.02, 0.0, 0.0, 0.10, 0.0, 0.0], atol=1e-12
    )
    np.testing.assert_allclose(
        returns["crypto momentum"], [NAN, NAN, 0.08, 0.0, 0.0, -0.20, 0.0, 0.0], atol=1e-12
    )
    # .8 x .10 - .2 x .20 = .04 on session 5, nothing known before its entry on session 4.
    np.testing.assert_allclose(returns["all momentum"], [NAN] * 5 + [0.04, 0.0, 0.0], atol=1e-12)
    pd.testing.assert_series_equal(
        returns["all combination"], returns["all momentum"], check_names=False
    )
    assert returns.index[0] == pd.Timestamp("2020-01-01") and returns.index.name == "date"


def test_the_combination_is_the_mean_of_the_books_that_are(marks) -> None:
    value = np.array([[1.0, 2.0, NAN, NAN], [2.0, 1.0, NAN, 1.0]])
    momentum = np.array([[2.0, 1.0, 2.0, 1.0]] * 2)
    found = everywhere(
        {"value": value, "momentum": momentum},
        PAIRS,
        marks,
        dates(8),
        np.array([0, 3]),
        window=4,
        min_breadth=2,
    )
    # Equities: opposite books cancel at first, agree at last. Coins: momentum stands alone.
    np.testing.assert_allclose(found.weights["equity combination"][:, :2], [[0, 0], [1, -1]])
    np.testing.assert_allclose(found.weights["crypto combination"][:, 2:], [[1, -1], [1, -1]])
    assert not found.weights["crypto value"].any()
    assert found.returns["crypto value"].isna().all()
    # What a session earned in the cash of a cancelled book is no volatility: coins alone count.
    assert found.shares["combination"].tolist() == [[0.0, 0.0], [1.0, 0.0]]


def test_sessions_in_cash_are_no_observations() -> None:
    # Decisions on rows 0, 3 and 6, entered on 1, 4 and 7. Coins are held from the first and the
    # third: of sessions 1 to 6 they know 2, 3 and 4 alone, equities 2 to 6. Both earn .06 on
    # session 4, the entry of the second decision, which the first one's book still holds.
    closes = np.full((9, 4), 100.0)
    closes[4:] *= [1.03, 0.97, 1.03, 0.97]
    scores = np.array([[2.0, 1.0, 2.0, 1.0], [2.0, 1.0, NAN, 1.0], [2.0, 1.0, 2.0, 1.0]])
    found = everywhere(
        {"momentum": scores},
        PAIRS,
        closes,
        dates(9),
        np.array([0, 3, 6]),
        window=6,
        min_observations=3,
        min_breadth=2,
    )
    # Coins: 0, 0, .06: mean .02, squares .0004 + .0004 + .0016 = .0024 over 2, s = sqrt .0012.
    # Equities: five returns, mean .012, squares 4 x .000144 + .002304 = .00288 over 4 = .00072.
    calm = [1.0 / 0.0012**0.5, 1.0 / 0.00072**0.5]
    np.testing.assert_allclose(
        found.shares["momentum"][2], [c / sum(calm) for c in calm], rtol=1e-9
    )
    assert found.shares["momentum"][:2].tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_an_entry_at_the_decision_itself(marks) -> None:
    scores = {"momentum": np.array([[2.0, 1.0, 2.0, 1.0]])}
    found = everywhere(scores, PAIRS, marks, dates(8), np.array([1]), lag=0, min_breadth=2)
    np.testing.assert_allclose(found.returns["equity momentum"][:3], [NAN, NAN, 0.02], atol=1e-12)
    late = everywhere(scores, PAIRS, marks, dates(8), np.array([1]), lag=2, min_breadth=2)
    assert late.returns["equity momentum"].isna().tolist() == [True] * 4 + [False] * 4


def test_one_class_is_its_own_composite(marks) -> None:
    scores = {"momentum": np.array([[2.0, 1.0, 3.0, NAN]] * 2)}
    found = everywhere(
        scores, np.array(["equity"] * 4), marks, dates(8), np.array([0, 3]), window=2, min_breadth=2
    )
    np.testing.assert_allclose(
        found.weights["all momentum"][1], found.weights["equity momentum"][1]
    )
    np.testing.assert_allclose(
        found.returns["all momentum"][5:], found.returns["equity momentum"][5:]
    )


def test_no_decision_and_one_asset_hold_nothing(marks) -> None:
    empty = everywhere(
        {"value": np.empty((0, 4))}, PAIRS, marks, dates(8), np.empty(0, dtype=int), min_breadth=2
    )
    assert empty.returns.isna().all(axis=None) and len(empty.returns) == 8
    alone = everywhere(
        {"value": np.array([[1.0]])}, np.array(["crypto"]), marks[:, :1], dates(8), np.array([0])
    )
    assert alone.returns.isna().all(axis=None)


def test_a_series_that_ended_is_closed_in_every_book(marks) -> None:
    scores = {"momentum": np.array([[2.0, 1.0, 1.0, 2.0]])}
    ends = Endings(row=np.array([8, 8, 8, 6]), result=np.array([0.0, 0.0, 0.0, -0.5]))
    given = dict(window=2, min_breadth=2)
    found = everywhere(scores, PAIRS, marks, dates(8), np.array([3]), ends=ends, **given)
    # Long 1 of a coin that gains 20 % on session 5 and then halves: -.60 of 1.20.
    np.testing.assert_allclose(
        found.returns["crypto momentum"][5:], [0.20, -0.60 / 1.20, 0.0], rtol=1e-12
    )
    np.testing.assert_allclose(found.returns["equity momentum"][5:], [0.10, 0.0, 0.0], atol=1e-12)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"scores": {}}, "none"),
        ({"scores": {"combination": np.zeros((1, 4))}}, "combination"),
        ({"asset_class": np.array(["all"] * 4)}, "all"),
        ({"window": 1}, "window of 1"),
        ({"min_observations": 1}, "min_observations 1"),
    ],
)
def test_what_has_no_meaning_is_refused(marks, change, says) -> None:
    given = {"scores": {"value": np.zeros((1, 4))}, "asset_class": PAIRS, **change}
    with pytest.raises(DataError, match=says):
        everywhere(close_marks=marks, dates=dates(8), rows=np.array([0]), **given)


@pytest.fixture
def market() -> dict:
    """Two factors over twelve assets of two classes, 200 sessions, a decision every fifth."""
    rng = np.random.default_rng(17)
    rows = np.arange(0, 200, 5)
    closes = np.exp(np.cumsum(rng.normal(0.0, 0.02, (200, 12)) * ([1.0] * 7 + [4.0] * 5), axis=0))
    scores = {name: rng.normal(size=(len(rows), 12)) for name in ("value", "momentum")}
    scores["value"][rng.random((len(rows), 12)) < 0.2] = NAN
    scores["value"][:10, 7:] = NAN
    return {
        "scores": scores,
        "asset_class": np.array(["equity"] * 7 + ["crypto"] * 5),
        "close_marks": closes,
        "dates": dates(200),
        "rows": rows,
    }


def test_nothing_depends_on_what_came_after_it(market) -> None:
    rules = dict(window=40, min_breadth=3)
    full = everywhere(**market, **rules)
    assert full.returns.notna().any().all()
    for row in range(40, 200, 3):
        rng = np.random.default_rng(row)
        count = int((market["rows"] <= row).sum())
        decided = {name: values[:count] for name, values in market["scores"].items()}
        cut = {**market, "scores": decided, "rows": market["rows"][:count]}
        cut |= {"close_marks": market["close_marks"][: row + 1], "dates": dates(row + 1)}
        mixed = {**market, "scores": {k: v.copy() for k, v in market["scores"].items()}}
        mixed["close_marks"] = market["close_marks"].copy()
        mixed["close_marks"][row + 1 :] *= np.exp(rng.normal(0.0, 0.5, (199 - row, 12)))
        for values in mixed["scores"].values():
            values[count:] = rng.normal(size=values[count:].shape)
        for again in (everywhere(**cut, **rules), everywhere(**mixed, **rules)):
            pd.testing.assert_frame_equal(again.returns[: row + 1], full.returns[: row + 1])
            for key, weights in full.weights.items():
                np.testing.assert_array_equal(again.weights[key][:count], weights[:count])


def test_books_across_classes_are_sums_of_their_parts(market) -> None:
    found = everywhere(**market, window=40, min_breadth=3)
    for name in ("value", "momentum", "combination"):
        shares = found.shares[name]
        total = shares.sum(axis=1)
        assert np.all((np.abs(total - 1.0) < 1e-12) | (total == 0.0)) and total.any()
        parts = shares[:, :1] * found.weights[f"crypto {name}"]
        parts = parts + shares[:, 1:] * found.weights[f"equity {name}"]
        np.testing.assert_allclose(found.weights[f"all {name}"], parts, atol=1e-15)
        whole = holding_returns(market["close_marks"], market["rows"], parts)
        line = found.returns[f"all {name}"].fillna(0.0)
        np.testing.assert_allclose(line, whole, atol=1e-14)
    # Coins move four times as much, and have about a fifth of the book.
    assert 0.1 < found.shares["momentum"][20:, 0].mean() < 0.3
    books = [found.weights[f"equity {name}"] for name in ("value", "momentum")]
    both = books[0].any(axis=1) & books[1].any(axis=1)
    assert 30 < both.sum() < 40  # where value is too thin momentum stands alone
    mean = np.where(both[:, None], (books[0] + books[1]) / 2.0, books[0] + books[1])
    np.testing.assert_allclose(found.weights["equity combination"], mean, atol=1e-12)


@settings(derandomize=True, max_examples=30, deadline=None)
@given(st.permutations(range(9)))
def test_opposite_books_hold_nothing_whatever_rounding_leaves(order) -> None:
    scores = np.array([order, order], dtype=float)
    marks = np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.02, (12, 9)), axis=0))
    found = everywhere(
        {"value": scores, "momentum": -scores},
        np.array(["equity"] * 9),
        marks,
        dates(12),
        np.array([0, 5]),
        window=4,
    )
    assert not found.weights["equity combination"].any()
    assert not found.shares["combination"].any()
