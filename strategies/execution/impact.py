"""Slippage that grows with the ticket's share of the volume: market impact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feeds.errors import ConfigError
from strategies.execution.estimated import EstimatedSlippage, check_estimate
from strategies.execution.market import WINDOW
from strategies.execution.tickets import Tickets

__all__ = ["AlmgrenSlippage", "SquareRootSlippage", "VolumeShareSlippage"]

#: Most that an impact is charged, unless a scheme says otherwise: half the price.
_CAP_BPS = 5000.0


@dataclass(frozen=True)
class VolumeShareSlippage(EstimatedSlippage):
    """``reference x (1 + sign(size) x price_impact x (abs(size) / volume)^2)``.

    The volume is that of the fill session's own native day, as in zipline's
    ``VolumeShareSlippage``. There the same `volume_limit` cuts an order; here it becomes a cap
    on participation of the class, and the rest of a ticket waits for the next sessions. A
    share above the limit, as of fills that are priced again, is charged by the same formula.

    Parameters
    ----------
    price_impact : float
        Fraction of the price at a share of 1.
    volume_limit : float or None
        Largest share of a session's volume that a ticket fills; null for no limit.
    fallback_bps : float
        Charged where the session's volume is not known or zero; each such fill is reported.
    cap_bps : float
        The most that is charged.

    References
    ----------
    zipline-reloaded, ``zipline.finance.slippage.VolumeShareSlippage``.
    """

    price_impact: float = 0.1
    volume_limit: float | None = 0.025
    fallback_bps: float = 10.0
    cap_bps: float = _CAP_BPS
    fields: ClassVar[tuple[str, ...]] = ("volume",)
    what: ClassVar[str] = "impact"

    def __post_init__(self) -> None:
        check_estimate(WINDOW, self.fallback_bps, self.cap_bps)
        if self.volume_limit is not None and not 0 < self.volume_limit <= 1:
            raise ConfigError(
                f"volume_limit {self.volume_limit:g} is not a share of the volume",
                "give a number above 0 and up to 1, or null for no limit",
            )

    def cost(self, tickets: Tickets) -> np.ndarray:
        return self.price_impact * _share(tickets.size, tickets.volume) ** 2


@dataclass(frozen=True)
class SquareRootSlippage(EstimatedSlippage):
    """``reference x (1 + sign(size) x (2/3) coefficient x volatility x sqrt(abs(size) / V))``.

    What is charged is the average over the fill: the impact of the last unit is 3/2 of it.
    Volatility is daily, V the mean volume of a day, both of the last `window` native days
    before the fill session.

    Parameters
    ----------
    coefficient : float
        Y of the square-root law, near 1 in the literature.
    window : int
        Native days looked back.
    fallback_bps : float
        Charged where an estimate is not known; each such fill is reported.
    cap_bps : float
        The most that is charged.

    References
    ----------
    Almgren, Thum, Hauptmann and Li (2005), Direct Estimation of Equity Market Impact; Toth and
    others (2011), Anomalous Price Impact and the Critical Nature of Liquidity in Financial
    Markets, Physical Review X 1.
    """

    coefficient: float = 1.0
    window: int = WINDOW
    fallback_bps: float = 10.0
    cap_bps: float = _CAP_BPS
    fields: ClassVar[tuple[str, ...]] = ("volume",)
    what: ClassVar[str] = "impact"

    def __post_init__(self) -> None:
        check_estimate(self.window, self.fallback_bps, self.cap_bps)

    def cost(self, tickets: Tickets) -> np.ndarray:
        share = _share(tickets.size, tickets.average_volume(self.window))
        volatility = tickets.volatility(self.window)
        return (2.0 / 3.0) * self.coefficient * volatility * np.sqrt(share)


@dataclass(frozen=True)
class AlmgrenSlippage(EstimatedSlippage):
    """Half the permanent and all of the temporary impact of an even execution over `days`.

    ``reference x (1 + sign(size) x volatility x (gamma / 2 x X/V x (S/V)^(1/4)
    + eta x (X / (V days))^(3/5)))``, X the ticket's units, V the mean units of a day, S the
    shares outstanding in the same units. Half the permanent impact is what the ticket itself
    pays of it on average.

    Parameters
    ----------
    gamma, eta : float
        Of the permanent and the temporary part; the paper's estimates for large US stocks.
    days : float
        How long the execution takes, in days of trading.
    liquidity_factor : bool
        False leaves (S/V)^(1/4) out, for data without market caps, as if it were 1: it is 4 for
        a stock that turns over once a year.
    window : int
        Native days looked back for volatility and volume.
    fallback_bps : float
        Charged where an estimate is not known; each such fill is reported.
    cap_bps : float
        The most that is charged.

    References
    ----------
    Almgren, Thum, Hauptmann and Li (2005), Direct Estimation of Equity Market Impact, Risk 18.
    """

    gamma: float = 0.314
    eta: float = 0.142
    days: float = 1.0
    liquidity_factor: bool = True
    window: int = WINDOW
    fallback_bps: float = 10.0
    cap_bps: float = _CAP_BPS
    what: ClassVar[str] = "impact"

    def __post_init__(self) -> None:
        check_estimate(self.window, self.fallback_bps, self.cap_bps)
        if not self.days > 0:
            raise ConfigError(f"days {self.days:g} is no duration", "give a number above 0")

    @property
    def fields(self) -> tuple[str, ...]:
        """``market_cap`` gives the shares outstanding."""
        return ("volume", "market_cap") if self.liquidity_factor else ("volume",)

    def cost(self, tickets: Tickets) -> np.ndarray:
        volume = tickets.average_volume(self.window)
        share = _share(tickets.size, volume)
        turnover = _share(tickets.shares_outstanding, volume) if self.liquidity_factor else 1.0
        permanent = self.gamma * share * turnover**0.25
        temporary = self.eta * (share / self.days) ** 0.6
        return tickets.volatility(self.window) * (permanent / 2.0 + temporary)


def _share(units: np.ndarray, volume: np.ndarray) -> np.ndarray:
    """(k,) units over volume; NaN where the volume is not known or zero."""
    known = volume > 0
    return np.where(known, np.abs(units), np.nan) / np.where(known, volume, 1.0)
