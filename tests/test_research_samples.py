"""How the sets of the research report are made, loaded and scored, and their figures."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyzers.drawing import png_bytes, svg_text
from analyzers.research_figures import (
    plot_coefficients,
    plot_frontiers,
    plot_sleeves,
    plot_spreads,
)
from analyzers.research_measures import MEASURES
from analyzers.research_sleeve import sleeve_table
from analyzers.research_witness import Witness
from configs.load import load_config
from factors.registry import get_factor
from feeds.errors import DataError
from runs import research_samples
from runs.research_samples import Sample, closed_series, make_set, score_sample, shared_files
from runs.research_witness import market_weeks

CONFIGS = sorted(Path("configs/research").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configurations_are_those_of_any_run(path):
    config = load_config(path)
    assert config.portfolio.rebalance == "weekly" and config.name.startswith("research-")
    for name, entry in config.factors.items():
        get_factor(name, entry.proxy)


def test_every_sample_has_a_configuration():
    assert {path.stem for path in CONFIGS} == set(research_samples.SAMPLES)


def test_measures_are_registered_factors_with_keys_of_their_own():
    assert len({measure.key for measure in MEASURES}) == len(MEASURES)
    for measure in MEASURES:
        given = {name for values in measure.parameters.values() for name in values}
        assert given <= set(measure.entry.parameters)


def test_a_set_of_these_very_files_is_not_made_again(tmp_path, monkeypatch):
    shared, work = tmp_path / "shared", tmp_path / "work"
    shared.mkdir()
    raw = shared / "crypto_daily.csv.gz"
    raw.write_bytes(b"bars")
    calls = []
    monkeypatch.setattr("runs.ingest.main", lambda arguments: calls.append(arguments) or 0)
    make_set("coins", shared, work)
    assert len(calls) == 1 and calls[0][-2:] == ["--raw", str(raw)]
    assert "volume_unit=currency" in calls[0]
    (work / "coins").mkdir(parents=True)
    manifest = {"raw": [{"sha256": hashlib.sha256(b"bars").hexdigest()}]}
    (work / "coins" / "manifest.json").write_text(json.dumps(manifest))
    make_set("coins", shared, work)
    assert len(calls) == 1
    raw.write_bytes(b"other bars")
    make_set("coins", shared, work)
    assert len(calls) == 2


def test_a_failed_ingest_ends_the_command_with_its_code(tmp_path, monkeypatch):
    (tmp_path / "crypto_daily.csv.gz").write_bytes(b"bars")
    monkeypatch.setattr("runs.ingest.main", lambda arguments: 2)
    with pytest.raises(SystemExit) as ended:
        make_set("coins", tmp_path, tmp_path / "work")
    assert ended.value.code == 2


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="has no french.csv"):
        shared_files(tmp_path, ["french.csv"])


def made_sample(panel, **data):
    """A sample of a made-up panel under the rules of the coins."""
    config = load_config("configs/research/coins.yaml")
    given = {"start": config.data.start.replace(year=2020, month=1, day=1), **data}
    config = config.model_copy(update={"data": config.data.model_copy(update=given)})
    return Sample("coins", config, None, panel)


def coins(make_panel, days=120, assets=8, **fields):
    shape = (days, assets)
    cap = np.tile(1e6 * 4.0 ** np.arange(assets), (days, 1))
    return make_panel(
        shape=shape, asset_class=["crypto"] * assets, market_cap=cap,
        volume=np.full(shape, 1e5), **fields,
    )  # fmt: skip


def test_floors_hide_small_coins_in_the_investable_universe_only(make_panel):
    sample = made_sample(coins(make_panel))
    full, investable = score_sample(sample, [m for m in MEASURES if m.key == "size"])
    (scores,), (fewer,) = full.scores.values(), investable.scores.values()
    assert np.isfinite(scores).all()
    # Caps are 1, 4, 16, ... millions, traded value about ten millions a day: the floor of 10M
    # takes the first two. Traded value is known after 63 days.
    late = sample.rows >= 62
    assert not np.isfinite(fewer[:, :2]).any() and np.isfinite(fewer[late][:, 2:]).all()
    assert not np.isfinite(fewer[~late]).any()


def test_scores_are_those_of_the_decision_rows(make_panel):
    panel = coins(make_panel)
    sample = made_sample(panel)
    (measure,) = [m for m in MEASURES if m.key == "momentum_3w"]
    scores = score_sample(sample, [measure])[0].scores[measure]
    row = sample.rows[10]
    np.testing.assert_allclose(scores[10], panel.close[row] / panel.close[row - 21] - 1.0)


def test_the_market_weighs_by_cap(make_panel):
    # Two coins, caps 3 : 1, growing by 1 % and 5 % a day. Weights are set at Monday's close: from
    # Monday to Sunday a book earns the seventh day of the old ones and six of the new, which is
    # a whole week of V = 0.75 x 1.01^k + 0.25 x 1.05^k, since all weeks are alike.
    close = np.cumprod(np.tile([1.01, 1.05], (42, 1)), axis=0)
    cap = np.tile([3e9, 1e9], (42, 1))
    panel = make_panel(close, asset_class=["crypto"] * 2, market_cap=cap, start="2020-01-06")
    weeks = market_weeks(made_sample(panel)).dropna()
    assert len(weeks) == 4
    np.testing.assert_allclose(weeks, 0.75 * 1.01**7 + 0.25 * 1.05**7 - 1.0, rtol=1e-9)


def test_a_series_that_ends_is_closed_on_the_day_after_its_last_bar(make_panel):
    close = np.full((40, 2), 10.0)
    close[20:, 1] = np.nan
    panel = make_panel(
        close, asset_class=["crypto"] * 2, end_reason=np.array(["data_end", "unknown"])
    )
    ends = closed_series(made_sample(panel), {"unknown": -0.3})
    assert ends.row.tolist() == [40, 20] and ends.result.tolist() == [0.0, -0.3]
    assert closed_series(made_sample(panel)).result.tolist() == [0.0, 0.0]


def witness(weeks=60):
    rng = np.random.default_rng(2)
    index = pd.date_range("2015-01-04", periods=weeks, freq="W-SUN")
    stocks = pd.DataFrame(rng.normal(0.001, 0.01, (weeks, 3)), index, ["Market", "SMB", "HML"])
    coin = pd.DataFrame(rng.normal(0.01, 0.1, (weeks, 1)), index, ["CMKT"])
    return Witness.of("made", "Made up", stocks, coin, stocks["Market"])


def test_figures_draw_and_repeat():
    table = pd.DataFrame(
        {
            "sample": ["us", "coins", "coins"],
            "universe": ["investable", "full", "full"],
            "label": ["Momentum", "Momentum", "Size"],
            "ic_mean": [0.01, 0.05, -0.02],
            "ic_t": [1.0, 2.0, np.nan],
        }
    )
    made = witness()
    spreads = {"Coins, all": made.stocks.rename(columns={"SMB": "Size"})}
    drawn = (
        lambda: plot_coefficients(table),
        lambda: plot_spreads(spreads),
        lambda: plot_frontiers(made),
        lambda: plot_sleeves(sleeve_table(made, seed=1), {"made": "Made up"}),
    )
    for draw in drawn:
        assert png_bytes(draw()) == png_bytes(draw())
    assert "coins, all" in svg_text(drawn[0]()) and "Momentum" in svg_text(drawn[0]())


def test_figures_of_nothing_say_so():
    empty = pd.DataFrame(columns=["sample", "universe", "label", "ic_mean", "ic_t"])
    assert "broad enough" in svg_text(plot_coefficients(empty))
    assert "no weeks" in svg_text(plot_spreads({}))
    assert "no joint weeks" in svg_text(plot_sleeves(pd.DataFrame(), {}))
