"""Carry whose rates change: steps by date, tiers by size, daily figures, published series.

The carry that is booked on a session accrues since the session before. A rate is the one known
then: in force on that day, of its market cap or dollar volume, of its figure. Only the funding of
a perpetual is that of the days themselves: it is paid as they pass.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from feeds.errors import ConfigError
from feeds.panel import Panel
from feeds.suggestions import remedy_for
from strategies.execution.carry import Carry

__all__ = ["ScheduledCarry", "scheduled_carry"]

#: Sessions whose mean is an asset's dollar volume.
_WINDOW = 63
#: Months that a published series may lag behind: the last known rate goes on.
_LAG = 1


@dataclass(frozen=True)
class ScheduledCarry(Carry):
    """Carry at rates by session; its rates as a :class:`Carry` are their means over sessions.

    Parameters
    ----------
    tables : dict of str to (T, N) or (T, 1) float array
        Rates a year by kind, ``borrow``, ``funding`` and ``rebate``, as received by a short: row
        t is that of the carry booked on session t.
    cash_rates : (T,) float array
        Interest, a year.
    remarks : tuple of str
        What a user should know of the rates.
    """

    tables: Mapping[str, np.ndarray] = field(default_factory=dict)
    cash_rates: np.ndarray = field(default_factory=lambda: np.zeros(0))
    remarks: tuple[str, ...] = ()

    def cash_rates_at(self, rows: np.ndarray) -> np.ndarray:
        """(B,) interest on cash, a year, of the carry booked on some sessions."""
        return self.cash_rates[rows]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the rates, in sentences."""
        return self.remarks

    def is_free(self, has_shorts: bool) -> bool:
        """Whether nothing is paid or earned on a book with shorts, or one without."""
        return not self._earns and not (has_shorts and self._tables)

    def settle(
        self,
        days: np.ndarray,
        cash: float,
        column: np.ndarray,
        worth: np.ndarray,
        first: int = 0,
    ) -> tuple[np.ndarray, list[tuple[str, np.ndarray, np.ndarray]]]:
        """As in :meth:`Carry.settle`, from the session `first` on."""
        owed = np.maximum(-worth, 0.0)
        year = (days / self.day_count)[:, None]
        rows = slice(first, first + len(days))
        received, amounts = [], []
        for kind, table in self._tables.items():
            rate = table[rows] if table.shape[1] == 1 else table[rows].take(column, axis=1)
            # Contiguous by row, so that a sum does not depend on how many rows there are.
            amount = np.ascontiguousarray(owed * rate * year)
            received.append(np.add.reduce(amount, axis=1))
            paid = amount.any(axis=0).nonzero()[0]
            if len(paid):
                amounts.append((kind, column[paid], amount.take(paid, axis=1)))
        after, interest = self._with_interest(days, cash, owed, received, self.cash_rates[rows])
        if self._earns:
            amounts.append(("interest", np.array([-1]), interest[:, None]))
        return after, amounts

    @cached_property
    def _tables(self) -> dict[str, np.ndarray]:
        return {kind: table for kind, table in self.tables.items() if table.any()}

    @cached_property
    def _earns(self) -> bool:
        return bool(self.cash_rates.any())


def scheduled_carry(
    panel: Panel,
    *,
    borrow_annual: Mapping[str, Any],
    funding_annual: Mapping[str, Any],
    cash_annual: Any,
    short_rebate_annual: Any,
    day_count: int,
    published: pd.DataFrame | None,
    start: dt.date | None,
    data: str,
) -> ScheduledCarry:
    """Carry at rates of which some change; see :func:`strategies.execution.carry.make_carry`."""
    rates = _Rates(panel, day_count, published, start, data)
    borrow = rates.by_class("borrow_annual", borrow_annual)
    funding = rates.by_class("funding_annual", funding_annual)
    cash = rates.of_cash("cash_annual", cash_annual)
    rebate = rates.of_cash("short_rebate_annual", short_rebate_annual)[:, None]
    # A perpetual has no sale proceeds that could earn a rebate.
    perpetual = np.isin(panel.asset_class, sorted(funding_annual))
    tables = {"borrow": -borrow, "funding": funding}
    tables["rebate"] = np.where(perpetual, 0.0, rebate) if perpetual.any() else rebate
    return ScheduledCarry(
        borrow.mean(axis=0),
        funding.mean(axis=0),
        float(cash[rates.first :].mean()),
        float(rebate[rates.first :].mean()),
        day_count,
        tables,
        cash,
        tuple(rates.remarks),
    )


class _Rates:
    """Rates a year by session from what a configuration says."""

    def __init__(
        self,
        panel: Panel,
        day_count: int,
        published: pd.DataFrame | None,
        start: dt.date | None,
        data: str,
    ) -> None:
        self.panel, self.day_count, self.published, self.data = panel, day_count, published, data
        self.remarks: list[str] = []
        self._days = panel.dates.astype("datetime64[D]")
        self.first = 0
        if start is not None:
            latest = len(self._days) - 1
            self.first = min(int(np.searchsorted(self._days, np.datetime64(start))), latest)
        #: The session before each, from which its carry accrues.
        self._before = np.maximum(np.arange(len(self._days)) - 1, 0)

    def by_class(self, key: str, given: Mapping[str, Any]) -> np.ndarray:
        """(T, N) rates of assets; zero for a class that is not named."""
        panel = self.panel
        out = np.zeros(panel.shape)
        for name in sorted(given):
            of_class = panel.asset_class == name
            if of_class.any():
                out[:, of_class] = self._of_class(
                    f"costs.carry.{key}.{name}", given[name], of_class
                )
        return out

    def of_cash(self, key: str, given: Any) -> np.ndarray:
        """(T,) rates of cash."""
        if isinstance(given, Mapping):
            return self._of_series(f"costs.carry.{key}", given)
        return self._of_steps(given)

    def _of_class(self, place: str, given: Any, of_class: np.ndarray) -> np.ndarray:
        """(T, n) or (T, 1) rates of one class."""
        if not isinstance(given, Mapping):
            return self._of_steps(given)[:, None]
        if "figure" in given:
            return self._of_figure(place, given, of_class)
        return self._of_tiers(place, given, of_class)

    def _of_steps(self, given: Any) -> np.ndarray:
        """(T,) a constant, or the rate in force on the session before."""
        if not isinstance(given, Sequence):
            return np.full(len(self._days), float(given))
        starts = np.array([step["from"] for step in given], dtype="datetime64[D]")
        rates = np.array([step["rate"] for step in given], dtype=float)
        at = np.searchsorted(starts, self._days[self._before], side="right") - 1
        return rates[np.maximum(at, 0)]

    def _of_series(self, place: str, given: Mapping[str, Any]) -> np.ndarray:
        """(T,) a month's return over its days, of the month of the session before."""
        name, table = given["series"], self.published
        if table is None or name not in table.columns:
            known = [] if table is None else sorted(table.columns)
            raise ConfigError(
                f"{place}.series: {self.data} publishes no {name!r}",
                remedy_for(name, known) if known else "give a number, or steps by date",
            )
        months = pd.PeriodIndex(pd.DatetimeIndex(self._days[self._before]), freq="M")
        returns = table[name].set_axis(pd.PeriodIndex(table.index, freq="M")).dropna()
        wanted = pd.period_range(months[0], months[-1], freq="M")
        monthly = returns.reindex(wanted).ffill(limit=_LAG)
        annual = (monthly / monthly.index.days_in_month * self.day_count).reindex(months)
        unknown = annual.isna().to_numpy() & (np.arange(len(months)) >= self.first)
        if unknown.any():
            span = f"{returns.index[0]}..{returns.index[-1]}" if len(returns) else "no month"
            raise ConfigError(
                f"{place}.series: {name} is not known in {months[int(unknown.argmax())]}",
                f"it covers {span}: change data.start or data.end, or give a number",
            )
        return annual.fillna(0.0).to_numpy() + given["spread_annual"]

    def _of_figure(self, place: str, given: Mapping[str, Any], of_class: np.ndarray) -> np.ndarray:
        """(T, n) a figure's rates, `missing_annual` where it is not known."""
        name = given["figure"]
        if name not in self.panel.figures:
            known = list(self.panel.figures)
            raise ConfigError(
                f"{place}.figure: {self.data} has no figure {name!r}",
                remedy_for(name, known) if known else "ingest the set with --figures",
            )
        values = self.panel.figure(name)[:, of_class]
        if "funding" in place:
            values = values * self.day_count
        else:
            values = values[self._before]
        unknown = ~np.isfinite(values)
        bars = self.panel.tradable[self.first :, of_class]
        missing = int((unknown[self.first :] & bars).sum())
        if missing:
            self.remarks.append(
                f"{name} is not known on {missing} of {int(bars.sum())} bars of "
                f"{place.rpartition('.')[2]}; shorts carry {given['missing_annual']:g} a year then."
            )
        return np.where(unknown, given["missing_annual"], values)

    def _of_tiers(self, place: str, given: Mapping[str, Any], of_class: np.ndarray) -> np.ndarray:
        """(T, n) rates by an asset's size on the session before."""
        if given["by"] == "market_cap":
            if not self.panel.available("market_cap"):
                raise ConfigError(
                    f"{place} goes by market_cap, which {self.data} lacks",
                    "go by dollar_volume, or give a number",
                )
            size = self.panel.market_cap[:, of_class]
        else:
            size = self._dollar_volume(place, of_class)
        starts = [tier["from"] for tier in given["tiers"]]
        rates = np.array([tier["rate"] for tier in given["tiers"]], dtype=float)
        size = np.nan_to_num(size[self._before], nan=0.0)
        return rates[np.maximum(np.searchsorted(starts, size, side="right") - 1, 0)]

    def _dollar_volume(self, place: str, of_class: np.ndarray) -> np.ndarray:
        """(T, n) traded value a day, the mean of the last 63 sessions; NaN before there are."""
        panel = self.panel
        if not np.isfinite(panel.volume[:, of_class]).any():
            raise ConfigError(
                f"{place} goes by dollar_volume, which {self.data} lacks", "give a number"
            )
        total = np.cumsum(np.nan_to_num(panel.dollar_volume[:, of_class]), axis=0)
        out = np.full(total.shape, np.nan)
        window = total[_WINDOW:] - total[:-_WINDOW]
        # A coin trades on the days between sessions, too, and its bars hold them.
        native = "crypto" in panel.asset_class[of_class] and panel.calendar != "24/7"
        days = (self._days[_WINDOW:] - self._days[:-_WINDOW]).astype("int64")
        out[_WINDOW:] = window / (days[:, None] if native else _WINDOW)
        return out
