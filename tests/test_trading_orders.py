"""What a listener is told of stops and of a rebalance in parts."""

from __future__ import annotations

import numpy as np

from strategies.factor_rebalance import FactorRebalance
from strategies.stops import StopRules
from tests.engine_case import make_account
from tests.trading_case import run, trades


class Listens(FactorRebalance):
    def __init__(self):
        super().__init__()
        self.told = []

    def notify_order(self, order):
        row = int(self.env.clock.row)
        done = order.executed.size
        name, reason = order.data._name, order.info["reason"]
        self.told.append((row, name, reason, order.getstatusname(), done))


def told(strategy, *statuses):
    return [one for one in strategy.told if one[3] in statuses]


def test_a_stop_has_an_order_of_its_own_beside_one_that_waits(make_panel):
    # The second asset may buy 10 a session; the first is stopped at the close of row 2.
    close = np.array([[10.0, 10]] * 2 + [[7.0, 10]] * 4)
    volume = np.array([[1e6, 10.0]] * 6)
    account = make_account(make_panel(close, volume=volume), participation_rate=1.0)
    strategy, _ = run(
        account.panel, {0: [1, 1]}, account=account, stops=StopRules(loss=0.2), kind=Listens
    )
    # Told when the next session begins: orders of row 2 and fills of row 3 at row 3.
    stops = [one for one in strategy.told if one[2] == "stop"]
    assert [(one[0], one[3], one[4]) for one in stops] == [
        (3, "Submitted", 0.0),
        (3, "Accepted", 0.0),
        (3, "Completed", -50.0),
    ]
    partly = [one for one in told(strategy, "Partial", "Completed") if one[1] == "A01"]
    assert [(one[0], one[4]) for one in partly] == [
        (1, 10.0),
        (2, 20.0),
        (3, 30.0),
        (4, 40.0),
        (5, 50.0),
    ]
    assert told(strategy, "Canceled", "Margin", "Rejected") == []


def test_a_stop_cancels_the_order_that_still_wanted_its_asset(make_panel):
    close = np.array([[10.0]] * 2 + [[7.0]] * 4)
    account = make_account(make_panel(close, volume=np.full((6, 1), 10.0)), participation_rate=1.0)
    strategy, _ = run(
        account.panel, {0: [1]}, account=account, stops=StopRules(loss=0.15), kind=Listens
    )
    # 20 of 100 are bought when it is stopped, at the close of row 2.
    assert told(strategy, "Canceled") == [(3, "A00", "rebalance", "Canceled", 20.0)]
    assert told(strategy, "Completed") == [(4, "A00", "stop", "Completed", -20.0)]
    assert [fill[2] for fill in trades(account)] == ["rebalance"] * 2 + ["stop"] * 2


def test_each_part_has_its_order(make_panel):
    strategy, _ = run(make_panel(np.full((6, 1), 10.0)), {0: [1]}, spread_over=4, kind=Listens)
    done = told(strategy, "Completed")
    assert done == [(row, "A00", "rebalance", "Completed", 25.0) for row in (1, 2, 3, 4)]
    assert told(strategy, "Canceled") == []


def test_what_a_part_left_is_cancelled_and_ordered_again(make_panel):
    volume = np.array([[100.0], [30.0], [80.0], [80.0]])
    account = make_account(make_panel(np.full((4, 1), 10.0), volume=volume), participation_rate=1.0)
    strategy, _ = run(account.panel, {0: [1]}, account=account, spread_over=2, kind=Listens)
    assert told(strategy, "Canceled") == [(2, "A00", "rebalance", "Canceled", 30.0)]
    assert told(strategy, "Completed") == [(2, "A00", "rebalance", "Completed", 70.0)]
