"""The convex program whose solution spends a budget of risk: Newton's method without a matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["BudgetSolution", "solve_budget"]

#: Largest relative gap between a contribution and its budget that is worked on.
_GAP = 1e-12
#: Newton steps, and conjugate gradient steps in each.
_STEPS, _INNER = 60, 500
#: Cheap steps before the first of Newton's.
_HALVINGS = 3
#: Variance of the portfolio over the sum of its assets' own from which down it has no risk.
_NO_RISK = 1e-10


@dataclass(frozen=True, eq=False)
class BudgetSolution:
    """Holdings that spend the budget.

    Parameters
    ----------
    x : (m,) float array
        Above zero, in no particular scale.
    gap : float
        Largest ``abs(contribution / budget - 1)``.
    riskless : bool
        Whether the search ended at holdings that all but cancel: the program has no solution.
    products : int
        Products of the matrix with a vector that it took.
    """

    x: np.ndarray
    gap: float
    riskless: bool
    products: int


class _Correlation:
    """Products with the correlation matrix of a covariance, counted."""

    def __init__(self, cov: np.ndarray, ridge: float) -> None:
        self._cov, self._ridge = cov, ridge
        self.volatility = np.sqrt(np.diagonal(cov))
        self.products = 0

    def __call__(self, y: np.ndarray) -> np.ndarray:
        self.products += 1
        return (self._cov @ (y / self.volatility)) / self.volatility + self._ridge * y


def solve_budget(
    cov: np.ndarray, budget: np.ndarray, start: np.ndarray | None = None, *, ridge: float = 0.0
) -> BudgetSolution:
    """Holdings x > 0 with ``x_i (Cov x)_i`` in proportion to the budget.

    Parameters
    ----------
    cov : (m, m) float array
        Positive semidefinite, every variance above zero.
    budget : (m,) float array
        Above zero, sums to one.
    start : (m,) float array, optional
        Holdings to begin from, above zero.
    ridge : float
        Added to the diagonal of the correlation matrix.

    Notes
    -----
    Spinu (2013): the minimum of ``x'Cx/2 - sum(b log x)``, convex, where the gradient
    ``Cx - b/x`` vanishes. In ``y = x * volatility`` the matrix is the correlation R. A Newton
    step d, relative to y, solves ``(YRY + diag(b)) d = b - y * Ry``: scaled by the budget the
    matrix is ``I + diag(1/b) YRY``, whose eigenvalues lie between 1 and 2 near the solution
    where correlations are not negative, so that a handful of conjugate gradient steps do, each
    a product of R with a vector. The step is halved until the program's value falls.

    The first steps are ``y <- sqrt(y b / Ry)``, which halve the distance, at a product each.
    """
    correlation = _Correlation(cov, ridge)
    y = np.sqrt(budget) if start is None else start * correlation.volatility
    image = correlation(y)
    size = np.sqrt(max(y @ image, _NO_RISK * (y @ y)))
    y, image = y / size, image / size
    if start is None:
        y, image = _halved(correlation, budget, y, image)
    gap, riskless = _gap(y, image, budget), False
    for _ in range(_STEPS):
        if gap <= _GAP or riskless:
            break
        step, step_image = _newton(correlation, budget, y, image, gap)
        length = _length(budget, y, image, step, step_image)
        moved, moved_image = y + length * step, image + length * step_image
        if length == 1.0:
            # Sums drift apart from what they stand for.
            moved_image = correlation(moved)
        moved_gap = _gap(moved, moved_image, budget)
        if length == 0.0 or (gap < 1e-8 and moved_gap >= gap):
            break
        y, image, gap = moved, moved_image, moved_gap
        riskless = y @ image < _NO_RISK * (y @ y)
    return BudgetSolution(y / correlation.volatility, gap, riskless, correlation.products)


def _gap(y: np.ndarray, image: np.ndarray, budget: np.ndarray) -> float:
    return float(np.abs(y * image / budget - 1.0).max())


def _halved(
    correlation: _Correlation, budget: np.ndarray, y: np.ndarray, image: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    for _ in range(_HALVINGS):
        if image.min() <= 0.0:
            break
        y = np.sqrt(y * budget / image)
        image = correlation(y)
    return y, image


def _newton(
    correlation: _Correlation, budget: np.ndarray, y: np.ndarray, image: np.ndarray, gap: float
) -> tuple[np.ndarray, np.ndarray]:
    """Newton's step, and the product of the correlation with it.

    Conjugate gradients on ``(I + S R S) e = r`` with ``S = diag(y / sqrt(b))``.
    """
    scale = y / np.sqrt(budget)
    left = (budget - y * image) / np.sqrt(budget)
    direction = left.copy()
    solution, product = np.zeros(len(y)), np.zeros(len(y))
    norm = left @ left
    # As exact as the step deserves: Newton's own error is the square of the gap.
    enough = norm * min(0.1, max(gap, 1e-4)) ** 2
    for _ in range(_INNER):
        turned = correlation(scale * direction)
        applied = direction + scale * turned
        length = norm / (direction @ applied)
        solution += length * direction
        product += length * turned
        left -= length * applied
        norm, before = left @ left, norm
        if norm <= enough:
            break
        direction = left + (norm / before) * direction
    return scale * solution, product


def _length(
    budget: np.ndarray, y: np.ndarray, image: np.ndarray, step: np.ndarray, product: np.ndarray
) -> float:
    """Share of the step, 1 or a power of a half, that stays above zero and goes down."""
    slope = step @ image - budget @ (step / y)
    curve, along = step @ product, step @ image
    length = 1.0
    for _ in range(60):
        ratio = 1.0 + length * step / y
        if ratio.min() > 0.0:
            change = length * along + 0.5 * length**2 * curve - budget @ np.log(ratio)
            if change <= 0.1 * length * slope or abs(length * slope) < 1e-14:
                return length
        length /= 2.0
    return 0.0
