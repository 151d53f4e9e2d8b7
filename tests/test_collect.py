"""What a run makes of its execution, beside the account's own tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from configs.load import load_config
from feeds.calendars import is_session
from runs.assemble import execute, prepare
from runs.collect import collect
from runs.factors import main as factors_main


@pytest.fixture(scope="module")
def result():
    study = prepare(load_config("configs/backtest.yaml", ["data.end=2016-03-31"]))
    return collect(study, execute(study), "the command")


def test_factor_portfolios_are_those_of_the_factor_study(result, tmp_path):
    """The same factors over the same dates, by the other command."""
    dates = ["--start", "2010-01-01", "--end", "2016-03-31", "--factors", "value,size,momentum"]
    assert factors_main([*dates, "--out", str(tmp_path / "results.pkl"), "--quiet"]) == 0
    studied = pd.read_csv(tmp_path / "factor_returns.csv", index_col="date", parse_dates=True)
    ours = result.factor_returns
    for name in ours.columns:
        [column] = [label for label in studied.columns if name in label]
        theirs = studied[column].reindex(ours.index)
        assert (ours[name].isna() == theirs.isna()).all()
        assert ours[name].notna().sum() > 500
        assert (ours[name] - theirs).abs().max() < 1e-12


def test_ranks_count_within_the_sleeve(result):
    ranks = result.ranks
    for name in ("equity", "crypto"):
        scored = ranks[(ranks["asset_class"] == name) & ranks["score"].notna()]
        if len(scored):
            best = scored.sort_values("score", ascending=False).iloc[0]
            assert best["rank"] == 1
            assert scored["rank"].max() <= len(scored)


def test_the_universe_is_the_mean_of_its_members_drifting_between_decisions(result):
    study = prepare(load_config("configs/backtest.yaml", ["data.end=2016-03-31"]))
    row = int(study.signals.rows[5])
    members = study.signals.eligible[5]
    entry, later = row + 1, row + 3
    mark = study.panel.mark
    growth = (mark[later, members] / mark[entry, members]).mean()
    dates = study.panel.dates[[entry + 1, later]].astype("datetime64[ns]")
    window = result.universe.loc[dates[0] : dates[1]]
    assert (1 + window).prod() == pytest.approx(growth, rel=1e-12)


def test_sleeves_and_weights_agree(result):
    sums = result.weights.groupby("decision_date")["target_weight"].sum()
    sleeves = result.sleeves
    net = sleeves[[name for name in sleeves.columns if name != "cash"]].sum(axis=1)
    assert np.abs(sums.to_numpy() - net.to_numpy()).max() < 1e-12
    assert np.abs(1 - net - sleeves["cash"]).max() < 1e-12


def test_cost_sensitivity_falls_with_cost_and_meets_at_the_configured_one(result):
    table = result.cost_sensitivity.set_index(["method", "scale"])
    for method in ("re-priced", "re-run"):
        assert table.loc[method]["cagr"].is_monotonic_decreasing
    assert table.loc[("re-priced", 1.0)]["final_value"] == pytest.approx(
        table.loc[("re-run", 1.0)]["final_value"], rel=1e-12
    )


def test_a_mixed_book_on_the_calendar_of_every_day_trades_on_sessions_only():
    """Month ends are put off until the next day is a session; stocks keep their last mark."""
    changes = [
        "data.calendar=24/7",
        "data.start=2017-01-01",
        "data.end=2018-12-31",
        "portfolio.sleeves={equity: 0.8, crypto: 0.2}",
        "factors.value.weight=0",
        "preprocess.min_factors=1",
        "portfolio.thin_sleeve=trend",
    ]
    study = prepare(load_config("configs/large_caps_bitcoin.yaml", changes))
    result = collect(study, execute(study), "the command")
    assert is_session(result.fills["date"].to_numpy()).all()
    assert not is_session(result.values.index.to_numpy()).all()
    decided = result.weights["decision_date"].drop_duplicates()
    # The last day of March 2018 was a Saturday: the decision is Sunday's, the fill Monday's.
    assert pd.Timestamp("2018-04-01") in decided.to_numpy()
    classes = result.fills["symbol"].map(result.asset_class)
    assert set(classes) == {"equity", "crypto"}
