"""A user's mistakes: exit 2, at most three lines that name the remedy, nothing lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from factors import registry
from runs.backtest import main
from runs.factors import main as factors_main

MISTAKES = {
    "misspelt key": (["--set", "portfolio.grosss=1"], "gross"),
    "misspelt section": (["--set", "portfolo.gross=1"], "portfolio"),
    "unknown factor": (["--set", "factors.momentun={}"], "momentum"),
    "factor without fields": (["--set", "factors.value={}"], "proxy"),
    "unknown factor parameter": (["--set", "factors.momentum.lokback=10"], "lookback"),
    "end before start": (["--set", "data.end=2009-01-01"], "data.start"),
    "no data for the dates": (
        ["--set", "data.start=2031-01-01", "--set", "data.end=2032-01-01"],
        "2016-12-30",
    ),
    "too short for any trade": (
        ["--set", "data.start=2007-02-01", "--set", "data.end=2007-03-01"],
        "dates",
    ),
    "symbol not in the set": (["--set", "data.universe=[AAPL, NOSUCH]"], "universe.csv"),
    "missing data set": (["--set", "data.dir=data/absent"], "data/absent"),
    "missing configuration": (["--config", "configs/absent.yaml"], "configs/absent.yaml"),
    "unknown scheme": (["--set", "costs.commission.equity={scheme: percnt, bps: 1}"], "percent"),
    "scheme without fields": (
        ["--set", "costs.commission.equity={scheme: per_share, rate: 0.005}"],
        "percent",
    ),
    "negative cost": (["--set", "costs.slippage.equity={scheme: bps, bps: -1}"], "negative"),
    "unknown benchmark": (["--set", "benchmark=SPX"], "universe.csv"),
    "sleeves that do not sum": (["--set", "portfolio.sleeves={equity: 0.5, crypto: 0.1}"], "sum"),
    "sleeve without assets": (["--set", "portfolio.sleeves={equity: 0.5, bonds: 0.5}"], "bonds"),
    "rebalance outside the data": (
        ["--set", "portfolio.rebalance={dates: [1999-01-04]}"],
        "1999-01-04",
    ),
    "a folder with other files": (["--out", "tests"], "--out"),
    "a file in the way": (["--out", "README.md"], "--out"),
    "a place that cannot be written": (["--out", "/proc/nowhere/run"], "--out"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_exits_2_with_its_remedy(mistake, tmp_path, capsys):
    arguments, remedy = MISTAKES[mistake]
    if "--out" not in arguments:
        arguments = [*arguments, "--out", str(tmp_path / "run")]
    assert main([*arguments, "--no-tearsheet", "--quiet"]) == 2
    said = capsys.readouterr().err.strip()
    assert 1 <= len(said.splitlines()) <= 3
    assert remedy in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_leaves_the_earlier_one_untouched(tmp_path, capsys):
    out = tmp_path / "run"
    config = ["--config", "configs/crypto.yaml", "--no-tearsheet", "--quiet", "--out", str(out)]
    assert main(config) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    assert main([*config, "--set", "factors.momentum.lookback=0"]) == 2
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind the superuser")
def test_a_read_only_folder_is_refused(tmp_path, capsys):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    assert main(["--out", str(folder / "run"), "--quiet", "--no-tearsheet"]) == 2
    assert "--out" in capsys.readouterr().err


def test_a_write_that_fails_half_way_leaves_the_earlier_run(tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    config = ["--config", "configs/crypto.yaml", "--no-tearsheet", "--quiet", "--out", str(out)]
    assert main(config) == 0
    before = (out / "values.csv").read_bytes()

    def full(self, *arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert main(config) == 2
    assert "No space left" in capsys.readouterr().err
    assert (out / "values.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["--factors", "momentun"], "momentum"),
        (["--start", "2016-01-01", "--end", "2015-01-01"], "2015-01-01"),
        (["--config", "configs/absent.yaml"], "absent"),
    ],
)
def test_mistakes_of_the_factor_study(arguments, remedy, tmp_path, capsys):
    assert factors_main([*arguments, "--out", str(tmp_path / "results.pkl"), "--quiet"]) == 2
    said = capsys.readouterr().err.strip()
    assert remedy in said and len(said.splitlines()) <= 3
    assert list(tmp_path.iterdir()) == []


def test_a_factor_of_the_users_own_that_fails_is_named_with_its_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from factors import factor\n\n\n"
        '@factor("faulty")\n'
        "def faulty(panel):\n"
        "    return panel.close / len(panel.nothing)\n"
    )
    out = tmp_path / "run"
    mine = ["--set", f"plugins=[{plugin}]", "--set", "factors.faulty={}"]
    assert main([*mine, "--no-tearsheet", "--quiet", "--out", str(out)]) == 2
    said = capsys.readouterr().err.strip()
    assert "factor faulty failed: AttributeError" in said and "mine.py, line 6" in said
    assert len(said.splitlines()) <= 3 and not out.exists()
