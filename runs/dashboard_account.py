"""The paper account as it is drawn: replayed from its ledger, which is opened read-only."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from feeds.errors import DataError
from runs.dashboard_files import signature
from runs.dashboard_signals import stamps_of
from strategies.execution.ledger import Event, reading_ledger
from strategies.execution.replay import PaperBook

__all__ = ["PaperAccount", "read_account"]

_VALUES = ("value", "cash", "long", "short", "margin")
_FILLS = ("shares", "price", "reference", "commission", "paid", "held", "reason", "decided")


@dataclass(frozen=True, eq=False)
class PaperAccount:
    """A paper account at its last bar.

    Parameters
    ----------
    name, bar, data : str
        Of the configuration; ISO date of the last bar that was booked; of the data set.
    values : DataFrame
        Index date: bar (as the ledger names it), value, cash, long, short and margin in
        currency, gross and net over value.
    marked : DataFrame
        Index as of `values`, a column a symbol: signed value held at the close, in currency.
    positions : DataFrame
        symbol, shares (printed), price (raw), price_date, value, weight; largest first. NaN
        where no close was booked yet.
    waiting : DataFrame
        symbol, shares, instant, decided, reason: tickets for the next bar.
    fills : DataFrame
        Latest first: date, symbol, shares, price, reference, commission, slippage, reason.
    carry : DataFrame
        Latest first: date, symbol, kind, amount (positive was received).
    notes : DataFrame
        Latest first: date, symbol, kind, detail: what the account or a revision reported.
    events : int
    """

    name: str
    bar: str
    data: str
    values: pd.DataFrame
    marked: pd.DataFrame
    positions: pd.DataFrame
    waiting: pd.DataFrame
    fills: pd.DataFrame
    carry: pd.DataFrame
    notes: pd.DataFrame
    events: int


def read_account(path: Path) -> PaperAccount:
    """Replay a ledger; the same answer until something is booked.

    Raises
    ------
    DataError
        If it is no ledger, is damaged or contradicts itself.
    """
    log = path.with_name(f"{path.name}-wal")
    return _read(path, signature(path), signature(log) if log.exists() else None)


@functools.lru_cache(maxsize=4)
def _read(path: Path, *_: object) -> PaperAccount:
    with reading_ledger(path) as ledger:
        ledger.check()
        events = ledger.events()
    try:
        book, marks = _replayed(events)
        if book.bar:
            return _account(path, book, marks, events)
    except (KeyError, TypeError, ValueError):
        raise DataError(
            f"{path}: events that this version cannot read", "update the program"
        ) from None
    raise DataError(f"{path}: no bar is booked yet", "run python -m runs.signals")


def _replayed(events: Sequence[Event]) -> tuple[PaperBook, list[dict[str, float]]]:
    """The book after its events, and the signed value of each holding at each close."""
    book, marks = PaperBook(), []
    for event in events:
        book.apply(event)
        if event.kind == "note" and event.payload["note"] == "close":
            marks.append({name: held * _close(book, name)[0] for name, held in book.held.items()})
    return book, marks


def _close(book: PaperBook, symbol: str) -> tuple[float, str | None]:
    """The last raw close that was booked of a symbol, and its bar; NaN before the first."""
    for bar in reversed(book.marks):
        if symbol in book.marks[bar]["closes"]:
            return book.marks[bar]["closes"][symbol], bar
    return float("nan"), None


def _account(
    path: Path, book: PaperBook, marks: Sequence[dict[str, float]], events: Sequence[Event]
) -> PaperAccount:
    values = _values(events)
    marked = pd.DataFrame(list(marks), index=values.index, dtype=float).fillna(0.0)
    return PaperAccount(
        str(book.opened.get("name", path.stem)),
        book.bar,
        str(book.opened.get("data", {}).get("name", "")),
        values,
        marked,
        _positions(book),
        _waiting(book.close.get("pending", ())),
        _fills(events),
        _carry(events),
        _notes(events),
        len(events),
    )


def _values(events: Sequence[Event]) -> pd.DataFrame:
    closes = [e for e in events if e.kind == "note" and e.payload["note"] == "close"]
    rows = [[e.payload[name] for name in _VALUES] for e in closes]
    bars = pd.Series([e.bar for e in closes], dtype=str)
    index = pd.DatetimeIndex(stamps_of(bars)).rename("date")
    table = pd.DataFrame(rows, index=index, columns=list(_VALUES))
    table.insert(0, "bar", bars.to_numpy())
    table["gross"] = (table["long"] - table["short"]) / table["value"]
    table["net"] = (table["long"] + table["short"]) / table["value"]
    return table


def _positions(book: PaperBook) -> pd.DataFrame:
    rows = []
    for symbol, shares in sorted(book.held.items()):
        price, bar = _close(book, symbol)
        rows.append((symbol, shares, price, bar, shares * price, shares * price / book.value))
    columns = ["symbol", "shares", "price", "price_date", "value", "weight"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("weight", key=abs, ascending=False, ignore_index=True)


def _waiting(pending: Sequence[Any]) -> pd.DataFrame:
    rows = [
        (symbol, float(ticket[0]) + float(ticket[1]), f"next {basket['instant']}",
         basket["decided"], basket["reason"])
        for basket in pending
        for symbol, ticket in sorted(basket["tickets"].items())
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["symbol", "shares", "fill", "decided", "reason"])


def _fills(events: Sequence[Event]) -> pd.DataFrame:
    fills = [e for e in events if e.kind == "fill"]
    table = pd.DataFrame([[e.payload[name] for name in _FILLS] for e in fills], columns=_FILLS)
    table.insert(0, "date", [e.bar for e in fills])
    table.insert(1, "symbol", [e.symbol for e in fills])
    apart = (table["price"] - table["reference"]).astype(float).abs()
    table["slippage"] = apart * table["shares"].astype(float).abs()
    return table[::-1].reset_index(drop=True)


def _carry(events: Sequence[Event]) -> pd.DataFrame:
    rows = [
        (e.bar, e.symbol, e.payload["carry"], e.payload["amount"])
        for e in events
        if e.kind == "carry"
    ]
    return pd.DataFrame(rows[::-1], columns=["date", "symbol", "kind", "amount"])


def _notes(events: Sequence[Event]) -> pd.DataFrame:
    """Everything worth a line that is neither trade nor close."""
    rows = []
    for event in events:
        told = event.payload
        if event.kind in ("split", "dividend", "correction", "revision"):
            given = (f"{name} {told[name]}" for name in sorted(told) if name != "changes")
            rows.append((event.bar, event.symbol, event.kind, ", ".join(given)))
        elif event.kind == "note" and told["note"] not in ("close", "opened"):
            rows.append((event.bar, event.symbol, told["note"], str(told.get("detail", ""))))
    return pd.DataFrame(rows[::-1], columns=["date", "symbol", "kind", "detail"])
