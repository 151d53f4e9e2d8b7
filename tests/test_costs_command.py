"""The command `runs.costs` end to end: files, sums, mistakes, and the same bytes again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.load import load_config
from runs.assemble import execute, prepare
from runs.costs import build_parser, main
from runs.costs_folder import COST_FILES
from scripts.screenshots import CHROMIUM, open_page, watch
from tests.cost_case import CONFIG, DATES, small_arguments


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("costs")
    assert main([*small_arguments(place), "--out", str(place / "out")]) == 0
    return place / "out"


@pytest.fixture(scope="module")
def run():
    study = prepare(load_config(CONFIG, list(DATES)))
    return study, execute(study)


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", keep_default_na=True)


def test_the_folder_holds_every_file_and_nothing_else(folder) -> None:
    assert {path.name for path in folder.iterdir()} == set(COST_FILES)
    plots = sorted(path.name for path in (folder / "plots").iterdir())
    assert len(plots) == 20 and {Path(name).suffix for name in plots} == {".png", ".svg"}


def test_the_configured_cell_is_the_backtest_itself(folder, run) -> None:
    study, execution = run
    grid = table(folder, "grid")
    own = grid[(grid["commission"] == "as configured") & (grid["slippage"] == "as configured")]
    values, fills = execution.tables["values"]["value"], execution.tables["fills"]
    at_one = own[own["scale"] == 1].iloc[0]
    assert at_one["final_value"] == values.iloc[-1]
    years = len(values) / 252
    assert at_one["commission_bps"] == pytest.approx(
        1e4 * fills["commission"].sum() / values.mean() / years
    )
    free = execute(study, 0.0).tables["values"]["value"].iloc[-1]
    assert set(grid.loc[grid["scale"] == 0, "final_value"]) == {free}


def test_a_cell_is_a_run_under_its_schemes(folder) -> None:
    over = [
        "costs.commission={equity: {scheme: percent, bps: 30}, crypto: {scheme: percent, bps: 60}}",
        "costs.slippage={equity: {scheme: bps, bps: 40}, crypto: {scheme: bps, bps: 40}}",
    ]
    value = execute(prepare(load_config(CONFIG, [*DATES, *over]))).tables["values"]["value"]
    grid = table(folder, "grid").set_index(["commission", "slippage", "scale"])
    assert grid.loc[("dear", "wide", 1.0), "final_value"] == value.iloc[-1]


def test_dear_costs_more_than_cheap_and_drags_add_up(folder) -> None:
    grid = table(folder, "grid")
    parts = grid[["commission_bps", "slippage_bps", "carry_bps"]].sum(axis=1)
    np.testing.assert_allclose(parts, grid["drag_bps"], atol=1e-9)
    gap = 1e4 * (grid["gross_annual"] - grid["net_annual"])
    np.testing.assert_allclose(gap, grid["drag_bps"], atol=1e-6)
    cell = grid[grid["scale"] == 1].set_index(["commission", "slippage"])["drag_bps"]
    assert cell["free", "wide"] < cell["as configured", "wide"] < cell["dear", "wide"]
    assert cell["dear", "as configured"] < cell["dear", "wide"]


def test_drag_is_monotone_and_the_break_even_leaves_nothing(folder) -> None:
    scales = table(folder, "scales")
    part = scales[scales["method"] == "re-priced"].sort_values("scale")
    assert part["scale"].tolist() == [0, 0.5, 1, 2, 4]
    assert part["drag_bps"].is_monotonic_increasing and part["cagr"].is_monotonic_decreasing
    even = table(folder, "break_even")
    known = even[even["verdict"] == "breaks even"]
    assert len(known) and (known["return_over_cash"].abs() <= 1e-6).all()
    np.testing.assert_allclose(known["bps"], known["scale"] * known["realised_bps"])


def test_every_list_of_sources_adds_up_to_what_was_paid(folder, run) -> None:
    tables = run[1].tables
    paid = {name: tables["fills"][name].sum() for name in ("commission", "slippage")}
    paid["carry"] = -tables["carry"]["amount"].sum()
    sources = table(folder, "sources")
    assert len(sources["dimension"].unique()) == 8
    for _, part in sources.groupby("dimension"):
        for kind, amount in paid.items():
            assert part[kind].sum() == pytest.approx(amount, rel=1e-9, abs=1e-9)
        assert part["share"].sum() == pytest.approx(1.0)
    steps = table(folder, "waterfall")["amount"]
    assert steps[:-1].sum() == pytest.approx(steps.iloc[-1])


def test_bands_surround_the_run_and_say_their_seed(folder, run) -> None:
    bands = table(folder, "bands")
    levels = bands[["p5", "p25", "p50", "p75", "p95"]].to_numpy()
    assert (np.diff(levels, axis=1) >= 0).all()
    own = run[1].tables["values"]["value"].to_numpy()
    for _, part in bands.groupby("noise"):
        np.testing.assert_array_equal(part["configured"], own)
    paths = table(folder, "sampled_paths")
    assert paths.groupby("noise")["path"].count().tolist() == [60, 60]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["seed"], manifest["paths"]) == (7, 60)
    assert "--paths 60" in manifest["command"] and "--out" not in manifest["command"]


def test_a_full_sampled_run_is_near_its_draws_on_the_same_fills(folder, run) -> None:
    check = table(folder, "sampled_check").set_index("method")
    assert check.loc["re-run", "slippage"] == pytest.approx(
        check.loc["re-priced", "slippage"], rel=0.02
    )
    assert check["sharpe"].max() - check["sharpe"].min() < 0.02
    paid = run[1].tables["fills"]["slippage"].sum()
    assert not check["slippage"].isin([paid]).any()


def test_capital_costs_more_the_more_there_is(folder) -> None:
    curve = table(folder, "capacity")
    assert curve["capital"].tolist() == [1e5, 1e6, 1e7, 1e8, 1e9]
    assert curve["slippage_bps"].is_monotonic_increasing
    assert curve["participation_median"].is_monotonic_increasing


@pytest.mark.slow
def test_a_second_study_gives_the_same_bytes(folder, tmp_path) -> None:
    given = small_arguments(folder.parent)
    command = [sys.executable, "-m", "runs.costs", *given, "--out", str(tmp_path / "again")]
    where = {"PYTHONHASHSEED": "42", "TZ": "Asia/Tokyo"}
    subprocess.run(command, check=True, env={**os.environ, **where}, timeout=300)
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    again = tmp_path / "again"
    assert names == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    for name in names:
        assert (folder / name).read_bytes() == (again / name).read_bytes(), name


MISTAKES = {
    "no paths": (["--paths", "0"], "--paths 0"),
    "too many paths": (["--paths", "1000000"], "100,000"),
    "negative seed": (["--seed", "-1"], "--seed -1"),
    "missing grid": (["--grid", "absent.yaml"], "absent.yaml"),
    "a grid that is a configuration": (["--grid", "configs/crypto.yaml"], "unknown key name"),
    "missing configuration": (["--config", "configs/absent.yaml"], "absent"),
    "unknown scheme": (["--set", "costs.slippage.equity={scheme: bsp, bps: 1}"], "bps"),
    "a folder of ours that is another's": (["--out", "tests"], "--out"),
    "a file in the way": (["--out", "README.md"], "--out"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_exits_2_with_its_remedy(mistake, tmp_path, capsys) -> None:
    arguments, told = MISTAKES[mistake]
    if "--out" not in arguments:
        arguments = [*arguments, "--out", str(tmp_path / "out")]
    assert main([*arguments, "--quiet"]) == 2
    said = capsys.readouterr().err.strip()
    assert told in said and 1 <= len(said.splitlines()) <= 3 and "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_run_in_the_way_is_not_replaced(tmp_path, capsys) -> None:
    out = tmp_path / "run"
    out.mkdir()
    for name in ("manifest.json", "values.csv"):
        (out / name).write_text("{}")
    assert main(["--out", str(out), "--quiet"]) == 2
    assert "values.csv" in capsys.readouterr().err and (out / "values.csv").exists()


def test_costs_that_no_lot_can_bear_are_an_answer(tmp_path) -> None:
    # A billion a ticket: nothing is ever filled in that cell, and the others stand.
    given = small_arguments(tmp_path, paths=2)
    text = "commission: {absurd: {equity: {scheme: fixed, amount: 1000000000}, crypto: {scheme: "
    (tmp_path / "grid.yaml").write_text(f"{text}fixed, amount: 1000000000}}}}}}\n")
    assert main([*given, "--out", str(tmp_path / "out")]) == 0
    grid = table(tmp_path / "out", "grid").query("scale == 1").set_index("commission")
    assert grid["final_value"].isna().to_dict() == {"as configured": False, "absurd": True}
    even = table(tmp_path / "out", "break_even").set_index("commission")["verdict"]
    assert even["absurd"] == "nothing could be traded at this cost"


def test_the_terminal_fits_and_names_the_files(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    given = [word for word in small_arguments(tmp_path, paths=2) if word != "--quiet"]
    out = tmp_path / "out"
    assert main([*given, "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 100
    text = "\n".join(lines)
    assert f"{out}/costs.html" in text
    for word in ("Costs took", "CAGR in %", "re-priced", "Capacity under impact", "by the share"):
        assert word in text, word


def test_help_names_every_option() -> None:
    text = build_parser().format_help()
    options = ("--config", "--set", "--grid", "--paths", "--seed", "--quick", "--out", "--quiet")
    assert all(option in text for option in options)


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"{CHROMIUM} is not installed")
def test_the_page_opens_without_requests_errors_or_sideways_scrolling(folder) -> None:
    pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    for width, scheme in ((1200, "light"), (390, "dark")):
        with open_page(width, scheme) as page:
            assert watch(page, folder / "costs.html") == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            drawn = page.evaluate("[...document.images].map(image => image.naturalWidth)")
            assert len(drawn) == 10 and min(drawn) > 800
