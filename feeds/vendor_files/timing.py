"""From local clocks to the stamps of bars: days stay days, hours become UTC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Clock", "find_interval", "is_daily"]

_DAY = 86_400


@dataclass(frozen=True)
class Clock:
    """How the stamps of a file are taken.

    Parameters
    ----------
    daily : bool
        Whether the file's stamps are midnights of their own clock: then the day is what they
        say there, whatever the offset.
    timezone : str
        Of stamps without offset in a file that is not daily; empty for UTC.
    day_after : bool
        Whether a stamp is the midnight that ends its day.
    """

    daily: bool
    timezone: str = ""
    day_after: bool = False

    def times(self, local: np.ndarray, offset: np.ndarray | None) -> np.ndarray:
        """(K,) datetime64[s] of bars.

        Parameters
        ----------
        local, offset : (K,) int64 arrays
            As of ``Stamps.seconds``; no offset where the stamps do not tell one.

        Raises
        ------
        ValueError
            Where a clock does not show a time, or shows it twice, or the day is not over.
        """
        whole = local % _DAY == 0
        if self.day_after:
            if not whole.all():
                raise ValueError("it is not a midnight: that day is not over")
            return _moments(local - _DAY)
        if self.daily:
            # A time of day in a daily file is passed on: which day it is, is not for us to say.
            utc = local if offset is None else np.where(whole, local, local - offset)
            return _moments(utc)
        if offset is not None:
            return _moments(local - offset)
        return _moments(local) if self.timezone in ("", "UTC") else self._from_zone(local)

    def _from_zone(self, local: np.ndarray) -> np.ndarray:
        import pandas as pd

        try:
            index = pd.DatetimeIndex(_moments(local)).tz_localize(self.timezone)
        except (ValueError, KeyError):
            raise ValueError(
                f"clocks of {self.timezone} skip or repeat this time: it needs its offset"
            ) from None
        return index.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[s]")


def find_interval(local: np.ndarray) -> str:
    """The usual step between the stamps of one symbol: ``1d``, ``1h``, ``15m``, ``30s``.

    A step of 20 hours to 4 days is a day: sessions have gaps. A single stamp is taken for a
    day's where it is a midnight.
    """
    steps = np.diff(np.unique(local))
    if not len(steps):
        return "1d" if not (local % _DAY).any() else "1h"
    step = int(np.median(steps))
    if 20 * 3600 <= step < 4 * _DAY:
        return "1d"
    for unit, seconds in (("d", _DAY), ("h", 3600), ("m", 60)):
        if step >= seconds and step % seconds == 0:
            return f"{step // seconds}{unit}"
    return f"{step}s"


def is_daily(local: np.ndarray, interval: str) -> bool:
    """Whether stamps are days: whole days apart, and midnights but for single slips."""
    midnights = np.count_nonzero(local % _DAY == 0)
    return interval.endswith("d") and 2 * midnights > len(local)


def _moments(seconds: np.ndarray) -> np.ndarray:
    return seconds.astype("datetime64[s]")
