"""Slippage schemes: how far from the reference price a ticket fills.

The price is not capped at the bar's high and low: the configured and the realised basis
points are both reported and agree. Every scheme is a frozen dataclass with one pure method::

    fill_price(tickets) -> (k,) float64

What it is told of the (k,) tickets is in :class:`~strategies.execution.tickets.Tickets`. Buys
fill above the reference, the open or close of the fill session, and sells below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from feeds.errors import ConfigError
from strategies.execution.tickets import Tickets

__all__ = ["SLIPPAGES", "BpsSlippage", "NoSlippage", "Slippage"]


class Slippage(Protocol):
    """What the broker asks of a slippage scheme."""

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


#: Scheme name in the configuration to its class.
SLIPPAGES: dict[str, type] = {"none": NoSlippage, "bps": BpsSlippage}
