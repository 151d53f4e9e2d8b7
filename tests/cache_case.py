"""What the tests of the cache share: a set's content as bytes, damage, and processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from feeds.store import load_dataset

FIELDS = ("dates", "open", "high", "low", "close", "volume", "split_factor", "dividend_factor")
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def content(folder: Path) -> dict[str, bytes]:
    """What a load gives, as bytes, so that nothing of it stays mapped."""
    panel = load_dataset(folder).panel
    names = (*FIELDS, "tradable", "member", "close_only", "assets", "end_reason")
    return {name: np.ascontiguousarray(getattr(panel, name)).tobytes() for name in names}


def caches(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / ".cache").iterdir())


def made_cache(folder: Path) -> Path:
    content(folder)
    (name,) = caches(folder)
    return folder / ".cache" / name


def cut(path: Path, size: int) -> None:
    replace(path, lambda old: old[:size])


def replace(path: Path, change: Callable[[bytes], bytes]) -> None:
    """By a new file: the old one may be mapped."""
    made = change(path.read_bytes())
    path.unlink()
    path.write_bytes(made)


def in_child(work: Callable[[], None]) -> int:
    """Exit code of the work in a process of its own; negative for a signal."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def dead_process() -> int:
    child = multiprocessing.get_context("spawn").Process(target=int)
    child.start()
    child.join()
    return child.pid
