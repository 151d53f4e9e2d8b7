"""The same script on `bt.Cerebro` with ordinary feeds and on `PanelCerebro` over the panel."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import backtrader as bt
import numpy as np
import pytest

from feeds.panel import Panel
from strategies.execution.cerebro import PanelCerebro
from tests.engine_case import add_panel_to
from tests.ordinary.record import new_base, run_lines


@dataclass
class Outcome:
    """One run: the strategies as they were returned, and all that could be seen."""

    cerebro: bt.Cerebro
    strategies: list
    lines: list[str]

    def calls(self, kind: str) -> int:
        return sum(one.calls.get(kind, 0) for one in self.strategies)

    def count(self, text: str) -> int:
        return sum(text in line for line in self.lines)


def vanilla_cerebro(panel: Panel, **params) -> bt.Cerebro:
    cerebro = bt.Cerebro(**params)
    add_panel_to(cerebro, panel)
    return cerebro


def panel_cerebro(panel: Panel, **params) -> bt.Cerebro:
    return PanelCerebro(panel, **params)


def run_one(cerebro, build: Callable, run: dict | None = None) -> Outcome:
    """Build a script on a Cerebro and run it; `build(cerebro, base)` adds what it consists of."""
    base = new_base()
    build(cerebro, base)
    results = cerebro.run(**(run or {}))
    strategies = [one for item in results for one in (item if isinstance(item, list) else [item])]
    lines = [f"strategies {[type(one).__name__ for one in strategies]}"]
    for strategy in strategies:
        lines += run_lines(strategy) if hasattr(strategy, "getindicators") else _kept(strategy)
    broker = cerebro.broker
    lines.append(f"end {broker.getvalue()!r} {broker.getcash()!r} {broker.startingcash!r}")
    # Where Backtrader keeps few bars it keeps them as NumPy's numbers.
    lines = [re.sub(r"np\.float64\(([^)]*)\)", r"\1", line) for line in lines]
    return Outcome(cerebro, strategies, lines)


def run_both(panel: Panel, build: Callable, run: dict | None = None, **params) -> Outcome:
    """Run on both engines, require that nothing differs, and return the vanilla run."""
    vanilla = run_one(vanilla_cerebro(panel, **params), build, run)
    ours = run_one(panel_cerebro(panel, **params), build, run)
    assert_same(vanilla.lines, ours.lines)
    return vanilla


def assert_same(expected: list[str], found: list[str]) -> None:
    """Fail at the first line that differs, with the lines before it."""
    for number, (one, other) in enumerate(zip(expected, found)):
        if one != other:
            before = "\n  ".join(expected[max(0, number - 3) : number])
            raise AssertionError(f"after\n  {before}\nvanilla: {one}\nours:    {other}")
    assert len(expected) == len(found), (expected + found)[min(len(expected), len(found)) :][:3]


def adding(strategy, **given) -> Callable:
    """A script of one strategy."""

    def build(cerebro, base):
        cerebro.addstrategy(strategy, base=base, **given)

    return build


def _kept(result) -> list[str]:
    """What is left of a strategy of an optimisation: parameters and analyzers."""
    values = {name: value for name, value in result.p._getkwargs().items() if name != "base"}
    return [f"{type(result).__name__} {values}"] + [
        f"{name} {one.get_analysis()!r}" for name, one in result.analyzers.getitems()
    ]


def bars(make_panel, shape=(60, 4), *, seed=5, late=(), ended=(), holed=(), **fields) -> Panel:
    """A panel with wide bars; ``late`` and ``ended`` are (column, row) pairs.

    `holed` columns lack about a sixth of their bars. Volume is a few hundred units, so that
    volume fillers bind.
    """
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.025, shape), axis=0))
    open = close * np.exp(rng.normal(0.0, 0.012, shape))
    high = np.maximum(open, close) * np.exp(np.abs(rng.normal(0.0, 0.01, shape)))
    low = np.minimum(open, close) * np.exp(-np.abs(rng.normal(0.0, 0.01, shape)))
    volume = np.floor(rng.uniform(40, 900, shape))
    missing = np.zeros(shape, dtype=bool)
    for column, row in late:
        missing[:row, column] = True
    for column, row in ended:
        missing[row:, column] = True
    for column in holed:
        missing[:, column] |= rng.random(shape[0]) < 1 / 6
    # A session on which nothing trades has no row in Backtrader.
    missing[missing.all(axis=1), 0] = False
    for values in (open, high, low, close, volume):
        values[missing] = np.nan
    return make_panel(close, open, high=high, low=low, volume=volume, **fields)


def whole(make_panel, **more) -> Panel:
    return bars(make_panel, **more)


def gaps(make_panel, **more) -> Panel:
    """Late, ended and holed assets; the first is whole."""
    return bars(
        make_panel, late=[(1, 7)], ended=[(2, 43)], holed=[3], seed=11, calendar="XNYS", **more
    )


PANELS = {"whole": whole, "late, ended and holed": gaps}
#: For `pytest.fixture(params=...)`: gaps are what can go wrong, so they are tried first.
#: A second and third of the same kind: run by make test-exhaustive.
EXHAUSTIVE = (pytest.mark.slow, pytest.mark.exhaustive)
PANEL_NAMES = ["late, ended and holed", pytest.param("whole", marks=EXHAUSTIVE)]
