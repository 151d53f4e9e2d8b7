"""Trying again: bounded attempts, growing pauses, and a deadline for all of them together."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from feeds.errors import ConfigError
from feeds.sources.request import FetchError

__all__ = ["RetryPolicy", "with_retries"]

_LOG = logging.getLogger(__name__)
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long.

    Parameters
    ----------
    attempts : int
        At most, the first included.
    first_pause, longest_pause : float
        Seconds; each pause is twice the one before, times a random factor in [0.5, 1], and
        never longer than the longest. What the source itself asks for comes first.
    deadline : float
        Seconds from the first attempt after which nothing is begun.
    clock, sleep : callable
        ``time.monotonic`` and ``time.sleep``; tests put in their own.
    random : random.Random
        For the pauses.

    Raises
    ------
    ConfigError
        If a number is out of its bounds.
    """

    attempts: int = 4
    first_pause: float = 1.0
    longest_pause: float = 30.0
    deadline: float = 120.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: random.Random = field(default_factory=lambda: random.Random(0))

    def __post_init__(self) -> None:
        if not (isinstance(self.attempts, int) and self.attempts >= 1):
            raise ConfigError(
                f"attempts is {self.attempts!r}, which is no count of attempts", "give 1 or more"
            )
        for name in ("first_pause", "longest_pause", "deadline"):
            seconds = getattr(self, name)
            if not (math.isfinite(seconds) and seconds >= 0):
                raise ConfigError(
                    f"{name} is {seconds!r}, which are no seconds", "give a number of 0 or more"
                )

    def of_symbol(self, name: str) -> RetryPolicy:
        """The same bounds with pauses of its own, the same in every run.

        Symbols that fail together would otherwise be tried again together.
        """
        # A text seeds through its sha512, whatever PYTHONHASHSEED is.
        return replace(self, random=random.Random(name))

    def pause(self, attempt: int, asked: float | None) -> float:
        """Seconds to wait after the `attempt`-th failure, counted from 1."""
        grown = min(self.first_pause * 2.0 ** (attempt - 1), self.longest_pause)
        own = grown * (0.5 + 0.5 * self.random.random())
        return own if asked is None else max(own, asked)


def with_retries(policy: RetryPolicy, name: str, fetch: Callable[[], _Result]) -> _Result:
    """The result of `fetch`, tried again while its failure may pass.

    Parameters
    ----------
    name : str
        Of the symbol, for messages.

    Raises
    ------
    FetchError
        The last failure; ``deadline`` where the next attempt would begin too late.
    """
    began, attempt = policy.clock(), 0
    while True:
        attempt += 1
        try:
            return fetch()
        except FetchError as error:
            if not error.may_pass or attempt >= policy.attempts:
                raise
            pause = policy.pause(attempt, error.retry_after)
            if policy.clock() - began + pause <= policy.deadline:
                _LOG.info("%s: %s; next attempt in %.1f s", name, error.problem, pause)
                policy.sleep(pause)
                pause = 0.0
            # Looked at after the pause too: a busy or suspended machine sleeps longer than asked.
            if policy.clock() - began + pause > policy.deadline:
                raise FetchError(
                    "deadline",
                    f"{name}: no answer within {policy.deadline:g} s, last: {error.problem}",
                    "run again later: what was fetched is kept",
                ) from None
