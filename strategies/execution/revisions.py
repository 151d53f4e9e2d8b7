"""What the data say today of bars that a ledger has used: a revision is flagged, not re-traded."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from feeds.panel import Panel
from strategies.execution.account_state import row_of
from strategies.execution.ledger import Event
from strategies.execution.replay import PaperBook

__all__ = ["found_revisions", "marks_of"]

#: Relative difference that is rounding of the adjustment, not a revision.
_ROUNDING = 1e-9
#: By how much the factors of rounded closes may differ, relative.
_SAME_FACTOR = 1e-4
#: Split ratio and growth by a dividend of an ordinary bar.
_NO_STEP = [1.0, 1.0]


def marks_of(data: Panel, row: int, symbols: list[str]) -> dict[str, Any]:
    """What a bar looks like in the data, as plain values.

    Returns
    -------
    dict
        ``closes``: raw closes of those symbols that have a bar; ``steps``: [split ratio, 1 +
        dividend / close] of those where either is not 1; ``digest``: of the raw closes of every
        asset of the data set, to nine digits.
    """
    place = {name: column for column, name in enumerate(data.assets.tolist())}
    columns = np.array([place[name] for name in symbols], dtype=np.intp)
    columns = columns[data.tradable[row].take(columns)]
    names = data.assets[columns].tolist()
    closes = data.close[row, columns] / data.adjustment_at(row, columns)
    steps = _steps(data, row, columns)
    moved = (steps != 1.0).any(axis=1).nonzero()[0]
    return {
        "closes": dict(zip(names, closes.tolist(), strict=True)),
        "steps": {names[at]: steps[at].tolist() for at in moved.tolist()},
        "digest": _digest(data, row),
    }


def found_revisions(data: Panel, book: PaperBook, found: str) -> list[Event]:
    """Events for every used bar that reads otherwise than it did, and what follows from them.

    Parameters
    ----------
    data : Panel
        The whole data set, as it is now.
    book : PaperBook
    found : str
        The bar at which this is looked at.

    Returns
    -------
    list of Event
        ``revision`` by symbol and column (``closes``, ``steps``; without a symbol ``digest``:
        something else in the data), with all its changes; and ``correction`` where a vendor of
        adjusted prices has scaled its history anew: shares are then counted in the new units,
        so that the account's value stays what it was. Empty where nothing has changed.
    """
    if not book.bar:
        return []
    changes = _changes(data, book)
    events = []
    for (symbol, column), changed in sorted(changes.items()):
        number = book.revisions.get(("revision", symbol), 0)
        number += sum(event.symbol == symbol for event in events)
        told = {"column": column, "found": found, "changes": dict(sorted(changed.items()))}
        events.append(Event(book.bar, "revision", symbol, number, told))
    return [*events, *_corrections(data, book, changes, found)]


def _changes(data: Panel, book: PaperBook) -> dict[tuple[str, str], dict[str, list[Any]]]:
    """By symbol and column: bar to [before, after]."""
    changes: dict[tuple[str, str], dict[str, list[Any]]] = {}
    known = set(data.assets.tolist())
    for bar, before in book.marks.items():
        now = marks_of(
            data, row_of(data, bar), [name for name in before["closes"] if name in known]
        )
        if now["digest"] != before["digest"]:
            changes.setdefault(("", "digest"), {})[bar] = [before["digest"], now["digest"]]
        for name, was in before["closes"].items():
            new = now["closes"].get(name)
            if was != new and _differ([was], [new]):
                changes.setdefault((name, "closes"), {})[bar] = [was, new]
        # What is added to history leaves raw closes as they are.
        for name in sorted({*before["steps"], *now["steps"]} & set(now["closes"])):
            was, new = (marks["steps"].get(name, _NO_STEP) for marks in (before, now))
            if _differ(was, new):
                changes.setdefault((name, "steps"), {})[bar] = [was, new]
    return changes


def _corrections(
    data: Panel, book: PaperBook, changes: dict[tuple[str, str], dict[str, list[Any]]], found: str
) -> list[Event]:
    events = []
    kinds = dict(zip(data.assets.tolist(), data.price_kind.tolist(), strict=True))
    for (symbol, column), changed in sorted(changes.items()):
        # What has left the data set has no price to count in.
        if column != "closes" or kinds.get(symbol, "traded") == "traded":
            continue
        used = {bar for bar, marks in book.marks.items() if symbol in marks["closes"]}
        if not _is_rescaled(changed, used):
            continue
        last = max(used)
        was, new = changed[last]
        factor, held = was / new, book.held.get(symbol, 0.0)
        told = {
            "found": found,
            "factor": factor,
            "before": held,
            "held": held * factor,
            "why": f"the vendor's adjusted close of {last} was {was:g} and is {new:g}",
        }
        number = book.revisions.get(("correction", symbol), 0)
        events.append(Event(book.bar, "correction", symbol, number, told))
    return events


def _is_rescaled(changed: dict[str, list[Any]], used: set[str]) -> bool:
    """Whether every used close has changed by one factor: what no single error does."""
    if set(changed) != used or not all(all(pair) for pair in changed.values()):
        return False
    factors = [was / new for was, new in changed.values()]
    return max(factors) <= min(factors) * (1.0 + _SAME_FACTOR)


def _differ(one: list[float | None], two: list[float | None]) -> bool:
    for was, new in zip(one, two, strict=True):
        if was is None or new is None:
            if was is not new:
                return True
        elif abs(was - new) > _ROUNDING * abs(was):
            return True
    return False


def _steps(data: Panel, row: int, columns: np.ndarray) -> np.ndarray:
    """(k, 2) split ratio and growth by a dividend of the bars of a row."""
    steps = np.ones((len(columns), 2))
    if row > 0:
        for at, factor in enumerate((data.split_factor, data.dividend_factor)):
            steps[:, at] = factor[row, columns] / factor[row - 1, columns]
    return steps


def _digest(data: Panel, row: int) -> str:
    columns = data.tradable[row].nonzero()[0]
    closes = data.close[row, columns] / data.adjustment_at(row, columns)
    names = data.assets[columns].tolist()
    lines = [f"{name} {close:.9g}" for name, close in zip(names, closes.tolist(), strict=True)]
    text = "\n".join(sorted(lines))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
