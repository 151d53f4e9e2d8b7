"""Fetching many symbols: a few at a time, each tried again within bounds, all by one deadline."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from feeds.errors import ConfigError, UserError
from feeds.ingestion.pool import LATER, Deadline, Job, Pool, lane
from feeds.sources.request import RawSeries, Source, SymbolRequest
from feeds.sources.retry import RetryPolicy

__all__ = ["FetchEvent", "FetchReport", "Fetched", "fetch_all"]

#: More threads than this only wait for each other, and for the vendor's limits.
_MOST_JOBS = 64
#: How often the deadline is looked at, in seconds.
_TICK = 0.2


@dataclass(frozen=True)
class FetchEvent:
    """One step of the work, for a display.

    Parameters
    ----------
    kind : {"begun", "fetched", "failed"}
    symbol : str
    done, total : int
        Symbols that are done with, this one included, and all of them.
    problem : str
        Of a failure.
    """

    kind: Literal["begun", "fetched", "failed"]
    symbol: str
    done: int
    total: int
    problem: str = ""


@dataclass(frozen=True)
class Fetched:
    """What became of one request; without a `fault` the bars were handed over."""

    request: SymbolRequest
    fault: str = ""
    problem: str = ""
    remedy: str = ""
    attempts: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class FetchReport:
    """One result a request, in the order of the requests."""

    results: tuple[Fetched, ...]

    @property
    def failed(self) -> tuple[Fetched, ...]:
        """Those without bars."""
        return tuple(result for result in self.results if result.fault)


def fetch_all(
    requests: Sequence[SymbolRequest],
    sources: Callable[[str], Source],
    policy: RetryPolicy,
    jobs: int,
    deadline: Deadline,
    on_series: Callable[[RawSeries], None],
    on_progress: Callable[[FetchEvent], None] | None = None,
) -> FetchReport:
    """Fetch every request, and hand each series over as soon as it is there.

    A request fails alone. `on_series` and `on_progress` are called in the caller's thread; what
    they raise ends the work. An interrupt does too: what was handed over is the caller's.

    Parameters
    ----------
    requests : sequence of SymbolRequest
    sources : callable
        From a name to the source, called in the caller's thread; as
        :func:`feeds.sources.registry.open_source`.
    policy : RetryPolicy
        For each symbol, with pauses of its own.
    jobs : int
        Requests at a time; to one exchange there is one at a time.
    deadline : Deadline
        For all of them together.
    on_series : callable
        Takes each series; its bars are in the form of
        :func:`~feeds.ingestion.raw_file.checked_bars`.
    on_progress : callable, optional

    Returns
    -------
    FetchReport

    Raises
    ------
    ConfigError
        If `jobs` is not from 1 to 64.
    """
    if not 1 <= jobs <= _MOST_JOBS:
        raise ConfigError(f"jobs is {jobs}", f"give 1 to {_MOST_JOBS}")
    if not requests:
        return FetchReport(())
    pool = Pool(min(jobs, len(requests)), policy, deadline)
    try:
        return _Run(requests, sources, pool, deadline, on_series, on_progress).report()
    finally:
        pool.stop()


class _Run:
    """The caller's side: hands out requests, takes in results."""

    def __init__(
        self,
        requests: Sequence[SymbolRequest],
        sources: Callable[[str], Source],
        pool: Pool,
        deadline: Deadline,
        on_series: Callable[[RawSeries], None],
        on_progress: Callable[[FetchEvent], None] | None,
    ) -> None:
        self._requests, self._sources, self._pool = requests, sources, pool
        self._deadline, self._on_series = deadline, on_series
        self._on_progress = on_progress or (lambda event: None)
        self._waiting = list(range(len(requests)))
        self._running: dict[int, Job] = {}
        self._results: dict[int, Fetched] = {}

    def report(self) -> FetchReport:
        while self._waiting or self._running:
            if self._deadline.left > 0:
                self._begin_more()
            else:
                self._give_up_waiting()
            if self._deadline.over:
                self._abandon()
            elif self._running:
                job = self._pool.next_done(_TICK)
                if job is not None:
                    self._finish(job)
        return FetchReport(tuple(self._results[place] for place in range(len(self._requests))))

    def _begin_more(self) -> None:
        busy = {lane(job.request) for job in self._running.values()} - {None}
        for place in list(self._waiting):
            if len(self._running) >= self._pool.size:
                return
            request = self._requests[place]
            own = lane(request)
            if own is None or own not in busy:
                busy.add(own)
                self._waiting.remove(place)
                self._begin(place, request)

    def _begin(self, place: int, request: SymbolRequest) -> None:
        self._tell("begun", request)
        try:
            source: Source | UserError = self._sources(request.source)
        except UserError as error:
            source = error
        self._running[place] = Job(place, request, source)
        self._pool.begin(self._running[place])

    def _finish(self, job: Job) -> None:
        del self._running[job.place]
        error, seconds = job.error, time.monotonic() - job.began
        given = {"attempts": job.attempts, "seconds": round(seconds, 3)}
        if error is not None:
            said = {"fault": error.fault, "problem": error.problem, "remedy": error.remedy}
            self._results[job.place] = Fetched(job.request, **said, **given)
            self._tell("failed", job.request, error.problem)
            return
        self._on_series(job.series)
        self._results[job.place] = Fetched(job.request, **given)
        self._tell("fetched", job.request)

    def _give_up_waiting(self) -> None:
        for place in self._waiting:
            request = self._requests[place]
            problem = f"{request.symbol}: not begun within the {self._deadline.seconds:g} s of all"
            self._results[place] = Fetched(request, "deadline", problem, LATER)
            self._tell("failed", request, problem)
        self._waiting = []

    def _abandon(self) -> None:
        """Leave what still runs: its threads end with the process, and hand nothing over."""
        for place, job in sorted(self._running.items()):
            problem = f"{job.request.symbol}: still no answer after {self._deadline.seconds:g} s"
            seconds = round(time.monotonic() - job.began, 3)
            self._results[place] = Fetched(
                job.request, "deadline", problem, LATER, job.attempts, seconds
            )
            self._tell("failed", job.request, problem)
        self._running = {}

    def _tell(self, kind: str, request: SymbolRequest, problem: str = "") -> None:
        done, total = len(self._results), len(self._requests)
        self._on_progress(FetchEvent(kind, request.symbol, done, total, problem))
