"""The positions that are not zero, as arrays: what a bar has to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import backtrader as bt
import numpy as np

from feeds.panel import Panel

__all__ = ["OpenPositions", "WatchedPosition", "is_ordinary"]

#: What an ordinary commission scheme must not override to be computed by arrays.
_ORDINARY = (
    "getvaluesize",
    "profitandloss",
    "get_leverage",
    "cashadjust",
    "get_credit_interest",
    "_get_credit_interest",
)


class WatchedPosition(bt.Position):
    """A position that says when it changes, also when a script of the user's changes it.

    Parameters
    ----------
    changed : callable
        Called before each change.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        super().__init__()

    def set(self, size, price):
        self._changed()
        return super().set(size, price)

    def fix(self, size, price):
        self._changed()
        return super().fix(size, price)

    def update(self, size, price, dt=None):
        self._changed()
        return super().update(size, price, dt)


class OpenPositions:
    """Open positions in the order in which Backtrader's broker goes through them.

    Parameters
    ----------
    positions : mapping of feed to bt.Position
        Every position ever touched.
    broker : bt.brokers.BackBroker
        Gives the commission scheme of a feed.
    """

    def __init__(self, positions: Mapping[Any, bt.Position], broker: Any) -> None:
        held = [(data, position) for data, position in positions.items() if position.size]
        schemes = [broker.getcommissioninfo(data) for data, _ in held]
        self.feeds = [data for data, _ in held]
        self.positions = [position for _, position in held]
        self.column = np.array([data.column for data in self.feeds], dtype=np.intp)
        self._size = np.array([position.size for position in self.positions], dtype=float)
        self._price = np.array([position.price for position in self.positions], dtype=float)
        self._mult = np.array([scheme.p.mult for scheme in schemes], dtype=float)
        self._leverage = np.array([scheme.p.leverage for scheme in schemes], dtype=float)

    def __len__(self) -> int:
        return len(self.positions)

    def closes(self, panel: Panel, row: int) -> np.ndarray:
        """(k,) closes of the latest bars."""
        close = panel.close[row, self.column]
        for at in np.flatnonzero(~panel.tradable[row, self.column]).tolist():
            close[at] = self.feeds[at].lines.lines[0][0]
        return close

    def totals(self, close: np.ndarray) -> tuple[float, float, float]:
        """Market value, value net of leverage, and unrealised profit at some closes (k,).

        Summed one after the other, as Backtrader's broker does: the last bits are the same.
        """
        value = self._size * close
        profit = self._size * (close - self._price) * self._mult
        long = value > 0
        terms = np.zeros((len(value), 2))
        terms[:, 0] = np.where(long, (value - profit) / self._leverage, value)
        terms[:, 1] = np.where(long, profit, 0.0)
        return _summed(value), _summed(terms.ravel()), _summed(profit)


def _summed(values: np.ndarray) -> float:
    """Sum from the first to the last; `np.sum` goes by pairs."""
    return float(np.add.accumulate(values)[-1]) if len(values) else 0.0


def is_ordinary(scheme: bt.CommInfoBase) -> bool:
    """Whether a scheme is that of stocks without interest under Backtrader's own arithmetic.

    :meth:`OpenPositions.totals` then gives what its broker would.
    """
    own = type(scheme)
    return (
        scheme.stocklike
        and scheme._creditrate == 0
        and all(getattr(own, name) is getattr(bt.CommInfoBase, name) for name in _ORDINARY)
    )
