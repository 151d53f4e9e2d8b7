"""The closest weights that keep every limit: one projection, and who gives way where none does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Projection", "Rows", "project"]

#: By how much a row or bound may be missed, in weight, and still counts as kept.
_KEPT = 1e-12
#: A miss that is told of.
_TOLD = 1e-9
_MOST_STEPS = 60


@dataclass(frozen=True)
class Rows:
    """Linear limits ``lower <= matrix @ weights <= upper``.

    Parameters
    ----------
    names : tuple of str
        One a row, as a user knows it.
    matrix : (m, n) float array
    lower, upper : (m,) float arrays
        Equal where the row is an equality; infinite where there is none.
    price : (m,) float array
        What a unit of slack costs; infinite where the row never gives way.
    """

    names: tuple[str, ...]
    matrix: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    price: np.ndarray


@dataclass(frozen=True)
class Projection:
    """(n,) `weights`; (m,) `slack` above (+) or below (-) a row, zero where it holds to 1e-9.

    (m,) `binds` says which rows are at a limit, and `capped` how many weights are at the cap.
    """

    weights: np.ndarray
    slack: np.ndarray
    binds: np.ndarray
    capped: int


def project(target: np.ndarray, cap: float, rows: Rows) -> Projection:
    """Weights closest to `target`, with its signs, that keep all rows and the cap.

    Closest means the least of sum((w - t)^2 / abs(t)): what has to move is spread in proportion
    to the weights, as when one total alone is scaled.

    Parameters
    ----------
    target : (n,) float array
        Signed and not zero.
    cap : float
        Greatest absolute weight.
    rows : Rows
        Their hard ones hold at weights of zero, so that there always is an answer.

    Notes
    -----
    With u = w / t the problem is separable: u = clip(1 + A'y / abs(t), 0, cap / abs(t)) for the
    multipliers y of the rows. They are found by a Newton iteration on the rows and bounds that
    bind (Hintermueller, Ito, Kunisch 2002), exact to rounding once these are right; of equations
    alone, such as dollar or beta neutrality, its first step is the closed form. Where it does
    not end, :func:`strategies.quadratic.solve_quadratic` has the answer; and where the rows
    cannot all hold, :func:`strategies.quadratic.nearest_feasible` says which soft ones give way,
    and by how much. A weight that would have to grow a hundred-thousandfold to fill a total
    does not: the total gives way.
    """
    problem = _Problem(target, cap, rows)
    if problem.keeps():
        return _projection(target, cap, rows)
    u = problem.newton()
    if u is None:
        u = problem.quadratic()
    return _projection(target * u, cap, rows)


def _projection(weights: np.ndarray, cap: float, rows: Rows) -> Projection:
    value = rows.matrix @ weights
    slack = np.maximum(value - rows.upper, 0.0) - np.maximum(rows.lower - value, 0.0)
    at_limit = np.minimum(np.abs(value - rows.lower), np.abs(rows.upper - value)) <= _TOLD
    capped = int(np.count_nonzero(np.abs(weights) >= cap - _TOLD))
    return Projection(weights, np.where(np.abs(slack) > _TOLD, slack, 0.0), at_limit, capped)


class _Problem:
    """The projection in u = w / target."""

    def __init__(self, target: np.ndarray, cap: float, rows: Rows) -> None:
        self.target, self.rows = target, rows
        self.size = np.abs(target)
        self.matrix = rows.matrix * target
        self.most = cap / self.size

    def keeps(self) -> bool:
        """Whether the target itself keeps everything."""
        value = self.rows.matrix @ self.target
        kept = (value >= self.rows.lower - _KEPT) & (value <= self.rows.upper + _KEPT)
        return bool(kept.all() and (self.most >= 1.0).all())

    def newton(self) -> np.ndarray | None:
        """The exact u, or None where the iteration does not get there."""
        lower, upper = self.rows.lower, self.rows.upper
        y, state = np.zeros(len(lower)), None
        for _ in range(_MOST_STEPS):
            loose = 1.0 + (self.matrix.T @ y) / self.size
            u = np.clip(loose, 0.0, self.most)
            value = self.matrix @ u
            # A row binds where it is broken, or while its multiplier pushes the right way.
            low = (value < lower - _KEPT) | (y > 0.0)
            high = (value > upper + _KEPT) | (y < 0.0)
            binds = low | high | (lower == upper)
            bound = np.where(low & np.isfinite(lower), lower, upper)
            free = (loose > 0.0) & (loose < self.most)
            settled = free.tobytes() + binds.tobytes() + bound[binds].tobytes()
            if settled == state:
                return u if self._is_optimal(value, y) else None
            state = settled
            y = self._multipliers(free, binds, bound, u)
        return None

    def _multipliers(
        self, free: np.ndarray, binds: np.ndarray, bound: np.ndarray, u: np.ndarray
    ) -> np.ndarray:
        """(m,) multipliers under which the rows that bind are met by the weights that are free."""
        y = np.zeros(len(binds))
        part = self.matrix[np.ix_(binds, free)]
        gap = bound[binds] - self.matrix[np.ix_(binds, ~free)] @ u[~free] - part.sum(axis=1)
        if len(gap):
            normal = (part / self.size[free]) @ part.T
            y[binds] = np.linalg.lstsq(normal, gap, rcond=1e-13)[0]
        return y

    def _is_optimal(self, value: np.ndarray, y: np.ndarray) -> bool:
        """Whether all rows are kept, and each multiplier is that of a row that binds."""
        lower, upper = self.rows.lower, self.rows.upper
        kept = (value >= lower - _KEPT) & (value <= upper + _KEPT)
        pushed = np.where(y > 0.0, value - lower, np.where(y < 0.0, upper - value, 0.0))
        return bool(kept.all() and (np.where(lower == upper, 0.0, pushed) <= _TOLD).all())

    def quadratic(self) -> np.ndarray:
        """The u of the quadratic program, its soft rows given way where they have to."""
        from strategies.quadratic import nearest_feasible

        rows = self.rows
        u = self._closest(rows.lower, rows.upper)
        if u is not None:
            return u
        objective, limits = self._scaled()
        elastic = nearest_feasible(*objective, rows.lower, rows.upper, **limits, price=rows.price)
        # Once it is known how far rows give way, the closest of these weights is a plain program.
        slack = np.nan_to_num(elastic.slack)
        lower, upper = rows.lower + np.minimum(slack, 0.0), rows.upper + np.maximum(slack, 0.0)
        u = self._closest(lower, upper)
        if u is None:
            u = self._clipped(np.nan_to_num(elastic.x))
        # An empty book keeps what never gives way, should no program be solved.
        return u if self._keeps_hard_rows(u) else np.zeros(len(u))

    def _scaled(self) -> tuple[tuple[np.ndarray, ...], dict[str, np.ndarray | float]]:
        """P, q and A, and the bounds, in u x sqrt(abs(t)): all curvatures are one."""
        root = np.sqrt(self.size)
        bounds = {"at_least": 0.0, "at_most": self.most * root}
        return (np.ones(len(root)), -root, self.matrix / root), bounds

    def _clipped(self, x: np.ndarray) -> np.ndarray:
        return np.clip(x / np.sqrt(self.size), 0.0, self.most)

    def _closest(self, lower: np.ndarray, upper: np.ndarray) -> np.ndarray | None:
        from strategies.quadratic import solve_quadratic

        objective, bounds = self._scaled()
        found = solve_quadratic(*objective, lower, upper, **bounds)
        return self._clipped(found.x) if found.status == "solved" else None

    def _keeps_hard_rows(self, u: np.ndarray) -> bool:
        value, hard = self.matrix @ u, np.isinf(self.rows.price)
        above, below = value - self.rows.upper, self.rows.lower - value
        return bool((np.maximum(above, below)[hard] <= _TOLD).all())
