"""What `runs.published` prints when it is done."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from runs.published import Comparison

__all__ = ["comparison_lines", "print_comparison"]

#: Column of the table, heading and format; rates a year are printed in percent.
_SHOWN = (
    ("correlation", "Corr.", "{:.4f}"),
    ("slope", "Slope", "{:.3f}"),
    ("intercept_bps", "Intercept", "{:+.2f}"),
    ("mean_difference_bps", "Mean diff.", "{:+.2f}"),
    ("tracking_error_annual", "Tracking", "{:.2%}"),
    ("periods", "Periods", "{:.0f}"),
)


def print_comparison(found: Comparison, paths: Sequence[Path], console: Console) -> None:
    """Print a table for each construction, what the set lacks, and the files."""
    from rich.table import Table
    from rich.text import Text

    unit = {"daily": "a day", "weekly": "a week", "monthly": "a month"}[found.frequency]
    for (name, title), rows in found.table.groupby(["case", "title"], sort=False):
        console.print()
        console.print(Text(f"{name}: {title}", style="bold"))
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("Factor")
        for _, heading, _ in _SHOWN:
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("From", no_wrap=True)
        for row in rows.to_dict("records"):
            cells = [_cell(row[column], form) for column, _, form in _SHOWN]
            first = row["first"] if isinstance(row["first"], str) else ""
            table.add_row(str(row["factor"]), *cells, first)
        console.print(table)
    console.print()
    units = f"intercept and mean difference in basis points {unit}, tracking error a year"
    console.print(Text(units, style="dim"))
    for note in found.notes:
        console.print(Text(f"note: {note}", style="dim"))
    console.print(Text(f"{len(paths)} files in {paths[0].parent}", style="dim"))


def comparison_lines(found: Comparison, case: str) -> list[str]:
    """The table of one construction as plain lines, for logs and messages of tests."""
    lines = [f"{'factor':8}" + "".join(f"{heading:>12}" for _, heading, _ in _SHOWN)]
    for row in found.table[found.table["case"] == case].to_dict("records"):
        cells = "".join(f"{_cell(row[column], form):>12}" for column, _, form in _SHOWN)
        lines.append(f"{row['factor']:8}{cells}")
    return lines


def _cell(value: float, form: str) -> str:
    return form.format(value) if math.isfinite(value) else "n/a"
