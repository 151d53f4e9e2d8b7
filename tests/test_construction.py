"""From scores to target weights: sides, sleeves, thin sleeves, caps and what is reported."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.construction import CrossSection, PortfolioRules, target_weights

NAN = np.nan


def section(score, *, classes=None, eligible=None, trend=None):
    score = np.array(score, dtype=float)
    count = len(score)
    return CrossSection(
        np.array([f"S{number:02d}" for number in range(count)]),
        np.array(classes or ["equity"] * count),
        np.ones(count, dtype=bool) if eligible is None else np.array(eligible),
        score,
        np.array(score if trend is None else trend, dtype=float),
    )


def weights(given, **rules):
    return target_weights(given, PortfolioRules(**rules)).weights.tolist()


def reports(given, **rules):
    return target_weights(given, PortfolioRules(**rules)).reports


FIVE = section([5, 4, 3, 2, 1])


# Sides


def test_long_only_holds_the_best_for_the_whole_gross():
    # Net is gross whatever `net` says.
    assert weights(FIVE, quantile=0.4) == [0.5, 0.5, 0, 0, 0]
    assert weights(FIVE, quantile=0.4, gross=0.8) == pytest.approx([0.4, 0.4, 0, 0, 0])


def test_long_short_at_net_zero_is_half_a_side():
    rules = {"side": "long_short", "quantile": 0.4, "min_breadth": 2}
    assert weights(FIVE, **rules) == [0.25, 0.25, 0, -0.25, -0.25]


def test_net_moves_weight_from_one_side_to_the_other():
    # Longs (1.5 + 0.3)/2 = 0.9, shorts (1.5 - 0.3)/2 = 0.6.
    rules = {"side": "long_short", "quantile": 0.2, "gross": 1.5, "net": 0.3, "min_breadth": 2}
    assert weights(FIVE, **rules) == pytest.approx([0.9, 0, 0, 0, -0.6])


@pytest.mark.parametrize(("net", "expected"), [(1.0, [1, 0]), (-1.0, [0, -1])])
def test_net_equal_to_gross_is_one_side_only(net, expected):
    rules = {"side": "long_short", "top": 1, "net": net, "min_breadth": 2}
    assert weights(section([2, 1]), **rules) == expected


def test_the_sides_of_a_long_short_book_never_overlap():
    rules = {"side": "long_short", "quantile": None, "top": 9, "min_breadth": 2}
    # Two a side of five; the one in the middle is left out.
    assert weights(FIVE, **rules) == [0.25, 0.25, 0, -0.25, -0.25]


def test_assets_without_a_score_or_not_eligible_get_nothing():
    given = section([5, NAN, 4, 3, 2], eligible=[False, True, True, True, True])
    assert weights(given, quantile=None, top=1, min_breadth=3) == [0, 0, 1, 0, 0]


# Sleeves

MIXED = section([1, 2, 3, 4, 9, 8], classes=["equity"] * 4 + ["crypto"] * 2)
HALVES = {"equity": 0.75, "crypto": 0.25}


def test_without_sleeves_all_classes_are_ranked_together():
    assert weights(MIXED, quantile=None, top=2, min_breadth=2) == [0, 0, 0, 0, 0.5, 0.5]


def test_each_sleeve_ranks_its_own_class_for_its_share():
    given = weights(MIXED, quantile=0.5, sleeves=HALVES, min_breadth=2)
    assert given == pytest.approx([0, 0, 0.375, 0.375, 0.25, 0])


def test_each_sleeve_has_its_share_of_gross_and_of_net():
    rules = {"side": "long_short", "quantile": 0.5, "sleeves": HALVES, "min_breadth": 2}
    given = weights(MIXED, gross=2.0, net=0.4, **rules)
    # Longs 1.2, shorts 0.8, of which three quarters and one quarter: 0.9/2 and 0.6/2; 0.3, 0.2.
    assert given == pytest.approx([-0.3, -0.3, 0.45, 0.45, 0.3, -0.2])


def test_a_class_without_a_sleeve_gets_nothing():
    assert weights(MIXED, quantile=0.25, sleeves={"equity": 1.0}) == [0, 0, 0, 1, 0, 0]


# Thin sleeves: two coins where four are asked for

THIN = {"sleeves": HALVES, "quantile": 0.25, "min_breadth": 4}


def thin(rule, trend, *, side="long_only", **rules):
    given = section(MIXED.score, classes=MIXED.asset_class.tolist(), trend=[0] * 4 + trend)
    return weights(given, side=side, thin_sleeve=rule, **{**THIN, **rules})


def test_trend_long_only_holds_what_rises_and_keeps_the_rest_in_cash():
    # A quarter over two coins: 0.125 each.
    assert thin("trend", [0.1, 0.2]) == [0, 0, 0, 0.75, 0.125, 0.125]
    assert thin("trend", [0.1, -0.2]) == [0, 0, 0, 0.75, 0.125, 0]
    assert thin("trend", [-0.1, 0.0]) == [0, 0, 0, 0.75, 0, 0]


def test_trend_long_short_shorts_what_falls():
    given = thin("trend", [0.1, -0.2], side="long_short")
    assert given == [-0.375, 0, 0, 0.375, 0.125, -0.125]


def test_trend_spreads_over_the_assets_whose_trend_is_known():
    assert thin("trend", [NAN, 0.2]) == [0, 0, 0, 0.75, 0, 0.25]
    assert thin("trend", [NAN, NAN]) == [0, 0, 0, 0.75, 0, 0]


@pytest.mark.parametrize(
    ("side", "equities"), [("long_only", [0, 0, 0, 0.75]), ("long_short", [-0.375, 0, 0, 0.375])]
)
def test_long_only_holds_all_at_equal_weights_whatever_their_trend(side, equities):
    assert thin("long_only", [-0.5, 0.2], side=side) == [*equities, 0.125, 0.125]


@pytest.mark.parametrize(
    ("side", "equities"), [("long_only", [0, 0, 0, 0.75]), ("long_short", [-0.375, 0, 0, 0.375])]
)
def test_cash_holds_nothing(side, equities):
    assert thin("cash", [0.5, 0.5], side=side) == [*equities, 0, 0]


@pytest.mark.parametrize(
    ("side", "equities"), [("long_only", [0, 0, 0, 1.0]), ("long_short", [-0.5, 0, 0, 0.5])]
)
def test_redistribute_gives_the_share_to_the_other_sleeves(side, equities):
    assert thin("redistribute", [0.5, 0.5], side=side) == [*equities, 0, 0]


def test_redistribute_among_several_keeps_their_proportions():
    classes = ["a", "a", "b", "b", "c"]
    given = section([2, 1, 2, 1, 9], classes=classes)
    shares = {"a": 0.2, "b": 0.3, "c": 0.5}
    rules = {"sleeves": shares, "min_breadth": 2, "thin_sleeve": "redistribute", "quantile": 0.5}
    assert weights(given, **rules) == pytest.approx([0.4, 0, 0.6, 0, 0])


def test_redistribute_with_nobody_to_give_to_stays_in_cash():
    rules = {"sleeves": HALVES, "min_breadth": 9, "thin_sleeve": "redistribute"}
    assert weights(MIXED, **rules) == [0] * 6


@pytest.mark.parametrize("rule", ["cash", "redistribute"])
def test_a_thin_pool_without_sleeves_stays_in_cash(rule):
    assert weights(section([1, 2]), min_breadth=3, thin_sleeve=rule) == [0, 0]


def test_a_thin_pool_without_sleeves_follows_its_trends():
    assert weights(section([1, -2]), min_breadth=3, thin_sleeve="trend") == [0.5, 0]


def test_breadth_counts_what_is_ranked():
    # Four equities of which one has no score: three are thin for four.
    given = section([NAN, 2, 3, 4, 9, 8], classes=MIXED.asset_class.tolist())
    thin_ones = reports(given, thin_sleeve="cash", **THIN)
    assert [(name, kind) for name, kind, _ in thin_ones] == [
        ("crypto", "thin sleeve"),
        ("equity", "thin sleeve"),
    ]
    assert thin_ones[1][2] == "3 ranked, below 4: cash"


def test_a_sleeve_at_its_breadth_is_ranked_and_not_reported():
    assert reports(MIXED, sleeves=HALVES, min_breadth=2) == ()


# Caps


def test_the_cap_spreads_the_excess_within_class_and_side():
    rules = {"sleeves": HALVES, "min_breadth": 2, "quantile": 0.5, "weighting": "rank"}
    # Equities 2 : 1 of 0.75 are 0.5 and 0.25; capped at 0.4: 0.4 and 0.35. The coin keeps 0.25.
    given = weights(MIXED, max_weight=0.4, **rules)
    assert given == pytest.approx([0, 0, 0.35, 0.4, 0.25, 0])


def test_what_a_cap_leaves_in_cash_is_reported():
    target = target_weights(FIVE, PortfolioRules(quantile=0.4, max_weight=0.3))
    assert target.weights.tolist() == [0.3, 0.3, 0, 0, 0]
    assert target.reports == (("", "capped", "max_weight leaves 0.4000 of NAV in cash"),)


def test_what_a_class_cap_leaves_in_cash_is_reported():
    rules = {"quantile": None, "top": 2, "min_breadth": 2, "max_class_weight": {"crypto": 0.3}}
    target = target_weights(MIXED, PortfolioRules(**rules))
    assert target.weights.tolist() == pytest.approx([0, 0, 0, 0, 0.15, 0.15])
    assert target.reports == (("", "capped", "max_class_weight leaves 0.7000 of NAV in cash"),)


def test_a_class_cap_moves_the_excess_to_the_other_classes_without_a_report():
    rules = {"quantile": None, "top": 4, "min_breadth": 2, "max_class_weight": {"crypto": 0.3}}
    target = target_weights(MIXED, PortfolioRules(**rules))
    assert target.weights.tolist() == pytest.approx([0, 0, 0.35, 0.35, 0.15, 0.15])
    assert target.reports == ()


# What must hold for any cross-section


@st.composite
def cross_sections(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(1, 30))
    score = np.round(rng.normal(size=count), draw(st.sampled_from([0, 3])))
    score[rng.random(count) < 0.2] = NAN
    trend = rng.normal(size=count)
    trend[rng.random(count) < 0.2] = NAN
    return CrossSection(
        rng.permutation([f"S{number:02d}" for number in range(count)]),
        rng.choice(["equity", "crypto"], count),
        rng.random(count) < 0.9,
        score,
        trend,
    )


@st.composite
def rule_sets(draw):
    side = draw(st.sampled_from(["long_only", "long_short"]))
    gross = draw(st.sampled_from([0.5, 1.0, 1.6]))
    return PortfolioRules(
        side=side,
        quantile=draw(st.sampled_from([0.1, 0.2, 0.5])),
        weighting=draw(st.sampled_from(["equal", "rank", "score"])),
        gross=gross,
        net=draw(st.sampled_from([-0.2, 0.0, 0.5])) * gross if side == "long_short" else 0.0,
        max_weight=draw(st.sampled_from([1.0, 0.3, 0.05])),
        sleeves=draw(st.sampled_from([None, {"equity": 0.9, "crypto": 0.1}])),
        min_breadth=draw(st.sampled_from([2, 6])),
        thin_sleeve=draw(st.sampled_from(["trend", "long_only", "cash", "redistribute"])),
    )


EXAMPLES = settings(max_examples=200, deadline=None, derandomize=True)


@EXAMPLES
@given(given_=cross_sections(), rules=rule_sets())
def test_exposure_never_exceeds_gross_nor_a_weight_its_cap(given_, rules):
    target = target_weights(given_, rules).weights
    assert np.all(np.isfinite(target))
    assert np.abs(target).sum() <= rules.gross + 1e-12
    assert np.all(np.abs(target) <= rules.max_weight * (1 + 1e-12))
    assert np.all(target[~given_.eligible] == 0)
    if not rules.is_long_short:
        assert np.all(target >= 0)


@EXAMPLES
@given(given_=cross_sections(), rules=rule_sets())
def test_gross_and_net_are_met_exactly_unless_something_is_reported(given_, rules):
    target = target_weights(given_, rules)
    if not target.reports:
        net = rules.net if rules.is_long_short else rules.gross
        assert np.abs(target.weights).sum() == pytest.approx(rules.gross, abs=1e-12)
        assert target.weights.sum() == pytest.approx(net, abs=1e-12)


@EXAMPLES
@given(given_=cross_sections(), rules=rule_sets(), random=st.randoms(use_true_random=False))
def test_the_order_of_assets_changes_nothing(given_, rules, random):
    order = list(range(len(given_.score)))
    random.shuffle(order)
    shuffled = CrossSection(
        given_.symbols[order],
        given_.asset_class[order],
        given_.eligible[order],
        given_.score[order],
        given_.trend[order],
    )
    one, two = target_weights(given_, rules), target_weights(shuffled, rules)
    np.testing.assert_allclose(two.weights, one.weights[order], atol=1e-14)
    assert one.reports == two.reports
