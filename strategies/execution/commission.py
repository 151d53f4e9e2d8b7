"""Commission schemes: what a broker charges for a ticket.

A ticket is all that one asset trades at one fill, so a minimum is charged once, also when a
position turns from long to short. Every scheme is a frozen dataclass with one pure method::

    charge(tickets) -> (k,) float64 in currency, >= 0

What it is told of the (k,) tickets is in :class:`~strategies.execution.tickets.Tickets`. Only
schemes that declare ``split_factor`` among their fields are given printed shares for certain,
the others may get adjusted units in their place. A ticket of size 0 costs nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from strategies.execution.tickets import Tickets

__all__ = [
    "Commission",
    "FixedCommission",
    "NoCommission",
    "PerShareCommission",
    "PercentCommission",
]


class Commission(Protocol):
    """What the broker asks of a commission scheme."""

    fields: ClassVar[tuple[str, ...]]

    def charge(self, tickets: Tickets) -> np.ndarray:
        """(k,) cost of each ticket, in currency."""


@dataclass(frozen=True)
class NoCommission:
    """Nothing is charged."""

    fields: ClassVar[tuple[str, ...]] = ()

    def charge(self, tickets: Tickets) -> np.ndarray:
        return np.zeros(len(tickets))


@dataclass(frozen=True)
class PercentCommission:
    """A share of traded value: ``abs(size) x price x bps / 10,000``, at least `minimum`.

    Parameters
    ----------
    bps : float
        Basis points of the traded value.
    minimum : float
        Least charge of a ticket, in currency.
    """

    bps: float
    minimum: float = 0.0
    fields: ClassVar[tuple[str, ...]] = ()

    def charge(self, tickets: Tickets) -> np.ndarray:
        size = tickets.size
        cost = np.abs(size) * tickets.price * (self.bps / 1e4)
        if self.minimum == 0:
            return cost
        return np.where(size != 0, np.maximum(cost, self.minimum), 0.0)


@dataclass(frozen=True)
class PerShareCommission:
    """A price a printed share: ``abs(shares) x rate``, within a minimum and a maximum.

    Parameters
    ----------
    rate : float
        Currency a printed share.
    minimum : float
        Least charge of a ticket, in currency.
    maximum_bps : float
        Greatest charge, in basis points of the traded value; it prevails over the minimum.
    """

    rate: float
    minimum: float = 0.0
    maximum_bps: float = math.inf
    fields: ClassVar[tuple[str, ...]] = ("split_factor",)

    def charge(self, tickets: Tickets) -> np.ndarray:
        size = tickets.size
        cost = np.maximum(np.abs(tickets.shares) * self.rate, self.minimum)
        if math.isfinite(self.maximum_bps):
            cost = np.minimum(cost, np.abs(size) * tickets.price * (self.maximum_bps / 1e4))
        return np.where(size != 0, cost, 0.0)


@dataclass(frozen=True)
class FixedCommission:
    """The same `amount` for every ticket, in currency."""

    amount: float
    fields: ClassVar[tuple[str, ...]] = ()

    def charge(self, tickets: Tickets) -> np.ndarray:
        return np.where(tickets.size != 0, self.amount, 0.0)
