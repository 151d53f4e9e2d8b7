"""FactorRebalance: the Backtrader strategy that turns scores into plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import backtrader as bt
import numpy as np

from strategies.cross_section import Report, Target
from strategies.exclusion import without
from strategies.execution.account import Plan
from strategies.execution.basket import Basket, make_basket
from strategies.opens import TradedOpens
from strategies.targets import Signals, TargetMaker
from strategies.trading import OrderRules, drop_small_tickets, units_to_hold

if TYPE_CHECKING:
    from strategies.spread import SpreadPlan
    from strategies.stops import StopWatch

__all__ = ["Decision", "FactorRebalance", "OrderRules", "Signals"]


@dataclass(frozen=True)
class Decision:
    """One decision: its row, and the target weights (N,) with what a user should know."""

    row: int
    weights: np.ndarray
    reports: tuple[tuple[str, str, str], ...]


class FactorRebalance(bt.Strategy):
    """Rebalance to target weights on decision dates.

    On a decision row the account's value and positions at that close are turned into one
    netted basket, which the broker fills at the next session, or in equal parts over the next
    few. Between decisions the strategy does nothing but that, unless it has stops to watch.

    Parameters
    ----------
    panel : Panel
        The bars behind the feeds, in the same order.
    signals : Signals
        Scores by decision row.
    portfolio : PortfolioRules
        Scores to weights.
    orders : OrderRules
        Weights to tickets.
    stops : StopRules, optional
        When holdings are given up between rebalances.
    targets : dict, optional
        Filled with the target of each decision, by its number among the signals, and read
        where it has one: weights that do not depend on the account can be shared by runs of the
        same signals and rules under other costs.

    Attributes
    ----------
    decisions : list of Decision
        What was decided, in order.
    """

    params = (
        ("panel", None),
        ("signals", None),
        ("portfolio", None),
        ("orders", None),
        ("stops", None),
        ("targets", None),
    )

    #: It reads columns of the panel: Cerebro need not make a feed an asset.
    reads_feeds = False

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self._targets = {} if self.p.targets is None else self.p.targets
        panel, orders = self.p.panel, self.p.orders
        self._maker = TargetMaker(panel, self.p.signals, self.p.portfolio)
        self._number_of = {int(row): number for number, row in enumerate(self.p.signals.rows)}
        self._opens = TradedOpens(panel)
        names, self._class_of = np.unique(panel.asset_class, return_inverse=True)
        self._mixed = len(names) > 1
        self._lot = np.array([orders.lots.get(name, 1e-8) for name in names])[self._class_of]
        least = np.array([orders.min_ticket.get(name, 0.0) for name in names])
        #: (N,) least value of a ticket; None where there is no minimum.
        self._least = least[self._class_of] if least.any() else None
        #: Whose lots are printed shares; None where all are.
        self._printed = (
            None if (panel.price_kind == "traded").all() else panel.price_kind == "traded"
        )
        self._spread: SpreadPlan | None = None
        self._events = 0
        self._watch: StopWatch | None = None
        if self.p.stops is not None:
            # Most runs have none: what they do not use they do not load.
            from strategies import stops

            self._watch = stops.StopWatch(panel, self.broker.account.journal, self.p.stops)

    def _stage1(self) -> None:
        """Nothing to set back: no line of a feed was computed with."""

    def _getminperstatus(self) -> int:
        # Warm-up is decided by the factors' own history, asset by asset: no feed holds up the
        # others, and nothing has to be asked of each of them at every bar.
        self._minperstatus = -1
        return -1

    @property
    def wake_rows(self) -> list[int]:
        """Rows in which there is something to do, unless a subclass adds a hook.

        Those of the decisions and of the parts of a spread rebalance; with stops every row from
        the first decision on.
        """
        rows = self.p.signals.rows.tolist()
        if self._watch is not None:
            return list(range(rows[0], self.p.panel.shape[0])) if rows else []
        if self.p.orders.spread_over > 1:
            later = range(self.p.orders.spread_over)
            last = self.p.panel.shape[0] - 1
            rows = sorted({min(row + part, last) for row in rows for part in later})
        return rows

    def next(self) -> None:
        row = int(self.env.clock.row)
        stopped, why = self._watch.look(row) if self._watch is not None else (_NOBODY, [])
        number = self._number_of.get(row)
        if number is not None:
            self._rebalance(number)
        elif self._spread is not None:
            self._go_on(row, stopped)
        if len(stopped):
            self._give_up(row, stopped, why)

    def _rebalance(self, number: int) -> None:
        row = int(self.p.signals.rows[number])
        self._spread = None
        target = self._target(number)
        if self._watch is not None:
            target = self._without_barred(row, target)
        plan, reports = self._plan(number, target.weights)
        self.decisions.append(Decision(row, target.weights, target.reports + reports))
        self.broker.submit_plan(plan, self)

    def _plan(self, number: int, weights: np.ndarray) -> tuple[Plan, tuple[Report, ...]]:
        row = int(self.p.signals.rows[number])
        if not self.broker.account.is_open:
            # Nothing can be sized to it: the account says why it drops the plan.
            return Plan(row, _NO_TICKETS, "close"), ()
        basket, reports = self._basket(number, weights)
        instant = self._instant(row, basket)
        if self.p.orders.spread_over > 1:
            basket = self._first_part(row, basket, instant)
        return Plan(row, basket, instant), reports

    def _first_part(self, row: int, basket: Basket, instant: str) -> Basket:
        """Begin to spread a rebalance over sessions."""
        from strategies import spread

        account, sessions = self.broker.account, self.p.orders.spread_over
        column = basket.column
        held = account.position[column]
        parts = np.full(len(column), sessions)
        if self._least is not None:
            traded = np.abs(basket.reduce + basket.increase)
            worth = traded * self.p.panel.mark_at(row, column)
            parts = spread.parts_of(worth, self._least[column], sessions)
        self._spread = spread.SpreadPlan(row, basket, held, parts, sessions, instant)
        self._events = len(account.journal.events)
        return self._spread.basket(1, held, self._lots(row, column))

    def _go_on(self, row: int, stopped: np.ndarray) -> None:
        """Submit the next part of a rebalance that is spread, as far as it is still meant."""
        account, spread = self.broker.account, self._spread
        news = account.journal.events[self._events :]
        self._events += len(news)
        ended = [column for _, column, kind, _ in news if kind == "delisting"]
        spread.drop(np.concatenate([stopped, np.array(ended, dtype=np.intp)]))
        part = spread.part_at(row)
        liquidated = any(kind == "liquidation" for _, _, kind, _ in news)
        if part is None or liquidated or not account.is_open:
            self._spread = None
            return
        column = spread.column
        basket = spread.basket(part, account.position[column], self._lots(row, column))
        if len(basket):
            self.broker.submit_plan(Plan(spread.row, basket, spread.instant, part=part), self)

    def _give_up(self, row: int, stopped: np.ndarray, why: list[str]) -> None:
        """Order the whole exit of what was stopped at this close."""
        account = self.broker.account
        for column, detail in zip(stopped.tolist(), why, strict=True):
            account.journal.record_event(row, column, "stop", detail)
        if not account.is_open:
            return
        none = np.zeros(len(stopped))
        basket = Basket(stopped, -account.position[stopped], none, self._lots(row, stopped))
        self.broker.submit_plan(Plan(row, basket, self._instant(row, basket), "stop"), self)

    def _without_barred(self, row: int, target: Target) -> Target:
        """The target without what was stopped and may not be taken up yet."""
        panel, barred = self.p.panel, self._watch.barred(row, np.sign(target.weights))
        return without(
            target,
            barred,
            panel.assets,
            panel.asset_class,
            kind="barred",
            why="stopped" if self.p.stops.drawdown is None else "stopped or in drawdown",
            spread=self.p.orders.barred == "spread",
            cap=self.p.portfolio.max_weight,
        )

    def _target(self, number: int) -> Target:
        if self.p.portfolio.needs_account:
            return self._maker.target(number, self._held_weights())
        if number not in self._targets:
            self._targets[number] = self._maker.target(number)
        return self._targets[number]

    def _held_weights(self) -> np.ndarray:
        """(N,) signed weights of what is held, on the last marks; zeros without value."""
        account = self.broker.account
        weights = np.zeros(len(account.position))
        held = account.position.nonzero()[0]
        if account.is_open and len(held):
            row = int(self.env.clock.row)
            marks = self.p.panel.mark_at(row, held)
            weights[held] = account.position[held] * marks / account.value
        return weights

    def _basket(self, number: int, weights: np.ndarray) -> tuple[Basket, tuple[Report, ...]]:
        """Tickets from what is held towards the weights, by the value and closes of the row."""
        panel, account, orders = self.p.panel, self.broker.account, self.p.orders
        row = int(self.p.signals.rows[number])
        traded = (weights != 0) | (account.position != 0)
        if self._watch is not None:
            traded &= ~self._watch.leaving
        column = traded.nonzero()[0]
        weight, held = weights[column], account.position[column]
        price = panel.mark_at(row, column)
        target = weight * account.value / price
        lot, least = self._lots(row, column), self._least
        smallest = lot if least is None else np.maximum(lot, least[column] / price)
        target, reports = units_to_hold(
            target,
            held,
            price,
            account.value,
            rules=orders,
            least=smallest,
            urgent=self._urgent(number, column, held),
        )
        basket = make_basket(target, held, lot, column)
        if least is not None:
            at = np.searchsorted(column, basket.column)
            minimum = least[basket.column]
            basket, small = drop_small_tickets(basket, held[at], price[at], minimum, account.value)
            reports += small
        return basket, reports

    def _urgent(self, number: int, column: np.ndarray, held: np.ndarray) -> np.ndarray:
        """(k,) bool: what has left the universe, and shorts that nobody lends any more."""
        signals = self.p.signals
        urgent = (held != 0) & ~signals.eligible[number].take(column)
        if signals.shortable is not None:
            urgent |= (held < 0) & ~signals.shortable[number].take(column)
        return urgent

    def _lots(self, row: int, column: np.ndarray) -> np.ndarray:
        """(k,) smallest quantities in adjusted units."""
        adjustment = self.p.panel.adjustment_at(row, column)
        if self._printed is not None:
            adjustment = np.where(self._printed[column], adjustment, 1.0)
        return self._lot[column] / adjustment

    def _instant(self, row: int, basket: Basket) -> str:
        if self.p.orders.fill != "auto":
            return self.p.orders.fill.removeprefix("next_")
        if self._mixed and len(basket):
            classes = self._class_of[basket.column]
            if (classes != classes[0]).any():
                return "close"
        return "open" if self._opens.shown(row, basket.column) else "close"


_NOBODY = np.zeros(0, dtype=np.intp)
_NO_TICKETS = Basket(np.zeros(0, dtype=np.intp), *(np.zeros(0) for _ in range(3)))
