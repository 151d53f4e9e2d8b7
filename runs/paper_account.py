"""A paper account brought up to the latest bar: one transaction a bar, in order, each once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feeds.errors import ConfigError, DataError
from runs.live_study import LiveStudy, plain_config
from strategies.execution.account_state import columns_of, row_of
from strategies.execution.ledger import Event, Ledger
from strategies.execution.paper import booked_bar
from strategies.execution.replay import PaperBook, replay
from strategies.execution.revisions import found_revisions

__all__ = ["Progress", "bring_up_to_date", "changed_keys", "check_same"]


@dataclass(frozen=True)
class Progress:
    """What a run has done to a ledger.

    Parameters
    ----------
    book : PaperBook
        The account at the close of the latest bar.
    bars : tuple of str
        Bars booked now, in order; empty where all were there already.
    revisions : tuple of Event
        Revisions and corrections found now.
    changed : dict of str to (before, after)
        Keys of the configuration that have changed since the bar before; empty for none.
    passed : tuple of Event
        What the account reports of the bars booked now, but for the latest.
    """

    book: PaperBook
    bars: tuple[str, ...]
    revisions: tuple[Event, ...]
    changed: Mapping[str, tuple[Any, Any]]
    passed: tuple[Event, ...] = ()


#: Study, book, row, what a decision is noted with, and notes that come first, to events.
EventsOf = Callable[
    [LiveStudy, PaperBook, int, Mapping[str, Any], Sequence[Mapping[str, Any]]], list[Event]
]


def _plain_bar(
    live: LiveStudy,
    book: PaperBook,
    row: int,
    decided_with: Mapping[str, Any],
    preface: Sequence[Mapping[str, Any]],
) -> list[Event]:
    """The events of a bar that decides if the schedule says so."""
    return booked_bar(live.setup, book, row, decided_with=decided_with, preface=preface)


def bring_up_to_date(
    ledger: Ledger,
    live: LiveStudy,
    since: str | None = None,
    *,
    book: PaperBook | None = None,
    events_of: EventsOf = _plain_bar,
) -> Progress:
    """Book every bar that is new, one after the other.

    Parameters
    ----------
    ledger : Ledger
    live : LiveStudy
    since : str, optional
        First bar of a ledger that has not begun; the latest one unless given.
    book : PaperBook, optional
        What the ledger holds, where that is known; it is moved on.
    events_of : callable
        The events of a bar, as :func:`_plain_bar` makes them.

    Raises
    ------
    UserError
        If the ledger belongs to another strategy or data set, lies after the latest bar, or
        cannot be written.
    """
    book = replay(ledger.events()) if book is None else book
    check_same(ledger.path, book, live)
    found = found_revisions(live.setup.data, book, live.bar)
    _write(ledger, book, found)
    plain = plain_config(live.study.config)
    changed = changed_keys(book.config, plain) if book.bar else {}
    panel, bars, told = live.setup.panel, [], []
    last = panel.shape[0] - 1
    for row in range(_first_row(book, live, since), last + 1):
        preface = _preface(book, live, plain)
        decided_with = {
            "config_hash": live.config_hash,
            "data_hash": live.data_hash,
            "late": row < last,
        }
        events = events_of(live, book, row, decided_with, preface)
        _write(ledger, book, events)
        bars.append(book.bar)
        told += [event for event in events if row < last and "detail" in event.payload]
    return Progress(book, tuple(bars), tuple(found), changed, tuple(told))


def changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple]:
    """Dotted keys whose values differ, with both; None where a key is absent."""
    one, two = _flat(before), _flat(after)
    return {
        key: (one.get(key), two.get(key))
        for key in sorted({*one, *two})
        if one.get(key) != two.get(key)
    }


def _write(ledger: Ledger, book: PaperBook, events: list[Event]) -> None:
    if events:
        for event in ledger.append(events):
            book.apply(event)


def check_same(ledger: Path, book: PaperBook, live: LiveStudy) -> None:
    """Refuse a ledger of another strategy or data set, or one that is ahead of the data.

    Raises
    ------
    UserError
        Naming what differs.
    """
    if not book.bar:
        return
    study, opened = live.study, book.opened
    if opened["name"] != study.config.name:
        raise ConfigError(
            f"{ledger} is the ledger of {opened['name']!r}, not of {study.config.name!r}",
            "name another ledger with --ledger: each strategy has one of its own",
        )
    data = _data_of(live)
    if opened["data"] != data:
        was, now = (_told_data(one) for one in (opened["data"], data))
        raise DataError(
            f"{ledger} was made from the data set {was}, not from {now}",
            "set data.dir and data.calendar as they were, or name another ledger with --ledger",
        )
    if book.bar > live.bar:
        raise DataError(
            f"{ledger} has booked {book.bar}, after the latest bar {live.bar} asked for",
            "name a later day with --as-of, bring the data up to date, or use another --ledger",
        )
    row_of(live.setup.panel, book.bar)
    columns_of(live.setup.panel, sorted(book.held))


def _data_of(live: LiveStudy) -> dict[str, str]:
    told = {"name": live.study.data.name, "calendar": live.study.config.data.calendar}
    if live.study.panel.dates.dtype == "datetime64[h]":
        told["interval"] = "1h"
    return told


def _first_row(book: PaperBook, live: LiveStudy, since: str | None) -> int:
    panel = live.setup.panel
    if book.bar:
        return row_of(panel, book.bar) + 1
    if since is None:
        return panel.shape[0] - 1
    row = int((panel.dates.astype(str) < since).sum())
    if row == panel.shape[0]:
        raise ConfigError(
            f"--since {since} is after the latest bar {live.bar}", "name an earlier day"
        )
    return row


def _preface(book: PaperBook, live: LiveStudy, plain: dict[str, Any]) -> list[dict[str, Any]]:
    """How the account begins, or that its configuration is another from here on."""
    if not book.bar:
        told = {
            "note": "opened",
            "name": live.study.config.name,
            "data": _data_of(live),
            "starting_cash": float(live.study.config.execution.starting_cash),
            "dividends": "reinvest",
        }
    elif book.config_hash != live.config_hash:
        changed = changed_keys(book.config, plain)
        told = {"note": "epoch", "changed": {key: list(pair) for key, pair in changed.items()}}
    else:
        return []
    return [{**told, "config": plain, "config_hash": live.config_hash}]


def _flat(value: Any, key: str = "") -> dict[str, Any]:
    if not isinstance(value, Mapping) or not value:
        return {key: value} if key else {}
    found: dict[str, Any] = {}
    for name, inner in value.items():
        found |= _flat(inner, f"{key}.{name}" if key else str(name))
    return found


def _told_data(told: Mapping[str, str]) -> str:
    hours = f", bars of {told['interval']}" if "interval" in told else ""
    return f"{told['name']} ({told['calendar']}{hours})"
