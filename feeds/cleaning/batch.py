"""The bars of one asset class on their way through the checks."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace

import numpy as np

from feeds.bar_table import BarTable
from feeds.cleaning.rules import ClassRules, CleaningRules
from feeds.repairs import RepairLog

__all__ = ["HARMLESS", "STATE", "Batch"]

#: Rows that are dropped for these are no loss of data.
HARMLESS = (
    "duplicate", "conflict", "future_bar", "unclosed_bar", "closed_day", "placeholder",
    "carried", "stale", "zero_volume",
)  # fmt: skip

#: What is known of each row beside its bar.
STATE = ("series", "gone", "factor", "adjusted", "bridge", "accepted", "moved", "doubt", "seen")


@dataclass
class Batch:
    """Rows of series of one asset class and interval, and what became of them.

    Parameters
    ----------
    table : BarTable
        Sorted from the check of times on.
    asset_class : str
    rules : CleaningRules
    listed, daily : bool
        Whether the exchange's sessions bound them; whether a bar is a day.
    series : (M,) int32 array
        Number of the row's series, increasing: a symbol is several where its ticker was reused.
    gone : (M,) bool array
        Rows that are dropped when the batch is settled.
    factor : (M,) float64 array
        Log of the value that one share of the first row has grown to by splits and dividends,
        as the source says, and by repairs.
    adjusted : (M,) bool array
        Rows whose events are told by a vendor's adjusted close.
    bridge : (M,) float64 array
        The split ratio that a repair put on such a row; NaN where none did.
    accepted : (M,) bool array
        Rows whose leap is known to be real.
    moved : (M,) bool array
        Rows whose leap was found to be real.
    doubt : (M,) float64 array
        The split ratio that prices show where volume is not known; 1 without.
    seen : (M,) int64 array
        Session up to which stale rows before the row show that the series went on; 0 without.
    log : RepairLog
    refused : dict
        Symbol to the reason.
    lost : (S,) int64 array
        Faulty rows of each symbol.
    leaps : dict
        Symbol to the stamps on which a leap in its price began.
    bridged : bool
        Whether a repair is in the columns of events.
    """

    table: BarTable
    asset_class: str
    rules: CleaningRules
    listed: bool
    daily: bool
    series: np.ndarray = field(init=False)
    gone: np.ndarray = field(init=False)
    factor: np.ndarray = field(init=False)
    adjusted: np.ndarray = field(init=False)
    bridge: np.ndarray = field(init=False)
    accepted: np.ndarray = field(init=False)
    moved: np.ndarray = field(init=False)
    doubt: np.ndarray = field(init=False)
    seen: np.ndarray = field(init=False)
    log: RepairLog = field(default_factory=RepairLog)
    refused: dict[str, str] = field(default_factory=dict)
    lost: np.ndarray = field(init=False)
    leaps: dict[str, set[int]] = field(default_factory=dict)
    bridged: bool = False

    def __post_init__(self) -> None:
        rows = len(self.table)
        self.series = self.table.code
        self.gone = np.zeros(rows, dtype=bool)
        self.factor = np.zeros(rows)
        self.adjusted = np.zeros(rows, dtype=bool)
        self.bridge = np.full(rows, np.nan)
        self.accepted = np.zeros(rows, dtype=bool)
        self.moved = np.zeros(rows, dtype=bool)
        self.doubt = np.ones(rows)
        self.seen = np.zeros(rows, dtype=np.int64)
        self.lost = np.zeros(len(self.table.symbols), dtype=np.int64)

    @property
    def limits(self) -> ClassRules:
        """Thresholds of the class."""
        return self.rules.of(self.asset_class)

    def action(self, fault: str) -> str:
        """What is done about a fault here."""
        return self.rules.action(fault, self.asset_class)

    def starts(self) -> np.ndarray:
        """(M,) bool array: whether a row is the first of its series."""
        first = np.empty(len(self.series), dtype=bool)
        first[:1] = True
        np.not_equal(self.series[1:], self.series[:-1], out=first[1:])
        return first

    def find(
        self,
        fault: str,
        rows: np.ndarray,
        column: str = "",
        before: np.ndarray | None = None,
        after: np.ndarray | None = None,
    ) -> str:
        """Do about rows (mask or positions) what the rules say, as far as that is generic.

        Rows are dropped or noted here, their symbols refused; a repair is noted, and made by
        whoever asks. The action is returned, ``off`` also where there is no row.
        """
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        action = self.action(fault)
        if len(rows) and (here := ~self.gone[rows]).sum() < len(rows):
            rows = rows[here]
            before, after = (None if v is None else v[here] for v in (before, after))
        if not len(rows) or action == "off":
            return "off"
        if action == "refuse":
            self.refuse(fault, rows)
        elif action.startswith("drop"):
            self.drop(fault, rows, before, after)
        else:
            kind = "repair" if action == "repair" else "flag"
            self.log.add(self.table, rows, fault, kind, column, before, after)
        return action

    def drop(
        self,
        fault: str,
        rows: np.ndarray,
        before: np.ndarray | None = None,
        after: np.ndarray | None = None,
    ) -> None:
        """Drop positions, and count them unless that is no loss."""
        self.log.add(self.table, rows, fault, "drop", "", before, after)
        self.gone[rows] = True
        if fault not in HARMLESS:
            self.lost += np.bincount(self.table.code[rows], minlength=len(self.lost))

    def refuse(self, fault: str, rows: np.ndarray, remedy: str = "") -> None:
        """Refuse the symbols of these positions, naming the first row of each."""
        codes, first, counts = np.unique(
            self.table.code[rows], return_index=True, return_counts=True
        )
        for code, row, count in zip(codes, rows[first], counts):
            more = f" and {count - 1} more" if count > 1 else ""
            remedy_text = remedy or f"mend the rows, or set {fault} to another action"
            self.refused.setdefault(
                self.table.symbols[code],
                f"{fault} on {self.day(row)}{self.place(row)}{more}; {remedy_text}",
            )
        self.log.add(self.table, rows, fault, "flag")

    def day(self, row: int) -> str:
        """Stamp of a row, as text."""
        text = str(self.table.time[row])
        return text.removesuffix("T00:00:00")

    def place(self, row: int) -> str:
        """File and line of a row, in brackets; empty where it came over a network."""
        if self.table.file[row] < 0:
            return ""
        return f" ({self.table.files[self.table.file[row]]}, line {self.table.line[row]})"

    def take(self, rows: np.ndarray) -> Batch:
        """Some rows as a batch that shares log, refusals and counts."""
        part = copy.copy(self)
        part.table = self.table.take(rows)
        for name in STATE:
            setattr(part, name, getattr(self, name)[rows])
        return part

    def settle(self) -> Batch:
        """Let go of the rows that are gone, column by column: two copies of all take room."""
        if not self.gone.any():
            return self
        kept = ~self.gone
        old = dict(self.table.columns)
        rest = replace(self.table, columns={})
        self.table = rest
        columns = {name: old.pop(name)[kept] for name in list(old)}
        self.table = replace(rest.take(kept), columns=columns)
        for name in STATE:
            setattr(self, name, getattr(self, name)[kept])
        return self
