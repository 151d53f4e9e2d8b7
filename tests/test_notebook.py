"""The notebook runs from its first cell to its last, and shows what a run gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import black
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "notebooks" / "factor_construction.ipynb"
SCRIPT = ROOT / "scripts" / "execute_notebook.py"
MACHINES = ("/work", "/tmp", "/root", "/home")


def run(notebook: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Execute a notebook with the project's script in a fresh process."""
    for package in ("nbclient", "ipykernel"):
        pytest.importorskip(package, reason="the notebook is run by nbclient and ipykernel")
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(notebook), "--out", str(out)],
        capture_output=True,
        text=True,
        env={**os.environ, "IPYTHONDIR": str(out.parent / "ipython")},
        cwd=ROOT,
        timeout=300,
    )


def code(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def shown(cell: dict) -> list[tuple[str, str]]:
    """Name and text of each output: what is printed, and tables as plain text."""
    texts = []
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            texts.append((output["name"], "".join(output["text"])))
        else:
            texts.append((output["output_type"], "".join(output["data"]["text/plain"])))
    return texts


@pytest.fixture(scope="module")
def stored() -> dict:
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def printed(stored) -> str:
    return "\n".join(text for cell in code(stored) for _, text in shown(cell))


def test_a_run_gives_the_outputs_that_are_stored(stored, tmp_path) -> None:
    finished = run(NOTEBOOK, tmp_path / "again.ipynb")
    assert finished.returncode == 0, finished.stderr[-3000:]
    again = json.loads((tmp_path / "again.ipynb").read_text(encoding="utf-8"))
    assert len(code(again)) == len(code(stored)) > 10
    for fresh, kept in zip(code(again), code(stored)):
        assert shown(fresh) == shown(kept), "".join(kept["source"])
    assert again["metadata"] == stored["metadata"]


def test_a_cell_that_raises_fails_the_run(stored, tmp_path) -> None:
    broken = json.loads(json.dumps(stored))
    code(broken)[0]["source"] = "raise KeyError('a cell that raises')"
    path = tmp_path / "broken.ipynb"
    path.write_text(json.dumps(broken), encoding="utf-8")
    finished = run(path, tmp_path / "out.ipynb")
    assert finished.returncode != 0
    assert "a cell that raises" in finished.stderr
    assert not (tmp_path / "out.ipynb").exists()


def test_every_cell_ran_in_order_and_warned_of_nothing(stored) -> None:
    assert [cell["execution_count"] for cell in code(stored)] == list(
        range(1, len(code(stored)) + 1)
    )
    kinds = {kind for cell in code(stored) for kind, _ in shown(cell)}
    assert kinds <= {"stdout", "execute_result"}


def test_its_numbers_are_those_of_the_files(printed) -> None:
    closes = pd.read_csv(ROOT / "data/sp500_crypto/clean_prices.csv.gz", index_col=0)
    sessions = closes["AAPL"].dropna()
    place = sessions.index.get_loc("2015-12-31")
    by_hand = sessions.iloc[place - 21] / sessions.iloc[place - 252] - 1.0
    assert f"by hand {by_hand:.6f}, momentum() {by_hand:.6f}" in printed
    # Ranks of three against ranks of three: 1 - 6 x d / 24 with squared differences d of 0, 2, 6
    # and 8.
    rows = [1.0 - 6.0 * d / 24.0 for d in (8, 6, 2, 0)]
    assert f"IC of three coins: {rows}" in printed
    correlation = float(printed.split("months, correlation ")[1].split("\n")[0])
    assert 0.9 < correlation < 1.0


def test_its_cells_are_formatted_and_speak_of_no_machine(stored) -> None:
    for cell in code(stored):
        source = "".join(cell["source"])
        formatted = black.format_str(source, mode=black.Mode(line_length=100)).rstrip("\n")
        assert source == formatted
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert not [word for word in MACHINES if word in text]
    assert len(text) < 100_000
    assert max(len(line.rstrip()) for cell in stored["cells"] for line in cell["source"]) <= 100
