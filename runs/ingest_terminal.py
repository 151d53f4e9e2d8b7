"""What an ingest did, on the screen: symbols, findings, refusals and what the set lacks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["print_report"]

#: A line a symbol up to so many; beyond, the findings by class and report.json.
_MOST_LINES = 60
_MOST_NAMES = 8
#: What a finding did to a bar, in the order of the columns.
_ACTIONS = ("drop", "repair", "flag", "missing")


def print_report(
    manifest: Mapping[str, Any], report: Mapping[str, Any], out: Path, console: Console
) -> None:
    """Print the report of an ingest.

    Parameters
    ----------
    manifest : mapping
        As written.
    report : mapping
        As in report.json.
    out : Path
        The folder of the set.
    """
    from rich.text import Text

    totals, symbols = report["totals"], report["symbols"]
    console.print(Text(f"{manifest['title']}: {manifest['start']} to {manifest['end']}", "bold"))
    counts = ", ".join(f"{count} {name}" for name, count in manifest["symbols"].items())
    console.print(Text(f"{counts} -> {out}"))
    console.print(
        Text(
            f"{totals['rows_in']:,} bars in = {totals['rows_out']:,} kept + "
            f"{totals['rows_dropped']:,} dropped + {totals['rows_refused']:,} of refused symbols"
        )
    )
    for reading in report["files"][:_MOST_NAMES]:
        console.print(Text(f"read {reading['told']}"))
    if len(report["files"]) > _MOST_NAMES:
        more = len(report["files"]) - _MOST_NAMES
        console.print(Text(f"read {more:,} more files, each in {out / 'report.json'}"))
    if "figures" in report:
        console.print(Text(_figures(report["figures"])))
    if len(symbols) <= _MOST_LINES:
        console.print(_by_symbol(symbols))
    if totals["faults"]:
        console.print(_by_fault(symbols))
    for line in _left_out(symbols):
        console.print(Text(line))
    for limit in manifest["limits"]:
        console.print(Text(f"- {limit}"))
    (name,) = [name for name in manifest["files"] if name.startswith("repairs.csv")]
    console.print(Text(f"every bar of these is in {out / name}"), style="dim")


def _figures(told: Mapping[str, Any]) -> str:
    return (
        f"figures {_names(told['figures'])}: {told['rows_out']:,} of {told['rows_in']:,} rows, "
        f"{told['symbols']:,} symbols"
    )


def _by_symbol(symbols: Mapping[str, Mapping[str, Any]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    fetched = any("fetch" in told for told in symbols.values())
    table = Table("symbol", *["fetch"] * fetched, "bars", "span", *_ACTIONS, title="Symbols")
    for name, told in symbols.items():
        span = f"{told['start']}..{told['end']}" if told["start"] else "not in the set"
        status = [told.get("fetch", {}).get("status", "")] * fetched
        counts = [str(_count(told, action) or "") for action in _ACTIONS]
        table.add_row(*map(Text, [name, *status, f"{told['rows']:,}", span, *counts]))
    return table


def _count(told: Mapping[str, Any], action: str) -> int:
    return sum(actions.get(action, 0) for actions in told["faults"].values())


def _by_fault(symbols: Mapping[str, Mapping[str, Any]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for name, told in symbols.items():
        for fault, actions in told["faults"].items():
            for action, count in actions.items():
                found.setdefault((fault, action), []).append((name, count))
    table = Table("finding", "action", "bars", "symbols", title="Findings")
    for (fault, action), rows in sorted(found.items()):
        bars = sum(count for _, count in rows)
        table.add_row(*map(Text, [fault, action, f"{bars:,}", _names([name for name, _ in rows])]))
    return table


def _left_out(symbols: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line for every symbol that is not in the set, or not up to date."""
    lines = []
    for name, told in symbols.items():
        fetch = told.get("fetch", {})
        if "refused" in told:
            lines.append(f"refused {name}: {told['refused']}")
        elif fetch.get("status") in ("failed", "stale"):
            problem = fetch["problem"].removeprefix(f"{name}: ")
            lines.append(f"{fetch['status']} {name}: {problem}; {fetch['remedy']}")
        elif fetch.get("why"):
            lines.append(f"{fetch['status']} {name}: {fetch['why']}")
    return lines


def _names(names: list[str]) -> str:
    shown = " ".join(names[:_MOST_NAMES])
    return shown + (f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else "")
