"""The paper account's positions and value, replayed from its ledger."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from feeds.errors import UserError
from runs.api_folders import Absent, Damaged

__all__ = ["ledger_signature", "read_portfolio"]


def ledger_signature(path: Path) -> tuple[object, ...]:
    """What changes whenever something is booked; the log beside the file is part of it.

    Raises
    ------
    Absent
        If there is no such file.
    """
    found: list[object] = ["ledger"]
    for place in (path, path.with_name(f"{path.name}-wal")):
        try:
            stat = os.stat(place)
        except FileNotFoundError:
            if place == path:
                raise Absent("there is no ledger of a paper account") from None
            found.append(None)
        except OSError:
            raise Damaged("the ledger cannot be read") from None
        else:
            found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
    return tuple(found)


def read_portfolio(path: Path) -> dict[str, Any]:
    """Positions in printed shares, cash and value as of the last bar that was booked."""
    raise NotImplementedError
