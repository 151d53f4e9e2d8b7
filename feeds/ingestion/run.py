"""From a symbols file to raw bars: resumed, updated, fetched, and kept until they are stored."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from feeds.atomic import recover_folder
from feeds.errors import DataError, OutputError
from feeds.ingestion.collected import Collected
from feeds.ingestion.fetch import FetchEvent, fetch_all
from feeds.ingestion.pool import Deadline
from feeds.ingestion.raw_store import RAW, RawStore
from feeds.ingestion.settle import Settling
from feeds.ingestion.staging import Staging
from feeds.lock import writer_lock
from feeds.sources.registry import open_source
from feeds.sources.request import Source, SymbolRequest
from feeds.sources.retry import RetryPolicy

__all__ = ["CollectOptions", "collect", "narrowed"]


_ROUNDS = 2


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


@dataclass(frozen=True)
class CollectOptions:
    """How to fetch.

    Parameters
    ----------
    jobs : int
        Requests at a time, 1 to 64.
    deadline : float
        Seconds for all fetches together; afterwards nothing is begun.
    grace : float
        Seconds that what runs then may still take.
    policy : RetryPolicy
        Attempts and pauses of one symbol.
    offline : bool
        Ask nobody: take what is stored.
    refetch : frozenset of str
        Symbols whose whole history is fetched and taken as it is, whatever is stored.
    now : callable
        The time, with its zone.
    clock : callable
        Seconds of any beginning, for the deadline.
    """

    jobs: int = 4
    deadline: float = 3600.0
    grace: float = 30.0
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    offline: bool = False
    refetch: frozenset[str] = frozenset()
    now: Callable[[], dt.datetime] = _now
    clock: Callable[[], float] = time.monotonic


@contextmanager
def collect(
    requests: Sequence[SymbolRequest],
    out: Path,
    options: CollectOptions = CollectOptions(),
    sources: Callable[[str], Source] = open_source,
    on_progress: Callable[[FetchEvent], None] | None = None,
) -> Iterator[Collected]:
    """Bring the raw bars of `requests` up to date, for a writer of the data set `out`.

    Used as ``with collect(...) as collected``: the lock on the data set is held inside. Each
    series is staged beside `out` as soon as it is fetched; a run that ends early, killed or by
    an error, is resumed by the next one of the same request. The staging goes when the block
    ends and `out` has the raw bars that ``collected.place_raw`` gave to the new folder.

    Parameters
    ----------
    requests : sequence of SymbolRequest
        Unique symbols, at least one.
    out : Path
        The folder of the data set, which need not exist.
    options : CollectOptions
    sources : callable
        From a name to the source.
    on_progress : callable, optional
        Told of each step.

    Yields
    ------
    Collected

    Raises
    ------
    DataError
        If no symbol has bars, fetched or stored; if the index of stored raw bars is damaged.
    OutputError
        If another process writes to `out`, or the bars cannot be staged.
    ConfigError
        If an option is out of its bounds.
    """
    out, deadline = Path(out), Deadline(options.deadline, options.grace, options.clock)
    with writer_lock(out):
        recover_folder(out)
        staging = Staging(out)
        with _told(staging):
            settling = Settling(RawStore(out / RAW), staging, options.refetch, options.now())
            settling.plan(requests, options.offline)
            # What a revision asks to be fetched as a whole is known after the first round.
            for _ in range(_ROUNDS):
                report = fetch_all(
                    settling.due(),
                    sources,
                    options.policy,
                    options.jobs,
                    deadline,
                    settling.take,
                    on_progress,
                )
                settling.close(report)
        collected = settling.collected(out)
        yield collected
        with _told(staging):
            if collected.is_stored():
                staging.clear()


@contextmanager
def _told(staging: Staging) -> Iterator[None]:
    """Failures to write as the user's errors."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot write {staging.folder}: {error.strerror or error}",
            "make room or name another folder with --out; what was fetched is kept",
        ) from None


def narrowed(
    requests: Sequence[SymbolRequest],
    start: dt.date | None = None,
    end: dt.date | None = None,
    interval: str = "1d",
) -> tuple[tuple[SymbolRequest, ...], tuple[str, ...]]:
    """The requests within `start` and `end`, and the symbols of which nothing is left.

    Raises
    ------
    DataError
        If none is left.
    """
    kept, left_out = [], []
    for request in requests:
        first = max(filter(None, (request.start, start)), default=None)
        last = min(filter(None, (request.end, end)), default=None)
        if first is not None and last is not None and first > last:
            left_out.append(request.symbol)
        else:
            kept.append(replace(request, start=first, end=last, interval=interval))
    if not kept:
        raise DataError(
            f"no symbol has a day from {start or 'its start'} to {end or 'its end'}",
            "widen --start and --end, or the columns start and end of the symbols file",
        )
    return tuple(kept), tuple(left_out)
