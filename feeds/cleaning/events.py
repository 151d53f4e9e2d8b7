"""Splits and dividends that a source gives: mended, carried over dropped rows, chained."""

from __future__ import annotations

import numpy as np

from feeds.cleaning.batch import Batch

__all__ = ["carry_events", "chain_events", "is_paid", "mend_again", "mend_events", "with_adjusted"]

#: From here on, as a log, a payment must show in the price: few companies pay a tenth of theirs.
_LARGE = 0.10


def is_paid(moved: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Whether dividends can be what they are said to be: large ones take their part of the price.

    Parameters
    ----------
    moved : (K,) array
        Log of the total return of the bar.
    size : (K,) array
        Log of 1 + dividend / close.
    """
    return (size < _LARGE) | (moved <= 0.5 * size + 0.03)


def mend_events(batch: Batch) -> np.ndarray:
    """Leave out what cannot be: ratios that are not positive, dividends below zero or not paid.

    An event that the source does not give (NaN) is none.

    Returns
    -------
    (K,) array
        Rows whose events changed.
    """
    old = batch.table["split_ratio"], batch.table["dividend"]
    table = batch.table
    splits, cash = table["split_ratio"], table["dividend"]
    gap = np.isnan(splits)
    splits = np.where(gap, 1.0, splits) if gap.any() else splits
    gap = np.isnan(cash)
    cash = np.where(gap, 0.0, cash) if gap.any() else cash
    bad = np.flatnonzero(~((splits > 0) & (splits < np.inf)))
    if batch.find("bad_event", bad, "split_ratio", splits[bad], np.ones(len(bad))) != "off":
        splits = splits.copy()
        splits[bad] = 1.0
    paid = np.flatnonzero(cash != 0)
    bad = paid[~_can_be(batch, paid, splits, cash)]
    if batch.find("bad_event", bad, "dividend", cash[bad], np.zeros(len(bad))) != "off":
        cash = cash.copy()
        cash[bad] = 0.0
    batch.table = table.with_columns(split_ratio=splits, dividend=cash)
    return np.flatnonzero((splits != old[0]) | (cash != old[1]))


def mend_again(batch: Batch) -> np.ndarray:
    """Leave out events that the rows that are left belie.

    Returns
    -------
    (K,) array
        Rows whose events changed; the batch's `factor` goes by what is left of them.
    """
    table, closes = batch.table, batch.table["close"]
    splits, cash = table["split_ratio"], table["dividend"]
    rows = mend_events(batch)
    ends = np.append(np.flatnonzero(batch.starts())[1:], len(closes))
    for row in rows.tolist():
        told = np.log(splits[row]) + np.log1p(cash[row] / closes[row])
        new_split, new_cash = batch.table["split_ratio"][row], batch.table["dividend"][row]
        left = np.log(new_split) + np.log1p(new_cash / closes[row])
        batch.factor[row : ends[np.searchsorted(ends, row, side="right")]] += left - told
    return rows


def _can_be(batch: Batch, rows: np.ndarray, splits: np.ndarray, cash: np.ndarray) -> np.ndarray:
    """Whether the dividend of each row is a sum that the price bears out."""
    closes = batch.table["close"]
    with np.errstate(all="ignore"):
        size = np.log1p(cash[rows] / closes[rows])
        moved = np.log(closes[rows] * splits[rows] / closes[np.maximum(rows - 1, 0)]) + size
    good = (cash[rows] > 0) & (cash[rows] < np.inf)
    return good & (is_paid(moved, size) | batch.starts()[rows])


def carry_events(batch: Batch) -> None:
    """Take the events of rows that are gone to the next row of their series that stays.

    Before the first row that stays nobody could hold it, and after the last nobody can see it.
    """
    splits, cash = batch.table["split_ratio"], batch.table["dividend"]
    with np.errstate(invalid="ignore"):
        told = (np.isfinite(splits) & (splits != 1) & (splits > 0)) | (cash > 0)
    rows = np.flatnonzero(batch.gone & told)
    if not len(rows):
        return
    kept = np.flatnonzero(~batch.gone)
    place = np.searchsorted(kept, rows)
    rows, place = rows[place < len(kept)], place[place < len(kept)]
    target, before = kept[place], kept[np.maximum(place - 1, 0)]
    inside = (batch.series[target] == batch.series[rows]) & (place > 0)
    inside &= batch.series[before] == batch.series[rows]
    splits, cash = splits.copy(), cash.copy()
    for row, to in zip(rows[inside].tolist(), target[inside].tolist()):
        _carry(batch, splits, cash, row, to)
    batch.table = batch.table.with_columns(split_ratio=splits, dividend=cash)


def _carry(batch: Batch, splits: np.ndarray, cash: np.ndarray, row: int, to: int) -> None:
    """One event: cash per share before a later split is less for each share after it."""
    at = np.array([to])
    if splits[row] != 1 and splits[row] > 0:
        old = splits[at].copy()
        splits[to] = splits[row] * (splits[to] if splits[to] > 0 else 1.0)
        batch.find("event_moved", at, "split_ratio", old, splits[at])
    if cash[row] > 0:
        old = cash[at].copy()
        later = splits[to] / (splits[row] if splits[row] > 0 else 1.0)
        cash[to] = (cash[to] if cash[to] > 0 else 0.0) + cash[row] / (later if later > 0 else 1.0)
        batch.find("event_moved", at, "dividend", old, cash[at])


def with_adjusted(batch: Batch) -> np.ndarray:
    """(M,) bool array: rows whose events the vendor tells by an adjusted close only.

    Those up to the first event that is told as such: from there on events are what they say.
    """
    table = batch.table
    if "adjusted" not in table.columns:
        return np.zeros(len(table), dtype=bool)
    told = (table["split_ratio"] != 1) | (table["dividend"] != 0)
    if not told.any():
        return np.ones(len(table), dtype=bool)
    count = np.cumsum(told)
    before = (count - told)[
        np.maximum.accumulate(np.where(batch.starts(), np.arange(len(told)), 0))
    ]
    return count == before


def chain_events(batch: Batch) -> None:
    """Set the batch's `factor`, by the vendor's adjusted closes where `adjusted`, else by events.

    A row without an adjusted close has the factor of the row before it.
    """
    table, closes, adjusted = batch.table, batch.table["close"], batch.adjusted
    splits, cash = table["split_ratio"], table["dividend"]
    if adjusted.any():
        with np.errstate(all="ignore"):
            level = np.log(table["adjusted"] / closes)
        level[~np.isfinite(level)] = np.nan
        batch.factor = np.where(adjusted, _filled(level, batch.starts()), 0.0)
    told = np.flatnonzero(((splits != 1) | (cash != 0)) & ~adjusted)
    if not len(told):
        return
    steps = np.zeros(len(table))
    steps[told] = np.log(splits[told]) + np.log1p(cash[told] / closes[told])
    batch.factor = batch.factor.copy()
    bounds = np.append(np.flatnonzero(batch.starts()), len(table))
    for at in np.unique(np.searchsorted(bounds, told, side="right")).tolist():
        # Symbol by symbol: sums must not depend on which others stand in the table.
        rows = slice(bounds[at - 1], bounds[at])
        own = np.flatnonzero(~adjusted[rows])[0] + bounds[at - 1]
        base = batch.factor[own - 1] if own > bounds[at - 1] else 0.0
        batch.factor[own : rows.stop] = base + np.cumsum(steps[own : rows.stop])


def _filled(level: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Unknown levels from the row before; at the head of a series from the first that is known.

    The head makes no look-ahead: a factor counts by its steps, and there is none either way.
    """
    unknown = np.isnan(level)
    if not unknown.any():
        return level
    rows = np.arange(len(level))
    source = np.maximum.accumulate(np.where(unknown & ~starts, 0, rows))
    filled = level[source]
    begins = np.maximum.accumulate(np.where(starts, rows, 0))
    heads = np.flatnonzero(np.isnan(filled))
    known = np.flatnonzero(~unknown)
    after = np.append(known, 0)[np.searchsorted(known, heads)]
    same = (begins[after] == begins[heads]) & (after > heads)
    filled[heads] = np.where(same, level[after], 0.0)
    return filled
