"""The tables of a factor study against arithmetic by hand and against other code."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyzers.attribution import attribute
from analyzers.factor_results import FactorResults
from analyzers.factor_study import StudyRules, study_factors, summarize_factors
from analyzers.figures_study import build_study_figures
from analyzers.spanning import grs_test
from analyzers.study_part import delisted_marks
from analyzers.study_research import horizons_of
from analyzers.study_sleeves import weekly_returns
from analyzers.study_universes import same_decisions, side_by_side
from factors.holdings import Endings
from tests.study_case import FlatCharge, two_classes

#: Six sessions of four assets; the decision is made in row 0 and entered in row 1.
MARKS = np.array(
    [
        [10.0, 20.0, 30.0, 10.0],
        [10.0, 20.0, 30.0, 10.0],
        [10.0, 20.0, 30.0, 11.0],
        [5.0, 20.0, 33.0, 11.0],
        [5.0, 20.0, 33.0, 11.0],
        [5.0, 20.0, 33.0, 11.0],
    ]
)
DATES = np.arange("2020-01-06", "2020-01-12", dtype="datetime64[D]")
RULES = StudyRules(quantile=0.25, min_breadth=4, horizon=2, periods_per_year=252)


def small(scores=None, **given) -> FactorResults:
    """One class, one decision; scores rise with the columns unless given."""
    scores = scores or {"up": np.array([[1.0, 2.0, 3.0, 4.0]])}
    return study_factors(
        scores,
        {"equity": np.ones(4, dtype=bool)},
        MARKS,
        DATES,
        np.array([0]),
        RULES,
        labels={name: name.capitalize() for name in scores},
        **given,
    )


def test_a_portfolio_before_and_after_costs_by_hand():
    study = small(charge=FlatCharge())
    # Long half of D, short half of A. D gains a tenth: 0.05. A halves: 0.25 more.
    gross = [0.05, 1.30 / 1.05 - 1.0, 0.0, 0.0]
    np.testing.assert_allclose(study.factor_returns["equity up"].to_numpy()[2:], gross)
    assert study.factor_returns["equity up"].isna().tolist() == [True] * 2 + [False] * 4
    # Half bought and half sold at 10 bps: 0.001 of the value, on the session after the entry.
    net = [1.05 * 0.999 - 1.0, *gross[1:]]
    np.testing.assert_allclose(study.net_returns["equity up"].to_numpy()[2:], net)
    row = study.summary.iloc[0]
    assert row["mean_annual"] == pytest.approx(np.mean(gross) * 252)
    assert row["net_mean_annual"] == pytest.approx(np.mean(net) * 252)
    # One entry in four sessions, 63 a year: half of absolute trades is 0.5, the cost 0.001.
    assert row["turnover_half_annual"] == pytest.approx(0.5 * 63)
    assert row["cost_annual"] == pytest.approx(0.001 * 63)
    assert row["borrow_annual"] == pytest.approx(0.5 * 0.01)
    assert row["break_even_bps"] == pytest.approx(1e4 * np.mean(gross) * 252 / 63)


def test_quantiles_pay_for_themselves_and_the_spread_for_both():
    table = small(charge=FlatCharge()).quantiles.set_index("quantile")
    worst = [0.0, -0.5, 0.0, 0.0]
    best = [0.1, 0.0, 0.0, 0.0]
    assert table.loc["1", "mean_annual"] == pytest.approx(np.mean(worst) * 252)
    # All of the capital is bought: 0.001 on the session after the entry.
    assert table.loc["4", "net_mean_annual"] == pytest.approx((1.1 * 0.999 - 1.0) / 4 * 252)
    spread = np.mean(np.subtract(best, worst)) * 252
    assert table.loc["spread", "mean_annual"] == pytest.approx(spread)
    paid = (1.1 * 0.001 + 1.0 * 0.001) / 4 * 252
    assert table.loc["spread", "net_mean_annual"] == pytest.approx(spread - paid)
    assert table.loc["spread", "turnover_half_annual"] == pytest.approx(2 * 0.5 * 63)
    assert table.loc["spread", "break_even_bps"] == pytest.approx(1e4 * spread / (2 * 63))


def test_a_delisting_return_is_in_portfolios_and_in_coefficients():
    ends = Endings(np.array([3, 9, 9, 9]), np.array([-1.0, 0.0, 0.0, 0.0]))
    study = small(ends=ends)
    # A is closed in row 3 at nothing: its short half earns all of its 0.5 there.
    np.testing.assert_allclose(
        study.factor_returns["equity up"].to_numpy()[2:], [0.05, 1.55 / 1.05 - 1.0, 0.0, 0.0]
    )
    # Ahead from row 1 to row 3: A -1, B 0, C 0.1, D 0.1. Mean ranks 1, 2, 3.5, 3.5.
    assert study.ic["ic"].tolist() == pytest.approx([4.5 / np.sqrt(5.0 * 4.5)])
    marks = delisted_marks(MARKS, ends)
    assert marks[:, 0].tolist() == [10.0, 10.0, 10.0, 0.0, 0.0, 0.0]
    assert delisted_marks(MARKS, None) is MARKS


def test_likeness_of_scores_by_hand():
    scores = {"one": np.array([[1.0, 2.0, 3.0, 4.0]]), "two": np.array([[2.0, 1.0, 4.0, 3.0]])}
    table = small(scores).score_correlation
    # 1 - 6 x 4 / (4 x 15) = 0.6
    assert table.values.tolist() == [["equity", "one", "two", pytest.approx(0.6), 1]]


def test_slopes_are_returns_from_the_worst_rank_to_the_best():
    rows = np.arange(0, 40, 4)
    marks = np.ones((60, 5)) * 100.0
    for row in rows:  # Ahead of each decision, returns rise by 0.01 from asset to asset.
        marks[row + 3 :] *= 1.0 + 0.01 * np.arange(5)
    rules = StudyRules(quantile=0.2, min_breadth=4, horizon=2, periods_per_year=252)
    study = study_factors(
        {"up": np.tile(np.arange(5.0), (10, 1))},
        {"equity": np.ones(5, dtype=bool)},
        marks,
        np.arange("2020-01-06", "2020-03-06", dtype="datetime64[D]"),
        rows,
        rules,
        labels={"up": "Up"},
    )
    row = study.fama_macbeth.iloc[0]
    # Ranks of five lie 0.2 apart: 0.01 / 0.2 = 0.05 of two sessions, 126 times a year.
    assert row["model"] == "alone" and row["slope"] == pytest.approx(0.05)
    assert row["slope_annual"] == pytest.approx(0.05 * 126)
    assert (row["dates"], row["assets_mean"]) == (10, 5.0)
    assert len(study.fama_macbeth) == 1


@pytest.mark.parametrize(
    ("periods", "expected"),
    [
        (252, (1, 2, 5, 10, 21, 63, 126, 252)),
        (365, (1, 2, 7, 14, 30, 91, 182, 365)),
        (8760, (2, 35, 174, 348, 730, 2190, 4380, 8760)),
    ],
)
def test_horizons_are_a_day_to_a_year_and_the_studys_own(periods, expected):
    assert horizons_of(StudyRules(0.2, 4, 2, periods)) == expected


def test_the_decay_has_the_studys_coefficient_at_its_horizon():
    study = two_classes()
    for row in study.summary.to_dict("records"):
        own = study.decay[
            (study.decay["asset_class"] == row["asset_class"])
            & (study.decay["factor"] == row["factor"])
        ].set_index("horizon")
        assert own.loc[5, "ic_mean"] == pytest.approx(row["ic_mean"], rel=1e-12)
        assert own.loc[5, "ic_t"] == pytest.approx(row["ic_t"], rel=1e-12)


def test_no_t_where_windows_overlap_throughout():
    decay = two_classes(sessions=300).decay
    # 58 weekly decisions, a year ahead: 7 windows that share nearly all their sessions.
    assert decay.loc[decay["horizon"] == 252, "ic_t"].isna().all()
    assert decay.loc[decay["horizon"] == 252, "observations"].between(1, 20).all()
    assert decay.loc[decay["horizon"] == 5, "ic_t"].notna().all()


def test_weeks_are_compounded_and_whole():
    dates = pd.bdate_range("2020-01-06", periods=10)
    returns = pd.DataFrame({"a": [0.1] * 5 + [0.0] * 5, "b": [np.nan] + [0.0] * 9}, index=dates)
    weeks = weekly_returns(returns)
    assert weeks.index.tolist() == [pd.Timestamp("2020-01-12"), pd.Timestamp("2020-01-19")]
    assert weeks["a"].tolist() == pytest.approx([1.1**5 - 1.0, 0.0])
    assert np.isnan(weeks["b"].iloc[0]) and weeks["b"].iloc[1] == 0.0
    assert weekly_returns(returns.iloc[:0]).empty


def test_spanning_is_a_regression_of_weeks():
    study = two_classes()
    weeks = weekly_returns(pd.concat([study.factor_returns, study.market_returns], axis=1))
    others = weeks[["equity factor_0", "equity factor_1", "equity factor_2", "equity"]]
    fit = attribute(weeks["crypto factor_2"], others, periods_per_year=52)
    table = study.spanning.set_index(["asset_class", "factor", "benchmarks"])
    row = table.loc[("crypto", "factor_2", "equity")]
    assert row["alpha_annual"] == pytest.approx(fit.alpha_annual, rel=1e-9)
    assert row["t_stat"] == pytest.approx(fit.alpha_t, rel=1e-9)
    assert row["observations"] == fit.observations
    own = attribute(
        weeks["equity factor_1"],
        weeks[["equity factor_0", "equity factor_2", "equity"]],
        periods_per_year=52,
    )
    within = table.loc[("equity", "factor_1", "equity, the others")]
    assert within["alpha_annual"] == pytest.approx(own.alpha_annual, rel=1e-9)


def test_a_sleeve_is_tested_on_the_weeks_that_all_know():
    study = two_classes()
    weeks = weekly_returns(pd.concat([study.factor_returns, study.market_returns], axis=1))
    crypto = [name for name in weeks if name.startswith("crypto")]
    equity = [name for name in weeks if name.startswith("equity")]
    expected = grs_test(weeks[crypto], weeks[equity])
    table = study.sleeve_test
    row = table[(table["tested"] == "crypto") & (table["test"] == "grs")].iloc[0]
    assert row["p_value"] == pytest.approx(expected.p_value, rel=1e-9)
    assert row["sharpe_with"] == pytest.approx(expected.joint_sharpe * 52**0.5, rel=1e-9)
    assert row["difference"] == pytest.approx(row["sharpe_with"] - row["sharpe_without"])
    points = study.frontier[study.frontier["kind"] == "tangency"]
    best = points.set_index(["rule", "assets"])["sharpe"]
    assert best["unconstrained", "with"] > best["unconstrained", "without"]
    assert best["unconstrained", "with"] >= best["long only", "with"] - 1e-12
    weights = study.frontier[study.frontier["kind"] == "tangency_weight"]
    gross = weights.groupby(["rule", "assets"])["weight"].agg(lambda part: part.abs().sum())
    np.testing.assert_allclose(gross, 1.0)


def test_regimes_split_the_sessions_of_each_year():
    study = two_classes()
    table = study.regimes.set_index(["asset_class", "factor", "kind", "regime"])
    returns = study.factor_returns["equity factor_2"].dropna()
    part = returns[returns.index.year == 2016]
    row = table.loc[("equity", "factor_2", "year", "2016")]
    assert row["mean_annual"] == pytest.approx(part.mean() * 252)
    assert row["observations"] == len(part)
    years = study.regimes[study.regimes["kind"] == "year"]
    np.testing.assert_allclose(years.groupby(["asset_class", "factor"])["share"].sum(), 1.0)


def test_markets_hold_what_any_factor_ranks():
    study = two_classes()
    # Twenty stocks drift by chance: the market earns what an equal-weighted book of them does.
    market = study.market_returns["equity"].dropna()
    assert market.index[0] == study.factor_returns["equity factor_0"].first_valid_index()
    assert market.std() < study.market_returns["crypto"].std()


def test_a_thin_factor_is_left_out_of_its_class_alone():
    study = two_classes()
    assert study.thin.values.tolist() == [["crypto", "factor_1", 3, 4]]
    assert "crypto factor_1" not in study.factor_returns
    assert {"crypto factor_0", "equity factor_1"} <= set(study.factor_returns)


def test_value_and_momentum_everywhere_hold_each_class_at_equal_risk():
    plain = two_classes()
    assert plain.everywhere.empty and plain.everywhere_returns.empty
    study = two_classes(sessions=400, names=("value", "other", "momentum"))
    assert study.everywhere["portfolio"].tolist() == [
        f"{group} {name}"
        for group in ("crypto", "equity", "all")
        for name in ("value", "momentum", "combination")
    ]
    pair = study.everywhere_returns[["equity value", "equity momentum"]].dropna()
    row = study.everywhere.set_index("portfolio").loc["equity combination"]
    assert row["value_momentum_correlation"] == pytest.approx(pair.corr().iloc[0, 1])
    assert row["mean_annual"] == pytest.approx(
        study.everywhere_returns["equity combination"].mean() * 252
    )
    # Momentum is too thin among the coins here: one class is left, and nothing across classes.
    one = two_classes(sessions=400, names=("value", "momentum", "other")).everywhere
    assert one["portfolio"].tolist() == ["equity value", "equity momentum", "equity combination"]


def test_universes_stand_side_by_side_by_factor():
    study = small(charge=FlatCharge())
    both = side_by_side({"full": study.summary, "investable": study.summary})
    assert both["universe"].tolist() == ["full", "investable"]
    assert both["mean_annual"].nunique() == 1


def test_the_same_decisions_are_those_on_which_the_narrower_universe_is_broad():
    wide = {"up": np.arange(12.0).reshape(2, 6)}
    narrow = {"up": np.where([[True] * 6, [True] * 3 + [False] * 3], wide["up"], np.nan)}
    groups = {"a": np.arange(6) < 3, "b": np.arange(6) >= 3, "all": np.ones(6, dtype=bool)}
    kept = same_decisions(wide, narrow, groups, 3)["up"]
    np.testing.assert_array_equal(kept[0], wide["up"][0])
    np.testing.assert_array_equal(kept[1], [6.0, 7.0, 8.0, np.nan, np.nan, np.nan])


def test_a_summary_alone_is_that_of_the_whole_study():
    scores = {"up": np.array([[1.0, 2.0, 3.0, 4.0]])}
    groups = {"equity": np.ones(4, dtype=bool)}
    given = (scores, groups, MARKS, DATES, np.array([0]), RULES)
    alone = summarize_factors(*given, labels={"up": "Up"}, charge=FlatCharge())
    pd.testing.assert_frame_equal(alone, small(charge=FlatCharge()).summary)


def test_later_data_change_no_net_return_and_no_decision():
    whole, cut = two_classes(), two_classes(cut=300)
    same = cut.net_returns.index
    for name in ("factor_returns", "net_returns", "market_returns"):
        pd.testing.assert_frame_equal(
            getattr(whole, name).loc[same, getattr(cut, name).columns],
            getattr(cut, name),
            check_exact=True,
        )
    columns = ["decision_date", "asset_class", "factor", "ranked", "turnover_half", "cost"]
    done = cut.ic[cut.ic["turnover_half"].notna()][columns]
    merged = done.merge(whole.ic[columns], on=columns[:3], suffixes=("", "_whole"))
    assert len(merged) == len(done) > 200
    assert merged["cost"].tolist() == merged["cost_whole"].tolist()


def test_the_page_of_the_study_defines_every_file_and_column():
    text = (Path(__file__).parents[1] / "docs" / "factor_study.md").read_text(encoding="utf-8")
    words = set(re.findall(r"[a-z_0-9]+", text))
    study = two_classes(sessions=400, names=("value", "other", "momentum"))
    universes = side_by_side({"full": study.summary})
    for file, table in replace(study, universes=universes).tables().items():
        assert f"`{file}.csv`" in text
        named = [name for name in map(str, table.columns) if " " not in name]
        assert set(named) - set(study.market_returns) <= words, file
    for name in build_study_figures(study):
        start = re.sub(r"_(equity|crypto)$", "_<class>", name)
        assert f"`{start}`" in text, name
