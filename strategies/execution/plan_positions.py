"""Positions with their entry prices, worked out from an account's fills when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import backtrader as bt
import numpy as np

from strategies.execution.journal import Journal

__all__ = ["PlanPositions", "PositionsByFeed"]


class PlanPositions:
    """``bt.Position`` of each asset that was ever traded.

    The account knows sizes and not what was paid for them. Sizes and average entry prices
    follow from its fills by Backtrader's arithmetic; sizes are the account's to the last bit.

    Parameters
    ----------
    journal : Journal
        The account's.
    numbers : (T,) float array
        Day numbers of the panel's rows.
    """

    def __init__(self, journal: Journal, numbers: np.ndarray) -> None:
        self._journal, self._numbers = journal, numbers
        self._followed = 0
        self._positions: dict[int, bt.Position] = {}
        self._day = (-1, None)

    @property
    def columns(self) -> list[int]:
        """Assets that were ever traded, in the order in which they first were."""
        self.follow()
        return list(self._positions)

    def new_fills(self) -> list[tuple]:
        """The journal's fills that nobody has followed yet; the caller books each by `book`."""
        fills = self._journal.fills[self._followed :]
        self._followed += len(fills)
        return fills

    def follow(self) -> None:
        """Catch up with the journal."""
        for row, _, _, column, size, price, _, _ in self.new_fills():
            for fill in zip(column.tolist(), size.tolist(), price.tolist(), strict=True):
                self.book(row, *fill)

    def book(
        self, row: int, column: int, size: float, price: float
    ) -> tuple[float, float, float, float, float]:
        """Enter one fill.

        Returns
        -------
        entry, size, price, opened, closed : float
            Entry price before the fill; signed size and entry price after it; the signed parts
            of the fill that opened and closed.
        """
        position = self._position(column)
        entry = position.price
        return entry, *position.update(size, price, self._date(row))

    def of(self, column: int) -> bt.Position:
        """The position in an asset, which later fills go on to change; flat if never traded."""
        self.follow()
        return self._position(column)

    def _position(self, column: int) -> bt.Position:
        if column not in self._positions:
            self._positions[column] = bt.Position(size=0.0)
        return self._positions[column]

    def _date(self, row: int) -> Any:
        if self._day[0] != row:
            self._day = row, bt.num2date(self._numbers[row])
        return self._day[1]


class PositionsByFeed(Mapping):
    """What ``broker.positions`` is to a script: positions by feed, flat where nothing was traded.

    Parameters
    ----------
    positions : PlanPositions
    feed : callable
        The feed of a column.
    """

    def __init__(self, positions: PlanPositions, feed: Callable[[int], Any]) -> None:
        self._positions, self._feed = positions, feed

    def __getitem__(self, data: Any) -> bt.Position:
        return self._positions.of(data.column)

    def __contains__(self, data: object) -> bool:
        return getattr(data, "column", None) in self._positions.columns

    def __iter__(self) -> Iterator[Any]:
        return (self._feed(column) for column in self._positions.columns)

    def __len__(self) -> int:
        return len(self._positions.columns)
