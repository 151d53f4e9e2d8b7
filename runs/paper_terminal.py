"""The parity report on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from runs.parity import Parity

__all__ = ["print_parity"]


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
