"""A Backtrader broker that trades plans: whole baskets at one instant."""

from __future__ import annotations

import backtrader as bt

from feeds.errors import UserError
from strategies.execution.account import Account, Plan

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
    """

    params = (("account", None), ("clock", None))

    @property
    def account(self) -> Account:
        return self.p.account

    def init(self) -> None:
        self.p.cash = self.p.account.cash
        super().init()

    def next(self) -> None:
        self.p.account.step(self.p.clock.row)

    def submit_plan(self, plan: Plan) -> None:
        """Fill `plan` at the next session."""
        self.p.account.submit(plan)

    def get_cash(self) -> float:
        return self.p.account.cash

    getcash = get_cash

    def get_value(self, datas=None, mkt: bool = False, lever: bool = False) -> float:
        """Account value, or the signed value held in `datas`."""
        if datas is None:
            return self.p.account.value
        account, row = self.p.account, self.p.clock.row
        held = [data.column for data in datas if account.position[data.column]]
        return float(account.position[held] @ account.panel.mark[row, held])

    getvalue = get_value

    def getposition(self, data) -> bt.Position:
        """Units held in `data` at its last mark."""
        account, row = self.p.account, self.p.clock.row
        size = float(account.position[data.column])
        price = float(account.panel.mark[row, data.column]) if size else 0.0
        return bt.Position(size=size, price=price)

    def submit(self, order, check: bool = True):
        """Refused: a plan is netted and scaled as a whole.

        Raises
        ------
        UserError
            Always.
        """
        raise UserError(
            f"single order for {order.data._name}: this broker trades whole plans",
            "build a Plan and call broker.submit_plan, or run the strategy on bt.Cerebro",
        )
