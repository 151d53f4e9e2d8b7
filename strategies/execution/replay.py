"""From the events of a ledger to what the paper account holds: replayed, and checked on the way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from feeds.bar_labels import bar_day
from feeds.errors import DataError
from strategies.execution.ledger import Event
from strategies.execution.traded_value import DAYS

__all__ = ["PaperBook", "replay"]

#: By how much sums may differ from what was noted, relative: rounding, not money.
_ROUNDING = 1e-9


@dataclass
class PaperBook:
    """A paper account at the close of its last bar, in printed shares and currency.

    Attributes
    ----------
    opened : mapping
        How the account began: name, data set, calendar, starting cash.
    config, config_hash : mapping, str
        Configuration of the latest epoch, without the end of its data.
    bar : str
        The last bar that was booked; empty before the first.
    cash, value, long, short, margin : float
        At its close, in currency.
    held : dict of str to float
        Signed printed shares; no zeros.
    close : mapping
        The note of the last bar: marks, tickets that wait, and what the strategy has to
        remember.
    decision, decision_bar : mapping, str
        The latest decision.
    recent : list of (str, str, str, float, float)
        Bar, reason, symbol, shares and price of the fills of the last 30 days.
    started : bool
        Whether anything was ever filled.
    marks : dict of str to mapping
        By bar, what was read of the data: raw closes, splits and dividends, and a digest; as
        last revised.
    revisions : dict of str to int
        Revisions and corrections so far, by kind and symbol, on the last bar.
    neutrality : mapping
        The note of the last bar on how far a book that is kept neutral has drifted.
    """

    opened: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    config_hash: str = ""
    bar: str = ""
    cash: float = 0.0
    value: float = 0.0
    long: float = 0.0
    short: float = 0.0
    margin: float = 0.0
    held: dict[str, float] = field(default_factory=dict)
    close: Mapping[str, Any] = field(default_factory=dict)
    decision: Mapping[str, Any] = field(default_factory=dict)
    decision_bar: str = ""
    recent: list[tuple[str, str, str, float, float]] = field(default_factory=list)
    started: bool = False
    marks: dict[str, dict[str, Any]] = field(default_factory=dict)
    revisions: dict[tuple[str, str], int] = field(default_factory=dict)
    neutrality: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Move the book by one event.

        Raises
        ------
        DataError
            If the event does not follow from what is held.
        """
        by_kind: dict[str, Callable[[Event], None]] = {
            "fill": self._fill,
            "carry": self._carry,
            "split": self._action,
            "dividend": self._action,
            "correction": self._correct,
            "revision": self._revise,
            "decision": self._decide,
            "note": self._note,
        }
        if event.kind in by_kind:
            by_kind[event.kind](event)

    def _fill(self, event: Event) -> None:
        told = event.payload
        before = self.held.get(event.symbol, 0.0)
        self._hold(event, before + told["shares"], max(abs(before), abs(told["shares"])))
        self.cash -= told["paid"]
        self.recent.append((event.bar, told["reason"], event.symbol, told["shares"], told["price"]))
        self.started = True

    def _carry(self, event: Event) -> None:
        self.cash += event.payload["amount"]

    def _action(self, event: Event) -> None:
        """A split, or a dividend that is reinvested at the close: shares change, cash does not."""
        told, before = event.payload, self.held.get(event.symbol, 0.0)
        grown = before * told["ratio"] if event.kind == "split" else before + told["shares"]
        self._hold(event, grown, abs(before))

    def _hold(self, event: Event, reckoned: float, size: float) -> None:
        """Take over the shares that an event notes, which are those reckoned but for rounding."""
        noted = event.payload["held"]
        if abs(noted - reckoned) > _ROUNDING * max(size, abs(noted)):
            raise _contradiction(event, f"{reckoned!r} shares", repr(noted))
        self.held[event.symbol] = noted
        if noted == 0:
            del self.held[event.symbol]

    def _correct(self, event: Event) -> None:
        """Shares in the units of prices that a vendor has scaled anew; tickets likewise."""
        factor = event.payload["factor"]
        self._hold(event, self.held.get(event.symbol, 0.0) * factor, abs(event.payload["held"]))
        self.close = _scaled(self.close, event.symbol, factor)
        self._count(event)

    def _revise(self, event: Event) -> None:
        column = event.payload["column"]
        for bar, (_, after) in event.payload["changes"].items():
            if column == "digest":
                self.marks[bar]["digest"] = after
            else:
                self.marks[bar][column] = {**self.marks[bar][column], event.symbol: after}
        self._count(event)

    def _count(self, event: Event) -> None:
        key = event.kind, event.symbol
        self.revisions[key] = self.revisions.get(key, 0) + 1

    def _decide(self, event: Event) -> None:
        self.decision, self.decision_bar = event.payload, event.bar

    def _note(self, event: Event) -> None:
        told = event.payload
        if told["note"] == "opened":
            self.opened = {name: told[name] for name in told if name not in ("config",)}
            self.cash = self.value = told["starting_cash"]
        if told["note"] in ("opened", "epoch"):
            self.config, self.config_hash = told["config"], told["config_hash"]
        if told["note"] == "neutrality":
            self.neutrality = told
        if told["note"] == "close":
            self._settle(event)

    def _settle(self, event: Event) -> None:
        told = event.payload
        worth = max(abs(told["cash"]), told["long"] - told["short"], 1.0)
        if abs(told["cash"] - self.cash) > _ROUNDING * worth:
            raise _contradiction(event, f"cash of {self.cash!r}", repr(told["cash"]))
        if abs(told["cash"] + told["long"] + told["short"] - told["value"]) > _ROUNDING * worth:
            raise _contradiction(event, "cash and holdings", f"a value of {told['value']!r}")
        self.bar, self.close = event.bar, told
        for name in ("cash", "value", "long", "short", "margin"):
            setattr(self, name, told[name])
        self.marks[event.bar] = {name: told[name] for name in ("closes", "steps", "digest")}
        self.revisions = {}
        oldest = str(bar_day(event.bar) - dt.timedelta(days=DAYS + 1))
        self.recent = [fill for fill in self.recent if fill[0] >= oldest]


def replay(events: Iterable[Event]) -> PaperBook:
    """What an account holds after its events.

    Cash is moved by what each fill paid and each carry brought, shares by fills, splits,
    dividends and corrections; every bar's note of cash and value is held against the sums.

    Raises
    ------
    DataError
        If the sums differ from what was noted by more than rounding, naming bar and event.
    """
    book = PaperBook()
    for event in events:
        book.apply(event)
    return book


def _scaled(close: Mapping[str, Any], symbol: str, factor: float) -> dict[str, Any]:
    """The note of a bar with what waits of one symbol in shares of another size."""
    told = dict(close)
    told["pending"] = [
        {
            **plan,
            "tickets": {
                name: [part * factor for part in ticket] if name == symbol else ticket
                for name, ticket in plan["tickets"].items()
            },
        }
        for plan in close["pending"]
    ]
    told["lots"] = {
        name: lot * factor if name == symbol else lot for name, lot in close["lots"].items()
    }
    if close["spread"] is not None and symbol in close["spread"]["tickets"]:
        start, goal, parts = close["spread"]["tickets"][symbol]
        tickets = {**close["spread"]["tickets"], symbol: [start * factor, goal * factor, parts]}
        told["spread"] = {**close["spread"], "tickets": tickets}
    if close["stops"] is not None and symbol in close["stops"]:
        stop = dict(close["stops"][symbol])
        stop["size"] *= factor
        for name in ("entry", "best"):
            stop[name] = None if stop[name] is None else stop[name] / factor
        told["stops"] = {**close["stops"], symbol: stop}
    return told


def _contradiction(event: Event, reckoned: str, noted: str) -> DataError:
    about = f" of {event.symbol}" if event.symbol else ""
    return DataError(
        f"the ledger contradicts itself on {event.bar}: {event.kind}{about} leaves {reckoned}, "
        f"noted is {noted}",
        "restore the ledger from a copy: it was changed by something else",
    )
