"""Slippage of half a bid-ask spread, estimated from daily highs, lows and closes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from feeds.errors import ConfigError
from strategies.execution.estimated import EstimatedSlippage, check_estimate
from strategies.execution.market import WINDOW
from strategies.execution.tickets import Tickets

__all__ = ["HalfSpreadSlippage"]


@dataclass(frozen=True)
class HalfSpreadSlippage(EstimatedSlippage):
    """``reference x (1 + sign(size) x max(floor, multiplier x spread / 2))``.

    The spread is proportional, the mean of the two-day estimates of the last `window` native
    days before the fill session; a third of them must be known. A coin's days are its own,
    also where a panel's bars fold weekends into sessions.

    Parameters
    ----------
    estimator : {"corwin_schultz", "abdi_ranaldo"}
        See :mod:`feeds.spreads`.
    window : int
        Native days looked back.
    multiplier : float
        1 charges half the estimate.
    floor_bps, cap_bps : float
        Least and most that is charged, in basis points one way.
    fallback_bps : float
        Charged where the estimate is not known; each such fill is reported.

    References
    ----------
    Corwin and Schultz (2012), Journal of Finance 67; Abdi and Ranaldo (2017), Review of
    Financial Studies 30.
    """

    estimator: Literal["corwin_schultz", "abdi_ranaldo"] = "corwin_schultz"
    window: int = WINDOW
    multiplier: float = 1.0
    floor_bps: float = 0.0
    cap_bps: float = 500.0
    fallback_bps: float = 10.0
    fields: ClassVar[tuple[str, ...]] = ("high", "low")
    what: ClassVar[str] = "spread"

    def __post_init__(self) -> None:
        if not self.floor_bps <= self.cap_bps < 1e4:
            raise ConfigError(
                f"floor_bps {self.floor_bps:g} and cap_bps {self.cap_bps:g} are no range",
                "give a floor up to the cap, and a cap below 10000",
            )
        check_estimate(self.window, self.fallback_bps, self.cap_bps)

    def cost(self, tickets: Tickets) -> np.ndarray:
        half = self.multiplier * tickets.spread(self.estimator, self.window) / 2.0
        return np.maximum(half, self.floor_bps / 1e4)
