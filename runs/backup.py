"""Copy the ledger of a paper account while it may be written to, and put a copy back.

python -m runs.backup [--ledger outputs/paper.db] [--out outputs/backups]
python -m runs.backup --ledger outputs/paper.db --restore outputs/backups/paper-....db
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from feeds.errors import DataError, OutputError
from runs.command import CommandParser, add_common_arguments, configure_logging, main_guard

__all__ = ["backup_ledger", "build_parser", "main", "restore_ledger"]


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = CommandParser(
        prog="python -m runs.backup",
        description="Copy the ledger of a paper account, also while it is written to, and check "
        "every event of the copy.",
    )
    parser.add_argument(
        "--ledger", default="outputs/paper.db", help="SQLite file (default: %(default)s)"
    )
    parser.add_argument(
        "--out", default="outputs/backups", help="folder of the copies (default: %(default)s)"
    )
    parser.add_argument(
        "--restore", metavar="COPY", help="put a copy where --ledger says; nothing may be there"
    )
    add_common_arguments(parser)
    return parser


def backup_ledger(ledger: str | Path, folder: str | Path) -> Path:
    """A checked copy of a ledger, in one file that needs no log beside it.

    Parameters
    ----------
    ledger : path
        Of the paper account. It may be written to meanwhile: the copy is of one moment.
    folder : path
        Made where there is none.

    Returns
    -------
    Path
        ``<ledger>-<last bar>-<first 12 digits of the last event's hash>.db``: the same ledger
        gives the same name, and no copy replaces one of another state.

    Raises
    ------
    DataError
        If there is no ledger, or an event of it is not what was written.
    OutputError
        If the copy cannot be written.
    """
    from strategies.execution.ledger import reading_ledger

    ledger, folder = Path(ledger), Path(folder)
    # Read first, so that no folder is made for a ledger that is not there.
    with reading_ledger(ledger):
        pass
    with _writing(folder, "--out") as copy:
        _copy(ledger, copy)
        with reading_ledger(copy) as book:
            book.check(told_as=ledger)
            events, head = book.events(), book.head
        last = events[-1].bar if events else "empty"
        place = folder / f"{ledger.stem}-{last}-{head[:12]}.db"
        os.replace(copy, place)
    return place


def restore_ledger(copy: str | Path, ledger: str | Path) -> Path:
    """Put a copy back, whose every event is checked.

    Raises
    ------
    DataError
        If the copy is no ledger, or an event of it is not what was written.
    OutputError
        If a ledger is there already, another run is at work on it, or it cannot be written.
    """
    from strategies.execution.ledger import ledger_lock, reading_ledger

    copy, ledger = Path(copy), Path(ledger)
    # Read first, so that no folder is made for a copy that is not there.
    with _of_a_copy(), reading_ledger(copy):
        pass
    with ledger_lock(ledger), _writing(ledger.parent, "--ledger") as fresh:
        for suffix in ("", "-wal", "-shm"):
            beside = ledger.with_name(ledger.name + suffix)
            # A log of another ledger would be played into this one.
            if beside.exists():
                raise OutputError(
                    f"{beside} is there: a ledger is not overwritten", "move it away first"
                )
        _copy(copy, fresh)
        with _of_a_copy(), reading_ledger(fresh) as book:
            book.check(told_as=copy)
        os.replace(fresh, ledger)
    return ledger


@contextmanager
def _of_a_copy() -> Iterator[None]:
    """What is refused of a ledger, answered by what can be done about a copy."""
    try:
        yield
    except DataError as error:
        raise DataError(error.problem, "name another copy with --restore") from None


def _copy(source: Path, copy: Path) -> None:
    """All pages of a database as of one moment, on disk when this returns."""
    from strategies.execution.ledger_schema import told_error

    try:
        with closing(_opened(source)) as read, closing(sqlite3.connect(copy)) as write:
            read.backup(write)
            # The copy is one file, which can be moved by itself.
            write.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise told_error(error, source) from None
    with open(copy, "rb") as stream:
        os.fsync(stream.fileno())


def _opened(source: Path) -> sqlite3.Connection:
    """Not read-only, so that a log which a killed run left is part of what is read; else as is."""
    from strategies.execution.ledger_schema import open_to_read

    connection = sqlite3.connect(source)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return connection
    except sqlite3.OperationalError:
        connection.close()
        return open_to_read(source)


@contextmanager
def _writing(folder: Path, option: str) -> Iterator[Path]:
    """A file to write in `folder`, gone afterwards unless it was renamed."""
    from feeds.atomic import sync_path

    fresh = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".copy-", suffix=".db", dir=folder)
        os.close(handle)
        fresh = Path(name)
        yield fresh
        sync_path(folder)
    except OSError as error:
        raise OutputError(
            f"cannot write to {folder}: {error.strerror or error}", f"name another {option}"
        ) from None
    finally:
        for suffix in ("", "-journal", "-wal", "-shm") if fresh else ():
            fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)


@main_guard
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 2 on a user's mistake."""
    arguments = build_parser().parse_args(argv)
    configure_logging(quiet=arguments.quiet, verbose=arguments.verbose)
    if arguments.restore:
        place = restore_ledger(arguments.restore, arguments.ledger)
    elif Path(arguments.ledger).exists():
        place = backup_ledger(arguments.ledger, arguments.out)
    else:
        raise DataError(
            f"--ledger {arguments.ledger}: no such file", "name that of the paper account"
        )
    if not arguments.quiet:
        print(place)
    return 0


if __name__ == "__main__":
    sys.exit(main())
