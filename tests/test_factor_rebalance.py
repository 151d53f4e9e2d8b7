"""FactorRebalance: scores on a row become tickets, lots, and one instant for the next session."""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pytest

from analyzers.recorder import Recorder
from strategies.construction import PortfolioRules
from strategies.execution.cerebro import PanelCerebro
from strategies.factor_rebalance import FactorRebalance, OrderRules, Signals
from tests.engine_case import events_of, fills_of, make_account

NAN = np.nan
BOTH = PortfolioRules(quantile=1.0, min_breadth=1)


def run(panel, scores, *, portfolio=BOTH, account=None, kind=FactorRebalance, **orders):
    """Scores by decision row, run on the engine; returns the strategy and the account."""
    rows = np.array(sorted(scores))
    score = np.array([scores[row] for row in rows.tolist()], dtype=float)
    eligible = np.isfinite(score) & panel.tradable[rows]
    account = account or make_account(panel)
    cerebro = PanelCerebro(panel, account)
    cerebro.addstrategy(
        kind,
        panel=panel,
        signals=Signals(rows, eligible, score, score),
        portfolio=portfolio,
        orders=OrderRules(**orders),
    )
    cerebro.addanalyzer(Recorder, _name="recorder")
    return cerebro.run()[0], account


def sizes(account):
    return [(row, name, size) for row, name, _, size, _, _ in fills_of(account)]


def test_sizes_follow_from_the_value_and_closes_of_the_decision_row(make_panel):
    close = np.array([[10.0, 20.0], [10.0, 20.0], [10.0, 40.0], [10.0, 40.0]])
    strategy, account = run(make_panel(close), {0: [1, 1], 2: [1, 1]}, fill="next_close")
    # Row 0: 500 each: 50 and 25. Row 2: value 500 + 25 x 40 = 1,500; 750 each: 75 and 18.75.
    assert sizes(account) == [
        (1, "A00", pytest.approx(50.0)),
        (1, "A01", pytest.approx(25.0)),
        (3, "A01", pytest.approx(-6.25)),
        (3, "A00", pytest.approx(25.0)),
    ]
    assert [decision.row for decision in strategy.decisions] == [0, 2]
    assert strategy.decisions[0].weights.tolist() == [0.5, 0.5]


def test_sizes_do_not_know_the_close_at_which_they_fill(make_panel):
    _, account = run(make_panel(np.array([[10.0], [8.0], [8.0]])), {0: [1]}, fill="next_close")
    # 1,000 / 10, not 1,000 / 8.
    assert sizes(account) == [(1, "A00", pytest.approx(100.0))]


def test_what_is_no_longer_selected_is_sold_whole(make_panel):
    panel = make_panel(np.full((5, 2), 10.0))
    _, account = run(panel, {0: [1, NAN], 2: [NAN, 1]}, lots={"equity": 7.0}, fill="next_close")
    # 100 in lots of 7 is 98; the exit is of 98, the entry again 98.
    assert sizes(account) == [(1, "A00", 98.0), (3, "A00", -98.0), (3, "A01", 98.0)]


def test_nobody_ranked_closes_the_book(make_panel):
    _, account = run(make_panel(np.full((5, 2), 10.0)), {0: [1, 1], 2: [NAN, NAN]})
    assert account.position.tolist() == [0.0, 0.0]
    assert account.cash == pytest.approx(1000.0)


def test_a_holding_without_a_bar_is_sold_when_it_has_one(make_panel):
    close = np.full((7, 2), 10.0)
    close[2:5, 0] = NAN
    _, account = run(make_panel(close), {0: [1, NAN], 2: [NAN, 1]}, fill="next_close")
    # On row 3 there is no cash for the entry; when the exit comes, the entry is long gone.
    assert sizes(account) == [(1, "A00", pytest.approx(100.0)), (5, "A00", pytest.approx(-100.0))]
    assert events_of(account, "rejected") == [(3, -1)]


# Lots


def test_lots_by_asset_class(make_panel):
    panel = make_panel(np.full((3, 2), 30.0), asset_class=["crypto", "equity"])
    _, account = run(panel, {0: [1, 1]}, lots={"equity": 1.0, "crypto": 0.1})
    # 500 / 30 = 16.67: whole shares, and tenths of a coin.
    assert sizes(account) == [(1, "A00", pytest.approx(16.6)), (1, "A01", 16.0)]


def split_panel(make_panel, kind):
    """One adjusted unit is two printed shares since a 2-for-1 split, at 15 each."""
    return make_panel(
        np.full((3, 1), 30.0),
        split_factor=np.full((3, 1), 2.0),
        price_kind=np.array([kind]),
    )


def test_lots_are_printed_shares_after_a_split(make_panel):
    _, account = run(split_panel(make_panel, "traded"), {0: [1]}, lots={"equity": 1.0})
    # 1,000 / 15 = 66.67 printed shares: 66, which are 33 adjusted units.
    assert sizes(account) == [(1, "A00", 33.0)]
    _, account = run(split_panel(make_panel, "traded"), {0: [1]}, lots={"equity": 5.0})
    # Lots of 5 printed shares: 65, or 32.5 units.
    assert sizes(account) == [(1, "A00", 32.5)]


def test_lots_are_adjusted_units_where_no_printed_shares_are_known(make_panel):
    _, account = run(split_panel(make_panel, "adjusted"), {0: [1]}, lots={"equity": 5.0})
    # 33.33 units in lots of 5: 30.
    assert sizes(account) == [(1, "A00", 30.0)]


# The no-trade band


def test_a_drift_within_the_band_is_not_traded(make_panel):
    # 50 % each at 10; at 11 and 10 the weights are 52.4 % and 47.6 %: a drift of 2.4 %.
    close = np.array([[10.0, 10.0], [10.0, 10.0], [11.0, 10.0], [11.0, 10.0]])
    panel = make_panel(close)
    for band, trades in ((0.03, 0), (0.02, 2)):
        _, account = run(panel, {0: [1, 1], 2: [1, 1]}, no_trade_band=band, fill="next_close")
        assert len([size for row, _, size in sizes(account) if row == 3]) == trades


def test_the_band_holds_back_neither_entries_nor_exits(make_panel):
    # A band of 60 % is wider than any weight.
    panel = make_panel(np.full((5, 2), 10.0))
    _, account = run(panel, {0: [1, NAN], 2: [NAN, 1]}, no_trade_band=0.6, fill="next_close")
    assert [(row, name) for row, name, _ in sizes(account)] == [
        (1, "A00"),
        (3, "A00"),
        (3, "A01"),
    ]


def test_the_band_does_not_hold_back_a_change_of_side(make_panel):
    panel = make_panel(np.full((5, 2), 10.0))
    rules = PortfolioRules(side="long_short", quantile=0.5, gross=0.1, min_breadth=2)
    _, account = run(panel, {0: [2, 1], 2: [1, 2]}, portfolio=rules, no_trade_band=0.5)
    assert np.sign(account.position).tolist() == [-1.0, 1.0]


def test_a_waiting_exit_is_not_kept_by_the_band(make_panel):
    panel = make_panel(np.full((5, 1), 10.0))
    _, account = run(panel, {0: [1], 2: [NAN]}, no_trade_band=0.9)
    assert account.position.tolist() == [0.0]


# The fill instant


def instants(account):
    """The instant of each fill, told by the price: opens are 9, closes 10."""
    return [{9.0: "open", 10.0: "close"}[fill[4]] for fill in fills_of(account)]


def priced(make_panel, classes, *, close_only=None):
    close = np.full((3, len(classes)), 10.0)
    open_ = np.where(close_only or [False] * len(classes), 10.0, 9.0) * np.ones((3, 1))
    fields = {} if close_only is None else {"close_only": np.array(close_only)}
    return make_panel(close, open_, asset_class=classes, **fields)


def test_one_class_with_traded_opens_fills_at_the_open(make_panel):
    for classes in (["equity", "equity"], ["crypto", "crypto"]):
        _, account = run(priced(make_panel, classes), {0: [1, 1]})
        assert instants(account) == ["open", "open"]


def test_mixed_classes_fill_at_the_close(make_panel):
    _, account = run(priced(make_panel, ["equity", "crypto"]), {0: [1, 1]})
    assert instants(account) == ["close", "close"]


def test_a_mixed_panel_fills_at_the_open_when_one_class_trades(make_panel):
    _, account = run(priced(make_panel, ["equity", "crypto"]), {0: [1, NAN]})
    assert instants(account) == ["open"]


def test_close_only_data_fill_at_the_close(make_panel):
    panel = priced(make_panel, ["equity", "equity"], close_only=[False, True])
    _, account = run(panel, {0: [1, 1]})
    assert instants(account) == ["close", "close"]
    _, account = run(panel, {0: [1, NAN]})
    assert instants(account) == ["open"], "the other asset is not in the basket"


def test_the_instant_can_be_forced(make_panel):
    panel = priced(make_panel, ["equity", "crypto"])
    for fill, instant in (("next_open", "open"), ("next_close", "close")):
        _, account = run(panel, {0: [1, 1]}, fill=fill)
        assert instants(account) == [instant, instant]


def test_opens_that_a_vendor_adds_later_change_no_earlier_basket(make_panel):
    # The second asset has traded opens from row 2 on only.
    open_ = np.full((5, 2), 9.0)
    open_[:2, 1] = 10.0
    panel = make_panel(np.full((5, 2), 10.0), open_)
    _, account = run(panel, {0: [1, 1], 3: [1, NAN]})
    assert [(fill[0], fill[4]) for fill in fills_of(account)][:2] == [(1, 10.0), (1, 10.0)]
    assert {fill[4] for fill in fills_of(account) if fill[0] == 4} == {9.0}


# Time


def test_a_decision_on_the_last_row_is_recorded_and_fills_nothing(make_panel):
    strategy, account = run(make_panel(np.full((3, 1), 10.0)), {2: [1]})
    assert [decision.row for decision in strategy.decisions] == [2]
    assert fills_of(account) == []


def test_a_closed_account_decides_but_trades_no_more(make_panel):
    panel = make_panel(np.array([[10.0], [10.0], [50.0], [50.0], [50.0], [50.0]]))
    rules = PortfolioRules(side="long_short", top=1, quantile=None, net=-1.0, min_breadth=1)
    strategy, account = run(panel, {0: [1], 4: [1]}, portfolio=rules)
    assert [fill[2] for fill in fills_of(account)] == ["rebalance", "liquidation"]
    assert len(strategy.decisions) == 2
    assert account.value < 0
    assert events_of(account, "rejected") == [(4, -1)]


class Awake(FactorRebalance):
    """Follows every bar, so that nothing sleeps."""

    def next(self):
        self.followed = getattr(self, "followed", 0) + 1
        super().next()


class Averaging(FactorRebalance):
    """Has an indicator, which Backtrader advances bar by bar."""

    def __init__(self):
        super().__init__()
        self.average = bt.ind.SMA(self.data.close, period=2)
        self.seen = []

    def _rebalance(self, number):
        self.seen.append(self.average[0])
        super()._rebalance(number)


def test_a_strategy_that_sleeps_between_decisions_comes_to_the_same(make_panel):
    scores = {5: [1, 2, 3, 4], 20: [4, 3, NAN, 1], 41: [1, 1, 1, 1]}
    asleep, one = run(make_panel(), scores)
    awake, two = run(make_panel(), scores, kind=Awake)
    assert awake.followed == 60
    tables = [run_.analyzers.recorder.get_analysis() for run_ in (asleep, awake)]
    for name in ("values", "fills", "positions", "prices", "events"):
        assert tables[0][name].to_csv() == tables[1][name].to_csv()


def test_a_strategy_with_an_indicator_is_woken_at_every_bar(make_panel):
    panel = make_panel(shape=(20, 1))
    strategy, _ = run(panel, {5: [1], 12: [1]}, kind=Averaging)
    expected = [panel.close[row - 1 : row + 1, 0].mean() for row in (5, 12)]
    assert strategy.seen == pytest.approx(expected, rel=1e-12)
