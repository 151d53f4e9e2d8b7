"""Limits of a book by name: sectors, gross, neutralities, who gives way and what is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.construction import CrossSection, PortfolioRules, target_weights
from strategies.limit_rows import limited, sector_labels
from strategies.portfolio_rules import NeutralRules

NAN = np.nan


def section(score, *, classes=None, sectors=None, beta=None, trend=None):
    score = np.array(score, dtype=float)
    count = len(score)
    return CrossSection(
        symbols=np.array([f"S{number:02d}" for number in range(count)]),
        asset_class=np.array(classes or ["equity"] * count),
        eligible=np.ones(count, dtype=bool),
        score=score,
        trend=np.array(score if trend is None else trend, dtype=float),
        sector=None if sectors is None else np.array(sectors, dtype=str),
        beta=None if beta is None else np.array(beta, dtype=float),
    )


FOUR = section([4, 3, 2, 1], sectors=["A", "A", "B", "B"])
BOTH = {"side": "long_short", "min_breadth": 2}


def test_a_sector_cap_spreads_over_the_other_sectors():
    rules = PortfolioRules(quantile=None, top=3, max_sector_weight={"A": 0.4}, min_breadth=2)
    target = target_weights(FOUR, rules)
    # A third each; sector A may hold 0.4 of its 2/3, and B takes the rest.
    np.testing.assert_allclose(target.weights, [0.2, 0.2, 0.6, 0], atol=1e-14)
    assert target.reports == ()


def test_others_is_the_cap_of_sectors_without_their_own():
    caps = {"others": 0.3, "A": 0.7}
    rules = PortfolioRules(quantile=None, top=4, max_sector_weight=caps, min_breadth=2)
    target = target_weights(FOUR, rules)
    # B may hold 0.3 of its half; A takes 0.7.
    np.testing.assert_allclose(target.weights, [0.35, 0.35, 0.15, 0.15], atol=1e-14)


def test_a_sector_cap_counts_shorts_as_what_they_are_worth():
    rules = PortfolioRules(quantile=0.5, max_sector_weight={"A": 0.2}, **BOTH)
    target = target_weights(FOUR, rules)
    # All longs are of A: 0.2 at most, and net 0 holds the shorts to as much.
    np.testing.assert_allclose(target.weights, [0.1, 0.1, -0.1, -0.1], atol=1e-9)
    detail = "gross gives way by 0.6: 0.4 instead of 1, kept by max_sector_weight.A"
    assert target.reports == (("", "limits", detail),)


def test_an_asset_without_a_sector_counts_by_its_class():
    given_ = section([3, 2, 1], sectors=["A", "", ""], classes=["equity", "equity", "crypto"])
    labels = sector_labels(given_.sector, given_.asset_class)
    assert labels.tolist() == ["A", "equity", "crypto"]
    caps = {"crypto": 0.1}
    rules = PortfolioRules(quantile=None, top=3, max_sector_weight=caps, min_breadth=2)
    np.testing.assert_allclose(target_weights(given_, rules).weights, [0.45, 0.45, 0.1], atol=1e-14)


def test_dollar_neutrality_makes_up_for_a_thin_sleeve():
    classes = ["equity"] * 4 + ["crypto"]
    given_ = section([4, 3, 2, 1, 0], classes=classes, trend=[0, 0, 0, 0, 1])
    shares = {"equity": 0.8, "crypto": 0.2}
    rules = {"quantile": 0.5, "sleeves": shares, **BOTH}
    plain = target_weights(given_, PortfolioRules(**rules))
    assert plain.weights.sum() == pytest.approx(0.2)
    target = target_weights(given_, PortfolioRules(neutral=NeutralRules(dollar=0.0), **rules))
    # Longs 0.2, 0.2 and a coin of 0.2 must become 0.5 together, the shorts of 0.4 too; equities
    # may not exceed 0.8, so the coin keeps 0.2 and the stocks hold 0.15 and 0.15.
    np.testing.assert_allclose(target.weights, [0.15, 0.15, -0.25, -0.25, 0.2], atol=1e-12)


def test_a_tolerance_is_used_up_and_no_more():
    rules = {"quantile": 0.5, "gross": 1.0, "net": 0.4, **BOTH}
    free = target_weights(FOUR, PortfolioRules(**rules)).weights
    neutral = NeutralRules(dollar=0.1)
    bound = limited(FOUR, free, PortfolioRules(neutral=neutral, **rules))
    # Longs 0.7 and shorts 0.3 become 0.55 and 0.45: what was asked for, and no report.
    np.testing.assert_allclose(bound.weights, [0.275, 0.275, -0.225, -0.225], atol=1e-14)
    assert bound.reports == ()


def test_beta_neutral_at_the_same_gross_and_net():
    given_ = section([4, 3, 2, 1], beta=[1.0, 2.0, 1.0, 1.0])
    rules = PortfolioRules(quantile=0.5, neutral=NeutralRules(beta=0.1), **BOTH)
    target = target_weights(given_, rules)
    # Shorts of 0.5 have a beta of -0.5; longs a + b = 0.5 with a + 2b = 0.6 are 0.4 and 0.1.
    np.testing.assert_allclose(target.weights, [0.4, 0.1, -0.25, -0.25], atol=1e-14)
    assert target.reports == ()


def test_a_beta_that_is_not_known_is_one_and_told():
    given_ = section([4, 3, 2, 1], beta=[NAN, 2.0, 1.0, 1.0])
    rules = PortfolioRules(quantile=0.5, neutral=NeutralRules(beta=0.1), **BOTH)
    target = target_weights(given_, rules)
    np.testing.assert_allclose(target.weights, [0.4, 0.1, -0.25, -0.25], atol=1e-14)
    assert target.reports == (("", "beta", "not known of 1, taken as 1: S00"),)


def test_each_class_is_neutral():
    classes = ["equity", "crypto", "crypto", "equity"]
    given_ = section([4, 3, 2, 1], classes=classes)
    rules = PortfolioRules(quantile=0.5, weighting="rank", **BOTH)
    # Longs 2/3 and 1/3 of a half, shorts likewise from the worst: 1/3, 1/6, -1/6, -1/3.
    free = target_weights(given_, rules).weights
    np.testing.assert_allclose(free, [1 / 3, 1 / 6, -1 / 6, -1 / 3], atol=1e-15)
    given_ = section([4, 1, 3, 2], classes=classes)
    # Equities 1/3 and -1/6, coins -1/3 and 1/6: each class has to be brought to zero, gross 1.
    rules = PortfolioRules(
        quantile=0.5, weighting="rank", neutral=NeutralRules(asset_class=("all",)), **BOTH
    )
    np.testing.assert_allclose(
        target_weights(given_, rules).weights, [0.25, -0.25, 0.25, -0.25], atol=1e-14
    )


def test_sectors_that_can_only_be_neutral_when_empty_are_left_in_cash_and_told():
    rules = PortfolioRules(quantile=0.5, neutral=NeutralRules(sector=True), **BOTH)
    target = target_weights(FOUR, rules)
    np.testing.assert_allclose(target.weights, [0, 0, 0, 0], atol=1e-9)
    assert target.reports[0][1] == "limits"
    assert target.reports[0][2].startswith("gross gives way by 1: ")
    assert target.reports[0][2].endswith("kept by neutral.sector.A, neutral.sector.B")


def test_a_book_of_one_side_that_must_be_neutral_is_empty():
    given_ = section([1.0, 2.0], trend=[1, 1])
    rules = PortfolioRules(
        side="long_short", min_breadth=3, neutral=NeutralRules(dollar=0.0), quantile=0.5
    )
    target = target_weights(given_, rules)
    np.testing.assert_allclose(target.weights, [0, 0], atol=1e-9)
    assert "neutral.dollar" in target.reports[-1][2]


def test_max_gross_alone_is_a_bound():
    weights = np.array([0.6, 0.3, -0.6])
    found = limited(section([3, 2, 1]), weights, PortfolioRules(max_gross=1.2, side="long_short"))
    # Gross 1.5 becomes 1.2 and net stays 0.3: longs 0.75, shorts 0.45.
    np.testing.assert_allclose(found.weights, [0.5, 0.25, -0.45], atol=1e-14)
    assert found.reports == ()


def test_no_sleeve_takes_over_what_another_may_not_hold():
    classes = ["equity"] * 2 + ["crypto"] * 2
    given_ = section([4, 3, 2, 1], classes=classes, sectors=["A", "A", "", ""])
    rules = PortfolioRules(
        quantile=None,
        top=2,
        sleeves={"equity": 0.6, "crypto": 0.4},
        max_sector_weight={"A": 0.5},
        min_breadth=2,
    )
    target = target_weights(given_, rules)
    np.testing.assert_allclose(target.weights, [0.25, 0.25, 0.2, 0.2], atol=1e-9)
    detail = "gross gives way by 0.1: 0.9 instead of 1, kept by sleeves.crypto, max_sector_weight.A"
    assert target.reports == (("", "limits", detail),)


def test_today_s_caps_alone_are_spread_as_ever():
    rules = PortfolioRules(quantile=None, top=2, max_weight=0.3, min_breadth=2)
    assert not rules.projects
    target = target_weights(FOUR, rules)
    assert target.weights.tolist() == [0.3, 0.3, 0, 0]
    assert target.reports == (("", "capped", "max_weight leaves 0.4000 of NAV in cash"),)


def test_weights_of_nothing_are_none():
    weights = np.array([0.5, 0.3, 1e-17, -0.2, -1e-12])
    given_ = section([5, 4, 3, 2, 1])
    rules = PortfolioRules(max_gross=1.0, neutral=NeutralRules(dollar=0.0), side="long_short")
    found = limited(given_, weights, rules)
    np.testing.assert_allclose(found.weights, [0.3125, 0.1875, 0, -0.5, 0], atol=1e-12)
    assert found.weights[2] == found.weights[4] == 0.0 and found.reports == ()


def test_weights_of_very_different_size():
    weights = np.array([0.9, 1e-7, -0.5, -1e-6])
    rules = PortfolioRules(neutral=NeutralRules(beta=0.0), side="long_short")
    target = limited(section([4, 3, 2, 1], beta=[1.0, 1.1, 2.0, 0.9]), weights, rules)
    beta = np.array([1.0, 1.1, 2.0, 0.9])
    # Net 0.4 and gross 1.4 leave longs of 0.9 and shorts of 0.5: the small short has to take
    # most of the 0.5 for a beta of zero, which distance forbids.
    assert abs(beta @ target.weights) <= 1e-9
    assert target.weights[0] > 0 and (target.weights[2:] <= 0).all()


# What must hold for any cross-section and any limits


@st.composite
def cases(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(1, 40))
    score = np.round(rng.normal(size=count), draw(st.sampled_from([0, 3])))
    score[rng.random(count) < 0.1] = NAN
    beta = rng.normal(1.0, 0.4, count)
    beta[rng.random(count) < 0.1] = NAN
    given_ = CrossSection(
        symbols=rng.permutation([f"S{number:02d}" for number in range(count)]),
        asset_class=rng.choice(["equity", "equity", "crypto"], count),
        eligible=rng.random(count) < 0.9,
        score=score,
        trend=rng.normal(size=count),
        sector=rng.choice(["A", "B", "C", ""], count),
        beta=beta,
    )
    side = draw(st.sampled_from(["long_only", "long_short"]))
    neutral = NeutralRules()
    if side == "long_short":
        neutral = NeutralRules(
            dollar=draw(st.sampled_from([None, 0.0, 0.05])),
            beta=draw(st.sampled_from([None, 0.0, 0.1])),
            asset_class=draw(st.sampled_from([(), ("all",), ("crypto",)])),
            sector=draw(st.booleans()),
        )
    rules = PortfolioRules(
        side=side,
        quantile=draw(st.sampled_from([0.2, 0.5])),
        weighting=draw(st.sampled_from(["equal", "rank", "score"])),
        max_weight=draw(st.sampled_from([1.0, 0.1])),
        max_class_weight=draw(st.sampled_from([{}, {"crypto": 0.1}])),
        max_sector_weight=draw(st.sampled_from([{}, {"others": 0.3}, {"A": 0.1}])),
        max_gross=draw(st.sampled_from([None, 1.0])),
        sleeves=draw(st.sampled_from([None, {"equity": 0.9, "crypto": 0.1}])),
        min_breadth=draw(st.sampled_from([2, 6])),
        thin_sleeve=draw(st.sampled_from(["trend", "cash", "redistribute"])),
        neutral=neutral,
    )
    return given_, rules


EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)


def sums(labels, weights):
    return {name: weights[labels == name].sum() for name in np.unique(labels).tolist()}


@EXAMPLES
@given(case=cases())
def test_all_limits_hold_and_totals_hold_or_are_named(case):
    given_, rules = case
    target = target_weights(given_, rules)
    weights, neutral = target.weights, rules.neutral
    told = " ".join(detail for _, kind, detail in target.reports if kind in ("limits", "capped"))
    labels = sector_labels(given_.sector, given_.asset_class)
    gross = np.abs(weights)
    assert (gross <= rules.max_weight + 1e-12).all() and (weights[~given_.eligible] == 0).all()
    assert gross.sum() <= (rules.max_gross or rules.gross) + 1e-12
    for name, cap in rules.max_class_weight.items():
        assert gross[given_.asset_class == name].sum() <= cap + 1e-9
    for name, own in sums(labels, gross).items():
        cap = rules.max_sector_weight.get(name, rules.max_sector_weight.get("others", 9.0))
        assert own <= cap + 1e-9
    if neutral.dollar is not None:
        assert abs(weights.sum()) <= neutral.dollar + 1e-9
    if neutral.beta is not None:
        assert abs(np.nan_to_num(given_.beta, nan=1.0) @ weights) <= neutral.beta + 1e-9
    for name, net in sums(given_.asset_class, weights).items():
        if name in neutral.asset_class or neutral.asset_class == ("all",):
            assert abs(net) <= 1e-9
    for net in sums(labels, weights).values() if neutral.sector else ():
        assert abs(net) <= 1e-9
    if not target.reports and weights.any():
        assert gross.sum() == pytest.approx(rules.gross, abs=1e-12)
    if rules.projects and "gross" not in told:
        plain = {**rules.__dict__, "neutral": NeutralRules(), "max_sector_weight": {}}
        plain |= {"max_class_weight": {}, "max_weight": 9.0, "max_gross": None}
        wanted = np.abs(target_weights(given_, PortfolioRules(**plain)).weights).sum()
        assert gross.sum() == pytest.approx(wanted, abs=1e-12)


@EXAMPLES
@given(case=cases(), random=st.randoms(use_true_random=False))
def test_the_order_of_assets_changes_nothing_at_all(case, random):
    given_, rules = case
    order = list(range(len(given_.score)))
    random.shuffle(order)
    fields = ("symbols", "asset_class", "eligible", "score", "trend", "sector", "beta")
    shuffled = CrossSection(**{name: getattr(given_, name)[order] for name in fields})
    one, two = target_weights(given_, rules), target_weights(shuffled, rules)
    if rules.projects:
        # In the order of the names: the last bit, too, unless caps have summed before.
        np.testing.assert_allclose(two.weights, one.weights[order], atol=1e-12)
    assert one.reports == two.reports
