"""How far a point is from optimal, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from strategies.optimality import KKTPoint, QuadraticProgram, kkt_violation, polish


def test_the_violation_of_a_point_is_measured():
    program = QuadraticProgram(
        np.ones(1), np.array([-2.0]), np.ones((1, 1)), np.array([0.0]), np.array([1.0]),
        np.array([-np.inf]), np.array([np.inf]),
    )  # fmt: skip
    # x = 1 with multiplier 1 is optimal: 1 - 2 + 1 = 0. With none, the gradient of -1 is left;
    # at 1.5 the limit is broken by 0.5; at 0.75 a multiplier of 1 stands 0.25 from its limit.
    for x, dual, violation in ((1.0, 1.0, 0.0), (1.0, 0.0, 1.0), (1.5, 0.5, 0.5), (0.75, 1, 0.25)):
        point = KKTPoint(np.array([x]), np.array([dual], dtype=float), np.zeros(1))
        assert kkt_violation(program, point) == pytest.approx(violation, abs=1e-15)
    near = KKTPoint(np.array([0.999]), np.array([0.99]), np.zeros(1))
    best, violation = polish(program, near)
    assert best.x == pytest.approx([1.0], abs=1e-15) and violation < 1e-15
