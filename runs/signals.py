"""What to hold after the latest closed bar, and a paper account that holds it.

python -m runs.signals --config configs/backtest.yaml [--ledger outputs/paper.db] [--offline]
"""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runs.command import (
    CommandParser,
    add_common_arguments,
    add_config_arguments,
    add_ledger_argument,
    configure_logging,
    main_guard,
    report_console,
)

if TYPE_CHECKING:
    from rich.console import Console

    from runs.paper_account import Progress

__all__ = ["build_parser", "main", "signals"]

_LOG = logging.getLogger(__name__)
#: Days from a date to the first session after it, at most.
_LONGEST_CLOSED = 7


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = CommandParser(
        prog="python -m runs.signals",
        description="Ranks, target weights and orders off the latest closed bar, and a paper "
        "account in a ledger that trades them.",
    )
    add_config_arguments(parser)
    add_ledger_argument(parser)
    parser.add_argument("--out", help="folder to write (default: outputs/signals/<name>)")
    parser.add_argument(
        "--as-of", type=_date, metavar="DATE", help="last day read (default: the last one closed)"
    )
    parser.add_argument(
        "--since",
        type=_date,
        metavar="DATE",
        help="first bar of a new ledger: the bars since are caught up (default: the latest)",
    )
    parser.add_argument(
        "--offline", action="store_true", help="fetch nothing: use the data set as it is"
    )
    parser.add_argument(
        "--ingest",
        metavar="ARGUMENTS",
        help="arguments of runs.ingest that bring the data set up to date, but for --out "
        "(default: the symbols and vendors that it remembers)",
    )
    _add_live(parser.add_argument_group("live"))
    add_common_arguments(parser)
    return parser


def _add_live(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--live",
        action="store_true",
        help="poll closed bars of an hour and keep a market-neutral book within its bands, until "
        "stopped (docs/live.md)",
    )
    group.add_argument(
        "--interval", choices=("1h",), default="1h", help="length of a live bar (default: 1h)"
    )
    group.add_argument(
        "--polls", type=_count, metavar="N", help="end after so many polls (default: never)"
    )


def signals(
    config_path: str,
    overrides: Sequence[str] = (),
    *,
    ledger: str | Path,
    out: str | None = None,
    as_of: dt.date | None = None,
    since: dt.date | None = None,
    offline: bool = True,
    ingest: str | None = None,
    today: dt.date,
    console: Console | None = None,
) -> tuple[dict[str, Any], Progress, Path]:
    """Bring the paper account up to the latest closed bar and write its signal.

    Parameters
    ----------
    today : date
        The day in UTC: its own bar is not closed yet.
    console : Console, optional
        Where a fetch reports.

    Returns
    -------
    record : dict
        What ``signals.json`` holds.
    progress : Progress
        What was booked now.
    folder : Path

    Raises
    ------
    UserError
        If configuration, data, ledger or folder will not do; a ledger keeps what was booked.
    """
    from configs.load import load_config
    from runs.live_study import closed_day, live_study
    from runs.paper_account import bring_up_to_date
    from runs.signal_files import check_signal_folder, write_signals
    from runs.signal_record import signal_record
    from strategies.execution.ledger import writing_ledger

    config = load_config(config_path, overrides)
    folder = Path(out) if out else Path("outputs") / "signals" / config.name
    check_signal_folder(folder)
    last = closed_day(as_of, today)
    if not offline:
        from runs.refresh import refresh_dataset

        refresh_dataset(Path(config.data.dir), ingest, console)
    live = live_study(config, last)
    with writing_ledger(ledger) as book:
        _warn_of_since(book.first_bar, since, ledger)
        progress = bring_up_to_date(book, live, str(since) if since else None)
        record = signal_record(live, progress.book, book.events_about(live.bar), book.head)
        # Under the ledger's lock, so that signals never fall behind those of a later run.
        write_signals(record, folder)
    return record, progress, folder


def _warn_of_since(begun: str | None, since: dt.date | None, ledger: str | Path) -> None:
    from feeds.bar_labels import bar_day

    # The first session may be some days after the one that was named.
    if begun is None or since is None:
        return
    days = (bar_day(begun) - since).days
    if not 0 <= days <= _LONGEST_CLOSED:
        _LOG.warning("%s begins on %s: --since %s is for a new ledger", ledger, begun, since)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of polls such as 1")
    return int(text)


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2016-12-30") from None


def _live(arguments: argparse.Namespace, console: Console | None) -> int:
    from feeds.errors import ConfigError
    from runs.live_command import live_signals

    if arguments.as_of is not None:
        raise ConfigError("--as-of and --live are two ways", "give one of them")
    live_signals(
        arguments.config,
        arguments.overrides,
        ledger=arguments.ledger,
        out=arguments.out,
        since=None if arguments.since is None else str(arguments.since),
        ingest=arguments.ingest,
        offline=arguments.offline,
        interval=arguments.interval,
        polls=arguments.polls,
        console=console,
    )
    return 0


@main_guard
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 2 on a user's mistake."""
    arguments = build_parser().parse_args(argv)
    configure_logging(quiet=arguments.quiet, verbose=arguments.verbose)
    console = None if arguments.quiet else report_console()
    if arguments.offline and arguments.ingest is not None:
        from feeds.errors import ConfigError

        raise ConfigError("--offline and --ingest are two ways", "give one of them")
    if arguments.live:
        return _live(arguments, console)
    today = dt.datetime.now(dt.timezone.utc).date()
    record, progress, folder = signals(
        arguments.config,
        arguments.overrides,
        ledger=arguments.ledger,
        out=arguments.out,
        as_of=arguments.as_of,
        since=arguments.since,
        offline=arguments.offline,
        ingest=arguments.ingest,
        today=today,
        console=console,
    )
    if console is not None:
        from runs.signal_terminal import print_signals

        print_signals(record, progress, folder, Path(arguments.ledger), today, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
