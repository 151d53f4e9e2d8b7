"""Ten scripts of different kinds, as a user of Backtrader might write them."""

from __future__ import annotations

import datetime as dt

import backtrader as bt

from tests.ordinary.record import Logged


class Cross(Logged):
    """Simple averages that cross, all in and all out."""

    def prepare(self):
        pairs = [(bt.ind.SMA(data, period=4), bt.ind.SMA(data, period=11)) for data in self.datas]
        self.cross = [bt.ind.CrossOver(fast, slow) for fast, slow in pairs]

    def trade(self):
        for data, cross in zip(self.datas, self.cross):
            if cross > 0 and not self.getposition(data):
                self.buy(data=data, size=10)
            elif cross < 0 and self.getposition(data):
                self.close(data=data)


class SlowRsi(Logged):
    """An indicator with a long warm-up, and a sizer of its own."""

    def prepare(self):
        self.rsi = bt.ind.RSI(self.data, period=40, safediv=True)
        self.trend = bt.ind.EMA(self.data1, period=21)

    def trade(self):
        if self.rsi < 48 and not self.position:
            self.buy(exectype=bt.Order.Market, info_text="cheap", number=len(self))
        elif self.rsi > 52 and self.position:
            self.sell(size=self.position.size)
        if self.data1.close[0] < self.trend[0]:
            self.order_target_size(self.data1, target=3)


class Pairs(Logged):
    """Two assets against each other, both ways."""

    def prepare(self):
        self.spread = bt.ind.BollingerBands(self.data0.close, period=8, devfactor=1.0)
        self.other = bt.ind.BollingerBands(self.data1.close, period=8, devfactor=1.0)

    def trade(self):
        z = (self.data0.close[0] - self.spread.mid[0]) / self.spread.mid[0]
        z -= (self.data1.close[0] - self.other.mid[0]) / self.other.mid[0]
        size = int(-z * 300)
        self.order_target_size(self.data0, target=size)
        self.order_target_size(self.data1, target=-size)


class Rotation(Logged):
    """The two best of the last bars, by percent, value and size in turn."""

    def trade(self):
        if len(self) % 7:
            return
        with_bars = [data for data in self.datas if len(data) > 6]
        with_bars.sort(key=lambda data: data.close[0] / data.close[-6], reverse=True)
        for data in with_bars[2:]:
            self.order_target_percent(data, target=0.0)
        for rank, data in enumerate(with_bars[:2]):
            if len(self) % 2:
                self.order_target_percent(data, target=0.45)
            elif rank:
                self.order_target_value(data, target=3000.0)
            else:
                self.order_target_size(data, target=-12)


class Counting(Logged):
    """Trades off its own notifications: two losses in a row stop it for a while."""

    def prepare(self):
        self.losses, self.pause, self.ordered = 0, 0, {}

    def notify_order(self, order):
        super().notify_order(order)
        if not order.alive():
            self.ordered[order.data._name] = None

    def notify_trade(self, trade):
        super().notify_trade(trade)
        if trade.isclosed:
            self.losses = self.losses + 1 if trade.pnlcomm < 0 else 0
            if self.losses == 2:
                self.pause, self.losses = 6, 0

    def trade(self):
        self.pause -= 1
        for data in self.datas:
            if self.ordered.get(data._name) is not None or self.pause > 0 or len(data) < 3:
                continue
            if not self.getposition(data).size and data.close[0] > data.close[-1]:
                self.ordered[data._name] = self.buy(data, size=4)
            elif self.getposition(data).size and data.close[0] < data.close[-2]:
                self.ordered[data._name] = self.close(data)


class GuardedByLength(Logged):
    """Does not wait for the late asset: it asks each data how many bars it has."""

    def prepare(self):
        self.averages = [bt.ind.SMA(data, period=5) for data in self.datas]

    def trade(self):
        for data, average in zip(self.datas, self.averages):
            if len(data) < 5:
                continue
            if data.close[0] > average[0] and data.datetime.date(0) == self.datetime.date(0):
                self.order_target_percent(data, target=0.2)
            else:
                self.order_target_percent(data, target=-0.05)


class Delays(Logged):
    """Lines minus lines, delays, logic of lines, indicators of indicators, and named lines."""

    def prepare(self):
        close = self.data0.close
        self.change = close - close(-1)
        self.ratio = self.data0.high / self.data0.low(-2)
        self.up = bt.And(close > close(-1), self.data0.volume > 100)
        self.smooth = bt.ind.EMA(bt.ind.SMA(self.change, period=3), period=4)
        self.top = bt.ind.Highest(bt.ind.ATR(self.data0, period=5), period=3)
        self.mixed = bt.Max(close, self.data0.open, self.ratio)

    def trade(self):
        self.note("lines", repr([self.change[0], self.change[-1], self.smooth[0], self.up[0]]))
        self.note("window", repr(self.data0.close.get(size=5)), repr(self.data0.get(ago=-1)))
        if self.up[0] and self.smooth[0] > 0:
            self.buy(self.data0, size=1 + int(self.top[0]))
        elif self.position and self.mixed[0] > self.data0.close[0]:
            self.close(self.data0)


class ManyIndicators(Logged):
    """A wide set of the indicators that Backtrader ships."""

    def prepare(self):
        data = self.data0
        for kind in (
            bt.ind.MACD, bt.ind.Stochastic, bt.ind.ATR, bt.ind.CCI, bt.ind.ADX,
            bt.ind.WilliamsR, bt.ind.ParabolicSAR, bt.ind.AroonOscillator,
            bt.ind.UltimateOscillator, bt.ind.DPO, bt.ind.Momentum, bt.ind.KAMA,
            bt.ind.ZLEMA, bt.ind.HMA, bt.ind.WMA, bt.ind.Vortex,
            bt.ind.HeikinAshi, bt.ind.LaguerreRSI, bt.ind.PivotPoint, bt.ind.StdDev,
            bt.ind.BollingerBandsPct, bt.ind.PrettyGoodOscillator,
        ):  # fmt: skip
            kind(data)
        self.change = bt.ind.PctChange(self.data1, period=3)

    def trade(self):
        if self.change[0] > 0:
            self.buy(self.data1, size=1)


class Weekly(Logged):
    """Timers of the strategy's own, ordinary and cheating, by weekday and by day of the month."""

    def prepare(self):
        start, end = bt.timer.SESSION_START, bt.timer.SESSION_END
        self.add_timer(when=start, weekdays=[1, 4], weekcarry=True)
        self.add_timer(when=end, monthdays=[1, 15], monthcarry=True)
        self.add_timer(when=start, cheat=True, weekdays=[3], rebalance="yes")
        self.add_timer(when=dt.time(0, 0), allow=lambda day: day.day % 2 == 0)

    def notify_timer(self, timer, when, *args, **kwargs):
        super().notify_timer(timer, when, *args, **kwargs)
        if kwargs and len(self.data0) and not self.getposition(self.data0):
            self.buy(self.data0, size=5)
        elif self.getposition(self.data0):
            self.close(self.data0)


class Ids(Logged):
    """Several trades of one asset at a time, by trade id."""

    def trade(self):
        number = len(self) % 3
        if len(self) % 2:
            self.buy(self.data0, size=1 + number, tradeid=number)
        else:
            self.sell(self.data0, size=1 + number, tradeid=number)
