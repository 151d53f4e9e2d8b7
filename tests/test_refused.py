"""What a panel cannot serve is refused by name, with a remedy, at the latest when a run starts."""

from __future__ import annotations

import backtrader as bt
import pandas as pd
import pytest

from feeds.errors import UserError
from strategies.execution.cerebro import PanelCerebro
from tests.engine_case import make_account

Weeks = bt.TimeFrame.Weeks


class Buying(bt.Strategy):
    def next(self):
        self.buy(size=1)


@pytest.fixture
def panel(make_panel):
    return make_panel(shape=(12, 2))


@pytest.fixture
def cerebro(panel):
    cerebro = PanelCerebro(panel)
    cerebro.addstrategy(Buying)
    return cerebro


def other_feed():
    index = pd.date_range("2020-01-01", periods=5)
    columns = ("open", "high", "low", "close", "volume")
    return bt.feeds.PandasData(dataname=pd.DataFrame(dict.fromkeys(columns, 1.0), index))


def foreign(cerebro):
    cerebro.adddata(other_feed(), name="AAPL")


def foreign_without_a_name(cerebro):
    cerebro.adddata(other_feed())


def twice(cerebro):
    cerebro.adddata(cerebro.datas[0])


def feed_of_another_panel(cerebro):
    cerebro.adddata(PanelCerebro(cerebro.panel).datas[1])


def resampled(cerebro):
    cerebro.resampledata(other_feed(), timeframe=Weeks)


def resampled_panel_feed(cerebro):
    cerebro.resampledata(cerebro.datas[0], timeframe=Weeks)


def resampled_by_the_feed(cerebro):
    cerebro.datas[0].resample(timeframe=Weeks)


def replayed(cerebro):
    cerebro.replaydata(other_feed(), timeframe=Weeks)


def replayed_panel_feed(cerebro):
    cerebro.replaydata(cerebro.datas[0], timeframe=Weeks)


def replayed_by_the_feed(cerebro):
    cerebro.datas[0].replay(timeframe=Weeks)


def filtered(cerebro):
    cerebro.datas[0].addfilter(bt.filters.HeikinAshi)


def filtered_simply(cerebro):
    cerebro.datas[1].addfilter_simple(lambda data: False)


def chained(cerebro):
    cerebro.chaindata(other_feed(), other_feed(), name="chained")


def chained_panel_feeds(cerebro):
    cerebro.chaindata(*cerebro.datas, name="chained")


def rolled_over(cerebro):
    cerebro.rolloverdata(other_feed(), other_feed(), name="rolled")


def live(cerebro):
    cerebro.p.live = True


def cheat_on_close(cerebro):
    cerebro.broker.set_coc(True)


def cheat_on_close_as_parameter(cerebro):
    cerebro.broker.p.coc = True


def another_broker(cerebro):
    cerebro.broker = bt.brokers.BackBroker(cash=5.0)


def another_broker_set(cerebro):
    cerebro.setbroker(bt.brokers.BackBroker(coc=True))


def old_synchronisation(cerebro):
    cerebro.p.oldsync = True


#: What is asked for, and what the refusal must name.
REFUSED = {
    foreign: "AAPL",
    foreign_without_a_name: "PandasData",
    twice: "A00",
    feed_of_another_panel: "A01",
    resampled: "resampling",
    resampled_panel_feed: "resampl",
    resampled_by_the_feed: "resampl",
    replayed: "replaying",
    replayed_panel_feed: "replay",
    replayed_by_the_feed: "replay",
    filtered: "filter",
    filtered_simply: "filter",
    chained: "chained",
    chained_panel_feeds: "chained",
    rolled_over: "rolled",
    live: "live",
    cheat_on_close: "cheat-on-close",
    cheat_on_close_as_parameter: "cheat-on-close",
    another_broker: "BackBroker",
    another_broker_set: "BackBroker",
    old_synchronisation: "oldsync",
}


def check_words(error: UserError, name: str) -> None:
    """The thing is named, there is a remedy, and it all fits on three lines."""
    assert name in error.problem, str(error)
    assert error.remedy and str(error).count("\n") <= 2


@pytest.mark.parametrize("ask", list(REFUSED), ids=lambda ask: ask.__name__)
def test_refused_over_a_panel(ask, cerebro):
    with pytest.raises(UserError) as caught:
        ask(cerebro)
        cerebro.run()
    check_words(caught.value, REFUSED[ask])


@pytest.mark.parametrize(
    ("how", "name"), [({"live": True}, "live"), ({"oldsync": True}, "oldsync")], ids=str
)
def test_refused_when_asked_of_run(how, name, cerebro):
    with pytest.raises(UserError) as caught:
        cerebro.run(**how)
    check_words(caught.value, name)


@pytest.mark.parametrize("how", [{"live": True}, {"oldsync": True}], ids=str)
def test_refused_when_asked_of_the_class(how, panel):
    cerebro = PanelCerebro(panel, **how)
    with pytest.raises(UserError):
        cerebro.run()


def test_nothing_has_run_when_something_is_refused(cerebro):
    class Never(bt.Strategy):
        def __init__(self):
            raise AssertionError("made although the run is refused")

    cerebro.addstrategy(Never)
    cerebro.broker.set_coc(True)
    with pytest.raises(UserError):
        cerebro.run()


def test_a_refusal_can_be_put_right_and_the_script_run(cerebro):
    cerebro.broker.set_coc(True)
    with pytest.raises(UserError):
        cerebro.run()
    cerebro.broker.set_coc(False)
    # 11 of the 12 bars: the order of the last one is still waiting.
    assert cerebro.run()[0].position.size == 11


def test_single_orders_are_refused_where_plans_are_traded(panel):
    cerebro = PanelCerebro(panel, make_account(panel))
    cerebro.addstrategy(Buying)
    with pytest.raises(UserError) as caught:
        cerebro.run()
    check_words(caught.value, "A00")


def test_an_index_before_the_first_bar_is_refused_by_the_name_of_the_asset(make_panel):
    close = [[1.0, float("nan")], [2.0, float("nan")], [3.0, 30.0]]
    cerebro = PanelCerebro(make_panel(close, close))

    class Early(bt.Strategy):
        def prenext(self):
            for read in (lambda: self.data1.close[0], lambda: self.data0.close[-len(self)]):
                with pytest.raises(IndexError, match="A0[01]: no bar"):
                    read()
            with pytest.raises(IndexError, match="A00: 3 bars asked for, it has [12] so far"):
                self.data0.close.get(size=3)
            with pytest.raises(IndexError, match="A01: no bar 0 bars from now, it has 0 so far"):
                self.buy(self.data1, size=1)

        def next(self):
            assert self.data1.close[0] == 30.0

    cerebro.addstrategy(Early)
    assert len(cerebro.run()[0]) == 3
