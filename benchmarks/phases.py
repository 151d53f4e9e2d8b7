"""The stages of a factor-lane run and their own CPU time, by timers round a few functions.

A timer costs less than a microsecond a call, and there are about ten calls a decision: unlike
a profiler it leaves the proportions as they are.
"""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps

from benchmarks.lanes import LANES
from benchmarks.panels import Case
from benchmarks.tables import aligned

__all__ = ["PHASES", "measure_phases", "phase_table"]

#: What is timed: module, name in it, and what it does.
PHASES = (
    ("strategies.execution.cerebro", "PanelCerebro.__init__", "making Cerebro and the broker"),
    ("strategies.execution.cerebro", "PanelCerebro.run", "making the strategy, start and stop"),
    ("strategies.execution.cerebro", "PanelCerebro._walk", "events: clock, timers, notifications"),
    ("strategies.factor_rebalance", "FactorRebalance.next", "waking up, keeping the decision"),
    ("strategies.factor_rebalance", "FactorRebalance._basket", "weights to tickets"),
    ("strategies.execution.account", "check_plan", "checking the plan"),
    ("strategies.execution.account", "fill_basket", "fills: prices, costs, cash, margin"),
    ("strategies.execution.account", "Account._execute", "booking fills, cash and positions"),
    ("strategies.execution.account", "Account._settle", "the value of every day"),
)
_ELSE = "making the account, and the rest"


def measure_phases(case: Case, repeats: int) -> dict[str, float]:
    """Median own CPU seconds of each phase over some runs of the factor lane."""
    engine = next(engine for engine in LANES if engine.name == "factor")
    engine.prepare(case)()
    turns: list[dict[str, float]] = []
    for _ in range(repeats):
        run = engine.prepare(case)
        with _timed() as own:
            start = time.thread_time()
            run()
            whole = time.thread_time() - start
        own[_ELSE] = whole - sum(own.values())
        turns.append(own)
    return {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}


def phase_table(phases: dict[str, float], decisions: int) -> str:
    """Phases with their share, milliseconds, and microseconds a decision."""
    total = sum(phases.values())
    rows = [
        [
            name,
            f"{100 * seconds / total:.1f} %",
            f"{1e3 * seconds:.2f}",
            f"{1e6 * seconds / decisions:.1f}",
        ]
        for name, seconds in (*phases.items(), ("all", total))
    ]
    return aligned(("phase", "share", "ms", "us a decision"), rows)


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """Own seconds by phase, filled while the functions of :data:`PHASES` are replaced."""
    own = {what: 0.0 for _, _, what in PHASES}
    inner = [0.0]
    places = [_place(module, name) for module, name, _ in PHASES]
    originals = [getattr(holder, name) for holder, name in places]
    try:
        for (holder, name), function, (_, _, what) in zip(places, originals, PHASES, strict=True):
            setattr(holder, name, _timer(function, what, own, inner))
        yield own
    finally:
        for (holder, name), function in zip(places, originals, strict=True):
            setattr(holder, name, function)


def _place(module: str, name: str) -> tuple[object, str]:
    holder: object = importlib.import_module(module)
    *path, last = name.split(".")
    for part in path:
        holder = getattr(holder, part)
    return holder, last


def _timer(function, what: str, own: dict[str, float], inner: list[float]):
    """`function`, its own time added to `own`; `inner` is a stack of the time of its callees."""

    @wraps(function)
    def timed(*args, **kwargs):
        inner.append(0.0)
        start = time.thread_time()
        try:
            return function(*args, **kwargs)
        finally:
            seconds = time.thread_time() - start
            own[what] += seconds - inner.pop()
            inner[-1] += seconds

    return timed
