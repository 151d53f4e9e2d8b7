"""The account: cash and positions, moved bar by bar, with a column of everything it did."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from feeds.panel import Panel
from strategies.execution.basket import Basket, fill_basket
from strategies.execution.capacity import ParticipationCap, cut_basket
from strategies.execution.costs import Carry, TradingCosts
from strategies.execution.journal import Journal
from strategies.execution.marks import first_stale, has_ended, values_beside
from strategies.execution.pending import PendingPlans
from strategies.execution.plan import Plan, check_plan
from strategies.execution.rules import AccountRules
from strategies.execution.traded_value import TradedValue

__all__ = ["Account", "AccountRules", "Plan"]

_REPLACED = "replaced by a new plan"


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
        self._traded = TradedValue(self.journal, panel.dates, costs.group)
        self._row = -1
        self._holding: tuple[np.ndarray, np.ndarray, bool] | None = None
        #: Whether every holding had a bar on the row settled last.
        self._fresh = False
        self._pending = PendingPlans()
        self._days = np.diff(panel.dates.astype("datetime64[D]").astype("int64"), prepend=0)
        self._cap: ParticipationCap | None = None
        rates = [
            rate for rate in (rules.participation_rate, costs.volume_limit) if rate is not None
        ]
        if rates:
            # The smaller of two caps; one that is not known is none.
            self._cap = ParticipationCap(panel, np.fmin.reduce(np.broadcast_arrays(*rates)))
        #: Columns of the plan that have been reported as cut to the cap, and lots last used.
        self._cut: set[int] = set()
        self._lots: dict[int, float] = {}

    @property
    def is_open(self) -> bool:
        """Whether there is anything left to trade with."""
        return self.value > 0

    @property
    def waiting(self) -> np.ndarray:
        """(k,) columns of the tickets of submitted plans that are not filled yet."""
        return self._pending.column

    def submit(self, plan: Plan) -> None:
        """Take `plan` for the next session, cancelling what an earlier one left unfilled.

        A stop cancels tickets of its own assets only; a further part of a rebalance takes over
        what the part before it left. A liquidation goes to its end first: a plan that comes
        meanwhile is dropped and reported, and so is one for an account without value.

        Raises
        ------
        UserError
            If the plan cannot be meant; see :func:`check_plan`.
        """
        check_plan(plan, self.panel, self._row)
        if self._pending.is_liquidation:
            why = "plan dropped, the account is being liquidated"
            self.journal.record_event(plan.decision_row, -1, "cancelled", why)
            return
        if not self.is_open:
            self._report_cancelled(plan.decision_row, self._pending.clear(), _REPLACED)
            why = f"plan dropped, the account's value of {self.value:.2f} is not above zero"
            self.journal.record_event(plan.decision_row, -1, "rejected", why)
            return
        why = _REPLACED if plan.reason != "stop" else "its asset was stopped"
        self._report_cancelled(plan.decision_row, self._pending.add(plan), why)
        if self._cap is not None:
            self._note_lots(plan)

    def step(self, row: int) -> None:
        """Bring the account to the close of `row`, through every row since the last one.

        Rows in which nothing but the marks moves are settled together: the result is that of
        one step a row, to the last bit.
        """
        while self._row < row:
            first = self._row + 1
            if self._pending:
                self._row = self._act(first, row)
            elif self.journal.started:
                self._row = self._settle(first, row)
            else:
                self._row = row

    def _held(self) -> tuple[np.ndarray, np.ndarray, bool]:
        """(k,) assets held, increasing, (k,) their units, and whether any is short."""
        if self._holding is None:
            column = (self.position != 0).nonzero()[0]
            units = self.position[column]
            self._holding = column, units, len(units) > 0 and bool(units.min() < 0)
        return self._holding

    def _note_lots(self, plan: Plan) -> None:
        if plan.part == 1:
            self._cut -= set(plan.basket.column.tolist())
        # In printed shares, so that a split until a liquidation changes nothing.
        lots = plan.basket.lot * self.panel.adjustment_at(plan.decision_row, plan.basket.column)
        self._lots.update(zip(plan.basket.column.tolist(), lots.tolist(), strict=True))

    def _act(self, row: int, last: int) -> int:
        """A row in which something may trade, and the quiet ones up to `last` after it."""
        if self.journal.started:
            self._accrue(row)
            if not (self._fresh and self.rules.stale_after > 1):
                self._close_stale(row)
        for plan in self._pending.in_order:
            self._pending.keep(plan, self._fill(row, plan))
        if not self.journal.started:
            return row
        return self._settle(row, row if self._pending else last, accrued=True)

    def _accrue(self, row: int) -> None:
        """Book the carry of one row on the marks before it."""
        held, units, has_shorts = self._held()
        if not self.carry.is_free(has_shorts):
            worth = self.panel.marks(row - 1, row, held) * units
            days = self._days[row : row + 1]
            cash, amounts = self.carry.settle(days, self.cash, held, worth, row)
            self.cash = float(cash[0])
            for kind, column, amount in amounts:
                self.journal.record_carry(np.array([row]), kind, column, amount)

    def _settle(self, first: int, last: int, accrued: bool = False) -> int:
        """Rows of carry and marks only, from `first`; returns the last of them.

        They end at `last`, before the first row on which an ended series is closed, or at one
        that breaks the margin. With `accrued` the carry of the first has been booked.
        """
        held, units, has_shorts = self._held()
        free = self.carry.is_free(has_shorts)
        start = first if accrued or free else first - 1
        # Contiguous by row, so that sums over assets do not depend on how many rows there are.
        worth = self.panel.close[start : last + 1].take(held, axis=1) * units
        long = _positive_sums(worth, has_shorts)
        self._fresh = not math.isnan(np.add.reduce(long))
        if not self._fresh:
            # Some bar is missing: the marks are of days before, and a series may have ended.
            stale = first_stale(self.panel, first, last, held, self.rules.stale_after)
            if stale == first:
                return self._act(first, first)
            last = stale - 1
            worth = self.panel.marks(start, last + 1, held) * units
            long = _positive_sums(worth, has_shorts)
        count = last + 1 - start
        short = np.add.reduce(np.minimum(worth, 0.0), axis=1) if has_shorts else np.zeros(count)
        cash, amounts = np.full(count, self.cash), []
        if not free and count > 1:
            days = self._days[start + 1 : last + 1]
            cash[1:], amounts = self.carry.settle(days, self.cash, held, worth[:-1], start + 1)
        skip = first - start
        stop = self._record(first, cash[skip:], long[skip:], short[skip:])
        rows = np.arange(start + 1, stop)
        for kind, column, amount in amounts:
            self.journal.record_carry(rows, kind, column, amount[: len(rows)])
        return stop - 1

    def _record(self, first: int, cash: np.ndarray, long: np.ndarray, short: np.ndarray) -> int:
        """Book the values of some rows, up to one that breaks the margin; the row after it."""
        total = cash + long + short
        margin = self.rules.limits.maintenance_margin * (long - short)
        broken = total <= margin
        # Nothing can be wrong with a book of nothing but cash.
        breaks = np.count_nonzero(broken) > 0 and len(self._held()[0]) > 0
        count = int(broken.argmax()) + 1 if breaks else len(total)
        self.cash, self.value = float(cash[count - 1]), float(total[count - 1])
        columns = total, cash, long, short, margin
        if count < len(total):
            columns = tuple(part[:count] for part in columns)
        self.journal.record_values(np.arange(first, first + count), *columns)
        if breaks:
            self._liquidate(first + count - 1)
        return first + count

    def _close_stale(self, row: int) -> None:
        panel, (held, _, _) = self.panel, self._held()
        if panel.tradable[row, held].all():
            return
        stale = held[panel.ages(row, row + 1, held)[0] >= self.rules.stale_after]
        if not len(stale):
            return
        reference = panel.mark_at(row, stale)
        # A reason belongs to the end of a series: one that resumes later has not ended here.
        ended = has_ended(panel, row, stale)
        reasons = np.where(ended, panel.end_reason[stale], "data_end").tolist()
        lost = np.array([self.rules.delisting_return.get(reason, 0.0) for reason in reasons])
        size, free = -self.position[stale], np.zeros(len(stale))
        self._book(row, -1, "delisting", stale, size, reference * (1.0 + lost), reference, free)
        for column, reason in zip(stale.tolist(), reasons, strict=True):
            detail = f"no bar for {self.rules.stale_after} sessions, closed as {reason}"
            self.journal.record_event(row, column, "delisting", detail)
        self._drop_tickets(row, stale)

    def _fill(self, row: int, plan: Plan) -> Basket | None:
        """Fill what the bars of a row let through; the rest of the plan, which waits."""
        panel = self.panel
        column = plan.basket.column
        tradable = panel.tradable[row].take(column)
        prices = panel.open[row] if plan.instant == "open" else panel.close[row]
        if self._cap is not None:
            capacity = self._cap.units(row, column, prices[column])
            ready, later = cut_basket(plan.basket, capacity)
            later = later.take((later.reduce != 0) | (later.increase != 0))
            self._report_cut(row, later.column[tradable[np.isin(column, later.column)]])
            ready = ready.take((ready.reduce != 0) | (ready.increase != 0))
        elif np.count_nonzero(tradable) == len(column):
            ready, later = plan.basket, None
        elif self.rules.together and plan.reason == "rebalance":
            ready, later = plan.basket.take(np.zeros_like(tradable)), plan.basket
        else:
            ready, later = plan.basket.take(tradable), plan.basket.take(~tradable)
        if row == plan.decision_row + 1:
            for waits in column[~tradable].tolist():
                self.journal.record_event(row, waits, "waiting", "no bar, the ticket waits")
        if len(ready):
            self._execute(row, plan, ready, prices)
        return later

    def _report_cut(self, row: int, columns: np.ndarray) -> None:
        for column in columns.tolist():
            if column not in self._cut:
                self._cut.add(column)
                why = self._cap.why(row, column)
                self.journal.record_event(row, column, "participation", why)

    def _drop_tickets(self, row: int, closed: np.ndarray) -> None:
        """Cancel waiting tickets of holdings just closed: they were sized to what is gone."""
        self._report_cancelled(row, self._pending.drop(closed), "series ended")

    def _execute(self, row: int, plan: Plan, basket: Basket, prices: np.ndarray) -> None:
        panel, at = self.panel, basket.column
        reference = prices[at]
        costs = self.costs.of(at, row, partial(self._traded.before, row))
        fill = fill_basket(
            basket,
            reference=reference,
            shares_per_unit=panel.adjustment_at(row, at) if self.costs.count_shares else None,
            cash=self.cash,
            held=self.position[at],
            others=values_beside(panel, row, prices, self.position, at),
            costs=costs,
            limits=self.rules.limits,
        )
        if fill.limit:
            detail = f"no increase filled, the {fill.limit} there is allows none"
            self.journal.record_event(row, -1, "rejected", detail)
        elif fill.scale < 1.0:
            detail = f"increases scaled by {fill.scale:.6f} to cash and margin"
            self.journal.record_event(row, -1, "scaled", detail)
        if self.costs.has_remarks:
            for detail in costs.remarks(fill.size, reference, panel.assets):
                self.journal.record_event(row, -1, "estimate", detail)
        # Reductions are booked before what they pay for.
        grown = basket.increase != 0
        order = np.concatenate(((~grown).nonzero()[0], grown.nonzero()[0]))
        if np.count_nonzero(fill.size) < len(order):
            order = order[fill.size[order] != 0]
        self._book(
            row,
            plan.decision_row,
            plan.reason,
            at[order],
            fill.size[order],
            fill.price[order],
            reference[order],
            fill.commission[order],
        )
        held, units, _ = self._held()
        self.journal.record_positions(row, held, units)

    def _book(self, row, decision_row, reason, column, size, price, reference, commission) -> None:
        """Move units and cash for fills, in their order."""
        self.position[column] += size
        self._holding = None
        paid = np.empty(len(size) + 1)
        paid[0] = self.cash
        np.add(size * price, commission, out=paid[1:])
        self.cash = float(np.subtract.accumulate(paid)[-1])
        self.journal.record_fills(
            row, decision_row, reason, column, size, price, reference, commission
        )

    def _liquidate(self, row: int) -> None:
        if self._pending.is_liquidation:
            return
        self._report_cancelled(row, self._pending.clear(), "the account is being liquidated")
        held, units, _ = self._held()
        printed = np.array([self._lots.get(column, 1.0) for column in held.tolist()])
        lot = printed / self.panel.adjustment_at(row, held)
        basket = Basket(held, -units, np.zeros(len(held)), lot)
        self._pending.add(Plan(row, basket, "close", "liquidation"))
        self._cut = set()
        detail = f"value {self.value:.2f} at or below the maintenance margin, all is closed"
        self.journal.record_event(row, -1, "liquidation", detail)

    def _report_cancelled(self, row: int, columns: list[int], why: str) -> None:
        for column in columns:
            self.journal.record_event(row, column, "cancelled", f"unfilled ticket, {why}")


def _positive_sums(worth: np.ndarray, has_shorts: bool) -> np.ndarray:
    """(B,) sums of what is above zero in each row of (B, k) values."""
    return np.add.reduce(np.maximum(worth, 0.0) if has_shorts else worth, axis=1)
