"""Quadratic programs: solved, shown to contradict themselves, or brought to what comes nearest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from strategies.certificates import least_conflict
from strategies.interior_point import interior_point
from strategies.optimality import KKTPoint, QuadraticProgram, approach, kkt_violation, polish

__all__ = ["ElasticSolution", "QuadraticSolution", "nearest_feasible", "solve_quadratic"]

#: A point counts as solved up to this violation, in units of a scaled objective and of the rows.
_SOLVED = 1e-7
#: A guess is as good as the method where it leads to this violation within so many rounds.
_EXACT, _GUESSES = 1e-12, 30
#: Price of the objective beside a unit of slack at unit price, and what counts as slack.
_OBJECTIVE, _GIVES_WAY = 1e-4, 1e-10


@dataclass(frozen=True, eq=False)
class QuadraticSolution:
    """What became of a quadratic program.

    Parameters
    ----------
    status : {"solved", "infeasible", "unbounded", "failed"}
        ``failed``: no point was found that is optimal to 1e-7.
    x : (n,) float array
        The optimum; NaN unless solved, and the best point found where failed.
    row_duals, bound_duals : (m,), (n,) float arrays
        Multipliers: ``Px + q + A'row_duals + bound_duals = 0``, above zero at an upper limit,
        below at a lower one. NaN unless solved.
    violation : float
        Largest violation of the conditions of optimality, objective scaled to entries of 1.
    row_conflict, bound_conflict : (m,), (n,) float arrays
        The certificate of an infeasible program: a weight for each limit that takes part,
        above zero for an upper and below for a lower one, the largest 1 in size, such that the
        limits so weighted add up to a contradiction (Farkas); zeros otherwise.
    """

    status: str
    x: np.ndarray
    row_duals: np.ndarray
    bound_duals: np.ndarray
    violation: float
    row_conflict: np.ndarray
    bound_conflict: np.ndarray

    @property
    def conflicting_rows(self) -> np.ndarray:
        """Positions of the rows that cannot all hold, increasing."""
        return np.flatnonzero(self.row_conflict)

    @property
    def conflicting_bounds(self) -> np.ndarray:
        """Positions of the variables whose bounds take part, increasing."""
        return np.flatnonzero(self.bound_conflict)


@dataclass(frozen=True, eq=False)
class ElasticSolution:
    """The point whose rows are broken least.

    Parameters
    ----------
    status : {"solved", "infeasible", "unbounded", "failed"}
        ``infeasible``: the limits that may not give way contradict each other.
    x : (n,) float array
    slack : (m,) float array
        How far each row is above its upper (+) or below its lower (-) limit; zero where it
        holds to 1e-10.
    solution : QuadraticSolution
        Of the elastic program, for its certificate.
    """

    status: str
    x: np.ndarray
    slack: np.ndarray
    solution: QuadraticSolution


def solve_quadratic(
    P: np.ndarray,
    q: np.ndarray,
    A: np.ndarray | None = None,
    lower: np.ndarray | None = None,
    upper: np.ndarray | None = None,
    *,
    at_least: np.ndarray | float = -np.inf,
    at_most: np.ndarray | float = np.inf,
    start: KKTPoint | None = None,
) -> QuadraticSolution:
    """Minimise ``x'Px/2 + q'x`` subject to ``lower <= Ax <= upper`` and bounds on x.

    Parameters
    ----------
    P : (p, p) or (p,) float array
        Symmetric and positive semidefinite; (p,) is a diagonal. The variables after the first
        p <= n have no part in it.
    q : (n,) float array
    A : (m, n) float array, optional
    lower, upper : (m,) float arrays, optional
        Infinite where a row has no such limit; equal for an equation.
    at_least, at_most : (n,) float arrays or float
        Bounds on each variable.
    start : KKTPoint, optional
        A guess at the limits that bind, with its multipliers. Where the solution follows from
        it, the interior-point method is spared; the answer is the same but for rounding.

    Returns
    -------
    QuadraticSolution
        Limits that bind hold to 1e-12 or so, and bounds that bind exactly.

    Raises
    ------
    ValueError
        If P, q or A is not finite, or a limit is NaN.

    Notes
    -----
    Clarabel's interior-point method (Goulart, Chen 2024) gives a point and the multipliers, or
    a certificate; :func:`strategies.optimality.polish` takes the point to the exact solution.
    One thread, no randomness: the same bytes each time.
    """
    program, scale = _program(P, q, A, lower, upper, at_least, at_most)
    empty = (program.lower > program.upper, program.at_least > program.at_most)
    if empty[0].any() or empty[1].any():
        return _infeasible(*(each.astype(float) for each in empty))
    if start is not None:
        guess = KKTPoint(start.x, start.rows / scale, start.bounds / scale)
        best, violation = polish(program, guess, rounds=_GUESSES)
        if violation <= _EXACT:
            return _solution("solved", best, violation, scale)
    status, reached = interior_point(program)
    if status == "infeasible":
        return _infeasible(*least_conflict(program, reached))
    if status == "unbounded":
        return _unsolved("unbounded", program)
    if not np.isfinite(kkt_violation(program, reached)):
        return _unsolved("failed", program)
    best, violation = polish(program, reached)
    if violation > _EXACT:
        best, violation = approach(program, best)
    return _solution("solved" if violation <= _SOLVED else "failed", best, violation, scale)


def nearest_feasible(
    P: np.ndarray,
    q: np.ndarray,
    A: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    *,
    at_least: np.ndarray | float = -np.inf,
    at_most: np.ndarray | float = np.inf,
    price: np.ndarray | float = 1.0,
) -> ElasticSolution:
    """The point with the least priced sum of broken limits, and the best objective among those.

    Parameters
    ----------
    P, q, A, lower, upper, at_least, at_most
        As for :func:`solve_quadratic`. Bounds never give way.
    price : (m,) float array or float
        Of a unit by which a row is broken, > 0, best between 0.01 and 100; infinite for a row
        that may not give way.

    Returns
    -------
    ElasticSolution

    Notes
    -----
    ``min sum(price * slack) + c (x'Px/2 + q'x)`` with a c so small that the objective does not
    buy slack: for polyhedral limits such a c exists (Mangasarian, Meyer 1979). Where the
    limits do not contradict each other, no slack is needed and it is the optimum.
    """
    program, _ = _program(P, q, A, lower, upper, at_least, at_most)
    rows, variables = program.A.shape
    price = np.broadcast_to(np.asarray(price, dtype=float), (rows,))
    elastic = np.flatnonzero(np.isfinite(price))
    count = len(elastic)
    choose = np.zeros((rows, count))
    choose[elastic, np.arange(count)] = 1.0
    solution = solve_quadratic(
        _OBJECTIVE * program.P,
        np.concatenate([_OBJECTIVE * program.q, price[elastic], price[elastic]]),
        np.hstack([program.A, -choose, choose]),
        program.lower,
        program.upper,
        at_least=np.concatenate([program.at_least, np.zeros(2 * count)]),
        at_most=np.concatenate([program.at_most, np.full(2 * count, np.inf)]),
    )
    return _relaxed(program, solution)


def _relaxed(program: QuadraticProgram, elastic: QuadraticSolution) -> ElasticSolution:
    """The optimum where the rows that the elastic program breaks give way by as much."""
    rows, variables = program.A.shape
    x = elastic.x[:variables]
    if elastic.status == "solved":
        values = program.A @ x
        slack = _slack(values, program.lower, program.upper)
        wide = np.abs(slack) > _GIVES_WAY
        found = solve_quadratic(
            program.P,
            program.q,
            program.A,
            np.where(wide & (slack < 0), values, program.lower),
            np.where(wide & (slack > 0), values, program.upper),
            at_least=program.at_least,
            at_most=program.at_most,
        )
        x = found.x if found.status == "solved" else x
    slack = _slack(program.A @ x, program.lower, program.upper)
    slack = np.where(np.abs(slack) > _GIVES_WAY, slack, 0.0)
    return ElasticSolution(elastic.status, x, slack, elastic)


def _slack(values: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    return np.maximum(values - upper, 0.0) - np.maximum(lower - values, 0.0)


def _program(
    P: np.ndarray,
    q: np.ndarray,
    A: np.ndarray | None,
    lower: np.ndarray | None,
    upper: np.ndarray | None,
    at_least: np.ndarray | float,
    at_most: np.ndarray | float,
) -> tuple[QuadraticProgram, float]:
    """The program with an objective whose largest entry is 1, and what it was divided by."""
    q = np.asarray(q, dtype=float)
    P = np.asarray(P, dtype=float)
    A = np.zeros((0, len(q))) if A is None else np.asarray(A, dtype=float)
    limits = [
        np.full(len(A), default) if limit is None else np.asarray(limit, dtype=float)
        for limit, default in ((lower, -np.inf), (upper, np.inf))
    ]
    bounds = [np.broadcast_to(np.asarray(b, dtype=float), q.shape) for b in (at_least, at_most)]
    if not all(np.isfinite(array).all() for array in (P, q, A)):
        raise ValueError("P, q and A must be finite")
    if any(np.isnan(limit).any() for limit in (*limits, *bounds)):
        raise ValueError("a limit is NaN")
    scale = max(np.abs(P).max(initial=0.0), np.abs(q).max(initial=0.0)) or 1.0
    return QuadraticProgram(P / scale, q / scale, A, *limits, *bounds), float(scale)


def _solution(status: str, point: KKTPoint, violation: float, scale: float) -> QuadraticSolution:
    return QuadraticSolution(
        status,
        point.x,
        point.rows * scale,
        point.bounds * scale,
        violation,
        np.zeros(len(point.rows)),
        np.zeros(len(point.x)),
    )


def _infeasible(rows: np.ndarray, bounds: np.ndarray) -> QuadraticSolution:
    nothing = [np.full(len(w), np.nan) for w in (bounds, rows, bounds)]
    return QuadraticSolution("infeasible", *nothing, np.inf, rows, bounds)


def _unsolved(status: str, program: QuadraticProgram) -> QuadraticSolution:
    rows, variables = program.A.shape
    nothing = [np.full(count, np.nan) for count in (variables, rows, variables)]
    return QuadraticSolution(status, *nothing, np.inf, np.zeros(rows), np.zeros(variables))
