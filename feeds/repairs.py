"""The log of what was found and changed in bars: one row a bar, with the place it came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from feeds.bar_table import BarTable

__all__ = ["REPAIR_COLUMNS", "RepairLog"]

#: `fault` is the class, `action` what was done: ``drop`` (the row is gone), ``repair`` (the cell
#: `column` was `before` and is `after`), ``flag`` (left as it is) or ``missing`` (a session
#: without a row). `file` and `line` say where the row stood; empty where it came over a network.
REPAIR_COLUMNS = (
    "symbol", "date", "fault", "action", "column", "before", "after", "file", "line",
)  # fmt: skip


@dataclass
class RepairLog:
    """Collects columns; a row is dropped at most once, and may be repaired several times."""

    parts: list[pd.DataFrame] = field(default_factory=list)

    def add(
        self,
        table: BarTable,
        rows: np.ndarray,
        fault: str,
        action: str,
        column: str = "",
        before: np.ndarray | None = None,
        after: np.ndarray | None = None,
    ) -> None:
        """Note rows of `table`, given by mask or position; `before` and `after` one a row."""
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        if not len(rows):
            return
        names = np.array(table.symbols, dtype=object)
        files = np.array([*table.files, ""], dtype=object)
        self._append(
            names[table.code[rows]], table.time[rows], fault, action, column,
            np.nan if before is None else before, np.nan if after is None else after,
            files[table.file[rows]], table.line[rows],
        )  # fmt: skip

    def add_missing(self, symbols: np.ndarray, times: np.ndarray, fault: str) -> None:
        """Note sessions, (K,) symbols and datetime64, on which there is no row."""
        if len(symbols):
            self._append(symbols, times, fault, "missing", "", np.nan, np.nan, "", 0)

    def note(
        self,
        symbols: np.ndarray,
        times: np.ndarray,
        fault: str,
        action: str,
        column: str = "",
        before: np.ndarray | float = np.nan,
        after: np.ndarray | float = np.nan,
        file: str = "",
        line: np.ndarray | int = 0,
    ) -> None:
        """Note rows of a table that holds no bars, such as filings: (K,) arrays or one for all."""
        if len(symbols):
            self._append(symbols, times, fault, action, column, before, after, file, line)

    def extend(self, logs: Iterable[RepairLog]) -> None:
        """Take over what other logs hold."""
        for log in logs:
            self.parts += log.parts

    def table(self) -> pd.DataFrame:
        """All rows, :data:`REPAIR_COLUMNS`, by symbol and date and then as they were noted."""
        if not self.parts:
            return pd.DataFrame(columns=list(REPAIR_COLUMNS))
        rows = pd.concat(self.parts, ignore_index=True)
        return rows.sort_values(["symbol", "date"], kind="stable", ignore_index=True)

    def counts(self) -> dict[tuple[str, str], int]:
        """Number of rows by fault and action, in alphabetical order."""
        totals: dict[tuple[str, str], int] = {}
        for part in self.parts:
            key = str(part["fault"].iloc[0]), str(part["action"].iloc[0])
            totals[key] = totals.get(key, 0) + len(part)
        return dict(sorted(totals.items()))

    def _append(self, *cells: object) -> None:
        self.parts.append(pd.DataFrame(dict(zip(REPAIR_COLUMNS, cells))))
