"""Answers as bytes: read from the files, shaped, and kept for as long as the files stay."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

from runs.api_bars import bar_file, check_bar, filed_bar, is_within
from runs.api_bodies import Body, body_of, page_of
from runs.api_cache import BoundedCache
from runs.api_documents import (
    read_head,
    read_manifest,
    read_metrics,
    read_signals,
    read_status,
)
from runs.api_folders import Absent, Damaged, OpenFile, Outputs, Place
from runs.api_portfolio import LedgerReader
from runs.api_tables import TABLES, index_table, table_page

__all__ = ["Answers"]

#: Bytes of one file that are read at most: tables are cut into pages, documents are not.
_TABLE_LIMIT, _DOCUMENT_LIMIT = 128 << 20, 32 << 20
#: Bytes kept in memory of answers, and of files made ready for their pages.
_BODIES, _PARSED = 64 << 20, 256 << 20
#: Bytes in memory for one of a document, which is objects then.
_DOCUMENT_WEIGHT = 8
#: And for what a list tells of a file.
_HEAD_WEIGHT = 1000
#: Answers that are made at the same time, at most.
_AT_ONCE = 16
_RUN_MARKS = ("manifest.json", "values.csv")
_SIGNALS = "signals"
_HISTORY = "history"
_LATEST = "signals.json"
_STATUS = "status.json"
#: What lists tell of signals.
_KNOWN = ("decided", "next_decision")
_HEADLINES = (
    "start",
    "end",
    "sessions",
    "cagr",
    "volatility",
    "sharpe",
    "max_drawdown",
    "final_value",
)

Parse = Callable[[bytes], Any]
Make = Callable[[OpenFile], dict[str, Any]]


class Answers:
    """Every answer of the endpoint but its descriptions.

    With ``cached=True`` a method returns None unless the answer is in memory and its file
    unchanged, which takes microseconds: whoever serves many need not leave its thread for it.

    Each raises :class:`Absent` where there is no such name, file or ledger, and
    :class:`Damaged` where there is and it cannot be served.

    Parameters
    ----------
    outputs : Outputs
        The folder of runs and signals.
    ledger : Path or None
        The ledger of the paper account.
    """

    def __init__(self, outputs: Outputs, ledger: Path | None = None) -> None:
        self._outputs = outputs
        self._ledger = None if ledger is None else LedgerReader(ledger)
        self._bodies: BoundedCache[Body] = BoundedCache(_BODIES)
        self._parsed: BoundedCache[Any] = BoundedCache(_PARSED)
        # Of one file one answer is made at a time: the rest of those who ask find it made.
        self._making = [threading.Lock() for _ in range(_AT_ONCE)]

    def runs(self, limit: int, offset: int, *, cached: bool = False) -> Body | None:
        """Runs by name, with their headline metrics."""
        if cached:
            return None
        names = self._outputs.names((), _RUN_MARKS)
        items = [self._run(name) for name in names[offset : offset + limit]]
        return body_of(page_of(len(names), limit, offset, items))

    def metrics(self, run: str, *, cached: bool = False) -> Body | None:
        """``metrics.json`` of a run."""
        return self._document((run,), "metrics.json", lambda c: read_metrics(c, run), cached)

    def manifest(self, run: str, *, cached: bool = False) -> Body | None:
        """``manifest.json`` of a run, without paths."""
        return self._document((run,), "manifest.json", lambda c: read_manifest(c, run), cached)

    def table(
        self,
        name: str,
        run: str,
        limit: int,
        offset: int,
        start: dt.date | None = None,
        end: dt.date | None = None,
        *,
        cached: bool = False,
    ) -> Body | None:
        """One page of a table of a run, of the rows from `start` to `end`."""
        kind, place = TABLES[name], (run,)

        def make(file: OpenFile) -> dict[str, Any]:
            key = (place, file.name, file.signature, "rows")
            table = self._parsed.get(key)
            if table is None:
                table = index_table(kind, file.blocks(_TABLE_LIMIT))
                self._parsed.put(key, table, table.size)
            total, items = table_page(table, file.part, limit, offset, start, end)
            return page_of(total, limit, offset, items)

        asked = (limit, offset, start, end)
        return self._answer(place, kind.file, asked, make, cached)

    def signals(self, limit: int, offset: int, *, cached: bool = False) -> Body | None:
        """Configurations that have signals, with what the latest are about."""
        if cached:
            return None
        names = self._outputs.names((_SIGNALS,), (_LATEST,))
        shown = names[offset : offset + limit]
        items = [
            {"name": name, **self._head((_SIGNALS, name), _LATEST, ("as_of", *_KNOWN))}
            for name in shown
        ]
        return body_of(page_of(len(names), limit, offset, items))

    def latest(self, name: str, limit: int, offset: int, *, cached: bool = False) -> Body | None:
        """The latest signals of a configuration, with one page of its assets."""
        return self._bar_signals((_SIGNALS, name), _LATEST, limit, offset, cached)

    def status(self, name: str, *, cached: bool = False) -> Body | None:
        """What the live session of a configuration is doing.

        A file that cannot be read is as good as none: a session replaces it at its next step.
        """
        place = (_SIGNALS, name)
        self._outputs.read(place, _LATEST, lambda file: file.signature)
        try:
            return self._document(place, _STATUS, read_status, cached)
        except Absent:
            raise Absent(f"these signals are of no live session, which writes {_STATUS}") from None
        except Damaged as problem:
            raise Absent(f"there is no status to tell: {problem}") from None

    def history(
        self,
        name: str,
        limit: int,
        offset: int,
        start: str | None = None,
        end: str | None = None,
        *,
        cached: bool = False,
    ) -> Body | None:
        """Bars of which signals were kept, from `start` to `end`, the latest first."""
        if cached:
            return None
        place = (_SIGNALS, name, _HISTORY)
        self._outputs.read(place[:2], _LATEST, lambda file: file.signature)
        found = map(filed_bar, self._outputs.files(place))
        bars = sorted((bar for bar in found if bar and is_within(bar, start, end)), reverse=True)
        shown = bars[offset : offset + limit]
        items = [{"as_of": bar, **self._head(place, bar_file(bar), _KNOWN)} for bar in shown]
        return body_of(page_of(len(bars), limit, offset, items))

    def past(
        self, name: str, as_of: str, limit: int, offset: int, *, cached: bool = False
    ) -> Body | None:
        """The signals of an earlier bar."""
        place, file = (_SIGNALS, name, _HISTORY), bar_file(check_bar(as_of))
        return self._bar_signals(place, file, limit, offset, cached, as_of)

    def portfolio(self, *, cached: bool = False) -> Body | None:
        """Positions, cash and value of the paper account."""
        return self._paper((), lambda account, values: account, cached)

    def portfolio_values(
        self,
        limit: int,
        offset: int,
        start: str | None = None,
        end: str | None = None,
        *,
        cached: bool = False,
    ) -> Body | None:
        """The paper account's value, cash and exposure by bar, from `start` to `end`."""

        def make(account: dict[str, Any], values: list[Any]) -> dict[str, Any]:
            rows = [row for row in values if is_within(row["date"], start, end)]
            return page_of(len(rows), limit, offset, rows[offset : offset + limit])

        return self._paper((limit, offset, start, end), make, cached)

    def _paper(
        self, asked: Hashable, make: Callable[..., dict[str, Any]], cached: bool
    ) -> Body | None:
        if self._ledger is None:
            raise Absent("there is no ledger of a paper account")
        signature = self._ledger.signature()
        body = self._bodies.get((signature, asked))
        if body is not None or cached:
            return body
        with self._lock_of("ledger"):
            found = self._ledger.replayed(signature)
        return self._kept((signature, asked), make(*found))

    def _lock_of(self, what: Hashable) -> threading.Lock:
        return self._making[hash(what) % _AT_ONCE]

    def _kept(self, key: Hashable, answer: dict[str, Any], modified: float | None = None) -> Body:
        body = body_of(answer, modified)
        self._bodies.put(key, body, len(body.content))
        return body

    def _run(self, name: str) -> dict[str, Any]:
        found = self._or_empty(
            (name,), "metrics.json", lambda content: read_metrics(content, name)
        ).get("metrics", {})
        return {"name": name, **{key: found.get(key) for key in _HEADLINES}}

    def _head(self, place: Place, file: str, keys: tuple[str, ...]) -> dict[str, Any]:
        # Kept apart from the signals, which take a thousand times as much: lists have many.
        found = self._or_empty(place, file, lambda content: read_head(content, file), _HEAD_WEIGHT)
        return {key: found.get(key) for key in keys}

    def _or_empty(
        self, place: Place, file: str, parse: Parse, weight: int | None = None
    ) -> dict[str, Any]:
        """A document of a list: one that is damaged says so where it is asked for, not here."""
        try:
            return self._outputs.read(
                place, file, lambda opened: self._ready(place, opened, parse, weight)
            )
        except (Absent, Damaged):
            return {}

    def _bar_signals(
        self,
        place: Place,
        file: str,
        limit: int,
        offset: int,
        cached: bool,
        as_of: str | None = None,
    ) -> Body | None:
        def make(opened: OpenFile) -> dict[str, Any]:
            document = self._ready(place, opened, lambda content: read_signals(content, file))
            if as_of not in (None, document["as_of"]):
                raise Damaged(f"{file} holds the signals of another bar")
            assets = document["assets"]
            page = page_of(len(assets), limit, offset, assets[offset : offset + limit])
            return {**document, "assets": page}

        return self._answer(place, file, (limit, offset), make, cached)

    def _document(self, place: Place, file: str, parse: Parse, cached: bool) -> Body | None:
        return self._answer(
            place, file, (), lambda opened: self._ready(place, opened, parse), cached
        )

    def _ready(
        self,
        place: Place,
        file: OpenFile,
        parse: Parse,
        weight: int | None = None,
    ) -> dict[str, Any] | Any:
        """The content of a file, parsed once for as long as it stays the same.

        With a `weight`, in bytes, it is a part that is kept beside the whole.
        """
        key = (place, file.name, file.signature, weight)
        found = self._parsed.get(key)
        if found is None:
            content = file.read(_DOCUMENT_LIMIT)
            found = parse(content)
            self._parsed.put(key, found, weight or _DOCUMENT_WEIGHT * len(content))
        return found

    def _answer(
        self, place: Place, file: str, asked: Hashable, make: Make, cached: bool
    ) -> Body | None:
        """The answer made of one file, from memory where the file is as it was."""

        def use(opened: OpenFile) -> Body | None:
            key = (place, file, opened.signature, asked)
            body = self._bodies.get(key)
            if body is not None or cached:
                return body
            with self._lock_of((place, file)):
                return self._bodies.get(key) or self._kept(key, make(opened), opened.modified)

        return self._outputs.read(place, file, use)
