"""What `runs.factors` prints when it is done."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from analyzers.factor_results import FactorResults

__all__ = ["print_study"]

#: Column of the summary, heading and format; `%` is a share, `f` a number.
_EARNED = (
    ("mean_annual", "Mean", ".1%"),
    ("volatility", "Vola-\ntility", ".1%"),
    ("return_t", "t", ".1f"),
    ("max_drawdown", "Draw-\ndown", ".1%"),
    ("turnover_half_annual", "Turn-\nover", ".2f"),
    ("net_mean_annual", "Net\nmean", ".1%"),
    ("net_t", "Net\nt", ".1f"),
)
_RANKED = (
    ("decisions", "Dates", ".0f"),
    ("ranked_mean", "Assets", ".0f"),
    ("ic_mean", "IC", ".3f"),
    ("ic_t", "t", ".1f"),
    ("icir", "ICIR", ".2f"),
    ("ic_untraded_mean", "Untraded", ".3f"),
    ("rank_autocorrelation", "Rank\ncorr.", ".2f"),
)


def print_study(results: FactorResults, paths: Sequence[Path], console: Console) -> None:
    """Print what was found, returns, ranking power, what is lacking, and where the rest is."""
    from rich.padding import Padding
    from rich.text import Text

    from analyzers.study_findings import findings
    from analyzers.study_labels import proxies_of

    console.print()
    console.print(Text(results.name, style="bold"))
    dates = results.factor_returns.index
    if len(dates):
        span = f"{dates[0]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}, {len(dates)} sessions"
        console.print(Text(span, style="dim"))
    for name, measure in proxies_of(results):
        console.print(Text(f"{name} is a stand-in: {measure}", style="yellow"))
    console.print()
    if len(results.summary):
        console.print(_summary(results, "Portfolio, a year", _EARNED), "")
        console.print(_summary(results, f"{results.horizon} sessions ahead", _RANKED), "")
    for sentence in findings(results):
        console.print(Padding(Text(f"- {sentence}"), (0, 2)))
    console.print(Text("\nWhat this study lacks and assumes", style="bold yellow"))
    for note in results.notes:
        console.print(Padding(Text(f"- {note}"), (0, 2)))
    console.print(Text("\nFiles", style="bold"))
    for name, place in _places(paths):
        console.print(Text(f"  {name:<8} {place}"), soft_wrap=True)


def _places(paths: Sequence[Path]) -> list[tuple[str, str]]:
    """The page and the pickle by name, the tables as one line."""
    tables = [path for path in paths if path.suffix == ".csv"]
    found = [("page", str(path)) for path in paths if path.suffix == ".html"]
    if tables:
        found.append(("tables", f"{tables[0].with_name('*.csv')} ({len(tables)})"))
    return found + [("results", str(path)) for path in paths if path.suffix == ".pkl"]


def _summary(results: FactorResults, title: str, columns: Sequence[tuple[str, str, str]]):
    from analyzers.study_labels import factor_label

    table = _table(title)
    for _, heading, _ in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for entry in results.summary.to_dict("records"):
        cells = (_text(entry[name], form) for name, _, form in columns)
        name = factor_label(results, entry["asset_class"], entry["factor"])
        table.add_row(name, *cells)
    return table


def _table(first: str):
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        collapse_padding=True,
        header_style="bold",
    )
    table.add_column(first, no_wrap=True)
    return table


def _text(value: float, form: str) -> str:
    if value is None or not math.isfinite(value):
        return "\u2013"
    return format(value, form).replace("-", "\u2212").replace("%", " %")
