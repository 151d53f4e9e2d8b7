"""What `runs.factors` prints when it is done."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from analyzers.factor_results import FactorResults

__all__ = ["print_study"]

#: Column of the summary, heading and format; `%` is a share, `f` a number.
_EARNED = (
    ("cagr", "CAGR", ".1%"),
    ("volatility", "Volatility", ".1%"),
    ("sharpe", "Sharpe", ".2f"),
    ("return_t", "t", ".1f"),
    ("max_drawdown", "Drawdown", ".1%"),
    ("turnover_half_annual", "Turnover", ".2f"),
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
    """Print returns, ranking power, quantiles, correlations, thin classes and files."""
    from rich.padding import Padding
    from rich.text import Text

    console.print()
    console.print(Text(results.name, style="bold"))
    dates = results.factor_returns.index
    if len(dates):
        span = f"{dates[0]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}, {len(dates)} sessions"
        console.print(Text(span, style="dim"))
    for name, measure in _proxies(results):
        console.print(Text(f"{name} is a stand-in: {measure}", style="yellow"))
    console.print()
    if len(results.summary):
        console.print(_summary(results, "Portfolio, a year", _EARNED), "")
        console.print(_summary(results, f"{results.horizon} sessions ahead", _RANKED), "")
        console.print(_quantiles(results), "")
        if len(results.correlation) > 1:
            console.print(_correlation(results), "")
    for entry in results.thin.to_dict("records"):
        console.print(
            Text(
                f"{_name(results, entry)}: too thin, at most {entry['ranked_max']} ranked, "
                f"{entry['min_breadth']} needed",
                style="yellow",
            )
        )
    console.print(Text("\nWhat this study lacks and assumes", style="bold yellow"))
    for note in results.notes:
        console.print(Padding(Text(f"- {note}"), (0, 2)))
    console.print(Text("\nFiles", style="bold"))
    for path in paths:
        console.print(Text(f"  {path}"), soft_wrap=True)


def _summary(results: FactorResults, title: str, columns: Sequence[tuple[str, str, str]]):
    table = _table(title)
    for _, heading, _ in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for entry in results.summary.to_dict("records"):
        cells = (_text(entry[name], form) for name, _, form in columns)
        table.add_row(_name(results, entry), *cells)
    return table


def _quantiles(results: FactorResults):
    """Mean return a year of each quantile."""
    table = _table("Mean a year")
    wide = results.quantiles.pivot(
        index=["asset_class", "factor"], columns="quantile", values="mean_annual"
    )
    numbers = sorted((name for name in wide.columns if name != "spread"), key=int)
    for number in numbers:
        note = {numbers[0]: " worst", numbers[-1]: " best"}.get(number, "")
        table.add_column(f"{number}{note}", justify="right", no_wrap=True)
    table.add_column("Spread", justify="right", no_wrap=True)
    for entry in results.summary.to_dict("records"):
        means = wide.loc[(entry["asset_class"], entry["factor"])]
        cells = (_text(means[name], ".1%") for name in [*numbers, "spread"])
        table.add_row(_name(results, entry), *cells)
    return table


def _correlation(results: FactorResults):
    table = _table("Correlation")
    for number in range(1, len(results.correlation) + 1):
        table.add_column(f"({number})", justify="right", no_wrap=True)
    for number, (key, line) in enumerate(results.correlation.iterrows(), start=1):
        name = _short(results.labels[key])
        table.add_row(f"({number}) {name}", *(_text(value, ".2f") for value in line))
    return table


def _name(results: FactorResults, entry: Mapping[str, Any]) -> str:
    return f"{_short(results.labels[entry['factor']])}, {entry['asset_class']}"


def _short(label: str) -> str:
    """`label` without the measure of its proxy, which stands above the tables once."""
    return re.sub(r" \(proxy: .*?\)", " (proxy)", label)


def _proxies(results: FactorResults) -> list[tuple[str, str]]:
    found = []
    for label in results.labels.values():
        match = re.fullmatch(r"(.*) \(proxy: (.*)\)", label)
        if match:
            found.append((f"{match[1]} (proxy)", match[2]))
    return found


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
