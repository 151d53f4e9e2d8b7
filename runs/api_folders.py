"""Folders of outputs, opened for reading by names that were seen in a listing."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from feeds.errors import DataError

__all__ = ["Absent", "Damaged", "OpenFile", "Outputs", "Place"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: the open of a pipe that somebody left in a folder would wait for a writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_GONE = (errno.ENOENT, errno.ESTALE, errno.ENOTDIR, errno.ELOOP)
_BLOCK = 1 << 18
_TRIES = 4

Result = TypeVar("Result")
#: Names of folders below the outputs, outermost first.
Place = tuple[str, ...]


class Absent(Exception):
    """What was asked for is not there; the text names it and holds no path."""


class Damaged(Exception):
    """A file is there and cannot be served; the text names it and holds no path."""


@dataclass(frozen=True)
class OpenFile:
    """A file that is open: what tells its versions apart, and its content.

    `signature` changes whenever the file is replaced or written; `modified` is in seconds since
    1970.
    """

    name: str
    handle: int
    signature: tuple[int, ...]
    modified: float

    def read(self, limit: int) -> bytes:
        """The content, at most `limit` bytes.

        Raises
        ------
        Damaged
            If it is larger, or was written to meanwhile.
        """
        return b"".join(self.blocks(limit))

    def blocks(self, limit: int) -> Iterator[bytes]:
        """The content block by block, as :meth:`read` has it whole."""
        size, place = self.signature[2], 0
        while size <= limit and (block := os.pread(self.handle, _BLOCK, place)):
            place += len(block)
            size = max(size, place)
            yield block
        if size > limit:
            raise Damaged(f"{self.name} is larger than the {limit >> 20} MB that are served")
        self._check_same()

    def part(self, begin: int, end: int) -> bytes:
        """The bytes from `begin` to `end`.

        Raises
        ------
        Damaged
            If the file was written to meanwhile.
        """
        parts = []
        while begin < end and (block := os.pread(self.handle, end - begin, begin)):
            parts.append(block)
            begin += len(block)
        self._check_same()
        return b"".join(parts)

    def _check_same(self) -> None:
        if _signature(os.fstat(self.handle)) != self.signature:
            raise Damaged(f"{self.name} is being written")


class Outputs:
    """The folder that commands write to, seen from outside: names in, open files out.

    A name is compared with a listing before it is opened, and opened relative to the folder that
    was listed, so that no text from outside ever becomes a path. Symbolic links below the folder
    are not followed, and what begins with a dot does not exist.

    Parameters
    ----------
    root : Path
        The folder.

    Raises
    ------
    DataError
        If it is no folder, or cannot be read.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            os.listdir(root)
        except OSError as error:
            raise DataError(
                f"--outputs {root}: {(error.strerror or 'cannot be read').lower()}",
                "run python -m runs.backtest first, or name the folder that it wrote to",
            ) from None

    def names(self, place: Place, marks: Place) -> list[str]:
        """Sorted names of the folders in `place` that hold every one of the files `marks`."""
        try:
            with self._folder(place) as folder:
                names = sorted(name for name in os.listdir(folder) if _is_name(name))
                return [name for name in names if _holds(folder, name, marks)]
        except Absent:
            return []

    def files(self, place: Place) -> list[str]:
        """Sorted names of what is in the folder `place`."""
        try:
            with self._folder(place) as folder:
                return sorted(name for name in os.listdir(folder) if _is_name(name))
        except Absent:
            return []

    def read(self, place: Place, file: str, use: Callable[[OpenFile], Result]) -> Result:
        """What `use` makes of a file, which is open for as long as it takes.

        A folder that is replaced meanwhile gives the old file or the new one.

        Raises
        ------
        Absent
            If a folder or the file is not there.
        Damaged
            If it cannot be read.
        """
        for _ in range(_TRIES - 1):
            try:
                return self._read(place, file, use)
            except Absent:
                # Perhaps replaced between the opening of the folder and of the file: again.
                continue
        return self._read(place, file, use)

    def _read(self, place: Place, file: str, use: Callable[[OpenFile], Result]) -> Result:
        with self._folder(place) as folder, _opened(file, _FILE, folder) as handle:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise Damaged(f"{file} is not a file")
            return use(OpenFile(file, handle, _signature(found), found.st_mtime))

    @contextmanager
    def _folder(self, place: Place) -> Iterator[int]:
        # The folder itself is the user's to name, also by a link.
        try:
            handle = os.open(self.root, _FOLDER & ~os.O_NOFOLLOW)
        except OSError:
            raise Damaged("the folder of outputs cannot be read") from None
        try:
            for name in place:
                if not _is_name(name) or name not in os.listdir(handle):
                    raise Absent("there is nothing of this name")
                inner = _open(name, _FOLDER, handle)
                os.close(handle)
                handle = inner
            yield handle
        finally:
            os.close(handle)


def _is_name(name: str) -> bool:
    """Whether a folder's entry is one that is served: plain text, and not hidden."""
    return bool(name) and name.isprintable() and not name.startswith(".") and "\\" not in name


def _holds(folder: int, name: str, marks: Place) -> bool:
    try:
        with _opened(name, _FOLDER, folder) as inner:
            found = os.listdir(inner)
    except (Absent, Damaged):
        return False
    return all(mark in found for mark in marks)


@contextmanager
def _opened(name: str, flags: int, folder: int) -> Iterator[int]:
    handle = _open(name, flags, folder)
    try:
        yield handle
    finally:
        os.close(handle)


def _open(name: str, flags: int, folder: int) -> int:
    """Open an entry of a folder, whose name came from its listing or is a constant."""
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno in _GONE:
            raise Absent(f"{name} is not there") from None
        raise Damaged(f"{name} cannot be read") from None


def _signature(found: os.stat_result) -> tuple[int, ...]:
    # Not the time of the inode's change: a file that is linked into a new folder is the same.
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
