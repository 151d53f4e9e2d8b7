"""Commissions by tiers: of what the account has traded lately, or of the ticket's size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from feeds.errors import ConfigError
from strategies.execution.tickets import Tickets

__all__ = ["BySizeCommission", "SizeBracket", "Tier", "TieredCommission"]


@dataclass(frozen=True)
class Tier:
    """Rates from a traded value on.

    Parameters
    ----------
    above : float
        Traded value of 30 days from which the tier holds, in currency; ``from`` in YAML.
    maker_bps, taker_bps : float
        Basis points of orders that wait in the book, and of those that trade at once.
    """

    above: float = field(metadata={"key": "from"})
    maker_bps: float
    taker_bps: float


@dataclass(frozen=True)
class TieredCommission:
    """``abs(size) x price x (maker_share x maker_bps + (1 - maker_share) x taker_bps) / 10,000``.

    The tier is the highest whose ``from`` is at most the traded value of the account in the
    asset's class in the 30 calendar days before the fill day: the sum of ``abs(size) x price``
    of the fills of those days, ended series left out, as ``fills.csv`` gives them.

    Parameters
    ----------
    tiers : tuple of Tier
        In increasing order, the first from 0.
    maker_share : float
        Share of the traded value filled as maker; 0 takes liquidity with every order.
    """

    tiers: tuple[Tier, ...]
    maker_share: float = 0.0
    fields: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        check_steps("tiers", [tier.above for tier in self.tiers])
        check_share(self.maker_share)

    def charge(self, tickets: Tickets) -> np.ndarray:
        return tier_charge(self.tiers, self.maker_share, tickets)


@dataclass(frozen=True)
class SizeBracket:
    """What a ticket costs from a value on.

    Parameters
    ----------
    above : float
        Value of the ticket from which the bracket holds, in currency; ``from`` in YAML.
    bps : float
        Basis points of the whole value.
    amount : float
        Currency on top.
    """

    above: float = field(metadata={"key": "from"})
    bps: float
    amount: float = 0.0


@dataclass(frozen=True)
class BySizeCommission:
    """``amount + abs(size) x price x bps / 10,000`` of the ticket's bracket, at least `minimum`.

    The bracket is the highest whose ``from`` is at most the ticket's value, ``abs(size) x
    price``; its rate is that of the whole value, not of the part above ``from``.

    Parameters
    ----------
    brackets : tuple of SizeBracket
        In increasing order, the first from 0.
    minimum : float
        Least charge of a ticket, in currency.
    """

    brackets: tuple[SizeBracket, ...]
    minimum: float = 0.0
    fields: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        check_steps("brackets", [bracket.above for bracket in self.brackets])

    def charge(self, tickets: Tickets) -> np.ndarray:
        value = np.abs(tickets.size) * tickets.price
        starts = [bracket.above for bracket in self.brackets]
        at = np.searchsorted(starts, value, side="right") - 1
        bps = np.array([bracket.bps for bracket in self.brackets])[at]
        amount = np.array([bracket.amount for bracket in self.brackets])[at]
        cost = np.maximum(amount + value * (bps / 1e4), self.minimum)
        return np.where(tickets.size != 0, cost, 0.0)


def tier_charge(tiers: Sequence[Tier], maker_share: float, tickets: Tickets) -> np.ndarray:
    """(k,) charges by the tier of the account's traded value, in currency."""
    at = np.searchsorted([tier.above for tier in tiers], tickets.traded_value, side="right") - 1
    maker = np.array([tier.maker_bps for tier in tiers])[at]
    taker = np.array([tier.taker_bps for tier in tiers])[at]
    bps = maker_share * maker + (1.0 - maker_share) * taker
    return np.abs(tickets.size) * tickets.price * (bps / 1e4)


def check_share(maker_share: float) -> None:
    """Refuse a share of maker fills above 1.

    Raises
    ------
    ConfigError
        Naming it.
    """
    if not 0.0 <= maker_share <= 1.0:
        raise ConfigError(f"maker_share {maker_share:g} is not a share", "give 0 to 1")


def check_steps(name: str, starts: Sequence[float]) -> None:
    """Refuse steps that do not begin at 0 or do not increase.

    Raises
    ------
    ConfigError
        Naming them.
    """
    if not starts or starts[0] != 0:
        raise ConfigError(f"{name} do not begin at 0", "let the first one be {from: 0, ...}")
    if any(later <= earlier for earlier, later in zip(starts, starts[1:], strict=False)):
        told = ", ".join(f"{start:g}" for start in starts)
        raise ConfigError(f"{name} from {told} do not increase", "sort them, each once")
