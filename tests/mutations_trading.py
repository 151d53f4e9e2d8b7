"""Deliberate faults between target weights and tickets: bands, budgets, parts, stops, ticks.

Each is (what goes wrong, file, text that it has once, text in its place, tests that notice).
"""

from __future__ import annotations

__all__ = ["FAULTS"]

STRATEGY = "strategies/factor_rebalance.py"
TRADING = "strategies/trading.py"
EXCLUSION = "strategies/exclusion.py"
SPREAD = "strategies/spread.py"
STOPS = "strategies/stops.py"
PENDING = "strategies/execution/pending.py"
TICKS = "strategies/execution/ticks.py"
RUNS = "runs/trading.py"

#: See `tests/mutations.py`.
FAULTS: tuple[tuple[str, ...], ...] = (
    (
        "the band keeps a change of side back",
        TRADING,
        "drifts = held * target > 0",
        "drifts = held != 0",
        "test_trading",
    ),
    (
        "beyond the band the band itself is traded",
        TRADING,
        "1.0 - rules.no_trade_band / change[far]",
        "rules.no_trade_band / change[far]",
        "test_trading",
    ),
    (
        "what has to go is traded in part",
        TRADING,
        "made = np.where(urgent | tail, made, part)",
        "made = np.where(tail, made, part)",
        "test_trading",
    ),
    (
        "the tail of an exit is never sold",
        TRADING,
        "made = np.where(urgent | tail, made, part)",
        "made = np.where(urgent, made, part)",
        "test_trading",
    ),
    (
        "exits that have to be made do not count in the budget",
        TRADING,
        "room = max(budget - first, 0.0)",
        "room = max(budget, 0.0)",
        "test_trading",
    ),
    (
        "a full exit below the minimum is left out",
        TRADING,
        "kept = exits | (worth >= least)",
        "kept = worth >= least",
        "test_trading",
    ),
    (
        "a holding that left the universe waits for its turn",
        STRATEGY,
        "urgent = (held != 0) & ~signals.eligible[number].take(column)",
        "urgent = np.zeros(len(held), dtype=bool)",
        "test_rebalance_rules",
    ),
    (
        "another class takes over what was left out",
        EXCLUSION,
        "side = (asset_class == name) & (sign * weights > 0)",
        "side = sign * weights > 0",
        "test_exclusion",
    ),
    (
        "the first part waits a session",
        SPREAD,
        "done = -(-part * self._parts // self.sessions)",
        "done = part * self._parts // self.sessions",
        "test_spread",
    ),
    (
        "a part does not make up for what is missing",
        STRATEGY,
        "spread.basket(part, account.position[column], self._lots(row, column))",
        "spread.basket(part, spread.units(part - 1), self._lots(row, column))",
        "test_spread",
    ),
    (
        "an ended series is bought on",
        STRATEGY,
        'kind == "delisting"]',
        'kind == "never"]',
        "test_spread",
    ),
    (
        "a further part reports the one before it as cancelled",
        PENDING,
        "goes_on = plan.part > 1 and one.decision_row == plan.decision_row",
        "goes_on = False",
        "test_spread",
    ),
    (
        "a stop cancels the tickets of others",
        PENDING,
        'if plan.reason != "stop":',
        "if plan.reason:",
        "test_stops",
    ),
    (
        "stops fill after what they pay for",
        PENDING,
        'plan.reason != "stop"))',
        'plan.reason == "stop"))',
        "test_rebalance_rules",
    ),
    (
        "shorts are stopped where they gain",
        STOPS,
        "return np.where(short, close >= since * (1.0 + limit), close <= since * (1.0 - limit))",
        "return close <= since * (1.0 - limit)",
        "test_stops",
    ),
    (
        "the best close outlives the position",
        STOPS,
        "            self._best[column[opened]] = np.nan\n",
        "",
        "test_stops",
    ),
    (
        "a sale moves the entry price",
        STOPS,
        "grown = ~opened & (held * size > 0)",
        "grown = ~opened",
        "test_stops",
    ),
    (
        "a window of closes looks a session ahead",
        STOPS,
        "self._panel.close[first : row + 1]",
        "self._panel.close[first : row + 2]",
        "test_stops",
    ),
    (
        "a rebalance at the close of a stop takes the asset up again",
        STOPS,
        "        barred = self._leaving.copy()\n",
        "        barred = np.zeros(len(self._leaving), dtype=bool)\n",
        "test_stops",
    ),
    (
        "the cool-off is a session short",
        STOPS,
        "(row <= self._stopped + self._rules.cool_off)",
        "(row < self._stopped + self._rules.cool_off)",
        "test_stops",
    ),
    (
        "what was stopped is sold by the rebalance, too",
        STRATEGY,
        "            traded &= ~self._watch.leaving\n",
        "            pass\n",
        "test_stops",
    ),
    (
        "ticks are rounded for the trader",
        TICKS,
        "np.where(size > 0, np.ceil(ticks), np.floor(ticks))",
        "np.where(size > 0, np.floor(ticks), np.ceil(ticks))",
        "test_ticks",
    ),
    (
        "ticks are of the adjusted price",
        TICKS,
        "self.step[column] * self.panel.adjustment_at(row, column)",
        "self.step[column]",
        "test_ticks",
    ),
    (
        "a hole in the bars covers a short",
        RUNS,
        "reached = above(floors)[rows] | ~present",
        "reached = above(floors)[rows]",
        "test_rebalance_rules",
    ),
)
