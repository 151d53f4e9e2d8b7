"""The account's record: columns that grow by arrays, turned into tables after the run."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

__all__ = ["Journal"]


@dataclass
class Journal:
    """Everything an account did, in the order in which it did it.

    Each list holds one tuple an event of the account; rows and columns are positions in the
    panel. ``column`` -1 means no asset, ``decision_row`` -1 means no decision.

    Attributes
    ----------
    fills : list of (row, decision_row, reason, column, size, price, reference, commission)
        The last five are (k,) arrays.
    carry_blocks : list of (row, kind, column, amount)
        (B,) rows, (k,) columns and (B, k) amounts; see :attr:`carry`.
    values : list of (row, value, cash, long, short, margin)
        (B,) arrays, one element a session, from that of the first fill.
    positions : list of (row, column, size)
        What was held after the baskets of a session; the last two are (k,) arrays.
    events : list of (row, column, kind, detail)
        What a user should know.
    """

    fills: list[tuple] = field(default_factory=list)
    carry_blocks: list[tuple] = field(default_factory=list)
    values: list[tuple] = field(default_factory=list)
    positions: list[tuple] = field(default_factory=list)
    events: list[tuple] = field(default_factory=list)

    @property
    def started(self) -> bool:
        """Whether anything has been filled yet."""
        return bool(self.fills)

    @property
    def carry(self) -> list[tuple]:
        """List of (row, kind, column, amount), (m,) arrays in which no amount is zero.

        Made when asked for: a book of shorts has a hundred times as many amounts as fills.
        """
        flat = []
        for row, kind, column, amount in self.carry_blocks:
            at, of = amount.nonzero()
            flat.append((row[at], kind, column[of], amount[at, of]))
        return flat

    def record_fills(
        self,
        row: int,
        decision_row: int,
        reason: str,
        column: np.ndarray,
        size: np.ndarray,
        price: np.ndarray,
        reference: np.ndarray,
        commission: np.ndarray,
    ) -> None:
        """Fills of one instant; an empty basket leaves no trace."""
        if len(column):
            self.fills.append(
                (row, decision_row, reason, column, size, price, reference, commission)
            )

    def record_carry(
        self, row: np.ndarray, kind: str, column: np.ndarray, amount: np.ndarray
    ) -> None:
        """Carry of one kind: (B,) rows, (k,) assets and (B, k) amounts."""
        if len(column):
            self.carry_blocks.append((row, kind, column, amount))

    def record_values(
        self,
        row: np.ndarray,
        value: np.ndarray,
        cash: np.ndarray,
        long: np.ndarray,
        short: np.ndarray,
        margin: np.ndarray,
    ) -> None:
        """The account at the close of some sessions."""
        self.values.append((row, value, cash, long, short, margin))

    def record_positions(self, row: int, column: np.ndarray, size: np.ndarray) -> None:
        """What is held after a basket; after the last one of a session, if there are several."""
        if self.positions and self.positions[-1][0] == row:
            self.positions.pop()
        self.positions.append((row, column, size))

    def record_event(self, row: int, column: int, kind: str, detail: str) -> None:
        """Something that a user should know."""
        self.events.append((row, column, kind, detail))
