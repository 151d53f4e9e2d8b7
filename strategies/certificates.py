"""Which limits cannot all hold: a proof of few limits from one that names too many."""

from __future__ import annotations

import numpy as np

from strategies.interior_point import interior_point
from strategies.optimality import KKTPoint, QuadraticProgram, approach, polish

__all__ = ["least_conflict"]

#: Share of the largest weight from which on a limit takes part.
_TAKES_PART = 1e-6
#: Violation up to which the shorter proof is trusted.
_PROVED = 1e-8


def least_conflict(program: QuadraticProgram, loose: KKTPoint) -> tuple[np.ndarray, np.ndarray]:
    """Weights of limits that prove a contradiction, with the least sum for what they prove.

    Parameters
    ----------
    program : QuadraticProgram
        Infeasible.
    loose : KKTPoint
        Its multipliers prove so (Farkas). An interior-point method stops at any proof, in
        which limits that could well hold have small weights of their own.

    Returns
    -------
    rows, bounds : (m,), (n,) float arrays
        Above zero for an upper limit, below for a lower one, the largest 1 in size; mostly
        zeros. Of no more than n + 1 limits where the proof is the only one of its sum.

    Notes
    -----
    The linear program ``min sum(v)``, ``M'v = 0``, ``h'v = -1``, ``v >= 0`` over the limits
    ``Mx <= h`` of the loose proof.
    """
    weights = np.concatenate([loose.rows, loose.bounds])
    weights = weights / np.abs(weights).max()
    part = np.flatnonzero(np.abs(weights) > _TAKES_PART)
    sign = np.sign(weights[part])
    upper = np.concatenate([program.upper, program.at_most])[part]
    lower = np.concatenate([program.lower, program.at_least])[part]
    limit = np.where(sign > 0, upper, -lower)
    every = np.vstack([program.A, np.eye(len(program.q))])
    least = _least_sum(sign * every[part].T, limit / (np.abs(limit).max() or 1.0))
    found = np.zeros(len(weights))
    found[part] = weights[part] if least is None else sign * least
    found /= np.abs(found).max()
    found[np.abs(found) <= _TAKES_PART] = 0.0
    return found[: len(loose.rows)], found[len(loose.rows) :]


def _least_sum(matrix: np.ndarray, limit: np.ndarray) -> np.ndarray | None:
    """The least sum of v >= 0 with ``matrix v = 0`` and ``limit v = -1``."""
    count = len(limit)
    wanted = np.append(np.zeros(len(matrix)), -1.0)
    program = QuadraticProgram(
        np.zeros(count),
        np.ones(count),
        np.vstack([matrix, limit]),
        wanted,
        wanted,
        np.zeros(count),
        np.full(count, np.inf),
    )
    status, point = interior_point(program)
    if status != "point":
        return None
    best, violation = polish(program, point)
    if violation > _PROVED:
        best, violation = approach(program, best)
    return best.x if violation <= _PROVED and best.x.any() else None
