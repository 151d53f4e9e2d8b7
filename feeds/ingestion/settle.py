"""What is done with each symbol: from what is stored and staged and what a fetch brings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from feeds.errors import ConfigError, DataError
from feeds.ingestion.collected import Collected, Kept
from feeds.ingestion.fetch import Fetched, FetchReport
from feeds.ingestion.history import (
    changed_units,
    check_overlap,
    complete_volume,
    replace_history,
)
from feeds.ingestion.outcome import Difference, Status, SymbolOutcome
from feeds.ingestion.plan import (
    Plan,
    cut_to,
    is_up_to_date,
    other_series,
    plan_update,
    still_covered,
)
from feeds.ingestion.raw_file import bars_bytes
from feeds.ingestion.raw_store import RawEntry, RawStore, entry_of, with_content
from feeds.ingestion.staging import Staged, Staging
from feeds.sources.request import RawSeries, SymbolRequest
from feeds.suggestions import remedy_for

__all__ = ["Settling"]

_REFETCH = "name it with --refetch to take the vendor's history as it is"


@dataclass
class _Case:
    """One symbol on its way."""

    request: SymbolRequest
    entry: RawEntry | None = None
    plan: Plan | None = None
    status: Status | None = None
    kept: Kept | None = None
    added: int = 0
    why: str = ""
    problem: DataError | None = None
    result: Fetched | None = None
    attempts: int = 0
    seconds: float = 0.0
    differences: tuple[Difference, ...] = ()


class Settling:
    """Decides symbol by symbol; holds the bars of one at a time.

    Parameters
    ----------
    store : RawStore
        What the data set has.
    staging : Staging
        Where fetched bars wait.
    refetch : collection of str
        Symbols of which nothing stored counts.
    now : datetime
        With its zone.
    """

    def __init__(
        self, store: RawStore, staging: Staging, refetch: Collection[str], now: dt.datetime
    ) -> None:
        self._store, self._staging, self._now = store, staging, now
        self._refetch = refetch
        self._cases: dict[str, _Case] = {}

    def plan(self, requests: Sequence[SymbolRequest], offline: bool) -> None:
        """Look at what is stored and staged, and decide what to fetch.

        Raises
        ------
        DataError
            If there is no request, or two are of the same symbol.
        ConfigError
            If a symbol that is to be fetched again is not asked for.
        OSError
            If what an earlier run staged cannot be removed.
        """
        self._cases = {request.symbol: _Case(request) for request in requests}
        if not requests or len(self._cases) < len(requests):
            raise DataError("no symbol, or one of them twice", "correct the symbols file")
        unknown = sorted(set(self._refetch) - set(self._cases))
        if unknown:
            remedy = remedy_for(unknown[0], self._cases)
            raise ConfigError(f"--refetch {unknown[0]}: no such symbol is asked for", remedy)
        wanted = {case.request.symbol: case.request for case in self._cases.values()}
        self._staging.resume(wanted, self._store.entries, self._now)
        for symbol, case in self._cases.items():
            if symbol in self._staging.staged:
                self._take_staged(case)
                continue
            self._plan_case(case)
            if offline:
                self._settle_offline(case)

    def due(self) -> list[SymbolRequest]:
        """What is to be fetched now; empty once all is decided."""
        return [case.plan.request for case in self._cases.values() if _is_open(case)]

    def take(self, series: RawSeries) -> None:
        """Stage what a source gave, or find that the whole history is needed.

        Raises
        ------
        OSError
            If it cannot be staged.
        """
        case = self._cases[series.request.symbol]
        take = self._take_part if case.plan.kind == "part" else self._take_whole
        try:
            take(case, series)
        except DataError as error:
            case.problem = DataError(f"{case.request.symbol}: {error.problem}", _REFETCH)

    def close(self, report: FetchReport) -> None:
        """End a round: what failed keeps its stored bars, if there are any."""
        for result in report.results:
            case = self._cases[result.request.symbol]
            case.result = result
            case.attempts += result.attempts
            case.seconds += result.seconds
            if result.fault or case.problem is not None:
                self._keep_stored(case, "stale")

    def collected(self, out: Path) -> Collected:
        """Everything that was decided.

        Raises
        ------
        DataError
            If no symbol has bars.
        """
        outcomes = tuple(_outcome(case) for case in self._cases.values())
        kept = tuple(case.kept for case in self._cases.values() if case.kept is not None)
        if not kept:
            first = outcomes[0]
            raise DataError(
                f"none of {len(outcomes)} symbols has bars; the first: {first.problem}",
                first.remedy,
            )
        removed = tuple(sorted(set(self._store.entries) - set(self._cases)))
        # A request that brought nothing changes its time only.
        old = {symbol: replace(entry, fetched="") for symbol, entry in self._store.entries.items()}
        new = {item.entry.request.symbol: replace(item.entry, fetched="") for item in kept}
        return Collected(outcomes, removed, kept, out, changed=old != new)

    def _take_staged(self, case: _Case) -> None:
        staged = self._staging.staged[case.request.symbol]
        case.entry = self._store.entries.get(case.request.symbol)
        case.status, case.added, case.why = staged.status, staged.added, staged.why
        case.differences = staged.differences
        case.kept = Kept(staged.entry, self._staging.path(staged.entry))

    def _plan_case(self, case: _Case) -> None:
        request, symbol = case.request, case.request.symbol
        entry = self._store.entries.get(symbol)
        case.plan = Plan("whole", request)
        if entry is None:
            return
        if not self._store.is_intact(symbol):
            case.why = "the stored raw file is damaged or gone"
            return
        case.entry = entry
        if symbol in self._refetch:
            case.plan = Plan("whole", request, "--refetch names it")
        elif is_up_to_date(request, entry, self._now):
            case.plan = Plan("none", request)
        else:
            case.plan = plan_update(request, entry, self._stored(case), self._now)
        case.why = case.plan.why
        if case.plan.kind == "none":
            self._keep_stored(case, "unchanged")

    def _settle_offline(self, case: _Case) -> None:
        if not _is_open(case):
            return
        if case.entry is not None and case.plan.kind == "part":
            self._keep_stored(case, "unchanged")
            return
        problem = f"{case.request.symbol}: {case.why or 'nothing of it is stored'}"
        case.result = Fetched(case.request, "offline", problem, "run without --offline")
        self._keep_stored(case, "stale")

    def _stored(self, case: _Case) -> pd.DataFrame:
        """The stored bars, of the days asked for."""
        bars = self._store.bars(case.request.symbol)
        if bars is None:
            raise DataError(
                f"{case.request.symbol}: its raw file changed while it was used", "run again"
            )
        return cut_to(bars, case.request)

    def _keep_stored(self, case: _Case, status: Status) -> None:
        """Leave the bars as they are, but for days that are not asked for."""
        case.status, case.added = "failed", 0
        if case.entry is None:
            return
        entry, path = case.entry, self._store.folder / case.entry.file
        if other_series(case.request, entry):
            # Another source did not answer: what the old one gave says so in its entry.
            case.status, case.kept = status, Kept(entry, path)
            return
        asked = case.request
        if case.plan.kind != "none":
            asked = still_covered(asked, entry)
        entry = replace(entry, request=asked)
        if _covers(asked, entry):
            case.status, case.kept = status, Kept(entry, path)
            return
        rest = self._stored(case)
        if len(rest):
            case.status, case.kept = status, Kept(with_content(entry, rest), path, entry.sha256)
            if status == "unchanged":
                case.status, case.why = "updated", "fewer days are asked for"

    def _take_part(self, case: _Case, series: RawSeries) -> None:
        stored, fetched = self._stored(case), series.bars
        why = changed_units(case.entry, series)
        found: list[Difference] = []
        stored, late = complete_volume(stored, fetched)
        if not why:
            why, found = check_overlap(stored, fetched, case.plan.request.start)
        if why:
            case.plan, case.why = Plan("whole", case.request, why), why
            case.differences = tuple(found)
            return
        new = fetched[fetched.index > stored.index[-1]]
        notes = tuple(dict.fromkeys((*case.entry.notes, *series.notes)))
        case.added, case.differences = len(new), tuple(late)
        self._stage(case, replace(series, notes=notes), pd.concat([stored, new]), "updated")

    def _take_whole(self, case: _Case, series: RawSeries) -> None:
        case.added = len(series.bars)
        if case.entry is None or other_series(case.request, case.entry):
            self._stage(case, series, series.bars, "updated" if case.entry else "new")
            return
        stored = self._stored(case)
        bars, found = series.bars, []
        if not stored.empty:
            forced = case.request.symbol in self._refetch
            bars, found = replace_history(stored, series.bars, as_it_is=forced)
        case.added = len(bars.index.difference(stored.index))
        case.differences = tuple(found)
        self._stage(case, series, bars, "revised" if found else "updated")

    def _stage(self, case: _Case, series: RawSeries, bars: pd.DataFrame, status: Status) -> None:
        content = bars_bytes(bars)
        entry = entry_of(series, case.request, bars, content, self._now)
        case.status = status
        if case.entry is not None and entry.sha256 == case.entry.sha256:
            # Nothing came: the file stays, and what is said of it is of today.
            case.status = status if case.why else "unchanged"
            case.kept = Kept(entry, self._store.folder / entry.file)
            return
        old = self._store.entries.get(case.request.symbol)
        base = old.sha256 if old else ""
        staged = Staged(entry, status, base, case.added, case.why, case.differences)
        self._staging.put(bars, staged, content)
        case.kept = Kept(entry, self._staging.path(entry))


def _is_open(case: _Case) -> bool:
    return case.status is None


def _covers(request: SymbolRequest, entry: RawEntry) -> bool:
    """Whether no stored bar lies outside of the days asked for."""
    first, last = (dt.date.fromisoformat(text[:10]) for text in (entry.first, entry.last))
    return (request.start is None or request.start <= first) and (
        request.end is None or last <= request.end
    )


def _outcome(case: _Case) -> SymbolOutcome:
    result, entry = case.result, case.kept.entry if case.kept else None
    failed = case.status in ("stale", "failed")
    said = {}
    if failed and case.problem is not None:
        said = {"fault": "history", "problem": case.problem.problem, "remedy": case.problem.remedy}
    elif failed and result is not None:
        said = {"fault": result.fault, "problem": result.problem, "remedy": result.remedy}
    if entry is not None:
        said |= {"rows": entry.rows, "first": entry.first, "last": entry.last}
    return SymbolOutcome(
        symbol=case.request.symbol,
        source=case.request.source,
        status=case.status,
        added=case.added,
        why=case.why,
        attempts=case.attempts,
        seconds=round(case.seconds, 3),
        replaced=case.entry.sha256 if case.status == "revised" else "",
        differences=() if failed else case.differences,
        notes=entry.notes if entry else (),
        **said,
    )
