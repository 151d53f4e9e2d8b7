from __future__ import annotations

import io

import pytest
from rich.console import Console

from runs.terminal import print_summary
from tests.synthetic_run import synthetic_run


def printed(run, folder, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_summary(run, folder, console)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 100])
def test_it_fits(tmp_path, width):
    text = printed(synthetic_run(2, benchmark="cash"), tmp_path, width).split("Files")[0]
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width


def test_metrics_costs_trades_and_notes_are_there(tmp_path):
    text = printed(synthetic_run(2), tmp_path)
    for expected in ("5.12 %", "re-priced", "re-run", "proxy", "too thin to rank", "<made up>"):
        assert expected in text


def test_traded_value_is_by_class(tmp_path):
    run = synthetic_run(1)
    run.fills = run.fills.head(2).assign(symbol=["S01", "BTC"], size=[-3.0, 2.0], price=50.0)
    lines = [line.split() for line in printed(run, tmp_path).splitlines()]
    assert ["crypto", "1", "1", "100", "2", "2"] in lines  # 2 x 50; 1.5 and 2.5 round to even
    assert ["equity", "1", "1", "150", "2", "2"] in lines


def test_the_last_lines_are_the_files_that_exist(tmp_path):
    (tmp_path / "plots").mkdir()
    (tmp_path / "summary.html").write_text("")
    last = printed(synthetic_run(1), tmp_path).rstrip().splitlines()[-3:]
    assert [line.split() for line in last] == [
        ["tables", str(tmp_path)],
        ["plots", str(tmp_path / "plots")],
        ["summary", str(tmp_path / "summary.html")],
    ]


def test_markup_in_a_note_is_text(tmp_path):
    run = synthetic_run(1)
    run.notes = ["[bold]not markup[/bold]"]
    assert "[bold]not markup[/bold]" in printed(run, tmp_path)
