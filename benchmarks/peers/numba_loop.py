"""A bare numba loop over the arrays: what the machine could do at best."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from benchmarks.contest import Engine, Outcome
from benchmarks.panels import CASH, COMMISSION_BPS, SLIPPAGE_BPS, Case

__all__ = ["NUMBA"]


def _prepare(case: Case) -> Callable[[], Outcome]:
    simulate = _compiled()
    panel = case.panel
    arguments = (panel.open, panel.close, case.rows, case.weights)

    def run() -> Outcome:
        values, fills = simulate(*arguments, CASH, COMMISSION_BPS / 1e4, SLIPPAGE_BPS / 1e4)
        return Outcome(float(values[-1]), len(fills))

    return run


@cache
def _compiled() -> Callable:
    from numba import njit

    @njit
    def simulate(opens, closes, rows, weights, cash, fee, slip):
        """(T,) values, and (F, 5) row, column, size, price and commission of the fills."""
        sessions, assets = closes.shape
        position = np.zeros(assets)
        held = np.empty(assets, dtype=np.int64)
        count = 0
        values = np.empty(sessions)
        fills = np.empty((weights.size, 5))
        filled = 0
        decision = 0
        for row in range(sessions):
            if decision < len(rows) and row == rows[decision] + 1:
                target = weights[decision]
                value = values[row - 1]
                for selling in (True, False):
                    for column in range(assets):
                        if position[column] == 0 and target[column] == 0:
                            continue
                        goal = target[column] * value / closes[row - 1, column]
                        units = goal - position[column]
                        if units == 0 or (units < 0) != selling:
                            continue
                        price = opens[row, column] * (1 + (-slip if selling else slip))
                        commission = abs(units) * price * fee
                        position[column] = goal
                        cash -= units * price + commission
                        fills[filled, 0] = row
                        fills[filled, 1] = column
                        fills[filled, 2] = units
                        fills[filled, 3] = price
                        fills[filled, 4] = commission
                        filled += 1
                count = 0
                for column in range(assets):
                    if position[column] != 0:
                        held[count] = column
                        count += 1
                decision += 1
            total = cash
            for number in range(count):
                total += position[held[number]] * closes[row, held[number]]
            values[row] = total
        return values, fills[:filled]

    return simulate


NUMBA = Engine(
    "numba",
    "bare numba loop (the limit)",
    _prepare,
    "this one strategy and these costs, written out; no limits, lots, carry, delistings or reports",
    needs=("numba",),
)
