"""Rows that are no bars by themselves: without a close, on closed days, not yet complete."""

from __future__ import annotations

import numpy as np

from feeds.cleaning.batch import Batch
from feeds.cleaning.days import Days

__all__ = ["check_rows"]

_DAY, _HOUR = np.timedelta64(86400, "s"), np.timedelta64(3600, "s")

#: No data were fetched after this, whenever it was.
_NEVER = np.datetime64("2100-01-01", "s")


def check_rows(batch: Batch, known: np.datetime64 | None) -> None:
    """Drop, flag or refuse single rows.

    Parameters
    ----------
    batch : Batch
    known : datetime64, optional
        When the data were fetched, in UTC; before 2100 where not given. A day is complete at
        its end in UTC, an hour at its own end.
    """
    table, closes = batch.table, batch.table["close"]
    good = closes > 0
    good &= closes < np.inf
    if not good.all():
        _check_closes(batch, np.flatnonzero(~good))
    moment = _NEVER if known is None else np.datetime64(known, "s")
    late = np.flatnonzero(table.time + (_DAY if batch.daily else _HOUR) > moment)
    future = table.time[late] > moment
    batch.find("future_bar", late[future])
    batch.find("unclosed_bar", late[~future])
    if batch.listed and len(table):
        kept = table.time[~batch.gone] if batch.gone.any() else table.time
        if len(kept) and not (days := Days(kept, True)).open.all():
            rows = np.flatnonzero(~batch.gone)
            batch.find("closed_day", rows[~days.is_open(kept)])


def _check_closes(batch: Batch, rows: np.ndarray) -> None:
    columns = batch.table.columns
    closes = columns["close"][rows]
    names = ("open", "high", "low", "close", "volume")
    empty = np.all([np.isnan(columns[name][rows]) for name in names], axis=0)
    batch.find("empty_row", rows[empty])
    batch.find("no_close", rows[np.isnan(closes) & ~empty])
    batch.find("infinite_price", rows[closes == np.inf], "close")
    low = rows[closes <= 0]
    batch.find("non_positive_close", low, "close", before=columns["close"][low])
