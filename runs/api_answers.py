"""Answers as bytes: read from the files, shaped, and kept for as long as the files stay."""

from __future__ import annotations

import datetime as dt
import email.utils
import hashlib
import json
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runs.api_cache import BoundedCache
from runs.api_documents import read_manifest, read_metrics, read_signals
from runs.api_folders import Absent, Damaged, OpenFile, Outputs, Place
from runs.api_portfolio import ledger_signature, read_portfolio
from runs.api_tables import TABLES, index_table, table_page

__all__ = ["Answers", "Body"]

#: Bytes of one file that are read at most: tables are cut into pages, documents are not.
_TABLE_LIMIT, _DOCUMENT_LIMIT = 128 << 20, 32 << 20
#: Bytes kept in memory of answers, and of files made ready for their pages.
_BODIES, _PARSED = 64 << 20, 256 << 20
#: Bytes in memory for one of a file: rows have their dates and places beside them, and a
#: document is objects.
_TABLE_WEIGHT, _DOCUMENT_WEIGHT = 4, 8
#: And for a bar of the paper account.
_VALUE_WEIGHT = 500
#: Answers that are made at the same time, at most.
_AT_ONCE = 16
_RUN_MARKS = ("manifest.json", "values.csv")
_SIGNALS = "signals"
_LATEST = "signals.json"
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


@dataclass(frozen=True)
class Body:
    """A response's bytes and what tells its versions apart.

    `modified` is in seconds since 1970, None where the answer is of several files.
    """

    content: bytes
    etag: str
    modified: float | None = None

    @property
    def last_modified(self) -> str | None:
        """`modified` as an HTTP date, whole seconds."""
        if self.modified is None:
            return None
        return email.utils.formatdate(int(self.modified), usegmt=True)


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
        self._outputs, self._ledger = outputs, ledger
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
        return _body(_page(len(names), limit, offset, items))

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
            table = self._ready(place, file, lambda c: index_table(kind, c), table=True)
            total, items = table_page(table, limit, offset, start, end)
            return _page(total, limit, offset, items)

        asked = (limit, offset, start, end)
        return self._answer(place, kind.file, asked, make, cached)

    def signals(self, limit: int, offset: int, *, cached: bool = False) -> Body | None:
        """Configurations that have signals, with what the latest are about."""
        if cached:
            return None
        names = self._outputs.names((_SIGNALS,), (_LATEST,))
        shown = names[offset : offset + limit]
        items = [{"name": name, **self._bar((_SIGNALS, name), _LATEST)} for name in shown]
        return _body(_page(len(names), limit, offset, items))

    def latest(self, name: str, limit: int, offset: int, *, cached: bool = False) -> Body | None:
        """The latest signals of a configuration, with one page of its assets."""
        return self._bar_signals((_SIGNALS, name), _LATEST, limit, offset, cached)

    def history(self, name: str, limit: int, offset: int, *, cached: bool = False) -> Body | None:
        """Bars of which signals were kept, the latest first."""
        if cached:
            return None
        place = (_SIGNALS, name, "history")
        self._outputs.read(place[:2], _LATEST, lambda file: file.signature)
        bars = self._outputs.files(place, ".json")[::-1]
        items = [self._bar(place, f"{bar}.json") for bar in bars[offset : offset + limit]]
        return _body(_page(len(bars), limit, offset, items))

    def past(
        self, name: str, as_of: dt.date, limit: int, offset: int, *, cached: bool = False
    ) -> Body | None:
        """The signals of an earlier bar."""
        place = (_SIGNALS, name, "history")
        return self._bar_signals(place, f"{as_of.isoformat()}.json", limit, offset, cached)

    def portfolio(self, *, cached: bool = False) -> Body | None:
        """Positions, cash and value of the paper account."""
        return self._paper((), lambda account, values: account, cached)

    def portfolio_values(self, limit: int, offset: int, *, cached: bool = False) -> Body | None:
        """The paper account's value, cash and exposure by bar."""

        def make(account: dict[str, Any], values: list[Any]) -> dict[str, Any]:
            return _page(len(values), limit, offset, values[offset : offset + limit])

        return self._paper((limit, offset), make, cached)

    def _paper(
        self, asked: Hashable, make: Callable[..., dict[str, Any]], cached: bool
    ) -> Body | None:
        if self._ledger is None:
            raise Absent("there is no ledger of a paper account")
        signature = ledger_signature(self._ledger)
        body = self._bodies.get((signature, asked))
        if body is not None or cached:
            return body
        with self._lock_of("ledger"):
            found = self._parsed.get(signature)
            if found is None:
                found = read_portfolio(self._ledger)
                self._parsed.put(signature, found, _VALUE_WEIGHT * len(found[1]))
        return self._kept((signature, asked), make(*found))

    def _lock_of(self, what: Hashable) -> threading.Lock:
        return self._making[hash(what) % _AT_ONCE]

    def _kept(self, key: Hashable, answer: dict[str, Any], modified: float | None = None) -> Body:
        body = _body(answer, modified)
        self._bodies.put(key, body, len(body.content))
        return body

    def _run(self, name: str) -> dict[str, Any]:
        found = self._or_empty(
            (name,), "metrics.json", lambda content: read_metrics(content, name)
        ).get("metrics", {})
        return {"name": name, **{key: found.get(key) for key in _HEADLINES}}

    def _bar(self, place: Place, file: str) -> dict[str, Any]:
        found = self._or_empty(place, file, lambda content: read_signals(content, file))
        return {key: found.get(key) for key in ("as_of", "decided", "next_decision")}

    def _or_empty(self, place: Place, file: str, parse: Parse) -> dict[str, Any]:
        """A document of a list: one that is damaged says so where it is asked for, not here."""
        try:
            return self._outputs.read(place, file, lambda opened: self._ready(place, opened, parse))
        except (Absent, Damaged):
            return {}

    def _bar_signals(
        self, place: Place, file: str, limit: int, offset: int, cached: bool
    ) -> Body | None:
        def make(opened: OpenFile) -> dict[str, Any]:
            document = self._ready(place, opened, lambda content: read_signals(content, file))
            assets = document["assets"]
            page = _page(len(assets), limit, offset, assets[offset : offset + limit])
            return {**document, "assets": page}

        return self._answer(place, file, (limit, offset), make, cached)

    def _document(self, place: Place, file: str, parse: Parse, cached: bool) -> Body | None:
        return self._answer(
            place, file, (), lambda opened: self._ready(place, opened, parse), cached
        )

    def _ready(
        self, place: Place, file: OpenFile, parse: Parse, *, table: bool = False
    ) -> dict[str, Any] | Any:
        """The content of a file, parsed once for as long as it stays the same."""
        key = (place, file.name, file.signature)
        found = self._parsed.get(key)
        if found is None:
            content = file.read(_TABLE_LIMIT if table else _DOCUMENT_LIMIT)
            found = parse(content)
            weight = _TABLE_WEIGHT if table else _DOCUMENT_WEIGHT
            self._parsed.put(key, found, weight * len(content))
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


def _page(total: int, limit: int, offset: int, items: list[Any]) -> dict[str, Any]:
    following = offset + len(items)
    return {
        "total": total,
        "limit": limit,
        "offset": offset,
        "next_offset": following if items and following < total else None,
        "items": items,
    }


def _body(answer: dict[str, Any], modified: float | None = None) -> Body:
    text = json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    content = text.encode("utf-8", "replace")
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return Body(content, etag, modified)
