"""Writing a whole folder so that a kill leaves the old one or the new one, never a mixture."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from feeds.errors import OutputError

__all__ = [
    "check_replaceable",
    "is_alive",
    "recover_folder",
    "replacing_folder",
    "sync_path",
    "sync_tree",
]

_MARK = "manifest.json"


def check_replaceable(out: Path, known: Collection[str], what: str) -> None:
    """Refuse a place that cannot be written, or that holds something of the user's.

    Parameters
    ----------
    out : Path
        The folder to be made or replaced.
    known : collection of str
        Names that such a folder may hold.
    what : str
        What the folder is, for the message: ``run``, ``data set``.

    Raises
    ------
    OutputError
        If `out` is a file, holds anything not in `known`, or cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file", "name a folder with --out")
    if out.is_dir():
        found = {path.name for path in out.iterdir()}
        if found and _MARK not in found:
            raise OutputError(
                f"{out} is not empty and holds no {what}", "name a new folder with --out"
            )
        strange = sorted(found - set(known))
        if strange:
            raise OutputError(
                f"{out} holds {strange[0]}, which is no part of a {what}",
                "move it away, or name another folder with --out",
            )
    parent = _existing_parent(out)
    for folder in [parent, out] if out.is_dir() else [parent]:
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(f"cannot write to {folder}", "name another folder with --out")


@contextmanager
def replacing_folder(out: Path) -> Iterator[Path]:
    """A new folder beside `out` that takes its place when the block ends without an error.

    Files are flushed to disk before the swap. After an error `out` is as it was and the new
    folder is gone; what a killed process left behind is removed by the next one.

    Raises
    ------
    OutputError
        If anything cannot be written.
    """
    building = out.with_name(f".{out.name}.building-{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(out)
        building.mkdir()
        yield building
        sync_tree(building)
        _swap(building, out)
        sync_path(out.parent)
    except OSError as error:
        raise OutputError(
            f"cannot write {out}: {error.strerror or error}", "name another folder with --out"
        ) from None
    finally:
        shutil.rmtree(building, ignore_errors=True)


def recover_folder(out: Path) -> None:
    """Undo what a killed process left half done, as :func:`replacing_folder` does first.

    For whoever reads `out` before writing it: between two renames it stands aside.

    Raises
    ------
    OutputError
        If something cannot be moved.
    """
    try:
        _remove_leftovers(out)
    except OSError as error:
        raise OutputError(
            f"cannot restore {out}: {error.strerror or error}", "name another folder with --out"
        ) from None


def sync_tree(folder: Path) -> None:
    """Have a folder and all that is in it written to disk."""
    for place, _, names in os.walk(folder):
        for name in names:
            sync_path(Path(place) / name)
        sync_path(Path(place))


def sync_path(path: Path) -> None:
    """Have a file, or the names in a folder, written to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _swap(building: Path, out: Path) -> None:
    if not out.exists():
        os.rename(building, out)
        return
    if _exchange(building, out):
        return
    # No exchange on this system: two renames, the old folder kept until the new one is in.
    old = out.with_name(f".{out.name}.old-{os.getpid()}")
    os.rename(out, old)
    try:
        os.rename(building, out)
    except OSError:
        os.rename(old, out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, two: Path) -> bool:
    """Exchange two folders in one step (Linux); False where the system cannot."""
    at_here, exchange = -100, 2
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    return rename(at_here, os.fsencode(one), at_here, os.fsencode(two), exchange) == 0


def _remove_leftovers(out: Path) -> None:
    """Remove what killed processes left beside `out`; an old folder set aside returns."""
    for path in sorted(out.parent.glob(f".{out.name}.old-*")):
        if _is_left(path):
            shutil.rmtree(path, ignore_errors=True) if out.exists() else os.rename(path, out)
    for path in sorted(out.parent.glob(f".{out.name}.building-*")):
        if _is_left(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_left(path: Path) -> bool:
    """Whether whoever made it is gone. In containers every process may have the same number."""
    process = path.name.rsplit("-", 1)[1]
    if not process.isdigit():
        return True
    return int(process) == os.getpid() or not is_alive(int(process))


def is_alive(process: int) -> bool:
    """Whether a process of this number runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _existing_parent(path: Path) -> Path:
    parent = path.absolute().parent
    while not parent.exists():
        parent = parent.parent
    return parent
