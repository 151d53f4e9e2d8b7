"""What schemes do that price a ticket by an estimate: a bound to it, and a way out without it."""

from __future__ import annotations

import numpy as np

from feeds.errors import ConfigError
from strategies.execution.slippage import Remark
from strategies.execution.tickets import Tickets

__all__ = ["check_estimate", "estimate_remarks", "estimated_price"]


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


def estimated_price(
    tickets: Tickets, cost: np.ndarray, fallback_bps: float, cap_bps: float
) -> np.ndarray:
    """(k,) prices, ``reference x (1 + sign(size) x cost)``.

    Parameters
    ----------
    cost : (k,) float array
        Fractions of the reference, >= 0; NaN where the scheme's estimate is not known.
    fallback_bps : float
        Charged instead of a cost that is not known.
    cap_bps : float
        The most that is charged, below 10,000.
    """
    charged = np.where(np.isnan(cost), fallback_bps / 1e4, np.minimum(cost, cap_bps / 1e4))
    return tickets.reference * (1.0 + np.sign(tickets.size) * charged)


def estimate_remarks(
    tickets: Tickets, cost: np.ndarray, fallback_bps: float, cap_bps: float, what: str
) -> list[Remark]:
    """Which tickets were charged the fallback, and which the cap; none where none was."""
    traded = tickets.size != 0
    unknown, above = traded & np.isnan(cost), traded & (cost > cap_bps / 1e4)
    found = [
        (unknown, f"{what} not known, filled at the fallback of {fallback_bps:g} bps"),
        (above, f"{what} above the cap, filled at {cap_bps:g} bps"),
    ]
    return [(mask, why) for mask, why in found if mask.any()]
