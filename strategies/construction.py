"""From the scores of one date to target weights: sleeves, thin sleeves, sides and caps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from strategies.cross_section import CrossSection, Target
from strategies.limits import cap_classes, cap_weights
from strategies.portfolio_rules import PortfolioRules
from strategies.weights import select_sides, weigh_side

__all__ = ["CrossSection", "PortfolioRules", "Target", "target_weights"]


def target_weights(section: CrossSection, rules: PortfolioRules) -> Target:
    """Signed target weights of one date.

    Each sleeve gets its share of gross and net. A sleeve with fewer than ``min_breadth``
    ranked assets is thin: it follows each asset's own trend (long above zero, short below in
    a long-short book), is held long only at equal weights, stays in cash, or gives its share
    to the others; assets whose trend is not known yet are left out. A thin sleeve is not
    neutral: its net is what its trends give, and it is reported. Without sleeves all classes
    are ranked in one pool.
    """
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
            weights += _ranked_weights(section, pools[name], share, rules)
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
) -> np.ndarray:
    weights = np.zeros(len(section.score))
    gross = share * rules.gross
    net = share * rules.net if rules.is_long_short else gross
    scores = section.score[pool]
    best, worst = select_sides(
        scores, section.symbols[pool], quantile=rules.quantile, top=rules.top
    )
    if rules.is_long_short:
        best = best[: max(1, len(pool) // 2)]
    weights[pool[best]] = weigh_side(scores[best], rules.weighting, (gross + net) / 2)
    if gross > net:
        weights[pool[worst]] -= weigh_side(scores[worst], rules.weighting, (gross - net) / 2)
    return weights


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
