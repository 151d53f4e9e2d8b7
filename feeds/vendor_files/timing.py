"""From local clocks to the stamps of bars: days stay days, hours become UTC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Clock", "find_interval"]

_DAY = 86_400


@dataclass(frozen=True)
class Clock:
    """How the stamps of a file are taken.

    A daily bar belongs to the day that its own clock shows; that is the zone's where stamps
    are moments (counts since 1970, or with an offset) and a zone is given. A time of day is
    left on it: what it means is not for a reader to say. Shorter bars are in UTC.

    Parameters
    ----------
    daily : bool
        Whether bars are whole days apart.
    timezone : str
        Given for the file; empty where not.
    moments : bool
        Whether stamps are moments, and not the time on a clock.
    day_after : bool
        Whether a stamp is the midnight that ends its day.
    """

    daily: bool
    timezone: str = ""
    moments: bool = False
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
        utc = local if offset is None else local - offset
        if self.day_after:
            if (local % _DAY).any():
                raise ValueError("it is not a midnight: that day is not over")
            return _moments(local - _DAY)
        if self.daily:
            return self._clock(utc) if self.moments and self.timezone else _moments(local)
        return _moments(utc) if self.moments or not self.timezone else self._from_zone(local)

    def _clock(self, utc: np.ndarray) -> np.ndarray:
        """What the zone's clocks show."""
        import pandas as pd

        index = pd.DatetimeIndex(_moments(utc)).tz_localize("UTC").tz_convert(self.timezone)
        return index.tz_localize(None).to_numpy().astype("datetime64[s]")

    def _from_zone(self, local: np.ndarray) -> np.ndarray:
        """UTC of what the zone's clocks show."""
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
    step = int(np.sort(steps)[(len(steps) - 1) // 2])
    if 20 * 3600 <= step < 4 * _DAY:
        return "1d"
    for unit, seconds in (("d", _DAY), ("h", 3600), ("m", 60)):
        if step >= seconds and step % seconds == 0:
            return f"{step // seconds}{unit}"
    return f"{step}s"


def _moments(seconds: np.ndarray) -> np.ndarray:
    return seconds.astype("datetime64[s]")
