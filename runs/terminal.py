"""The summary that a command prints when a run is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from analyzers.presentation import cost_table, event_counts, headline_table, trading_table

if TYPE_CHECKING:
    from rich.console import Console

    from analyzers.result import RunResult

__all__ = ["print_summary"]

_SHOWN = ("CAGR, a year", "Volatility, a year", "Sharpe ratio", "Maximum drawdown")
_MORE = (
    "Calmar ratio",
    "Beta to the benchmark",
    "Alpha to the benchmark, a year",
)


def print_summary(result: RunResult, folder: Path, console: Console) -> None:
    """Print metrics, costs, what was traded, what is lacking, and where the files are.

    Fits 100 columns. Paths are those of files that exist in `folder`.
    """
    from rich.text import Text

    metrics = result.metrics
    console.print()
    console.print(Text(result.name, style="bold"))
    period = f"{metrics.get('start')} to {metrics.get('end')}"
    console.print(Text(f"{period}, {metrics.get('sessions')} sessions", style="dim"))
    console.print(_headlines(result))
    console.print(_traded(result))
    console.print(_costs(result))
    for text, count in event_counts(result.events):
        console.print(Text(f"{count:>6}  {text}"))
    if result.notes:
        console.print(Text("\nWhat this run lacks and assumes", style="bold yellow"))
        for note in result.notes:
            _bullet(console, note)
    console.print(Text("\nFiles", style="bold"))
    for label, path in _paths(Path(folder)):
        # Not wrapped: a path broken over two lines cannot be copied or clicked.
        console.print(Text(f"  {label:<10} {path}"), soft_wrap=True)


def _headlines(result: RunResult):
    table, headlines = _table("A year unless said"), headline_table(result)
    for name in headlines.columns:
        table.add_column(name, justify="right", max_width=26)
    for label in (*_SHOWN, *_MORE):
        table.add_row(label.removesuffix(", a year"), *headlines.loc[label])
    return table


def _traded(result: RunResult):
    """Fills, value and costs by asset class, in currency over the whole run."""
    table = _table("Traded")
    for name in ("fills", "symbols", "value", "commission", "slippage"):
        table.add_column(name, justify="right")
    fills = result.fills.assign(
        value=(result.fills["size"] * result.fills["price"]).abs(),
        asset_class=result.fills["symbol"].map(result.asset_class),
    )
    for name, part in sorted(fills.groupby("asset_class")):
        money = (f"{part[column].sum():,.0f}" for column in ("value", "commission", "slippage"))
        table.add_row(name, f"{len(part):,}", f"{part['symbol'].nunique():,}", *money)
    return table


def _costs(result: RunResult):
    from rich.columns import Columns

    trading = _table("Trading, a year")
    trading.add_column("", justify="right")
    for label, value in trading_table(result):
        trading.add_row(label.removesuffix(", over NAV"), value)
    sensitivity = _table("Cost x", justify="left")
    costs = cost_table(result.cost_sensitivity)
    for name in ("Method", "CAGR", "Sharpe"):
        sensitivity.add_column(name, justify="right")
    for _, row in costs.iterrows():
        sensitivity.add_row(row["Scale"], row["Method"], row["CAGR"], row["Sharpe"])
    return Columns([trading, sensitivity] if len(costs) else [trading], padding=(0, 3))


def _table(first: str, justify: str = "left"):
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column(first, justify=justify)
    return table


def _bullet(console: Console, text: str) -> None:
    from rich.padding import Padding
    from rich.text import Text

    console.print(Padding(Text(f"- {text}"), (0, 2)))


def _paths(folder: Path) -> list[tuple[str, Path]]:
    places = (
        ("tables", folder),
        ("plots", folder / "plots"),
        ("tearsheet", folder / "tearsheet.html"),
        ("summary", folder / "summary.html"),
    )
    return [(label, path) for label, path in places if path.exists()]
