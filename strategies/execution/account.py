"""The account: cash and positions, moved bar by bar, with a column of everything it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from feeds.panel import Panel
from strategies.execution.basket import Basket, Limits, fill_basket
from strategies.execution.costs import Carry, TradingCosts
from strategies.execution.journal import Journal

__all__ = ["Account", "AccountRules", "Plan"]


@dataclass(frozen=True)
class Plan:
    """A basket decided in one row, to be filled at one instant of a later one.

    Parameters
    ----------
    decision_row : int
        The row whose close was known when the plan was made.
    basket : Basket
        The tickets.
    instant : {"open", "close"}
        Where in the session the whole basket fills.
    reason : str
        ``rebalance`` or ``liquidation``.
    """

    decision_row: int
    basket: Basket
    instant: str
    reason: str = "rebalance"


@dataclass(frozen=True)
class AccountRules:
    """Starting cash, limits at the fill, and how ended series are closed.

    Parameters
    ----------
    starting_cash : float
        In currency.
    limits : Limits
        What must hold after every fill.
    stale_after : int
        Sessions without a bar after which a holding is closed.
    delisting_return : mapping
        ``end_reason`` to the return on the last mark, in [-1, 0].
    """

    starting_cash: float
    limits: Limits
    stale_after: int
    delisting_return: Mapping[str, float]


class Account:
    """Cash and positions over a panel, moved forward by :meth:`step`.

    A row's order of events: carry accrues on the prior mark; holdings whose series ended are
    closed; the pending plan fills; the book is marked at the close and its margin checked. The
    strategy decides after that, so a plan can fill on a later row only.
    """

    def __init__(
        self, panel: Panel, costs: TradingCosts, carry: Carry, rules: AccountRules
    ) -> None:
        self.panel, self.costs, self.carry, self.rules = panel, costs, carry, rules
        self.position = np.zeros(panel.shape[1])
        self.cash = self.value = float(rules.starting_cash)
        self.journal = Journal()
        self._row = -1
        self._pending: Plan | None = None
        self._days = np.diff(panel.dates.astype("datetime64[D]").astype("int64"), prepend=0)
        self._returns = np.array([rules.delisting_return[r] for r in panel.end_reason.tolist()])
        # The last True of each column; a column without one is never held.
        self._last_bar = len(panel.dates) - 1 - panel.tradable[::-1].argmax(axis=0)

    @property
    def is_open(self) -> bool:
        """Whether there is anything left to trade with."""
        return self.value > 0

    @property
    def waiting(self) -> np.ndarray:
        """(k,) columns of the tickets of the submitted plan that are not filled yet."""
        return np.zeros(0, dtype=int) if self._pending is None else self._pending.basket.column

    def submit(self, plan: Plan) -> None:
        """Take `plan` for the next session, cancelling what an earlier one left unfilled.

        A liquidation goes to its end first: a plan that comes meanwhile is dropped and reported.
        """
        if self._pending is not None and self._pending.reason == "liquidation":
            self.journal.record_event(
                plan.decision_row, -1, "cancelled", "plan dropped, the account is being liquidated"
            )
            return
        self._cancel_pending(plan.decision_row, "replaced by a new plan")
        self._pending = plan if len(plan.basket) else None

    def step(self, row: int) -> None:
        """Bring the account to the close of `row`, through every row since the last one.

        Rows in which nothing but the marks moves are settled together: the result is that of
        one step a row, to the last bit.
        """
        while self._row < row:
            self._row = self._act() if self._pending is not None else self._idle(row)

    def _act(self) -> int:
        """One row in which a plan may fill; returns that row."""
        row = self._row + 1
        held = np.flatnonzero(self.position)
        if self.journal.started:
            self._accrue(row, row, held)
            self._close_stale(row, held)
        if self._pending is not None:
            self._fill(row)
        held = np.flatnonzero(self.position)
        self._record(row, row, held, np.array([self.cash]))
        return row

    def _idle(self, row: int) -> int:
        """Rows up to `row` without a fill, or up to the first that brings one; the last one."""
        first, held = self._row + 1, np.flatnonzero(self.position)
        if not self.journal.started:
            return row
        stale = self.panel.age[first : row + 1, held] >= self.rules.stale_after
        if stale.any():
            # The rows before it are settled first; it comes first in the next round.
            ahead = int(stale.any(axis=1).argmax())
            if ahead == 0:
                return self._act()
            row = first + ahead - 1
        return self._record(first, row, held, self._accrue(first, row, held))

    def _accrue(self, first: int, last: int, held: np.ndarray) -> np.ndarray:
        """Book the carry of some rows on the marks before them; (B,) cash after each."""
        rows = np.arange(first, last + 1)
        days = self._days[first : last + 1]
        value = self._worth(first - 1, last, held)
        amounts = self.carry.accrue(days, held, value)
        for kind, amount in amounts:
            at, of = np.nonzero(amount)
            self.journal.record_carry(rows[at], kind, held[of], amount[at, of])
        received = [amount.sum(axis=1).tolist() for _, amount in amounts]
        owed = np.maximum(-value, 0.0).sum(axis=1).tolist()
        cash, earned = [], []
        for number in range(len(rows)):
            interest = self.carry.interest(int(days[number]), self.cash, owed[number])
            for kind in received:
                self.cash += kind[number]
            self.cash += interest
            earned.append(interest)
            cash.append(self.cash)
        if any(earned):
            nowhere = np.full(len(rows), -1)
            self.journal.record_carry(rows, "interest", nowhere, np.array(earned))
        return np.array(cash)

    def _record(self, first: int, last: int, held: np.ndarray, cash: np.ndarray) -> int:
        """Mark the book at the closes of some rows, up to one that breaks the margin."""
        value = self._worth(first, last + 1, held)
        long = np.maximum(value, 0.0).sum(axis=1)
        short = np.minimum(value, 0.0).sum(axis=1)
        total = cash + long + short
        margin = self.rules.limits.maintenance_margin * (long - short)
        broken = (total <= margin) & (len(held) > 0)
        stop = int(broken.argmax()) + 1 if broken.any() else len(total)
        if stop < len(total):
            self._take_back(first + stop)
        self.cash, self.value = float(cash[stop - 1]), float(total[stop - 1])
        row = first + stop - 1
        if self.journal.started:
            self.journal.record_values(
                np.arange(first, row + 1),
                total[:stop],
                cash[:stop],
                long[:stop],
                short[:stop],
                margin[:stop],
            )
        if broken.any():
            self._liquidate(row, held)
        return row

    def _worth(self, first: int, stop: int, held: np.ndarray) -> np.ndarray:
        """(B, k) signed values at the marks of some rows.

        Contiguous by row, so that sums over assets do not depend on how many rows there are.
        """
        return self.panel.mark[first:stop].take(held, axis=1) * self.position[held]

    def _take_back(self, row: int) -> None:
        """Strike the carry booked for `row` and later: a liquidation comes between."""
        kept = []
        for rows, kind, column, amount in self.journal.carry:
            before = rows < row
            kept.append((rows[before], kind, column[before], amount[before]))
        self.journal.carry[:] = kept

    def _close_stale(self, row: int, held: np.ndarray) -> None:
        stale = held[self.panel.age[row, held] >= self.rules.stale_after]
        if not len(stale):
            return
        size = -self.position[stale]
        reference = self.panel.mark[row, stale]
        # A reason belongs to the end of a series: one that resumes later has not ended here.
        ended = self._last_bar[stale] < row
        pause = self.rules.delisting_return.get("data_end", 0.0)
        lost = np.where(ended, self._returns[stale], pause)
        price = reference * (1.0 + lost)
        self._book(row, -1, "delisting", stale, size, price, reference, np.zeros(len(stale)))
        for column, over in zip(stale.tolist(), ended.tolist(), strict=True):
            reason = str(self.panel.end_reason[column]) if over else "data_end"
            detail = f"no bar for {self.rules.stale_after} sessions, closed as {reason}"
            self.journal.record_event(row, column, "delisting", detail)
        self._drop_tickets(row, stale)

    def _fill(self, row: int) -> None:
        plan = self._pending
        tradable = self.panel.tradable[row, plan.basket.column]
        ready, later = plan.basket.take(tradable), plan.basket.take(~tradable)
        self._pending = replace(plan, basket=later) if len(later) else None
        if len(later) and row == plan.decision_row + 1:
            for column in later.column.tolist():
                self.journal.record_event(row, column, "waiting", "no bar, the ticket waits")
        if len(ready):
            self._execute(row, plan, ready)

    def _drop_tickets(self, row: int, closed: np.ndarray) -> None:
        """Cancel waiting tickets of holdings just closed: they were sized to what is gone."""
        plan = self._pending
        if plan is None:
            return
        gone = np.isin(plan.basket.column, closed)
        for column in plan.basket.column[gone].tolist():
            self.journal.record_event(row, column, "cancelled", "unfilled ticket, series ended")
        left = plan.basket.take(~gone)
        self._pending = replace(plan, basket=left) if len(left) else None

    def _execute(self, row: int, plan: Plan, basket: Basket) -> None:
        panel = self.panel
        prices = panel.open[row] if plan.instant == "open" else panel.close[row]
        mark = np.where(panel.tradable[row], prices, panel.mark[max(row - 1, 0)])
        reference = prices[basket.column]
        fill = fill_basket(
            basket,
            reference=reference,
            shares_per_unit=panel.adjustment[row, basket.column],
            cash=self.cash,
            position=self.position,
            mark=mark,
            costs=self.costs,
            limits=self.rules.limits,
        )
        if fill.scale < 1.0:
            self.journal.record_event(
                row, -1, "scaled", f"increases scaled by {fill.scale:.6f} to cash and margin"
            )
        # Reductions are booked before what they pay for.
        order = np.argsort(basket.increase != 0, kind="stable")
        order = order[fill.size[order] != 0]
        column = basket.column[order]
        self._book(
            row,
            plan.decision_row,
            plan.reason,
            column,
            fill.size[order],
            fill.price[order],
            reference[order],
            fill.commission[order],
        )
        held = np.flatnonzero(self.position)
        self.journal.record_positions(row, held, self.position[held])

    def _book(self, row, decision_row, reason, column, size, price, reference, commission) -> None:
        """Move units and cash for fills, in their order."""
        self.position[column] += size
        for amount in (size * price + commission).tolist():
            self.cash -= amount
        self.journal.record_fills(
            row, decision_row, reason, column, size, price, reference, commission
        )

    def _liquidate(self, row: int, held: np.ndarray) -> None:
        if self._pending is not None and self._pending.reason == "liquidation":
            return
        self._cancel_pending(row, "the account is being liquidated")
        zeros = np.zeros(len(held))
        basket = Basket(held, -self.position[held], zeros, np.ones(len(held)))
        self._pending = Plan(row, basket, "close", "liquidation")
        detail = f"value {self.value:.2f} at or below the maintenance margin, all is closed"
        self.journal.record_event(row, -1, "liquidation", detail)

    def _cancel_pending(self, row: int, why: str) -> None:
        if self._pending is not None:
            for column in self._pending.basket.column.tolist():
                self.journal.record_event(row, column, "cancelled", f"unfilled ticket, {why}")
            self._pending = None
