"""The last bar of an asset at or before a row, found without a block of the whole panel."""

from __future__ import annotations

import numpy as np

__all__ = ["LastBars"]

#: Rows of the first look back; each further one is four times as long.
_FIRST_LOOK = 8


class LastBars:
    """Looks back for bars, and remembers how far it has looked.

    An asset that died long ago is looked through once, not once a question: what is asked in
    the order of time reads each row of a column at most once.

    Parameters
    ----------
    tradable : (T, N) bool array
        True where there is a bar.
    """

    def __init__(self, tradable: np.ndarray) -> None:
        self._tradable = tradable
        columns = tradable.shape[1]
        self._asked = np.full(columns, -1, dtype=np.int64)
        self._found = np.full(columns, -1, dtype=np.int64)

    def at(self, row: int, columns: np.ndarray) -> np.ndarray:
        """(k,) row of the last bar of each column at or before `row`; -1 where there is none.

        Rows after `row` are never read.
        """
        if row < 0:
            return np.full(len(columns), -1, dtype=np.int64)
        has_bar = self._tradable[row, columns]
        found = np.where(has_bar, row, -1)
        gaps = np.flatnonzero(~has_bar)
        if len(gaps):
            found[gaps] = self._look_back(row, columns[gaps])
        return found

    def _look_back(self, row: int, columns: np.ndarray) -> np.ndarray:
        asked, known = self._asked[columns], self._found[columns]
        # What an earlier question found is the answer unless a bar came since; a later one's is
        # the answer too if it lies before this row.
        found = np.where(known <= row, known, -1)
        floor = np.where(asked <= row, asked, np.where(known <= row, row, -1))
        left, stop, size = np.flatnonzero(floor < row - 1), row, _FIRST_LOOK
        while len(left):
            first = max(stop - size, int(floor[left].min()) + 1)
            seen = self._tradable[first:stop, columns[left]][::-1]
            hit = seen.any(axis=0)
            found[left[hit]] = stop - 1 - seen[:, hit].argmax(axis=0)
            left = left[~hit & (floor[left] < first - 1)]
            stop, size = first, size * 4
        later = asked < row
        self._asked[columns[later]] = row
        self._found[columns[later]] = found[later]
        return found
