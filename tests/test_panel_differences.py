"""What a script sees on a panel and not on Backtrader's own feeds: each difference by name.

All of them concern bars that are not there. The first half of each test is Backtrader's answer.
"""

from __future__ import annotations

import backtrader as bt
import numpy as np
import pytest

from tests.ordinary.engines import bars, panel_cerebro, vanilla_cerebro


@pytest.fixture
def panel(make_panel):
    """The second asset is listed in row 9 of 40."""
    return bars(make_panel, (40, 2), late=[(1, 9)])


class Asking(bt.Strategy):
    """Asks for something at every bar, and keeps the answers or the errors."""

    params = (("ask", None),)

    def __init__(self):
        self.answers = []

    def prenext(self):
        self.next()

    def next(self):
        try:
            self.answers.append(self.p.ask(self))
        except (IndexError, TypeError) as error:
            self.answers.append(error)


def answers(make, panel, ask, **params):
    cerebro = make(panel, stdstats=False, **params)
    cerebro.addstrategy(Asking, ask=ask)
    return cerebro.run()[0].answers


def check_unlisted(found, message):
    """Nine errors that name the asset, before its first bar."""
    assert [type(answer) for answer in found[:9]] == [IndexError] * 9
    assert all(message in str(answer) for answer in found[:9])
    assert not any(isinstance(answer, Exception) for answer in found[9:])


def test_the_price_of_an_asset_not_listed_yet_is_not_its_last(panel):
    def ask(self):
        return self.data1.close[0]

    vanilla = answers(vanilla_cerebro, panel, ask)
    assert vanilla[:9] == [panel.close[-1, 1]] * 9, "the price of the last day"
    ours = answers(panel_cerebro, panel, ask)
    check_unlisted(ours, "A01: no bar 0 bars from now, it has 0 so far")
    assert ours[9:] == vanilla[9:] == panel.close[9:, 1].tolist()


def test_an_index_before_the_first_bar_does_not_wrap_round(panel):
    def ask(self):
        return self.data0.close[-5]

    vanilla = answers(vanilla_cerebro, panel, ask)
    assert vanilla[:5] == panel.close[-5:, 0].tolist(), "the prices of the last five days"
    ours = answers(panel_cerebro, panel, ask)
    assert [str(answer) for answer in ours[:2]] == [
        "A00: no bar -5 bars from now, it has 1 so far",
        "A00: no bar -5 bars from now, it has 2 so far",
    ]
    assert ours[5:] == vanilla[5:] == panel.close[:-5, 0].tolist()


def test_an_indicator_of_an_asset_not_listed_yet_does_not_show_its_last_value(panel):
    class Averaging(Asking):
        def __init__(self):
            super().__init__()
            self.average = bt.ind.SMA(self.data1, period=2)

    def run(make):
        cerebro = make(panel, stdstats=False)
        cerebro.addstrategy(Averaging, ask=lambda self: self.average[0])
        return cerebro.run()[0].answers

    vanilla = run(vanilla_cerebro)
    # The mean of the last two closes of all.
    assert vanilla[:9] == [panel.close[-2:, 1].mean()] * 9
    ours = run(panel_cerebro)
    check_unlisted(ours, "A01: no bar 0 bars from now, it has 0 so far")
    # At its first bar the average of two is not known.
    assert np.isnan(ours[9]) and ours[10:] == vanilla[10:]


def test_an_order_for_an_asset_not_listed_yet_is_not_made(panel):
    def ask(self):
        if len(self) < 12:
            return self.buy(self.data1, size=1).created.price

    vanilla = answers(vanilla_cerebro, panel, ask)
    assert vanilla[:9] == [panel.close[-1, 1]] * 9
    check_unlisted(answers(panel_cerebro, panel, ask), "A01: no bar 0 bars from now")


def test_a_window_longer_than_the_history_is_not_cut_short(panel):
    def ask(self):
        return list(self.data0.close.get(size=3))

    vanilla = answers(vanilla_cerebro, panel, ask)
    assert vanilla[0] == [], "on the first bar"
    ours = answers(panel_cerebro, panel, ask)
    assert str(ours[0]) == "A00: 3 bars asked for, it has 1 so far"
    assert ours[2:] == vanilla[2:]


def test_bars_cannot_be_written_to(panel):
    def ask(self):
        if len(self) == 3:
            self.data0.close[0] = 1.0

    assert answers(vanilla_cerebro, panel, ask)[2] is None
    before = panel.close.copy()
    assert isinstance(answers(panel_cerebro, panel, ask)[2], TypeError)
    np.testing.assert_array_equal(panel.close, before)


def test_no_bar_is_forgotten(panel):
    def ask(self):
        return self.data0.close[-20] if len(self) > 20 else None

    assert isinstance(answers(vanilla_cerebro, panel, ask, exactbars=1)[30], IndexError)
    assert answers(panel_cerebro, panel, ask, exactbars=1)[30] == panel.close[10, 0]


@pytest.mark.parametrize("kind", ["analyzer", "observer"])
def test_returns_of_an_asset_not_listed_yet_are_not_made_up(kind, panel):
    """`TimeReturn(data=...)` reads a price at once; Backtrader gives it the one of the last day."""

    def run(make):
        cerebro = make(panel, stdstats=False)
        cerebro.addstrategy(bt.Strategy)
        if kind == "analyzer":
            cerebro.addanalyzer(bt.analyzers.TimeReturn, data=cerebro.datas[1])
        else:
            cerebro.addobserver(bt.observers.Benchmark, data=cerebro.datas[1])
        return cerebro.run()[0]

    strategy = run(vanilla_cerebro)
    if kind == "analyzer":
        first = next(iter(strategy.analyzers[0].get_analysis().values()))
        # The last close over the last open.
        assert first == panel.close[-1, 1] / panel.open[-1, 1] - 1
    with pytest.raises(IndexError, match="A01: no bar 0 bars from now, it has 0 so far"):
        run(panel_cerebro)
