"""Programs of weights with absolute values: what is traded, and gross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from strategies.optimality import KKTPoint
from strategies.quadratic import (
    ElasticSolution,
    QuadraticSolution,
    nearest_feasible,
    solve_quadratic,
)

__all__ = ["LinearLimits", "SplitProgram", "WeightProblem", "solve_on_a_few"]

#: Up to this many weights all are solved for at once; of more, so many at first.
_ALL, _FIRST = 100, 60
#: Share of the weights from which on a part of them is no help, and the most rounds.
_MOST, _ROUNDS = 0.6, 10
#: Gain of a trade, over the largest return or marginal risk, from which on it is worth making.
_GAIN = 1e-10


@dataclass(frozen=True, eq=False)
class LinearLimits:
    """Limits ``lower <= rows @ weights <= upper`` by name.

    Parameters
    ----------
    names : sequence of str
        m of them, for reports.
    rows : (m, k) float array
    lower, upper : (m,) float arrays
        Infinite where there is no such limit; equal for an equation.
    """

    names: Sequence[str]
    rows: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


@dataclass(frozen=True, eq=False)
class WeightProblem:
    """``max expected'w - w'Risk w/2 - sum(price |w - held|)`` under limits.

    Parameters
    ----------
    risk : (k, k) float array
        Positive semidefinite.
    expected, held, price : (k,) float arrays
        `price` is not negative.
    limits : LinearLimits
    max_gross : float
        Greatest sum of absolute weights; infinite for none.
    lower, upper : (k,) float arrays
    """

    risk: np.ndarray
    expected: np.ndarray
    held: np.ndarray
    price: np.ndarray
    limits: LinearLimits
    max_gross: float
    lower: np.ndarray
    upper: np.ndarray

    def part(self, few: np.ndarray, weights: np.ndarray) -> WeightProblem:
        """The problem of some weights, given the others."""
        rest = ~few
        fixed, given = weights[rest], self.limits
        moved = given.rows[:, rest] @ fixed
        return WeightProblem(
            self.risk[np.ix_(few, few)],
            self.expected[few] - self.risk[np.ix_(few, rest)] @ fixed,
            self.held[few],
            self.price[few],
            LinearLimits(given.names, given.rows[:, few], given.lower - moved, given.upper - moved),
            self.max_gross - np.abs(fixed).sum(),
            self.lower[few],
            self.upper[few],
        )


class SplitProgram:
    """The quadratic program of a problem: absolute values are split into two variables.

    ``w - held = bought - sold`` where trading has a price, and ``w = long - short`` where gross
    is limited and a weight may be either.

    Parameters
    ----------
    problem : WeightProblem
    """

    def __init__(self, problem: WeightProblem) -> None:
        self.problem = problem
        self._count = len(problem.expected)
        self._q, self._lower = [-problem.expected], [problem.lower]
        self._upper = [problem.upper]
        limits = problem.limits
        #: Of each block of rows: names (None: it defines a variable), coefficients, limits.
        self._rows: list[tuple[list[str | None], np.ndarray, np.ndarray, np.ndarray]] = [
            (list(limits.names), limits.rows, limits.lower, limits.upper)
        ]
        traded = np.flatnonzero(problem.price > 0)
        if len(traded):
            self._split(traded, problem.held[traded], problem.price[traded])
        if np.isfinite(problem.max_gross):
            self._cap_gross(problem.max_gross)
        #: Name of each row; None where it defines a variable.
        self.names = [name for row in self._rows for name in row[0]]

    @property
    def _width(self) -> int:
        return sum(map(len, self._q))

    def _cap_gross(self, greatest: float) -> None:
        lower, upper = self.problem.lower, self.problem.upper
        either = np.flatnonzero((lower < 0) & (upper > 0))
        first = self._width
        self._split(either, np.zeros(len(either)), np.zeros(len(either)))
        row = np.zeros((1, self._width))
        row[0, : self._count] = np.where(lower >= 0, 1.0, -1.0)
        row[0, either] = 0.0
        row[0, first:] = 1.0
        self._rows.append((["gross"], row, np.array([-np.inf]), np.array([greatest])))

    def _split(self, assets: np.ndarray, base: np.ndarray, price: np.ndarray) -> None:
        """New variables above, below >= 0 with weight - above + below = base."""
        first, added = self._width, len(assets)
        rows = np.zeros((added, first + 2 * added))
        at = np.arange(added)
        rows[at, assets], rows[at, first + at], rows[at, first + added + at] = 1.0, -1.0, 1.0
        self._q += [price, price]
        self._lower += [np.zeros(added)] * 2
        self._upper += [np.full(added, np.inf)] * 2
        self._rows.append(([None] * added, rows, base, base))

    def _arrays(self) -> tuple[tuple[np.ndarray, ...], dict[str, np.ndarray]]:
        width = self._width
        A = np.vstack([np.pad(c, ((0, 0), (0, width - c.shape[1]))) for _, c, _, _ in self._rows])
        limits = [np.concatenate([row[side] for row in self._rows]) for side in (2, 3)]
        bounds = {"at_least": np.concatenate(self._lower), "at_most": np.concatenate(self._upper)}
        return (self.problem.risk, np.concatenate(self._q), A, *limits), bounds

    def solved(self) -> QuadraticSolution:
        """The solution; its first variables are the weights."""
        given, bounds = self._arrays()
        start = None
        if self._width == self._count:
            # From nothing held, the limits that bind are soon found.
            nothing = np.zeros(self._count)
            start = KKTPoint(nothing, np.zeros(len(given[2])), nothing)
        return solve_quadratic(*given, **bounds, start=start)

    def nearest(self) -> ElasticSolution:
        """The weights that break the limits least; splits hold."""
        given, bounds = self._arrays()
        price = np.where([name is None for name in self.names], np.inf, 1.0)
        return nearest_feasible(*given, **bounds, price=price)


def solve_on_a_few(problem: WeightProblem, *, order: np.ndarray | None = None) -> np.ndarray | None:
    """The (k,) optimal weights, solving for those alone that leave home; None: solve for all.

    Parameters
    ----------
    problem : WeightProblem
    order : (k,) int array, optional
        Positions, those first that are likeliest to leave home; by their gain where not given.
        A matter of speed alone.

    Notes
    -----
    A weight's home is what is held where trading has a price, else zero, within its bounds.
    Most weights of a large problem stay there: at a price, at a share of gross, or because they
    may not be short. The few with the largest gain from leaving are solved for, given the others;
    with the multipliers of that solution the gain of each of the others is known exactly, those
    that would gain join the few, and so on until none would: then all conditions of optimality
    hold.
    """
    count = len(problem.expected)
    if count <= _ALL:
        return None
    home = np.clip(np.where(problem.price > 0, problem.held, 0.0), problem.lower, problem.upper)
    gain = problem.expected - problem.risk @ home
    gain = np.where(home <= problem.lower, gain, np.where(home >= problem.upper, -gain, abs(gain)))
    if order is None:
        order = np.argsort(problem.price - gain, kind="stable")
    few = np.zeros(count, dtype=bool)
    few[order[:_FIRST]] = True
    # What is held may have to give way to the limits, however little it gains.
    if np.count_nonzero(home) <= _MOST / 2 * count:
        few |= home != 0.0
    for _ in range(_ROUNDS):
        if few.sum() > _MOST * count:
            return None
        program = SplitProgram(problem.part(few, home))
        found = program.solved()
        if found.status != "solved":
            # The few cannot make up for the others: twice as many.
            few[order[: 2 * int(few.sum())]] = True
            continue
        weights = home.copy()
        weights[few] = found.x[: int(few.sum())]
        leaves = _leaves(problem, weights, found, program) & ~few
        if not leaves.any():
            return weights
        few |= leaves
    return None


def _leaves(
    problem: WeightProblem, weights: np.ndarray, found: QuadraticSolution, program: SplitProgram
) -> np.ndarray:
    """(k,) whether a weight would gain by rising or falling from where it is."""
    multipliers = found.row_duals[: len(problem.limits.names)]
    gross = found.row_duals[-1] if program.names and program.names[-1] == "gross" else 0.0
    marginal = problem.risk @ weights
    gradient = problem.expected - marginal - problem.limits.rows.T @ multipliers
    traded = weights - problem.held
    rising = problem.price * np.where(traded >= 0, 1.0, -1.0)
    rising += gross * np.where(weights >= 0, 1.0, -1.0)
    falling = problem.price * np.where(traded > 0, 1.0, -1.0)
    falling += gross * np.where(weights > 0, 1.0, -1.0)
    least = _GAIN * max(np.abs(problem.expected).max(), np.abs(marginal).max())
    up = (gradient > rising + least) & (weights < problem.upper)
    return up | ((gradient < falling - least) & (weights > problem.lower))
