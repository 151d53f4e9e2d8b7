"""What is installed, as ``pip freeze`` writes it."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["installed_packages"]


def installed_packages() -> str:
    """One ``name==version`` a line, sorted; of a package found twice, the one that is imported.

    Names and versions are read off the ``.dist-info`` folders: parsing the metadata of every
    package takes longer than a backtest.
    """
    found: dict[str, str] = {}
    for place in sys.path:
        for folder in sorted(Path(place).glob("*.dist-info")) if place else ():
            name, _, version = folder.name.removesuffix(".dist-info").rpartition("-")
            found.setdefault(name.lower(), f"{name}=={version}")
    return "".join(f"{found[name]}\n" for name in sorted(found))
