"""The default run twice, with another hash seed and time zone: the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analyzers.run_folder import RUN_FILES
from scripts.screenshots import CHROMIUM, open_page, watch


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> list[Path]:
    made = []
    for seed, zone in (("0", "UTC"), ("42", "Asia/Tokyo")):
        out = tmp_path_factory.mktemp("again") / "run"
        subprocess.run(
            [sys.executable, "-m", "runs.backtest", "--quiet", "--out", str(out)],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        )
        made.append(out)
    return made


def test_two_runs_give_the_same_bytes_but_for_timings(folders):
    first, second = folders
    names = sorted(str(path.relative_to(first)) for path in first.rglob("*") if path.is_file())
    assert names == sorted(
        str(path.relative_to(second)) for path in second.rglob("*") if path.is_file()
    )
    for name in names:
        one, two = ((folder / name).read_bytes() for folder in folders)
        if name == "manifest.json":
            one, two = (
                {key: value for key, value in json.loads(text).items() if key != "timings"}
                for text in (one, two)
            )
        assert one == two, f"{name} differs"


def test_the_folder_holds_every_file_and_nothing_else(folders):
    found = {path.name for path in folders[0].iterdir()}
    assert found == set(RUN_FILES) - {"risk_contributions.csv"}
    plots = {path.suffix for path in (folders[0] / "plots").iterdir()}
    assert plots == {".png", ".svg"}


def test_a_run_repeated_from_its_own_configuration_matches(folders, tmp_path):
    out = tmp_path / "again"
    config = folders[0] / "config.yaml"
    command = [sys.executable, "-m", "runs.backtest", "--quiet", "--no-tearsheet"]
    subprocess.run([*command, "--config", str(config), "--out", str(out)], check=True)
    for name in ("values.csv", "fills.csv", "weights.csv", "metrics.json", "config.yaml"):
        assert (out / name).read_bytes() == (folders[0] / name).read_bytes()


@pytest.mark.browser
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"{CHROMIUM} is not installed")
@pytest.mark.parametrize("page_name", ["summary.html", "tearsheet.html"])
def test_its_pages_open_offline_without_a_complaint(folders, page_name):
    pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with open_page() as page:
        assert watch(page, folders[0] / page_name) == []
        assert "value-size-momentum" in page.title() + page.inner_text("body")
