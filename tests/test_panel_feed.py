"""The feeds show a panel as Backtrader's own feeds would show its bars."""

from __future__ import annotations

import datetime as dt

import backtrader as bt
import numpy as np
import pytest

from feeds.errors import UserError
from feeds.panel_feed import PanelFeeds
from feeds.panel_line import Clock
from strategies.execution.cerebro import PanelCerebro
from tests.engine_case import add_panel_to, make_account

NAN = np.nan
FIELDS = ("open", "high", "low", "close", "volume")


@pytest.fixture
def holed(make_panel):
    """Three assets: whole; listed on the third day; with a hole of two days."""
    close = np.array(
        [[1.0, NAN, 10.0], [2.0, NAN, NAN], [3.0, 30.0, NAN], [4.0, 40.0, 11.0], [5.0, 50.0, 12.0]]
    )
    return make_panel(close, close * 1.5)


@pytest.fixture
def feeds(holed):
    clock = Clock(holed.dates)
    return clock, PanelFeeds(holed, clock)


def test_line_zero_is_the_latest_bar_and_minus_one_the_bar_before(feeds):
    clock, (whole, _, hole) = feeds
    clock.row = 2
    assert (whole.close[0], whole.close[-1], whole.open[0]) == (3.0, 2.0, 4.5)
    assert (hole.close[0], len(hole)) == (10.0, 1), "no bar since the first"
    clock.row = 3
    assert (hole.close[0], hole.close[-1], len(hole)) == (11.0, 10.0, 2)


def test_every_alias_of_a_line_is_the_feeds_own(feeds):
    clock, (whole, late, _) = feeds
    clock.row = 4
    for feed, price in ((whole, 5.0), (late, 50.0)):
        assert feed[0] == feed.line[0] == feed.lines[0][0] == feed.l.close[0] == price
        assert feed.line0[0] == feed.line_0[0] == feed.lines.close[0] == price
        assert feed.high[0] == feed.line2[0] == price * 1.5


def test_before_its_first_bar_an_asset_shows_nothing(feeds):
    clock, (whole, late, _) = feeds
    clock.row = 1
    assert len(late) == 0
    for read in (
        lambda: late.close[0],
        lambda: late.close[-1],
        lambda: late.close.get(size=1),
        lambda: late.datetime[0],
        lambda: late.datetime.date(0),
        lambda: late.datetime.datetime(),
        lambda: late.datetime.time(),
    ):
        with pytest.raises(IndexError, match="A01: .*has 0 so far"):
            read()
    with pytest.raises(IndexError, match="A00: no bar -2 bars from now, it has 2 so far"):
        whole.close[-2]


def test_before_the_first_row_nothing_is_known(feeds):
    _, (whole, _, _) = feeds
    assert len(whole) == 0
    with pytest.raises(IndexError):
        whole.close[0]


def test_get_returns_bars_oldest_first_and_refuses_to_wrap_round(feeds):
    clock, (whole, _, hole) = feeds
    clock.row = 3
    assert whole.close.get(size=3).tolist() == [2.0, 3.0, 4.0]
    assert whole.close.get(ago=-1, size=2).tolist() == [2.0, 3.0]
    assert hole.get(size=2).tolist() == [10.0, 11.0]
    with pytest.raises(IndexError, match="A02: 3 bars asked for, it has 2 so far"):
        hole.close.get(size=3)


def test_dates_are_those_of_the_assets_own_bars(feeds):
    clock, (_, late, hole) = feeds
    clock.row = 4
    assert late.datetime.date(0) == dt.date(2020, 1, 5)
    assert hole.datetime.date(-2) == dt.date(2020, 1, 1)
    assert hole.datetime.datetime(-1) == dt.datetime(2020, 1, 4)
    assert hole.datetime.time(0) == dt.time(0, 0)
    clock.row = 2
    assert hole.datetime.date(0) == dt.date(2020, 1, 1)


def test_buffer_length_counts_bars_only(feeds):
    _, listed = feeds
    assert [feed.buflen() for feed in listed] == [5, 3, 3]


class Reader(bt.Strategy):
    """Writes down all that a strategy can read of its feeds at every bar."""

    def __init__(self):
        self.seen = []
        self.averages = [bt.ind.SMA(data.close, period=2) for data in self.datas]

    def _getminperstatus(self):
        self._minperstatus = -1
        return -1

    def prenext(self):
        self.next()

    def next(self):
        for data, average in zip(self.datas, self.averages, strict=True):
            bars = len(data)
            bar = [getattr(data, name)[0] for name in FIELDS if bars]
            day = data.datetime.date(0) if bars else None
            window = list(data.close.get(size=bars)) if bars else []
            mean = average[0] if bars >= 2 else None
            self.seen.append((self.datetime.date(0), data._name, bars, day, bar, window, mean))


@pytest.mark.parametrize("runonce", [True, False])
def test_a_strategy_reads_what_pandas_feeds_show_it(make_panel, runonce):
    rng = np.random.default_rng(3)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (30, 4)), axis=0))
    close[:7, 1] = NAN
    close[12:15, 2] = NAN
    close[25:, 3] = NAN
    panel = make_panel(close, close * np.exp(rng.normal(0, 0.01, close.shape)))
    vanilla = bt.Cerebro(stdstats=False)
    add_panel_to(vanilla, panel)
    vanilla.addstrategy(Reader)
    ours = PanelCerebro(panel, make_account(panel))
    ours.addstrategy(Reader)
    seen = ours.run(runonce=runonce)[0].seen
    assert len(seen) == 30 * 4
    assert seen == vanilla.run()[0].seen


def test_feeds_can_be_found_by_name_and_keep_the_panels_order(holed):
    cerebro = PanelCerebro(holed, make_account(holed))
    assert [data._name for data in cerebro.datas] == ["A00", "A01", "A02"]
    assert cerebro.datasbyname["A02"].column == 2


def test_a_feed_of_another_clock_is_refused_with_a_remedy(holed):
    cerebro = PanelCerebro(holed, make_account(holed))
    with pytest.raises(UserError, match="'AAPL' runs on another clock.*\nput its bars"):
        cerebro.adddata(bt.feeds.DataBase(), name="AAPL")
