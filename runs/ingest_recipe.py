"""The bundled way: a data set from the vendor files that a recipe lists."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from feeds.build import Built, build_dataset
from feeds.ingestion import writer_lock
from feeds.recipe import load_recipe
from feeds.sources.registry import get_source
from feeds.write import check_output, write_folder

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

__all__ = ["ingest_recipe"]

_LOG = logging.getLogger(__name__)


def ingest_recipe(arguments: argparse.Namespace, console: Console | None) -> int:
    """Make the set of ``--recipe`` from the files under ``--raw``."""
    recipe = load_recipe(arguments.recipe)
    check_output(arguments.out)
    with writer_lock(arguments.out):
        end = min(recipe.end, arguments.end or recipe.end)
        _LOG.info("reading %d raw files up to %s", len(recipe.raw), end)
        fetch = get_source(arguments.source)
        raw = fetch(recipe, arguments.raw[0], pd.Timestamp(end).as_unit("s"), arguments.trust_raw)
        _LOG.info("cleaning %s", recipe.name)
        strict = not arguments.trust_raw
        built = build_dataset(recipe, raw, arguments.start, arguments.end, strict=strict)
        write_folder(arguments.out, built.files, built.manifest)
        _LOG.info("wrote %s", arguments.out)
    if console is not None:
        _report(built, arguments.out, console)
    return 0


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
