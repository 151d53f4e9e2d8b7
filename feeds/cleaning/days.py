"""Stamps as numbers of sessions (or hours), so that gaps can be counted."""

from __future__ import annotations

import numpy as np

from feeds.calendars import sessions

__all__ = ["Days"]

#: The exchange's calendar is known from here on; before it, every weekday counts as a session.
_FIRST = np.datetime64("1990-01-01").astype("int64")
_DAY, _HOUR = 86400, 3600


class Days:
    """Numbers the sessions of a span of days.

    Parameters
    ----------
    times : (M,) datetime64[s] array
        Stamps whose days are to be numbered.
    listed : bool
        Whether the exchange's sessions count, rather than all days.
    hours : bool
        Whether hours are numbered, all of them, instead of days.
    """

    def __init__(self, times: np.ndarray, listed: bool, hours: bool = False) -> None:
        self.unit, listed = (_HOUR, False) if hours else (_DAY, listed)
        days = times.view("int64") // self.unit
        self.first = int(days.min()) if len(days) else 0
        last = int(days.max()) if len(days) else 0
        span = np.arange(self.first, last + 1)
        self.open = np.ones(len(span), dtype=bool)
        if listed:
            # 1970-01-01 was a Thursday.
            self.open = (span + 3) % 7 < 5
            known = span >= _FIRST
            if known.any():
                begin = np.datetime64(max(self.first, int(_FIRST)), "D")
                found = sessions("XNYS", begin, np.datetime64(last, "D")).astype("int64")
                self.open[known] = False
                self.open[found - self.first] = True
        self.number = np.cumsum(self.open, dtype=np.int32)
        self.days = span[self.open]

    def is_open(self, times: np.ndarray) -> np.ndarray:
        """(M,) bool array: whether the day of each stamp is a session."""
        return self.open[times.view("int64") // self.unit - self.first]

    def numbers(self, times: np.ndarray) -> np.ndarray:
        """(M,) int32 array: how many sessions there are up to the day of each stamp."""
        return self.number[times.view("int64") // self.unit - self.first]

    def inside(self, times: np.ndarray) -> np.ndarray:
        """(M,) bool array: whether each stamp is in the span, so that it has a number."""
        place = times.view("int64") // self.unit - self.first
        return (place >= 0) & (place < len(self.number))

    def between(self, number: np.ndarray) -> np.ndarray:
        """(K,) datetime64[s] array: the sessions of these numbers."""
        return (self.days[number - 1] * self.unit).astype("datetime64[s]")
