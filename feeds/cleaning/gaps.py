"""Sessions on which a series has no row, and what is odd about a series as a whole."""

from __future__ import annotations

import numpy as np

from feeds.cleaning.batch import Batch
from feeds.cleaning.days import Days

__all__ = ["check_constant", "check_gaps"]


def check_gaps(batch: Batch, days: Days, numbers: np.ndarray, dropped: np.ndarray) -> None:
    """List each session inside a series that has neither a row nor a dropped one.

    Parameters
    ----------
    batch : Batch
        Settled.
    days : Days
    numbers : (M,) int array
        The rows' sessions.
    dropped : (K,) int64 array
        ``code * 2**32 + number`` of rows that were dropped: those sessions are in the log.
    """
    inside = ~batch.starts()[1:]
    missing = np.where(inside, numbers[1:] - numbers[:-1] - 1, 0)
    rows = np.flatnonzero(missing > 0) + 1
    if not len(rows):
        return
    count = missing[rows - 1]
    owner = np.repeat(rows, count)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    number = numbers[owner - 1] + 1 + offset
    code = batch.table.code[owner]
    told = np.isin(code.astype(np.int64) * (1 << 32) + number, dropped)
    owner, number, code = owner[~told], number[~told], code[~told]
    rows, count = np.unique(owner, return_counts=True)
    long = count > batch.limits.max_gap
    batch.find("gap", rows[long], "sessions", after=count[long].astype(float))
    if batch.action("missing_day") != "off":
        names = np.array(batch.table.symbols, dtype=object)
        batch.log.add_missing(names[code], days.between(number), "missing_day")
    _check_share(batch, numbers, rows, owner)


def _check_share(batch: Batch, numbers: np.ndarray, rows: np.ndarray, owner: np.ndarray) -> None:
    """Series of which too large a share is missing: told at the last row after a gap."""
    starts = np.flatnonzero(batch.starts())
    ends = np.append(starts[1:], len(numbers))
    span = numbers[ends - 1] - numbers[starts] + 1
    place = np.searchsorted(starts, owner, side="right") - 1
    gone = np.bincount(place, minlength=len(starts))
    share = gone / span
    many = np.flatnonzero(share > batch.limits.max_missing)
    if len(many) and len(rows):
        last = rows[np.searchsorted(rows, ends[many], side="left") - 1]
        batch.find("too_many_missing", last, "share", after=share[many])


def check_constant(batch: Batch) -> None:
    """Series of one price throughout: no prices of anything that trades."""
    closes = batch.table["close"]
    starts = batch.starts()
    begin = np.flatnonzero(starts)
    if not len(begin):
        return
    change = np.zeros(len(closes), dtype=np.int64)
    change[1:] = (closes[1:] != closes[:-1]) & ~starts[1:]
    changes = np.add.reduceat(change, begin)
    length = np.diff(np.append(begin, len(closes)))
    rows = begin[(changes == 0) & (length >= batch.limits.constant_after)]
    batch.find("constant", rows, "close", before=closes[rows])
