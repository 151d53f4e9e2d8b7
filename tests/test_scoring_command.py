"""From a file of sectors to a run that favours none: the commands as a user gives them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from runs.backtest import main as backtest
from runs.ingest import main as ingest

DAYS, COINS = 130, 12
SECTORS = {f"C{number:02d}": ("Money", "Platforms", "Memes")[number % 3] for number in range(10)}


@pytest.fixture
def place(tmp_path: Path, monkeypatch) -> Path:
    """A folder with a set of twelve coins, two of them without a sector."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(17)
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.03, (DAYS, COINS)), axis=0))
    symbols = [f"C{number:02d}" for number in range(COINS)]
    bars = pd.DataFrame(close, pd.date_range("2021-01-01", periods=DAYS, name="date"), symbols)
    bars = bars.rename_axis(columns="symbol").stack().rename("close").reset_index()
    bars.assign(volume=rng.uniform(1e4, 1e6, len(bars))).to_csv("bars.csv", index=False)
    pd.Series(SECTORS, name="sector").rename_axis("symbol").to_csv("sectors.csv")
    given = ["--source", "files", "--raw", "bars.csv", "--asset-class", "crypto", "--quiet"]
    assert ingest([*given, "--sectors", "sectors.csv", "--out", "set"]) == 0
    return tmp_path


def run(**preprocess) -> int:
    config = {
        "name": "sectors",
        "data": {"dir": "set", "start": "2021-02-01", "end": "2021-05-10", "calendar": "24/7"},
        "factors": {"momentum": {"lookback": 20, "skip": 1}, "volatility": {"lookback": 20}},
        "preprocess": preprocess,
        "portfolio": {"side": "long_short", "select": {"quantile": 0.25}, "rebalance": "weekly"},
    }
    Path("c.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return backtest(["--config", "c.yaml", "--out", "run", "--no-tearsheet", "--quiet"])


def scores() -> pd.DataFrame:
    found = pd.read_csv("run/weights.csv")
    assert found["score"].notna().all()
    return found.assign(sector=found["symbol"].map(SECTORS).fillna("none"))


def test_no_sector_is_favoured(place: Path) -> None:
    assert run(neutralize=["asset_class", "sector"]) == 0
    means = scores().groupby(["decision_date", "sector"])["score"].mean()
    assert len(means) > 40
    np.testing.assert_allclose(means, 0.0, atol=1e-12)
    # Without sectors they are: the test would notice.
    assert run(neutralize="asset_class") == 0
    assert scores().groupby(["decision_date", "sector"])["score"].mean().abs().max() > 0.05


def test_steps_for_the_run_and_for_one_factor(place: Path) -> None:
    steps = [{"winsorize": {"deviations": 3}}, {"neutralize": ["sector", "size"]}, {"lag": 1}]
    assert run(steps=steps) == 2, "the set has no market caps"
    assert run(steps=[*steps[:1], {"neutralize": ["sector", "volatility"]}, *steps[2:]]) == 0
    assert set(scores().columns) > {"momentum", "volatility", "target_weight"}


def test_mistakes_exit_2_with_the_place(place: Path, capsys) -> None:
    assert run(neutralize=["asset_class", "size"]) == 2
    told = capsys.readouterr().err
    assert "preprocess, neutral to size: size needs market_cap, which set lacks" in told
    assert "set factors.size: {weight: 0, proxy: dollar_volume}" in told
    assert run(steps=[{"neutralise": "sector"}]) == 2
    assert "unknown key preprocess.steps.0.neutralise" in (told := capsys.readouterr().err)
    assert "did you mean neutralize?" in told and len(told.splitlines()) <= 3
