"""``python -m runs.ingest``: fetch, clean, align and store a data set."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from feeds.errors import ConfigError
from runs.command import (
    CommandParser,
    add_common_arguments,
    configure_logging,
    main_guard,
    report_console,
)

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["build_parser", "ingest_as_asked", "main"]

_CLASSES = ("equity", "crypto", "index", "reference")


@main_guard
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is 0, 1 where a symbol could not be fetched, or 2."""
    arguments = build_parser().parse_args(argv)
    configure_logging(quiet=arguments.quiet, verbose=arguments.verbose)
    return ingest_as_asked(arguments, None if arguments.quiet else report_console())


def ingest_as_asked(arguments: argparse.Namespace, console: Console | None) -> int:
    """Make or update a data set; 0, or 1 where a symbol could not be fetched.

    Raises
    ------
    UserError
        If anything is in the way; the set is then as it was.
    """
    _check(arguments)
    # Each way is imported when it is taken: a fetch needs no recipe and a file no client.
    if arguments.recipe:
        from runs.ingest_recipe import ingest_recipe as ingest
    elif arguments.symbols_file:
        from runs.ingest_symbols import ingest_symbols as ingest
    else:
        from runs.ingest_files import ingest_files as ingest
    return ingest(arguments, console)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = CommandParser(
        prog="python -m runs.ingest", description="Fetch, clean, align and store a data set."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--start", type=_date, help="first day kept, YYYY-MM-DD")
    parser.add_argument("--end", type=_date, help="rows after this day are not read, YYYY-MM-DD")
    _add_symbols(parser.add_argument_group("symbols from vendors"))
    _add_files(parser.add_argument_group("files of a vendor, or a recipe of them"))
    _add_rules(parser.add_argument_group("cleaning and what goes with the bars"))
    add_common_arguments(parser)
    return parser


def _add_symbols(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--symbols-file", type=Path, help="CSV of symbols and sources, as configs/symbols.csv"
    )
    group.add_argument(
        "--interval", choices=("1d", "1h"), default="1d", help="length of a bar (default: 1d)"
    )
    group.add_argument("--jobs", type=int, default=4, help="fetches at a time (default: 4)")
    group.add_argument(
        "--deadline", type=float, default=3600.0, help="seconds for all fetches (default: 3600)"
    )
    group.add_argument(
        "--refetch", action="append", default=[], metavar="SYMBOL",
        help="fetch the whole history of a symbol again; may be repeated",
    )  # fmt: skip
    group.add_argument("--offline", action="store_true", help="fetch nothing: clean what is stored")
    group.add_argument(
        "--plugin", action="append", default=[],
        help="module or file that registers a source of your own; may be repeated",
    )  # fmt: skip


def _add_files(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--source", choices=("files",), default="files", help="vendor files, named with --raw"
    )
    group.add_argument(
        "--raw", type=Path, nargs="+", help="vendor files or folders; of a recipe, one folder"
    )
    group.add_argument(
        "--asset-class", choices=_CLASSES, help="class of the files' symbols, where it is not plain"
    )
    group.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE",
        help="how to read the files where that is not plain, as date_order=dmy; may be repeated",
    )  # fmt: skip
    group.add_argument("--licence", default="", help="terms of the files, for the manifest")
    group.add_argument("--recipe", type=Path, help="a file of configs/recipes")
    group.add_argument(
        "--trust-raw",
        action="store_true",
        help="take raw files whose sha256 is not the recipe's; sources may disagree",
    )


def _add_rules(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--cleaning", type=Path, help="YAML of cleaning rules, as configs/cleaning.yaml"
    )
    group.add_argument(
        "--format", choices=("auto", "csv", "parquet"), default="auto",
        help="of the price tables (default: auto, text up to a million bars)",
    )  # fmt: skip
    group.add_argument("--fundamentals", type=Path, help="filings with the day of filing")
    group.add_argument(
        "--filing-option", action="append", default=[], metavar="NAME=VALUE",
        help="how to read the filings, as book_equity=ceq or units=drop; may be repeated",
    )  # fmt: skip
    group.add_argument("--membership", type=Path, help="members of an index, with entry and exit")
    group.add_argument(
        "--figures", type=Path, action="append", default=[],
        help="daily figures, as on-chain counts or funding rates: date, symbol, numbers; "
        "may be repeated",
    )  # fmt: skip
    group.add_argument(
        "--figure", action="append", default=[], metavar="NAME=COLUMN",
        help="a figure to take from the files of figures, and its column; may be repeated",
    )  # fmt: skip
    group.add_argument(
        "--sectors", type=Path,
        help="symbol, sector; by default the column sector of symbols file and members, if any",
    )  # fmt: skip
    group.add_argument("--delistings", type=Path, help="why series ended: symbol, date, event")
    group.add_argument(
        "--reference", action="append", default=[], metavar="SYMBOL=PATH",
        help="a file whose days are right, to hold a symbol's day labels against; may be repeated",
    )  # fmt: skip


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what does not go together.

    Raises
    ------
    ConfigError
        If it is not plain where bars are to come from.
    """
    if arguments.recipe and arguments.symbols_file:
        raise ConfigError("--recipe and --symbols-file are two ways", "give one of them")
    if arguments.symbols_file and arguments.raw:
        raise ConfigError(
            "--raw and --symbols-file are two ways",
            "name a file in the symbols file: source files, its path in source_symbol",
        )
    if not (arguments.symbols_file or arguments.raw):
        raise ConfigError(
            "no bars to ingest", "give --symbols-file configs/symbols.csv, or files with --raw"
        )
    if arguments.recipe and (arguments.figures or arguments.sectors):
        raise ConfigError(
            "a recipe takes no --figures and no --sectors", "ingest its files with --raw alone"
        )
    if arguments.figure and not arguments.figures:
        raise ConfigError("--figure picks from no file", "name one with --figures")
    if arguments.recipe and len(arguments.raw) != 1:
        raise ConfigError("a recipe has one folder of raw files", "give one with --raw")


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2016-12-30") from None


if __name__ == "__main__":
    raise SystemExit(main())
