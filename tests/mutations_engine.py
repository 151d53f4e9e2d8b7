"""Deliberate faults in feeds, the broker of single orders, Cerebro and the lanes.

Each is (what goes wrong, file, text that it has once, text in its place, tests that notice).
"""

from __future__ import annotations

__all__ = ["FAULTS"]

BROKER = "strategies/execution/broker.py"
POSITIONS = "strategies/execution/open_positions.py"
STOCK_FILLS = "strategies/execution/stock_fills.py"
ORDERS = "strategies/execution/orders.py"
PLAN_ORDERS = "strategies/execution/plan_orders.py"
PLAN_POSITIONS = "strategies/execution/plan_positions.py"
CEREBRO = "strategies/execution/cerebro.py"
LISTENERS = "strategies/execution/listeners.py"
WARMUP = "strategies/execution/warmup.py"
LINE = "feeds/panel_line.py"

#: See `tests/mutations.py`.
FAULTS: tuple[tuple[str, ...], ...] = (
    (
        "an index before the first bar wraps round to the last",
        LINE,
        "if position < 0:",
        "if position < -9999:",
        "test_panel_feed",
    ),
    (
        "a feed with holes shows its next bar",
        LINE,
        "np.cumsum(self._has_bar, dtype=np.int32) - np.int32(1)",
        "np.cumsum(self._has_bar, dtype=np.int32)",
        "test_panel_feed",
    ),
    (
        "rows without a bar are not left out of a line",
        LINE,
        "values if self._has_bar is None else values[self._has_bar]",
        "values",
        "test_panel_feed",
    ),
    (
        "the other order of an OCO pair lives on",
        BROKER,
        "            super()._ococheck(order)\n",
        "            pass\n",
        "test_ordinary_strategies_orders",
    ),
    (
        "a bracket's children are active at once",
        ORDERS,
        "order._active = params.parent is None",
        "order._active = True",
        "test_orders",
    ),
    (
        "an order's validity lies in the past",
        ORDERS,
        "data.datetime.datetime() + valid",
        "data.datetime.datetime() - valid",
        "test_orders",
    ),
    (
        "an expired order stays in the queue",
        BROKER,
        "            if order.expire():\n",
        "            if order.expire() and order is None:\n",
        "test_ordinary_strategies_orders",
    ),
    (
        "the value is of the positions before the fills",
        BROKER,
        "    def _forget(self) -> None:\n        self._open = None\n",
        "    def _forget(self) -> None:\n        pass\n",
        "test_vanilla",
    ),
    (
        "an order that cannot be paid fills",
        BROKER,
        "paid = not opened or fill.cash >= 0.0",
        "paid = True",
        "test_vanilla",
    ),
    (
        "orders of one bar are checked as if each were alone",
        BROKER,
        "        imagined[data] += size\n",
        "",
        "test_vanilla",
    ),
    (
        "a bracket's children are never activated",
        BROKER,
        "                elif order.status == bt.Order.Completed:\n"
        "                    self._bracketize(order)\n",
        "",
        "test_ordinary_strategies_orders",
    ),
    (
        "a volume filler is passed over",
        BROKER,
        "ago is None or self.p.filler or",
        "ago is None or",
        "test_vanilla",
    ),
    (
        "a change of side closes the position only",
        STOCK_FILLS,
        "if (held > 0) == (after > 0):",
        "if held:",
        "test_vanilla",
    ),
    (
        "a scheme with interest passes for one without",
        POSITIONS,
        "scheme._creditrate == 0",
        "scheme.stocklike",
        "test_ordinary_strategies_costs",
    ),
    (
        "the broker works again after the strategies of a bar",
        CEREBRO,
        "            mode.decide(strategy, now)\n",
        "            mode.decide(strategy, now)\n            self._brokernotify()\n",
        "test_vanilla",
    ),
    (
        "a position in a hole has no value",
        POSITIONS,
        "np.flatnonzero(~panel.tradable[row, self.column])",
        "np.flatnonzero(panel.tradable[row, self.column])",
        "test_vanilla",
    ),
    (
        "positions are summed in another order",
        POSITIONS,
        "float(np.add.accumulate(values)[-1])",
        "float(np.sum(values[::-1]))",
        "test_vanilla",
    ),
    (
        "strategies are called on days without a bar",
        CEREBRO,
        "return np.flatnonzero(self.panel.tradable.any(axis=1)).tolist()",
        "return range(self.clock.rows)",
        "test_vanilla",
    ),
    (
        "next is called before every feed has begun",
        WARMUP,
        "(periods - bars).max()",
        "(periods - bars).min()",
        "test_ordinary_strategies",
    ),
    (
        "timers that cheat run after the broker",
        CEREBRO,
        "self._check_timers(runstrats, now, cheat=True)",
        "self._check_timers(runstrats, now, cheat=False)",
        "test_ordinary_strategies",
    ),
    (
        "the clock is a row behind",
        CEREBRO,
        "self.clock.row = row\n",
        "self.clock.row = max(row - 1, 0)\n",
        "test_lanes",
    ),
    (
        "the last row is slept through",
        CEREBRO,
        "sorted({everything[-1], *wake_rows(runstrats)})",
        "sorted(wake_rows(runstrats))",
        "test_lanes",
    ),
    (
        "a decision is slept through",
        CEREBRO,
        "sorted({everything[-1], *wake_rows(runstrats)})",
        "sorted({everything[-1], *list(wake_rows(runstrats))[1:]})",
        "test_lanes",
    ),
    (
        "an analyzer that follows bars is left asleep",
        LISTENERS,
        "_overrides(type(one), bt.Analyzer, _BAR_HOOKS)",
        "_overrides(type(one), bt.Analyzer, ())",
        "test_lanes",
    ),
    (
        "a hook of a subclass is left asleep",
        LISTENERS,
        "return not _overrides(own, declares, _STRATEGY_HOOKS)",
        "return True",
        "test_lanes",
    ),
    (
        "an accepted order is told twice",
        PLAN_ORDERS,
        "        order.accept()\n        self._broker.notify(order)\n",
        "        order.accept()\n"
        "        self._broker.notify(order)\n"
        "        self._broker.notify(order)\n",
        "test_plan_notifications",
    ),
    (
        "the order of a waiting ticket ends",
        PLAN_ORDERS,
        "waiting = set() if liquidated else set(self._account.waiting.tolist())",
        "waiting = set()",
        "test_plan_notifications",
    ),
    (
        "a trade's profit has the wrong sign",
        PLAN_ORDERS,
        "-closed * (price - entry)",
        "closed * (price - entry)",
        "test_plan_notifications",
    ),
    (
        "both parts of a change of side pay the whole fee",
        PLAN_ORDERS,
        "        return part, commission - part\n",
        "        return commission, commission\n",
        "test_plan_notifications",
    ),
    (
        "a fill opens what it should close, and the trade stays open",
        PLAN_POSITIONS,
        "position.update(size, price, self._date(row))",
        "position.update(abs(size), price, self._date(row))",
        "test_plan_notifications",
    ),
    (
        "a liquidation has no order",
        PLAN_ORDERS,
        "            self._liquidate()\n",
        "            pass\n",
        "test_plan_notifications",
    ),
)
