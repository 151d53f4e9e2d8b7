"""Steps in order: by hand, as the usual keys say them, and with nothing of a later row."""

from __future__ import annotations

import numpy as np
import pytest

from factors import Factor, composite_scores, get_factor
from factors.neutralize import neutralize
from factors.preprocess import (
    gaussian_rank,
    rank_scale,
    winsorize,
    winsorize_deviations,
    z_score,
)
from factors.sections import group_labels
from factors.steps import (
    Gaussian,
    Lag,
    Neutralize,
    Rank,
    Winsorize,
    ZScore,
    usual_steps,
)

NAN = np.nan
CLASSES = ["equity"] * 6 + ["crypto"] * 3


def fixed(values, name: str = "a") -> Factor:
    """A factor whose scores are given, one row or all of them."""
    return Factor(name, lambda panel: np.array(np.broadcast_to(values, panel.shape)))


@pytest.fixture
def panel(make_panel):
    return make_panel(
        shape=(80, 9),
        asset_class=CLASSES,
        sector=["Energy", "Energy", "Energy", "Banks", "Banks", "", "", "", ""],
    )


@pytest.fixture
def scored(panel):
    """Composite of one factor through some steps, everybody eligible unless told."""

    def run(values, steps, rows=None, eligible=None, exposures=None):
        eligible = np.ones(panel.shape, dtype=bool) if eligible is None else eligible
        named = {name: (fixed(given, name), {}) for name, given in (exposures or {}).items()}
        return composite_scores(
            panel,
            eligible,
            [(fixed(values), 1.0, {})],
            rows=np.array([5]) if rows is None else np.array(rows),
            steps={"a": steps},
            exposures=named,
        ).composite

    return run


def test_steps_are_taken_in_order_by_hand(scored) -> None:
    # Stocks 1 2 3 4 5 100, exposure 0 0 0 1 1 1: group means 2 and 109/3. Residuals -1, 0, 1
    # and -97/3, -94/3, 191/3; their ranks 3, 4, 5, 1, 2, 6 -> (2r - 7) / 12.
    # Coins 7 8 9 against a constant: -1, 0, 1 -> ranks 1, 2, 3 -> (2r - 4) / 6.
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 100.0, 7.0, 8.0, 9.0]
    exposure = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0]
    after = scored(values, [Neutralize(("x",)), Rank()], exposures={"x": exposure})
    expected = [-1 / 12, 1 / 12, 3 / 12, -5 / 12, -3 / 12, 5 / 12, -1 / 3, 0.0, 1 / 3]
    np.testing.assert_allclose(after, [expected], rtol=1e-14)
    # The other way round, ranks -5..5 (/12) lose the means of each half, -3/12 and 3/12.
    before = scored(values, [Rank(), Neutralize(("x",))], exposures={"x": exposure})
    expected = [-2 / 12, 0.0, 2 / 12, -2 / 12, 0.0, 2 / 12, -1 / 3, 0.0, 1 / 3]
    np.testing.assert_allclose(before, [expected], atol=1e-15)


def test_sectors_are_groups_of_their_class(panel, scored) -> None:
    labels = group_labels(panel, ("asset_class", "sector"))
    assert (
        labels.tolist()
        == ["equity/Energy"] * 3 + ["equity/Banks"] * 2 + ["equity/"] + ["crypto/"] * 3
    )
    assert group_labels(panel, ("sector",)).tolist() == labels.tolist()
    assert group_labels(panel, ()) is None
    values = [1.0, 2.0, 6.0, 5.0, 3.0, 9.0, 1.0, 1.0, 4.0]
    # Means 3, 4, 9 (alone, sector not known) and, of the coins, 2.
    neutral = scored(values, [Neutralize(("sector",))])
    np.testing.assert_allclose(neutral, [[-2, -1, 3, 1, -1, 0, -1, -1, 2]], rtol=1e-15)
    with pytest.raises(ValueError, match="the panel has no sectors"):
        group_labels(type(panel)(**{**vars_of(panel), "sector": None}), ("sector",))


def vars_of(panel) -> dict:
    return {name: getattr(panel, name) for name in panel.__dataclass_fields__ if name != "checked"}


def test_a_lag_takes_the_score_and_its_cross_section_of_earlier(panel, scored) -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=panel.shape)
    eligible = rng.random(panel.shape) < 0.8
    lagged = scored(values, [Rank(), Lag(3)], rows=[40, 60], eligible=eligible)
    then = rank_scale(values, eligible=eligible, groups=panel.asset_class)[[37, 57]]
    np.testing.assert_array_equal(lagged, np.where(eligible[[40, 60]], then, NAN))
    # Ranked after the lag, the cross-section is that of the row itself.
    lagged = scored(values, [Lag(2), Lag(1), Rank()], rows=[40, 60], eligible=eligible)
    now = rank_scale(values[[37, 57]], eligible=eligible[[40, 60]], groups=panel.asset_class)
    np.testing.assert_array_equal(lagged, now)


def test_no_score_is_older_than_the_panel(scored) -> None:
    lagged = scored(np.arange(9.0), [Rank(), Lag(3)], rows=[0, 2, 3])
    assert np.isnan(lagged[:2]).all() and np.isfinite(lagged[2]).all()
    ranked = scored(np.arange(9.0), [Lag(3), Rank()], rows=[0, 2, 3])
    assert np.isnan(ranked[:2]).all() and np.isfinite(ranked[2]).all()


def test_characteristics_before_a_lag_are_those_of_then(panel, scored) -> None:
    rng = np.random.default_rng(9)
    values, exposure = rng.normal(size=(2, *panel.shape))
    lagged = scored(values, [Neutralize(("x",)), Lag(4)], rows=[30], exposures={"x": exposure})
    then = neutralize(values[[26]], [exposure[[26]]], groups=panel.asset_class)
    np.testing.assert_array_equal(lagged, then)


@pytest.mark.parametrize("within", [("asset_class",), ("asset_class", "sector"), ()])
def test_each_step_is_its_function(panel, scored, within) -> None:
    rng = np.random.default_rng(7)
    values = rng.normal(size=panel.shape)
    values[rng.random(panel.shape) < 0.2] = NAN
    groups, row = group_labels(panel, within), values[[5]]
    expected = {
        Winsorize(0.2, within=within): winsorize(row, 0.2, groups=groups),
        Winsorize(0.2, 1.0, within): winsorize_deviations(row, 1.0, groups=groups),
        Rank(within): rank_scale(row, groups=groups),
        ZScore(within): z_score(row, groups=groups),
        Gaussian(within): gaussian_rank(row, groups=groups),
    }
    for step, wanted in expected.items():
        np.testing.assert_array_equal(scored(values, [step]), wanted)


@pytest.mark.parametrize("scale", ["rank", "zscore", "gaussian", "none"])
def test_the_usual_keys_are_steps(panel, scale: str) -> None:
    rng = np.random.default_rng(2)
    asked = [(fixed(rng.normal(size=panel.shape)), 1.0, {})]
    eligible = rng.random(panel.shape) < 0.9
    size = {"size": (fixed(rng.normal(size=panel.shape), "size"), {})}
    for names in ("asset_class", None, ("asset_class", "sector"), ("asset_class", "size")):
        given = {"winsorize": 0.1, "scale": scale, "neutralize": names, "exposures": size}
        usual = composite_scores(panel, eligible, asked, **given)
        names = (names,) if isinstance(names, str) else names or ()
        steps = {"a": usual_steps(0.1, scale, names)}
        same = composite_scores(panel, eligible, asked, steps=steps, exposures=size)
        np.testing.assert_array_equal(usual.composite, same.composite)
        np.testing.assert_array_equal(np.isfinite(usual.composite), eligible)


def test_scores_made_neutral_last_are_orthogonal_in_the_composite(panel) -> None:
    rng = np.random.default_rng(12)
    asked = [(fixed(rng.normal(size=panel.shape), name), 1.0, {}) for name in ("a", "b")]
    exposure = rng.normal(size=panel.shape)
    result = composite_scores(
        panel,
        np.ones(panel.shape, dtype=bool),
        asked,
        neutralize=("asset_class", "x"),
        exposures={"x": (fixed(exposure, "x"), {})},
    )
    for label in ("equity", "crypto"):
        members = panel.asset_class == label
        product = (result.composite * exposure)[:, members].sum(axis=1)
        np.testing.assert_allclose(product, 0.0, atol=1e-12)
        np.testing.assert_allclose(result.composite[:, members].sum(axis=1), 0.0, atol=1e-12)


def test_a_factor_may_have_steps_of_its_own(panel) -> None:
    values = np.random.default_rng(1).normal(size=panel.shape)
    asked = [(fixed(values, "a"), 1.0, {}), (fixed(values, "b"), 1.0, {})]
    eligible = np.ones(panel.shape, dtype=bool)
    result = composite_scores(panel, eligible, asked, steps={"b": [ZScore()]})
    np.testing.assert_array_equal(result.scaled[0], rank_scale(values, groups=panel.asset_class))
    np.testing.assert_array_equal(result.scaled[1], z_score(values, groups=panel.asset_class))
    np.testing.assert_array_equal(result.raw, [values, values])


def test_steps_look_at_nothing_later(panel) -> None:
    steps = [
        Winsorize(0.1),
        Neutralize(("volatility", "sector")),
        Lag(2),
        Neutralize(("momentum",)),
        Gaussian(),
        Lag(1),
    ]
    short = {"lookback": 20}
    asked = [(get_factor("momentum"), 1.0, {"lookback": 15, "skip": 1})]
    given = {
        "steps": {"momentum": steps},
        "exposures": {
            "volatility": (get_factor("volatility"), short),
            "momentum": (get_factor("momentum"), {"lookback": 10, "skip": 0}),
        },
    }
    eligible = np.random.default_rng(4).random(panel.shape) < 0.9
    full = composite_scores(panel, eligible, asked, **given).composite
    assert np.isfinite(full).mean() > 0.5
    for row in range(20, 80, 3):
        cut = composite_scores(panel.as_of(row), eligible[: row + 1], asked, **given).composite
        np.testing.assert_array_equal(cut, full[: row + 1])
        alone = composite_scores(panel, eligible, asked, rows=np.array([row]), **given)
        np.testing.assert_array_equal(alone.composite[0], full[row])
