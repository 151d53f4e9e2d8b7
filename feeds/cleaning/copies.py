"""Blocks of bars that are copies of earlier bars of the same series."""

from __future__ import annotations

import numpy as np

from feeds.cleaning.batch import Batch

__all__ = ["check_copies"]

_COLUMNS = ("open", "high", "low", "close", "volume")
#: An odd number of 64 bits without pattern: multiplying by it and shifting mixes the bits.
_MIX = np.uint64(0x9E3779B97F4A7C15)


def check_copies(batch: Batch, numbers: np.ndarray) -> None:
    """Rows that repeat, in prices and volume, an earlier row just as far before as their neighbour.

    One row may repeat another by chance; two in a row with the same distance do not. Flat rows
    and rows without volume are left out: they repeat of themselves. The first row of a block is
    noted; from the second on they are copies, and dropped.

    Parameters
    ----------
    batch : Batch
    numbers : (M,) int array
        Sessions (or hours) counted from a common start: distances are counted in them, so that
        dropping a row changes none.
    """
    rows, earlier = _repeats(batch)
    if len(rows) < 2:
        return
    distance = numbers[rows] - numbers[earlier]
    goes_on = (np.diff(rows) == 1) & (np.diff(distance) == 0)
    goes_on &= batch.series[rows[1:]] == batch.series[rows[:-1]]
    again = np.concatenate([[False], goes_on])
    leads = np.concatenate([goes_on, [False]]) & ~again
    if not again.any():
        return
    closes = batch.table["close"]
    if batch.find("splice", rows[again], before=closes[rows[again]]) == "drop":
        batch.log.add(batch.table, rows[leads], "splice", "flag")


def _repeats(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Rows that equal an earlier row of their series, and the latest such row."""
    columns = batch.table.columns
    key = batch.series.astype(np.uint64)
    for name in _COLUMNS:
        bits = columns[name].view(np.uint64)
        key = (key ^ (bits >> np.uint64(17)) ^ bits) * _MIX
        key ^= key >> np.uint64(29)
    in_order = np.sort(key)
    twice = in_order[1:][in_order[1:] == in_order[:-1]]
    if not len(twice):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    # A table of 16 bits of the key leaves few rows to look up.
    maybe = np.zeros(1 << 16, dtype=bool)
    maybe[twice >> np.uint64(48)] = True
    rows = np.flatnonzero(maybe[key >> np.uint64(48)])
    rows = rows[_busy(columns, rows)]
    rows = rows[np.isin(key[rows], twice)]
    cells = [columns[name][rows] for name in _COLUMNS] + [batch.series[rows]]
    order = np.lexsort((rows, *cells))
    same = np.ones(max(len(rows) - 1, 0), dtype=bool)
    for values in cells:
        same &= values[order][1:] == values[order][:-1]
    later, earlier = rows[order][1:][same], rows[order][:-1][same]
    by_row = np.argsort(later)
    return later[by_row], earlier[by_row]


def _busy(columns: dict[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Whether rows have a range and volume."""
    with np.errstate(invalid="ignore"):
        return (columns["volume"][rows] > 0) & (columns["high"][rows] > columns["low"][rows])
