"""The page for users of Backtrader: its code runs, and what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.existing_script import choose, compare, main
from tests.ordinary.engines import bars

PAGE = Path("docs/backtrader.md").read_text(encoding="utf-8")
CODE = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


def test_the_code_of_the_page_runs_as_it_stands():
    names: dict = {}
    for number, block in enumerate(CODE):
        exec(compile(block, f"docs/backtrader.md, block {number + 1}", "exec"), names)
    trades = names["after"].analyzers.trades.get_analysis()
    assert len(CODE) == 3 and trades.total.closed > 3, "there is something to compare"


def test_files_and_pages_that_the_page_names_are_there():
    named = re.findall(r"`((?:tests|benchmarks|data|docs)/[\w/.]+)`", PAGE)
    linked = re.findall(r"\]\((\w+\.md)\)", PAGE)
    assert named and linked
    for path in named:
        assert list(Path(".").glob(path)), path
    for page in linked:
        assert (Path("docs") / page).is_file(), page


def test_the_worked_example_sees_the_same_on_both_engines(make_panel):
    panel = bars(make_panel, (150, 5), late=[(1, 30)], ended=[(2, 90)], holed=[3])
    result = compare(panel, fast=3, slow=10, trail=0.04)
    assert all(result["equal"].values()), result["equal"]
    assert list(result["equal"]) == ["orders", "trades", "values", "analyzers"]
    # An entry is told when submitted, accepted and filled, and so is its stop.
    assert result["orders"] > 60 and result["trades"] > 20
    assert (result["assets"], result["sessions"]) == (5, 150) and result["ratio"] > 0


def test_late_assets_are_among_those_chosen(make_panel):
    panel = bars(make_panel, (40, 9), late=[(4, 11), (8, 20)])
    assert choose(panel, 4).assets.tolist() == ["A00", "A04", "A07", "A08"]
    assert choose(panel, 99) is panel


def test_the_exit_code_says_whether_all_was_equal(make_panel, monkeypatch, capsys):
    panel = bars(make_panel, (60, 3))
    monkeypatch.setattr("sys.argv", ["existing_script", "--assets", "2"])

    class Loaded:
        pass

    loaded = Loaded()
    loaded.panel = panel
    monkeypatch.setattr("benchmarks.existing_script.load_dataset", lambda folder: loaded)
    for same, code in ((True, 0), (False, 1)):
        found = {**compare(panel, fast=2, slow=5), "equal": {"orders": same}}
        monkeypatch.setattr("benchmarks.existing_script.compare", lambda panel, found=found: found)
        assert main() == code
        assert ("DIFFERENT" in capsys.readouterr().out) is not same


@pytest.mark.slow
def test_the_worked_example_on_the_bundled_data():
    from feeds.store import load_dataset

    panel = choose(load_dataset("data/sp500_crypto").panel, 12)
    result = compare(panel)
    assert all(result["equal"].values()) and result["orders"] > 100
