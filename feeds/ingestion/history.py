"""Whether a vendor still tells the history that is stored, and what becomes of it if not."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from feeds.errors import DataError
from feeds.ingestion.outcome import Difference
from feeds.ingestion.raw_store import RawEntry
from feeds.sources.request import RawSeries

__all__ = [
    "OVERLAP",
    "changed_units",
    "check_overlap",
    "complete_volume",
    "differences",
    "replace_history",
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
#: The last bar's volume was counted when late trades were missing: up to twice or half of it
#: the vendor's later count is taken.
_LATE = 2.0
#: Changes with every dividend and split to come.
_ADJUSTED = "adjusted"
#: What is said of a series as a whole.
_UNITS = ("volume_unit", "price_kind", "currency")


def changed_units(entry: RawEntry, series: RawSeries) -> str:
    """What the vendor now says of volume, prices or currency that it did not; or empty."""
    for name in _UNITS:
        old, new = getattr(entry, name), getattr(series, name)
        if old != new:
            return f"the vendor's {name} was {old or 'empty'} and is {new or 'empty'}"
    return ""


def complete_volume(
    stored: pd.DataFrame, fetched: pd.DataFrame
) -> tuple[pd.DataFrame, list[Difference]]:
    """The stored bars with the vendor's later count of the last bar's volume, and what changed."""
    last = stored.index[-1]
    if last not in fetched.index:
        return stored, []
    before, after = (float(table.at[last, "volume"]) for table in (stored, fetched))
    if not (before / _LATE <= after <= before * _LATE) or np.isclose(after, before, 1e-6, 0.0):
        return stored, []
    return stored.assign(volume=stored["volume"].where(stored.index != last, after)), [
        (_label(last), "volume", before, after)
    ]


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


def _label(time: pd.Timestamp) -> str:
    return str(time.date()) if time == time.normalize() else f"{time.isoformat()}Z"
