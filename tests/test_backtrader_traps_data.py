"""Traps of Backtrader's data and time: plain Backtrader falls into each, the engine does not."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from feeds.errors import DataError
from feeds.universe import eligible_assets
from strategies.construction import PortfolioRules
from strategies.execution.cerebro import PanelCerebro
from strategies.factor_rebalance import FactorRebalance, OrderRules, Signals
from tests.engine_case import Script, events_of, fills_of, make_account, run_account, run_vanilla

NAN = np.nan


def rebalance(panel, rows, *, account=None, **rules):
    """An equally weighted long-only book of all eligible assets on the given rows."""
    rows = np.array(rows)
    eligible = eligible_assets(panel)[rows]
    score = np.where(eligible, 1.0, NAN)
    account = account or make_account(panel)
    cerebro = PanelCerebro(panel, account)
    cerebro.addstrategy(
        FactorRebalance,
        panel=panel,
        signals=Signals(rows, eligible, score, score),
        portfolio=PortfolioRules(**{"quantile": 1.0, "min_breadth": 1, **rules}),
        orders=OrderRules(fill="next_close"),
    )
    cerebro.run()
    return account


def test_one_late_listing_delays_a_whole_strategy(make_panel):
    close = np.full((6, 2), 10.0)
    close[:4, 1] = NAN
    panel = make_panel(close)
    assert len(run_vanilla(panel, None).values) == 2, "next ran on the last two bars only"
    account = rebalance(panel, [0, 4])
    bought = [(row, name) for row, name, *_, size, _, _ in fills_of(account) if size > 0]
    assert bought == [(1, "A00"), (5, "A01")]


def test_one_empty_feed_stops_a_whole_strategy(make_panel):
    close = np.full((4, 2), 10.0)
    close[:, 1] = NAN
    panel = make_panel(close)
    assert run_vanilla(panel, None).values == [], "next never ran"
    account = rebalance(panel, [0])
    assert [fill[:2] for fill in fills_of(account)] == [(1, "A00")]


def mixed(make_panel):
    """A stock with no bars at the weekend and a coin; the first row is a Friday."""
    close = np.full((5, 2), 10.0)
    close[1:3, 0] = NAN
    return make_panel(close, start="2020-01-03", asset_class=["equity", "crypto"])


def test_orders_on_a_closed_market_pile_up(make_panel):
    def act(strategy, row):
        if row <= 2:
            strategy.order_target_percent(strategy.datas[0], 0.3)

    vanilla = run_vanilla(mixed(make_panel), act)
    filled = sum(order[3] for order in vanilla.orders if order[2] == "Completed")
    assert filled == 90, "three Fridays' orders of 30 % fill on Monday"
    targets = {row: [30.0, 0.0] for row in range(3)}
    account = run_account(make_account(mixed(make_panel)), targets)
    assert [fill[:4] for fill in fills_of(account)] == [(3, "A00", "rebalance", 30.0)]
    assert events_of(account, "cancelled") == [(1, 0), (2, 0)]


def test_a_closed_market_shows_its_last_bar_and_is_not_eligible(make_panel):
    panel = mixed(make_panel)

    def act(strategy, row):
        if row == 1:
            strategy.seen = strategy.datas[0].close[0], strategy.datas[0].datetime.date(0).day

    assert run_vanilla(panel, act).seen == (10.0, 3), "Friday's close, on Saturday"
    assert eligible_assets(panel)[1].tolist() == [False, True]


def test_a_nan_bar_turns_cash_into_nan_for_good(make_panel):
    cerebro = bt.Cerebro(stdstats=False)
    bars = pd.DataFrame(
        {name: [10.0, NAN, 10.0, 10.0] for name in ("open", "high", "low", "close")},
        pd.date_range("2020-01-01", periods=4),
    )
    cerebro.adddata(bt.feeds.PandasData(dataname=bars.assign(volume=1.0)), name="A00")
    cerebro.broker.setcash(1000.0)

    def act(strategy, row):
        if row == 0:
            strategy.buy(size=1)

    cerebro.addstrategy(Script, act=act)
    vanilla = cerebro.run()[0]
    assert vanilla.orders[0][2] == "Completed"
    assert np.isnan(vanilla.cash[-1])
    account = run_account(make_account(make_panel(bars[["close"]].to_numpy())), {0: [1.0]})
    assert [fill[0] for fill in fills_of(account)] == [2]
    assert account.cash == 990.0


def test_a_negative_price_adds_cash(make_panel):
    close = np.array([[10.0], [-10.0], [10.0]])
    panel = make_panel(np.abs(close))
    bars = pd.DataFrame(
        {name: close[:, 0] for name in ("open", "high", "low", "close")},
        pd.DatetimeIndex(panel.dates.astype("datetime64[ns]")),
    )
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=bars.assign(volume=1.0)), name="A00")
    cerebro.broker.setcash(1000.0)
    cerebro.addstrategy(Script, act=lambda strategy, row: row == 0 and strategy.buy(size=1))
    assert cerebro.run()[0].cash[-1] == 1010.0
    with pytest.raises(DataError, match="A00: close -10.0 on 2020-01-02 is not a positive number"):
        make_panel(close)


@pytest.mark.parametrize("days", [[1, 1, 2], [2, 1, 3]])
def test_repeated_or_unsorted_dates_are_refused(make_panel, days):
    dates = np.datetime64("2020-01-01") + np.array(days)
    bars = pd.DataFrame(
        {name: np.full(3, 10.0) for name in ("open", "high", "low", "close", "volume")},
        pd.DatetimeIndex(dates.astype("datetime64[ns]")),
    )
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=bars), name="A00")
    cerebro.addstrategy(Script)
    assert len(cerebro.run()[0].values) == 3, "taken without a word"
    with pytest.raises(DataError, match="panel dates are not strictly increasing"):
        make_panel(np.full((3, 1), 10.0), dates=dates)


def test_a_delisted_holding_keeps_its_value_and_is_never_sold(make_panel):
    close = np.full((20, 2), 10.0)
    close[3:, 0] = NAN
    reasons = np.array(["bankruptcy", "data_end"])
    panel = make_panel(close, end_reason=reasons)

    def act(strategy, row):
        if row == 0:
            strategy.buy(strategy.datas[0], size=50)
        if row == 5:
            strategy.sell(strategy.datas[0], size=50)

    vanilla = run_vanilla(panel, act)
    assert [order[3] for order in vanilla.orders] == [50], "the sale is never filled"
    assert vanilla.values[-1] == 1000.0
    account = run_account(make_account(panel), {0: [50.0, 0.0], 5: [0.0, 0.0]})
    # The last bar is that of row 2; ten sessions later, on row 12, it is closed at nothing.
    assert fills_of(account)[1] == (12, "A00", "delisting", -50.0, 0.0, 0.0)
    assert account.value == 500.0
    assert events_of(account, "delisting") == [(12, 0)]


def test_factor_history_decides_asset_by_asset_who_is_ready(make_panel):
    """No feed's first bar is a gate: an asset enters when its own score is known."""
    panel = make_panel(np.full((6, 2), 10.0))
    rows = np.array([1, 3])
    score = np.array([[1.0, NAN], [1.0, 2.0]])
    account = make_account(panel)
    cerebro = PanelCerebro(panel, account)
    cerebro.addstrategy(
        FactorRebalance,
        panel=panel,
        signals=Signals(rows, np.ones((2, 2), dtype=bool), score, score),
        portfolio=PortfolioRules(quantile=1.0, min_breadth=1),
        orders=OrderRules(fill="next_close"),
    )
    cerebro.run()
    assert [(fill[0], fill[1]) for fill in fills_of(account)] == [
        (2, "A00"),
        (4, "A00"),
        (4, "A01"),
    ]
