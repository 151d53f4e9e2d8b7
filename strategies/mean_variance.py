"""Mean-variance weights from scores, with a price on trading and linear limits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from strategies.quadratic import QuadraticSolution
from strategies.split_program import LinearLimits, SplitProgram, WeightProblem, solve_on_a_few

__all__ = ["LinearLimits", "MeanVariance", "expected_returns", "mean_variance"]

#: Slack of a limit from which on it counts as given way.
_GIVEN_WAY = 1e-9
#: Weights and trades below this are rounding, and none.
_NOTHING = 1e-14


@dataclass(frozen=True, eq=False)
class MeanVariance:
    """Mean-variance weights, and what was not as asked.

    Parameters
    ----------
    weights : (k,) float array
        Signed.
    status : {"solved", "infeasible", "failed"}
        ``infeasible``: the limits contradict each other; the weights break them least, and of
        those weights they are the best. ``failed``: the weights are the best point that was
        found, or those held.
    given_way : tuple of (str, float)
        Names of the limits that were broken and by how much: above (+) or below (-).
    conflicts : tuple of str
        Names of limits that cannot all hold, ``bounds`` among them where bounds take part.
    """

    weights: np.ndarray
    status: str
    given_way: tuple[tuple[str, float], ...] = ()
    conflicts: tuple[str, ...] = ()

    @property
    def reports(self) -> tuple[tuple[str, str], ...]:
        """Kind and detail of what a user should know; empty where solved."""
        if self.status == "failed":
            return (("not solved", "mean-variance weights: as near as was found"),)
        together = f"; {', '.join(self.conflicts)} cannot all hold" if self.conflicts else ""
        return tuple(
            ("limit given way", f"{name} missed by {abs(amount):.6f}{together}")
            for name, amount in self.given_way
        )


def expected_returns(
    score: np.ndarray, volatility: np.ndarray, information_coefficient: float
) -> np.ndarray:
    """Expected residual returns: information coefficient x volatility x standard score.

    Parameters
    ----------
    score : (k,) float array
        Higher is better, in any scale: z-scores, or ranks, whose distances then count as even.
        They are brought to mean zero and standard deviation one (over k).
    volatility : (k,) float array
        In the units that the answer shall have, such as per year.
    information_coefficient : float
        Correlation of scores with the returns that follow: 0.02 to 0.1 in practice.

    Returns
    -------
    (k,) float array
        Zero throughout where all scores tie.

    Notes
    -----
    NaN handling: a score or volatility that is not known gives NaN, and is left out of the
    mean and the deviation.

    References
    ----------
    Grinold (1994), Alpha is volatility times IC times score.
    """
    known = np.isfinite(score)
    if not known.any():
        return np.full(len(score), np.nan)
    deviation = score - score[known].mean()
    spread = np.sqrt((deviation[known] ** 2).mean())
    # Equal scores whose mean is rounded do not become a signal.
    tied = spread <= 1e-12 * np.abs(score[known]).max()
    standard = np.where(known, 0.0, np.nan) if tied else deviation / spread
    return information_coefficient * volatility * standard


def mean_variance(
    expected: np.ndarray,
    cov: np.ndarray,
    held: np.ndarray | None = None,
    *,
    risk_aversion: float,
    turnover_penalty: np.ndarray | float = 0.0,
    net: float | tuple[float, float] | None = None,
    max_gross: float | None = None,
    lower: np.ndarray | float = -np.inf,
    upper: np.ndarray | float = np.inf,
    groups: LinearLimits | None = None,
) -> MeanVariance:
    """Weights of the best expected return after risk and trading.

    The maximum of ``expected'w - risk_aversion/2 w'Cov w - sum(turnover_penalty |w - held|)``.

    Parameters
    ----------
    expected : (k,) float array
        Expected returns; see :func:`expected_returns`.
    cov : (k, k) float array
        Covariance over the same time.
    held : (k,) float array, optional
        Weights before trading; nothing held by default.
    risk_aversion : float
        Above zero.
    turnover_penalty : (k,) float array or float
        Price of a unit of weight traded, in units of expected return: cost of a trade divided
        by the time that it is to pay in.
    net : float or (float, float), optional
        Sum of the weights, or its least and its greatest.
    max_gross : float, optional
        Greatest sum of absolute weights.
    lower, upper : (k,) float arrays or float
        Bounds on each weight.
    groups : LinearLimits, optional
        Further limits.

    Returns
    -------
    MeanVariance

    Raises
    ------
    ValueError
        If `risk_aversion` is not above zero, a price is negative, or an input is not finite.

    Notes
    -----
    A matrix that is singular may leave weights undetermined where nothing else decides: of all
    solutions one near the centre of the set is given, the same each time.

    Absolute values are split into what is above and what is below: ``w - held = bought -
    sold``, ``w = long - short``, so that the program is quadratic with linear limits.

    References
    ----------
    Markowitz (1952), Portfolio selection; Boyd et al. (2017), Multi-period trading via convex
    optimization, for the terms of trading.
    """
    count = len(expected)
    held = np.zeros(count) if held is None else np.array(held, dtype=float)
    price = np.broadcast_to(np.asarray(turnover_penalty, dtype=float), (count,))
    bounds = [np.broadcast_to(np.asarray(b, dtype=float), (count,)) for b in (lower, upper)]
    if not risk_aversion > 0.0 or not np.isfinite(price).all() or (price < 0.0).any():
        raise ValueError("risk_aversion must be above zero, turnover_penalty zero or more")
    problem = WeightProblem(
        risk_aversion * np.asarray(cov, dtype=float),
        np.asarray(expected, dtype=float),
        held,
        price,
        _limits(count, net, groups),
        np.inf if max_gross is None else float(max_gross),
        *bounds,
    )
    found = _solved(problem)
    return replace(found, weights=_without_rounding(found.weights, held))


def _solved(problem: WeightProblem) -> MeanVariance:
    weights = solve_on_a_few(problem)
    if weights is not None:
        return MeanVariance(weights, "solved")
    program, count = SplitProgram(problem), len(problem.expected)
    found = program.solved()
    if found.status != "infeasible":
        return MeanVariance(found.x[:count], "solved" if found.status == "solved" else "failed")
    nearest = program.nearest()
    return MeanVariance(
        nearest.x[:count],
        "infeasible" if nearest.status == "solved" else "failed",
        tuple(
            (name, float(slack))
            for name, slack in zip(program.names, nearest.slack, strict=True)
            if name is not None and abs(slack) > _GIVEN_WAY
        ),
        _conflicts(program.names, found, count),
    )


def _conflicts(names: list[str | None], found: QuadraticSolution, count: int) -> tuple[str, ...]:
    named = [names[row] for row in found.conflicting_rows.tolist() if names[row] is not None]
    bounded = (found.conflicting_bounds < count).any()
    return (*named, "bounds") if bounded else tuple(named)


def _limits(
    count: int, net: float | tuple[float, float] | None, groups: LinearLimits | None
) -> LinearLimits:
    least, greatest = net if isinstance(net, tuple) else (net, net)
    names = [] if net is None else ["net"]
    blocks, lower, upper = [np.ones((len(names), count))], [], []
    if net is not None:
        lower, upper = [least], [greatest]
    if groups is not None:
        names += list(groups.names)
        blocks.append(np.asarray(groups.rows, dtype=float).reshape(-1, count))
    parts = ([], []) if groups is None else (groups.lower, groups.upper)
    return LinearLimits(
        names,
        np.vstack(blocks),
        np.concatenate([lower, parts[0]]).astype(float),
        np.concatenate([upper, parts[1]]).astype(float),
    )


def _without_rounding(weights: np.ndarray, held: np.ndarray) -> np.ndarray:
    if not np.isfinite(weights).all():
        return held
    weights = np.where(np.abs(weights - held) <= _NOTHING, held, weights)
    return np.where(np.abs(weights) <= _NOTHING, 0.0, weights)
