"""The report of an ingest: what came in, what was done to it, and what went out, by symbol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from feeds.filings.table import FilingReport
from feeds.repairs import RepairLog

__all__ = ["IngestReport"]

_Found = Mapping[str, Mapping[str, Mapping[str, int]]]


@dataclass
class IngestReport:
    """Counts of rows by symbol, and why a symbol is not in the set.

    For every symbol ``rows in = rows out + dropped + refused``, where a refused symbol's rows
    are all refused.

    Parameters
    ----------
    rows_in, rows_out : dict of str to int
        Bars read and bars kept, by symbol.
    refused : dict of str to str
        Why a symbol was left out whole.
    status : dict of str to dict
        What became of the fetch, by symbol: plain data.
    spans : dict of str to (str, str)
        First and last date kept.
    notes : dict of str to tuple of str
        What a user should know of a series.
    readings : list of dict
        What was found out about each file that was read.
    parents : dict of str to str
        Of a series that began when a ticker was reused: the symbol its rows came with.
    filings : FilingReport, optional
        What became of a file of filings.
    day_labels : dict of str to dict
        What came of holding a series against its reference.
    membership : tuple of (int, str, str)
        Line, symbol and what was done about it, of a file of members.
    figures : dict
        What became of files of daily figures: plain data.
    log : RepairLog
        Every finding in bars, under the symbols that the rows came with.
    """

    rows_in: dict[str, int] = field(default_factory=dict)
    rows_out: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    status: dict[str, dict[str, Any]] = field(default_factory=dict)
    spans: dict[str, tuple[str, str]] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    readings: list[dict[str, Any]] = field(default_factory=list)
    parents: dict[str, str] = field(default_factory=dict)
    filings: FilingReport | None = None
    day_labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    membership: tuple[tuple[int, str, str], ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    log: RepairLog = field(default_factory=RepairLog)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for report.json, symbols in alphabetical order."""
        found = self._found()
        names = sorted({*self.rows_in, *self.rows_out, *self.status, *self.refused})
        symbols = {name: self._symbol(name, found.get(name, {})) for name in names}
        told: dict[str, Any] = {
            "totals": self._totals(found),
            "files": self.readings,
            "symbols": symbols,
        }
        if self.day_labels:
            told["day_labels"] = self.day_labels
        if self.membership:
            told["membership"] = [list(finding) for finding in self.membership]
        if self.figures:
            told["figures"] = self.figures
        return told if self.filings is None else {**told, "filings": self.filings.as_dict()}

    def faults(self) -> dict[str, dict[str, int]]:
        """Bars by fault and action."""
        faults: dict[str, dict[str, int]] = {}
        for (fault, action), count in self.log.counts().items():
            faults.setdefault(fault, {})[action] = count
        return faults

    def _totals(self, found: _Found) -> dict[str, Any]:
        """Rows of all symbols together, and the findings by fault and action."""
        dropped = sum(
            actions.get("drop", 0)
            for name, own in found.items()
            if name not in self.refused
            for actions in own.values()
        )
        return {
            "rows_in": sum(self.rows_in.values()),
            "rows_out": sum(self.rows_out.values()),
            "rows_dropped": dropped,
            "rows_refused": sum(self.rows_in.get(name, 0) for name in self.refused),
            "symbols": len(self.rows_out),
            "symbols_refused": len(self.refused),
            "faults": self.faults(),
        }

    def _symbol(self, name: str, found: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
        first, last = self.spans.get(name, (None, None))
        told: dict[str, Any] = {
            "rows_in": self.rows_in.get(name, 0),
            "rows": self.rows_out.get(name, 0),
            "start": first,
            "end": last,
            "faults": found,
        }
        if name in self.parents:
            told["rows_in_of"] = self.parents[name]
        if name in self.status:
            told["fetch"] = self.status[name]
        if name in self.refused:
            told["refused"] = self.refused[name]
        if self.notes.get(name):
            told["notes"] = list(self.notes[name])
        return told

    def _found(self) -> _Found:
        """Findings by symbol, fault and action."""
        out: dict[str, dict[str, dict[str, int]]] = {}
        rows = self.log.table()
        if len(rows):
            counts = rows.groupby(["symbol", "fault", "action"], sort=True).size()
            for (symbol, fault, action), count in counts.items():
                out.setdefault(symbol, {}).setdefault(fault, {})[action] = int(count)
        return out
