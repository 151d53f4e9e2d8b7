"""The paper account's positions and value, replayed from its ledger."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from feeds.errors import OutputError, UserError
from runs.api_account_models import Portfolio, PortfolioValue
from runs.api_folders import Absent, Damaged

if TYPE_CHECKING:
    from strategies.execution.ledger import Event, Ledger

__all__ = ["LedgerReader", "read_portfolio"]

_VALUES = ("value", "cash", "long", "short", "margin")
#: Seconds for which a ledger that could not be read is not tried again.
_REFUSED_SECONDS = 5.0
_BY_BAR = TypeAdapter(list[PortfolioValue])


Account = tuple[dict[str, Any], list[dict[str, Any]]]
Signature = tuple[object, ...]


class LedgerReader:
    """A ledger that is replayed again whenever it has changed, and only then.

    A ledger that could not be read is not tried again for some seconds, for as long as it stays
    the same: to wait for a lock takes long, and so does a ledger that is damaged.

    Parameters
    ----------
    path : Path
        The file, which need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: tuple[Signature, Account] | None = None
        self._refused: tuple[Signature, str, float] | None = None

    def signature(self) -> Signature:
        """What changes whenever something is booked; the log beside the file is part of it.

        Raises
        ------
        Absent
            If there is no such file.
        """
        found: list[object] = ["ledger"]
        for place in (self._path, self._path.with_name(f"{self._path.name}-wal")):
            try:
                stat = os.stat(place)
            except FileNotFoundError:
                if place == self._path:
                    raise Absent("there is no ledger of a paper account") from None
                found.append(None)
            except OSError:
                raise Damaged("the ledger cannot be read") from None
            else:
                found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
        return tuple(found)

    def replayed(self, signature: Signature) -> Account:
        """As :func:`read_portfolio`, of the ledger that has this signature; one thread at a time.

        Raises
        ------
        Damaged
        """
        if self._known is not None and self._known[0] == signature:
            return self._known[1]
        if self._refused is not None:
            refused, problem, until = self._refused
            if refused == signature and time.monotonic() < until:
                raise Damaged(problem)
        try:
            found = read_portfolio(self._path)
        except Damaged as error:
            self._refused = signature, str(error), time.monotonic() + _REFUSED_SECONDS
            raise
        self._known = signature, found
        return found


def read_portfolio(path: Path) -> Account:
    """The paper account, replayed from its ledger.

    Returns
    -------
    dict
        As of the last bar that was booked: value, cash and positions in printed shares.
    list of dict
        Value, cash and exposure at the close of every bar.

    Raises
    ------
    Damaged
        If it is no ledger, is of a later version, was changed, contradicts itself or is locked.
    """
    # Only who serves a ledger needs what reads one.
    from strategies.execution.ledger import reading_ledger
    from strategies.execution.replay import replay

    try:
        with reading_ledger(path) as ledger:
            ledger.check()
            head, events = _settled(ledger)
        book = replay(events)
        closes = [e for e in events if e.kind == "note" and e.payload["note"] == "close"]
        values = [
            {"date": event.bar, **{name: event.payload[name] for name in _VALUES}}
            for event in closes
        ]
        answer = {
            "name": book.opened.get("name"),
            "as_of": book.bar or None,
            "decision_date": book.decision_bar or None,
            **{name: getattr(book, name) for name in _VALUES},
            "positions": _positions(book.held, book.marks),
            "events": len(events),
            "ledger_head": head,
        }
        # What is not a ledger's is refused here, and never sent.
        shown = Portfolio.model_validate(answer).model_dump(mode="json")
        return shown, _BY_BAR.dump_python(_BY_BAR.validate_python(values), mode="json")
    except OutputError:
        raise Damaged("the ledger is locked, or cannot be read now") from None
    except (UserError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
        raise Damaged("the ledger is damaged, or of a later version") from None


def _settled(ledger: Ledger) -> tuple[str, list[Event]]:
    """The events and the hash of the last of them, though a writer may be at work meanwhile."""
    while True:
        head, events = ledger.head, ledger.events()
        if ledger.head == head:
            return head, events


def _positions(
    held: Mapping[str, float], marks: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """What is held, at the last close that was booked of each; None where none was."""
    found = []
    for symbol, shares in sorted(held.items()):
        bars = (bar for bar in reversed(marks) if symbol in marks[bar]["closes"])
        bar = next(bars, None)
        price = None if bar is None else marks[bar]["closes"][symbol]
        value = None if price is None else shares * price
        found.append(
            {"symbol": symbol, "shares": shares, "price": price, "price_date": bar, "value": value}
        )
    return found
