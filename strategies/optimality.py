"""Quadratic programs: how far a point is from optimal, and an exact solution of a nearby guess."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import numpy as np

__all__ = ["KKTPoint", "QuadraticProgram", "approach", "kkt_violation", "polish"]

#: Added to the diagonal of a linear system, which refinement takes back.
_RIDGE = 1e-9
_REFINEMENTS = 12
#: A system of more rows with a lesser share of entries is factored as a sparse one.
_LARGE, _SPARSE = 200, 0.2
#: Rows of a system up to which a library of linear algebra does not split it.
_SPLIT = 50
#: Charge on half the squared distance from the point before: at first, its factor from step to
#: step, from where on a step that does not help is the last one, and the most steps.
_PROXIMAL, _PROXIMAL_FALL, _PROXIMAL_LEAST, _PROXIMAL_STEPS = 1e-3, 0.5, 1e-6, 30
#: A point this near to optimal is not worked on.
_EXACT = 1e-15


@dataclass(frozen=True, eq=False)
class QuadraticProgram:
    """``min x'Px/2 + q'x`` subject to ``lower <= Ax <= upper``, ``at_least <= x <= at_most``.

    Parameters
    ----------
    P : (p, p) or (p,) float array
        Symmetric and positive semidefinite; (p,) is a diagonal. The variables after the first
        p <= n have no part in it.
    q : (n,) float array
    A : (m, n) float array
    lower, upper : (m,) float arrays
        Infinite where there is no limit; equal for an equation.
    at_least, at_most : (n,) float arrays
        Likewise for each variable.
    """

    P: np.ndarray
    q: np.ndarray
    A: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    at_least: np.ndarray
    at_most: np.ndarray

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """(n,) ``Px + q``."""
        gradient = np.array(self.q, dtype=float)
        part = x[: len(self.P)]
        gradient[: len(self.P)] += self.P * part if self.P.ndim == 1 else self.P @ part
        return gradient

    def block(self, some: np.ndarray) -> np.ndarray:
        """(k, k) rows and columns of P, zeros included, of some variables, increasing."""
        block = np.zeros((len(some), len(some)))
        inner = some[some < len(self.P)]
        part = np.diag(self.P[inner]) if self.P.ndim == 1 else self.P[np.ix_(inner, inner)]
        block[: len(inner), : len(inner)] = part
        return block


@dataclass(frozen=True, eq=False)
class KKTPoint:
    """A point with its multipliers: ``Px + q + A'rows + bounds = 0`` where it is optimal.

    Parameters
    ----------
    x : (n,) float array
    rows, bounds : (m,), (n,) float arrays
        Multipliers: above zero at an upper limit, below at a lower one, zero between.
    """

    x: np.ndarray
    rows: np.ndarray
    bounds: np.ndarray


def kkt_violation(program: QuadraticProgram, point: KKTPoint) -> float:
    """Largest violation of the Karush-Kuhn-Tucker conditions, in the units of the program.

    Zero exactly where the point is optimal. A limit and its multiplier v, y violate by
    ``|v - clip(v + y, lower, upper)|``: by what the limit is broken, and by the lesser of a
    multiplier and the distance to the limit that it belongs to.
    """
    values = program.A @ point.x
    parts = (
        program.gradient(point.x) + program.A.T @ point.rows + point.bounds,
        values - np.clip(values + point.rows, program.lower, program.upper),
        point.x - np.clip(point.x + point.bounds, program.at_least, program.at_most),
    )
    found = max(np.abs(part).max(initial=0.0) for part in parts)
    return float(found) if np.isfinite(found) else np.inf


def polish(
    program: QuadraticProgram, point: KKTPoint, *, rounds: int = 12
) -> tuple[KKTPoint, float]:
    """The exact optimum where the limits that bind at `point` are nearly the right ones.

    Parameters
    ----------
    program : QuadraticProgram
    point : KKTPoint
        From an interior-point method, which ends close to the limits but on none of them, or a
        guess.
    rounds : int
        Sets of limits that are tried.

    Returns
    -------
    KKTPoint, float
        The best point seen, `point` included, and its violation.

    Notes
    -----
    The limits that ``v + y`` lies beyond are taken to bind, the equations that are left are
    solved, and so on until nothing changes: the primal-dual active set method (Hintermueller,
    Ito, Kunisch 2002). Equations that depend on each other are solved with a small ridge and
    refined, so that of all solutions the one next to the point is found.
    """
    best, least = point, kkt_violation(program, point)
    seen: set[bytes] = set()
    for _ in range(rounds):
        if least <= _EXACT:
            break
        row_side = _side(program.A @ point.x, point.rows, program.lower, program.upper)
        bound_side = _side(point.x, point.bounds, program.at_least, program.at_most)
        key = row_side.tobytes() + bound_side.tobytes()
        if key in seen:
            break
        seen.add(key)
        point = _solved(program, point, row_side, bound_side)
        violation = kkt_violation(program, point)
        if violation < least:
            best, least = point, violation
        elif not np.isfinite(violation):
            break
    return best, least


def approach(program: QuadraticProgram, point: KKTPoint) -> tuple[KKTPoint, float]:
    """As :func:`polish`, where flat directions of the objective leave it without an answer.

    Notes
    -----
    Proximal points (Rockafellar 1976): each step polishes the program whose objective also
    charges the distance from the best point so far, which makes it strictly convex. The
    charge falls as long as it helps.
    """
    best, least = point, kkt_violation(program, point)
    given = program.block(np.arange(len(program.q)))
    charge = _PROXIMAL
    for _ in range(_PROXIMAL_STEPS):
        curved = given + charge * np.eye(len(given))
        near = replace(program, P=curved, q=program.q - charge * best.x)
        point, _ = polish(near, best)
        violation = kkt_violation(program, point)
        if violation < least:
            best, least = point, violation
        elif charge < _PROXIMAL_LEAST:
            break
        if least <= _EXACT:
            break
        charge *= _PROXIMAL_FALL
    return best, least


def _side(
    values: np.ndarray, duals: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> np.ndarray:
    """1 where the upper limit binds, -1 where the lower one does, else 0."""
    beyond = values + duals
    side = np.where(beyond > upper, 1, np.where(beyond < lower, -1, 0)).astype(np.int8)
    side[lower == upper] = 1
    return side


def _solved(
    program: QuadraticProgram, point: KKTPoint, row_side: np.ndarray, bound_side: np.ndarray
) -> KKTPoint:
    """The point that is stationary with these limits binding."""
    x = np.where(bound_side > 0, program.at_most, point.x)
    x = np.where(bound_side < 0, program.at_least, x)
    free, tight = np.flatnonzero(bound_side == 0), np.flatnonzero(row_side)
    limit = np.where(row_side > 0, program.upper, program.lower)[tight]
    rows = np.zeros(len(point.rows))
    rows[tight] = point.rows[tight]
    if len(free) + len(tight):
        step = _step(program, x, rows, free, tight, limit)
        x[free] += step[: len(free)]
        rows[tight] += step[len(free) :]
    bounds = np.zeros(len(x))
    fixed = bound_side != 0
    bounds[fixed] = -(program.gradient(x) + program.A.T @ rows)[fixed]
    return KKTPoint(x, rows, bounds)


def _step(
    program: QuadraticProgram,
    x: np.ndarray,
    rows: np.ndarray,
    free: np.ndarray,
    tight: np.ndarray,
    limit: np.ndarray,
) -> np.ndarray:
    """What to add to the free variables and to the multipliers of the tight rows."""
    block = program.A[np.ix_(tight, free)]
    system = np.block([[program.block(free), block.T], [block, np.zeros((len(tight),) * 2)]])
    wanted = np.concatenate(
        [-(program.gradient(x) + program.A.T @ rows)[free], limit - program.A[tight] @ x]
    )
    ridge = np.where(np.arange(len(system)) < len(free), _RIDGE, -_RIDGE)
    step = np.zeros(len(system))
    with _one_thread(len(system)):
        solve = _factored(system, ridge)
        for _ in range(_REFINEMENTS):
            left = wanted - system @ step
            if not np.isfinite(left).all() or np.abs(left).max() <= _EXACT:
                break
            step += solve(left)
    return step


def _one_thread(size: int) -> AbstractContextManager:
    """Factorisations that are split among threads round otherwise: not for us."""
    if size <= _SPLIT:
        return nullcontext()
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1, user_api="blas")


def _factored(system: np.ndarray, ridge: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """What solves the system with the ridge on its diagonal."""
    if len(system) > _LARGE and np.count_nonzero(system) < _SPARSE * system.size:
        from scipy.sparse import csc_matrix, diags
        from scipy.sparse.linalg import splu

        return splu(csc_matrix(system) + diags(ridge, format="csc")).solve
    from scipy.linalg import lu_factor, lu_solve

    factors = lu_factor(system + np.diag(ridge), check_finite=False)
    return lambda right: lu_solve(factors, right, check_finite=False)
