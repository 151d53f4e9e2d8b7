"""Weights of one side of a sleeve, or of its whole pool, under every weighting."""

from __future__ import annotations

import numpy as np

from strategies.covariance import Covariance, covariance
from strategies.cross_section import CrossSection, Report
from strategies.portfolio_rules import PortfolioRules
from strategies.weights import WEIGHTINGS, weigh_side

__all__ = ["SIDE_WEIGHTINGS", "estimated", "weigh_columns", "weigh_pool"]

_BY_RISK = (
    "equal_risk_contribution",
    "hierarchical_risk_parity",
    "inverse_volatility",
    "minimum_variance",
)
#: Assets of a side that are told of one by one.
_MOST_TOLD = 5
#: Rounding that is not told of.
_ROUNDING = 1e-12
#: Weightings that act within a side.
SIDE_WEIGHTINGS = (*sorted(WEIGHTINGS), "cap", *_BY_RISK)


def weigh_columns(
    section: CrossSection, columns: np.ndarray, total: float, rules: PortfolioRules
) -> tuple[np.ndarray, tuple[Report, ...]]:
    """Weights of some assets that sum to `total`, and who is left out.

    Parameters
    ----------
    section : CrossSection
        With `market_cap` or `history` where the weighting needs them.
    columns : (k,) int array
        The assets of one side, the most extreme score first.
    total : float
        Sum of the weights, >= 0.
    rules : PortfolioRules

    Returns
    -------
    (k,) float64 array
        In the order of `columns`; all zeros where no asset has what the weighting needs.
    tuple of (symbol, kind, detail)

    Notes
    -----
    NaN handling: an asset without a market cap, with fewer than ``covariance.min_history`` known
    returns, or whose price does not move, is not held where the weighting needs that, and its
    share goes to the others of the side.
    """
    if rules.weighting in WEIGHTINGS:
        return weigh_side(section.score[columns], rules.weighting, total), ()
    if rules.weighting == "cap":
        shares, reports = _by_cap(section, columns)
    else:
        shares, reports = _by_risk(section, columns, total, rules)
    return total * shares, reports


def _by_cap(section: CrossSection, columns: np.ndarray) -> tuple[np.ndarray, tuple[Report, ...]]:
    caps = section.market_cap[columns]
    known = np.isfinite(caps) & (caps > 0.0)
    caps = np.where(known, caps, 0.0)
    unknown = section.symbols[columns[~known]].tolist()
    reports = _left_out([(symbol, "market cap not known") for symbol in unknown])
    return caps / (caps.sum() if known.any() else 1.0), reports


def _by_risk(
    section: CrossSection, columns: np.ndarray, total: float, rules: PortfolioRules
) -> tuple[np.ndarray, tuple[Report, ...]]:
    from strategies import risk_weights

    found = estimated(section, columns, rules)
    reports = list(_left_out(_dropped(section.symbols[columns], found)))
    shares = np.zeros(len(columns))
    if len(found.kept):
        if rules.weighting == "minimum_variance":
            most = 1.0 if total <= 0.0 else rules.max_weight / total
            upper = min(1.0, max(most, 1.0 / len(found.kept)))
            made = risk_weights.minimum_variance(found.matrix, upper=upper)
        elif rules.weighting == "hierarchical_risk_parity":
            names = section.symbols[columns[found.kept]]
            made = risk_weights.hierarchical_risk_parity(found.matrix, names)
        else:
            made = getattr(risk_weights, rules.weighting)(found.matrix)
        shares[found.kept] = made.weights
        reports += [("", kind, detail) for kind, detail in made.reports]
    return shares, tuple(reports)


def weigh_pool(
    section: CrossSection, columns: np.ndarray, share: float, rules: PortfolioRules
) -> tuple[np.ndarray, tuple[Report, ...]]:
    """Mean-variance weights of the ranked assets of a sleeve.

    Parameters
    ----------
    columns : (k,) int array
        Ranked assets.
    share : float
        The sleeve's share of gross and net. Long only the weights sum to it times gross; in a
        long-short book they sum to it times net, and gross is at most it times gross.

    Returns
    -------
    (k,) float64 array
        Signed, none above ``max_weight`` in size.
    tuple of (symbol, kind, detail)
    """
    from strategies.mean_variance import expected_returns, mean_variance

    columns_of = np.argsort(section.symbols[columns], kind="stable")
    ordered = columns[columns_of]
    found = estimated(section, ordered, rules)
    reports = list(_left_out(_dropped(section.symbols[ordered], found)))
    weights = np.zeros(len(columns))
    if not len(found.kept):
        return weights, tuple(reports)
    kept, how = ordered[found.kept], rules.mean_variance
    matrix = found.matrix * section.periods_per_year
    expected = expected_returns(
        section.score[kept], np.sqrt(np.diag(matrix)), how.information_coefficient
    )
    gross = share * rules.gross
    net = share * rules.net if rules.is_long_short else gross
    room = len(kept) * rules.max_weight
    if abs(net) > room + _ROUNDING:
        left = f"max_weight leaves {abs(net) - room:.4f} of NAV in cash"
        reports.append(("", "capped", left))
    made = mean_variance(
        expected,
        matrix,
        np.zeros(len(kept)) if section.held is None else section.held[kept],
        risk_aversion=how.risk_aversion,
        turnover_penalty=how.turnover_penalty,
        net=float(np.clip(net, -room, room)),
        max_gross=gross,
        lower=-rules.max_weight if rules.is_long_short else 0.0,
        upper=rules.max_weight,
    )
    weights[columns_of[found.kept]] = made.weights
    reports += [("", kind, detail) for kind, detail in made.reports]
    return weights, tuple(reports)


def estimated(section: CrossSection, columns: np.ndarray, rules: PortfolioRules) -> Covariance:
    """The configured covariance of some assets, from returns up to the section's row."""
    how = rules.covariance
    return covariance(
        section.history(columns, how.lookback),
        how.estimator,
        halflife=how.halflife,
        min_history=how.min_history,
    )


def _dropped(symbols: np.ndarray, found: Covariance) -> list[tuple[str, str]]:
    return [(str(symbols[position]), why) for position, why in found.dropped]


def _left_out(assets: list[tuple[str, str]]) -> tuple[Report, ...]:
    """A report each, or one for all where there are many."""
    if len(assets) <= _MOST_TOLD:
        return tuple((symbol, "left out", why) for symbol, why in assets)
    such = "; ".join(f"{symbol}: {why}" for symbol, why in assets[:2])
    return (("", "left out", f"{len(assets)} assets, such as {such}"),)
