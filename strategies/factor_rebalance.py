"""FactorRebalance: the Backtrader strategy that turns scores into plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import backtrader as bt
import numpy as np

from strategies.cross_section import Target
from strategies.execution.account import Plan
from strategies.execution.basket import Basket, make_basket
from strategies.opens import TradedOpens
from strategies.targets import Signals, TargetMaker

__all__ = ["Decision", "FactorRebalance", "Signals"]


@dataclass(frozen=True)
class Decision:
    """One decision: its row, and the target weights (N,) with what a user should know."""

    row: int
    weights: np.ndarray
    reports: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class OrderRules:
    """How weights become tickets.

    Parameters
    ----------
    lots : mapping
        Asset class to smallest quantity, in printed shares where they are known.
    fill : {"auto", "next_open", "next_close"}
        ``auto`` fills at the next open where one class trades and every asset of the basket
        has a traded open, else at the next close.
    no_trade_band : float
        A drift of weight up to this is not traded. Entries, exits and changes of side always
        are.
    """

    lots: Mapping[str, float] = field(default_factory=dict)
    fill: str = "auto"
    no_trade_band: float = 0.0


class FactorRebalance(bt.Strategy):
    """Rebalance to target weights on decision dates.

    On a decision row the account's value and positions at that close are turned into one
    netted basket, which the broker fills at the next session. Between decisions the strategy
    does nothing.

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
        ("targets", None),
    )

    #: It reads columns of the panel: Cerebro need not make a feed an asset.
    reads_feeds = False

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self._targets = {} if self.p.targets is None else self.p.targets
        panel, lots = self.p.panel, self.p.orders.lots
        self._maker = TargetMaker(panel, self.p.signals, self.p.portfolio)
        self._number_of = {int(row): number for number, row in enumerate(self.p.signals.rows)}
        self._opens = TradedOpens(panel)
        names, self._class_of = np.unique(panel.asset_class, return_inverse=True)
        self._mixed = len(names) > 1
        self._lot = np.array([lots.get(name, 1e-8) for name in names.tolist()])[self._class_of]
        #: Whose lots are printed shares; None where all are.
        self._printed = (
            None if (panel.price_kind == "traded").all() else panel.price_kind == "traded"
        )

    def _stage1(self) -> None:
        """Nothing to set back: no line of a feed was computed with."""

    def _getminperstatus(self) -> int:
        # Warm-up is decided by the factors' own history, asset by asset: no feed holds up the
        # others, and nothing has to be asked of each of them at every bar.
        self._minperstatus = -1
        return -1

    @property
    def wake_rows(self) -> list[int]:
        """Decision rows: between them the strategy sleeps, unless a subclass adds a hook."""
        return self.p.signals.rows.tolist()

    def next(self) -> None:
        number = self._number_of.get(self.env.clock.row)
        if number is not None:
            self._rebalance(number)

    def _rebalance(self, number: int) -> None:
        row = int(self.p.signals.rows[number])
        target = self._target(number)
        self.decisions.append(Decision(row, target.weights, target.reports))
        self.broker.submit_plan(self._plan(row, target.weights), self)

    def _plan(self, row: int, weights: np.ndarray) -> Plan:
        if not self.broker.account.is_open:
            # Nothing can be sized to it: the account says why it drops the plan.
            return Plan(row, _NO_TICKETS, "close")
        basket = self._basket(row, weights)
        return Plan(row, basket, self._instant(row, basket))

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

    def _basket(self, row: int, weights: np.ndarray) -> Basket:
        """Tickets from what is held to the weights, sized by the value and closes of `row`."""
        panel, account = self.p.panel, self.broker.account
        column = ((weights != 0) | (account.position != 0)).nonzero()[0]
        weight, held = weights[column], account.position[column]
        price = panel.mark_at(row, column)
        target = weight * account.value / price
        if self.p.orders.no_trade_band > 0:
            drift = np.abs(target - held) * price / account.value
            stays = (held * target > 0) & (drift <= self.p.orders.no_trade_band)
            target = np.where(stays, held, target)
        lot, adjustment = self._lot[column], panel.adjustment_at(row, column)
        if self._printed is not None:
            adjustment = np.where(self._printed[column], adjustment, 1.0)
        return make_basket(target, held, lot / adjustment, column)

    def _instant(self, row: int, basket: Basket) -> str:
        if self.p.orders.fill != "auto":
            return self.p.orders.fill.removeprefix("next_")
        if self._mixed and len(basket):
            classes = self._class_of[basket.column]
            if (classes != classes[0]).any():
                return "close"
        return "open" if self._opens.shown(row, basket.column) else "close"


_NO_TICKETS = Basket(np.zeros(0, dtype=np.intp), *(np.zeros(0) for _ in range(3)))
