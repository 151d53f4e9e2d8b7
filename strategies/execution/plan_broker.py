"""A Backtrader broker that trades plans: whole baskets at one instant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import backtrader as bt
import numpy as np

from feeds.errors import UserError
from strategies.execution.account import Account, Plan
from strategies.execution.plan_orders import PlanOrders
from strategies.execution.plan_positions import PlanPositions, PositionsByFeed

__all__ = ["PlanBroker"]


class PlanBroker(bt.brokers.BackBroker):
    """Backtrader's broker over an :class:`Account`.

    Cerebro calls :meth:`next` once a bar, before the strategy; positions, cash and value read
    as on any broker. Orders are plans (:meth:`submit_plan`): single orders, which Backtrader
    would size, check and reject one by one, are refused by name.

    Parameters
    ----------
    account : Account
        Cash and positions.
    clock : Clock
        The clock of the feeds.

    Attributes
    ----------
    listened : bool
        Whether somebody listens to orders and trades. Only then are orders made for the tickets
        of plans and notified (:class:`PlanOrders`); the account does the same either way.
    """

    params = (("account", None), ("clock", None))

    listened: bool = False

    @property
    def account(self) -> Account:
        return self.p.account

    def init(self) -> None:
        self.p.cash = self.p.account.cash
        super().init()
        self._entries = PlanPositions(self.p.account.journal, self.p.clock.numbers)
        self._tickets: PlanOrders | None = None

    def next(self) -> None:
        if self.listened:
            self._listened_tickets().step(self.p.clock.row)
        else:
            self.p.account.step(self.p.clock.row)

    def submit_plan(self, plan: Plan, owner: bt.Strategy | None = None) -> list[bt.Order]:
        """Fill `plan` at the next session.

        Parameters
        ----------
        plan : Plan
        owner : bt.Strategy, optional
            Who is told of the orders; the first strategy by default.

        Returns
        -------
        list of bt.Order
            One a ticket, reductions first; none if nobody listens.
        """
        if self.listened:
            first = self.cerebro.runningstrats[0]
            return self._listened_tickets().submit(plan, first if owner is None else owner)
        self.p.account.submit(plan)
        return []

    def _listened_tickets(self) -> PlanOrders:
        if self._tickets is None:
            self._tickets = PlanOrders(self, self.p.account, self._entries)
        return self._tickets

    @property
    def cash(self) -> float:
        """The account's cash."""
        return self.p.account.cash

    @cash.setter
    def cash(self, value: float) -> None:
        """Backtrader sets its own at the start; the account keeps the books."""

    @property
    def positions(self) -> Mapping[Any, bt.Position]:
        """Position by feed, of every asset ever traded."""
        return PositionsByFeed(self._entries, lambda column: self.cerebro.datas[column])

    @positions.setter
    def positions(self, value: Mapping[Any, bt.Position]) -> None:
        """Backtrader sets its own at the start; the account keeps the books."""

    def get_cash(self) -> float:
        return self.p.account.cash

    getcash = get_cash

    def get_value(self, datas=None, mkt: bool = False, lever: bool = False) -> float:
        """Account value, or the signed value held: in all (`mkt`), or in `datas`."""
        account = self.p.account
        if datas is None:
            return account.value - account.cash if mkt else account.value
        held = [data.column for data in datas if account.position[data.column]]
        return float(self._worth(np.array(held, dtype=int)).sum())

    getvalue = get_value

    def get_fundvalue(self) -> float:
        """Value of one share of the fund that the account is."""
        if self.p.clock.row < 0:
            return self.p.fundstartval
        return self.p.account.value / self._fundshares

    fundvalue = property(get_fundvalue)

    def get_leverage(self) -> float:
        """Gross exposure over account value; 0 with nothing held."""
        held = np.flatnonzero(self.p.account.position)
        if not len(held):
            return 0.0
        return float(np.abs(self._worth(held)).sum()) / self.p.account.value

    def _worth(self, columns: np.ndarray) -> np.ndarray:
        """(k,) signed values of holdings at their last marks."""
        account = self.p.account
        return account.position[columns] * account.panel.mark_at(self.p.clock.row, columns)

    def getposition(self, data) -> bt.Position:
        """Units held in `data` and their average entry price."""
        return self._entries.of(data.column)

    def get_orders_open(self, safe: bool = False) -> list[bt.Order]:
        """Orders that may still be filled, or copies of them; none if nobody listens."""
        orders = self._tickets.open if self._tickets is not None else []
        return [order.clone() for order in orders] if safe else orders

    def submit(self, order, check: bool = True):
        """Refused: a plan is netted and scaled as a whole.

        Raises
        ------
        UserError
            Always.
        """
        raise _single_order(order.data)

    def buy(self, owner, data, *args, **kwargs):
        """Refused, as :meth:`submit` is."""
        raise _single_order(data)

    sell = buy

    def cancel(self, order, bracket: bool = False):
        """Refused: the next plan cancels what waits of this one.

        Raises
        ------
        UserError
            Always.
        """
        raise UserError(
            f"cancelling the order for {order.data._name}: it is a ticket of a plan",
            "submit another plan: it cancels what still waits",
        )


def _single_order(data: Any) -> UserError:
    return UserError(
        f"single order for {data._name}: this broker trades whole plans",
        "build a Plan and call broker.submit_plan, or run the strategy on bt.Cerebro",
    )


def _refused(name: str, remedy: str):
    """A method that names what the account decides and Backtrader's broker would be told."""

    def refuse(self, *args, **kwargs):
        raise UserError(f"broker.{name}: plans trade on an account, which has its own", remedy)

    refuse.__name__ = name
    refuse.__doc__ = f"Refused: {remedy}."
    return refuse


for _names, _remedy in (
    (("setcash", "set_cash", "add_cash"), "give AccountRules the starting cash"),
    (("setcommission", "addcommissioninfo"), "give the Account its commission in TradingCosts"),
    (("set_slippage_perc", "set_slippage_fixed"), "give the Account its slippage in TradingCosts"),
    (("set_filler",), "give AccountRules a participation rate"),
    (("set_fund_history", "add_order_history"), "run the script on bt.Cerebro"),
):
    for _name in _names:
        setattr(PlanBroker, _name, _refused(_name, _remedy))
