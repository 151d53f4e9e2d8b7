"""What `runs.attribution` prints when it is done."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from analyzers.attribution_study import exposure_table

if TYPE_CHECKING:
    from rich.console import Console

    from analyzers.attribution_study import AttributionStudy

__all__ = ["print_attribution"]


def print_attribution(found: AttributionStudy, folder: Path, console: Console) -> None:
    """Print exposures, contributions, the quality of the fit, assumptions and the folder."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    fit, facts = found.fit, found.facts
    console.print()
    console.print(Text(found.name, style="bold"))
    span = f"{facts['start']} to {facts['end']}, {fit.observations} {facts['frequency']} returns"
    console.print(Text(span, style="dim"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("Factor", no_wrap=True)
    for heading in ("Exposure", "t", "A year"):
        table.add_column(heading, justify="right", no_wrap=True)
    for entry in exposure_table(found).to_dict("records"):
        cells = ((entry["beta"], ".3f"), (entry["t_stat"], ".2f"))
        share = (entry["contribution_annual"], ".2%")
        table.add_row(entry["label"], *(_text(value, form) for value, form in (*cells, share)))
    console.print(table)
    console.print(
        Text(f"R squared {_text(fit.r_squared, '.3f')}; Newey-West errors, {fit.lags} lags")
    )
    for note in notes(found):
        console.print(Text(f"- {note}"))
    console.print(Text(f"\nTables and plots in {folder}"), soft_wrap=True)


def notes(found: AttributionStudy) -> list[str]:
    """What was done to the series, in sentences."""
    facts, fit, lines = found.facts, found.fit, []
    if facts["compounded"]:
        other = "factors" if facts["compounded"] == "returns" else "returns"
        lines.append(f"The {facts['compounded']} were compounded to the dates of the {other}.")
    if facts["rf"]:
        rate = facts["rf"]
        what = f"column {rate}" if isinstance(rate, str) else f"a rate of {rate:.2%} a year"
        lines.append(f"Returns are in excess of {what}; --rf 0 subtracts nothing.")
    if facts["dimson"]:
        count = facts["dimson"]
        many = "one lag" if count == 1 else f"{count} lags"
        lines.append(f"Exposures are sums over the same date and {many}.")
    if found.rolling.empty:
        lines.append(f"There are fewer dates than a window of {facts['window']}.")
    lines += [f"{found.labels.get(name, name)} is {why}." for name, why in fit.dropped.items()]
    return lines


def _text(value: float, form: str) -> str:
    if not math.isfinite(value):
        return ""
    text = format(value, form)
    text = text.removeprefix("-") if float(text.rstrip("%")) == 0.0 else text
    return text.replace("-", "\u2212").replace("%", " %")
