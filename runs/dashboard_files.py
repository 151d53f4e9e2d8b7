"""What the dashboard reads: result files found by name, read once until they change."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from feeds.errors import DataError

__all__ = [
    "Places",
    "data_sets",
    "factor_studies",
    "read_bytes",
    "read_document",
    "read_table",
    "signature",
    "subfolders",
]

#: Files that are kept in memory at the same time.
_KEPT = 64
#: Bytes of one file that are read at most.
_LIMIT = 256 << 20
_STUDY_MARKS = ("factor_returns.csv", "factor_summary.csv", "ic.csv")


@dataclass(frozen=True)
class Places:
    """Where the dashboard looks.

    Parameters
    ----------
    outputs : Path
        Folder of runs, signals, cost studies and factor studies.
    data : Path
        Folder of data sets.
    ledger : Path or None
        Of the paper account; None: every ``*.db`` of `outputs`.
    """

    outputs: Path
    data: Path
    ledger: Path | None = None

    def ledgers(self) -> dict[str, Path]:
        """Name shown to ledger; only those that exist."""
        found = [self.ledger] if self.ledger else sorted(self.outputs.glob("*.db"))
        return {path.name: path for path in found if path.is_file()}

    def runs(self) -> dict[str, Path]:
        """Runs by name."""
        return subfolders(self.outputs, ("values.csv", "metrics.json"))

    def signals(self) -> dict[str, Path]:
        """Folders of signals by name."""
        return subfolders(self.outputs / "signals", ("signals.json",))

    def costs(self) -> dict[str, Path]:
        """Cost studies by name."""
        return subfolders(self.outputs / "costs", ("grid.csv",))


def subfolders(folder: Path, marks: Collection[str]) -> dict[str, Path]:
    """Folders below `folder` that hold all files of `marks`, by name; hidden ones are not seen."""
    try:
        inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return {}
    return {path.name: path for path in inside if _holds(path, marks)}


def factor_studies(outputs: Path) -> dict[str, Path]:
    """Factor studies: in `outputs` itself, where they are written by default, and below it."""
    own = {outputs.name: outputs} if _holds(outputs, _STUDY_MARKS) else {}
    return own | subfolders(outputs, _STUDY_MARKS)


def data_sets(data: Path) -> dict[str, Path]:
    """Data sets by name: `data` itself if it is one, else those in it."""
    marks = ("manifest.json", "universe.csv")
    return {data.name: data} if _holds(data, marks) else subfolders(data, marks)


def signature(path: Path) -> tuple[int, ...]:
    """What changes whenever the file does.

    Raises
    ------
    DataError
        If it is not there or cannot be read.
    """
    try:
        stat = os.stat(path)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}", "run the command that writes it") from None
    if stat.st_size > _LIMIT:
        raise DataError(f"{path}: {stat.st_size >> 20} MB is more than is shown here")
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def read_table(path: Path, columns: Sequence[str] = (), dates: Sequence[str] = ()) -> pd.DataFrame:
    """A CSV table; a copy that may be changed.

    Symbols are text (`NA` is one), empty cells are NaN.

    Parameters
    ----------
    path : Path
    columns : sequence of str
        Those that must be there.
    dates : sequence of str
        Columns of ISO dates.

    Raises
    ------
    DataError
        If the file is missing, is no table, or lacks a column.
    """
    return _table(path, signature(path), tuple(columns), tuple(dates)).copy()


def read_document(path: Path) -> dict[str, Any]:
    """A JSON object; not to be changed.

    Raises
    ------
    DataError
        If the file is missing or holds anything else.
    """
    return _document(path, signature(path))


def read_bytes(path: Path) -> bytes:
    """A file as it is, for a download.

    Raises
    ------
    DataError
        If the file is missing or cannot be read.
    """
    signature(path)
    return _told(path, path.read_bytes)


@functools.lru_cache(maxsize=_KEPT)
def _table(
    path: Path, _: tuple[int, ...], columns: tuple[str, ...], dates: tuple[str, ...]
) -> pd.DataFrame:
    text = {name: str for name in ("symbol", "name", "factor", "scheme")}

    def read() -> pd.DataFrame:
        return pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""])

    table = _told(path, read)
    absent = [name for name in (*columns, *dates) if name not in table]
    if absent:
        raise DataError(f"{path}: no column {absent[0]!r}", "run the command that wrote it again")
    for name in dates:
        table[name] = _told(path, functools.partial(pd.to_datetime, table[name], format="ISO8601"))
    for name in text.keys() & set(table.columns):
        table[name] = table[name].fillna("")
    return table


@functools.lru_cache(maxsize=_KEPT)
def _document(path: Path, _: tuple[int, ...]) -> dict[str, Any]:
    found = _told(path, lambda: json.loads(path.read_text(encoding="utf-8")))
    if not isinstance(found, dict):
        raise DataError(f"{path}: not a JSON object", "run the command that wrote it again")
    return found


def _told(path: Path, read: Callable[[], Any]) -> Any:
    """What `read` returns, with what may be wrong with a file told in one sentence."""
    try:
        return read()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}", "run the command that writes it") from None
    except (ValueError, EOFError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it ends too early"
        raise DataError(
            f"{path}: damaged ({reason[:120]})", "run the command that wrote it again"
        ) from None


def _holds(folder: Path, marks: Collection[str]) -> bool:
    return all((folder / mark).is_file() for mark in marks)
