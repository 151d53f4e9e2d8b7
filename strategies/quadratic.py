"""Quadratic programs: solved, found to contradict themselves, or brought to the nearest feasible.

The one module that calls the solver's library, Clarabel (`docs/construction.md` argues why).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from strategies.optimality import KKTPoint, QuadraticProgram, approach, kkt_violation, polish

__all__ = ["ElasticSolution", "QuadraticSolution", "nearest_feasible", "solve_quadratic"]

#: Of the interior-point method; polishing goes on from there.
_TOLERANCE = 1e-10
#: A point counts as solved up to this violation, in units of a scaled objective and of the rows.
_SOLVED = 1e-7
#: A guess is as good as the method where it leads to this violation within so many rounds.
_EXACT, _GUESSES = 1e-12, 30
#: Share of a certificate's largest entry from which on a limit takes part in a contradiction.
_TAKES_PART = 1e-5
#: Price of the objective beside a unit of slack at unit price.
_OBJECTIVE = 1e-5


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
        The certificate of an infeasible program: a weight for each limit, above zero for an
        upper and below for a lower one, the largest 1 in size, such that the limits so
        weighted add up to a contradiction (Farkas); zeros otherwise.
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
        How far each row is above its upper (+) or below its lower (-) limit; zero: it holds.
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
    P : (n, n) or (n,) float array
        Symmetric and positive semidefinite; (n,) is a diagonal.
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
    found, rows, bounds, point = _interior_point(program)
    if "PrimalInfeasible" in found:
        return _infeasible(rows, bounds)
    if "DualInfeasible" in found:
        return _unsolved("unbounded", program)
    reached = KKTPoint(point, rows, bounds)
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
    given = np.diag(program.P) if program.P.ndim == 1 else program.P
    padded = np.zeros((variables + 2 * count,) * 2)
    padded[:variables, :variables] = _OBJECTIVE * given
    # A trace of curvature divides slack evenly where only its sum is determined.
    padded[range(variables, len(padded)), range(variables, len(padded))] = _OBJECTIVE**2
    choose = np.zeros((rows, count))
    choose[elastic, np.arange(count)] = 1.0
    solution = solve_quadratic(
        padded,
        np.concatenate([_OBJECTIVE * program.q, price[elastic], price[elastic]]),
        np.hstack([program.A, -choose, choose]),
        program.lower,
        program.upper,
        at_least=np.concatenate([program.at_least, np.zeros(2 * count)]),
        at_most=np.concatenate([program.at_most, np.full(2 * count, np.inf)]),
    )
    above, below = np.split(solution.x[variables:], 2)
    slack = np.zeros(rows)
    slack[elastic] = above - below
    return ElasticSolution(solution.status, solution.x[:variables], slack, solution)


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


def _interior_point(
    program: QuadraticProgram,
) -> tuple[str, np.ndarray, np.ndarray, np.ndarray]:
    """Clarabel's status, multipliers (or certificate) of rows and bounds, and the point."""
    import clarabel
    from scipy import sparse

    rows, variables = program.A.shape
    every = sparse.vstack([sparse.csr_matrix(program.A), sparse.eye(variables, format="csr")])
    lower = np.concatenate([program.lower, program.at_least])
    upper = np.concatenate([program.upper, program.at_most])
    equal = np.flatnonzero(lower == upper)
    above = np.flatnonzero(np.isfinite(upper) & (lower != upper))
    below = np.flatnonzero(np.isfinite(lower) & (lower != upper))
    solver = clarabel.DefaultSolver(
        sparse.triu(
            sparse.diags(program.P) if program.P.ndim == 1 else sparse.csc_matrix(program.P),
            format="csc",
        ),
        program.q,
        sparse.vstack([every[equal], every[above], -every[below]]).tocsc(),
        np.concatenate([upper[equal], upper[above], -lower[below]]),
        [clarabel.ZeroConeT(len(equal)), clarabel.NonnegativeConeT(len(above) + len(below))],
        _settings(clarabel),
    )
    found = solver.solve()
    parts = np.split(np.array(found.z), np.cumsum([len(equal), len(above)]))
    duals = np.zeros(rows + variables)
    for where, part, sign in zip((equal, above, below), parts, (1.0, 1.0, -1.0), strict=True):
        duals[where] += sign * part
    return str(found.status), duals[:rows], duals[rows:], np.array(found.x)


def _settings(clarabel):
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.direct_solve_method = "qdldl"
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = _TOLERANCE
    return settings


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
    largest = max(np.abs(rows).max(initial=0.0), np.abs(bounds).max(initial=0.0))
    weights = [
        np.where(np.abs(w) > _TAKES_PART * largest, w / largest, 0.0) for w in (rows, bounds)
    ]
    nothing = [np.full(len(w), np.nan) for w in (bounds, rows, bounds)]
    return QuadraticSolution("infeasible", *nothing, np.inf, *weights)


def _unsolved(status: str, program: QuadraticProgram) -> QuadraticSolution:
    rows, variables = program.A.shape
    nothing = [np.full(count, np.nan) for count in (variables, rows, variables)]
    return QuadraticSolution(status, *nothing, np.inf, np.zeros(rows), np.zeros(variables))
