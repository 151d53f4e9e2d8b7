"""The paper account's positions and value, replayed from its ledger."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from feeds.errors import UserError
from runs.api_folders import Absent, Damaged

__all__ = ["ledger_signature", "read_portfolio"]

_VALUES = ("value", "cash", "long", "short", "margin")


def ledger_signature(path: Path) -> tuple[object, ...]:
    """What changes whenever something is booked; the log beside the file is part of it.

    Raises
    ------
    Absent
        If there is no such file.
    """
    found: list[object] = ["ledger"]
    for place in (path, path.with_name(f"{path.name}-wal")):
        try:
            stat = os.stat(place)
        except FileNotFoundError:
            if place == path:
                raise Absent("there is no ledger of a paper account") from None
            found.append(None)
        except OSError:
            raise Damaged("the ledger cannot be read") from None
        else:
            found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
    return tuple(found)


def read_portfolio(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
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
        If it is no ledger, is of a later version, or contradicts itself.
    """
    # Only who serves a ledger needs what reads one.
    from strategies.execution.ledger import reading_ledger
    from strategies.execution.replay import replay

    try:
        with reading_ledger(path) as ledger:
            head, events = ledger.head, ledger.events()
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
    except (UserError, KeyError, TypeError, ValueError):
        raise Damaged("the ledger is damaged, or of a later version") from None
    return answer, values


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
