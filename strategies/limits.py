"""Caps on weights: what one asset and one class may hold."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

__all__ = ["cap_classes", "cap_weights"]


def cap_weights(weights: np.ndarray, cap: float) -> np.ndarray:
    """Weights of one side with none above `cap`, the excess spread over the others.

    Parameters
    ----------
    weights : (N,) float array
        Not negative; zero means not selected and stays zero.
    cap : float
        Greatest weight.

    Returns
    -------
    (N,) float array
        The sum is kept where the selected can hold it; else each holds `cap` and the rest is
        left as cash.

    Notes
    -----
    The excess goes to the uncapped in proportion to their weights, again and again until none
    exceeds the cap. The answer does not depend on the order of the assets.
    """
    total = weights.sum()
    chosen = weights > 0
    if total <= 0 or cap * np.count_nonzero(chosen) <= total:
        return np.where(chosen, np.minimum(cap, total), 0.0) if total > 0 else weights.copy()
    capped = np.zeros(len(weights), dtype=bool)
    result = weights.copy()
    while (over := (result > cap * (1 + 1e-15)) & ~capped).any():
        capped |= over
        free = chosen & ~capped
        result[capped] = cap
        result[free] = weights[free] * ((total - cap * capped.sum()) / weights[free].sum())
    return result


def cap_classes(
    weights: np.ndarray, asset_class: np.ndarray, caps: Mapping[str, float]
) -> np.ndarray:
    """Weights with no class's absolute sum above its cap.

    The excess goes to the assets of the same sign in uncapped classes, in proportion; where
    there is none it is left as cash.

    Parameters
    ----------
    weights : (N,) float array
        Signed.
    asset_class : (N,) str array
        Class of each asset.
    caps : mapping
        Class to the greatest sum of absolute weights.
    """
    result = weights.copy()
    free = ~np.isin(asset_class, list(caps))
    for name in sorted(caps):
        members = asset_class == name
        gross = np.abs(result[members]).sum()
        if gross <= caps[name]:
            continue
        before = result[members]
        result[members] = before * (caps[name] / gross)
        for sign in (1.0, -1.0):
            excess = (before[sign * before > 0] * (1 - caps[name] / gross)).sum()
            takers = free & (sign * result > 0)
            if excess and takers.any():
                result[takers] *= 1 + excess / result[takers].sum()
    return result
