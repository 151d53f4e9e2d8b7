"""Rows on which nothing traded: placeholders before a listing, and prices carried on."""

from __future__ import annotations

import numpy as np

from feeds.cleaning.batch import Batch

__all__ = ["carried_rows", "check_placeholders", "check_stale", "flat_rows"]


def flat_rows(batch: Batch) -> np.ndarray:
    """(M,) bool array: no volume, and no price but the close."""
    columns = batch.table.columns
    flat = columns["volume"] == 0
    closes = columns["close"]
    if flat.any():
        for name in ("open", "high", "low"):
            # A range that is not known says nothing else.
            flat &= ~((columns[name] < closes) | (columns[name] > closes))
    return flat


def check_placeholders(batch: Batch, flat: np.ndarray) -> None:
    """Flat rows of a series before its first row that is none: no bars, whatever comes after."""
    if not flat.any():
        return
    begin = np.flatnonzero(batch.starts())
    begin = begin[flat[begin]]
    if not len(begin):
        return
    busy = np.flatnonzero(~flat)
    ends = np.append(np.flatnonzero(batch.starts())[1:], len(flat))
    last = ends[np.searchsorted(ends, begin, side="right")]
    stop = np.append(busy, len(flat))[np.searchsorted(busy, begin)]
    stop = np.minimum(stop, last)
    batch.find("placeholder", np.concatenate([np.arange(a, b) for a, b in zip(begin, stop)]))


def carried_rows(batch: Batch, flat: np.ndarray) -> np.ndarray:
    """(M,) bool array: flat rows that repeat the close before them."""
    closes = batch.table["close"]
    carried = flat.copy()
    carried[1:] &= closes[1:] == closes[:-1]
    return carried & ~batch.starts()


def check_stale(batch: Batch, carried: np.ndarray) -> np.ndarray:
    """Runs of carried rows: from the `stale_after`-th on they are no bars.

    Returns
    -------
    (K,) array
        Positions of the rows that were dropped.
    """
    rows = np.flatnonzero(carried)
    limit = batch.limits.stale_after
    if len(rows) < limit:
        return rows[:0]
    new_run = np.concatenate([[True], np.diff(rows) > 1])
    begins = np.maximum.accumulate(np.where(new_run, np.arange(len(rows)), 0))
    length = np.arange(len(rows)) - begins + 1
    stale = rows[length >= limit]
    return stale if batch.find("stale", stale) == "drop" else rows[:0]
