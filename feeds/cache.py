"""Aligned arrays on disk, memory-mapped: what makes the second load of a data set fast."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Aligned", "cache_key", "load_cached", "save_cached"]

#: Raised whenever the arrays or their meaning change, so that old caches are not read.
FORMAT = 2
_FOLDER = ".cache"


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
    """Name of the cache of a content hash on a calendar; the content comes first."""
    return f"{content[:20]}-{calendar.replace('/', '')}-{FORMAT}"


def load_cached(folder: Path, key: str) -> Aligned | None:
    """The cached arrays, mapped read-only, or None where there is no readable cache."""
    path = folder / _FOLDER / key
    try:
        meta = json.loads((path / "meta.json").read_text(encoding="utf-8"))
        arrays = {
            name: np.load(path / f"{name}.npy", mmap_mode="r", allow_pickle=False).view(np.ndarray)
            for name in meta["arrays"]
        }
        return Aligned(arrays, tuple(meta["ones"]), meta["meta"])
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def save_cached(folder: Path, key: str, aligned: Aligned) -> bool:
    """Store the arrays; False where the folder cannot be written, which is no error.

    Built beside its place and renamed into it, so that a reader finds all of it or nothing.
    Caches of other contents are removed.
    """
    root = folder / _FOLDER
    building = root / f"building-{os.getpid()}"
    try:
        building.mkdir(parents=True)
        for name, array in aligned.arrays.items():
            np.save(building / f"{name}.npy", array, allow_pickle=False)
        meta = {"arrays": list(aligned.arrays), "ones": list(aligned.ones), "meta": aligned.meta}
        (building / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
        if (root / key).exists():
            # Only a damaged cache is built again.
            shutil.rmtree(root / key, ignore_errors=True)
        os.rename(building, root / key)
        for other in root.iterdir():
            if not other.name.startswith((key.split("-")[0], "building-")):
                shutil.rmtree(other, ignore_errors=True)
        return True
    except OSError:
        # Read-only, full, or another process was first: the arrays in memory serve as well.
        shutil.rmtree(building, ignore_errors=True)
        return False
