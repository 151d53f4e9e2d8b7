"""A configuration's way from factors to scores, and what it is refused for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from configs.schema import BacktestConfig
from factors.steps import (
    Gaussian,
    Lag,
    Neutralize,
    Rank,
    Winsorize,
    ZScore,
)
from feeds.errors import ConfigError
from runs.scoring import (
    characteristics,
    make_exposures,
    make_factors,
    make_steps,
    score,
    studied_scores,
)

SHORT = {"lookback": 20, "skip": 0}


def configured(factors: dict[str, Any] | None = None, **preprocess: Any) -> BacktestConfig:
    return BacktestConfig.model_validate(
        {
            "name": "n",
            "data": {"dir": "data/set", "start": "2020-01-01", "end": "2021-01-01"},
            "factors": factors or {"momentum": SHORT},
            "preprocess": preprocess,
            "portfolio": {"select": {"top": 1}},
        }
    )


@pytest.fixture
def panel(make_panel):
    return make_panel(shape=(60, 9), asset_class=["equity"] * 6 + ["crypto"] * 3)


def scored(config: BacktestConfig, panel):
    rows = np.arange(25, 60, 5)
    return score(config, panel, make_factors(config, panel), panel.tradable, rows)


def test_keys_become_steps() -> None:
    own = ("asset_class",)
    assert make_steps(configured().preprocess) == (Rank(own),)
    scaled = configured(winsorize=0.05, scale="zscore", neutralize=["asset_class", "size"])
    expected = (Winsorize(0.05, within=own), ZScore(own), Neutralize(("size",), own))
    assert make_steps(scaled.preprocess) == expected
    assert make_steps(configured(scale="gaussian", neutralize=None).preprocess) == (Gaussian(()),)
    both = ("asset_class", "sector")
    assert make_steps(configured(neutralize=["sector", "asset_class"]).preprocess) == (Rank(both),)


def test_steps_become_steps() -> None:
    config = configured(
        steps=[
            {"winsorize": 0.02},
            {"winsorize": {"deviations": 5, "within": None}},
            {"neutralize": ["sector", "size"]},
            {"neutralize": "beta"},
            "rank",
            {"zscore": None},
            {"gaussian": {"within": ["asset_class", "sector"]}},
            {"lag": 2},
        ]
    )
    own = ("asset_class",)
    assert make_steps(config.preprocess) == (
        Winsorize(0.02, None, own),
        Winsorize(0.0, 5.0, ()),
        Neutralize(("sector", "size"), own),
        Neutralize(("beta",), own),
        Rank(own),
        ZScore(own),
        Gaussian(("asset_class", "sector")),
        Lag(2),
    )


@pytest.mark.parametrize(
    "preprocess, by_class, reorders",
    [
        ({}, True, False),
        ({"neutralize": None}, False, False),
        ({"neutralize": []}, False, False),
        ({"neutralize": "sector"}, True, True),
        ({"neutralize": ["size"]}, False, True),
        ({"neutralize": ["asset_class", "size"]}, True, True),
        ({"steps": ["rank"]}, True, False),
        ({"steps": [{"rank": {"within": None}}]}, False, False),
        ({"steps": ["rank", {"lag": 1}]}, True, True),
        ({"steps": [{"zscore": {"within": None}}, {"rank": {"within": "sector"}}]}, False, False),
        ({"steps": [{"neutralize": "size"}]}, True, True),
    ],
)
def test_what_a_block_means(preprocess, by_class: bool, reorders: bool) -> None:
    block = configured(**preprocess).preprocess
    assert (block.by_class, block.reorders) == (by_class, reorders)


def test_a_characteristic_is_the_factor_as_it_is_configured(panel) -> None:
    factors = {"momentum": SHORT, "size": {"weight": 0, "proxy": "dollar_volume", "window": 5}}
    config = configured(factors, neutralize=["asset_class", "size", "volatility"])
    exposures = make_exposures(config, panel)
    assert list(exposures) == ["size", "volatility"]
    assert exposures["size"][0].proxy == "dollar_volume"
    assert exposures["size"][1] == {"window": 5}
    assert exposures["volatility"][1] == {}


def test_one_factor_may_be_scaled_in_its_own_way(panel) -> None:
    factors = {
        "momentum": SHORT | {"preprocess": {"scale": "zscore"}},
        "volatility": {"lookback": 20},
    }
    scores = scored(configured(factors, scale="rank"), panel)
    assert np.nanmax(np.abs(scores.scaled[0])) > 0.5 > np.nanmax(np.abs(scores.scaled[1]))
    assert np.isfinite(scores.composite).all()
    assert scores.columns == ("momentum", "volatility")


def test_neutral_to_another_factor(panel) -> None:
    factors = {"momentum": SHORT, "volatility": {"weight": 0, "lookback": 20}}
    config = configured(factors, neutralize=["asset_class", "volatility"])
    scores = scored(config, panel)
    for label in ("equity", "crypto"):
        members = panel.asset_class == label
        product = (scores.scaled[0] * scores.raw[1])[:, members].sum(axis=1)
        np.testing.assert_allclose(product, 0.0, atol=1e-14)


def test_a_factor_is_not_made_neutral_to_itself(panel) -> None:
    factors = {"momentum": SHORT, "volatility": {"lookback": 20}}
    both = scored(configured(factors, neutralize=["asset_class", "volatility"]), panel)
    plain = scored(configured(factors), panel)
    np.testing.assert_array_equal(both.scaled[1], plain.scaled[1])
    assert not np.allclose(both.scaled[0], plain.scaled[0])
    steps = [{"neutralize": ["volatility", "momentum"]}, "rank"]
    each = scored(configured(factors, steps=steps), panel)
    assert (np.abs(each.scaled) > 0.01).any(axis=(1, 2)).all()


def test_a_study_ranks_by_what_a_run_would_trade(panel) -> None:
    factors = {
        "momentum": SHORT | {"preprocess": {"steps": ["rank", {"lag": 2}]}},
        "trend": {"lookback": 20, "volatility_lookback": 10},
        "volatility": {"weight": 0, "lookback": 20},
    }
    config = configured(factors)
    scores = scored(config, panel)
    eligible = np.ones(scores.composite.shape, dtype=bool)
    eligible[0, 3] = False
    studied = studied_scores(config, scores, eligible)
    assert list(studied) == ["momentum", "trend"]
    np.testing.assert_array_equal(studied["momentum"], scores.scaled[0])
    np.testing.assert_array_equal(studied["trend"], np.where(eligible, scores.raw[1], np.nan))
    assert characteristics(config) == ()
    assert characteristics(configured(neutralize=["asset_class", "beta", "size"])) == (
        "beta",
        "size",
    )


@pytest.mark.parametrize(
    "preprocess, problem, remedy",
    [
        (
            {"neutralize": ["asset_class", "size"]},
            "preprocess, neutral to size: size needs market_cap, which data/set lacks",
            "set factors.size: {weight: 0, proxy: dollar_volume}",
        ),
        (
            {"neutralize": ["asset_class", "volatilty"]},
            "preprocess: 'volatilty' is nothing to neutralise to",
            "did you mean volatility?",
        ),
        (
            {"neutralize": "sector"},
            "preprocess: scores within each sector need sectors, which data/set lacks",
            "leave sector out, or give the data set sectors: runs.ingest --sectors",
        ),
        (
            {"steps": [{"rank": {"within": "sector"}}]},
            "preprocess: scores within each sector need sectors, which data/set lacks",
            "leave sector out, or give the data set sectors: runs.ingest --sectors",
        ),
    ],
)
def test_what_the_data_set_lacks_is_refused(panel, preprocess, problem, remedy) -> None:
    with pytest.raises(ConfigError) as error:
        scored(configured(**preprocess), panel)
    assert (error.value.problem, error.value.remedy) == (problem, remedy)


def test_the_place_of_one_factors_own_block_is_named(panel) -> None:
    factors = {"momentum": SHORT | {"preprocess": {"steps": [{"neutralize": "size"}]}}}
    with pytest.raises(ConfigError) as error:
        scored(configured(factors), panel)
    assert error.value.problem.startswith("factors.momentum.preprocess, neutral to size: ")


def test_a_class_that_would_not_be_ranked_at_all_is_refused(make_panel) -> None:
    cap = np.ones((60, 9)) * np.arange(1.0, 10.0)
    cap[:, 6:] = np.nan
    panel = make_panel(shape=(60, 9), asset_class=["equity"] * 6 + ["crypto"] * 3, market_cap=cap)
    config = configured(neutralize=["asset_class", "size"])
    with pytest.raises(ConfigError) as error:
        scored(config, panel)
    assert error.value.problem == (
        "preprocess: size is known for no crypto asset of data/set on any decision date, so that "
        "momentum cannot be neutral to it"
    )
    stocks = panel.select(panel.asset_class == "equity")
    assert np.isfinite(scored(config, stocks).composite).all()
