"""Order and uniqueness of stamps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from feeds.cleaning.batch import Batch

__all__ = ["check_duplicates", "check_times", "sort_rows"]

_DAY, _HOUR = 86400, 3600


def sort_rows(batch: Batch) -> Batch:
    """By symbol and time; of each symbol whose rows are not in order, the first such row is told.

    The rows of a symbol need not stand together in a file: that is no fault.
    """
    table = batch.table
    order = table.order()
    if order is None:
        return batch
    # Within a symbol, in the order of the file, time must not go back.
    by_symbol = np.argsort(table.code, kind="stable")
    codes, times = table.code[by_symbol], table.time[by_symbol].view("int64")
    back = np.flatnonzero((codes[1:] == codes[:-1]) & (times[1:] < times[:-1])) + 1
    _, first = np.unique(codes[back], return_index=True)
    batch.find("unsorted", by_symbol[back[first]])
    return batch.take(order)


def check_times(batch: Batch) -> Batch:
    """Cut off a time of day that all rows of a symbol share; more than one is mixed zones.

    Whether all rows share it is known at the end of a series only: one row that does not makes
    it a refusal, and changes no earlier row.
    """
    unit = _DAY if batch.daily else _HOUR
    stamps = batch.table.time.view("int64")
    late = stamps % unit
    if not late.any():
        return batch
    codes = batch.table.code
    count = len(batch.table.symbols)
    lowest = np.full(count, unit)
    highest = np.full(count, -1)
    np.minimum.at(lowest, codes, late)
    np.maximum.at(highest, codes, late)
    mixed, shared = lowest < highest, (lowest == highest) & (highest > 0)
    rows = np.flatnonzero((mixed[codes]) & (late > 0))
    first = np.flatnonzero(shared[codes])
    first = first[np.unique(codes[first], return_index=True)[1]]
    action = batch.find("mixed_times", rows, "time", late[rows] * 1.0, late[rows] * 0.0)
    # One line a symbol: the same was cut off from all its rows.
    batch.find("time_of_day", first, "time", late[first] * 1.0, late[first] * 0.0)
    cut = shared | (mixed & (action == "repair"))
    stamps = np.where(cut[codes], stamps - late, stamps)
    batch.table = replace(batch.table, time=stamps.view("datetime64[s]"))
    return sort_rows(batch) if not batch.table.is_sorted() else batch


def check_duplicates(batch: Batch) -> None:
    """Several rows of a symbol and time: the same again, or different ones."""
    table = batch.table
    same = (table.code[1:] == table.code[:-1]) & (table.time[1:] == table.time[:-1])
    if not same.any():
        return
    later = np.flatnonzero(same) + 1
    # Where each run of rows of one time begins.
    begins = np.concatenate([[True], ~same])
    first = np.maximum.accumulate(np.where(begins, np.arange(len(table)), 0))
    equal = np.ones(len(later), dtype=bool)
    for values in table.columns.values():
        one, two = values[first[later]], values[later]
        equal &= (one == two) | (np.isnan(one) & np.isnan(two))
    batch.find("duplicate", later[equal])
    rest = later[~equal]
    if batch.action("conflict") == "drop_both":
        rest = np.flatnonzero(np.isin(first, first[rest]))
    batch.find("conflict", rest)
