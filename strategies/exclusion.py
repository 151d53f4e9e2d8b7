"""Leaving assets out of target weights: shorts that nobody lends, and assets that were stopped."""

from __future__ import annotations

import numpy as np

from strategies.cross_section import Target
from strategies.limits import cap_weights

__all__ = ["exclude", "without"]

#: Names that a report lists before it counts.
_NAMED = 5


def exclude(
    weights: np.ndarray, out: np.ndarray, asset_class: np.ndarray, *, cap: float, spread: bool
) -> np.ndarray:
    """Weights with nothing in some assets.

    Parameters
    ----------
    weights : (N,) float array
        Signed.
    out : (N,) bool array
        Assets to leave out.
    asset_class : (N,) str array
        Their weight goes to assets of the same class.
    cap : float
        Greatest absolute weight of one asset.
    spread : bool
        Whether the others of the same side and class take the weight over, in proportion and up
        to the cap; else, and where there are none, it is left in cash.

    Returns
    -------
    (N,) float array
    """
    kept = np.where(out, 0.0, weights)
    if not spread:
        return kept
    lost = out & (weights != 0)
    for name in sorted(set(asset_class[lost].tolist())):
        for sign in (1.0, -1.0):
            side = (asset_class == name) & (sign * weights > 0)
            takers = side & ~out
            if not (side & out).any() or not takers.any():
                continue
            total = np.abs(weights[side]).sum()
            scaled = np.abs(kept[takers]) * (total / np.abs(kept[takers]).sum())
            kept[takers] = sign * cap_weights(scaled, cap)
    return kept


def without(
    target: Target,
    out: np.ndarray,
    symbols: np.ndarray,
    asset_class: np.ndarray,
    *,
    kind: str,
    why: str,
    spread: bool,
    cap: float = np.inf,
) -> Target:
    """A target without some assets, and one report for each class that had any.

    Parameters
    ----------
    target : Target
    out : (N,) bool array
        Assets to leave out.
    symbols, asset_class : (N,) str arrays
    kind, why : str
        Kind of the reports, and the beginning of their details.
    spread, cap
        As in :func:`exclude`.
    """
    lost = out & (target.weights != 0)
    if not lost.any():
        return target
    where = "the others of the side take it" if spread else "it stays in cash"
    reports = []
    for name in sorted(set(asset_class[lost].tolist())):
        members = np.flatnonzero(lost & (asset_class == name))
        names = sorted(symbols[members].tolist())
        listed = ", ".join(names[:_NAMED])
        if len(names) > _NAMED:
            listed += f" and {len(names) - _NAMED} more"
        amount = float(np.abs(target.weights[members]).sum())
        reports.append((name, kind, f"{why}: {listed}; {amount:.4f} of NAV, {where}"))
    weights = exclude(target.weights, out, asset_class, cap=cap, spread=spread)
    return Target(weights, (*target.reports, *reports))
