"""What `runs.costs` shows while it computes, and prints when it is done."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from analyzers import cost_page_tables as tables
from analyzers.cost_findings import cost_findings
from runs.costs_grid import CONFIGURED

if TYPE_CHECKING:
    from rich.console import Console

    from analyzers.cost_study import CostStudy
    from analyzers.study_page_tables import PageTable
    from runs.costs_variants import Progress

__all__ = ["costs_progress", "print_costs"]

#: Columns of the table of scales that fit a terminal.
_SHOWN = ("Method", "Scale", "CAGR", "Sharpe", "Drawdown", "Traded", "Drag, bps")


@contextmanager
def costs_progress(quiet: bool, console: Console | None = None) -> Iterator[Progress | None]:
    """A callable that shows each step it is told of; None where nothing is to be shown.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    console : rich.console.Console, optional
        By default standard error, where that is a terminal.
    """
    if quiet or (console is None and not sys.stderr.isatty()):
        yield None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(
        *columns, console=console or Console(stderr=True), transient=True
    ) as display:
        stages: dict[str, progress.TaskID] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                stages[stage] = display.add_task(stage, total=total)
            display.update(stages[stage], completed=done, total=total)

        yield show


def print_costs(study: CostStudy, folder: Path, console: Console) -> None:
    """Print what was found, the grid, the scales, capacity, and where the files are.

    Fits 100 columns.
    """
    from rich.padding import Padding
    from rich.text import Text

    console.print()
    console.print(Text(f"{study.name}: what is left after costs", style="bold"))
    span = f"{study.start} to {study.end}, {study.sessions:,} sessions, seed {study.seed}"
    console.print(Text(span, style="dim"))
    console.print()
    for sentence in cost_findings(study):
        console.print(Padding(Text(f"- {sentence}"), (0, 2)))
    console.print()
    said = "Commission down, slippage across; own: as configured"
    console.print(Text(said, style="dim"))
    for column, name, kind in (("cagr", "CAGR in %", "percent"), ("sharpe", "Sharpe", "ratio")):
        matrix = tables.grid_matrix(study, column, name, kind)
        # A column of numbers is too narrow for the words.
        heads = ["own" if head == CONFIGURED else head for head in matrix.heads]
        console.print(_table(matrix._replace(heads=heads)))
    console.print(_table(_narrow(tables.scale_table(study))))
    if len(study.capacity_limits):
        console.print(_table(tables.capacity_matrix(study)))
    if len(study.left_out):
        console.print(Text("Left out, since the data lack their fields", style="bold yellow"))
        for row in study.left_out.to_dict("records"):
            said = f"{row['kind']} {row['scheme']} ({row['asset_class']}): {row['reason']}"
            console.print(Padding(Text(f"- {said}"), (0, 2)))
    console.print(Text("\nFiles", style="bold"))
    for label, path in (("page", folder / "costs.html"), ("tables", folder / "*.csv")):
        console.print(Text(f"  {label:<8} {path}"), soft_wrap=True)
    console.print(Text(f"  {'plots':<8} {folder / 'plots'}"), soft_wrap=True)


def _narrow(table: PageTable) -> PageTable:
    kept = [k for k, head in enumerate(table.heads) if head in _SHOWN]
    rows = [[row[k] for k in kept] for row in table.rows]
    return table._replace(heads=[table.heads[k] for k in kept], rows=rows)


def _table(content: PageTable):
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", collapse_padding=True)
    for number, head in enumerate(content.heads):
        words = number < content.texts
        side = "left" if words else "right"
        table.add_column(head, justify=side, no_wrap=number == 0, overflow="fold")
    for row in content.rows:
        table.add_row(*row)
    return table
