"""The ledger of a paper account: events in one SQLite file, only ever added to."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

from feeds.errors import DataError, OutputError
from strategies.execution.ledger_schema import (
    KINDS,
    PATIENCE,
    check_version,
    open_to_read,
    prepare_ledger,
    told_error,
)

__all__ = [
    "KINDS",
    "Event",
    "Ledger",
    "canonical_json",
    "ledger_lock",
    "reading_ledger",
    "writing_ledger",
]

#: What the hash of the first event is chained to.
_FIRST_HASH = "0" * 64
_INSERT = (
    "INSERT INTO events (bar, kind, symbol, number, payload, prev_hash, hash) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_COLUMNS = "bar, kind, symbol, number, payload, prev_hash, hash"
_CHANGED = "restore the ledger from a copy: it was changed by something else"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Event:
    """One thing that happened to a paper account.

    Parameters
    ----------
    bar : str
        Name of the bar that it belongs to: the ISO date of a session, or an hour such as
        2026-01-05T14:00Z.
    kind : str
        One of :data:`KINDS`.
    symbol : str
        The asset; empty where it is about the account.
    number : int
        Counts the events of one bar, kind and symbol from 0: the four together are unique, so
        that a bar is booked once.
    payload : mapping
        Plain data: text, finite numbers, booleans, None, lists and mappings of these.
    """

    bar: str
    kind: str
    symbol: str
    number: int
    payload: Mapping[str, Any]


class Ledger:
    """Events in the order in which they were written.

    Made by :func:`writing_ledger` and :func:`reading_ledger`. Each event carries the hash of
    the one before it, so that a change of any is seen; rows are inserted and nothing else.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection, self.path = connection, path

    @property
    def head(self) -> str:
        """Hash of the last event; 64 zeros where there is none."""
        found = self._rows("SELECT hash FROM events ORDER BY id DESC LIMIT 1")
        return found[0][0] if found else _FIRST_HASH

    @property
    def first_bar(self) -> str | None:
        """The bar of the first event; None where there is none."""
        found = self._rows("SELECT bar FROM events ORDER BY id LIMIT 1")
        return found[0][0] if found else None

    def events(self, kind: str | None = None) -> list[Event]:
        """All events, or those of one kind, as they were written.

        Raises
        ------
        DataError
            If the file is damaged.
        """
        wanted, given = ("", ()) if kind is None else (" WHERE kind = ?", (kind,))
        return self._read(wanted, given)

    def events_about(self, bar: str) -> list[Event]:
        """Those of a bar, and every revision and correction: these tell where they were found.

        Raises
        ------
        DataError
            If the file is damaged.
        """
        return self._read(" WHERE bar = ? OR kind IN ('revision', 'correction')", (bar,))

    def append(self, events: Iterable[Event]) -> list[Event]:
        """Write events in one transaction, all of them or none; returns them as they read.

        Raises
        ------
        OutputError
            If the disk is full or fails; the ledger is then as it was.
        DataError
            If one of them is there already: a bar is booked once.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            previous, written = self.head, []
            for event in events:
                payload = canonical_json(event.payload)
                row = (event.bar, event.kind, event.symbol, event.number, payload, previous)
                previous = _chained(*row)
                self._connection.execute(_INSERT, (*row, previous))
                written.append(Event(*row[:4], json.loads(payload)))
            self._connection.execute("COMMIT")
            return written
        except BaseException as error:
            self._roll_back()
            if isinstance(error, sqlite3.Error):
                raise told_error(error, self.path) from None
            raise

    def check(self, told_as: Path | None = None) -> None:
        """Hold every event against the hash that it was chained with.

        Parameters
        ----------
        told_as : Path, optional
            How the file is named in what is refused: a copy by what it was made from.

        Raises
        ------
        DataError
            Naming the first event that was changed, or the place where one is missing; events
            that were removed from the end are missed by SQLite's own count of them.
        """
        path, previous, number = told_as or self.path, _FIRST_HASH, 0
        for number, row in enumerate(self._rows(f"SELECT {_COLUMNS} FROM events ORDER BY id"), 1):
            if row[5] != previous or _chained(*row[:6]) != row[6]:
                raise DataError(
                    f"{path}: event {number} ({row[1]} of {row[0]}) is not what was written",
                    _CHANGED,
                )
            previous = row[6]
        counted = self._rows("SELECT max(seq) FROM sqlite_sequence WHERE name = 'events'")[0][0]
        if (counted or 0) != number:
            raise DataError(
                f"{path}: {number} events are there, {counted or 0} were written", _CHANGED
            )

    def _read(self, wanted: str, given: tuple) -> list[Event]:
        rows = self._rows(f"SELECT {_COLUMNS} FROM events{wanted} ORDER BY id", given)
        try:
            return [Event(*row[:4], _plain(row[4])) for row in rows]
        except ValueError:
            raise DataError(f"{self.path}: an event is no JSON", _CHANGED) from None

    def _rows(self, query: str, given: tuple = ()) -> list[tuple]:
        try:
            return self._connection.execute(query, given).fetchall()
        except sqlite3.Error as error:
            raise told_error(error, self.path) from None

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            # A disk that fails here, too: SQLite undoes the rest when the file is opened next.
            pass


@contextmanager
def writing_ledger(path: str | Path) -> Iterator[Ledger]:
    """A ledger to write to, made where there is none; one process at a time.

    Raises
    ------
    OutputError
        If another run is at work on it, or the file cannot be written.
    DataError
        If the file is no ledger, was made by a later version, or was changed.
    """
    path = Path(path)
    _check_no_folder(path)
    with ledger_lock(path):
        try:
            connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        except sqlite3.Error as error:
            raise told_error(error, path) from None
        try:
            prepare_ledger(connection, path)
            ledger = Ledger(connection, path)
            ledger.check()
            yield ledger
        finally:
            _close(connection)


@contextmanager
def reading_ledger(path: str | Path) -> Iterator[Ledger]:
    """A ledger to read, which the file system may hold read-only; a writer is not disturbed.

    Raises
    ------
    DataError
        If there is no such file, or it is no ledger of this version.
    """
    path = Path(path)
    _check_no_folder(path)
    if not path.is_file():
        raise DataError(f"{path}: no such ledger", "run python -m runs.signals first")
    connection = open_to_read(path)
    try:
        check_version(connection, path)
        yield Ledger(connection, path)
    finally:
        connection.close()


def canonical_json(value: Any) -> str:
    """Plain data as one line of JSON: keys sorted, exact numbers, nothing that is not finite."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def _chained(bar: str, kind: str, symbol: str, number: int, payload: str, previous: str) -> str:
    # The JSON of the six as one list; an encoder for each would take three times as long, and
    # every run goes through all events.
    first, *texts, last = map(encode_basestring, (previous, bar, kind, symbol, payload))
    text = f"[{', '.join([first, *texts])}, {number}, {last}]"
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _plain(payload: str) -> Any:
    """What :func:`canonical_json` has written, and nothing after it."""
    value, end = _DECODER.raw_decode(payload)
    if end != len(payload):
        raise ValueError("more than one value")
    return value


def _check_no_folder(path: Path) -> None:
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a ledger", "name a file with --ledger")


@contextmanager
def ledger_lock(path: Path) -> Iterator[None]:
    """The lock of data sets, with what it refuses told of a ledger.

    Raises
    ------
    OutputError
        If another run is at work on it, or nothing can be written beside it.
    """
    from feeds.lock import writer_lock

    lock = writer_lock(path)
    try:
        lock.__enter__()
    except OutputError as error:
        if "being written" not in error.problem:
            raise OutputError(error.problem, "name another ledger with --ledger") from None
        holder = error.problem.rsplit(" by ", 1)[-1]
        raise OutputError(
            f"{path}: another run is at work on it, {holder}",
            "wait until it is done, or name another ledger with --ledger",
        ) from None
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def _close(connection: sqlite3.Connection) -> None:
    try:
        connection.close()
    except sqlite3.Error:
        # What was committed is in the log and is read from there the next time.
        pass
