"""Parts of Backtrader that mislead and are not used at all, and what a bar costs."""

from __future__ import annotations

import ast
from pathlib import Path

import backtrader as bt
import numpy as np

from strategies.execution.cerebro import PanelCerebro
from tests.engine_case import make_account, run_vanilla

PACKAGES = ("feeds", "factors", "strategies", "analyzers", "configs", "runs")


def source_files():
    root = Path(__file__).parents[1]
    return [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]


def attributes(path):
    """Dotted names in a module's code: ``bt.analyzers.SharpeRatio``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_backtraders_analyzers_are_not_used(make_panel):
    def act(strategy, row):
        if row == 0:
            strategy.buy(strategy.datas[0], size=50)
            strategy.sell(strategy.datas[1], size=50)

    # A book of +-50 % has a gross exposure of 1; the analyzer says 0.
    vanilla = run_vanilla(
        make_panel(np.full((4, 2), 10.0)),
        act,
        prepare=lambda cerebro: cerebro.addanalyzer(bt.analyzers.GrossLeverage, _name="leverage"),
    )
    assert list(vanilla.analyzers.leverage.get_analysis().values())[-1] == 0.0
    for path in source_files():
        names = {name for name in attributes(path) if "analyzers." in name}
        assert not {name for name in names if name.startswith(("bt.", "backtrader."))}, path


def test_cerebro_plot_is_not_used():
    for path in source_files():
        assert not {name for name in attributes(path) if name.endswith("cerebro.plot")}, path
        assert "TkAgg" not in path.read_text(encoding="utf-8"), path


def test_a_bar_costs_one_assignment_however_many_assets(make_panel):
    """Plain feeds are advanced one by one; ours keep no position that a bar could change."""
    panel = make_panel(shape=(5, 40))
    cerebro = PanelCerebro(panel, make_account(panel))

    def state():
        owners = [owner for data in cerebro.datas for owner in (data, data.lines.close)]
        return [{name: id(value) for name, value in vars(owner).items()} for owner in owners]

    cerebro.clock.row = 2
    assert [data.close[0] for data in cerebro.datas] == panel.close[2].tolist()
    before = state()
    cerebro.clock.row = 3
    assert [data.close[0] for data in cerebro.datas] == panel.close[3].tolist()
    assert state() == before
