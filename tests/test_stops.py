"""Stops: what is given up between rebalances, when, and until when it is barred; by hand."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pytest

from strategies.construction import PortfolioRules
from strategies.execution.basket import Basket
from strategies.execution.journal import Journal
from strategies.execution.plan import Plan
from strategies.execution.slippage import BpsSlippage
from strategies.stops import StopRules, StopWatch
from tests.engine_case import events_of, fills_of, make_account, make_costs
from tests.trading_case import run, trades

NAN = np.nan
SHORT = PortfolioRules(side="long_short", quantile=0.5, gross=0.8, min_breadth=2)


def one(close, *, scores=None, account=None, make_panel=None, **rules):
    """A long of 100 units from row 1 on, decided on row 0."""
    panel = make_panel(np.array(close, dtype=float)[:, None])
    return run(panel, scores or {0: [1]}, account=account, stops=StopRules(**rules))[1]


# What is compared


def test_a_loss_from_the_entry_is_sold_at_the_next_session(make_panel):
    # Bought at 10; 8.1 is a loss of 19 %, 8.0 one of 20 %: sold at the close after.
    account = one([10, 10, 8.1, 8.0, 7, 7], make_panel=make_panel, loss=0.2)
    assert trades(account) == [(1, "A00", "rebalance", 100.0), (4, "A00", "stop", -100.0)]
    assert {fill[1] for fill in account.journal.fills} == {0, 3}
    assert account.journal.events == [
        (3, 0, "stop", "long closed at 8, 20.0% below its entry of 10")
    ]


def test_the_entry_has_slippage_in_it_and_is_the_mean_of_what_was_bought(make_panel):
    # 1 % of slippage: entry at 10.1, of which 20 % is lost at 8.08.
    account = make_account(make_panel(np.array([[10.0], [10], [8.09], [8.07], [8]])))
    account.costs = make_costs(1, slippage=BpsSlippage(100))
    run(account.panel, {0: [1]}, account=account, stops=StopRules(loss=0.2))
    assert events_of(account, "stop") == [(3, 0)]


def watched(make_panel, close, fills, **rules):
    """Stops of one asset whose fills are given as (row, size); price is the close."""
    panel = make_panel(np.array(close, dtype=float)[:, None])
    account = make_account(panel, cash=1e6)
    watch, stopped = StopWatch(panel, account.journal, StopRules(**rules)), []
    for row in range(len(close)):
        account.step(row)
        columns, why = watch.look(row)
        stopped += [(row, text) for text in why]
        if row in fills:
            now, size = account.position[0], fills[row]
            away = min(abs(now), abs(size)) * np.sign(size) if now * size < 0 else 0.0
            basket = Basket(*(np.array([x]) for x in (0, away, size - away, 1.0)))
            account.submit(Plan(row, basket, "close"))
    return stopped


def test_the_entry_price_is_the_mean_of_increases_and_not_moved_by_reductions(make_panel):
    # 10 at 10 and 30 at 14 are 40 at 13; selling 20 leaves it. 20 % below 13 is 10.4.
    close = [10, 10, 14, 14, 10.5, 10.3]
    stopped = watched(make_panel, close, {0: 10.0, 1: 30.0, 2: -20.0}, loss=0.2)
    assert stopped == [(5, "long closed at 10.3, 20.8% below its entry of 13")]


def test_a_change_of_side_is_a_new_entry(make_panel):
    # Long 10 at 10, short 5 from 12 on: 20 % above 12 is 14.4.
    close = [10, 10, 12, 14.3, 14.4]
    stopped = watched(make_panel, close, {0: 10.0, 1: -15.0}, loss=0.2)
    assert stopped == [(4, "short closed at 14.4, 20.0% above its entry of 12")]


def test_a_trailing_stop_follows_the_best_close_since_the_entry(make_panel):
    # 40 was before the entry. From the best close of 20, 25 % are lost at 15.
    close = [40, 10, 20, 15.1, 15.0, 15.0]
    stopped = watched(make_panel, close, {0: 10.0}, trailing=0.25)
    assert stopped == [(4, "long closed at 15, 25.0% below its best close since entry of 20")]


def test_a_trailing_stop_of_a_short_follows_the_lowest_close(make_panel):
    close = [10, 10, 8, 9.9, 10.0]
    stopped = watched(make_panel, close, {0: -10.0}, trailing=0.25)
    assert stopped == [(4, "short closed at 10, 25.0% above its best close since entry of 8")]


def test_a_new_entry_has_a_best_close_of_its_own(make_panel):
    # Sold on row 3 after 20; bought again on row 4 at 14: 25 % below 14 is 10.5.
    close = [10, 10, 20, 18, 14, 12, 10.4]
    stopped = watched(make_panel, close, {0: 10.0, 2: -10.0, 3: 10.0}, trailing=0.25)
    assert [row for row, _ in stopped] == [6]


def test_a_drawdown_is_from_the_best_close_of_a_window_held_or_not(make_panel):
    # At 14 on row 3 the best of 3 closes is 20: 30 %. A window of 2 has 15 as its best.
    close = [10, 20, 15, 14, 14]
    stopped = watched(make_panel, close, {1: 10.0}, drawdown=0.3, drawdown_lookback=3)
    assert stopped == [(3, "long closed at 14, 30.0% below its best close of 3 sessions of 20")]
    assert watched(make_panel, close, {1: 10.0}, drawdown=0.3, drawdown_lookback=2) == []


def test_a_session_without_a_bar_stops_nothing(make_panel):
    account = one([10, 10, NAN, 7.9, NAN, 7.9], make_panel=make_panel, loss=0.2)
    # Decided on row 3; no bar on row 4, so that the ticket waits until row 5.
    assert events_of(account, "stop") == [(3, 0)]
    assert events_of(account, "waiting") == [(4, 0)]
    assert trades(account)[1:] == [(5, "A00", "stop", -100.0)]


def test_shorts_are_covered(make_panel):
    close = np.array([[10.0, 10], [10, 10], [10, 12.1], [10, 12.1]])
    _, account = run(make_panel(close), {0: [2, 1]}, portfolio=SHORT, stops=StopRules(loss=0.2))
    # 0.4 of 1,000 on each side: 40 units. The short is at a loss of 21 % on row 2.
    assert trades(account)[2:] == [(3, "A01", "stop", 40.0)]
    assert account.position.tolist() == [40.0, 0.0]


# What waits beside it


def test_a_stop_leaves_the_waiting_tickets_of_others_alone(make_panel):
    # The second asset may buy 10 a session; the first is stopped on row 2.
    close = np.array([[10.0, 10]] * 2 + [[7.0, 10]] * 6)
    volume = np.array([[1e6, 10.0]] * 8)
    account = make_account(make_panel(close, volume=volume), participation_rate=1.0)
    run(account.panel, {0: [1, 1]}, account=account, stops=StopRules(loss=0.2))
    assert (3, "A00", "stop", -50.0) in trades(account)
    assert [row for row, name, *_ in trades(account) if name == "A01"] == [1, 2, 3, 4, 5]
    assert events_of(account, "cancelled") == []


def test_a_stop_cancels_what_the_rebalance_still_wanted_of_the_asset(make_panel):
    volume = np.array([[10.0]] * 9)
    account = make_account(
        make_panel(np.array([[10.0]] * 2 + [[7.0]] * 7), volume=volume), participation_rate=1.0
    )
    run(account.panel, {0: [1]}, account=account, stops=StopRules(loss=0.2))
    # 10 on row 1, 10 on row 2 at a mean of 8.5: 7 is 17.6 % below. 10 more on row 3 make it 8,
    # and so on: the mean never is 20 % above 7. With a loss of 15 % it is stopped on row 2.
    assert events_of(account, "stop") == []
    account = make_account(account.panel, participation_rate=1.0)
    run(account.panel, {0: [1]}, account=account, stops=StopRules(loss=0.15))
    assert [(row, why, size) for row, _, why, size in trades(account)] == [
        (1, "rebalance", 10.0),
        (2, "rebalance", 10.0),
        (3, "stop", -10.0),
        (4, "stop", -10.0),
    ]
    assert events_of(account, "cancelled") == [(2, 0)]


def test_a_stop_ends_the_parts_of_a_spread_rebalance(make_panel):
    close = np.array([[10.0, 10]] * 2 + [[7.0, 10]] * 7)
    _, account = run(make_panel(close), {0: [1, 1]}, spread_over=5, stops=StopRules(loss=0.1))
    # 10 units a part. The first is bought at 10 and 7, a mean of 8.5: stopped on row 2.
    of_first = [(row, why, size) for row, name, why, size in trades(account) if name == "A00"]
    assert of_first == [(1, "rebalance", 10.0), (2, "rebalance", 10.0), (3, "stop", -20.0)]
    assert sum(size for _, name, _, size in trades(account) if name == "A01") == 50.0


def test_a_stop_that_waits_outlives_a_rebalance(make_panel):
    close = np.array([[10.0, 10], [10, 10], [7, 10], [NAN, 10], [NAN, 10], [7, 10], [7, 10]])
    may = np.array([[True, True]] * 2)
    _, account = run(
        make_panel(close), {0: [1, NAN], 3: [1, 1]}, eligible=may, stops=StopRules(loss=0.2)
    )
    # Stopped on row 2, filled on row 5. The rebalance of row 3 may not want it: barred.
    assert trades(account)[1] == (5, "A00", "stop", -100.0)
    assert events_of(account, "cancelled") == []


def test_entries_are_those_of_backtrader(make_panel):
    """On any fills: sizes, and the average price of each position."""
    rng = np.random.default_rng(3)
    panel = make_panel(shape=(60, 5))
    for _ in range(20):
        journal, positions = Journal(), [bt.Position(size=0.0) for _ in range(5)]
        watch = StopWatch(panel, journal, StopRules(loss=0.99))
        for row in range(60):
            column = np.flatnonzero(rng.random(5) < 0.5)
            held = np.array([positions[at].size for at in column.tolist()])
            size = np.where(rng.random(len(column)) < 0.2, -held, rng.integers(-5, 6, len(column)))
            column, size = column[size != 0], size[size != 0].astype(float)
            price = rng.uniform(5.0, 20.0, len(column))
            journal.record_fills(row, row - 1, "rebalance", column, size, price, price, 0 * price)
            for at, units, paid in zip(column.tolist(), size.tolist(), price.tolist()):
                positions[at].update(units, paid)
            watch.look(row)
            open_ = [at for at in range(5) if positions[at].size]
            assert watch._size.tolist() == [one.size for one in positions]
            paid = [positions[at].price for at in open_]
            assert watch._entry[open_] == pytest.approx(paid, rel=1e-12)


# How long it is barred


def decided(strategy):
    return [(one.row, one.weights.tolist()) for one in strategy.decisions]


def test_the_next_rebalance_may_take_it_up_again(make_panel):
    close = np.array([[10.0, 10]] * 2 + [[7.0, 10]] * 8)
    scores = {0: [1, 1], 2: [1, 1], 5: [1, 1]}
    strategy, account = run(make_panel(close), scores, stops=StopRules(loss=0.2))
    # Stopped at the close of row 2, at which a rebalance is decided, too: not by that one.
    assert decided(strategy) == [(0, [0.5, 0.5]), (2, [0.0, 0.5]), (5, [0.5, 0.5])]
    assert strategy.decisions[1].reports == (
        ("equity", "barred", "stopped: A00; 0.5000 of NAV, it stays in cash"),
    )
    assert (3, "A00", "stop", -50.0) in trades(account)


def test_a_cool_off_counts_sessions_from_the_stop(make_panel):
    close = np.array([[10.0, 10]] * 2 + [[7.0, 10]] * 8)
    scores = {0: [1, 1], 5: [1, 1], 6: [1, 1]}
    rules = StopRules(loss=0.2, cool_off=3)
    strategy, _ = run(make_panel(close), scores, stops=rules)
    # Stopped on row 2: rows 3, 4 and 5 are the three sessions after it.
    assert [weights[0] for _, weights in decided(strategy)] == [0.5, 0.0, 0.5]


def test_the_others_of_its_side_may_take_its_weight(make_panel):
    close = np.array([[10.0, 10]] * 2 + [[7.0, 10]] * 8)
    rules = StopRules(loss=0.2, cool_off=9)
    strategy, _ = run(make_panel(close), {0: [1, 1], 5: [1, 1]}, stops=rules, barred="spread")
    assert decided(strategy)[1] == (5, [0.0, 1.0])


def test_a_drawdown_bars_an_entry_as_long_as_it_lasts(make_panel):
    close = np.array([[20.0, 10], [14, 10], [14, 10], [19, 10], [19, 10]])
    scores = {1: [1, 1], 3: [1, 1]}
    rules = StopRules(drawdown=0.3, drawdown_lookback=5)
    strategy, account = run(make_panel(close), scores, stops=rules)
    assert decided(strategy) == [(1, [0.0, 0.5]), (3, [0.5, 0.5])]
    assert events_of(account, "stop") == []


# Nothing else


def test_stops_that_never_strike_change_no_fill(make_panel):
    scores = {5: [1, 2, 3, 4], 20: [4, 3, NAN, 1], 41: [1, 1, 1, 1]}
    _, plain = run(make_panel(), scores)
    strategy, account = run(make_panel(), scores, stops=StopRules(loss=0.99, trailing=0.99))
    assert fills_of(account) == fills_of(plain)
    assert strategy.wake_rows == list(range(5, 60))


@pytest.mark.parametrize("seed", range(6))
def test_the_future_strikes_no_stop(make_panel, seed):
    """Rows after t exchanged for others: fills up to t + 1 are decided by rows up to t."""
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.06, (50, 4)), axis=0))
    other = close.copy()
    cut = int(rng.integers(15, 40))
    other[cut + 1 :] = close[cut + 1 :][::-1] * 1.7
    scores = {row: rng.normal(size=4) for row in (3, 14, 25, 36)}
    rules = StopRules(loss=0.1, trailing=0.12, drawdown=0.3, drawdown_lookback=9, cool_off=5)
    kept = []
    for prices in (close, other):
        _, account = run(make_panel(prices), scores, portfolio=SHORT, stops=rules, spread_over=3)
        fills = [fill for fill in trades(account) if fill[0] <= cut]
        ordered = [event for event in account.journal.events if event[0] <= cut]
        kept.append((fills, ordered))
    assert kept[0] == kept[1]
    assert any(fill[2] == "stop" for fill in kept[0][0])
