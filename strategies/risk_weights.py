"""Long-only weights that follow from risk alone; each sums to one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from strategies.risk_budgeting import solve_budget
from strategies.split_program import LinearLimits, SplitProgram, WeightProblem, solve_on_a_few

__all__ = [
    "RiskWeights",
    "equal_risk_contribution",
    "hierarchical_risk_parity",
    "inverse_volatility",
    "minimum_variance",
    "risk_contributions",
]

#: Least eigenvalue over the mean variance of a matrix that is used as it is, and what is added
#: to the diagonal of one that is not.
_SINGULAR, _RIDGE = 1e-10, 1e-8
#: Added to the correlations of assets that can be held without any risk.
_BUDGET_RIDGE = 1e-6
#: Gap of a contribution, over its budget, from which on it is told of.
_TOLD_GAP = 1e-6


@dataclass(frozen=True, eq=False)
class RiskWeights:
    """Weights of one side, and what is not as asked.

    Parameters
    ----------
    weights : (m,) float array
        Not negative; the sum is 1 to 1e-12. Empty where there are no assets.
    reports : tuple of (str, str)
        Kind and detail of each thing a user should know; mostly empty.
    """

    weights: np.ndarray
    reports: tuple[tuple[str, str], ...] = ()


def risk_contributions(weights: np.ndarray, cov: np.ndarray) -> np.ndarray:
    """(m,) shares of the variance, ``w_i (Cov w)_i / w'Cov w``; they sum to one.

    Parameters
    ----------
    weights : (m,) float array
        Signed.
    cov : (m, m) float array

    Notes
    -----
    NaN throughout where the variance is zero.
    """
    parts = weights * (cov @ weights)
    total = parts.sum()
    return parts / total if total > 0.0 else np.full(len(parts), np.nan)


def inverse_volatility(cov: np.ndarray) -> RiskWeights:
    """Weights in proportion to one over volatility: equal risk where correlations are equal.

    Parameters
    ----------
    cov : (m, m) float array
        Covariance; only its diagonal is looked at. What has no variance: see Notes of
        :func:`minimum_variance`.
    """
    return _of_moving(cov, lambda part, _: (1.0 / np.sqrt(np.diagonal(part)), ()))


def minimum_variance(cov: np.ndarray, *, upper: np.ndarray | float | None = None) -> RiskWeights:
    """The long-only weights of the least variance.

    Parameters
    ----------
    cov : (m, m) float array
        Covariance, positive semidefinite.
    upper : (m,) float array or float, optional
        Greatest weight of each asset.

    Notes
    -----
    Degenerate input: a matrix without a unique answer (its least eigenvalue is below 1e-10 of
    the mean variance) gets 1e-8 of the mean variance on its diagonal, which picks the evenest
    of nearly riskless weights, and is reported. Upper limits that sum to less than one cannot
    hold: all are raised by one factor, and reported. An asset without any variance would take
    everything; it holds nothing, and is reported. Where no asset has a variance, weights are
    equal.

    References
    ----------
    Markowitz (1952), Portfolio selection; Clarke, de Silva, Thorley (2011), Minimum-variance
    portfolio composition.
    """
    limit = np.broadcast_to(np.asarray(1.0 if upper is None else upper, dtype=float), (len(cov),))
    return _of_moving(cov, lambda part, kept: _least_variance(part, limit[kept]))


def equal_risk_contribution(
    cov: np.ndarray, *, budget: np.ndarray | None = None, start: np.ndarray | None = None
) -> RiskWeights:
    """Long-only weights whose shares of the variance equal their budgets.

    Parameters
    ----------
    cov : (m, m) float array
        Covariance, positive semidefinite.
    budget : (m,) float array, optional
        Not negative, in any scale; equal by default. An asset without budget holds nothing.
    start : (m,) float array, optional
        Weights to begin from, such as those of the date before: a matter of speed alone.

    Raises
    ------
    ValueError
        If a budget is negative or not finite, or none is above zero.

    Notes
    -----
    Contributions equal budgets to 1e-10 and better, but for matrices so near to singular that
    rounding allows no more; a gap of 1e-6 of a budget is reported. Assets that can be held so
    that all risk cancels have no such weights: 1e-6 is added to each correlation with itself,
    and reported. Assets without variance: as in :func:`minimum_variance`.

    References
    ----------
    Maillard, Roncalli, Teiletche (2010), The properties of equally weighted risk contribution
    portfolios; Spinu (2013), An algorithm for computing risk parity weights.
    """
    shares = np.ones(len(cov)) if budget is None else np.asarray(budget, dtype=float)
    if not np.isfinite(shares).all() or (shares < 0).any() or (len(shares) and not shares.any()):
        raise ValueError("budgets must be finite, not negative, and not all zero")

    def budgeted(part: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, tuple]:
        spends = shares[kept] > 0
        if not spends.any():
            return np.ones(len(kept)), (("risk budget", "only on assets of no variance: equal"),)
        weights = np.zeros(len(kept))
        first = None if start is None else np.asarray(start, dtype=float)[kept][spends]
        among = part if spends.all() else part[np.ix_(spends, spends)]
        weights[spends], reports = _spent(among, shares[kept][spends], first)
        return weights, reports

    return _of_moving(cov, budgeted)


def hierarchical_risk_parity(cov: np.ndarray, symbols: np.ndarray) -> RiskWeights:
    """Weights that halve a tree of similar assets again and again, by inverse variance.

    Parameters
    ----------
    cov : (m, m) float array
        Covariance, positive semidefinite; assets without variance as in
        :func:`minimum_variance`.
    symbols : (m,) str array
        Names: the tree is made in their order, so that ties do not depend on the order of the
        assets.

    Notes
    -----
    Lopez de Prado (2016), Building diversified portfolios that outperform out of sample:
    distances ``d = sqrt((1 - correlation) / 2)``, single linkage of the Euclidean distances
    between columns of d, leaves in the order of the tree; then each list is split in the
    middle and the halves share its weight by the inverse variance of their inverse-variance
    portfolios.
    """
    names = np.asarray(symbols)

    def clustered(part: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, tuple]:
        by_name = np.argsort(names[kept], kind="stable")
        leaves = by_name[_tree_order(part[np.ix_(by_name, by_name)])]
        weights = np.empty(len(kept))
        weights[leaves] = _bisected(part[np.ix_(leaves, leaves)])
        return weights, ()

    return _of_moving(cov, clustered)


def _of_moving(
    cov: np.ndarray, weigh: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, tuple]]
) -> RiskWeights:
    """Weigh the assets that have a variance; `weigh` gets their covariance and positions."""
    cov = np.asarray(cov, dtype=float)
    if not np.isfinite(cov).all():
        raise ValueError("the covariance must be finite")
    variance = np.diagonal(cov)
    kept = np.flatnonzero(variance > 0.0)
    if not len(kept):
        count = len(cov)
        reports = (("no variance", "of any asset: equal weights"),) if count else ()
        return RiskWeights(np.full(count, 1.0 / max(count, 1)), reports)
    still = len(cov) - len(kept)
    raw, reports = weigh(cov if not still else cov[np.ix_(kept, kept)], kept)
    if still:
        reports = (*reports, ("no variance", f"of {still} assets, which hold nothing"))
    weights = np.zeros(len(cov))
    weights[kept] = raw / raw.sum()
    return RiskWeights(weights, tuple(reports))


def _least_variance(cov: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, tuple]:
    reports: list[tuple[str, str]] = []
    room = np.minimum(upper, 1.0).sum()
    if room <= 1.0:
        if room < 1.0 - 1e-12:
            reports.append(("limit", f"upper weights sum to {room:.6f}: raised to one by a factor"))
        return np.minimum(upper, 1.0) / room, tuple(reports)
    mean = np.diagonal(cov).mean()
    scaled = cov / mean
    if not _definite(scaled):
        scaled[np.diag_indices(len(cov))] += _RIDGE
        reports.append(("singular covariance", f"{_RIDGE:g} of the mean variance added to each"))
    nothing, one = np.zeros(len(cov)), np.ones(1)
    problem = WeightProblem(
        scaled,
        nothing,
        nothing,
        nothing,
        LinearLimits(("sum",), np.ones((1, len(cov))), one, one),
        np.inf,
        nothing,
        upper,
    )
    quietest = np.argsort(np.diagonal(scaled), kind="stable")
    weights = solve_on_a_few(problem, order=quietest)
    if weights is None:
        found = SplitProgram(problem).solved()
        weights = found.x
        if found.status != "solved":
            reports.append(("not solved", f"minimum variance is {found.status}: the nearest found"))
    return np.clip(weights, 0.0, upper), tuple(reports)


def _definite(scaled: np.ndarray) -> bool:
    """Whether the least eigenvalue is at least what makes an answer unique."""
    lowered = scaled.copy()
    lowered[np.diag_indices(len(scaled))] -= _SINGULAR
    try:
        np.linalg.cholesky(lowered)
    except np.linalg.LinAlgError:
        return False
    return True


def _spent(
    cov: np.ndarray, budget: np.ndarray, start: np.ndarray | None
) -> tuple[np.ndarray, tuple]:
    shares = budget / budget.sum()
    if start is not None and not (np.isfinite(start).all() and (start > 0).all()):
        start = None
    found, reports = solve_budget(cov, shares, start), ()
    if found.riskless or not np.isfinite(found.gap):
        found = solve_budget(cov, shares, ridge=_BUDGET_RIDGE)
        detail = f"weights that cancel all risk: {_BUDGET_RIDGE:g} added to each own correlation"
        reports = (("singular covariance", detail),)
    if found.gap > _TOLD_GAP:
        reports = (*reports, ("risk budget", f"missed by {found.gap:.1e} of a budget at most"))
    return found.x, reports


def _tree_order(cov: np.ndarray) -> np.ndarray:
    """Leaves of the tree of single linkage, similar assets side by side."""
    if len(cov) < 3:
        return np.arange(len(cov))
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import pdist

    volatility = np.sqrt(np.diagonal(cov))
    correlation = np.clip(cov / np.outer(volatility, volatility), -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    return leaves_list(linkage(pdist(np.sqrt((1.0 - correlation) / 2.0)), "single"))


def _bisected(cov: np.ndarray) -> np.ndarray:
    """Weights of assets in the order of the tree."""
    weights = np.ones(len(cov))
    parts = [(0, len(cov))]
    while parts:
        first, stop = parts.pop()
        middle = first + (stop - first) // 2
        if middle == first:
            continue
        left, right = (
            _cluster_variance(cov[a:b, a:b]) for a, b in ((first, middle), (middle, stop))
        )
        share = right / (left + right) if left + right > 0.0 else 0.5
        weights[first:middle] *= share
        weights[middle:stop] *= 1.0 - share
        parts += [(first, middle), (middle, stop)]
    return weights


def _cluster_variance(cov: np.ndarray) -> float:
    inverse = 1.0 / np.diagonal(cov)
    inverse /= inverse.sum()
    return max(float(inverse @ cov @ inverse), 0.0)
