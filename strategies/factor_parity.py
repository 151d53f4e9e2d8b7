"""Risk parity across factor exposures: budgets of risk for factor portfolios, then asset weights.

The covariance of J exposures' return streams gives each its multiple x, by equal risk contribution
with budgets: ``x_j (S x)_j / x'Sx = b_j``. The book is ``w = B x``, scaled to its gross, where B
(N, J) are the exposures' present weights: where factors disagree about an asset, they net.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from feeds.panel import Panel
from strategies.covariance import covariance
from strategies.cross_section import Report
from strategies.factor_books import Exposure, exposure_streams, present_returns
from strategies.history import past_returns
from strategies.portfolio_rules import PortfolioRules
from strategies.risk_weights import equal_risk_contribution, risk_contributions

__all__ = ["FactorParity", "RiskBudget", "factor_parity", "risk_budgets"]

#: Kind of the report that an exposure has few returns of its own.
_SHORT = "short stream"
#: Sum of absolute weights, per unit of the exposures, below which they cancel each other.
_CANCELLED = 1e-9
#: Standard deviation of a session up to which a stream counts as not moving.
_STILL = 1e-10


@dataclass(frozen=True)
class RiskBudget:
    """Shares of risk, and what risk is measured on.

    Parameters
    ----------
    factors, sleeves : mapping
        Relative shares, by factor within each sleeve and by sleeve; 1 where not named.
    streams : {"realised", "present"}
        Past returns of each factor's portfolio as it was rebalanced through time, or of the one
        it holds at the decision.
    """

    factors: Mapping[str, float] = field(default_factory=dict)
    sleeves: Mapping[str, float] = field(default_factory=dict)
    streams: str = "realised"


@dataclass(frozen=True, eq=False)
class FactorParity:
    """Books of R decisions over N assets, made of J exposures.

    Parameters
    ----------
    rows : (R,) int array
        Decision rows.
    exposures : tuple of J Exposure
    books : (R, J, N) float64 array
        Unit portfolios of the exposures, 0 where missing.
    weights : (R, N) float64 array
        Target weights before limits.
    multiples : (R, J) float64 array
        How much of each unit portfolio is in the weights; 0 where it is not held.
    budgets, contributions : (R, J) float64 arrays
        Shares of risk asked for, and those of the weights by the covariance they were made
        with. Rows sum to 1, or to 0 where nothing is held.
    reports : tuple of R tuples of (asset class, kind, detail)
    """

    rows: np.ndarray
    exposures: tuple[Exposure, ...]
    books: np.ndarray
    weights: np.ndarray
    multiples: np.ndarray
    budgets: np.ndarray
    contributions: np.ndarray
    reports: tuple[tuple[Report, ...], ...]


def risk_budgets(exposures: Sequence[Exposure], budget: RiskBudget) -> np.ndarray:
    """(J,) shares of risk that sum to 1: of each exposure, its share of its sleeve's share.

    The exposures given are those that can be held: the budget of a factor that is missing in a
    sleeve goes to the others of the sleeve in proportion, that of a missing sleeve to the others.
    """
    sleeves = [exposure.sleeve for exposure in exposures]
    factors = np.array([budget.factors.get(exposure.factor, 1.0) for exposure in exposures])
    shares = np.zeros(len(exposures))
    for sleeve in dict.fromkeys(sleeves):
        members = np.array([name == sleeve for name in sleeves])
        within = factors[members] / factors[members].sum()
        shares[members] = budget.sleeves.get(sleeve, 1.0) * within
    return shares / shares.sum() if len(shares) else shares


def factor_parity(
    panel: Panel,
    rows: np.ndarray,
    exposures: tuple[Exposure, ...],
    books: np.ndarray,
    rules: PortfolioRules,
    budget: RiskBudget = RiskBudget(),
    factors: Sequence[str] = (),
) -> FactorParity:
    """Weights of each decision, from data up to its row.

    Parameters
    ----------
    panel : Panel
        T rows, N assets.
    rows : (R,) int array
        Decision rows, increasing.
    exposures, books
        From `factor_books`.
    rules : PortfolioRules
        ``gross``, ``sleeves``, ``thin_sleeve`` and ``covariance`` are used.
    budget : RiskBudget
    factors : sequence of str
        Names of the factors asked for, of which the missing ones are reported.

    Returns
    -------
    FactorParity

    Notes
    -----
    Streams are brought to unit variance before the covariance is estimated, and back after:
    estimators that shrink then shrink correlations.

    NaN handling: on a session of the lookback on which an exposure was not held, such as before
    the first decision, its present portfolio's return stands in, and that is reported. An
    exposure with fewer than ``min_history`` known sessions, or without variance, is missing.

    The sum of absolute weights is `gross` times the budgets of the sleeves that hold something;
    with ``thin_sleeve: redistribute`` it is `gross`. Two exposures with the same stream share
    their joint weight by their budgets.

    References
    ----------
    Roncalli and Weisang (2016), Quantitative Finance 16 (risk parity with factors); Spinu (2013)
    for the equal risk contributions.
    """
    streams = np.full((panel.shape[0], len(exposures)), np.nan)
    if budget.streams == "realised":
        streams = exposure_streams(panel.mark, rows, books)
    made = [
        _decision(panel, int(row), streams, book, exposures, rules, budget, factors)
        for row, book in zip(rows, books, strict=True)
    ]
    stacked = (
        np.array([getattr(one, name) for one in made]).reshape(len(rows), width)
        for name, width in (
            ("weights", books.shape[2]),
            ("multiples", len(exposures)),
            ("budgets", len(exposures)),
            ("contributions", len(exposures)),
        )
    )
    return FactorParity(rows, exposures, books, *stacked, tuple(one.reports for one in made))


@dataclass(frozen=True, eq=False)
class _Decision:
    """One row of a `FactorParity`."""

    weights: np.ndarray
    multiples: np.ndarray
    budgets: np.ndarray
    contributions: np.ndarray
    reports: tuple[Report, ...]


def _decision(
    panel: Panel,
    row: int,
    streams: np.ndarray,
    book: np.ndarray,
    exposures: tuple[Exposure, ...],
    rules: PortfolioRules,
    budget: RiskBudget,
    factors: Sequence[str],
) -> _Decision:
    """The book of one decision from the exposures' unit portfolios (J, N)."""
    matrix, present, said = _risk(panel, row, streams, book, exposures, rules)
    if budget.streams == "present":
        # None of them has a stream, as asked.
        said = [report for report in said if report[1] != _SHORT]
    here = [exposures[j] for j in present.tolist()]
    said += _missing(here, factors, rules)
    multiples, budgets, contributions = np.zeros((3, len(exposures)))
    if not len(present):
        return _Decision(np.zeros(book.shape[1]), multiples, budgets, contributions, tuple(said))
    budgets[present] = risk_budgets(here, budget)
    solved = equal_risk_contribution(matrix, budget=budgets[present])
    contributions[present] = risk_contributions(solved.weights, matrix)
    said += [("", kind, detail) for kind, detail in solved.reports]
    weights = solved.weights @ book[present]
    size = np.abs(weights).sum()
    scale = 0.0
    if size > _CANCELLED:
        scale = rules.gross * _invested(here, budget, rules) / size
    else:
        said.append(("", "risk budget", "the portfolios of the factors cancel: all in cash"))
    multiples[present] = scale * solved.weights
    return _Decision(scale * weights, multiples, budgets, contributions, tuple(said))


def _risk(
    panel: Panel,
    row: int,
    streams: np.ndarray,
    book: np.ndarray,
    exposures: tuple[Exposure, ...],
    rules: PortfolioRules,
) -> tuple[np.ndarray, np.ndarray, list[Report]]:
    """Covariance of the exposures' streams up to `row`, which ones it is known of, and reports."""
    given = rules.covariance
    held = np.flatnonzero(book.any(axis=1))
    if not len(held):
        return np.zeros((0, 0)), held, []
    window = streams[max(row - given.lookback, 0) + 1 : row + 1, held]
    lived = np.isfinite(window)
    if not lived.all():
        stands_in = present_returns(past_returns(panel, row, None, given.lookback), book[held])
        window = np.where(lived, window, stands_in)
    scale = _scale(window)
    estimated = covariance(
        window / scale, given.estimator, halflife=given.halflife, min_history=given.min_history
    )
    said: list[Report] = []
    for position, reason in estimated.dropped:
        exposure = exposures[held[position]]
        said.append((exposure.sleeve, "missing exposure", f"{exposure.factor}: {reason}"))
    for position in estimated.kept.tolist():
        exposure, own = exposures[held[position]], int(lived[:, position].sum())
        if own < given.min_history:
            detail = (
                f"{exposure.factor}: held on {own} of {len(window)} sessions, its present "
                "portfolio stands in on the others"
            )
            said.append((exposure.sleeve, _SHORT, detail))
    known = scale[estimated.kept]
    return estimated.matrix * np.outer(known, known), held[estimated.kept], said


def _scale(window: np.ndarray) -> np.ndarray:
    """(J,) standard deviations of the streams, 1 where there is none.

    Shrinkage draws all variances to one: of coins and of stocks held long and short, one is a
    hundred times the other, and the calm streams would look as wild as they are not.
    """
    known = np.isfinite(window)
    count = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, window, 0.0)
    centred = np.where(known, filled - filled.sum(axis=0) / count, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / count)
    return np.where(spread > _STILL, spread, 1.0)


def _missing(
    here: Sequence[Exposure], factors: Sequence[str], rules: PortfolioRules
) -> list[Report]:
    """Sleeves that follow their own book or hold nothing, and factors missing in the others."""
    reports = []
    for sleeve in rules.sleeves if rules.sleeves is not None else ("",):
        held = [exposure.factor for exposure in here if exposure.sleeve == sleeve]
        absent = [name for name in factors if name not in held]
        if not held:
            reports.append((sleeve, "missing exposure", "the sleeve holds nothing"))
        elif any(exposure.is_own for exposure in here if exposure.sleeve == sleeve):
            detail = f"no factor ranks {rules.min_breadth}: {held[0]}"
            reports.append((sleeve, "thin sleeve", detail))
        elif absent:
            detail = f"{', '.join(absent)}: the sleeve's other factors have the budget"
            reports.append((sleeve, "missing exposure", detail))
    return reports


def _invested(here: Sequence[Exposure], budget: RiskBudget, rules: PortfolioRules) -> float:
    """Share of gross that is held: a sleeve that holds nothing leaves its budget in cash."""
    if rules.sleeves is None or rules.thin_sleeve == "redistribute":
        return 1.0
    sleeves = {exposure.sleeve for exposure in here}
    asked = {name: budget.sleeves.get(name, 1.0) for name in rules.sleeves}
    return sum(share for name, share in asked.items() if name in sleeves) / sum(asked.values())
