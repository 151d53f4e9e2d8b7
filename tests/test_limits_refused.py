"""Limits that contradict each other or the data: refused with the reason and the nearest hint."""

from __future__ import annotations

import pytest

from configs.limits import check_limits
from configs.load import load_config
from feeds.errors import ConfigError
from runs.assemble import prepare
from runs.backtest import main

BACKTEST, LONG_ONLY = "configs/backtest.yaml", "configs/long_only.yaml"
CAPS = "configs/large_caps_bitcoin.yaml"


def refused(path, *overrides):
    with pytest.raises(ConfigError) as error:
        prepare(load_config(path, overrides))
    assert len(str(error.value).splitlines()) == 2
    return error.value.problem, error.value.remedy


# By the schema


def test_a_cap_under_which_a_side_cannot_be_filled():
    # 20 x 0.01 is 0.2; a side of the equity sleeve is 0.9 / 2 = 0.45: 0.0225 each, or 45 of them.
    problem, remedy = refused(BACKTEST, "portfolio.select={top: 20}", "portfolio.max_weight=0.01")
    assert problem.endswith("portfolio.max_weight 0.01 x 20 assets a side cannot reach 0.45 a side")
    assert remedy == "raise max_weight to 0.0225, or select: {top: 45}"


def test_a_cap_that_just_fills_a_side_will_do():
    load_config(BACKTEST, ["portfolio.select={top: 20}", "portfolio.max_weight=0.0225"])


def test_the_side_that_net_makes_larger_counts():
    # Longs (1 + 0.6) / 2 x 0.9 = 0.72 of ten assets.
    problem, remedy = refused(
        BACKTEST, "portfolio.select={top: 10}", "portfolio.max_weight=0.06", "portfolio.net=0.6"
    )
    assert problem.endswith("0.06 x 10 assets a side cannot reach 0.72 a side")
    assert remedy == "raise max_weight to 0.072, or select: {top: 12}"


def test_gross_above_its_bound():
    problem, remedy = refused(BACKTEST, "portfolio.gross=1.5", "portfolio.max_gross=1.2")
    assert problem.endswith("portfolio.gross 1.5 exceeds portfolio.max_gross 1.2")
    assert remedy == "lower gross to 1.2, or raise max_gross to 1.5"


@pytest.mark.parametrize(
    ("neutral", "what"),
    [
        ("{dollar: 0}", "dollar"),
        ("{beta: 0.1}", "beta"),
        ("{asset_class: true}", "asset_class"),
        ("{sector: true}", "sector"),
    ],
)
def test_a_long_only_book_is_not_neutral(neutral, what):
    problem, remedy = refused(LONG_ONLY, f"portfolio.neutral={neutral}")
    assert f"portfolio.neutral.{what} contradicts side long_only" in problem
    assert remedy == "choose side: long_short, or remove portfolio.neutral"


def test_a_net_beyond_its_tolerance():
    problem, remedy = refused(BACKTEST, "portfolio.net=0.3", "portfolio.neutral={dollar: 0.1}")
    assert problem.endswith(
        "portfolio.net 0.3 contradicts portfolio.neutral.dollar, which allows 0.1"
    )
    assert remedy == "set portfolio.net to 0.1, or raise neutral.dollar to 0.3"
    load_config(BACKTEST, ["portfolio.net=-0.1", "portfolio.neutral={dollar: 0.1}"])


@pytest.mark.parametrize("what", ["asset_class", "sector"])
def test_a_net_of_neutral_groups(what):
    problem, remedy = refused(BACKTEST, "portfolio.net=0.3", f"portfolio.neutral={{{what}: true}}")
    assert problem.endswith(
        f"portfolio.net 0.3 contradicts portfolio.neutral.{what}, which allows 0"
    )
    assert remedy == f"set portfolio.net to 0, or remove neutral.{what}"


def test_a_class_cap_below_its_sleeve_where_sleeves_are_kept():
    caps = "portfolio.max_class_weight={equity: 0.5}"
    load_config(BACKTEST, [caps])
    problem, remedy = refused(BACKTEST, caps, "portfolio.max_gross=2")
    assert problem.endswith("portfolio.max_class_weight.equity 0.5 is below its sleeve of 0.9")
    assert remedy == "raise the cap to 0.9, or lower portfolio.sleeves.equity to 0.5"


def test_more_history_than_there_is():
    problem, remedy = refused(BACKTEST, "portfolio.covariance={lookback: 100}")
    assert "portfolio.covariance.min_history 126 exceeds the lookback of 100" in problem
    assert remedy == "lower min_history to 50, or raise lookback"


def test_formations_and_a_turnover_penalty():
    problem, _ = refused(
        BACKTEST,
        "portfolio.weighting=mean_variance",
        "portfolio.mean_variance={turnover_penalty: 0.1}",
        "portfolio.stagger=3",
    )
    assert "portfolio.stagger 3 contradicts a turnover_penalty" in problem


# By the data


def test_cap_weights_without_caps():
    problem, remedy = refused(BACKTEST, "portfolio.weighting=cap")
    assert problem.endswith(
        "portfolio.weighting cap needs market_cap, which data/sp500_crypto lacks"
    )
    assert remedy.startswith("choose another weighting")


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("portfolio.max_sector_weight=0.2", "max_sector_weight"),
        ("portfolio.neutral={sector: true}", "neutral.sector"),
    ],
)
def test_sectors_that_the_data_lacks(override, key):
    problem, remedy = refused(BACKTEST, override)
    assert problem.endswith(f"portfolio.{key} needs sectors, which data/sp500_crypto lacks")
    assert remedy.startswith(f"remove portfolio.{key}, or")


def test_class_caps_that_leave_no_room():
    caps = "portfolio.max_class_weight={equity: 0.5, crypto: 0.2}"
    problem, remedy = refused(CAPS, caps)
    expected = "portfolio.max_class_weight crypto 0.2 + equity 0.5 = 0.7 cannot reach gross 1"
    assert problem.endswith(expected)
    assert remedy == "lower portfolio.gross to 0.7, or raise the caps by 0.3"


def test_a_cap_under_which_a_quantile_cannot_fill_a_side():
    # A fifth of 430 stocks are 86; 86 x 0.004 = 0.344 of 0.45: 0.45 / 86 = 0.005233.
    problem, remedy = refused(BACKTEST, "portfolio.max_weight=0.004")
    what = "portfolio.max_weight 0.004 x 86 assets a side (0.2 of the 430 equity assets)"
    assert problem == f"{what} cannot reach 0.45 a side"
    assert remedy == "raise max_weight to 0.005233, or select a larger quantile"


def sectored(make_panel, *overrides):
    panel = make_panel(sector=["Energy", "Energy", "Banks", ""])
    check_limits(load_config(CAPS, overrides), panel, panel.assets.tolist())


def test_sector_caps_are_of_sectors_that_there_are(make_panel):
    sectored(make_panel, "portfolio.max_sector_weight={Energy: 0.1}")
    sectored(make_panel, "portfolio.max_sector_weight={equity: 0.1}")
    with pytest.raises(ConfigError) as error:
        sectored(make_panel, "portfolio.max_sector_weight={Enegry: 0.1}")
    told = "portfolio.max_sector_weight.Enegry: the universe has no such sector"
    assert error.value.problem == told
    assert error.value.remedy == "did you mean Energy?"


def test_sector_caps_that_leave_no_room(make_panel):
    sectored(make_panel, "portfolio.max_sector_weight=0.34")
    with pytest.raises(ConfigError) as error:
        sectored(make_panel, "portfolio.max_sector_weight={Banks: 0.1, others: 0.3}")
    what = "portfolio.max_sector_weight Banks 0.1 + Energy 0.3 + equity 0.3 = 0.7"
    assert error.value.problem == f"{what} cannot reach gross 1"
    assert error.value.remedy == "lower portfolio.gross to 0.7, or raise the caps by 0.3"


def test_a_market_that_is_not_there():
    problem, remedy = refused(BACKTEST, "portfolio.neutral={beta: 0, market: SP50}")
    assert problem.endswith("portfolio.neutral.market: 'SP50' is not in data/sp500_crypto")
    assert remedy == "did you mean SP500?"


@pytest.mark.parametrize(
    ("override", "remedy"),
    [
        ("portfolio.weighting=equal_risk_contributon", "did you mean equal_risk_contribution?"),
        ("portfolio.weighting=minimumvariance", "did you mean minimum_variance?"),
        ("portfolio.covariance={estimator: ledoitwolf}", "did you mean ledoit_wolf?"),
        ("portfolio.neutral={dolar: 0}", "did you mean dollar?"),
        ("portfolio.neutral={asset_class: [equty]}", "did you mean equity?"),
        ("portfolio.volatility_target={anual: 0.1}", "did you mean annual?"),
        ("portfolio.max_sector_wieght=0.1", "did you mean max_sector_weight?"),
        ("portfolio.max_class_weight={crpto: 0.1}", "did you mean crypto?"),
    ],
)
def test_misspelt_names_are_told_what_was_meant(override, remedy):
    assert refused(BACKTEST, override)[1] == remedy


def test_the_command_ends_with_two(capsys, tmp_path):
    arguments = ["--config", BACKTEST, "--out", str(tmp_path / "run"), "--no-tearsheet"]
    assert main([*arguments, "--set", "portfolio.max_sector_weight=0.2"]) == 2
    told = capsys.readouterr().err
    assert len(told.strip().splitlines()) <= 3 and "Traceback" not in told
    assert not (tmp_path / "run").exists()
