"""A live session's ledger beside the same bars booked anew: each difference, and why it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from runs.live_book import neutral_bar
from runs.live_study import LiveStudy
from runs.paper_account import bring_up_to_date
from runs.parity import Reasons
from strategies.execution.ledger import Event

__all__ = ["COLUMNS", "booked_anew", "live_parity"]

#: Of the table of differences.
COLUMNS = ("date", "what", "symbol", "paper", "anew", "difference", "reason")
#: Money that differs by less is the same, in currency; weights, as a share of NAV.
_CENT, _SAME_WEIGHT = 0.005, 1e-12


class _Memory:
    """Stands where a ledger does, and keeps nothing on disk."""

    def __init__(self) -> None:
        self.path, self._events = Path("the bars booked anew"), []

    def events(self) -> list[Event]:
        return self._events

    def append(self, events: Iterable[Event]) -> list[Event]:
        added = list(events)
        self._events += added
        return added


def booked_anew(live: LiveStudy, first: str) -> list[Event]:
    """The events of a session over the bars of a study, from a bar on, by today's configuration.

    Parameters
    ----------
    live : LiveStudy
        All rows from `first` on are scored.
    first : str
        Name of the first bar, as ``2026-01-05T14:00Z``.
    """
    memory = _Memory()
    bring_up_to_date(memory, live, first.removesuffix(":00Z"), events_of=neutral_bar)
    return memory.events()


def live_parity(
    live: LiveStudy, events: Sequence[Event]
) -> tuple[list[tuple[Any, ...]], dict[str, Any]]:
    """Compare a ledger with the same bars booked anew on the data of today.

    Parameters
    ----------
    live : LiveStudy
        Up to the ledger's last bar, all rows from its first on scored.
    events : sequence of Event
        Of the ledger.

    Returns
    -------
    rows : list of tuple
        :data:`COLUMNS`, in order of time; ``what`` is weight, fill (signed money paid for
        assets and commission), carry or value. A difference that nothing in the ledger accounts
        for has the reason ``unexplained``.
    summary : dict
        Counts of what was compared and of what differs.
    """
    anew = booked_anew(live, events[0].bar)
    reasons = Reasons(live, events)
    rows = []
    for what, found_in in _WHAT.items():
        one, two = found_in(events), found_in(anew)
        least = _SAME_WEIGHT if what == "weight" else _CENT
        for key in sorted({*one, *two}):
            paper, other = one.get(key, 0.0), two.get(key, 0.0)
            if abs(paper - other) > least:
                date, symbol = key[:2]
                why = reasons.of(date, what, symbol)
                rows.append((date, what, symbol, paper, other, paper - other, why))
    rows.sort(key=lambda row: row[:3])
    values = [list(_values(some).values()) for some in (events, anew)]
    kinds = [event.kind for event in events]
    summary = {
        "compared_with": "the same bars booked anew on the data and configuration of today",
        "start": events[0].bar,
        "end": events[-1].bar,
        "decisions": kinds.count("decision"),
        "late_decisions": len(reasons.late),
        "fills": kinds.count("fill"),
        "fills_anew": sum(event.kind == "fill" for event in anew),
        "bars": len(values[0]),
        "differences": len(rows),
        "unexplained": sum(row[-1] == "unexplained" for row in rows),
        "final_value": values[0][-1],
        "final_value_anew": values[1][-1],
        "revised_symbols": sorted(reasons.revised),
        "corrected_symbols": sorted(reasons.corrected),
        "configuration_changes": sorted(set().union(*reasons.changed.values())),
    }
    return rows, summary


def _weights(events: Sequence[Event]) -> dict[tuple[str, ...], float]:
    return {
        (event.bar, symbol): weight
        for event in events
        if event.kind == "decision"
        for symbol, weight in event.payload["weights"].items()
    }


def _summed(events: Sequence[Event], kind: str, amount: str) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for event in events:
        if event.kind == kind:
            told: Mapping[str, Any] = event.payload
            key = event.bar, event.symbol, told.get("decided") or "", told.get("reason") or ""
            found[key] = found.get(key, 0.0) + told[amount]
    return found


def _values(events: Sequence[Event]) -> dict[tuple[str, ...], float]:
    return {
        (event.bar, ""): event.payload["value"]
        for event in events
        if event.kind == "note" and event.payload["note"] == "close"
    }


_WHAT = {
    "weight": _weights,
    "fill": lambda events: _summed(events, "fill", "paid"),
    "carry": lambda events: _summed(events, "carry", "amount"),
    "value": _values,
}
