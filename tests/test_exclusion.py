"""Leaving assets out of target weights, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from strategies.cross_section import Target
from strategies.exclusion import exclude, without

CLASSES = np.array(["equity"] * 4 + ["crypto"])
WEIGHTS = np.array([0.4, -0.1, -0.2, -0.1, -0.2])


def left_out(*columns, cap=np.inf, spread=False):
    out = np.zeros(5, dtype=bool)
    out[list(columns)] = True
    return exclude(WEIGHTS, out, CLASSES, cap=cap, spread=spread)


def test_a_weight_left_out_stays_in_cash():
    assert left_out(1, 4).tolist() == [0.4, 0.0, -0.2, -0.1, 0.0]


def test_the_others_of_the_side_and_class_take_it_in_proportion():
    # 0.4 short in equities: without 0.1 of it, 0.2 and 0.1 are multiplied by 4 / 3.
    assert left_out(1, spread=True) == pytest.approx([0.4, 0, -0.8 / 3, -0.4 / 3, -0.2])


def test_no_other_class_takes_it():
    assert left_out(4, spread=True).tolist() == [0.4, -0.1, -0.2, -0.1, 0.0]
    assert left_out(0, spread=True).tolist() == [0.0, -0.1, -0.2, -0.1, -0.2]


def test_the_cap_holds_and_the_rest_is_cash():
    # 0.8 / 3 is cut to 0.22, the rest of 0.4 goes to the other: 0.18. With 0.15, both are at it.
    assert left_out(1, spread=True, cap=0.22)[2:4] == pytest.approx([-0.22, -0.18])
    assert left_out(1, spread=True, cap=0.15)[2:4] == pytest.approx([-0.15, -0.15])


def test_what_was_left_out_is_told_by_class():
    symbols = np.array(["C", "B", "A", "D", "BTC"])
    out = np.array([False, True, True, False, True])
    target = without(
        Target(WEIGHTS, (("", "old", "x"),)),
        out,
        symbols,
        CLASSES,
        kind="unborrowable",
        why="nothing to borrow",
        spread=False,
    )
    assert target.reports == (
        ("", "old", "x"),
        ("crypto", "unborrowable", "nothing to borrow: BTC; 0.2000 of NAV, it stays in cash"),
        ("equity", "unborrowable", "nothing to borrow: A, B; 0.3000 of NAV, it stays in cash"),
    )


def test_nothing_left_out_is_the_same_target():
    target = Target(WEIGHTS, ())
    names = np.array(["C", "B", "A", "D", "BTC"])
    none = np.zeros(5, dtype=bool)
    assert without(target, none, names, CLASSES, kind="k", why="w", spread=True) is target
