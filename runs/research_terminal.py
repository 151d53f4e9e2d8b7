"""What `runs.research` prints when it is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analyzers.research_words import joined, number, per_cent

if TYPE_CHECKING:
    from rich.console import Console

    from analyzers.research_page import Findings

__all__ = ["print_findings"]


def print_findings(findings: Findings, paths: Sequence[Path], console: Console) -> None:
    """Print verdicts, the sleeve's effect by joint sample, what was left out, and the files."""
    from rich.text import Text

    for verdict, labels in findings.verdicts.items():
        console.print(Text(f"{verdict}: {joined(labels)}"))
    for line in findings.rows("sleeves", sleeve="market", share=findings.sleeve):
        without = findings.row("sleeves", witness=line["witness"], sleeve="market", share=0.0)
        label = findings.row("witnesses", witness=line["witness"])["label"]
        console.print(
            Text(
                f"{label}: {per_cent(line['share'])} crypto, Sharpe {number(without['sharpe'])} to "
                f"{number(line['sharpe'])} (p {number(line['p_bootstrap'])}), "
                f"{per_cent(line['variance_share'])} of variance"
            )
        )
    for text in findings.missing:
        console.print(Text(f"left out: {text}", style="yellow"))
    console.print(Text("\nFiles", style="bold"))
    for path in paths:
        console.print(Text(f"  {path}"), soft_wrap=True)
