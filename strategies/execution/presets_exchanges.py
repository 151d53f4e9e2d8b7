"""Maker and taker fees of real exchanges for coins, each with its source and date.

Tiers go by what the account has traded in the class in the last 30 days, as in
:class:`~strategies.execution.tiered.TieredCommission`; `maker_share` is the share of the traded
value filled by orders that waited in the book. Sessions before a schedule's own date are
charged by it, too. Amounts are in dollars: the account's currency has to be the dollar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from strategies.execution.tickets import Tickets
from strategies.execution.tiered import Tier, check_share, tier_charge

__all__ = ["BinanceSpotCommission", "CoinbaseExchangeCommission", "KrakenProCommission"]

_KRAKEN = (
    Tier(0, 16, 26),
    Tier(50_000, 14, 24),
    Tier(100_000, 12, 22),
    Tier(250_000, 10, 20),
    Tier(500_000, 8, 18),
    Tier(1_000_000, 6, 16),
    Tier(2_500_000, 4, 14),
    Tier(5_000_000, 2, 12),
    Tier(10_000_000, 0, 10),
)
_COINBASE = (
    Tier(0, 40, 60),
    Tier(10_000, 25, 40),
    Tier(50_000, 15, 25),
    Tier(100_000, 10, 20),
    Tier(1_000_000, 8, 18),
    Tier(15_000_000, 6, 16),
    Tier(75_000_000, 3, 12),
    Tier(250_000_000, 0, 8),
    Tier(400_000_000, 0, 5),
)


@dataclass(frozen=True)
class _MakerTaker:
    """A schedule of tiers, and the share of the traded value filled as maker."""

    maker_share: float = 0.0
    fields: ClassVar[tuple[str, ...]] = ()
    tiers: ClassVar[tuple[Tier, ...]]

    def __post_init__(self) -> None:
        check_share(self.maker_share)

    def charge(self, tickets: Tickets) -> np.ndarray:
        return tier_charge(self.tiers, self.maker_share, tickets)


@dataclass(frozen=True)
class KrakenProCommission(_MakerTaker):
    """Kraken Pro, spot, crypto pairs: 16 / 26 basis points down to 0 / 10 above 10 million.

    Maker / taker from 0: 16/26; 50,000: 14/24; 100,000: 12/22; 250,000: 10/20; 500,000: 8/18;
    1 million: 6/16; 2.5 million: 4/14; 5 million: 2/12; 10 million: 0/10.

    Source: kraken.com, "Fee schedule", as in force in July 2023, before the trial of further
    tiers above 100 million that Kraken's blog announced for August 2023; the tiers are also those
    of the ``ccxt`` package (4.5.90), whose last one is misprinted.

    Parameters
    ----------
    maker_share : float
        Share of the traded value filled as maker.
    """

    tiers: ClassVar[tuple[Tier, ...]] = _KRAKEN


@dataclass(frozen=True)
class CoinbaseExchangeCommission(_MakerTaker):
    """Coinbase Exchange: 40 / 60 basis points down to 0 / 5 above 400 million.

    Maker / taker from 0: 40/60; 10,000: 25/40; 50,000: 15/25; 100,000: 10/20; 1 million: 8/18;
    15 million: 6/16; 75 million: 3/12; 250 million: 0/8; 400 million: 0/5.

    Source: help.coinbase.com, "Exchange fees", the schedule in force since 2022-03-01
    ("Coinbase Exchange fee updates, March 2022").

    Parameters
    ----------
    maker_share : float
        Share of the traded value filled as maker.
    """

    tiers: ClassVar[tuple[Tier, ...]] = _COINBASE


@dataclass(frozen=True)
class BinanceSpotCommission:
    """Binance, spot, an account without a VIP level: 10 basis points of the traded value.

    Maker and taker pay the same. Lower levels ask for a balance in the exchange's own coin
    besides the traded value, which no account here holds, so that the rate does not fall.

    Source: binance.com, "Trading fees", regular users, in 2024; the rates are also those of the
    ``ccxt`` package (4.5.90).
    """

    fields: ClassVar[tuple[str, ...]] = ()

    def charge(self, tickets: Tickets) -> np.ndarray:
        return np.abs(tickets.size) * tickets.price * 10e-4
