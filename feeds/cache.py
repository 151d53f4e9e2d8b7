"""Aligned arrays on disk, memory-mapped: what makes the second load of a data set fast.

A cache is a folder that is built beside its place and renamed into it, so that a reader finds
all of it or nothing, whoever else reads, builds or is killed meanwhile. What the arrays depend
on is in its name: the content of the data set, the calendar, and the code and the holiday
tables that they were made with.
"""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import json
import mmap
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from feeds.atomic import is_alive, sync_tree

__all__ = ["Aligned", "Building", "building_cache", "cache_key", "load_cached"]

#: Raised whenever the files or their meaning change, so that old caches are not read.
FORMAT = 4
FOLDER = ".cache"
_BUILDING = "building-"
_NUMBERS = itertools.count()
#: What this process builds: its threads build side by side.
_OWN: set[Path] = set()
#: Bytes of files, arrays among them, that may be resident while arrays are filled.
_RESIDENT = 160 * 2**20
#: Bytes that are written at a time: a few pages. What is written in larger pieces, some systems map
#: in larger pieces too, which would bring in all of an array for some columns of it.
_PIECE = 1 << 15
#: What makes the arrays.
_CODE = (
    "adjustment", "bar_table", "blocks", "calendars", "daily_figures", "figures",
    "filings/figures", "filings/trailing", "folding", "fundamentals", "price_files",
    "set_tables", "spells",
)  # fmt: skip
#: Where the sessions of XNYS come from.
_HOLIDAYS = ("exchange_calendar_xnys.py", "us_holidays.py")


@dataclass(frozen=True)
class Aligned:
    """Arrays of one data set on one calendar, and what describes them.

    Parameters
    ----------
    arrays : dict of str to array
        (T,), (T, N) and (T, R) arrays by name.
    ones : tuple of str
        Names of (T, N) arrays that are 1 throughout and are not stored.
    meta : dict
        Plain data: assets, classes, the next session and so on.
    """

    arrays: dict[str, np.ndarray]
    ones: tuple[str, ...]
    meta: dict[str, Any]


def cache_key(content: str, calendar: str) -> str:
    """Name of the cache of a content hash on a calendar; what is before the dash is common to
    all calendars."""
    made_with = hashlib.sha256(f"{content} {FORMAT} ".encode())
    for path in _definitions():
        try:
            made_with.update(path.read_bytes())
        except OSError:
            # Run from an archive, or without the library: FORMAT alone must serve.
            made_with.update(path.name.encode())
    return f"{made_with.hexdigest()[:20]}-{calendar.replace('/', '')}"


def load_cached(folder: Path, key: str) -> Aligned | None:
    """The cached arrays, mapped read-only, or None where there is no sound cache.

    Sound means that the description is whole and each file has the size, type and shape that
    it promises. The numbers themselves are not read: that is what makes it fast.
    """
    path = folder / FOLDER / key
    try:
        digest, _, text = (path / "meta.json").read_bytes().partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() != digest:
            return None
        meta = json.loads(text)
        arrays = {name: _mapped(path, name, *form) for name, form in meta["arrays"].items()}
        return Aligned(arrays, tuple(meta["ones"]), meta["meta"])
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


class Building:
    """A cache on its way. Large arrays are made in their files from the start.

    Where the folder cannot be written, or is full, arrays are in memory, and nothing is kept.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._folder, self._key = folder, key
        self._root = folder / FOLDER
        self._own = self._root / f"{_BUILDING}{os.getpid()}-{next(_NUMBERS)}"
        self._place: Path | None = None
        self._made: dict[str, np.ndarray] = {}
        self._maps: list[np.memmap] = []
        self._failed = False

    def array(self, name: str, shape: tuple[int, ...], kind: Any, value: Any) -> np.ndarray:
        """An array full of a value, mapped from its file unless that cannot be."""
        try:
            path = self._started() / f"{name}.npy"
            # Written, not mapped, at first: a mapped file with holes kills the process when the
            # disk is full.
            _write_full(path, shape, np.dtype(kind), value)
            self._maps.append(np.load(path, mmap_mode="r+", allow_pickle=False))
            self._made[name] = self._maps[-1].view(np.ndarray)
            return self._made[name]
        except (OSError, ValueError):
            self._failed = True
            return np.full(shape, value, dtype=kind)

    def release(self) -> None:
        """Give back the memory of large arrays; the system holds what was written as it holds
        files, and the next touch finds it again."""
        if sum(mapped.nbytes for mapped in self._maps) > _RESIDENT and _mapped_bytes() > _RESIDENT:
            for mapped in self._maps:
                mapped._mmap.madvise(mmap.MADV_DONTNEED)

    def save(self, aligned: Aligned) -> Aligned:
        """Put the cache in its place; what a later load would give, or `aligned` itself where
        it cannot be kept, which is no error."""
        try:
            if not self._failed:
                self._write(aligned)
                # Before the new one is there: whoever is killed in between leaves the rest to
                # the next, which builds again.
                self._remove_others()
                self._publish()
                return load_cached(self._folder, self._key) or aligned
        except OSError:
            # Read-only, full, or another process was first: the arrays serve as they are.
            pass
        return aligned

    def discard(self) -> None:
        """Remove what is still under construction; arrays in use stay readable."""
        if self._place is not None:
            shutil.rmtree(self._place, ignore_errors=True)
        _OWN.discard(self._own)

    def _started(self) -> Path:
        if self._place is None:
            if self._failed:
                raise OSError("nothing can be kept")
            self._root.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(self._root)
            _OWN.add(self._own)
            self._own.mkdir()
            self._place = self._own
        return self._place

    def _write(self, aligned: Aligned) -> None:
        place = self._started()
        forms = {}
        for name, array in aligned.arrays.items():
            if self._made.get(name) is not array:
                path = place / f"{name}.npy"
                # Another array of the name may be in use, mapped from the file.
                path.unlink(missing_ok=True)
                np.save(path, array, allow_pickle=False)
            forms[name] = [array.dtype.str, list(array.shape)]
        for path in place.glob("*.npy"):
            if path.stem not in forms:
                path.unlink()
        meta = {"arrays": forms, "ones": list(aligned.ones), "meta": aligned.meta}
        text = json.dumps(meta).encode()
        digest = hashlib.sha256(text).hexdigest().encode()
        (place / "meta.json").write_bytes(digest + b"\n" + text)
        # A crash of the machine must not leave files of the right size that hold nothing.
        sync_tree(place)

    def _publish(self) -> None:
        place, final = self._started(), self._root / self._key
        if final.exists():
            if load_cached(self._folder, self._key) is not None:
                # Another process was first, and its cache is as good.
                return
            shutil.rmtree(final, ignore_errors=True)
        os.rename(place, final)
        self._place = None

    def _remove_others(self) -> None:
        """Caches of other contents, or made by other code; who reads one still can."""
        for other in self._root.iterdir():
            if other.is_dir() and not other.name.startswith((self._key.split("-")[0], _BUILDING)):
                shutil.rmtree(other, ignore_errors=True)


@contextmanager
def building_cache(folder: Path, key: str) -> Iterator[Building]:
    """A cache of a data set to be built; what is left unfinished is removed."""
    building = Building(folder, key)
    try:
        yield building
    finally:
        building.discard()


def _definitions() -> list[Path]:
    here = Path(__file__).parent
    paths = [here / f"{name}.py" for name in _CODE]
    library = importlib.util.find_spec("exchange_calendars")
    if library is not None and library.origin:
        paths += [Path(library.origin).parent / name for name in _HOLIDAYS]
    return paths


def _mapped(path: Path, name: str, kind: str, shape: list[int]) -> np.ndarray:
    file = path / f"{name}.npy"
    array = np.load(file, mmap_mode="r", allow_pickle=False)
    promised = array.dtype.str == kind and array.shape == tuple(shape)
    if not promised or file.stat().st_size != array.offset + array.nbytes:
        raise ValueError(f"{file} is not what its description says")
    return array.view(np.ndarray)


def _write_full(path: Path, shape: tuple[int, ...], kind: np.dtype, value: Any) -> None:
    """Write a .npy file of equal values.

    Raises
    ------
    OSError
        If there is no room.
    """
    size = int(np.prod(shape)) * kind.itemsize
    piece = np.full(_PIECE // kind.itemsize, value, dtype=kind).tobytes()
    with open(path, "wb") as file:
        form = {"descr": kind.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, form)
        for start in range(0, size, _PIECE):
            file.write(piece[: size - start])


def _mapped_bytes() -> int:
    """Bytes of files that are resident in this process; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[2])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * mmap.PAGESIZE


def _remove_leftovers(root: Path) -> None:
    """Remove what killed processes left; one of them may have had our number."""
    for path in root.glob(f"{_BUILDING}*"):
        process = path.name.split("-")[1]
        alive = process.isdigit() and is_alive(int(process))
        if path not in _OWN if process == str(os.getpid()) else not alive:
            shutil.rmtree(path, ignore_errors=True)
