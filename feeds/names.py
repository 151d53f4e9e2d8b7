"""Names that files may give, and how a value is shown in a message."""

from __future__ import annotations

import re
from pathlib import Path

from feeds.errors import DataError

__all__ = ["check_symbol", "is_symbol", "path_name", "shown", "stem"]

# A symbol names columns and files of a data set: it must not be a path, a formula or blank.
_SYMBOL = re.compile(r"[A-Za-z0-9^$][A-Za-z0-9._=^&$+-]{0,39}")
_LONGEST_SHOWN = 40


def is_symbol(text: str) -> bool:
    """Whether a text can be a symbol; the tables of a data set have a column date beside them."""
    return text != "date" and _SYMBOL.fullmatch(text) is not None


def check_symbol(text: str, place: str, remedy: str = "") -> None:
    """Refuse what cannot be a symbol.

    Raises
    ------
    DataError
        Naming it and its place.
    """
    if not is_symbol(text):
        problem = f"symbol {shown(text)} cannot be a name" if text else "symbol is empty"
        raise DataError(
            f"{place}: {problem}",
            remedy or "write symbols in letters, digits and . _ = ^ & $ + -, at most 40",
        )


def path_name(path: Path) -> str:
    """A path for a message: marks that cannot be printed are spelt out."""
    return str(path) if str(path).isprintable() else ascii(str(path))


def stem(path: Path) -> str:
    """The file's name without what tells its kind: AAPL of AAPL.csv.gz."""
    name = path.name
    for ending in (".gz", ".csv", ".txt", ".parquet"):
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
    return name


def shown(value: str) -> str:
    """A value for a message: on one line, marks that cannot be seen spelt out, never long."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
