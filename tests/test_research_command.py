"""The command `runs.research`: mistakes, what it writes, and the committed page again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runs.research import PARTS, main
from tests.research_case import differences

SHARED = Path(__file__).parents[2] / "shared" / "data"
PAGE = Path("docs/research.md")


def test_a_missing_folder_is_told_with_its_remedy(tmp_path, capsys):
    assert main(["--shared", str(tmp_path / "none"), "--work", str(tmp_path), "--quiet"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) <= 3
    assert "none has no crypto_factors_weekly.csv" in told[0] and "--only bundled" in told[1]


def test_an_unknown_part_is_told_with_the_parts(capsys):
    assert main(["--only", "sp500,stocks", "--quiet"]) == 2
    told = capsys.readouterr().err
    assert "'stocks' is no part" in told and all(part in told for part in PARTS)


def test_a_file_that_is_no_table_is_told(tmp_path, capsys):
    (tmp_path / "crypto_factors_weekly.csv").write_text("<html></html>\n")
    arguments = ["--only", "published", "--shared", str(tmp_path), "--work", str(tmp_path / "w")]
    assert main([*arguments, "--quiet"]) == 2
    assert "no column cmkt" in capsys.readouterr().err


@pytest.fixture(scope="module")
def bundled(tmp_path_factory):
    work = tmp_path_factory.mktemp("research")
    assert main(["--only", "large_caps", "--work", str(work), "--quiet"]) == 0
    return work


def test_what_was_left_out_is_said(bundled):
    page = (bundled / "research.md").read_text(encoding="utf-8")
    for name in ("US stocks", "the 45 coins", "the published daily and weekly factors"):
        assert f"**Left out of this run:** {name}." in page
    assert "Does each factor carry" in page
    assert "at most 3 coins on any day, and 6 are needed" in " ".join(page.split())


def test_tables_and_series_stand_in_the_work_folder(bundled):
    names = {path.name for path in bundled.glob("*.csv")}
    assert {"sleeves.csv", "spanning.csv", "studies.csv", "weekly_funds.csv"} <= names
    text = (bundled / "weekly_funds.csv").read_text(encoding="utf-8")
    assert text.startswith("date,MTUM,QUAL,SIZE,USMV,VLUE,Bitcoin\n2014-12-07,")
    assert (bundled / "images" / "research_sleeves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_second_run_gives_the_same_bytes(bundled, tmp_path):
    command = [sys.executable, "-m", "runs.research", "--only", "large_caps", "--quiet"]
    where = {"PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo"}
    subprocess.run(
        [*command, "--work", str(tmp_path)], check=True, env={**os.environ, **where}, timeout=300
    )
    files = sorted(path.relative_to(bundled) for path in bundled.rglob("*") if path.is_file())
    assert files == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    for name in files:
        assert (bundled / name).read_bytes() == (tmp_path / name).read_bytes(), name


@pytest.mark.exhaustive
@pytest.mark.skipif(not SHARED.exists(), reason="the shared data are not beside the project")
def test_the_whole_command_gives_the_committed_page(tmp_path):
    arguments = ["--shared", str(SHARED), "--out", str(tmp_path / "docs")]
    assert main([*arguments, "--work", str(tmp_path / "work"), "--quiet"]) == 0
    made = (tmp_path / "docs" / "research.md").read_text(encoding="utf-8")
    assert not differences(made, PAGE.read_text(encoding="utf-8"))
    names = sorted(path.name for path in (tmp_path / "docs" / "images").iterdir())
    assert names == sorted(path.name for path in Path("docs/images").glob("research_*.png"))
