"""Fetched bars wait beside the data set until the new folder has taken its place."""

from __future__ import annotations

import datetime as dt
import json
import math
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from feeds.atomic import sync_path
from feeds.ingestion.durable import write_durably
from feeds.ingestion.outcome import Difference, Status
from feeds.ingestion.raw_file import bars_bytes, parse_bars, sha256_of
from feeds.ingestion.raw_store import RawEntry
from feeds.sources.request import SymbolRequest

__all__ = ["Staged", "Staging", "is_settled"]

#: How long bars up to now are taken for up to now.
_FRESH = dt.timedelta(days=1)
#: Days after the last day asked for from which on its bar is complete, in every time zone.
_SETTLED = dt.timedelta(days=2)


@dataclass(frozen=True)
class Staged:
    """One symbol that was fetched, or cut, in this run or in one that did not end.

    Parameters
    ----------
    entry : RawEntry
    status : str
    base : str
        sha256 of the stored file that it takes the place of; empty where there was none.
    added : int
        Bars that the stored file had not.
    why : str
        As in :class:`~feeds.ingestion.outcome.SymbolOutcome`, as is `differences`.
    """

    entry: RawEntry
    status: Status
    base: str = ""
    added: int = 0
    why: str = ""
    differences: tuple[Difference, ...] = ()


class Staging:
    """The folder ``.NAME.fetching`` beside the data set.

    Each symbol is a CSV and, put in place after it, a JSON file with its checksum: what a kill
    interrupts has no JSON and counts for nothing.

    Parameters
    ----------
    out : Path
        The data set.
    """

    def __init__(self, out: Path) -> None:
        self.folder = out.absolute().with_name(f".{out.absolute().name}.fetching")
        self.staged: dict[str, Staged] = {}

    def put(self, bars: pd.DataFrame, staged: Staged, content: bytes | None = None) -> None:
        """Keep one symbol, on disk when this returns.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True)
            sync_path(self.folder.parent)
        path = self.path(staged.entry)
        write_durably(path, bars_bytes(bars) if content is None else content)
        write_durably(path.with_suffix(".json"), _to_bytes(staged))
        self.staged[staged.entry.request.symbol] = staged

    def path(self, entry: RawEntry) -> Path:
        """Where the bars of `entry` are."""
        return self.folder / entry.file

    def bars(self, symbol: str) -> pd.DataFrame:
        """The bars of a staged symbol.

        Raises
        ------
        OSError
            If they cannot be read.
        """
        return parse_bars(self.path(self.staged[symbol].entry).read_bytes())

    def resume(
        self,
        requests: Mapping[str, SymbolRequest],
        stored: Mapping[str, RawEntry],
        now: dt.datetime,
    ) -> None:
        """Take over what a run before left and this one would fetch again; remove the rest.

        Whole by its checksum, of the same request, made over the same stored file, and not
        older than a day where bars up to now are asked for.

        Raises
        ------
        OSError
            If something cannot be removed.
        """
        kept = set()
        for path in sorted(self._files("*.json")):
            staged = _read(path)
            if staged is None or path.with_suffix(".csv") != self.path(staged.entry):
                continue
            entry, symbol = staged.entry, staged.entry.request.symbol
            base = stored[symbol].sha256 if symbol in stored else ""
            if (
                requests.get(symbol) == entry.request
                and base == staged.base
                and _is_current(entry, now)
                and _is_whole(self.path(entry), entry)
            ):
                self.staged[symbol] = staged
                kept |= {path, self.path(entry)}
        for path in sorted(self._files("*")):
            if path not in kept:
                path.unlink()
        self._remove_if_empty()

    def clear(self) -> None:
        """Remove the folder, once all that it holds is in the data set.

        Raises
        ------
        OSError
            If it cannot be removed.
        """
        self.staged = {}
        if self.folder.is_dir():
            shutil.rmtree(self.folder)
            sync_path(self.folder.parent)

    def _files(self, pattern: str) -> list[Path]:
        return list(self.folder.glob(pattern)) if self.folder.is_dir() else []

    def _remove_if_empty(self) -> None:
        if not self.staged and self.folder.is_dir():
            # What is not empty holds something that is not ours.
            with suppress(OSError):
                self.folder.rmdir()


def is_settled(entry: RawEntry) -> bool:
    """Whether it was fetched when the last day asked for was over everywhere."""
    end = entry.request.end
    return end is not None and entry.fetched_at.date() >= end + _SETTLED


def _is_current(entry: RawEntry, now: dt.datetime) -> bool:
    """Whether what was fetched then will do for what would be fetched now."""
    # A clock that was set back makes an age negative: nothing is known then.
    return is_settled(entry) or dt.timedelta(0) <= now - entry.fetched_at <= _FRESH


def _is_whole(path: Path, entry: RawEntry) -> bool:
    try:
        return sha256_of(path.read_bytes()) == entry.sha256
    except OSError:
        return False


def _to_bytes(staged: Staged) -> bytes:
    values: dict[str, Any] = {**vars(staged), "entry": staged.entry.to_json()}
    values["differences"] = [
        [date, column, *(None if math.isnan(value) else value for value in pair)]
        for date, column, *pair in staged.differences
    ]
    return (json.dumps(values, sort_keys=True) + "\n").encode()


def _read(path: Path) -> Staged | None:
    """What stands in a file; None where that is no such thing."""
    try:
        values = json.loads(path.read_bytes())
        differences = tuple(
            (date, column, *(math.nan if value is None else float(value) for value in pair))
            for date, column, *pair in values["differences"]
        )
        given = {"entry": RawEntry.from_json(values["entry"]), "differences": differences}
        return Staged(**{**values, **given})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
