"""Tables of the paper ledger: made, recognised, opened to read, and their faults told to users."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from feeds.errors import DataError, OutputError

__all__ = [
    "KINDS",
    "PATIENCE",
    "SCHEMA_VERSION",
    "check_version",
    "open_to_read",
    "prepare_ledger",
    "told_error",
]

#: What an event can be.
KINDS = (
    "decision",
    "order",
    "fill",
    "carry",
    "split",
    "dividend",
    "correction",
    "revision",
    "note",
)
#: Seconds that a reader waits for a checkpoint.
PATIENCE = 10.0
#: Of the tables; a ledger of a later version is refused.
SCHEMA_VERSION = 1
#: Marks the file as one of ours: the letters FCPL.
_APPLICATION = 0x4643504C
_SCHEMA = (
    f"""CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        bar TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ({", ".join(f"'{kind}'" for kind in KINDS)})),
        symbol TEXT NOT NULL,
        number INTEGER NOT NULL,
        payload TEXT NOT NULL,
        prev_hash TEXT NOT NULL,
        hash TEXT NOT NULL UNIQUE,
        UNIQUE (bar, kind, symbol, number)
    )""",
    """CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER events_are_not_removed BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


def prepare_ledger(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file, in one transaction; refuse one that is something else.

    Raises
    ------
    DataError, OutputError
        If the file is no ledger of this version, or cannot be written.
    """
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables:
            check_version(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if not tables:
            connection.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise told_error(error, path) from None


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is no ledger, or one of a later version.

    Raises
    ------
    DataError
    """
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as error:
        raise told_error(error, path) from None
    if application != _APPLICATION:
        raise DataError(f"{path} is no paper ledger", "name another file with --ledger")
    if version > SCHEMA_VERSION:
        raise DataError(
            f"{path} has schema {version}, this program knows {SCHEMA_VERSION}",
            "run the version that wrote it, or a later one",
        )


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open read-only; on a read-only place, where no writer can be, without its log.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    uri = f"file:{quote(os.fspath(path.absolute()))}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return connection
    except sqlite3.Error as error:
        connection.close()
        if isinstance(error, sqlite3.OperationalError) and not _log_of(path).exists():
            return sqlite3.connect(f"{uri}&immutable=1", uri=True, isolation_level=None)
        raise told_error(error, path) from None


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def told_error(error: sqlite3.Error, path: Path) -> DataError | OutputError:
    """A user's error in place of SQLite's."""
    if isinstance(error, sqlite3.IntegrityError):
        return DataError(
            f"{path}: a bar cannot be booked twice ({error})",
            "run again: it is there already; if this stays, restore the ledger from a copy",
        )
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return OutputError(
            f"cannot write {path}: {error}",
            "end the program that has it open, such as a shell of sqlite3, and run again",
        )
    if isinstance(error, sqlite3.OperationalError):
        return OutputError(
            f"cannot write {path}: {error}",
            "free some space or check the folder, and run again: what was booked is kept",
        )
    return DataError(f"{path} is no paper ledger: {error}", "name another file with --ledger")
