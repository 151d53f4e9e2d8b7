"""Scaling a book to a volatility that is forecast before it is held."""

from __future__ import annotations

import math

import numpy as np

from strategies.cross_section import CrossSection, Report
from strategies.portfolio_rules import PortfolioRules
from strategies.sides import estimated

__all__ = ["forecast_volatility", "scaled_down", "scaled_to_target"]

#: Of the target, what counts as having reached it.
_REACHED = 1e-6


def scaled_to_target(
    section: CrossSection, weights: np.ndarray, rules: PortfolioRules
) -> tuple[np.ndarray, tuple[Report, ...]]:
    """Weights times min(max_leverage, target / forecast), and what a user should know.

    Parameters
    ----------
    section : CrossSection
        With its `history`.
    weights : (N,) float array
        Signed.
    rules : PortfolioRules
        With a `volatility_target`.

    Notes
    -----
    The target is fixed in the configuration and the forecast is from returns up to the decision
    (Moreira, Muir 2017, scale likewise by realised variance). A book whose volatility nobody
    knows is not levered, and reported.
    """
    aim = rules.volatility_target
    forecast, reports = forecast_volatility(section, weights, rules)
    if math.isnan(forecast):
        return weights * min(1.0, aim.max_leverage), reports
    leverage = aim.max_leverage
    if forecast * leverage > aim.annual:
        leverage = aim.annual / forecast
    return weights * leverage, reports


def scaled_down(section: CrossSection, weights: np.ndarray, rules: PortfolioRules) -> np.ndarray:
    """Weights that limits may have made riskier, back at the target; never scaled up.

    Less of the same book keeps every limit that the book keeps.
    """
    forecast, _ = forecast_volatility(section, weights, rules)
    if forecast > rules.volatility_target.annual * (1.0 + _REACHED):
        return weights * (rules.volatility_target.annual / forecast)
    return weights


def forecast_volatility(
    section: CrossSection, weights: np.ndarray, rules: PortfolioRules
) -> tuple[float, tuple[Report, ...]]:
    """Annual standard deviation of a book, from the configured covariance.

    Assets with too little history count as the rest of the book: the forecast of the part that
    is known is multiplied by gross over its gross, and reported. NaN where nothing is known.
    """
    held = np.flatnonzero(weights)
    if not len(held):
        return math.nan, ()
    held = held[np.argsort(section.symbols[held], kind="stable")]
    found = estimated(section, held, rules)
    size = np.abs(weights[held])
    if not len(found.kept):
        return math.nan, (("", "volatility", "not known of any asset: the book is not levered"),)
    own = weights[held][found.kept]
    variance = max(float(own @ found.matrix @ own), 0.0) * section.periods_per_year
    # A price that does not move is known to: it has no risk.
    short = [position for position, why in found.dropped if why != "no variance"]
    gross = float(size.sum())
    known = gross - float(size[short].sum())
    reports: tuple[Report, ...] = ()
    if short:
        share = 1.0 - known / gross
        detail = f"not known of {len(short)} assets, {share:.4f} of gross: taken as of the rest"
        reports = (("", "volatility", detail),)
    return math.sqrt(variance) * gross / known, reports
