"""One writer a data set: a lock of the operating system, which ends with the process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from feeds.errors import OutputError

__all__ = ["is_locked", "writer_lock"]


@contextmanager
def writer_lock(out: Path) -> Iterator[None]:
    """Hold the lock on the data set `out`, or refuse at once.

    The lock is on the file ``.NAME.lock`` beside the folder. The kernel gives it back however
    the process ends; the file is removed by whoever holds the lock, so that one left by a kill
    is gone after the next run.

    Raises
    ------
    OutputError
        If another process holds it, naming that process; if the file cannot be made or locked.
    """
    path = _path_of(out)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _locked(path, out)
    except OSError as error:
        raise OutputError(
            f"cannot lock {path}: {error.strerror or error}", "name another folder with --out"
        ) from None
    try:
        yield
    finally:
        _release(path, handle)


def is_locked(out: Path) -> bool:
    """Whether a process holds the lock on `out`; also True where that cannot be found out."""
    try:
        handle = os.open(_path_of(out), os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(handle)


def _path_of(out: Path) -> Path:
    return out.absolute().with_name(f".{out.absolute().name}.lock")


def _locked(path: Path, out: Path) -> int:
    """An open file that is locked and still stands at `path`."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its holder may have removed the file after it was opened here: then another
            # process may hold a new one.
            if _stands(path, handle):
                _sign(handle)
                return handle
        except BlockingIOError:
            holder = _holder(handle)
            os.close(handle)
            raise OutputError(
                f"{out} is being written by {holder}",
                "wait until it is done, or name another folder with --out",
            ) from None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _stands(path: Path, handle: int) -> bool:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    mine = os.fstat(handle)
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)


def _sign(handle: int) -> None:
    """Write who holds it; on a full disk the lock holds without a name."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())


def _holder(handle: int) -> str:
    text = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
    return f"process {text}" if text.isdecimal() else "another process"


def _release(path: Path, handle: int) -> None:
    """Remove the file while it is locked, so that nobody waits for a file that is gone."""
    # A folder that became read-only keeps the file; without a lock it stops nobody.
    with suppress(OSError):
        path.unlink(missing_ok=True)
    os.close(handle)
