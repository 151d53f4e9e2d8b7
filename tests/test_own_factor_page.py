"""The page on a factor of one's own is run as it stands, in a folder of the user's."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "own_factor.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, flags=re.DOTALL)
FILES = {
    text.split("\n", 1)[0].removeprefix("# "): text
    for language, text in BLOCKS
    if language in ("python", "yaml")
}
#: One process runs the page: the others would run it again.
pytestmark = pytest.mark.xdist_group("own_factor_page")
COMMANDS = [line for language, text in BLOCKS if language == "sh" for line in text.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A user's folder beside the project, with the page's files and after its commands."""
    there = tmp_path_factory.mktemp("user")
    (there / "project").symlink_to(ROOT)
    own = there / "research"
    own.mkdir()
    for name, text in FILES.items():
        (own / name).write_text(text, encoding="utf-8")
    place = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(COMMANDS)],
        cwd=own,
        env={**os.environ, "PATH": place},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    (own / "screen.txt").write_text(done.stdout, encoding="utf-8")
    return own


def test_the_page_has_what_it_promises() -> None:
    assert list(FILES) == [
        "seasonality.py",
        "seasonality.yaml",
        "test_seasonality.py",
        "neutral.yaml",
        "pipeline.py",
    ]
    compile(FILES["seasonality.py"], "seasonality.py", "exec")
    lines = [line for line in FILES["seasonality.py"].splitlines()[1:] if line.strip()]
    assert len(lines) <= 10


@pytest.mark.slow
def test_it_is_ranked(folder: Path) -> None:
    weights = pd.read_csv(folder / "run" / "weights.csv")
    assert weights.columns.tolist() == [
        "decision_date",
        "symbol",
        "score",
        "momentum",
        "seasonality",
        "target_weight",
    ]
    assert weights["seasonality"].notna().mean() > 0.9
    # What the first stock did from 252 to 231 sessions before a decision, by the run's own prices.
    prices = pd.read_csv(folder / "run" / "prices.csv", index_col="date")
    symbol, at = prices.columns[1], prices.index.get_loc("2015-06-30")
    expected = prices[symbol].iloc[at - 231] / prices[symbol].iloc[at - 252] - 1.0
    row = weights[(weights["decision_date"] == "2015-06-30") & (weights["symbol"] == symbol)]
    assert row["seasonality"].item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
def test_it_is_studied(folder: Path) -> None:
    for name in ("factor_summary", "ic", "quantiles"):
        table = pd.read_csv(folder / "study" / f"{name}.csv")
        assert set(table["factor"]) == {"momentum", "seasonality"}, name
    correlation = pd.read_csv(folder / "study" / "correlation.csv")
    assert correlation["factor"].str.contains("seasonality").any()
    assert "Seasonality" in (folder / "screen.txt").read_text(encoding="utf-8")


@pytest.mark.slow
def test_it_is_plotted(folder: Path) -> None:
    with open(folder / "study" / "results.pkl", "rb") as stream:
        assert "Seasonality" in str(pickle.load(stream).labels)
    drawn = sorted((folder / "study" / "plots").glob("*.svg"))
    assert drawn
    named = [path.name for path in drawn if "Seasonality" in path.read_text(encoding="utf-8")]
    assert named, "no figure names the factor"


@pytest.mark.slow
def test_it_is_in_the_pages(folder: Path) -> None:
    sheets = [*(folder / "run").glob("*.html"), *(folder / "study").glob("*.html")]
    assert sheets
    for page in sheets:
        assert "easonality" in page.read_text(encoding="utf-8"), page.name


@pytest.mark.slow
def test_it_may_be_made_neutral(folder: Path) -> None:
    weights = pd.read_csv(folder / "neutral" / "weights.csv")
    assert weights["score"].notna().mean() > 0.8
    assert "seasonality" in weights and "size_proxy" in weights
