"""What a live session is doing, in one small file that is old or new, never half written."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feeds.atomic import sync_path
from feeds.errors import OutputError

__all__ = ["STATUS", "write_status"]

#: Name of the file, in the folder of the signals.
STATUS = "status.json"


def write_status(folder: Path, told: Mapping[str, Any]) -> None:
    """Replace the status of a folder of signals.

    Raises
    ------
    OutputError
        If it cannot be written; the file is then as it was.
    """
    # Beside the folder, which is replaced as a whole and holds nothing that it does not know.
    draft = folder.parent / f".{folder.name}.status"
    text = json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        draft.write_text(text, encoding="utf-8")
        sync_path(draft)
        os.replace(draft, folder / STATUS)
        sync_path(folder)
    except OSError as error:
        raise OutputError(
            f"cannot write {folder / STATUS}: {error.strerror or error}",
            "make room, or name another folder with --out",
        ) from None
