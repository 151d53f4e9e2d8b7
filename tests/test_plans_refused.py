"""Plans that cannot be meant are refused by name; what comes to nothing says why."""

from __future__ import annotations

import numpy as np
import pytest

from feeds.errors import UserError
from strategies.construction import PortfolioRules
from strategies.execution.account import Plan
from strategies.execution.basket import Basket
from strategies.execution.cerebro import PanelCerebro
from strategies.execution.commission import FixedCommission
from strategies.factor_rebalance import FactorRebalance, OrderRules, Signals
from tests.engine_case import events_of, fills_of, make_account, make_plan, run_account

NAN, INF = np.nan, np.inf


def plan(column=(0,), reduce=None, increase=None, lot=None, *, row=2, instant="close"):
    count = len(column)
    parts = (
        np.zeros(count) if reduce is None else np.array(reduce, dtype=float),
        np.ones(count) if increase is None else np.array(increase, dtype=float),
        np.ones(count) if lot is None else np.array(lot, dtype=float),
    )
    return Plan(row, Basket(np.array(column), *parts), instant)


@pytest.fixture
def account(make_panel):
    """At the close of row 2 of 5, three assets at 10."""
    account = make_account(make_panel(np.full((5, 3), 10.0)))
    account.step(2)
    return account


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (plan((0, 2), increase=[1, NAN]), "plan of row 2: A02 has increase nan"),
        (plan((0, 2), reduce=[-INF, 0], increase=[0, 1]), "plan of row 2: A00 has reduce -inf"),
        (plan((1,), increase=[INF]), "plan of row 2: A01 has increase inf"),
        (plan((1,), lot=[0.0]), "plan of row 2: A01 has lot 0.0"),
        (plan((1,), lot=[-1.0]), "plan of row 2: A01 has lot -1.0"),
        (plan((1,), lot=[NAN]), "plan of row 2: A01 has lot nan"),
        (plan((1,), lot=[INF]), "plan of row 2: A01 has lot inf"),
        (plan((0, 1, 1)), "plan of row 2: A01 has 2 tickets"),
        (plan((1, 0, 1)), "plan of row 2: A01 has 2 tickets"),
        (plan((0, 3)), "plan of row 2: column 3 is not in the panel"),
        (plan((1, -1)), "plan of row 2: column -1 is not in the panel"),
        (plan(row=3), "plan decided in row 3, submitted in row 2: its fill would not come after"),
        (plan(row=-1), "plan decided in row -1, submitted in row 2"),
        (plan(instant="noon"), "plan of row 2 fills at 'noon'"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused_by_name(account, wrong, message):
    with pytest.raises(UserError) as caught:
        account.submit(wrong)
    assert str(caught.value).startswith(message)
    assert caught.value.remedy
    assert len(str(caught.value).splitlines()) <= 3
    account.step(4)
    assert fills_of(account) == []


def test_a_refused_plan_leaves_the_one_that_waits(account):
    account.submit(plan((0,)))
    with pytest.raises(UserError):
        account.submit(plan((1, 1)))
    account.step(4)
    assert [fill[:2] for fill in fills_of(account)] == [(3, "A00")]


def test_columns_may_come_in_any_order(account):
    account.submit(plan((2, 0)))
    account.step(4)
    assert sorted(fill[1] for fill in fills_of(account)) == ["A00", "A02"]


def test_quantities_so_large_that_their_product_overflows_are_finite_all_the_same(account):
    account.submit(plan((0,), reduce=[0], increase=[1e300], lot=[1e200]))


def test_the_broker_of_plans_passes_a_refusal_on(make_panel):
    panel = make_panel(np.full((4, 2), 10.0))

    class Repeating(FactorRebalance):
        def _plan(self, number, weights):
            return plan((1, 1), row=int(self.p.signals.rows[number])), ()

    ones = np.ones((1, 2))
    cerebro = PanelCerebro(panel, make_account(panel))
    cerebro.addstrategy(
        Repeating,
        panel=panel,
        signals=Signals(np.array([1]), ones > 0, ones, ones),
        portfolio=PortfolioRules(quantile=1.0, min_breadth=1),
        orders=OrderRules(),
    )
    with pytest.raises(UserError, match="A01 has 2 tickets"):
        cerebro.run()


# What comes to nothing


def test_a_plan_for_an_account_without_value_is_dropped_and_says_so(make_panel):
    # Short 100 at 10: at 30 the value is 2,000 - 3,000, and the cover at 30 leaves -1,000.
    account = make_account(make_panel(np.array([[10.0], [10], [30], [30], [30], [30]])))
    run_account(account, {0: [-100.0], 4: [5.0]})
    assert account.journal.events[-1] == (
        4,
        -1,
        "rejected",
        "plan dropped, the account's value of -1000.00 is not above zero",
    )
    assert [fill[2] for fill in fills_of(account)] == ["rebalance", "liquidation"]


def test_an_increase_without_cash_says_so(make_panel):
    # 100 bought at 10 leave no cash at all.
    account = run_account(
        make_account(make_panel(np.full((4, 2), 10.0))), {0: [100.0, 0.0], 1: [100.0, 9.0]}
    )
    detail = "no increase filled, the cash there is allows none"
    assert account.journal.events == [(2, -1, "rejected", detail)]


def test_an_increase_without_margin_says_so(make_panel):
    # NAV 1,000 and margin 0.25: short just under 4,000 at 10; at 10 no more can be shorted.
    account = make_account(make_panel(np.full((4, 1), 10.0)))
    run_account(account, {0: [-400.0], 1: [-500.0]}, lot=1.0)
    detail = "no increase filled, the margin there is allows none"
    assert account.position.tolist() == [-399.0]
    assert account.journal.events[-1] == (2, -1, "rejected", detail)


def test_an_increase_that_cannot_pay_one_lot_says_so(make_panel):
    account = run_account(make_account(make_panel(np.full((3, 1), 2000.0))), {0: [3.0]}, lot=1.0)
    assert events_of(account, "rejected") == [(1, -1)]
    assert events_of(account, "scaled") == []


def test_the_reductions_of_a_basket_without_an_increase_fill_all_the_same(make_panel):
    # 60 of 100 are held; a fee of 2,000 a ticket that opens anything cannot be paid.
    account = make_account(make_panel(np.full((4, 2), 10.0)), commission=FixedCommission(390.0))
    run_account(account, {0: [60.0, 0.0], 1: [30.0, 20.0]})
    # 1,000 - 600 - 390 = 10; the sale brings 300 - 390, so that cash is -80 and buys nothing.
    assert [fill[1:4] for fill in fills_of(account)][1:] == [("A00", "rebalance", -30.0)]
    assert events_of(account, "rejected") == [(2, -1)]


def test_a_later_plan_is_taken_where_there_is_value_again(make_panel):
    account = make_account(make_panel(np.full((4, 1), 10.0)))
    account.step(0)
    account.submit(make_plan(account, 0, [5.0]))
    account.step(3)
    assert events_of(account, "rejected") == []
