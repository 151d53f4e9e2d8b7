"""The package ``bt``: a tree of securities with one price a day."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.contest import Engine, Outcome
from benchmarks.panels import CASH, COMMISSION_BPS, SLIPPAGE_BPS, Case

__all__ = ["BT"]


def _prepare(case: Case) -> Callable[[], Outcome]:
    import bt

    panel = case.panel
    names, stamps = panel.assets.tolist(), pd.DatetimeIndex(panel.dates.astype("datetime64[ns]"))
    # bt trades and marks at one price a day: opens, and the last close as a day of its own.
    days = stamps.append(stamps[-1:] + pd.Timedelta(days=1))
    prices = pd.DataFrame(np.vstack([panel.open, panel.close[-1:]]), days, names)
    wanted = pd.DataFrame(case.weights, stamps[case.rows + 1], names)
    wanted = wanted.where(wanted != 0)
    spread = {"bidoffer": prices * (2 * SLIPPAGE_BPS / 1e4)}

    def commission(quantity: float, price: float) -> float:
        return abs(quantity) * price * (COMMISSION_BPS / 1e4)

    def run() -> Outcome:
        algos = [bt.algos.WeighTarget(wanted), bt.algos.Rebalance()]
        test = bt.Backtest(
            bt.Strategy("rotation", algos),
            prices,
            initial_capital=CASH,
            commissions=commission,
            integer_positions=False,
            additional_data=spread,
            progress_bar=False,
        )
        test.run()
        fills = sum(
            int(np.count_nonzero(np.diff(child.positions.to_numpy(), prepend=0.0)))
            for child in test.strategy.securities
        )
        return Outcome(float(test.strategy.value), fills)

    return run


BT = Engine(
    "bt",
    "bt",
    _prepare,
    "one price a day, so that it sizes at the open it fills at and marks days at opens; costs "
    "come out of each target; no limit on cash, no margin",
    needs=("bt",),
    turns=3,
)
