"""What a run was made with: packages, versions and files."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runs.assemble import Study

__all__ = ["installed_packages", "provenance"]


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


def provenance(study: Study) -> dict[str, Any]:
    """Hashes of the files that a study read, and versions of what computed with them."""
    import backtrader
    import numpy as np
    import pandas as pd

    return {
        "data": {"dir": study.config.data.dir, "files": dict(sorted(study.data.hashes.items()))},
        "versions": {
            "python": platform.python_version(),
            "backtrader": backtrader.__version__,
            "numpy": np.__version__,
            "pandas": pd.__version__,
        },
    }
