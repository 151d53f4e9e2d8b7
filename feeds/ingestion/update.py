"""What is missing of a stored series, and whether the vendor still tells the same history."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from feeds.errors import DataError
from feeds.ingestion.closed import last_closed
from feeds.ingestion.outcome import Difference
from feeds.ingestion.raw_store import RawEntry
from feeds.ingestion.staging import is_settled
from feeds.sources.request import RawSeries, SymbolRequest

__all__ = [
    "OVERLAP",
    "Plan",
    "changed_units",
    "check_overlap",
    "cut_to",
    "differences",
    "is_up_to_date",
    "other_series",
    "plan_update",
    "replace_history",
    "still_covered",
]

#: Stored bars that are fetched again and compared.
OVERLAP = 10

#: Prices and events as printed do not change: beyond this share they were revised.
_TOLERANCE = 1e-9
#: A vendor that adjusts by later splits keeps six decimals or 32 bits, and printed prices are
#: reckoned back from those: after a new split they are as precise as this.
_SPLIT_TOLERANCE = 1e-6
#: Volume is corrected for weeks: up to this share the stored one stays.
_LOOSE = {"volume": 0.05, "market_cap": 0.05}
#: Changes with every dividend and split to come.
_ADJUSTED = "adjusted"
#: Another of these is another series.
_IDENTITY = ("source", "source_symbol", "exchange", "interval", "asset_class", "currency")
_UNITS = ("volume_unit", "price_kind", "currency")


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


def check_overlap(
    stored: pd.DataFrame, fetched: pd.DataFrame, since: dt.date
) -> tuple[str, list[Difference]]:
    """Compare the end of the stored bars with the beginning of the fetched ones.

    Parameters
    ----------
    stored : DataFrame
        All stored bars in the range asked for.
    fetched : DataFrame
        What the vendor gave from `since` on.
    since : date
        Day of the first stored bar that was asked for again. It is not compared unless it is
        the very first: an event between two bars belongs to the later one, and the source did
        not see the earlier one.

    Returns
    -------
    str, list of tuple
        What is the matter, empty where the new bars can be added; and the differences.
    """
    past = stored[stored.index >= pd.Timestamp(since)]
    again = fetched[fetched.index <= stored.index[-1]]
    if again.empty:
        begin, last = _label(fetched.index[0]), _label(stored.index[-1])
        return f"the vendor's bars begin on {begin}, after the last stored one of {last}", []
    old, new = past, again
    if len(past) < len(stored):
        old, new = past.iloc[1:], again[again.index > past.index[0]]
    found = differences(old, new, _new_splits(stored, fetched))
    if not found:
        return _rescaled(old, new), []
    moved = _moved(past, again)
    if moved:
        return f"the vendor's day labels moved by {moved:+d} day", found
    return "the vendor tells another history than the stored one", found


def _rescaled(old: pd.DataFrame, new: pd.DataFrame) -> str:
    """Whether the vendor's own adjusted closes moved, as they do with each dividend.

    That is no revision, but the new ones do not continue the stored ones.
    """
    if _ADJUSTED not in old.columns or _ADJUSTED not in new.columns:
        return ""
    before, after = (table[_ADJUSTED].to_numpy() for table in (old, new))
    same = _same(before, after, _ADJUSTED, _TOLERANCE, 1.0).all()
    return "" if same else "the vendor adjusted its earlier prices anew"


def differences(
    stored: pd.DataFrame, fetched: pd.DataFrame, new_splits: float = 1.0, *, loose: bool = True
) -> list[Difference]:
    """What two histories of the same days say differently, by date.

    Parameters
    ----------
    stored, fetched : DataFrame
    new_splits : float
        Product of the ratios of splits that the stored bars do not know.
    loose : bool
        Whether small corrections of volume count for nothing.

    Returns
    -------
    list of tuple
        Date, column, stored value, fetched value; column ``bar`` with the close where only one
        of them has a bar. NaN equals NaN, and adjusted closes are not compared.
    """
    both = stored.index.intersection(fetched.index)
    found = []
    shared = [name for name in stored.columns if name in fetched.columns and name != _ADJUSTED]
    for column in shared:
        before, after = (table.loc[both, column].to_numpy() for table in (stored, fetched))
        share = _LOOSE.get(column, _TOLERANCE) if loose else _TOLERANCE
        for place in np.flatnonzero(~_same(before, after, column, share, new_splits)):
            found.append((_label(both[place]), column, float(before[place]), float(after[place])))
    nothing = float("nan")
    for time in stored.index.difference(both):
        found.append((_label(time), "bar", float(stored.at[time, "close"]), nothing))
    for time in fetched.index.difference(both):
        found.append((_label(time), "bar", nothing, float(fetched.at[time, "close"])))
    return sorted(found, key=lambda item: item[:2])


def _same(
    before: np.ndarray, after: np.ndarray, column: str, share: float, new_splits: float
) -> np.ndarray:
    slack = 0.0
    if new_splits != 1.0 and column not in _LOOSE and column != "split_ratio":
        share, slack = _SPLIT_TOLERANCE, _SPLIT_TOLERANCE * max(new_splits, 1.0)
    with np.errstate(invalid="ignore"):
        near = np.abs(after - before) <= share * np.maximum(np.abs(before), np.abs(after)) + slack
    return near | (before == after) | (np.isnan(before) & np.isnan(after))


def _new_splits(stored: pd.DataFrame, fetched: pd.DataFrame) -> float:
    late = fetched.loc[fetched.index > stored.index[-1], "split_ratio"].to_numpy()
    return float(np.nanprod(late))


def _moved(stored: pd.DataFrame, fetched: pd.DataFrame) -> int:
    """By how many days the labels moved, if that is the matter: -1, 1, or 0."""
    for days in (-1, 1):
        shifted = stored["close"].copy()
        shifted.index = shifted.index + pd.Timedelta(days=days)
        both = shifted.index.intersection(fetched.index)
        old, new = shifted.loc[both].to_numpy(), fetched.loc[both, "close"].to_numpy()
        # Over a weekend a moved label meets no day; of few bars or equal closes nothing is said.
        if (
            len(both) >= 3
            and len(set(old)) >= 3
            and _same(old, new, "close", _TOLERANCE, 1.0).all()
        ):
            return days
    return 0


def replace_history(
    stored: pd.DataFrame, fetched: pd.DataFrame, *, as_it_is: bool = False
) -> tuple[pd.DataFrame, list[Difference]]:
    """The whole history fetched again in the place of the stored one, and what that changes.

    A vendor that only gives its latest bars does not take the earlier ones away: they stay
    where the first bars that both have agree. A few first bars that are gone are revised.

    Parameters
    ----------
    stored, fetched : DataFrame
    as_it_is : bool
        Take the fetched history, whatever is lost.

    Raises
    ------
    DataError
        If stored bars would be lost: the vendor's end earlier, or begin later and do not
        continue them.
    """
    head = stored[stored.index < fetched.index[0]]
    past = stored[stored.index >= fetched.index[0]]
    again = fetched[(fetched.index >= stored.index[0]) & (fetched.index <= stored.index[-1])]
    splits = _new_splits(stored, fetched)
    if as_it_is:
        return fetched, _changes(stored, again, splits)
    if fetched.index[-1] < stored.index[-1]:
        ends = [_label(bars.index[-1]) for bars in (fetched, stored)]
        raise DataError(f"the vendor's history ends on {ends[0]}, the stored one on {ends[1]}")
    first = past.iloc[1 : OVERLAP + 1]
    if len(head) <= OVERLAP:
        return fetched, _changes(stored, again, splits)
    if first.empty or differences(first, again.loc[: first.index[-1]].iloc[1:], splits):
        begins = [_label(bars.index[0]) for bars in (fetched, stored)]
        raise DataError(
            f"the vendor's history begins on {begins[0]}, the stored one on {begins[1]}, and the "
            "one does not continue the other"
        )
    return pd.concat([head, fetched]), _changes(past, again, splits)


def _changes(stored: pd.DataFrame, fetched: pd.DataFrame, splits: float) -> list[Difference]:
    """Every value that is replaced, where any counts."""
    found = differences(stored, fetched, splits)
    return differences(stored, fetched, splits, loose=False) if found else []


def changed_units(entry: RawEntry, series: RawSeries) -> str:
    """What the vendor now says of volume, prices or currency that it did not; or empty."""
    for name in _UNITS:
        old, new = getattr(entry, name), getattr(series, name)
        if old != new:
            return f"the vendor's {name} was {old or 'empty'} and is {new or 'empty'}"
    return ""


def _label(time: pd.Timestamp) -> str:
    return str(time.date()) if time == time.normalize() else f"{time.isoformat()}Z"
