"""Files of a data set compared with its manifest."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from feeds.atomic import is_alive
from feeds.cache import FOLDER
from feeds.errors import DataError
from feeds.price_files import REBUILD

__all__ = ["check_files"]

#: Files up to this size are read whenever the set is loaded.
_SMALL = 8_000_000
_NOTE = "verified.json"
#: A file that changed so shortly before it was read, in ns, may change again in the same tick of
#: the file system's clock.
_SETTLED = 2_000_000_000


def check_files(folder: Path, entries: dict[str, Any]) -> dict[str, str]:
    """The sha256 of each file of a data set.

    A file over 8 MB that was found good is noted in the set's cache with its size, inode, and
    times of last change, those of the content and those of the inode; while all of them stay,
    it is not read again. The latter is set by the system alone, so that a file which is edited,
    replaced or copied over, whatever time it is given, is read; decay of the disk under a file
    is noticed only by reading it.

    Parameters
    ----------
    folder : Path
        The data set.
    entries : dict
        `files` of its manifest.

    Raises
    ------
    DataError
        If a file is missing, or is not the one of the manifest.
    """
    noted = _notes(folder)
    hashes, fresh = {}, {}
    for name in sorted(entries):
        path, expected = folder / name, entries[name]["sha256"]
        try:
            state = _state(path)
            remembered = state["size"] > _SMALL and noted.get(name) == {**state, "sha256": expected}
            found = expected if remembered else _sha256(path)
            settled = time.time_ns() - max(state["changed"], state["modified"]) > _SETTLED
            if state["size"] > _SMALL and settled and _state(path) == state:
                fresh[name] = {**state, "sha256": found}
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}", REBUILD) from None
        if found != expected:
            raise DataError(
                f"{path} is damaged or was edited: sha256 {found[:12]}..., the manifest has "
                f"{expected[:12]}...",
                REBUILD,
            )
        hashes[name] = found
    if fresh != noted:
        _note(folder, fresh)
    return hashes


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _state(path: Path) -> dict[str, int]:
    found = os.stat(path)
    return {
        "size": found.st_size,
        "inode": found.st_ino,
        "device": found.st_dev,
        "modified": found.st_mtime_ns,
        "changed": found.st_ctime_ns,
    }


def _notes(folder: Path) -> dict[str, Any]:
    try:
        noted = json.loads((folder / FOLDER / _NOTE).read_bytes())
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _note(folder: Path, fresh: dict[str, Any]) -> None:
    """Kept for the next load; without it that one reads the files again."""
    path = folder / FOLDER / f"{_NOTE}.{os.getpid()}"
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        for other in path.parent.glob(f"{_NOTE}.*"):
            # A killed process's; one of a running process is about to be renamed.
            process = other.suffix[1:]
            if not (process.isdigit() and is_alive(int(process))):
                other.unlink(missing_ok=True)
        path.write_text(json.dumps(fresh), encoding="utf-8")
        os.replace(path, path.with_name(_NOTE))
