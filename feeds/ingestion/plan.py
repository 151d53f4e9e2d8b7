"""What is missing of a stored series: nothing, its end, or all of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from feeds.ingestion.closed import last_closed
from feeds.ingestion.history import OVERLAP
from feeds.ingestion.raw_store import RawEntry
from feeds.ingestion.staging import is_settled
from feeds.sources.request import SymbolRequest

__all__ = [
    "Plan",
    "cut_to",
    "is_up_to_date",
    "other_series",
    "plan_update",
    "still_covered",
]

#: Another of these is another series.
_IDENTITY = ("source", "source_symbol", "exchange", "interval", "asset_class", "currency")


@dataclass(frozen=True)
class Plan:
    """What to do with one symbol.

    Parameters
    ----------
    kind : {"none", "part", "whole"}
        Nothing is missing; the end is; or all of it is to be fetched.
    request : SymbolRequest
        What to ask the source.
    why : str
        Why the whole of a series is fetched of which bars are stored.
    """

    kind: Literal["none", "part", "whole"]
    request: SymbolRequest
    why: str = ""


def plan_update(
    request: SymbolRequest, entry: RawEntry, stored: pd.DataFrame, now: dt.datetime
) -> Plan:
    """What to fetch, given the stored bars in the range that is asked for."""
    other = other_series(request, entry)
    if other:
        return Plan("whole", request, other)
    had, wanted = entry.request.start, request.start
    if had is not None and (wanted is None or wanted < had):
        return Plan("whole", request, f"start was {had} and is {wanted or 'the first bar'}")
    if stored.empty:
        return Plan("whole", request, "no stored bar is in the range asked for")
    if _is_complete(request, entry, stored.index[-1].to_datetime64(), now):
        return Plan("none", request)
    # One bar more than is compared: it only lends the first of them a bar before it.
    since = stored.index[max(len(stored) - OVERLAP - 1, 0)].date()
    return Plan("part", replace(request, start=since))


def other_series(request: SymbolRequest, entry: RawEntry) -> str:
    """In what the stored series is not the one asked for; empty where it is."""
    for name in _IDENTITY:
        old, new = getattr(entry.request, name), getattr(request, name)
        if old != new:
            return f"{name} was {old or 'empty'} and is {new or 'empty'}"
    return ""


def still_covered(request: SymbolRequest, entry: RawEntry) -> SymbolRequest:
    """The request that stored bars answer where nothing was fetched: the days of both."""
    had = entry.request
    start = max(filter(None, (had.start, request.start)), default=None)
    end = min(filter(None, (had.end, request.end)), default=None)
    return replace(request, start=start, end=end)


def is_up_to_date(request: SymbolRequest, entry: RawEntry, now: dt.datetime) -> bool:
    """Whether the stored file is just what is asked for, so that it need not even be read."""
    first, last = (dt.date.fromisoformat(text[:10]) for text in (entry.first, entry.last))
    had, wanted = entry.request.start, request.start
    return (
        not other_series(request, entry)
        and (had is None or (wanted is not None and had <= wanted))
        and (wanted is None or wanted <= first)
        and (request.end is None or last <= request.end)
        and _is_complete(request, entry, np.datetime64(entry.last.rstrip("Z"), "s"), now)
    )


def _is_complete(
    request: SymbolRequest, entry: RawEntry, last_stored: np.datetime64, now: dt.datetime
) -> bool:
    last = last_closed(request, now)
    if last is not None and last_stored >= last:
        return True
    # A series that ended before the last day asked for was fetched up to that day all the same.
    had, wanted = entry.request.end, request.end
    return had is not None and wanted is not None and wanted <= had and is_settled(entry)


def cut_to(bars: pd.DataFrame, request: SymbolRequest) -> pd.DataFrame:
    """The bars of the days asked for, both ends included."""
    days = bars.index.normalize()
    wanted = np.ones(len(bars), dtype=bool)
    if request.start is not None:
        wanted &= days >= pd.Timestamp(request.start)
    if request.end is not None:
        wanted &= days <= pd.Timestamp(request.end)
    return bars if wanted.all() else bars[wanted]
