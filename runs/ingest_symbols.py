"""Symbols from vendors to a data set: fetched, brought up to date, or taken as they are stored."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from feeds.atomic import replacing_folder
from feeds.ingestion import Collected, CollectOptions, collect, narrowed
from feeds.pipeline import Part, write_set
from feeds.set_report import IngestReport
from feeds.sources.local_files import LocalFiles
from feeds.sources.plugins import load_sources
from feeds.sources.registry import known_symbol_sources, open_source
from feeds.sources.request import Source
from feeds.symbols_file import read_symbols
from feeds.vendor_files.options import parse_options
from feeds.write import check_output
from runs.ingest_plan import make_plan, option_pairs
from runs.ingest_progress import fetch_progress
from runs.ingest_terminal import print_report

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

__all__ = ["ingest_symbols"]

#: Arguments that name files or code, which a manifest does not keep: it says that there were some.
_NOT_KEPT = ("plugin", "delistings", "reference")
_LOG = logging.getLogger(__name__)
#: Exit code where the set was stored and some symbol is missing or not up to date.
_INCOMPLETE = 1


def ingest_symbols(arguments: argparse.Namespace, console: Console | None) -> int:
    """Make or update the set of ``--symbols-file``."""
    load_sources(arguments.plugin)
    requests = read_symbols(arguments.symbols_file, known_symbol_sources())
    requests, left_out = narrowed(requests, arguments.start, arguments.end, arguments.interval)
    check_output(arguments.out)
    options = CollectOptions(
        jobs=arguments.jobs,
        deadline=arguments.deadline,
        offline=arguments.offline,
        refetch=frozenset(arguments.refetch),
    )
    files = LocalFiles(parse_options(option_pairs(arguments.option)))

    def sources(name: str) -> Source:
        return files if name == "files" else open_source(name)

    report = IngestReport()
    with fetch_progress(console is None) as show:
        with collect(requests, arguments.out, options, sources, show) as collected:
            manifest, told = _store(arguments, collected, report)
    _LOG.info("wrote %s", arguments.out)
    if console is not None:
        print_report(manifest, told, arguments.out, console)
        for name in left_out:
            console.print(f"{name} has no day in the range asked for")
    late = any(outcome.status in ("stale", "failed") for outcome in collected.outcomes)
    return _INCOMPLETE if late else 0


def _store(
    arguments: argparse.Namespace, collected: Collected, report: IngestReport
) -> tuple[dict[str, Any], dict[str, Any]]:
    report.status = {outcome.symbol: _status(outcome) for outcome in collected.outcomes}
    plan = make_plan(
        arguments, arguments.interval, lambda: _manifest(collected) | _made_with(arguments)
    )
    if len(collected.revisions):
        plan.tables["revisions.csv"] = collected.revisions
    with replacing_folder(arguments.out) as building:
        collected.place_raw(building)
        return write_set(building, _parts(collected), plan, report)


def _parts(collected: Collected) -> Iterator[Part]:
    for infos, table in collected.parts():
        yield table, infos


def _status(outcome: Any) -> dict[str, Any]:
    told = asdict(outcome)
    # Seconds and attempts differ from run to run: they are for the screen.
    for name in ("symbol", "seconds", "attempts", "differences"):
        del told[name]
    return {**told, "revised_values": len(outcome.differences)}


def _made_with(arguments: argparse.Namespace) -> dict[str, Any]:
    """What a refresh has to give again besides symbols and rules; nothing where that is all."""
    told = {
        "format": arguments.format if arguments.format != "auto" else "",
        "option": arguments.option,
        "further": [name for name in _NOT_KEPT if getattr(arguments, name)],
    }
    told = {name: value for name, value in told.items() if value}
    return {"made_with": told} if told else {}


def _manifest(collected: Collected) -> Mapping[str, Any]:
    infos = collected.infos.values()
    return {
        "source": ", ".join(dict.fromkeys(info.source for info in infos)),
        "fetch_time": collected.fetched,
        "licence": "; ".join(dict.fromkeys(info.licence for info in infos)),
        "series": {
            info.symbol: {
                "source": info.source,
                "source_symbol": info.source_symbol,
                "vendor": info.vendor,
                "licence": info.licence,
                "currency": info.currency,
                "timezone": info.timezone,
                "lot": info.lot,
                "tick": info.tick,
            }
            for info in infos
        },
        "removed": list(collected.removed),
        "universe_kind": "todays_list",
    }
