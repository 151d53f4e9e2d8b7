"""Files that a kill or a loss of power leaves whole, or does not leave at all."""

from __future__ import annotations

import os
from pathlib import Path

from feeds.atomic import sync_path

__all__ = ["TEMPORARY", "write_durably"]

#: What names of unfinished files begin with.
TEMPORARY = ".unfinished-"


def write_durably(path: Path, content: bytes) -> None:
    """Put a file in its place in one step, on disk before it is there.

    Raises
    ------
    OSError
        If it cannot be written; what was at `path` is unharmed and nothing is left beside it.
    """
    unfinished = path.with_name(f"{TEMPORARY}{path.name}")
    try:
        with open(unfinished, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_path(path.parent)
