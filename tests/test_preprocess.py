"""Cross-sections made comparable: hand-computed rows, ties, single assets, any order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm, rankdata
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from factors.preprocess import (
    demean,
    gaussian_rank,
    rank_scale,
    scale_scores,
    winsorize,
    winsorize_deviations,
    z_score,
)
from factors.transformers import (
    GaussianRanker,
    Lagger,
    Neutralizer,
    RankScaler,
    Winsorizer,
    ZScorer,
)

NAN = np.nan
FUNCTIONS = {
    "rank": rank_scale,
    "z_score": z_score,
    "demean": demean,
    "gaussian": gaussian_rank,
    "winsorize": lambda scores, **given: winsorize(scores, 0.1, **given),
    "deviations": lambda scores, **given: winsorize_deviations(scores, 2.0, **given),
}
every_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)

# Few distinct values, so that ties are common; NaN for what is not known.
cross_sections = arrays(
    np.float64, (3, 7), elements=st.sampled_from([-2.5, -1.0, 0.0, 0.1, 0.25, 3.0, 1e6, NAN])
)
repeatable = settings(derandomize=True, max_examples=60, deadline=None)


def test_ranks_by_hand() -> None:
    # Four known of five: ranks 3, 1, 4, 2 -> (2r - 4 - 1) / 8 = 1/8, -3/8, 3/8, -1/8.
    scored = rank_scale(np.array([[0.7, -5.0, NAN, 99.0, 0.0]]))
    np.testing.assert_array_equal(scored, [[0.125, -0.375, NAN, 0.375, -0.125]])


def test_ties_share_the_average_of_their_ranks() -> None:
    # Ranks 1, (2+3)/2, (2+3)/2, 4 -> (2r - 5) / 8 = -3/8, 0, 0, 3/8.
    scored = rank_scale(np.array([[1.0, 2.0, 2.0, 3.0]]))
    np.testing.assert_array_equal(scored, [[-0.375, 0.0, 0.0, 0.375]])
    np.testing.assert_array_equal(rank_scale(np.full((1, 3), 7.0)), np.zeros((1, 3)))


def test_z_scores_by_hand() -> None:
    # 1, 2, 3, 6: mean 3, deviations -2, -1, 0, 3, sum of squares 14, s = sqrt(14/3).
    scored = z_score(np.array([[1.0, 2.0, NAN, 3.0, 6.0]]))
    spread = np.sqrt(14.0 / 3.0)
    expected = [[-2 / spread, -1 / spread, NAN, 0.0, 3 / spread]]
    np.testing.assert_allclose(scored, expected, rtol=1e-15)


def test_winsorize_by_hand() -> None:
    # Sorted 0, 10, 20, 30, 100 (n = 5): the 10 % quantile lies at 0.1 x 4 = 0.4 between the
    # first two, 0 + 0.4 x 10 = 4; the 90 % one at 3.6, 30 + 0.6 x 70 = 72.
    clipped = winsorize(np.array([[30.0, 0.0, NAN, 100.0, 20.0, 10.0]]), 0.1)
    np.testing.assert_allclose(clipped, [[30.0, 4.0, NAN, 72.0, 20.0, 10.0]], rtol=1e-15)


def test_robust_clipping_by_hand() -> None:
    # 0, 1, 2, 3, 100: median 2, distances 2, 1, 0, 1, 98, their median 1. Two robust standard
    # deviations reach 2 x 1.4826 = 2.9652 from 2: only 100 lies beyond.
    clipped = winsorize_deviations(np.array([[100.0, 0.0, NAN, 2.0, 3.0, 1.0]]), 2.0)
    reach = 2.0 / norm.ppf(0.75)
    np.testing.assert_allclose(clipped, [[2.0 + reach, 0.0, NAN, 2.0, 3.0, 1.0]], rtol=1e-15)


def test_robust_clipping_leaves_rows_that_hardly_vary() -> None:
    # Three of four are equal: the median distance is 0 and says nothing of the fourth.
    row = np.array([[5.0, 5.0, 5.0, 90.0]])
    np.testing.assert_array_equal(winsorize_deviations(row, 3.0), row)


def test_gaussian_ranks_by_hand() -> None:
    # Blom: (r - 3/8) / (n + 1/4). Three known: 0.625/3.25 = 5/26, 1.625/3.25 = 1/2, 21/26.
    # Phi^-1(21/26): Phi(0.87) = 0.80785, density 0.27324, and 21/26 = 0.807692, so that
    # 0.87 - 0.000158 / 0.27324 = 0.86942.
    scored = gaussian_rank(np.array([[9.0, NAN, -4.0, 50.0]]))
    np.testing.assert_allclose(scored, [[0.0, NAN, -0.86942, 0.86942]], atol=2e-5)
    # Ranks 1, 2.5, 2.5, 4 of four: (4 - 3/8) / 4.25 = 29/34; the middle of the ties is 0.
    scored = gaussian_rank(np.array([[1.0, 2.0, 2.0, 3.0]]))
    expected = norm.ppf(29 / 34)
    np.testing.assert_allclose(scored, [[-expected, 0.0, 0.0, expected]], rtol=1e-14)
    assert gaussian_rank(np.array([[NAN, 3.0]]))[0, 1] == 0.0
    np.testing.assert_array_equal(gaussian_rank(np.full((1, 3), 7.0)), np.zeros((1, 3)))


def test_gaussian_ranks_are_those_of_scipy_and_scikit_learn() -> None:
    scores = np.random.default_rng(8).normal(size=(1, 101)) ** 3
    ranks = rankdata(scores[0])
    expected = norm.ppf((ranks - 0.375) / 101.25)
    np.testing.assert_allclose(gaussian_rank(scores)[0], expected, rtol=1e-12, atol=1e-15)
    # A quantile transformer maps rank r to Phi^-1((r - 1) / (n - 1)), its ends clipped: another
    # convention, the same order, and close in the middle of many.
    mapped = QuantileTransformer(n_quantiles=101, output_distribution="normal")
    other = mapped.fit_transform(scores.T)[:, 0]
    middle = (ranks > 10) & (ranks < 92)
    np.testing.assert_allclose(gaussian_rank(scores)[0, middle], other[middle], atol=0.03)


def test_groups_are_treated_apart() -> None:
    scores = np.array([[1.0, 2.0, 3.0, 500.0, 700.0]])
    groups = np.array(["equity", "equity", "equity", "crypto", "crypto"])
    # Three assets: (2r - 4) / 6 = -1/3, 0, 1/3; two: (2r - 3) / 4 = -1/4, 1/4.
    np.testing.assert_allclose(
        rank_scale(scores, groups=groups), [[-1 / 3, 0.0, 1 / 3, -0.25, 0.25]], rtol=1e-15
    )
    np.testing.assert_array_equal(demean(scores, groups=groups), [[-1.0, 0.0, 1.0, -100.0, 100.0]])


def test_assets_that_are_not_eligible_take_no_part() -> None:
    scores = np.array([[1.0, 2.0, 3.0, 1e9]])
    eligible = np.array([[True, True, True, False]])
    np.testing.assert_array_equal(demean(scores, eligible=eligible), [[-1.0, 0.0, 1.0, NAN]])
    np.testing.assert_array_equal(
        rank_scale(scores, eligible=eligible)[:, :3], rank_scale(scores[:, :3])
    )


@every_function
def test_infinite_scores_are_not_known(function) -> None:
    scored = function(np.array([[1.0, np.inf, 2.0, -np.inf]]))
    np.testing.assert_array_equal(np.isfinite(scored), [[True, False, True, False]])
    np.testing.assert_array_equal(scored[:, [0, 2]], function(np.array([[1.0, 2.0]])))


@every_function
def test_a_row_without_scores_stays_without(function) -> None:
    assert np.isnan(function(np.full((2, 3), NAN))).all()
    assert function(np.empty((0, 3))).shape == (0, 3)


@pytest.mark.parametrize(
    "scale, expected", [("rank", 0.0), ("zscore", 0.0), ("gaussian", 0.0), ("none", 4.2)]
)
def test_one_asset_is_defined(scale: str, expected: float) -> None:
    scored = scale_scores(np.array([[NAN, 4.2, NAN]]), scale, fraction=0.01)
    np.testing.assert_array_equal(scored, [[NAN, expected, NAN]])


@pytest.mark.parametrize("value", [0.0, 0.1, -1e-300, 1e15, 1 / 3])
def test_no_variance_gives_zero_and_no_noise(value: float) -> None:
    np.testing.assert_array_equal(z_score(np.full((1, 7), value)), np.zeros((1, 7)))


def test_ranks_are_not_clipped_before_but_units_are() -> None:
    scores = np.arange(200.0)[None, :]
    assert len(np.unique(scale_scores(scores, "rank", fraction=0.1))) == 200
    assert scale_scores(scores, "none", fraction=0.1).max() < 180
    groups = np.repeat(["a", "b"], 100)
    centred = scale_scores(scores, "none", fraction=0.1, groups=groups)
    assert centred[0, :100].mean() == pytest.approx(0.0, abs=1e-12)


def test_inputs_are_not_changed() -> None:
    scores = np.array([[3.0, 1.0, NAN, 2.0]])
    scores.flags.writeable = False
    for function in FUNCTIONS.values():
        function(scores, groups=np.array([1, 1, 2, 2]))


@repeatable
@given(cross_sections, st.permutations(range(7)))
def test_the_order_of_assets_does_not_matter(scores: np.ndarray, order: list[int]) -> None:
    groups = np.array(["a", "b", "a", "a", "b", "b", "a"])
    for function in FUNCTIONS.values():
        for labels in (None, groups):
            there = function(scores, groups=labels)
            moved = function(scores[:, order], groups=None if labels is None else labels[order])
            np.testing.assert_array_equal(moved, there[:, order])


@repeatable
@given(cross_sections)
def test_ranks_survive_any_rising_transformation(scores: np.ndarray) -> None:
    rising = np.arctan(scores / 3.0) * 5.0 + 1.0
    np.testing.assert_array_equal(rank_scale(rising), rank_scale(scores))
    np.testing.assert_array_equal(rank_scale(-scores), -rank_scale(scores))
    np.testing.assert_array_equal(gaussian_rank(rising), gaussian_rank(scores))
    np.testing.assert_array_equal(gaussian_rank(-scores), -gaussian_rank(scores))


@repeatable
@given(cross_sections)
def test_scaled_scores_have_no_mean_and_keep_to_their_range(scores: np.ndarray) -> None:
    ranks, known = rank_scale(scores), np.isfinite(scores)
    np.testing.assert_array_equal(np.isfinite(ranks), known)
    assert np.all(np.abs(ranks[known]) < 0.5)
    np.testing.assert_allclose(np.nansum(ranks, axis=1), 0.0, atol=1e-12)
    deviations = z_score(scores)
    np.testing.assert_allclose(np.nansum(deviations, axis=1), 0.0, atol=1e-9)
    clipped = winsorize(scores, 0.2)
    assert np.nanmax(clipped, initial=-9e9) <= np.nanmax(scores, initial=-9e9)


def test_pandas_is_a_second_witness() -> None:
    import pandas as pd

    rng = np.random.default_rng(3)
    scores = np.where(rng.random((40, 25)) < 0.2, NAN, rng.normal(size=(40, 25)).round(1))
    frame = pd.DataFrame(scores.T)
    z = ((frame - frame.mean()) / frame.std()).to_numpy().T
    np.testing.assert_allclose(z_score(scores), z, rtol=1e-9, atol=1e-12)
    low, high = frame.quantile(0.05), frame.quantile(0.95)
    clipped = frame.clip(low, high, axis=1).to_numpy().T
    np.testing.assert_allclose(winsorize(scores, 0.05), clipped, rtol=1e-12)


#: A lag is what it is because rows have an order; every other check holds for it too.
ORDERED = {
    "check_methods_sample_order_invariance": "a lagged row is the row before",
    "check_methods_subset_invariance": "a lagged row is the row before",
}


@parametrize_with_checks(
    [
        Winsorizer(),
        Winsorizer(deviations=3.0),
        RankScaler(),
        ZScorer(),
        GaussianRanker(),
        Neutralizer(),
        Lagger(),
        Lagger(periods=0),
    ],
    expected_failed_checks=lambda estimator: (
        ORDERED if isinstance(estimator, Lagger) and estimator.periods else {}
    ),
)
def test_the_transformers_keep_scikit_learns_rules(estimator, check) -> None:
    check(estimator)


def test_a_pipeline_equals_the_functions() -> None:
    rng = np.random.default_rng(5)
    scores = np.where(rng.random((6, 9)) < 0.2, NAN, rng.normal(size=(6, 9)))
    groups = np.repeat(["equity", "crypto", "other"], 3)
    pipeline = make_pipeline(Winsorizer(fraction=0.2, groups=groups), ZScorer(groups=groups))
    expected = z_score(winsorize(scores, 0.2, groups=groups), groups=groups)
    np.testing.assert_array_equal(pipeline.fit_transform(scores), expected)
    copied = clone(pipeline)
    assert copied.get_params()["winsorizer__fraction"] == 0.2
    with_lag = make_pipeline(GaussianRanker(groups=groups), Lagger(periods=2))
    lagged = with_lag.set_params(lagger__periods=1).fit_transform(scores)
    np.testing.assert_array_equal(lagged[1:], gaussian_rank(scores, groups=groups)[:-1])
    # A stateless transformer works without fit, and each row by itself.
    np.testing.assert_array_equal(RankScaler().transform(scores[2:3]), rank_scale(scores)[2:3])


def test_a_lag_by_hand_and_never_a_later_row() -> None:
    scores = np.arange(8.0).reshape(4, 2)
    expected = [[NAN, NAN], [NAN, NAN], [0.0, 1.0], [2.0, 3.0]]
    np.testing.assert_array_equal(Lagger(periods=2).fit_transform(scores), expected)
    np.testing.assert_array_equal(Lagger(periods=0).fit_transform(scores), scores)
    assert np.isnan(Lagger(periods=9).fit_transform(scores)).all()
    for stop in range(1, 5):
        cut = Lagger(periods=2).fit_transform(scores[:stop])
        np.testing.assert_array_equal(cut, expected[:stop])


def test_transformers_refuse_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="groups labels 2 assets, X has 3 columns"):
        RankScaler(groups=np.array(["a", "b"])).fit(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"fraction 0.5 is not in \[0, 0.5\)"):
        Winsorizer(fraction=0.5).fit_transform(np.ones((2, 3)))
    with pytest.raises(ValueError, match="deviations 0.0 is not positive"):
        Winsorizer(deviations=0.0).fit_transform(np.ones((2, 3)))
    for periods in (-1, 0.5):
        with pytest.raises(ValueError, match=f"periods {periods} is not a whole number"):
            Lagger(periods=periods).fit_transform(np.ones((2, 3)))
