"""Killing a process, or failing it, at the n-th thing that it does to the files below a folder.

Counted are opening for writing, each write that reaches the system, truncating, flushing to
disk, renaming, exchanging, linking, removing, and making and removing folders. At the point
chosen a write is torn in the middle, anything else is not done; then the process gets SIGKILL,
or the call an error. What is done by C code without Python's file objects is not seen.

In a test::

    total = count_points(folder, work)
    for at in range(1, total + 1):
        restore(folder)
        assert killed_at(folder, work, at)

A command as a whole: ``python -m tests.crash_points FOLDER AT runs.ingest --out ...``; 0 for AT
kills never and prints how many points there are.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import runpy
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from feeds import atomic

__all__ = ["Points", "count_points", "failed_at", "killed_at"]

#: Exit code of a child whose work raised a UserError, as a command's.
REFUSED = 2


class Points:
    """Counts what is done below a folder, and acts at one of the points.

    Parameters
    ----------
    root : Path
        Nothing outside of it counts.
    at : int
        The point, from 1; 0 for none.
    error : int, optional
        Instead of a kill, an OSError of this number, there and at each later point that needs
        room on the disk; with EROFS at each later point.
    """

    def __init__(self, root: Path, at: int = 0, error: int | None = None) -> None:
        self.root, self.at, self.error = str(Path(root).resolve()), at, error
        self.count = 0
        self.seen: list[str] = []

    def arm(self) -> Points:
        """Take the place of the system's functions, for the rest of this process."""
        for name, growing in _FUNCTIONS.items():
            setattr(os, name, self._wrapped(name, getattr(os, name), growing))
        os.remove = os.unlink
        builtins.open = io.open = self._open
        exchange = atomic._exchange

        def counted(one: Path, two: Path) -> bool:
            self.reach("exchange", str(two), False)
            return exchange(one, two)

        atomic._exchange = counted
        return self

    def reach(self, what: str, path: str, growing: bool, tear: Callable[[], None] = bool) -> None:
        """One point: act on it if it is its turn."""
        if not path.startswith(self.root):
            return
        self.count += 1
        self.seen.append(f"{what} {path[len(self.root) + 1 :]}")
        if not self.at or self.count < self.at:
            return
        if self.error is None:
            tear()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.count == self.at or growing or self.error == errno.EROFS:
            if self.error != errno.EROFS:
                tear()
            raise OSError(self.error, os.strerror(self.error), path)

    def _wrapped(self, name: str, real: Callable[..., Any], growing: bool) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            path = _path(arguments, named)
            data = arguments[1] if name == "write" else b""

            def tear() -> None:
                if name == "write":
                    real(arguments[0], data[: len(data) // 2])

            if name != "open" or arguments[1] & (os.O_WRONLY | os.O_RDWR):
                self.reach(name, path, growing, tear)
            return real(*arguments, **named)

        return counted

    def _open(self, file: Any, mode: str = "r", buffering: int = -1, *more: Any, **named: Any):
        writing = set(mode) & set("wax+")
        if not writing or isinstance(file, int) or named.get("opener"):
            return _REAL_OPEN(file, mode, buffering, *more, **named)
        self.reach("open", os.path.abspath(os.fspath(file)), True)
        raw = _Torn(file, mode.replace("b", "").replace("t", ""))
        raw.points = self
        if buffering == 0:
            return raw
        both = io.BufferedRandom if "+" in mode else io.BufferedWriter
        buffered = both(raw)
        if "b" in mode:
            return buffered
        return io.TextIOWrapper(buffered, *more, **named)


class _Torn(io.FileIO):
    """A file whose writes are points."""

    points: Points

    def write(self, data: Any) -> int:
        content = bytes(data)

        def tear() -> None:
            io.FileIO.write(self, content[: len(content) // 2])

        self.points.reach("write", os.path.abspath(self.name), True, tear)
        return super().write(content)


_REAL_OPEN = builtins.open
#: Functions that change files, and whether they need room on the disk.
_FUNCTIONS = {
    "open": True,
    "write": True,
    "ftruncate": False,
    "fsync": True,
    "rename": False,
    "replace": False,
    "link": True,
    "unlink": False,
    "mkdir": True,
    "rmdir": False,
}


def _path(arguments: tuple[Any, ...], named: dict[str, Any]) -> str:
    """What a call is about, as an absolute path: of two the second."""
    first = arguments[0]
    if isinstance(first, int):
        return os.readlink(f"/proc/self/fd/{first}")
    if len(arguments) > 1 and isinstance(arguments[1], (str, Path)):
        first = arguments[1]
    folder = named.get("dir_fd")
    base = os.getcwd() if folder is None else os.readlink(f"/proc/self/fd/{folder}")
    return os.path.normpath(os.path.join(base, os.fspath(first)))


def count_points(root: Path, work: Callable[[], object]) -> int:
    """Do the work in a child; how many points it has."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        points = Points(root).arm()
        code = _done(work)
        os.write(writer, str(points.count).encode())
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        text = stream.read()
    status = os.waitpid(child, 0)[1]
    assert status == 0, f"the work fails by itself: {status}"
    return int(text)


def killed_at(root: Path, work: Callable[[], object], at: int) -> bool:
    """Do the work in a child that is killed at a point; False where it ends before."""
    child = os.fork()
    if not child:
        Points(root, at).arm()
        os._exit(_done(work))
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, f"ended by signal {os.WTERMSIG(status)}"
        return True
    assert os.WEXITSTATUS(status) == 0, f"the work fails by itself: {os.WEXITSTATUS(status)}"
    return False


def failed_at(root: Path, work: Callable[[], object], at: int, error: int) -> int:
    """Do the work in a child in which files fail from a point on; its exit code.

    0 where it went on regardless, 2 where it raised a UserError, 1 for any other exception.
    """
    child = os.fork()
    if not child:
        Points(root, at, error).arm()
        os._exit(_done(work))
    status = os.waitpid(child, 0)[1]
    assert os.WIFEXITED(status), f"ended by signal {os.WTERMSIG(status)}"
    return os.WEXITSTATUS(status)


def _done(work: Callable[[], object]) -> int:
    from feeds.errors import UserError

    try:
        work()
        return 0
    except UserError:
        return REFUSED
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        return 1


def _main(arguments: list[str]) -> None:
    root, at, module = Path(arguments[0]), int(arguments[1]), arguments[2]
    sys.argv = [module, *arguments[3:]]
    points = Points(root, at).arm()
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        if not at:
            os.write(1, f"{points.count}\n".encode())


if __name__ == "__main__":
    _main(sys.argv[1:])
