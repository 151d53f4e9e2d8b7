"""``python -m runs.ingest``: fetch, clean, align and store a data set."""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from feeds.build import Built, build_dataset
from feeds.recipe import load_recipe
from feeds.sources.registry import SOURCES, get_source
from feeds.write import check_output, write_folder
from runs.command import add_common_arguments, configure_logging, main_guard

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["main"]

_LOG = logging.getLogger(__name__)


@main_guard
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0, or 2 on a user's mistake."""
    arguments = _parser().parse_args(argv)
    configure_logging(quiet=arguments.quiet, verbose=arguments.verbose)
    recipe = load_recipe(arguments.recipe)
    check_output(arguments.out)
    end = min(recipe.end, arguments.end or recipe.end)
    _LOG.info("reading %d raw files up to %s", len(recipe.raw), end)
    fetch = get_source(arguments.source)
    raw = fetch(recipe, arguments.raw, pd.Timestamp(end).as_unit("s"), arguments.trust_raw)
    _LOG.info("cleaning %s", recipe.name)
    built = build_dataset(
        recipe, raw, arguments.start, arguments.end, strict=not arguments.trust_raw
    )
    write_folder(arguments.out, built.files, built.manifest)
    _LOG.info("wrote %s", arguments.out)
    if not arguments.quiet:
        from rich.console import Console

        _report(built, arguments.out, Console(width=None if sys.stdout.isatty() else 100))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m runs.ingest", description="Fetch, clean, align and store a data set."
    )
    parser.add_argument(
        "--source", choices=sorted(SOURCES), default="files", help="where the bars come from"
    )
    parser.add_argument("--recipe", type=Path, required=True, help="a file of configs/recipes")
    parser.add_argument("--raw", type=Path, required=True, help="folder of the raw files")
    parser.add_argument("--out", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--start", type=_date, help="first day kept, YYYY-MM-DD")
    parser.add_argument("--end", type=_date, help="rows after this day are not read, YYYY-MM-DD")
    parser.add_argument(
        "--trust-raw",
        action="store_true",
        help="take raw files whose sha256 is not the recipe's; sources may disagree",
    )
    add_common_arguments(parser)
    return parser


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2016-12-30") from None


def _report(built: Built, out: Path, console: Console) -> None:
    """Print what the set holds and every finding, grouped by action and reason."""
    from rich.table import Table
    from rich.text import Text

    manifest = built.manifest
    console.print(Text(f"{manifest['title']}: {manifest['start']} to {manifest['end']}", "bold"))
    counts = ", ".join(f"{count} {name}" for name, count in manifest["symbols"].items())
    console.print(Text(f"{counts} -> {out}"))
    table = Table("action", "symbols", "bars", "reason", title="Repairs and findings")
    for row in _grouped(built):
        table.add_row(*map(Text, row))
    console.print(table)
    for limit in manifest["limits"]:
        console.print(Text(f"- {limit}"))


def _grouped(built: Built) -> list[tuple[str, str, str, str]]:
    groups: dict[tuple[str, str], list] = {}
    for finding in built.findings:
        groups.setdefault((finding.action, finding.reason), []).append(finding)
    rows = []
    for (action, reason), findings in sorted(groups.items(), key=lambda item: item[0]):
        names = list(Counter(finding.symbol for finding in findings))
        shown = " ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        bars = sum(len(finding.dates) for finding in findings)
        rows.append((action, shown, str(bars or ""), reason))
    return rows


if __name__ == "__main__":
    raise SystemExit(main())
