"""Threads that fetch one symbol each, tried again within bounds."""

from __future__ import annotations

import logging
import queue
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from feeds.errors import ConfigError, UserError
from feeds.ingestion.raw_file import checked_bars
from feeds.sources.request import FetchError, RawSeries, Source, SymbolRequest
from feeds.sources.retry import RetryPolicy, with_retries

__all__ = ["LATER", "Deadline", "Job", "Pool", "lane"]

_LOG = logging.getLogger(__name__)
#: The remedy of what ran out of time.
LATER = "run again later: what was fetched is kept"
#: Sources whose clients send one request at a time to an exchange.
_ONE_AT_A_TIME = ("exchange",)
#: Symbols in a row that a vendor did not answer, after which the next ones are tried once each:
#: it is the network that is down, or the vendor, and not they.
_DOWN = 4


class Deadline:
    """A moment after which nothing is begun.

    Parameters
    ----------
    seconds : float
        From now.
    grace : float
        Seconds that what runs then may still take; the clients' own timeouts are shorter.
    clock : callable
        ``time.monotonic``, or a test's own.
    """

    def __init__(
        self, seconds: float, grace: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if not (seconds > 0 and grace >= 0):
            raise ConfigError(f"a deadline of {seconds:g} s", "give more than 0 seconds")
        self.seconds, self._clock = seconds, clock
        self._until, self._grace = clock() + seconds, grace

    @property
    def left(self) -> float:
        """Seconds, 0 once it has passed."""
        return max(self._until - self._clock(), 0.0)

    @property
    def over(self) -> bool:
        """Whether the grace has passed too."""
        return self._clock() > self._until + self._grace


@dataclass
class Job:
    """One request on its way through a thread; `source` may be why there is none."""

    place: int
    request: SymbolRequest
    source: Source | UserError
    began: float = field(default_factory=time.monotonic)
    attempts: int = 0
    series: RawSeries | None = None
    error: FetchError | None = None


class Pool:
    """Threads that fetch. They do not keep the process alive: a client may hang for good.

    Parameters
    ----------
    size : int
        Number of threads.
    policy : RetryPolicy
        For each symbol, with pauses of its own.
    deadline : Deadline
        After it no attempt begins.
    """

    def __init__(self, size: int, policy: RetryPolicy, deadline: Deadline) -> None:
        self.size = size
        self._policy, self._deadline = policy, deadline
        self._todo: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._rests: dict[tuple[str, str], float] = {}
        self._silent: dict[tuple[str, str], int] = {}
        for number in range(size):
            name = f"fetch-{number + 1}"
            threading.Thread(target=self._work, name=name, daemon=True).start()

    def begin(self, job: Job) -> None:
        """Have a thread fetch it."""
        self._todo.put(job)

    def next_done(self, timeout: float) -> Job | None:
        """A job with its series or its error; None where none is done in `timeout` seconds."""
        try:
            return self._done.get(timeout=timeout)
        except queue.Empty:
            return None

    def stop(self) -> None:
        """Begin no further attempt, and let the threads end."""
        self._stopped.set()
        for _ in range(self.size):
            self._todo.put(None)

    def _work(self) -> None:
        while (job := self._todo.get()) is not None:
            try:
                job.series = self._fetch(job)
            except FetchError as error:
                job.error = error
            except UserError as error:
                job.error = FetchError("refused", error.problem, error.remedy)
            # A user's own source may raise anything, and must fail alone.
            except BaseException as error:
                job.error = _broken(job.request, error)
            self._listen(job)
            self._done.put(job)

    def _listen(self, job: Job) -> None:
        """Count the symbols in a row that their vendor did not answer."""
        vendor = _vendor(job.request)
        if job.series is not None:
            self._silent[vendor] = 0
        elif job.error.fault == "unavailable":
            self._silent[vendor] = self._silent.get(vendor, 0) + 1

    def _fetch(self, job: Job) -> RawSeries:
        if isinstance(job.source, UserError):
            raise job.source
        request = job.request
        bounds = min(self._policy.deadline, self._deadline.left)
        down = self._silent.get(_vendor(request), 0) >= _DOWN
        policy = replace(
            self._policy.of_symbol(request.symbol),
            attempts=1 if down else self._policy.attempts,
            deadline=bounds,
            sleep=self._sleep,
        )
        return with_retries(policy, request.symbol, lambda: self._attempt(job))

    def _attempt(self, job: Job) -> RawSeries:
        if self._stopped.is_set() or (job.attempts and self._deadline.left <= 0):
            problem = f"{job.request.symbol}: not tried again after the end of the time"
            raise FetchError("deadline", problem, LATER)
        self._rest(job.request)
        job.attempts += 1
        try:
            return _checked(job.source.fetch(job.request), job.request)
        except FetchError as error:
            if error.fault == "rate_limited" and error.retry_after:
                self._rests[_vendor(job.request)] = time.monotonic() + error.retry_after
            raise

    def _rest(self, request: SymbolRequest) -> None:
        """Wait as long as the vendor asked another symbol to wait."""
        rest = self._rests.get(_vendor(request), 0.0) - time.monotonic()
        if rest > self._deadline.left:
            problem = f"{request.symbol}: {request.source} asks to wait for {rest:.0f} s more"
            raise FetchError("deadline", problem, LATER)
        if rest > 0:
            self._sleep(rest)

    def _sleep(self, seconds: float) -> None:
        if self._policy.sleep is time.sleep:
            self._stopped.wait(seconds)
        else:
            self._policy.sleep(seconds)


def lane(request: SymbolRequest) -> tuple[str, str] | None:
    """What only one request at a time may use: an exchange. None for other sources."""
    return _vendor(request) if request.source in _ONE_AT_A_TIME else None


def _vendor(request: SymbolRequest) -> tuple[str, str]:
    """Whoever answers: an exchange's name only says where a stock is listed."""
    serial = request.source in _ONE_AT_A_TIME
    return request.source, request.exchange if serial else ""


def _checked(series: object, request: SymbolRequest) -> RawSeries:
    """A series in the stored form.

    Raises
    ------
    FetchError
        ``refused`` where it is none, which is a fault of the source's code.
    """
    where = f"{request.symbol}: the source {request.source}"
    if not isinstance(series, RawSeries):
        raise FetchError("refused", f"{where} gave {type(series).__name__}, no RawSeries")
    try:
        return replace(series, request=request, bars=checked_bars(series.bars))
    except UserError as error:
        raise FetchError(
            "refused", f"{where}: {error.problem}", "correct the source: see RawSeries"
        ) from None


def _broken(request: SymbolRequest, error: BaseException) -> FetchError:
    last = traceback.extract_tb(error.__traceback__)[-1]
    _LOG.debug("%s", request.symbol, exc_info=error)
    said = " ".join(str(error).split())[:160]
    return FetchError(
        "refused",
        f"{request.symbol}: the source {request.source} failed: {type(error).__name__}: {said}",
        f"correct it at {last.filename}, line {last.lineno}",
    )
