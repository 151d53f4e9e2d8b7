"""Vendor files to a data set, with nothing said of them that they do not say themselves."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from feeds.atomic import replacing_folder
from feeds.errors import ConfigError
from feeds.ingestion import writer_lock
from feeds.pipeline import Part, write_set
from feeds.set_report import IngestReport
from feeds.vendor_files.options import FileOptions, parse_options
from feeds.vendor_files.read import describe, read_parts
from feeds.vendor_files.reading import Reading
from feeds.write import check_output
from runs.ingest_plan import make_plan, option_pairs
from runs.ingest_terminal import print_report

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

__all__ = ["ingest_files"]

_LOG = logging.getLogger(__name__)
#: Forms in which exchanges and data vendors write coins, and nothing else.
_COIN_FORMS = (
    "binance", "coinbase", "coingecko", "coinmarketcap", "coinmarketcap_api",
    "cryptodatadownload", "kraken",
)  # fmt: skip


def ingest_files(arguments: argparse.Namespace, console: Console | None) -> int:
    """Make a set of all that is in ``--raw``."""
    options = parse_options(option_pairs(arguments.option))
    if arguments.asset_class:
        options = replace(options, asset_class=arguments.asset_class)
    check_output(arguments.out)
    reading, report = Reading(), IngestReport()
    asset_class, interval = _asset_class(arguments, options)
    with writer_lock(arguments.out), replacing_folder(arguments.out) as building:
        plan = make_plan(arguments, interval, lambda: _manifest(arguments, reading, report))
        spill = arguments.out.absolute().parent
        tables = read_parts(arguments.raw, options, spill=spill, reading=reading)
        manifest, told = write_set(building, _parts(tables, reading, asset_class), plan, report)
    _LOG.info("wrote %s", arguments.out)
    if console is not None:
        print_report(manifest, told, arguments.out, console)
    return 0


def _asset_class(arguments: argparse.Namespace, options: FileOptions) -> tuple[str, str]:
    """Class of the symbols and length of the bars, from the beginning of each file."""
    found = describe(arguments.raw, options)
    intervals = sorted({file.interval for file in found.files})
    if len(intervals) > 1:
        raise ConfigError(
            f"the files have bars of {' and '.join(intervals)}", "ingest one length at a time"
        )
    if arguments.asset_class:
        return arguments.asset_class, intervals[0]
    for file in found.files:
        if file.form not in _COIN_FORMS:
            raise ConfigError(
                f"{file.path}: nothing says whether its symbols are stocks or coins",
                "give --asset-class equity or --asset-class crypto",
            )
    return "crypto", intervals[0]


def _parts(tables: Iterator[Any], reading: Reading, asset_class: str) -> Iterator[Part]:
    for table in tables:
        yield table, {name: reading.info(name, asset_class) for name in table.symbols}


def _manifest(
    arguments: argparse.Namespace, reading: Reading, report: IngestReport
) -> Mapping[str, Any]:
    report.readings = [{**file, "told": _told(file)} for file in reading.as_list()]
    licence = arguments.licence or "not stated"
    return {
        "source": "files",
        "fetch_time": None,
        "licence": licence,
        "raw": [
            {name: file[name] for name in ("path", "sha256", "form", "vendor", "rows")}
            for file in reading.as_list()
        ],
    }


def _told(file: Mapping[str, Any]) -> str:
    """One file in one line."""
    parts = [f"{file['path']} as {file['form']} ({file['vendor']})", f"{file['rows']:,} bars"]
    if file["separator"]:
        parts.append(f"{file['encoding']}, separator {file['separator']!r}")
        parts.append(f"decimal {file['decimal']!r}")
    parts += [f"dates {file['dates']}", f"volume in {file['volume_unit']}"]
    return "; ".join([*parts, f"prices {file['price_kind']}", *file["notes"]])
