"""Ordinary strategies see the same on a panel as on Backtrader's own feeds: ways to trade.

Each runs on `bt.Cerebro` with `PandasData` feeds and on `PanelCerebro(panel)`; every
notification, bar, line, value and analyzer result is compared exactly, on whole data and on
late, ended and holed assets.
"""

from __future__ import annotations

import pytest

from tests.ordinary.engines import PANEL_NAMES, PANELS, adding, run_both
from tests.ordinary.scripts import (
    Counting,
    Cross,
    Delays,
    GuardedByLength,
    Ids,
    ManyIndicators,
    Pairs,
    Rotation,
    SlowRsi,
    Weekly,
)


@pytest.fixture(params=PANEL_NAMES)
def panel(request, make_panel):
    return PANELS[request.param](make_panel)


STRATEGIES = [
    Cross, SlowRsi, Pairs, Rotation, Counting, GuardedByLength, Delays, ManyIndicators, Weekly, Ids,
]  # fmt: skip
QUIET = (Weekly, ManyIndicators)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda one: one.__name__)
def test_nothing_differs(strategy, panel):
    early = strategy is GuardedByLength
    seen = run_both(panel, adding(strategy, early=early, probe=strategy is Rotation))
    assert seen.calls("order") > 2 and seen.calls("next") > 10
    assert seen.count("Completed Buy") and (strategy in QUIET or seen.calls("trade"))
