"""The files that paths name: a folder's in the order of their names, each only once."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from feeds.errors import DataError
from feeds.names import path_name

__all__ = ["ENDINGS", "find_files"]

ENDINGS = (".csv", ".csv.gz", ".txt", ".txt.gz", ".parquet")
_KINDS = "give files that end in " + ", ".join(ENDINGS)


def find_files(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The files, and the names of a folder's other files, which are left alone.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders; a folder's own folders are not looked into.

    Raises
    ------
    DataError
        If a path cannot be read, is an archive or no plain file, a folder has no such file,
        or a file is named twice.
    """
    files: list[Path] = []
    ignored: list[str] = []
    for path in paths:
        if stat.S_ISDIR(_status(path).st_mode):
            inside, others = _in_folder(path)
            files += inside
            ignored += others
        else:
            _check_ending(path)
            files.append(path)
    _check_each(files)
    return files, ignored


def _in_folder(folder: Path) -> tuple[list[Path], list[str]]:
    try:
        names = sorted(entry for entry in os.listdir(folder) if not entry.startswith("."))
    except OSError as error:
        raise _unreadable(folder, error) from None
    files, others = [], []
    for name in names:
        path = folder / name
        if name.lower().endswith((*ENDINGS, ".zip")):
            _check_ending(path)
            files.append(path)
        else:
            others.append(path_name(path))
    if not files:
        raise DataError(f"{path_name(folder)}: no file of bars in this folder", _KINDS)
    return files, others


def _check_ending(path: Path) -> None:
    name = path.name.lower()
    if name.endswith(".zip"):
        raise DataError(f"{path_name(path)}: an archive, not a table", "unpack it first")
    if not name.endswith(ENDINGS):
        raise DataError(f"{path_name(path)}: not a kind of file that is read", _KINDS)


def _check_each(files: list[Path]) -> None:
    seen: dict[tuple[int, int], Path] = {}
    for path in files:
        status = _status(path)
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{path_name(path)}: not a plain file", _KINDS)
        first = seen.setdefault((status.st_dev, status.st_ino), path)
        if first is not path:
            raise DataError(
                f"{path_name(path)}: the same file as {path_name(first)}", "give it once"
            )


def _status(path: Path) -> os.stat_result:
    try:
        return os.stat(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> DataError:
    reason = getattr(error, "strerror", None) or error
    return DataError(f"{path_name(path)}: cannot be read: {reason}", "name a file or a folder")
