"""The log of what was found and changed in bars: one row a bar, with the place it came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from feeds.bar_table import BarTable

__all__ = ["REPAIR_COLUMNS", "LogPart", "RepairLog"]

#: `fault` is the class, `action` what was done: ``drop`` (the row is gone), ``repair`` (the cell
#: `column` was `before` and is `after`), ``flag`` (left as it is) or ``missing`` (a session
#: without a row). `file` and `line` say where the row stood; empty where it came over a network.
REPAIR_COLUMNS = (
    "symbol", "date", "fault", "action", "column", "before", "after", "file", "line",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class LogPart:
    """K rows of a log, of one fault, action and column.

    Parameters
    ----------
    symbol, file : (K,) object arrays
    date : (K,) datetime64[s] array
    before, after : (K,) float64 arrays
    line : (K,) int64 array
    fault, action, column : str
    """

    symbol: np.ndarray
    date: np.ndarray
    fault: str
    action: str
    column: str
    before: np.ndarray
    after: np.ndarray
    file: np.ndarray
    line: np.ndarray

    def __len__(self) -> int:
        return len(self.symbol)

    def take(self, rows: np.ndarray, action: str | None = None) -> LogPart:
        """Some rows, by mask or position, with another action where one is given."""
        names = ("symbol", "date", "before", "after", "file", "line")
        own = {name: getattr(self, name)[rows] for name in names}
        return replace(self, **own, action=action or self.action)


@dataclass
class RepairLog:
    """Collects columns; a row is dropped at most once, and may be repaired several times."""

    parts: list[LogPart] = field(default_factory=list)

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
        none = np.full(len(rows), np.nan)
        self.parts.append(
            LogPart(
                names[table.code[rows]],
                table.time[rows],
                fault,
                action,
                column,
                none if before is None else np.asarray(before, dtype=np.float64),
                none if after is None else np.asarray(after, dtype=np.float64),
                files[table.file[rows]],
                table.line[rows],
            )
        )

    def add_missing(self, symbols: np.ndarray, times: np.ndarray, fault: str) -> None:
        """Note sessions, (K,) symbols and datetime64, on which there is no row."""
        count = len(symbols)
        if count:
            none, nowhere = np.full(count, np.nan), np.full(count, "", dtype=object)
            names, stamps = np.asarray(symbols, dtype=object), times.astype("datetime64[s]")
            line = np.zeros(count, dtype=np.int64)
            self.parts.append(
                LogPart(names, stamps, fault, "missing", "", none, none, nowhere, line)
            )

    def extend(self, logs: Iterable[RepairLog]) -> None:
        """Take over what other logs hold."""
        for log in logs:
            self.parts += log.parts

    def table(self) -> pd.DataFrame:
        """All rows, :data:`REPAIR_COLUMNS`, by symbol and date and then as they were noted."""
        if not self.parts:
            return pd.DataFrame(columns=list(REPAIR_COLUMNS))
        rows = pd.DataFrame({name: self._column(name) for name in REPAIR_COLUMNS})
        return rows.sort_values(["symbol", "date"], kind="stable", ignore_index=True)

    def counts(self) -> dict[tuple[str, str], int]:
        """Number of rows by fault and action, in alphabetical order."""
        totals: dict[tuple[str, str], int] = {}
        for part in self.parts:
            key = part.fault, part.action
            totals[key] = totals.get(key, 0) + len(part)
        return dict(sorted(totals.items()))

    def _column(self, name: str) -> np.ndarray:
        """All parts' values of one column; what is one value a part is repeated."""
        values = [getattr(part, name) for part in self.parts]
        if name in ("fault", "action", "column"):
            return np.repeat(np.array(values, dtype=object), [len(part) for part in self.parts])
        return np.concatenate(values)
