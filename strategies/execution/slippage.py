"""Slippage schemes: how far from the reference price a ticket fills.

The price is not capped at the bar's high and low: the configured and the realised basis
points are both reported and agree. Every scheme is a frozen dataclass with one pure method::

    fill_price(tickets) -> (k,) float64

What it is told of the (k,) tickets is in :class:`~strategies.execution.tickets.Tickets`. Buys
fill above the reference, the open or close of the fill session, and sells below.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from feeds.errors import ConfigError
from strategies.execution.tickets import Tickets

__all__ = [
    "BpsSlippage",
    "NoSlippage",
    "Remark",
    "Slippage",
    "SumSlippage",
    "positive",
    "remarks_of",
    "smallest_volume_limit",
]

#: Tickets (k,) that were not priced as a scheme would price them, and why.
Remark = tuple[np.ndarray, str]


class Slippage(Protocol):
    """What the broker asks of a slippage scheme.

    A scheme may have two things besides: ``remarks(tickets)``, a list of :data:`Remark` on
    tickets that it could not price by its formula, which become events of the run; and
    ``volume_limit``, a share of a session's volume above which a ticket is not filled.
    """

    fields: ClassVar[tuple[str, ...]]

    def fill_price(self, tickets: Tickets) -> np.ndarray:
        """(k,) price of each ticket."""


@dataclass(frozen=True)
class NoSlippage:
    """Every ticket fills at its reference price."""

    fields: ClassVar[tuple[str, ...]] = ()

    def fill_price(self, tickets: Tickets) -> np.ndarray:
        return tickets.reference.copy()


@dataclass(frozen=True)
class BpsSlippage:
    """``reference x (1 + sign(size) x bps / 10,000)``.

    Parameters
    ----------
    bps : float
        Basis points, one way; below 10,000 so that no sale has a price of zero.
    """

    bps: float
    fields: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.bps < 1e4:
            raise ConfigError(
                f"slippage of {self.bps:g} bps would sell at a price of zero or less",
                "give basis points from 0 to below 10000",
            )

    def fill_price(self, tickets: Tickets) -> np.ndarray:
        return tickets.reference * (1.0 + np.sign(tickets.size) * (self.bps / 1e4))


@dataclass(frozen=True)
class SumSlippage:
    """Several schemes at once: ``reference + sum of (price of each - reference)``.

    A spread and an impact, say: each is taken from the reference, not from the other's price.

    Parameters
    ----------
    of : tuple of Slippage
        The schemes, one or more.
    """

    of: tuple[Slippage, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that any of the schemes needs."""
        return tuple(dict.fromkeys(field for scheme in self.of for field in scheme.fields))

    @property
    def volume_limit(self) -> float | None:
        """The smallest of the schemes' limits."""
        return smallest_volume_limit(self.of)

    def fill_price(self, tickets: Tickets) -> np.ndarray:
        away = [scheme.fill_price(tickets) - tickets.reference for scheme in self.of]
        return positive(tickets.reference + np.add.reduce(away), tickets.reference)

    def remarks(self, tickets: Tickets) -> list[Remark]:
        """Those of the schemes, in their order."""
        return [remark for scheme in self.of for remark in remarks_of(scheme, tickets)]


def remarks_of(scheme: Slippage, tickets: Tickets) -> list[Remark]:
    """What a scheme has to say of tickets: nothing, unless it has ``remarks``."""
    remarks = getattr(scheme, "remarks", None)
    return [] if remarks is None else list(remarks(tickets))


def smallest_volume_limit(schemes: Iterable[Slippage]) -> float | None:
    """The smallest ``volume_limit`` of some schemes; None where none has one."""
    limits = [getattr(scheme, "volume_limit", None) for scheme in schemes]
    return min((limit for limit in limits if limit is not None), default=None)


def positive(price: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Prices of sales kept at a thousandth of the reference or above: nobody sells at zero."""
    return np.maximum(price, 1e-3 * reference)
