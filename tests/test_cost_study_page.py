"""`docs/cost_study.md`: its columns are those of the files, its numbers those of the default."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from analyzers.cost_break_even import COST_FIGURES
from runs.costs import build_parser
from runs.costs_folder import COST_FILES
from tests.research_case import differences

PAGE = Path("docs/cost_study.md")


def between(text: str, name: str) -> str:
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    return text[text.index(start) + len(start) : text.index(end)]


def test_every_file_and_figure_is_defined() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in COST_FILES:
        assert name in ("costs.html", "plots") or f"`{name}`" in text, name
    for name in COST_FIGURES:
        assert f"`{name}`" in text, name
    for action in build_parser()._actions:
        for option in action.option_strings:
            told = option in ("-h", "--help", "--quiet", "--verbose") or f"`{option}" in text
            assert told, option


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> tuple[Path, str]:
    """The folder of a study of the default configuration, and its findings."""
    out = tmp_path_factory.mktemp("study") / "out"
    script = (
        "import sys; from runs.costs import costs; from analyzers.cost_findings import "
        "cost_findings; found, _ = costs('configs/backtest.yaml', out=sys.argv[1]); "
        "print('\\n'.join(cost_findings(found)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(out)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    return out, done.stdout


def generated(out: Path, findings: str) -> dict[str, str]:
    """The parts of the page that are numbers."""
    grid = table(out, "grid").query("scale == 1")
    rows, columns = (list(dict.fromkeys(grid[name])) for name in ("commission", "slippage"))
    wide = grid.pivot(index="commission", columns="slippage", values="sharpe")
    lines = [f"| | {' | '.join(columns)} |", "| --- |" + " ---: |" * len(columns)]
    lines += [
        f"| {one} | " + " | ".join(f"{wide.loc[one, other]:.2f}" for other in columns) + " |"
        for one in rows
    ]
    sharpe = "\n".join(lines).replace("-0.", "\u22120.")
    told = "".join(f"- {line}\n" for line in findings.splitlines())
    return {"findings": told, "sharpe": f"{sharpe}\n"}


def table(out: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(out / f"{name}.csv", keep_default_na=False, na_values=[""])


@pytest.mark.exhaustive
@pytest.mark.xdist_group("default cost study")
def test_its_numbers_are_those_of_the_default_study(study) -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, expected in generated(*study).items():
        assert not differences(between(text, name), expected), name


@pytest.mark.exhaustive
@pytest.mark.xdist_group("default cost study")
def test_the_default_study_is_complete(study) -> None:
    out, _ = study
    grid = table(out, "grid")
    assert grid["commission"].nunique() >= 5 and grid["slippage"].nunique() >= 5
    assert sorted(grid["scale"].unique()) == [0, 0.5, 1, 2, 4]
    part = table(out, "scales").query("method == 're-priced'").sort_values("scale")
    assert part["drag_bps"].is_monotonic_increasing
    even = table(out, "break_even")
    assert (even["return_over_cash"].abs().dropna() <= 1e-6).all()
    assert (even["method"] == "re-run").sum() == 1
    assert table(out, "sampled_paths").groupby("noise")["path"].count().min() == 1000
    assert table(out, "capacity")["model"].nunique() == 3
