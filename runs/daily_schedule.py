"""When a daily run is due, and how to wait for it: pure dates, and a pause that signals end."""

from __future__ import annotations

import datetime as dt
import select
import signal
import socket
import time
from collections.abc import Callable
from types import TracebackType

import numpy as np

__all__ = ["Pause", "next_due", "retry_at", "utc_now"]

#: Seconds that are slept at once: a clock that was set is noticed after at most as many.
_LONGEST_SLEEP = 60.0


def next_due(calendar: str, now: dt.datetime, after: dt.timedelta) -> dt.datetime:
    """The first instant later than `now` at which a session's bar can be read.

    A session's bar is closed at 24:00 UTC of its day.

    Parameters
    ----------
    calendar : {"XNYS", "24/7"}
        Sessions are the exchange's, or every day.
    now : datetime
        With its zone.
    after : timedelta
        How long after 24:00 UTC vendors are asked.

    Returns
    -------
    datetime
        In UTC.
    """
    from feeds.calendars import next_session

    utc = now.astimezone(dt.timezone.utc)
    # The session whose 24:00 comes next, today's included.
    day = np.datetime64((utc - after).date(), "D") - 1
    session = next_session(calendar, day).astype("datetime64[D]").astype(object)
    midnight = dt.datetime.combine(session, dt.time(), dt.timezone.utc) + dt.timedelta(days=1)
    return midnight + after


def retry_at(
    now: dt.datetime, due: dt.datetime, failures: int, first: dt.timedelta, attempts: int
) -> dt.datetime:
    """When to run again after `failures` runs in a row that failed.

    The wait doubles each time, ends when the next bar is due, and is given up for it after
    `attempts`.
    """
    if not 0 < failures < attempts:
        return due
    # Doubled so often it is longer than any calendar: a float would not hold it.
    return min(now + first * 2 ** min(failures - 1, 20), due)


class Pause:
    """Sleeps until an instant, or until the process is asked to end.

    While it is entered SIGTERM and SIGINT end no more than the pause: what is under way is
    finished, and the next :meth:`until` says that it is time to go.

    Parameters
    ----------
    clock : callable
        The time in UTC.
    """

    def __init__(self, clock: Callable[[], dt.datetime]) -> None:
        self._clock = clock

    def __enter__(self) -> Pause:
        self._ear, self._mouth = socket.socketpair()
        self._mouth.setblocking(False)
        # The byte that Python writes for a signal stays there, so that none is missed however
        # early it comes.
        self._before = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        self._handlers = {
            number: signal.signal(number, lambda *_: None)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._before)
        self._ear.close()
        self._mouth.close()

    def until(self, instant: dt.datetime) -> bool:
        """True when the instant has come, False when the process was asked to end."""
        while True:
            left = (instant - self._clock()).total_seconds()
            if self._asked(0.0):
                return False
            if left <= 0:
                return True
            if self._asked(min(left, _LONGEST_SLEEP)):
                return False

    def _asked(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._ear], [], [], seconds)
        return bool(ready)


def utc_now() -> dt.datetime:
    """The time in UTC."""
    return dt.datetime.fromtimestamp(time.time(), dt.timezone.utc)
