"""From the scores of one date to target weights: sleeves, thin sleeves, sides and caps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from strategies.cross_section import CrossSection, Report, Target
from strategies.exclusion import without
from strategies.limit_rows import limited
from strategies.limits import cap_classes, cap_weights
from strategies.portfolio_rules import PortfolioRules
from strategies.sides import weigh_columns, weigh_pool
from strategies.volatility_target import scaled_down, scaled_to_target
from strategies.weights import select_sides

__all__ = ["CrossSection", "PortfolioRules", "Target", "finished", "formed", "target_weights"]


def target_weights(section: CrossSection, rules: PortfolioRules) -> Target:
    """Signed target weights of one date: what is formed, scaled and brought within the limits."""
    return finished(section, formed(section, rules), rules)


def formed(section: CrossSection, rules: PortfolioRules) -> Target:
    """Weights of one date before scaling and limits.

    Each sleeve gets its share of gross and net. A sleeve with fewer than ``min_breadth``
    ranked assets is thin: it follows each asset's own trend (long above zero, short below in
    a long-short book), is held long only at equal weights, stays in cash, or gives its share
    to the others; assets whose trend is not known yet are left out. A thin sleeve is not
    neutral: its net is what its trends give, and it is reported. Without sleeves all classes
    are ranked in one pool.
    """
    if rules.weighting == "factor_risk_parity":
        return Target(section.prepared, section.prepared_reports)
    shares = dict(rules.sleeves) if rules.sleeves is not None else {"": 1.0}
    pools = {name: _pool(section, name) for name in shares}
    thin = {name for name, pool in pools.items() if len(pool) < rules.min_breadth}
    reports = [
        (
            name,
            "thin sleeve",
            f"{len(pools[name])} ranked, below {rules.min_breadth}: " + rules.thin_sleeve,
        )
        for name in sorted(thin)
    ]
    if rules.thin_sleeve == "redistribute":
        shares = _redistributed(shares, thin)
    weights = np.zeros(len(section.score))
    for name, share in shares.items():
        if name in thin:
            weights += _thin_weights(section, name, share * rules.gross, rules)
        else:
            own, told = _ranked_weights(section, pools[name], share, rules)
            weights += own
            reports += told
    return Target(weights, tuple(reports))


def finished(section: CrossSection, formation: Target, rules: PortfolioRules) -> Target:
    """A formation at its target volatility and within the limits, without what nobody lends.

    Caps alone spread their excess as ever; as soon as a limit is asked for that they cannot
    express, all limits are kept by one projection. Where the book is riskier afterwards than its
    target volatility it is made smaller, which keeps every limit.
    """
    if section.shortable is not None:
        formation = _borrowed(section, formation, rules)
    weights, reports = formation.weights, list(formation.reports)
    scaled = rules.volatility_target is not None and bool(weights.any())
    if scaled:
        weights, told = scaled_to_target(section, weights, rules)
        reports += told
    bounded = limited if rules.projects else _capped_weights
    target = bounded(section, weights, rules)
    kept = target.weights
    if scaled and not np.array_equal(kept, weights):
        kept = scaled_down(section, kept, rules)
    return Target(kept, (*reports, *target.reports))


def _borrowed(section: CrossSection, formation: Target, rules: PortfolioRules) -> Target:
    """A formation without shorts in what cannot be borrowed."""
    out = (formation.weights < 0) & ~section.shortable
    why, spread = "nothing to borrow", rules.unborrowable == "spread"
    names = section.symbols, section.asset_class
    return without(formation, out, *names, kind="unborrowable", why=why, spread=spread)


def _capped_weights(section: CrossSection, weights: np.ndarray, rules: PortfolioRules) -> Target:
    reports = []
    by_class = cap_classes(weights, section.asset_class, rules.max_class_weight)
    capped = _capped(by_class, section.asset_class, rules.max_weight)
    stages = (("max_class_weight", weights, by_class), ("max_weight", by_class, capped))
    for cap, before, after in stages:
        lost = np.abs(before).sum() - np.abs(after).sum()
        if lost > 1e-12:
            reports.append(("", "capped", f"{cap} leaves {lost:.4f} of NAV in cash"))
    return Target(capped, tuple(reports))


def _pool(section: CrossSection, asset_class: str) -> np.ndarray:
    ranked = section.eligible & np.isfinite(section.score)
    if asset_class:
        ranked = ranked & (section.asset_class == asset_class)
    return np.flatnonzero(ranked)


def _redistributed(shares: Mapping[str, float], thin: set[str]) -> dict[str, float]:
    kept = {name: share for name, share in shares.items() if name not in thin}
    total = sum(kept.values())
    return {name: share / total for name, share in kept.items()} if total > 0 else {}


def _ranked_weights(
    section: CrossSection, pool: np.ndarray, share: float, rules: PortfolioRules
) -> tuple[np.ndarray, tuple[Report, ...]]:
    weights = np.zeros(len(section.score))
    if rules.weighting == "mean_variance":
        weights[pool], reports = weigh_pool(section, pool, share, rules)
        return weights, reports
    gross = share * rules.gross
    net = share * rules.net if rules.is_long_short else gross
    best, worst = select_sides(
        section.score[pool], section.symbols[pool], quantile=rules.quantile, top=rules.top
    )
    if rules.is_long_short:
        best = best[: max(1, len(pool) // 2)]
    sides = [(pool[best], 1.0, (gross + net) / 2)]
    if gross > net:
        sides.append((pool[worst], -1.0, (gross - net) / 2))
    reports: list[Report] = []
    for columns, sign, total in sides:
        own, told = weigh_columns(section, columns, total, rules)
        reports += told
        if total > 0.0 and not own.any():
            # One side alone would be a bet that nobody asked for.
            name = str(section.asset_class[pool[0]])
            reports.append((name, "left out", "no asset of a side can be weighted: all in cash"))
            return np.zeros(len(section.score)), tuple(reports)
        weights[columns] += sign * own
    return weights, tuple(reports)


def _thin_weights(
    section: CrossSection, asset_class: str, gross: float, rules: PortfolioRules
) -> np.ndarray:
    members = section.eligible & np.isfinite(section.trend)
    if asset_class:
        members = members & (section.asset_class == asset_class)
    weights = np.zeros(len(section.score))
    if rules.thin_sleeve not in ("trend", "long_only") or not members.any():
        return weights
    direction = np.ones(len(weights))
    if rules.thin_sleeve == "trend":
        direction = np.sign(section.trend)
        if not rules.is_long_short:
            direction = np.maximum(direction, 0.0)
    weights[members] = direction[members] * gross / members.sum()
    return weights


def _capped(weights: np.ndarray, asset_class: np.ndarray, cap: float) -> np.ndarray:
    """Cap each class and sign on its own: no sleeve takes over what another may not hold."""
    capped = np.zeros(len(weights))
    for name in sorted(set(asset_class[weights != 0].tolist())):
        part = np.where(asset_class == name, weights, 0.0)
        capped += cap_weights(np.maximum(part, 0.0), cap)
        capped -= cap_weights(np.maximum(-part, 0.0), cap)
    return capped
