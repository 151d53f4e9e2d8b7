"""Two lanes, one result: who listens changes what is made on the way, and no bit of the books."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from configs.load import load_config
from runs import assemble
from strategies.construction import PortfolioRules
from strategies.factor_rebalance import FactorRebalance, OrderRules, Signals
from tests.engine_case import make_account
from tests.lanes_case import (
    ATTACHED,
    LISTENING,
    FollowsBars,
    HearsOrders,
    World,
    any_world,
    count_steps,
    run_world,
)
from tests.vanilla_runs import journal_bytes


@pytest.fixture
def world(make_panel):
    """Four assets over 60 rows, decided on three of them."""
    panel = make_panel()
    score = np.array([[1.0, 2, 3, 4], [4, 3, np.nan, 1], [1, 1, 2, 1]])
    signals = Signals(np.array([5, 20, 41]), np.isfinite(score), score, score)
    portfolio = PortfolioRules(side="long_short", quantile=0.5, gross=0.9, min_breadth=2)
    return World(panel, signals, portfolio, OrderRules(), lambda: make_account(panel, cash=1e5))


# Which lane


def test_a_run_nobody_listens_to_is_woken_on_its_decisions_and_at_the_end(world, monkeypatch):
    steps = count_steps(monkeypatch)
    run_world(world)
    assert steps["rows"] == 4, "three decisions and the last row"


@pytest.mark.parametrize("kind", LISTENING, ids=lambda kind: kind.__name__)
def test_a_strategy_that_listens_is_served_bar_by_bar(world, monkeypatch, kind):
    _, settled = run_world(world)
    steps = count_steps(monkeypatch)
    strategy, stepped = run_world(world, kind)
    assert steps["rows"] == 60
    assert strategy.heard > 0
    assert journal_bytes(stepped) == journal_bytes(settled)


@pytest.mark.parametrize("name", ATTACHED)
def test_what_is_attached_and_listens_is_served_bar_by_bar(world, monkeypatch, name):
    _, settled = run_world(world)
    steps = count_steps(monkeypatch)
    _, stepped = run_world(world, prepare=ATTACHED[name])
    assert steps["rows"] == 60
    assert journal_bytes(stepped) == journal_bytes(settled)


# Any history


def test_any_history_is_the_same_on_both_lanes(make_panel):
    tally = Counter()
    for seed in range(130):
        world = any_world(make_panel, seed)
        asleep, settled = run_world(world)
        awake, stepped = run_world(world, FollowsBars)
        _, heard = run_world(world, HearsOrders)
        once = journal_bytes(settled)
        assert once == journal_bytes(stepped) == journal_bytes(heard), f"seed {seed}"
        assert [one.row for one in asleep.decisions] == [one.row for one in awake.decisions]
        tally.update({kind for _, _, kind, _ in settled.journal.events})
        tally["carry"] += bool(settled.journal.carry)
        tally["fills"] += len(settled.journal.fills)
        tally["in parts"] += world.orders.spread_over > 1
    print("\nhistories with:", ", ".join(f"{key} {tally[key]}" for key in sorted(tally)))
    kinds = ("waiting", "cancelled", "delisting", "scaled", "liquidation", "participation")
    for kind in (*kinds, "stop", "in parts", "carry"):
        assert tally[kind] >= 5, f"too few histories with {kind}"


# The bundled configurations


@pytest.mark.parametrize("name", ["backtest", "long_only", "large_caps_bitcoin", "crypto"])
def test_a_bundled_configuration_is_the_same_on_both_lanes(name, monkeypatch):
    study = assemble.prepare(load_config(f"configs/{name}.yaml"))
    asleep = assemble.execute(study, only=())
    monkeypatch.setattr(assemble, "FactorRebalance", HearsOrders)
    steps = count_steps(monkeypatch)
    awake = assemble.execute(study, only=())
    assert steps["rows"] == study.panel.shape[0]
    assert journal_bytes(awake.account) == journal_bytes(asleep.account)


def test_a_bundled_configuration_sleeps_between_its_decisions(monkeypatch):
    study = assemble.prepare(load_config("configs/large_caps_bitcoin.yaml"))
    steps = count_steps(monkeypatch)
    assert assemble.FactorRebalance is FactorRebalance
    assemble.execute(study)
    assert steps["rows"] <= len(study.signals.rows) + 1
