"""What a strategy can see of a run, as text: two runs are the same when their lines are.

Numbers are written with `repr`, which tells apart every float, -0.0 from 0.0, NaN from a number
and an int from a float. References count from a base, because Backtrader's counters are global.
"""

from __future__ import annotations

import itertools
import re
from operator import attrgetter

import backtrader as bt

ORDER = tuple(
    "tradeid status ordtype exectype size price pricelimit plimit valid trailamount trailpercent "
    "transmit triggered simulated histnotify dteos".split()
)
ORDER_DATA = tuple(
    "dt size remsize price pricelimit plimit pclose trailamount trailpercent value comm margin "
    "pnl psize pprice p1 p2".split()
)
BIT = tuple(
    "dt size price closed opened closedvalue openedvalue closedcomm openedcomm value comm pnl "
    "psize pprice".split()
)
TRADE = tuple(
    "tradeid status size price value commission pnl pnlcomm isopen isclosed justopened baropen "
    "dtopen barclose dtclose barlen historyon".split()
)
POSITION = tuple("size price price_orig upopened upclosed adjbase updt".split())


def new_base() -> tuple[int, int]:
    """The next order and trade numbers, which are used up."""
    return next(bt.Order.refbasis), next(bt.Trade.refbasis)


def values(thing, names: tuple[str, ...]) -> str:
    """The values of some attributes, in the order of their names."""
    return repr(attrgetter(*names)(thing))


def position_line(data, position) -> str:
    # Backtrader gives a position its time only when something is traded.
    when = getattr(position, "datetime", None)
    return f"{data._name} {values(position, POSITION)} {when}"


def order_lines(order, base) -> list[str]:
    """Everything public of an order; `order` is as it was notified."""
    parent, info = order.parent, dict(order.info)
    lines = [
        f"ref={order.ref - base[0]} data={order.data._name} {order.getstatusname()} "
        f"{order.ordtypename()} {order.getordername()} alive={order.alive()} "
        f"active={order.active()} parent={parent and parent.ref - base[0]} info={plain(info)} "
        f"isbuy={order.isbuy()} len={len(order.executed)} plen={getattr(order, 'plen', None)} "
        f"comminfo={type(order.comminfo).__name__} owner={type(order.owner).__name__}",
        f"{values(order, ORDER)} p: {values(order.p, ('size', 'price', 'exectype', 'tradeid'))}",
    ]
    for name in ("created", "executed"):
        data = getattr(order, name)
        lines.append(f"{name} {values(data, ORDER_DATA)}")
        lines += [f"{name} bit {values(bit, BIT)}" for bit in data.exbits]
    if not order.alive():
        lines.append(re.sub(r"<[^>]*>|Ref: \d+", "", str(order)).replace("\n", "; "))
    return lines


def trade_lines(trade, base) -> list[str]:
    """Everything public of a trade."""
    head = f"ref={trade.ref - base[1]} data={trade.getdataname()} {bool(trade)}"
    lines = [head, values(trade, TRADE), f"opened {trade.open_datetime()}"]
    if trade.isclosed:
        lines.append(f"closed {trade.close_datetime()}")
    for entry in trade.history:
        event = dict(entry.event)
        event["order"] = event["order"].ref - base[0]
        lines.append(f"{plain(dict(entry.status))} {plain(event)} {entry.datetime()}")
    return lines


def plain(value):
    """Nested results with dicts as lists of items, so that their order counts as well."""
    if isinstance(value, dict):
        return [(repr(key), plain(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return repr(value)


def line_values(thing, prefix) -> list[str]:
    """The values of all lines of an indicator or observer, and of those inside it."""
    # Backtrader numbers the classes that it makes while running.
    name = prefix + type(thing).__name__.split("_")[0]
    out = []
    if hasattr(thing, "lines"):
        out = [f"{name}.{n} {list(line.array)!r}" for n, line in enumerate(thing.lines)]
    inner = getattr(thing, "_lineiterators", {})
    return out + [row for kind in sorted(inner) for it in inner[kind] for row in lines_of(it, name)]


def lines_of(item, name) -> list[str]:
    return line_values(item, f"{name}/") if hasattr(item, "lines") else []


class Logged(bt.Strategy):
    """Writes down every call it gets and all that it can see; subclasses `prepare` and `trade`.

    Parameters
    ----------
    base : tuple
        See :func:`new_base`.
    early : bool
        Whether to trade before all datas have their bars.
    probe : bool
        Whether to look at every position, held or not, last data first, at every bar.
    """

    params = (("base", (0, 0)), ("early", False), ("probe", False))

    def __init__(self):
        self.log: list[str] = []
        self.calls: dict[str, int] = {}
        self.prepare()

    def prepare(self):
        """Make indicators and timers."""

    def trade(self):
        """Act on a bar."""

    def note(self, kind, *parts):
        self.calls[kind] = self.calls.get(kind, 0) + 1
        self.log += [f"{kind} {part}" for part in parts]

    def start(self):
        self.note("start", len(self), self.broker.getvalue(), self.broker.startingcash)

    def note_bar(self, hook):
        broker = self.broker
        if self.p.probe:
            for data in reversed(self.datas):
                position = broker.getposition(data)
                self.note("probe", f"{position_line(data, position)} {position}")
        held = [data for data, position in broker.positions.items() if position]
        self.note(
            hook,
            f"{len(self)} {self.datetime.datetime(0)} {[len(data) for data in self.datas]}",
            f"closes {[data.close[0] for data in self.datas if len(data)]}",
            f"value={broker.getvalue()!r} cash={broker.getcash()!r} fund={broker.fundvalue!r} "
            f"shares={broker.fundshares!r} lever={broker.get_value(lever=True)!r} "
            f"mkt={broker.get_value(mkt=True)!r} leverage={broker.get_leverage()!r}",
            f"open orders {[order.ref - self.p.base[0] for order in broker.get_orders_open()]}",
            *sorted(position_line(data, broker.positions[data]) for data in held),
            *sorted(f"{data._name} {broker.get_value([data])!r}" for data in held),
        )

    def prenext(self):
        self.note_bar("prenext")
        if self.p.early:
            self.trade()

    def nextstart(self):
        self.note("nextstart", len(self))
        super().nextstart()

    def next(self):
        self.note_bar("next")
        self.trade()

    def next_open(self):
        self.note_bar("next_open")

    def notify_order(self, order):
        self.note("order", *order_lines(order, self.p.base))

    def notify_trade(self, trade):
        self.note("trade", *trade_lines(trade, self.p.base))

    def notify_cashvalue(self, cash, value):
        self.note("cashvalue", f"{cash!r} {value!r}")

    def notify_fund(self, cash, value, fundvalue, shares):
        self.note("fund", f"{cash!r} {value!r} {fundvalue!r} {shares!r}")

    def notify_timer(self, timer, when, *args, **kwargs):
        self.note("timer", f"{len(self)} {when} {args} {kwargs}")

    def stop(self):
        self.note("stop", len(self), self.broker.getvalue())


def run_lines(strategy) -> list[str]:
    """The whole of a run of one strategy: its log, its lines and its analyzers."""
    out = [*getattr(strategy, "log", [])]
    for kind, item in itertools.chain(
        (("indicator", one) for one in strategy.getindicators()),
        (("observer", one) for one in strategy.getobservers()),
    ):
        out += line_values(item, f"{kind} ")
    for name, analyzer in strategy.analyzers.getitems():
        out.append(f"analyzer {name} {plain(analyzer.get_analysis())}")
    return out
