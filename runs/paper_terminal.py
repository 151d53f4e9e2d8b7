"""The parity report on the screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from runs.live_record import LiveRecord
    from runs.parity import Parity

__all__ = ["print_live_record", "print_parity"]


def print_parity(parity: Parity, console: Console) -> None:
    """Print what was compared, and the differences by their reasons."""
    from rich.text import Text

    told = parity.summary
    console.print(Text("\nPaper against backtest", style="bold"))
    console.print(
        f"{told['decisions']} decisions ({told['late_decisions']} late), {told['fills']} fills "
        f"(backtest {told['backtest_fills']}), {told['sessions']} sessions"
    )
    if not told["differences"]:
        console.print("every weight, fill, carry and value is the backtest's, to the cent")
        return
    console.print(
        f"final value {told['final_value']:,.2f}, backtest {told['backtest_final_value']:,.2f}"
    )
    counts = parity.differences.groupby(["reason", "what"], sort=True).size()
    for (reason, what), count in counts.items():
        style = "yellow" if reason == "unexplained" else ""
        console.print(Text(f"{count:>6}  {what}: {reason}", style=style))


def print_live_record(record: LiveRecord, folder: Path, console: Console) -> None:
    """Print what a live session came to, how neutral it was, and how it compares."""
    from rich.text import Text

    told, parity = record.metrics, record.parity
    console.print(
        Text(f"\n{told['start']} to {told['end']}, {told['sessions']} bars", style="bold")
    )
    console.print(
        f"value {told['final_value']:,.2f} of {told['starting_cash']:,.2f}, "
        f"{told['bars_outside_bands']} bars outside the bands, {told['decisions']} decisions "
        f"({told['forced_decisions']} forced by drift), {told['hedges']} hedges of gaps"
    )
    if not parity["differences"]:
        console.print("booked anew every weight, fill, carry and value is the same, to the cent")
    else:
        console.print(
            f"booked anew {parity['differences']} figures differ, {parity['unexplained']} without "
            f"a known reason; final value {parity['final_value_anew']:,.2f} (parity.csv)"
        )
    console.print(Text(f"tables of hours, no pages: {folder}"), soft_wrap=True)
