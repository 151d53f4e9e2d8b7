"""Vanilla Backtrader: one PandasData feed an asset, and the strategy of our general lane."""

from __future__ import annotations

from collections.abc import Callable

import backtrader as bt
import pandas as pd

from benchmarks.contest import Engine, Outcome
from benchmarks.panels import CASH, COMMISSION_BPS, SLIPPAGE_BPS, Case
from benchmarks.rotation import Rotation, plan_of

__all__ = ["VANILLA", "frames_of", "run_vanilla"]

_FIELDS = ("open", "high", "low", "close", "volume")


def frames_of(case: Case) -> dict[str, pd.DataFrame]:
    """One frame of bars an asset."""
    panel = case.panel
    index = pd.DatetimeIndex(panel.dates.astype("datetime64[ns]"))
    return {
        name: pd.DataFrame({f: getattr(panel, f)[:, column] for f in _FIELDS}, index)
        for column, name in enumerate(panel.assets.tolist())
    }


def run_vanilla(
    frames: dict[str, pd.DataFrame], plan: dict, **options: bool
) -> tuple[bt.Cerebro, Rotation]:
    """One run of the ordinary strategy on plain Backtrader."""
    cerebro = bt.Cerebro(**options)
    for name, frame in frames.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=name)
    cerebro.broker.setcash(CASH)
    cerebro.broker.setcommission(commission=COMMISSION_BPS / 1e4)
    # As ours: at the open too, and not capped at the bar's high and low.
    cerebro.broker.set_slippage_perc(SLIPPAGE_BPS / 1e4, slip_open=True, slip_out=True)
    cerebro.addstrategy(Rotation, plan=plan)
    return cerebro, cerebro.run()[0]


def _prepare(**options: bool) -> Callable[[Case], Callable[[], Outcome]]:
    def prepare(case: Case) -> Callable[[], Outcome]:
        frames, plan = frames_of(case), plan_of(case)

        def run() -> Outcome:
            cerebro, strategy = run_vanilla(frames, plan, **options)
            return Outcome(cerebro.broker.getvalue(), strategy.fills)

        return run

    return prepare


VANILLA = (
    Engine(
        "vanilla",
        "Backtrader, stdstats off",
        _prepare(stdstats=False),
        "single orders, checked one by one against cash that includes short proceeds; no margin, "
        "no scaling",
        turns=1,
    ),
    Engine(
        "vanilla_defaults",
        "Backtrader, defaults",
        _prepare(),
        "as above, with one BuySell observer a feed, which is the default",
        turns=1,
    ),
)
