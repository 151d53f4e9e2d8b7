"""What holding costs and earns, asset by asset."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from feeds.panel import Panel

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Carry", "make_carry"]


@dataclass(frozen=True)
class Carry:
    """What holding costs and earns, per calendar day on the prior mark.

    Amounts are positive when received. Shorts pay ``borrow`` and may earn ``rebate`` on their
    proceeds; a class with ``funding`` holds its shorts as perpetuals instead, which receive
    positive funding. Cash that is not short proceeds earns ``interest``.

    Parameters
    ----------
    borrow_annual, funding_annual : (N,) float arrays
        Rates by asset, per year; at most one of the two is not zero.
    cash_annual, short_rebate_annual : float
        Rates per year.
    day_count : int
        Days a year.
    """

    borrow_annual: np.ndarray
    funding_annual: np.ndarray
    cash_annual: float = 0.0
    short_rebate_annual: float = 0.0
    day_count: int = 365

    def is_free(self, has_shorts: bool) -> bool:
        """Whether nothing is paid or earned on a book with shorts, or one without."""
        return self.cash_annual == 0 and not (has_shorts and self._rates)

    def settle(
        self,
        days: np.ndarray,
        cash: float,
        column: np.ndarray,
        worth: np.ndarray,
        first: int = 0,
    ) -> tuple[np.ndarray, list[tuple[str, np.ndarray, np.ndarray]]]:
        """Carry of some sessions in which nothing is traded.

        Parameters
        ----------
        days : (B,) int array
            Calendar days of each session since the one before.
        cash : float
            Before the first of them.
        column : (k,) int array
            Assets held.
        worth : (B, k) float array
            Their signed values at the prior mark, contiguous by row.
        first : int
            Row of the first session, for rates that change; these do not.

        Returns
        -------
        cash : (B,) float array
            After each session.
        amounts : list of (kind, (m,) int array, (B, m) float array)
            Kinds that are other than zero, their assets and amounts; column -1 is cash.
        """
        owed = np.maximum(-worth, 0.0)
        year = (days / self.day_count)[:, None]
        received, amounts = [], []
        for kind, rates in self._rates.items():
            rate = rates[column]
            paid = ((rate != 0) & (worth[0] < 0)).nonzero()[0]
            if len(paid):
                amount = owed * rate * year
                received.append(np.add.reduce(amount, axis=1))
                amounts.append((kind, column[paid], amount.take(paid, axis=1)))
        if self.cash_annual != 0:
            rates = np.full(len(days), self.cash_annual)
            after, interest = self._with_interest(days, cash, owed, received, rates)
            amounts.append(("interest", np.array([-1]), interest[:, None]))
        elif received:
            # The same sums in the same order as session by session.
            steps = np.column_stack(received).ravel()
            after = np.add.accumulate(np.concatenate([[cash], steps]))
            after = after[len(received) :: len(received)]
        else:
            after = np.full(len(days), cash)
        return after, amounts

    def _with_interest(
        self,
        days: np.ndarray,
        cash: float,
        owed: np.ndarray,
        received: list[np.ndarray],
        rates: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """(B,) cash after each session and (B,) interest, on cash that is not short proceeds.

        `rates` are (B,), a year.
        """
        after, interest = np.empty(len(days)), np.empty(len(days))
        shorts = np.add.reduce(owed, axis=1).tolist()
        for number, (short, rate) in enumerate(zip(shorts, rates.tolist(), strict=True)):
            share = int(days[number]) / self.day_count
            interest[number] = (cash - short) * rate * share
            for of_kind in received:
                cash += float(of_kind[number])
            cash += float(interest[number])
            after[number] = cash
        return after, interest

    def cash_rates_at(self, rows: np.ndarray) -> np.ndarray:
        """(B,) interest on cash, a year, of the carry booked on some sessions."""
        return np.full(len(rows), self.cash_annual)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the rates, in sentences."""
        return ()

    @cached_property
    def _rates(self) -> dict[str, np.ndarray]:
        """(N,) rates by kind, for those that are not zero throughout."""
        rates = {
            "borrow": -self.borrow_annual,
            "funding": self.funding_annual,
            # A perpetual has no sale proceeds that could earn a rebate.
            "rebate": np.where(self.funding_annual == 0, self.short_rebate_annual, 0.0),
        }
        return {kind: rate for kind, rate in rates.items() if rate.any()}


def make_carry(
    panel: Panel,
    *,
    borrow_annual: Mapping[str, Any],
    funding_annual: Mapping[str, Any],
    cash_annual: Any,
    short_rebate_annual: Any,
    day_count: int,
    published: pd.DataFrame | None = None,
    start: dt.date | None = None,
    data: str = "the data set",
) -> Carry:
    """Carry of every asset from rates by asset class; a class not named has a rate of zero.

    Parameters
    ----------
    panel : Panel
        T rows, N assets.
    borrow_annual, funding_annual : mapping of str to rate
        By class: a number; steps ``[{from: date, rate: r}, ...]``, the first of which holds
        before its date, too; ``{figure: name, missing_annual: r}``; or, of borrow, ``{by:
        market_cap or dollar_volume, tiers: [{from: value, rate: r}, ...]}``. A borrow figure is
        a rate a year, a funding figure one a day.
    cash_annual, short_rebate_annual : rate
        A number, steps, or ``{series: name, spread_annual: r}`` of published monthly returns.
    day_count : int
        Days a year.
    published : DataFrame, optional
        Monthly returns by the end of the month.
    start : date, optional
        First day that may trade: a series has to be known from its month on.
    data : str
        Name of the data set, for messages.

    Raises
    ------
    ConfigError
        If the data set lacks a figure, a field or a series.
    """
    given = (*borrow_annual.values(), *funding_annual.values(), cash_annual, short_rebate_annual)
    if all(isinstance(rate, (int, float)) for rate in given):
        classes = panel.asset_class.tolist()
        return Carry(
            np.array([borrow_annual.get(name, 0.0) for name in classes], dtype=float),
            np.array([funding_annual.get(name, 0.0) for name in classes], dtype=float),
            cash_annual,
            short_rebate_annual,
            day_count,
        )
    # Imported where it is needed: most runs hold at rates that do not change.
    from strategies.execution.carry_schedules import scheduled_carry

    return scheduled_carry(
        panel,
        borrow_annual=borrow_annual,
        funding_annual=funding_annual,
        cash_annual=cash_annual,
        short_rebate_annual=short_rebate_annual,
        day_count=day_count,
        published=published,
        start=start,
        data=data,
    )
