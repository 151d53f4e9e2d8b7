"""Rules of trading on the engine: what a rebalance makes of its targets, by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from configs.execution import BorrowConfig
from feeds.universe import eligible_assets
from runs.trading import borrowable
from strategies.construction import PortfolioRules
from strategies.stops import StopRules
from tests.engine_case import make_account
from tests.trading_case import run, sizes, trades

NAN = np.nan
SHORT = PortfolioRules(side="long_short", quantile=0.5, gross=0.8, min_breadth=2)


def flat(make_panel, rows=8, columns=2, **fields):
    return make_panel(np.full((rows, columns), 10.0), **fields)


def test_a_drift_is_traded_to_the_edge_of_its_band(make_panel):
    # 50 units each at 10; at 11 and 10 the weights are 0.5238 and 0.4762 of 1,050. Bands of 0.01
    # of them are 0.9545 and 1.05 units. Targets are 525 / 11 = 47.727 and 52.5 units.
    close = np.array([[10.0, 10.0]] * 2 + [[11.0, 10.0]] * 2)
    _, account = run(
        make_panel(close),
        {0: [1, 1], 2: [1, 1]},
        no_trade_band=0.01,
        band_to="edge",
        lots={"equity": 1e-6},
    )
    sold, bought = (size for row, _, size in sizes(account) if row == 3)
    assert sold == pytest.approx(-(50 - 47.727273 - 0.954545), abs=1e-5)
    assert bought == pytest.approx(2.5 - 1.05, abs=1e-5)


def test_a_part_of_each_trade_is_made(make_panel):
    panel = flat(make_panel)
    _, account = run(panel, {0: [1, NAN], 2: [NAN, 1]}, trade_fraction=0.5, eligible=[[1, 1]] * 2)
    # Half of 100; then half of 50 is sold, and half of 100 bought.
    assert sizes(account) == [(1, "A00", 50.0), (3, "A00", -25.0), (3, "A01", 50.0)]


def test_what_left_the_universe_is_sold_whole_and_the_rest_keeps_to_the_budget(make_panel):
    panel = flat(make_panel, columns=3)
    may = [[True, True, True], [False, True, True]]
    _, account = run(
        panel,
        {0: [1, 1, NAN], 2: [NAN, NAN, 1]},
        eligible=may,
        turnover_budget=0.3,
        trade_fraction=0.9,
    )
    # Row 0: 0.9 of 50 each is 0.9 of NAV, scaled by 1/3: 15 each. Row 2: the 15 of the first go,
    # 0.15 of 0.3; the others want 13.5 and 90, 1.035 in all, scaled to 0.15: 1.96 and 13.04.
    assert sizes(account) == [
        (1, "A00", 15.0),
        (1, "A01", 15.0),
        (3, "A00", -15.0),
        (3, "A01", -1.0),
        (3, "A02", 13.0),
    ]


def test_the_least_ticket_is_by_class_and_reported_once(make_panel):
    panel = flat(make_panel, asset_class=["equity", "crypto"])
    strategy, account = run(panel, {0: [1, 1]}, min_ticket={"equity": 501.0, "crypto": 500.0})
    assert [name for _, name, _ in sizes(account)] == ["A01"]
    assert strategy.decisions[0].reports == (
        ("", "min_ticket", "1 ticket below the minimum left out, 0.500000 of NAV"),
    )


def test_a_rebalance_is_reported_with_its_decision(make_panel):
    strategy, _ = run(flat(make_panel), {0: [1, 1]}, turnover_budget=0.25)
    detail = "trades of 1.0000 of NAV scaled by 0.2500 to 0.25"
    assert strategy.decisions[0].reports == (("", "turnover_budget", detail),)
    # The decision is what is wanted, not what is traded of it.
    assert strategy.decisions[0].weights.tolist() == [0.5, 0.5]


# Shorts


def test_a_short_that_nobody_lends_is_left_out(make_panel):
    panel = flat(make_panel, columns=4)
    lent = np.array([[True, True, True, False]])
    strategy, _ = run(panel, {0: [4, 3, 2, 1]}, portfolio=SHORT, shortable=lent)
    assert strategy.decisions[0].weights.tolist() == pytest.approx([0.2, 0.2, -0.2, 0.0])
    assert strategy.decisions[0].reports == (
        ("equity", "unborrowable", "nothing to borrow: A03; 0.2000 of NAV, it stays in cash"),
    )


def test_the_other_shorts_may_take_its_weight_up_to_their_cap(make_panel):
    panel = flat(make_panel, columns=4)
    lent = np.array([[True, True, True, False]])
    for cap, weight in ((1.0, 0.4), (0.3, 0.3)):
        rules = PortfolioRules(
            side="long_short",
            quantile=0.5,
            gross=0.8,
            min_breadth=2,
            unborrowable="spread",
            max_weight=cap,
        )
        strategy, _ = run(panel, {0: [4, 3, 2, 1]}, portfolio=rules, shortable=lent)
        assert strategy.decisions[0].weights[2:] == pytest.approx([-weight, 0.0])


def test_a_short_that_is_called_back_is_covered_whole(make_panel):
    panel = flat(make_panel)
    lent = np.array([[True, True], [True, False]])
    _, account = run(
        panel, {0: [2, 1], 2: [2, 1]}, portfolio=SHORT, shortable=lent, trade_fraction=0.5
    )
    # Half of 40 each way. Then half of what is missing of the long, and all of the short.
    assert trades(account) == [
        (1, "A00", "rebalance", 20.0),
        (1, "A01", "rebalance", -20.0),
        (3, "A01", "rebalance", 20.0),
        (3, "A00", "rebalance", 10.0),
    ]


def test_longs_need_no_loan(make_panel):
    panel = flat(make_panel)
    strategy, _ = run(panel, {0: [2, 1]}, shortable=np.zeros((1, 2), dtype=bool))
    assert strategy.decisions[0].weights.tolist() == [0.5, 0.5]


def lent_on(panel, rows, **by_class):
    config = SimpleNamespace(
        execution=SimpleNamespace(short_available=by_class), data=SimpleNamespace(dir="data/x")
    )
    mask = borrowable(config, panel, np.array(rows), lambda floors: eligible_assets(panel, floors))
    return None if mask is None else mask.tolist()


def test_classes_are_lent_or_not(make_panel):
    panel = flat(make_panel, columns=3, asset_class=["equity", "crypto", "equity"])
    assert lent_on(panel, [0], equity=True) is None
    assert lent_on(panel, [0, 1], crypto=False) == [[True, False, True]] * 2


def test_floors_are_of_the_decision_row_and_a_hole_covers_no_short(make_panel):
    close = np.full((70, 3), 10.0)
    close[66, 1] = NAN
    # 63 sessions of 10 x 50 = 500 reach a floor of 500; those of the last asset 10 x 40 = 400.
    volume = np.where(np.isfinite(close), np.array([50.0, 40.0, 40.0]), NAN)
    panel = make_panel(close, volume=volume)
    floors = BorrowConfig(min_dollar_volume=500.0)
    # Row 61 is the 62nd session: nobody has 63 of them.
    assert lent_on(panel, [61, 65, 66], equity=floors) == [
        [False, False, False],
        [True, False, False],
        [True, True, False],
    ]


def test_a_figure_above_zero_is_something_to_borrow(make_panel):
    figure = np.array([[1.0, 0.0, NAN], [2.0, 5.0, NAN]])
    panel = flat(make_panel, rows=2, columns=3, figures={"lendable": figure})
    floors = BorrowConfig(figure="lendable")
    assert lent_on(panel, [0, 1], equity=floors) == [[True, False, False], [True, True, False]]


# The order of fills


def test_a_stop_pays_for_what_fills_at_the_same_instant(make_panel):
    # All of the cash is in the first asset. It is stopped at the close of row 2, at which the
    # second one is wanted: 350 are there when both fill, and not before.
    close = np.array([[10.0, 10.0]] * 2 + [[3.5, 10.0]] * 3)
    account = make_account(make_panel(close))
    run(account.panel, {0: [1, NAN], 2: [NAN, 1]}, account=account, stops=StopRules(loss=0.5))
    assert trades(account)[1:] == [(3, "A00", "stop", -100.0), (3, "A01", "rebalance", 35.0)]
    # What is held is written once a session, after both.
    held = [(row, of.tolist(), size.tolist()) for row, of, size in account.journal.positions]
    assert held == [(1, [0], [100.0]), (3, [1], [35.0])]
