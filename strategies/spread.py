"""A rebalance spread over several sessions, in equal parts of the units decided."""

from __future__ import annotations

import numpy as np

from strategies.execution.basket import Basket, make_basket

__all__ = ["SpreadPlan", "parts_of"]


def parts_of(worth: np.ndarray, least: np.ndarray, sessions: int) -> np.ndarray:
    """(k,) number of equal parts of each ticket: fewer where a part would be below a minimum.

    Parameters
    ----------
    worth, least : (k,) float arrays
        Value of each ticket and least value of one, in currency; a minimum of 0 is none.
    sessions : int
        Over which the rebalance is spread.
    """
    many = np.full(len(worth), float(sessions))
    np.divide(worth, least, out=many, where=least > 0)
    return np.clip(np.floor(many), 1, sessions).astype(int)


class SpreadPlan:
    """What is to be held after each part of a rebalance.

    A part brings the positions to what the rebalance wants by then, so that it also makes up
    for what the parts before it left unfilled.

    Parameters
    ----------
    row : int
        The decision's.
    basket : Basket
        All of the rebalance, k tickets.
    held : (k,) float array
        Signed units of its assets at the decision.
    parts : (k,) int array
        Into how many each ticket is cut.
    sessions : int
        Number of parts of the rebalance.
    instant : {"open", "close"}
        Where in the session every part fills.
    """

    def __init__(
        self,
        row: int,
        basket: Basket,
        held: np.ndarray,
        parts: np.ndarray,
        sessions: int,
        instant: str,
    ) -> None:
        self.row, self.instant, self.sessions = row, instant, sessions
        self._column, self._start, self._parts = basket.column, held, parts
        self._goal = np.where(
            (basket.increase == 0) & (basket.reduce == -held),
            0.0,
            held + basket.reduce + basket.increase,
        )

    @classmethod
    def resumed(
        cls,
        row: int,
        column: np.ndarray,
        start: np.ndarray,
        goal: np.ndarray,
        parts: np.ndarray,
        sessions: int,
        instant: str,
    ) -> SpreadPlan:
        """A plan that is under way, from its :attr:`progress`; the others as in the class."""
        none = np.zeros(len(column))
        made = cls(row, Basket(column, none, none, none), start, parts, sessions, instant)
        made._goal = goal
        return made

    @property
    def progress(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(k,) units at the decision, units decided, and number of parts, by asset."""
        return self._start, self._goal, self._parts

    @property
    def column(self) -> np.ndarray:
        """(k,) assets of the tickets that are still under way."""
        return self._column

    def part_at(self, row: int) -> int | None:
        """Which part is submitted at the close of a row; None after the last one."""
        part = row - self.row + 1
        return part if 1 <= part <= self.sessions and len(self._column) else None

    def units(self, part: int) -> np.ndarray:
        """(k,) units to hold after a part, exactly those decided after the last one."""
        # Where there are fewer parts than sessions, each comes as early as it can.
        done = -(-part * self._parts // self.sessions)
        partly = self._start + (done / self._parts) * (self._goal - self._start)
        return np.where(done == self._parts, self._goal, partly)

    def basket(self, part: int, held: np.ndarray, lot: np.ndarray) -> Basket:
        """The tickets of a part, from what is held by now; lots in units, (k,) both."""
        return make_basket(self.units(part), held, lot, self._column)

    def drop(self, columns: np.ndarray) -> None:
        """Trade some assets no further: their series ended, or they were stopped."""
        left = ~np.isin(self._column, columns)
        for name in ("_column", "_start", "_parts", "_goal"):
            setattr(self, name, getattr(self, name)[left])
