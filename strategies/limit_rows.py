"""The limits of a book as linear rows, and the book that keeps them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from strategies.cross_section import CrossSection, Report, Target
from strategies.portfolio_rules import OTHERS, PortfolioRules
from strategies.projection import Projection, Rows, project

__all__ = ["limited", "sector_labels"]

#: What a unit of weight missing in net and in gross costs: net is kept first.
_PRICE_OF_NET, _PRICE_OF_GROSS = 10.0, 1.0
_INFINITE = float("inf")
#: Weights that are none: what long and short formations that cancel leave, say.
_NOTHING = 1e-9
#: Limits named in one report.
_MOST_NAMED = 3

#: Name, coefficient of each asset, lower and upper limit, and what a unit of slack costs.
Row = tuple[str, np.ndarray, float, float, float]


def limited(section: CrossSection, weights: np.ndarray, rules: PortfolioRules) -> Target:
    """The closest weights that keep the limits of `rules`, by :func:`project`.

    Gross and net are those of `weights`, gross at most ``max_gross`` and net within
    ``neutral.dollar``; they give way where the limits leave no room for them, net last, and what
    is missing is reported with the limits that bind. The limits themselves always hold.

    Parameters
    ----------
    section : CrossSection
        Of `beta`, NaN counts as 1, which is reported.
    weights : (N,) float array
        Signed. Assets at zero, up to 1e-9, stay there, and the others take over what they had.
    rules : PortfolioRules
    """
    chosen = np.flatnonzero(np.abs(weights) > _NOTHING)
    if not len(chosen):
        return Target(np.zeros(len(weights)), ())
    # In the order of the names, so that rounding does not depend on the order of the assets.
    chosen = chosen[np.argsort(section.symbols[chosen], kind="stable")]
    target = _whole(weights[chosen], weights)
    names, matrix, lower, upper, price = zip(*_rows(section, chosen, target, rules), strict=True)
    rows = Rows(names, np.stack(matrix), np.array(lower), np.array(upper), np.array(price))
    found = project(target, rules.max_weight, rows)
    result = np.zeros(len(weights))
    result[chosen] = found.weights
    reports = [*_unknown_betas(section, chosen, rules), *_told(found, rows)]
    return Target(result, tuple(reports))


def _whole(target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weights that count, each side with the sum that it has among all."""
    if np.count_nonzero(weights) == len(target):
        return target
    result = target.copy()
    for sign in (1.0, -1.0):
        own = sign * target > 0
        if own.any():
            result[own] *= weights[sign * weights > 0].sum() / target[own].sum()
    return result


def sector_labels(sector: np.ndarray | None, asset_class: np.ndarray) -> np.ndarray:
    """(N,) sector of each asset, and its asset class where none is known."""
    if sector is None:
        return asset_class
    return np.where(sector == "", asset_class, sector)


def _rows(
    section: CrossSection, chosen: np.ndarray, target: np.ndarray, rules: PortfolioRules
) -> Iterator[Row]:
    asset_class = section.asset_class[chosen]
    sign = np.sign(target)
    yield from _totals(asset_class, target, rules)
    for name in sorted(rules.max_class_weight):
        cap = rules.max_class_weight[name]
        yield f"max_class_weight.{name}", sign * (asset_class == name), -_INFINITE, cap, _INFINITE
    for name in sorted(rules.sleeves or {}):
        own = sign * (asset_class == name)
        # No sleeve takes over what another may not hold.
        yield f"sleeves.{name}", own, -_INFINITE, float(own @ target), _INFINITE
    yield from _sector_rows(section, chosen, sign, rules)
    yield from _neutral_rows(section, chosen, rules)


def _totals(asset_class: np.ndarray, target: np.ndarray, rules: PortfolioRules) -> Iterator[Row]:
    neutral, sign = rules.neutral, np.sign(target)
    gross = min(float(np.abs(target).sum()), rules.max_gross or _INFINITE)
    yield "gross", sign, gross, _INFINITE, _PRICE_OF_GROSS
    yield "max_gross", sign, -_INFINITE, gross, _INFINITE
    one_sided = bool((target > 0).all() or (target < 0).all())
    bound = _INFINITE if neutral.dollar is None else neutral.dollar
    apart = np.ones(len(target), dtype=bool)
    if neutral.sector or neutral.asset_class == ("all",):
        apart[:] = False
    else:
        apart = ~np.isin(asset_class, neutral.asset_class)
    net = float(np.clip(target[apart].sum(), -bound, bound))
    # Of a book of one side net follows from gross.
    if bound > 0.0 and apart.any() and not one_sided:
        yield "net", np.ones(len(target)), net, net, _PRICE_OF_NET
    if neutral.dollar is not None:
        yield "neutral.dollar", np.ones(len(target)), -bound, bound, _INFINITE


def _sector_rows(
    section: CrossSection, chosen: np.ndarray, sign: np.ndarray, rules: PortfolioRules
) -> Iterator[Row]:
    if not rules.max_sector_weight and not rules.neutral.sector:
        return
    labels = sector_labels(section.sector, section.asset_class)[chosen]
    others = rules.max_sector_weight.get(OTHERS)
    for name in np.unique(labels).tolist():
        members = labels == name
        cap = rules.max_sector_weight.get(name, others)
        if cap is not None:
            yield f"max_sector_weight.{name}", sign * members, -_INFINITE, cap, _INFINITE
        if rules.neutral.sector:
            yield f"neutral.sector.{name}", members * 1.0, 0.0, 0.0, _INFINITE


def _neutral_rows(
    section: CrossSection, chosen: np.ndarray, rules: PortfolioRules
) -> Iterator[Row]:
    neutral, asset_class = rules.neutral, section.asset_class[chosen]
    for name in np.unique(asset_class).tolist():
        if name in neutral.asset_class or neutral.asset_class == ("all",):
            own = (asset_class == name) * 1.0
            yield f"neutral.asset_class.{name}", own, 0.0, 0.0, _INFINITE
    if neutral.beta is not None:
        beta = np.nan_to_num(section.beta[chosen], nan=1.0)
        yield "neutral.beta", beta, -neutral.beta, neutral.beta, _INFINITE


def _unknown_betas(
    section: CrossSection, chosen: np.ndarray, rules: PortfolioRules
) -> Iterator[Report]:
    if rules.neutral.beta is None:
        return
    unknown = section.symbols[chosen][np.isnan(section.beta[chosen])].tolist()
    if unknown:
        listed = ", ".join(unknown[:_MOST_NAMED]) + (", ..." if len(unknown) > _MOST_NAMED else "")
        yield "", "beta", f"not known of {len(unknown)}, taken as 1: {listed}"


def _told(found: Projection, rows: Rows) -> Iterator[Report]:
    """What gives way, by how much, and to what."""
    given = np.flatnonzero(found.slack)
    if not len(given):
        return
    hard = np.isinf(rows.price)
    binding = [name for name, binds in zip(rows.names, found.binds & hard) if binds]
    binding = [name for name in binding if name != "max_gross"]
    if found.capped:
        binding.insert(0, "max_weight")
    more = f" and {len(binding) - _MOST_NAMED} more" if len(binding) > _MOST_NAMED else ""
    to = f", kept by {', '.join(binding[:_MOST_NAMED])}{more}" if binding else ""
    for number in given.tolist():
        slack = float(found.slack[number])
        limit = float(rows.upper[number] if slack > 0 else rows.lower[number])
        what = f"{rows.names[number]} gives way by {abs(slack):.4g}"
        yield "", "limits", f"{what}: {limit + slack:.4g} instead of {limit:.4g}{to}"
