"""Scores without what groups and characteristics explain: by hand, against OLS, and always."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from factors.neutralize import neutralize
from factors.preprocess import demean
from factors.transformers import Neutralizer

NAN = np.nan
repeatable = settings(derandomize=True, max_examples=80, deadline=None)
# Few distinct values, so that ties, constant and repeated columns are common.
VALUES = [-3.0, -1.0, 0.0, 0.5, 2.0, 7.0]
rows_of_scores = arrays(np.float64, (3, 9), elements=st.sampled_from([*VALUES, NAN]))
exposures_of_rows = arrays(np.float64, (2, 3, 9), elements=st.sampled_from([*VALUES, NAN]))
weights_of_rows = arrays(np.float64, (3, 9), elements=st.sampled_from([0.5, 1.0, 4.0]))
GROUPS = np.array(["a", "b", "a", "a", "b", "b", "a", "a", "c"])


def test_residuals_by_hand() -> None:
    # x = 0, 1, 2, mean 1; y = 1, 3, 8, mean 4. Slope sum(dx dy) / sum(dx^2) =
    # (-1 x -3 + 0 + 1 x 4) / 2 = 3.5. Residuals y - 4 - 3.5 (x - 1) = 0.5, -1, 0.5.
    residuals = neutralize(np.array([[1.0, NAN, 3.0, 8.0]]), [np.array([[0.0, 5.0, 1.0, 2.0]])])
    np.testing.assert_allclose(residuals, [[0.5, NAN, -1.0, 0.5]], rtol=1e-14)


def test_weighted_residuals_by_hand() -> None:
    # Weights 2, 1, 1: means of x 0, 1, 3 -> 1 and of y 2, 0, 8 -> 3. Weighted sums of products
    # 2 x (-1)(-1) + 1 x 0 x (-3) + 1 x 2 x 5 = 12, of squares 2 + 0 + 4 = 6: slope 2.
    # Residuals y - 3 - 2 (x - 1) = 1, -3, 1; weighted sum 2 - 3 + 1 = 0.
    residuals = neutralize(
        np.array([[2.0, 0.0, 8.0]]),
        [np.array([[0.0, 1.0, 3.0]])],
        weights=np.array([[2.0, 1.0, 1.0]]),
    )
    np.testing.assert_allclose(residuals, [[1.0, -3.0, 1.0]], rtol=1e-14)


def test_each_group_has_a_regression_of_its_own() -> None:
    # Stocks: y = 10 + x exactly but for the last, as above; coins: minus their mean, 50.
    scores = np.array([[1.0, 3.0, 8.0, 40.0, 60.0]])
    exposure = np.array([[0.0, 1.0, 2.0, 4.0, 4.0]])
    groups = np.array(["equity"] * 3 + ["crypto"] * 2)
    residuals = neutralize(scores, [exposure], groups=groups)
    np.testing.assert_allclose(residuals, [[0.5, -1.0, 0.5, -10.0, 10.0]], rtol=1e-14)


@pytest.mark.parametrize("weighted", [False, True])
def test_residuals_are_those_of_least_squares(weighted: bool) -> None:
    rng = np.random.default_rng(3)
    scores, exposures = rng.normal(size=(4, 60)), rng.normal(size=(3, 4, 60))
    exposures[1] = 1e6 + 50.0 * exposures[0] + exposures[1]  # nearly collinear, far from 0
    weights = rng.lognormal(size=(4, 60)) if weighted else None
    scores[0, 5], exposures[2, 1, 7] = NAN, NAN
    residuals = neutralize(scores, exposures, weights=weights)
    for row in range(4):
        known = np.isfinite(scores[row]) & np.isfinite(exposures[:, row]).all(axis=0)
        np.testing.assert_array_equal(np.isfinite(residuals[row]), known)
        centred = exposures[:, row, known] - exposures[:, row, known].mean(axis=1, keepdims=True)
        weight = np.ones(known.sum()) if weights is None else weights[row, known]
        fitted = sm.WLS(scores[row, known], sm.add_constant(centred.T), weights=weight).fit()
        np.testing.assert_allclose(residuals[row, known], fitted.resid, atol=1e-9)


def test_without_exposures_it_is_the_deviation_from_the_mean() -> None:
    scores = np.random.default_rng(1).normal(size=(5, 9))
    np.testing.assert_allclose(
        neutralize(scores, groups=GROUPS), demean(scores, groups=GROUPS), atol=1e-15
    )


def test_constant_and_repeated_exposures_are_passed_over() -> None:
    rng = np.random.default_rng(2)
    scores, first, second = rng.normal(size=(3, 2, 20))
    once = neutralize(scores, [first, second])
    constant, repeated = np.full((2, 20), 1e9 / 3.0), 1.0 / 3.0 - 7.0 * first
    again = neutralize(scores, [constant, first, repeated, second, first + second])
    np.testing.assert_allclose(again, once, atol=1e-13)


def test_long_vectors_leave_no_rounding_in_short_remainders() -> None:
    rng = np.random.default_rng(13)
    noise, first, second = rng.normal(size=(3, 1, 40))
    # Residuals a hundred-millionth of the scores stay orthogonal in proportion to themselves.
    residuals = neutralize(1e8 * first + noise, [first])
    assert abs((residuals * first).sum()) < 1e-12 and abs(residuals.sum()) < 1e-12
    # Exposures that differ by a hundred-millionth still span both directions.
    residuals = neutralize(noise, [first, first + 1e-8 * second])
    assert abs((residuals * first).sum()) < 1e-13
    assert abs((residuals * second).sum()) < 1e-5
    # Those that differ by less than can be told from rounding are one.
    once = neutralize(noise, [first])
    np.testing.assert_allclose(neutralize(noise, [first, first + 1e-12 * second]), once)


def test_as_many_coefficients_as_assets_leave_exactly_nothing() -> None:
    scores = np.array([[0.1, 0.7, -1.3]])
    exposures = np.array([[[1.0, 2.0, 4.0]], [[0.3, 0.1, 0.2]]])
    np.testing.assert_array_equal(neutralize(scores, exposures), np.zeros((1, 3)))
    np.testing.assert_array_equal(neutralize(scores[:, :2], exposures[:1, :, :2]), [[0.0, 0.0]])
    np.testing.assert_array_equal(neutralize(scores[:, :1]), [[0.0]])
    # A score that is the exposure in other units leaves nothing either, and no noise.
    exposure = np.random.default_rng(4).normal(size=(3, 50))
    np.testing.assert_array_equal(neutralize(1e7 - exposure / 3.0, [exposure]), np.zeros((3, 50)))


def test_what_is_not_known_is_not_ranked_and_takes_no_part() -> None:
    scores = np.array([[1.0, 3.0, 8.0, 99.0, -50.0, np.inf]])
    exposure = np.array([[0.0, 1.0, 2.0, NAN, 1.0, 1.0]])
    weights = np.array([[1.0, 1.0, 1.0, 1.0, 0.0, 1.0]])
    residuals = neutralize(scores, [exposure], weights=weights)
    np.testing.assert_allclose(residuals, [[0.5, -1.0, 0.5, NAN, NAN, NAN]], rtol=1e-14)
    eligible = np.array([[True, True, True, True, False, True]])
    again = neutralize(scores, [exposure], eligible=eligible)
    np.testing.assert_array_equal(again, residuals)
    assert np.isnan(neutralize(np.full((2, 3), NAN), [np.ones((2, 3))])).all()
    assert neutralize(np.empty((0, 3)), [np.empty((0, 3))]).shape == (0, 3)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the shape of the scores, \(2, 3\), not \(3,\)"):
        neutralize(np.ones((2, 3)), [np.ones(3)])
    with pytest.raises(ValueError, match=r"not \(4, 3\)"):
        Neutralizer(exposures=np.ones((4, 3))).fit_transform(np.ones((2, 3)))


def test_units_of_any_size() -> None:
    rng = np.random.default_rng(6)
    scores, exposure = rng.normal(size=(2, 1, 30))
    plain = neutralize(scores, [exposure])
    np.testing.assert_allclose(neutralize(scores * 1e300, [exposure * 1e-300]) / 1e300, plain)
    np.testing.assert_allclose(neutralize(scores * 1e-300, [exposure * 1e300]) * 1e300, plain)


@repeatable
@given(rows_of_scores, exposures_of_rows, weights_of_rows, st.booleans())
def test_residuals_are_orthogonal_group_by_group(scores, exposures, weights, grouped) -> None:
    groups = GROUPS if grouped else np.full(9, "all")
    residuals = neutralize(scores, exposures, groups=groups, weights=weights)
    known = np.isfinite(scores) & np.isfinite(exposures).all(axis=0)
    np.testing.assert_array_equal(np.isfinite(residuals), known)
    weighted = np.where(known, residuals * weights, 0.0)
    for label in np.unique(groups):
        columns = groups == label
        np.testing.assert_allclose(weighted[:, columns].sum(axis=1), 0.0, atol=1e-10)
        for exposure in np.where(known, exposures, 0.0):
            products = (weighted * exposure)[:, columns].sum(axis=1)
            np.testing.assert_allclose(products, 0.0, atol=1e-10)


@repeatable
@given(rows_of_scores, exposures_of_rows)
def test_once_neutral_is_neutral(scores, exposures) -> None:
    once = neutralize(scores, exposures, groups=GROUPS)
    np.testing.assert_allclose(neutralize(once, exposures, groups=GROUPS), once, atol=1e-10)


@repeatable
@given(rows_of_scores, exposures_of_rows, weights_of_rows, st.permutations(range(9)))
def test_the_order_of_assets_changes_no_bit(scores, exposures, weights, order) -> None:
    there = neutralize(scores, exposures, groups=GROUPS, weights=weights)
    moved = neutralize(
        scores[:, order], exposures[:, :, order], groups=GROUPS[order], weights=weights[:, order]
    )
    np.testing.assert_array_equal(moved, there[:, order])


@repeatable
@given(rows_of_scores, exposures_of_rows)
def test_each_row_stands_by_itself(scores, exposures) -> None:
    together = neutralize(scores, exposures, groups=GROUPS)
    for row in range(3):
        alone = neutralize(scores[[row]], exposures[:, [row]], groups=GROUPS)
        np.testing.assert_array_equal(alone[0], together[row])
    transformer = Neutralizer(groups=GROUPS, exposures=exposures)
    np.testing.assert_array_equal(transformer.fit_transform(scores), together)
