"""What schemes do that price a ticket by an estimate: a bound to it, and a way out without it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from feeds.errors import ConfigError
from strategies.execution.slippage import Remark
from strategies.execution.tickets import Tickets

__all__ = ["EstimatedSlippage", "check_estimate"]


class EstimatedSlippage(ABC):
    """What schemes share that charge an estimated cost: a subclass says which.

    It is a frozen dataclass with ``fallback_bps``, charged where the estimate is not known, and
    ``cap_bps``, the most that is charged, below 10,000; `what` is its name in reports.
    """

    what: ClassVar[str]
    fallback_bps: float
    cap_bps: float

    @abstractmethod
    def cost(self, tickets: Tickets) -> np.ndarray:
        """(k,) fractions of the reference, >= 0; NaN where the estimate is not known."""

    def fill_price(self, tickets: Tickets) -> np.ndarray:
        """(k,) prices, ``reference x (1 + sign(size) x cost)``."""
        cost, cap = self.cost(tickets), self.cap_bps / 1e4
        charged = np.where(np.isnan(cost), self.fallback_bps / 1e4, np.minimum(cost, cap))
        return tickets.reference * (1.0 + np.sign(tickets.size) * charged)

    def remarks(self, tickets: Tickets) -> list[Remark]:
        """Which tickets were charged the fallback, and which the cap; none where none was."""
        cost, traded = self.cost(tickets), tickets.size != 0
        unknown, above = traded & np.isnan(cost), traded & (cost > self.cap_bps / 1e4)
        fallback = f"not known, filled at the fallback of {self.fallback_bps:g} bps"
        found = [
            (unknown, f"{self.what} {fallback}"),
            (above, f"{self.what} above the cap, filled at {self.cap_bps:g} bps"),
        ]
        return [(mask, why) for mask, why in found if mask.any()]


def check_estimate(window: int, fallback_bps: float, cap_bps: float) -> None:
    """Refuse parameters of a scheme that looks back over less than two days, or sells at zero.

    Raises
    ------
    ConfigError
        Naming the parameter.
    """
    if window < 2:
        raise ConfigError(f"window {window} is too short", "give two days or more")
    if not max(fallback_bps, cap_bps) < 1e4:
        raise ConfigError(
            f"fallback_bps {fallback_bps:g} or cap_bps {cap_bps:g} would sell at a price of zero "
            "or less",
            "give basis points below 10000",
        )
