"""Random orders of random kinds on random panels: whole logs equal, to the last bit."""

from __future__ import annotations

import datetime as dt

import backtrader as bt
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ordinary.engines import bars, run_both
from tests.ordinary.record import Logged

KINDS = [bt.Order.Market, bt.Order.Close, bt.Order.Limit, bt.Order.Stop, bt.Order.StopLimit]
TRAILING = [bt.Order.StopTrail, bt.Order.StopTrailLimit]
SLOW = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
QUICK = settings(SLOW, max_examples=12)


class Monkey(Logged):
    """Does whatever its seed says: orders, cancellations, brackets, targets, closings."""

    params = (("seed", 0), ("often", 0.7))

    def prepare(self):
        self.rng = np.random.default_rng(self.p.seed)
        self.made = []

    def trade(self):
        while self.rng.random() < self.p.often:
            listed = [data for data in self.datas if len(data)]
            data = listed[self.rng.integers(len(listed))]
            what = self.rng.integers(10)
            if what < 6:
                self.made.append(self.single(data))
            elif what == 6 and self.made:
                self.cancel(self.made[self.rng.integers(len(self.made))])
            elif what == 7:
                self.made += self.bracket(data)
            elif what == 8:
                self.close(data)
            else:
                self.target(data)

    def about(self, price):
        return float(price * np.exp(self.rng.normal(0.0, 0.02)))

    def single(self, data):
        rng, close = self.rng, data.close[0]
        order = self.buy if rng.random() < 0.5 else self.sell
        given = {"size": float(rng.integers(1, 9)) if rng.random() < 0.5 else rng.uniform(0.1, 5)}
        given["exectype"] = kind = (KINDS + TRAILING)[rng.integers(7)]
        if kind in TRAILING:
            how = "trailamount" if rng.random() < 0.5 else "trailpercent"
            given[how] = rng.uniform(0.5, 4.0) if how == "trailamount" else rng.uniform(0.005, 0.04)
        if kind not in (bt.Order.Market, bt.Order.Close, bt.Order.StopTrail):
            given["price"] = self.about(close)
        if kind in (bt.Order.StopLimit, bt.Order.StopTrailLimit):
            given["plimit"] = self.about(close)
        if rng.random() < 0.3:
            given["valid"] = dt.timedelta(days=int(rng.integers(0, 9)))
        if rng.random() < 0.2:
            given["tradeid"] = int(rng.integers(0, 3))
        alive = [one for one in self.made if one is not None and one.alive()]
        if alive and rng.random() < 0.2:
            given["oco"] = alive[rng.integers(len(alive))]
        return order(data, **given)

    def bracket(self, data):
        below, above = sorted((self.about(data.close[0]), self.about(data.close[0])))
        kind = (bt.Order.Limit, bt.Order.Market, bt.Order.Stop)[self.rng.integers(3)]
        given = dict(
            data=data, size=float(self.rng.integers(1, 6)), price=self.about(data.close[0])
        )
        if self.rng.random() < 0.5:
            return self.buy_bracket(limitprice=above, stopprice=below, exectype=kind, **given)
        return self.sell_bracket(limitprice=below, stopprice=above, exectype=kind, **given)

    def target(self, data):
        share = float(self.rng.uniform(-0.3, 0.4))
        if self.rng.random() < 0.5:
            self.order_target_percent(data, target=share)
        else:
            self.order_target_size(data, target=int(share * 40))


@st.composite
def cases(draw):
    columns, rows = draw(st.integers(1, 6)), draw(st.integers(6, 45))
    whole = draw(st.booleans())
    pick = st.lists(st.integers(0, columns - 1), max_size=columns, unique=True)
    late = [] if whole else [(c, draw(st.integers(1, rows - 1))) for c in draw(pick)]
    ended = [] if whole else [(c, draw(st.integers(2, rows))) for c in draw(pick)]
    # Every asset has a bar somewhere: Backtrader runs nothing where a feed is empty.
    start = dict(late)
    ended = [(c, max(row, start.get(c, 0) + 1)) for c, row in ended]
    panel = {"late": late, "ended": ended, "holed": [] if whole else draw(pick)}
    broker = {
        "commission": draw(st.sampled_from([0.0, 0.0003, 0.01])),
        "kind": draw(
            st.sampled_from(["stock", "stock", "futures", "fixed", "levered", "interest"])
        ),
        "slip": draw(st.sampled_from([None, ("perc", 0.004), ("fixed", 0.3)])),
        "slip_out": draw(st.booleans()),
        "filler": draw(st.sampled_from([None, None, "size", "share"])),
        "cash": draw(st.sampled_from([10_000.0, 1_500.0])),
        "shortcash": draw(st.booleans()),
        "checksubmit": draw(st.booleans()),
    }
    how = {
        "runonce": draw(st.booleans()),
        "quicknotify": draw(st.booleans()),
        "stdstats": draw(st.booleans()),
        "cheat_on_open": draw(st.sampled_from([False, False, False, True])),
    }
    return (rows, columns), draw(st.integers(0, 2**32 - 1)), panel, broker, how


def set_broker(broker, case):
    more = {
        "futures": {"margin": 25.0, "mult": 2.0, "commission": case["commission"] * 100},
        "fixed": {"commtype": bt.CommInfoBase.COMM_FIXED, "stocklike": True},
        "levered": {"leverage": 2.0},
        "interest": {"interest": 0.12, "interest_long": True},
    }.get(case["kind"], {})
    broker.setcommission(**{"commission": case["commission"], **more})
    if case["slip"]:
        kind, amount = case["slip"]
        getattr(broker, f"set_slippage_{kind}")(amount, slip_out=case["slip_out"])
    if case["filler"] == "size":
        broker.set_filler(bt.broker.fillers.FixedSize(size=2))
    elif case["filler"] == "share":
        broker.set_filler(bt.broker.fillers.FixedBarPerc(perc=1.0))
    broker.setcash(case["cash"])
    broker.set_shortcash(case["shortcash"])
    broker.set_checksubmit(case["checksubmit"])


def check(case, make_panel):
    shape, seed, panel_given, broker, how = case
    panel = bars(make_panel, shape, seed=seed, **panel_given)
    if not panel.tradable.any(axis=0).all():
        return

    def build(cerebro, base):
        set_broker(cerebro.broker, broker)
        cerebro.addstrategy(Monkey, base=base, seed=seed, early=True)
        cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)
        cerebro.addanalyzer(bt.analyzers.Transactions)

    run_both(panel, build, how)


@QUICK
@given(case=cases())
def test_random_orders(case, make_panel):
    check(case, make_panel)


@pytest.mark.exhaustive
@SLOW
@given(case=cases())
def test_many_random_orders(case, make_panel):
    check(case, make_panel)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("checksubmit", [True, False])
@pytest.mark.parametrize("coo", [True, False])
def test_many_orders_a_bar_for_little_cash(seed, checksubmit, coo, make_panel):
    """Orders that are paid for by one another, in the check on submission and at the fill."""
    panel = bars(make_panel, (16, 2), seed=seed)

    def build(cerebro, base):
        cerebro.broker.setcash(1_200.0)
        cerebro.broker.setcommission(commission=0.004, leverage=(1.0, 2.0)[seed % 2])
        cerebro.broker.set_checksubmit(checksubmit)
        cerebro.addstrategy(Monkey, base=base, seed=seed, often=0.92, probe=True)

    seen = run_both(panel, build, stdstats=False, cheat_on_open=coo)
    assert seen.count(" Margin ") > 3 and seen.count(" Completed ") > 20
