"""A rebalance spread over several sessions, by hand and on the engine."""

from __future__ import annotations

import numpy as np

from strategies.construction import PortfolioRules
from strategies.execution.basket import make_basket
from strategies.spread import SpreadPlan, parts_of
from tests.engine_case import events_of, fills_of, make_account
from tests.trading_case import run, sizes

NAN = np.nan


# The parts


def plan(target, held, parts, sessions, lot=1.0):
    target, held = np.array(target, dtype=float), np.array(held, dtype=float)
    lots = np.full(len(target), lot)
    basket = make_basket(target, held, lots)
    at = basket.column
    return SpreadPlan(5, basket, held[at], np.array(parts)[at], sessions, "close")


def test_equal_parts_of_the_units_decided():
    # 0 -> 12 in 4 parts; 8 -> 0; 4 -> -4, which is out after two parts.
    spread = plan([12, 0, -4], [0, 8, 4], [4, 4, 4], 4)
    units = [spread.units(part).tolist() for part in (1, 2, 3, 4)]
    assert units == [[3, 6, 2], [6, 4, 0], [9, 2, -2], [12, 0, -4]]


def test_fewer_parts_come_as_early_as_they_can():
    # One part on the first of 4 sessions; two on the first and third; three on 1, 2 and 3.
    spread = plan([6, 6, 6], [0, 0, 0], [1, 2, 3], 4)
    units = np.array([spread.units(part) for part in (1, 2, 3, 4)])
    assert units.T.tolist() == [[6, 6, 6, 6], [3, 3, 6, 6], [2, 4, 6, 6]]


def test_parts_are_not_smaller_than_the_least_ticket():
    # 1,000 in parts of at least 300: three; 100: none fits, one; no minimum: all five.
    worth, least = np.array([1000.0, 100.0, 1000.0]), np.array([300.0, 300.0, 0.0])
    assert parts_of(worth, least, 5).tolist() == [3, 1, 5]


def test_a_part_makes_up_for_what_is_missing_and_stops_when_told_to():
    spread = plan([12, 6], [0, 0], [3, 3], 3)
    basket = spread.basket(2, np.array([1.0, 2.0]), np.ones(2))
    # By then 8 and 4 are wanted: 7 and 2 more.
    assert basket.increase.tolist() == [7, 2]
    spread.drop(np.array([0]))
    assert spread.units(3).tolist() == [6]


def test_parts_are_submitted_from_the_decision_on():
    spread = plan([12], [0], [3], 3)
    assert [spread.part_at(row) for row in range(4, 10)] == [None, 1, 2, 3, None, None]


# On the engine


def test_a_rebalance_fills_in_equal_parts(make_panel):
    _, account = run(make_panel(np.full((8, 1), 10.0)), {0: [1]}, spread_over=4)
    # 1,000 / 10 = 100 units in quarters.
    assert sizes(account) == [(row, "A00", 25.0) for row in (1, 2, 3, 4)]
    assert {decided for _, decided, *_ in account.journal.fills} == {0}
    assert account.journal.events == []


def test_parts_are_units_whatever_prices_do(make_panel):
    close = np.array([[10.0], [10.0], [5.0], [5.0], [5.0]])
    _, account = run(make_panel(close), {0: [1]}, spread_over=2)
    assert sizes(account) == [(1, "A00", 50.0), (2, "A00", 50.0)]


def test_lots_are_whole_in_every_part(make_panel):
    # 100 units over 3 sessions: 33.3 -> 33, 66.7 - 33 -> 33, 100 - 66 = 34.
    _, account = run(make_panel(np.full((6, 1), 10.0)), {0: [1]}, spread_over=3)
    assert [size for *_, size in sizes(account)] == [33.0, 33.0, 34.0]


def test_every_part_fills_at_the_instant_of_the_decision(make_panel):
    # Opens are 9, closes 10: one class with traded opens fills at the open, thrice.
    panel = make_panel(np.full((6, 1), 10.0), np.full((6, 1), 9.0))
    _, account = run(panel, {0: [1]}, spread_over=3, fill="auto")
    assert [(fill[0], fill[4]) for fill in fills_of(account)] == [(1, 9.0), (2, 9.0), (3, 9.0)]


def test_one_session_is_as_without(make_panel):
    panel = make_panel()
    scores = {5: [1, 2, 3, 4], 20: [4, 3, NAN, 1]}
    _, plain = run(panel, scores)
    _, once = run(panel, scores, spread_over=1)
    assert fills_of(once) == fills_of(plain)


def test_the_next_rebalance_replaces_the_parts_left(make_panel):
    panel = make_panel(np.full((9, 2), 10.0))
    _, account = run(panel, {0: [1, NAN], 2: [NAN, 1]}, spread_over=4)
    # Two parts of 25 fill on rows 1 and 2; then all 50 are sold and 100 bought, in quarters.
    assert sizes(account)[:2] == [(1, "A00", 25.0), (2, "A00", 25.0)]
    # 12.5 a part: 12, then 25 - 12 = 13, and so on.
    sold = [size for _, name, size in sizes(account)[2:] if name == "A00"]
    assert sold == [-12.0, -13.0, -12.0, -13.0]
    bought = [size for _, name, size in sizes(account) if name == "A01"]
    assert bought == [25.0] * 4


def test_what_volume_left_of_a_part_is_in_the_next(make_panel):
    # 100 units in two parts of 50; volume lets 30 through on row 1 and 80 on row 2.
    volume = np.array([[100.0], [30.0], [80.0], [80.0], [80.0]])
    panel = make_panel(np.full((5, 1), 10.0), volume=volume)
    account = make_account(panel, participation_rate=1.0)
    run(panel, {0: [1]}, account=account, spread_over=2)
    # 30; then 100 - 30 = 70.
    assert sizes(account) == [(1, "A00", 30.0), (2, "A00", 70.0)]
    assert events_of(account, "participation") == [(1, 0)]
    assert events_of(account, "cancelled") == []


def test_what_volume_left_of_the_last_part_waits(make_panel):
    volume = np.array([[100.0], [50.0], [20.0], [20.0], [80.0]])
    panel = make_panel(np.full((5, 1), 10.0), volume=volume)
    account = make_account(panel, participation_rate=1.0)
    run(panel, {0: [1]}, account=account, spread_over=2)
    assert sizes(account) == [(1, "A00", 50.0), (2, "A00", 20.0), (3, "A00", 20.0), (4, "A00", 10)]


def test_what_a_hole_in_the_bars_left_of_a_part_is_in_the_next(make_panel):
    close = np.array([[10.0], [NAN], [10.0], [10.0], [10.0]])
    _, account = run(make_panel(close), {0: [1]}, spread_over=2)
    assert sizes(account) == [(2, "A00", 100.0)]
    assert events_of(account, "waiting") == [(1, 0)]


def test_money_that_comes_later_pays_for_what_was_left_out(make_panel):
    # The exit waits for a bar on row 4. Parts 1 and 2 of the entry find no cash, part 3 does.
    close = np.full((8, 2), 10.0)
    close[3, 0] = NAN
    _, account = run(make_panel(close), {0: [1, NAN], 2: [NAN, 1]}, spread_over=1)
    assert [one for one in sizes(account) if one[1] == "A01"] == []
    _, account = run(make_panel(close), {0: [1, NAN], 3: [NAN, 1]}, spread_over=3)
    assert [one for one in sizes(account) if one[1] == "A01"] == [
        (4, "A01", 33.0),
        (5, "A01", 33.0),
        (6, "A01", 34.0),
    ]


def test_a_split_between_the_parts_changes_nothing_but_lots(make_panel):
    # 2-for-1 from row 2 on: a lot of one share is half a unit. 25 units in two parts are 12,
    # and then the other 13.
    split = np.array([[1.0], [1.0], [2.0], [2.0]])
    panel = make_panel(np.full((4, 1), 40.0), split_factor=split)
    _, account = run(panel, {0: [1]}, spread_over=2)
    assert sizes(account) == [(1, "A00", 12.0), (2, "A00", 13.0)]


def test_a_series_that_ends_between_the_parts_is_bought_no_further(make_panel):
    close = np.full((9, 2), 10.0)
    close[2:, 0] = NAN
    account = make_account(make_panel(close, end_reason=np.array(["data_end"] * 2)), stale_after=2)
    run(account.panel, {0: [1, 1]}, account=account, spread_over=5)
    # 50 units each in fifths; closed on row 3, after two sessions without a bar.
    of_first = [one for one in sizes(account) if one[1] == "A00"]
    assert of_first == [(1, "A00", 10.0), (3, "A00", -10.0)]
    assert [size for _, name, size in sizes(account) if name == "A01"] == [10.0] * 5
    assert account.waiting.tolist() == []


def test_a_liquidation_ends_the_parts(make_panel):
    rules = PortfolioRules(side="long_short", top=1, quantile=None, net=-1.0, min_breadth=1)
    panel = make_panel(np.array([[10.0], [10.0], [60.0], [60.0], [60.0], [60.0], [60.0]]))
    _, account = run(panel, {0: [1]}, portfolio=rules, spread_over=6)
    # 16 short of 100 on row 1. At 60 the value is 1,000 - 16 x 50 = 200, below a quarter of 960:
    # the margin allows no more on row 2, and all is closed on row 3.
    assert sizes(account) == [(1, "A00", -16.0), (3, "A00", 16.0)]
    assert [fill[2] for fill in fills_of(account)] == ["rebalance", "liquidation"]
    assert events_of(account, "rejected") == [(2, -1)]
    assert events_of(account, "cancelled") == []


def test_the_strategy_wakes_on_the_rows_of_the_parts_alone(make_panel):
    strategy, _ = run(make_panel(np.full((9, 1), 10.0)), {0: [1], 6: [1]}, spread_over=4)
    assert strategy.wake_rows == [0, 1, 2, 3, 6, 7, 8]


def test_small_tickets_are_cut_into_fewer_parts(make_panel):
    # 1,000 of value in parts of at least 400: two, on the first and the third of 4 sessions.
    panel = make_panel(np.full((7, 1), 10.0))
    _, account = run(panel, {0: [1]}, spread_over=4, min_ticket={"equity": 400.0})
    assert sizes(account) == [(1, "A00", 50.0), (3, "A00", 50.0)]
