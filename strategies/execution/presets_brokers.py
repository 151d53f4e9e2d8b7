"""Commissions of real brokers for United States stocks, each with its source and date.

They are schedules as published, without discounts that an account would have to negotiate.
Unless a rate is a table by date, sessions before a schedule's own date are charged by it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from strategies.execution.regulatory import section_31_fee, trading_activity_fee
from strategies.execution.tickets import Tickets

__all__ = [
    "CommerceBankCommission",
    "IbkrProFixedCommission",
    "IbkrProTieredCommission",
    "ZeroCommission",
]


@dataclass(frozen=True)
class ZeroCommission:
    """No commission, but the regulatory fees of a sale, each rounded up to a cent.

    ``cent(value sold x Section 31 rate) + cent(min(shares sold x TAF rate, TAF maximum))``, rates
    by the date of the sale from :mod:`strategies.execution.regulatory`. So charge brokers that
    advertise trading without commission: Alpaca's help page "Pricing and fees" (2020) and Motif's
    "Regulatory transaction fees" (2017) give both fees, sells only, rounded up to the penny.

    Parameters
    ----------
    round_up : bool
        False leaves fractions of a cent.
    """

    round_up: bool = True
    fields: ClassVar[tuple[str, ...]] = ("split_factor",)

    def charge(self, tickets: Tickets) -> np.ndarray:
        fees = section_31_fee(tickets), trading_activity_fee(tickets)
        return sum(_cents(fee) for fee in fees) if self.round_up else sum(fees)


@dataclass(frozen=True)
class IbkrProFixedCommission:
    """Interactive Brokers, IBKR Pro, fixed pricing of United States stocks.

    ``min(max(shares x 0.005, 1.00), 1 % of the value)`` dollars an order, and the regulatory
    fees of a sale by its date. The maximum prevails over the minimum.

    Source: interactivebrokers.co.uk, "Commissions: Stocks, ETFs, Warrants", read when the page
    gave a Section 31 rate of 0.0000278, which was in force from 2024-05-22 to 2025-05-13.

    Parameters
    ----------
    regulatory : bool
        False leaves the regulatory fees out.
    """

    regulatory: bool = True
    fields: ClassVar[tuple[str, ...]] = ("split_factor",)

    def charge(self, tickets: Tickets) -> np.ndarray:
        return _per_share(tickets, 0.005, 1.00) + _regulatory(tickets, self.regulatory)


@dataclass(frozen=True)
class IbkrProTieredCommission:
    """Interactive Brokers, IBKR Pro, tiered pricing of United States stocks.

    ``c = min(max(shares x rate, 0.35), 1 % of the value)`` dollars an order; on top clearing of
    0.0002 a share, pass-through fees of c x (0.000175 + 0.000563), exchange fees as given, and
    the regulatory fees of a sale by its date. The rate is 0.0035 up to 300,000 shares a month,
    0.0020 up to 3 million, 0.0015 up to 20 million, 0.0010 up to 100 million and 0.0005 above.

    Source and date: those of :class:`IbkrProFixedCommission`.

    Parameters
    ----------
    monthly_shares : float
        Shares a month that the account is taken to trade, for the choice of the rate; shares
        within a month are not counted.
    exchange_per_share : float
        Fees of the exchange an order is routed to, in currency a share.
    regulatory : bool
        False leaves the regulatory fees out.
    """

    monthly_shares: float = 0.0
    exchange_per_share: float = 0.0
    regulatory: bool = True
    fields: ClassVar[tuple[str, ...]] = ("split_factor",)

    def charge(self, tickets: Tickets) -> np.ndarray:
        limits, rates = (3e5, 3e6, 2e7, 1e8), (0.0035, 0.0020, 0.0015, 0.0010, 0.0005)
        rate = rates[int(np.searchsorted(limits, self.monthly_shares))]
        own = _per_share(tickets, rate, 0.35)
        by_share = np.abs(tickets.shares) * (0.0002 + self.exchange_per_share)
        passed = own * (0.000175 + 0.000563)
        return own + by_share + passed + _regulatory(tickets, self.regulatory)


@dataclass(frozen=True)
class CommerceBankCommission:
    """A bank's schedule by the size of a ticket: Commerce Bank, Commerce Brokerage Services.

    By the value of the ticket: up to 2,500 dollars 29.50 + 1.7 %; to 6,000 55.50 + 0.66 %; to
    22,000 75.50 + 0.34 %; to 50,000 99.50 + 0.22 %; to 500,000 154.50 + 0.11 %; above 254.50 +
    0.09 %. At most 0.54 a share of the first hundred and 0.55 a share of the others, then at
    least 39 dollars and 0.04 a share. Stocks printed below a dollar pay 4 %, at least 39 dollars.

    Source: commercebank.com, "Standard Commission Schedule", effective 2014-09-01. It asks for a
    call about orders of 10,000 shares or 500,000 dollars, which are charged by the same table
    here.
    """

    fields: ClassVar[tuple[str, ...]] = ("split_factor",)

    def charge(self, tickets: Tickets) -> np.ndarray:
        value = np.abs(tickets.size) * tickets.price
        shares = np.abs(tickets.shares)
        ends = (2_500.0, 6_000.0, 22_000.0, 50_000.0, 500_000.0)
        at = np.searchsorted(ends, value)
        amount = np.array([29.50, 55.50, 75.50, 99.50, 154.50, 254.50])[at]
        rate = np.array([0.017, 0.0066, 0.0034, 0.0022, 0.0011, 0.0009])[at]
        most = 0.54 * np.minimum(shares, 100.0) + 0.55 * np.maximum(shares - 100.0, 0.0)
        cost = np.maximum(np.minimum(amount + value * rate, most), 0.04 * shares)
        cost = np.where(value < shares, 0.04 * value, cost)
        return np.where(tickets.size != 0, np.maximum(cost, 39.0), 0.0)


def _per_share(tickets: Tickets, rate: float, minimum: float) -> np.ndarray:
    """(k,) a rate a printed share, within a minimum and 1 % of the value, which prevails."""
    value = np.abs(tickets.size) * tickets.price
    cost = np.minimum(np.maximum(np.abs(tickets.shares) * rate, minimum), 0.01 * value)
    return np.where(tickets.size != 0, cost, 0.0)


def _regulatory(tickets: Tickets, charged: bool) -> np.ndarray:
    if not charged:
        return np.zeros(len(tickets))
    return section_31_fee(tickets) + trading_activity_fee(tickets)


def _cents(fee: np.ndarray) -> np.ndarray:
    """Rounded up to a cent; what is a cent but for rounding stays one."""
    return np.ceil(fee * 100.0 - 1e-9) / 100.0
