"""Which bar of a symbol can be the last one that is closed."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np

from feeds.sources.request import SymbolRequest

__all__ = ["last_closed"]

#: Venues with New York's sessions, as MIC codes; empty is taken for one of them.
_NEW_YORK = ("", "ARCX", "BATS", "XASE", "XNAS", "XNYS", "NASDAQ", "NYSE", "AMEX")
#: Trading ends at 16:00, and vendors have the last quotes half an hour later.
_SETTLED = dt.time(16, 30)
_LONGEST_CLOSURE = np.timedelta64(20, "D")


def last_closed(request: SymbolRequest, now: dt.datetime) -> np.datetime64 | None:
    """The latest bar that a vendor can have by `now`, in the range asked for.

    Where a stored series reaches it nothing is missing. Too late a bar only costs a request
    that brings nothing: where the sessions are not known it is the last weekday.

    Parameters
    ----------
    request : SymbolRequest
    now : datetime
        With its zone.

    Returns
    -------
    datetime64[s] or None
        Label of the bar; None where it cannot be said (hours of what trades in sessions).
    """
    moment = np.datetime64(now.astimezone(dt.timezone.utc).replace(tzinfo=None), "s")
    end = None if request.end is None else np.datetime64(request.end, "D")
    if request.asset_class == "crypto":
        return _around_the_clock(moment, end, request.interval)
    if request.interval != "1d":
        return None
    if request.exchange.upper() in _NEW_YORK:
        return _new_york(now, end).astype("datetime64[s]")
    day = moment.astype("datetime64[D]") if end is None else min(moment, end)
    return np.busday_offset(day.astype("datetime64[D]"), 0, roll="backward").astype("datetime64[s]")


def _around_the_clock(
    moment: np.datetime64, end: np.datetime64 | None, interval: str
) -> np.datetime64:
    unit = "D" if interval == "1d" else "h"
    step = np.timedelta64(1, unit)
    last = moment.astype(f"datetime64[{unit}]") - step
    if end is not None:
        last = min(last, (end + 1).astype(f"datetime64[{unit}]") - step)
    return last.astype("datetime64[s]")


def _new_york(now: dt.datetime, end: np.datetime64 | None) -> np.datetime64:
    # Imported here: nothing else of an ingestion needs the sessions.
    from feeds.calendars import sessions

    local = now.astimezone(ZoneInfo("America/New_York"))
    last = np.datetime64(local.date(), "D")
    if local.time() < _SETTLED:
        last -= 1
    if end is not None:
        last = min(last, end)
    return sessions("XNYS", last - _LONGEST_CLOSURE, last)[-1]
