"""Which assets have shown a traded open so far."""

from __future__ import annotations

import numpy as np

from feeds.panel import Panel

__all__ = ["TradedOpens"]

#: Rows that are looked through at a time.
_ROWS = 256


class TradedOpens:
    """Answers whether assets have shown a traded open by a row, never looking past it.

    Whether opens are traded has to be known when a plan is made: a vendor who adds them later
    changes no plan made before. A bar without one repeats its close. What was learnt is kept,
    so each row of a column is read at most once, and of most columns one row in all.

    Parameters
    ----------
    panel : Panel
        T rows, N assets.
    """

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        #: (N,) first row not looked through yet, and the row of an open that was seen; T: none.
        self._next = np.zeros(panel.shape[1], dtype=np.int64)
        self._seen = np.full(panel.shape[1], panel.shape[0], dtype=np.int64)

    def shown(self, row: int, columns: np.ndarray) -> bool:
        """Whether every asset of `columns` (k,) has shown a traded open on or before `row`."""
        late = self._seen[columns] > row
        if not np.count_nonzero(late):
            return True
        unknown = columns[late]
        if self._panel.close_only[unknown].any():
            return False
        # The newest bar is the likeliest to tell.
        found = self._given(row, row + 1, unknown)[0]
        self._seen[unknown[found]] = row
        left = unknown[~found]
        return not len(left) or self._search(row, left)

    def _search(self, row: int, columns: np.ndarray) -> bool:
        for first in range(int(self._next[columns].min()), row + 1, _ROWS):
            stop = min(first + _ROWS, row + 1)
            found = self._given(first, stop, columns)
            hit = found.any(axis=0)
            self._seen[columns[hit]] = first + found[:, hit].argmax(axis=0)
            columns = columns[~hit]
            self._next[columns] = stop
            if not len(columns):
                return True
        return not len(columns)

    def _given(self, first: int, stop: int, columns: np.ndarray) -> np.ndarray:
        panel = self._panel
        opened = panel.open[first:stop, columns] != panel.close[first:stop, columns]
        return opened & panel.tradable[first:stop, columns]
