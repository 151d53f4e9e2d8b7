"""Differential: the same plans give plain Backtrader's fills, cash and values.

Each case goes through plain Backtrader (single orders on ordinary feeds), through a ledger of
plain arithmetic, and through every lane. `docs/proofs.md` says what is compared and why the
limits are opened for it; where we mean to differ is in `test_intended_differences.py`.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from strategies.execution.basket import Limits
from strategies.execution.cerebro import PanelCerebro
from tests.engine_case import Script, events_of
from tests.engine_case import run_vanilla as run_script
from tests.vanilla_case import Case, capped_cases, cases, keep_ledger
from tests.vanilla_runs import (
    Listener,
    Sleeper,
    journal_bytes,
    run_general,
    run_plans,
    run_vanilla,
)


def flat_fills(account):
    rows = []
    for row, _, _, column, size, price, _, commission in account.journal.fills:
        names = account.panel.assets[column].tolist()
        numbers = (size.tolist(), price.tolist(), commission.tolist())
        rows += [(row, *ticket) for ticket in zip(names, *numbers, strict=True)]
    return rows


def assert_same_rows(ours, theirs, atol=1e-9):
    """The same (row, asset), and the same numbers after them to 1e-9."""
    ours, theirs = sorted(ours), sorted(theirs)
    assert [line[:2] for line in ours] == [line[:2] for line in theirs]
    if ours:
        numbers = [line[2:] for line in ours], [line[2:] for line in theirs]
        np.testing.assert_allclose(*numbers, rtol=1e-9, atol=atol)


def assert_agrees(strategy, account, witness_fills, closes):
    """Fills, and what the strategy saw of cash and value on each bar."""
    assert_same_rows(flat_fills(account), witness_fills)
    seen = [(cash, value) for _, cash, value in strategy.seen]
    np.testing.assert_allclose(seen, closes, rtol=1e-9, atol=1e-9)


def compare(case, tally):
    """One case through every witness; what it was like goes into `tally`."""
    vanilla, ledger = run_vanilla(case), keep_ledger(case)
    general = run_general(case)
    assert general.seen == vanilla.seen and general.events == vanilla.events, "not one bit differs"
    awake, stepped = run_plans(case, Listener)
    asleep, settled = run_plans(case, Sleeper)
    assert journal_bytes(settled) == journal_bytes(stepped), "the lanes are the same to the bit"
    by_row = {row: rest for row, *rest in awake.seen}
    assert all(by_row[row] == rest for row, *rest in asleep.seen), "and so is what is seen"
    assert sorted(awake.fills) == sorted(flat_fills(stepped)), "what is told is what was done"
    assert_agrees(awake, stepped, ledger.fills, ledger.closes)
    cancelled = [(row, case.panel.assets[at]) for row, at in events_of(stepped, "cancelled")]
    assert sorted(cancelled) == sorted(ledger.cancelled)
    compare_limits(case, settled, ledger, tally)
    if vanilla.refused:
        tally["refused by vanilla"] += 1
        return
    assert_agrees(awake, stepped, vanilla.fills, [seen[1:] for seen in vanilla.seen])
    assert_same_rows(awake.closed, vanilla.closed, atol=1e-6)
    assert sorted(vanilla.cancelled) == sorted(ledger.cancelled)
    count(case, ledger, tally)


def compare_limits(case, opened, ledger, tally):
    """The usual limits change nothing, unless the ledger finds them broken: then they scale."""
    _, limited = run_plans(case, Sleeper, Limits())
    scaled = [row for row, _ in events_of(limited, "scaled")]
    assert scaled[:1] == list(ledger.beyond[:1])
    if not scaled:
        # All but the maintenance margin that is reported.
        assert journal_bytes(limited) | {"margin": 0} == journal_bytes(opened) | {"margin": 0}
        tally["within the usual limits"] += 1


def count(case, ledger, tally):
    """What a case that vanilla fills whole was like."""
    if not ledger.fills:
        tally["nothing to trade"] += 1
        return
    age, has_bar = case.panel.age, case.panel.tradable
    held = np.array([fill[2] for fill in ledger.fills])
    tally["whole"] += 1
    tally["fills"] += len(ledger.fills)
    tally["late assets"] += bool((age[0] < 0).any())
    tally["dead assets"] += bool((age[-1] > 0).any())
    tally["holes"] += bool(((age > 0) & ~(np.cumsum(has_bar[::-1], 0)[::-1] == 0)).any())
    tally["short"] += bool((held < 0).any() and not ledger_is_long(case))
    tally["filled in parts"] += bool(ledger.parts)
    tally["tickets that waited"] += bool(ledger.waited)
    tally["tickets cancelled"] += bool(ledger.cancelled)
    tally["at the " + case.instant] += 1
    tally["slippage"] += case.slip > 0
    tally["commission"] += max(case.bps) > 0


def ledger_is_long(case):
    return all(np.nanmin(target) >= 0 for target in case.targets.values())


def run_cases(kind, number):
    """`number` examples of a kind of case; returns the tally."""
    tally = Counter()

    @settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=kind)
    def each(case):
        compare(case, tally)

    each()
    print(f"\n{number} examples:", ", ".join(f"{key} {tally[key]}" for key in sorted(tally)))
    return tally


def both_scripts(panel, act, prepare=None):
    """A script of one function on the general lane and on plain Backtrader."""
    cerebro = PanelCerebro(panel, stdstats=False)
    cerebro.broker.setcash(1000.0)
    if prepare is not None:
        prepare(cerebro)
    cerebro.addstrategy(Script, act=act)
    return cerebro.run()[0], run_script(panel, act, prepare=prepare)


def test_a_day_without_any_bar_is_none_for_a_strategy(make_panel):
    close = np.array([[10.0], [np.nan], [12.0], [13.0]])

    def act(strategy, row):
        if row == 0:
            strategy.buy(size=50)

    general, vanilla = both_scripts(make_panel(close), act)
    # Bought at 12 on the second bar, worth 50 more on the third.
    assert general.values == vanilla.values == [1000.0, 1000.0, 1050.0]
    assert general.orders == vanilla.orders


def test_a_change_of_side_paid_for_in_part_is_refused_as_in_vanilla_backtrader(make_panel):
    # Short 5,000 at 100 leaves 1.5 million. At 100 the cover and 9,000 long can be paid, at the
    # open of 130 they cannot: 650,000 for the cover, and 1,170,000 are more than the rest.
    close, open_ = np.full((5, 1), 100.0), np.full((5, 1), 100.0)
    open_[3] = 130.0
    targets = {0: np.array([-5000.0]), 2: np.array([9000.0])}
    case = Case(make_panel(close, open_), targets, "open", 1.0, (10.0, 10.0), 0.0)
    vanilla, general = run_vanilla(case), run_general(case)
    assert [fill[2] for fill in vanilla.fills] == [-5000.0, 5000.0] and vanilla.refused
    assert general.events == vanilla.events


def test_orders_of_one_bar_are_checked_one_after_the_other(make_panel):
    # With a leverage of 2, buying 100 at 10 takes 500 of 1,000 and selling them gives 500 back:
    # 250 of the second asset, for 1,250, cannot be paid.
    panel = make_panel(np.full((3, 2), 10.0))

    def act(strategy, row):
        if row == 0:
            strategy.buy(strategy.datas[0], size=100)
            strategy.sell(strategy.datas[0], size=100)
            strategy.buy(strategy.datas[1], size=250)

    def prepare(cerebro):
        cerebro.broker.setcommission(leverage=2.0)

    general, vanilla = both_scripts(panel, act, prepare)
    assert general.orders == vanilla.orders
    assert [order[1:3] for order in vanilla.orders].count(("A01", "Margin")) == 1


def test_30_plans_filled_in_parts_trade_as_in_vanilla_backtrader(make_panel):
    tally = run_cases(capped_cases(make_panel, 10, 30), 30)
    assert tally["filled in parts"] >= 15


def test_75_plans_trade_as_in_vanilla_backtrader(make_panel):
    tally = run_cases(cases(make_panel, 14, 40), 75)
    assert tally["whole"] >= 45


@pytest.mark.exhaustive
def test_500_plans_trade_as_in_vanilla_backtrader(make_panel):
    tally = run_cases(cases(make_panel), 680)
    assert tally["whole"] >= 500


@pytest.mark.exhaustive
def test_150_plans_filled_in_parts_trade_as_in_vanilla_backtrader(make_panel):
    tally = run_cases(capped_cases(make_panel), 150)
    assert tally["filled in parts"] >= 100
