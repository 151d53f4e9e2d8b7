"""Several factors into one score: weights over what is known, and the eligible only."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from factors import Factor, composite_scores
from factors.composite import combine
from feeds.errors import ConfigError

NAN = np.nan
repeatable = settings(derandomize=True, max_examples=60, deadline=None)
scores = arrays(np.float64, (3, 2, 5), elements=st.sampled_from([-0.4, -0.1, 0.0, 0.2, 0.5, NAN]))
weights = st.lists(st.sampled_from([0.25, 1.0, 3.0]), min_size=3, max_size=3)


def fixed(name: str, values: list[float], **kwargs) -> Factor:
    """A factor that says the same on every row."""
    return Factor(name, lambda panel: np.broadcast_to(values, panel.shape), **kwargs)


def test_weights_are_renormalised_over_what_is_known_by_hand() -> None:
    # Weights 1 and 3. Both known: (1 x 0.4 + 3 x 0.2) / 4 = 0.25; the second alone: 0.2;
    # the first alone: 0.4; none: NaN.
    scaled = np.array([[[0.4, NAN, 0.4, NAN]], [[0.2, 0.2, NAN, NAN]]])
    np.testing.assert_allclose(combine(scaled, [1, 3]), [[0.25, 0.2, 0.4, NAN]], rtol=1e-15)
    # With two factors needed, only the first asset is ranked.
    needed = combine(scaled, [1, 3], min_factors=2)
    np.testing.assert_allclose(needed, [[0.25, NAN, NAN, NAN]], rtol=1e-15)


def test_a_negative_weight_turns_a_factor_round() -> None:
    # (1 x 0.4 - 1 x 0.2) / 2 = 0.1
    assert combine(np.array([[[0.4]], [[0.2]]]), [1.0, -1.0])[0, 0] == pytest.approx(0.1)


def test_a_weight_of_zero_only_reports() -> None:
    scaled = np.array([[[0.4, NAN]], [[0.2, 0.2]]])
    np.testing.assert_array_equal(combine(scaled, [1.0, 0.0]), [[0.4, NAN]])
    assert np.isnan(combine(scaled, [1.0, 0.0], min_factors=2)).all()
    with pytest.raises(ConfigError, match="every weight is 0"):
        combine(scaled, [0.0, 0.0])


def test_only_eligible_assets_enter_the_cross_section(make_panel) -> None:
    panel = make_panel(np.full((2, 4), 10.0), asset_class=["equity", "equity", "equity", "crypto"])
    eligible = np.array([[True] * 4, [True, True, False, True]])
    result = composite_scores(
        panel, eligible, [(fixed("a", [3.0, 1.0, 2.0, 9.0]), 1.0, {})], rows=np.array([0, 1])
    )
    # Row 0: three stocks rank 3, 1, 2 -> 1/3, -1/3, 0; the coin is alone: 0.
    # Row 1: two stocks rank 2, 1 -> 1/4, -1/4.
    expected = [[1 / 3, -1 / 3, 0.0, 0.0], [0.25, -0.25, NAN, 0.0]]
    np.testing.assert_allclose(result.composite, expected, rtol=1e-15)
    np.testing.assert_array_equal(result.scaled[0], result.composite)
    np.testing.assert_array_equal(result.raw, [[[3.0, 1.0, 2.0, 9.0]] * 2])


def test_across_classes_when_asked_to(make_panel) -> None:
    panel = make_panel(np.full((1, 4), 10.0), asset_class=["equity", "equity", "equity", "crypto"])
    asked = [(fixed("a", [3.0, 1.0, 2.0, 9.0]), 1.0, {})]
    result = composite_scores(panel, panel.tradable, asked, neutralize=None)
    # Ranks 3, 1, 2, 4 of four -> (2r - 5) / 8.
    np.testing.assert_array_equal(result.composite, [[0.125, -0.375, -0.125, 0.375]])


@pytest.mark.parametrize("scale", ["rank", "zscore", "none"])
def test_neutral_scores_favour_no_class(make_panel, scale: str) -> None:
    rng = np.random.default_rng(4)
    panel = make_panel(np.full((1, 8), 10.0), asset_class=["equity"] * 5 + ["crypto"] * 3)
    values = list(rng.normal(size=5)) + list(rng.normal(50.0, 5.0, size=3))
    result = composite_scores(
        panel, panel.tradable, [(fixed("a", values), 2.0, {})], scale=scale, winsorize=0.1
    )
    assert result.composite[0, :5].mean() == pytest.approx(0.0, abs=1e-12)
    assert result.composite[0, 5:].mean() == pytest.approx(0.0, abs=1e-12)


def test_a_factor_without_scores_leaves_the_others(make_panel) -> None:
    panel = make_panel(np.full((1, 3), 10.0))
    empty = (fixed("empty", [NAN] * 3), 5.0, {})
    asked = [(fixed("a", [1.0, 2.0, 3.0]), 1.0, {})]
    alone = composite_scores(panel, panel.tradable, asked)
    both = composite_scores(panel, panel.tradable, [*asked, empty])
    np.testing.assert_array_equal(both.composite, alone.composite)
    strict = composite_scores(panel, panel.tradable, [*asked, empty], min_factors=2)
    assert np.isnan(strict.composite).all()


def test_columns_labels_and_rows(make_panel) -> None:
    panel = make_panel(shape=(5, 3))
    asked = [
        (fixed("zeal", [1.0, 2.0, 3.0]), 1, {}),
        (fixed("value", [1.0, 2.0, 3.0], proxy="by_name", title="its name"), 1, {}),
    ]
    result = composite_scores(panel, panel.tradable, asked, rows=np.array([4, 2]))
    assert result.columns == ("zeal", "value_proxy")
    assert result.labels == {"zeal": "Zeal", "value_proxy": "Value (proxy: its name)"}
    assert result.raw.shape == result.scaled.shape == (2, 2, 3)
    assert result.composite.shape == (2, 3)
    np.testing.assert_array_equal(result.rows, [4, 2])


def test_parameters_reach_the_function(make_panel) -> None:
    panel = make_panel(shape=(5, 3))
    lagging = Factor("lagging", lambda panel, lag=0: np.roll(panel.close, lag, axis=0))
    result = composite_scores(panel, panel.tradable, [(lagging, 1, {"lag": 2})])
    np.testing.assert_array_equal(result.raw[0], np.roll(panel.close, 2, axis=0))


@pytest.mark.parametrize(
    "values", [lambda p: np.ones(3), lambda p: p.close.T, lambda p: p.tradable, lambda p: "no"]
)
def test_a_function_that_returns_something_else_is_refused(make_panel, values) -> None:
    panel = make_panel(shape=(5, 3))
    with pytest.raises(ConfigError, match="factor odd returned .*expected float64 of shape"):
        composite_scores(panel, panel.tradable, [(Factor("odd", values), 1, {})])


@repeatable
@given(scores, weights, st.sampled_from([0.5, 2.0, 8.0]))
def test_only_the_ratio_of_weights_matters(scaled, weight: list[float], factor: float) -> None:
    once = combine(scaled, weight)
    np.testing.assert_allclose(combine(scaled, [w * factor for w in weight]), once, rtol=1e-12)
    known = np.isfinite(scaled)
    np.testing.assert_array_equal(np.isfinite(once), known.any(axis=0))
    low = np.where(known, scaled, np.inf).min(axis=0)
    high = np.where(known, scaled, -np.inf).max(axis=0)
    inside = (once >= low - 1e-12) & (once <= high + 1e-12)
    assert np.all(inside | np.isnan(once))


@repeatable
@given(scores, weights, st.permutations(range(5)))
def test_the_order_of_assets_does_not_matter(scaled, weight, order: list[int]) -> None:
    moved = combine(scaled[:, :, order], weight, min_factors=2)
    np.testing.assert_array_equal(moved, combine(scaled, weight, min_factors=2)[:, order])


@repeatable
@given(scores, st.integers(1, 3))
def test_fewer_than_min_factors_is_not_ranked(scaled, least: int) -> None:
    ranked = np.isfinite(combine(scaled, [1.0, 2.0, 1.0], min_factors=least))
    np.testing.assert_array_equal(ranked, np.isfinite(scaled).sum(axis=0) >= least)
