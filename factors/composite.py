"""Composite scores: several factors weighed into one number an asset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from factors.preprocess import scale_scores
from factors.registry import Factor
from feeds.errors import ConfigError
from feeds.panel import Panel

__all__ = ["Scores", "combine", "composite_scores"]


@dataclass(frozen=True, eq=False)
class Scores:
    """Factor scores at R decision rows for K factors and N assets.

    Parameters
    ----------
    columns : tuple of str
        Column name of each factor, in the configuration's order.
    labels : dict
        Column name to the text shown in tables and plots.
    raw : (K, R, N) float64 array
        What the factors' functions gave, for every asset; NaN where not known.
    scaled : (K, R, N) float64 array
        Winsorised and scaled among the eligible assets; NaN elsewhere.
    composite : (R, N) float64 array
        Weighted mean of the known scaled scores; NaN where an asset is not ranked.
    rows : (R,) int array
        Rows of the panel.
    """

    columns: tuple[str, ...]
    labels: dict[str, str]
    raw: np.ndarray
    scaled: np.ndarray
    composite: np.ndarray
    rows: np.ndarray


def composite_scores(
    panel: Panel,
    eligible: np.ndarray,
    factors: Sequence[tuple[Factor, float, Mapping[str, Any]]],
    *,
    rows: np.ndarray | None = None,
    winsorize: float = 0.01,
    scale: str = "rank",
    neutralize: str | None = "asset_class",
    min_factors: int = 1,
) -> Scores:
    """Score the eligible assets of each decision row.

    Parameters
    ----------
    panel : Panel
    eligible : (T, N) bool array
        Assets that enter the cross-section of each row.
    factors : sequence of (Factor, weight, parameters)
        A negative weight turns a factor round; a weight of 0 reports it only.
    rows : (R,) int array, optional
        Decision rows; all rows unless given.
    winsorize : float
        Share clipped on each side before ``zscore`` and ``none``; ranks need none.
    scale : {"rank", "zscore", "none"}
        How scores are made comparable. Ranks lie within (-1/2, 1/2).
    neutralize : {"asset_class", None}
        Whether that is done within each asset class or across all.
    min_factors : int
        Known factors of non-zero weight that an asset needs.

    Returns
    -------
    Scores

    Raises
    ------
    ConfigError
        If every weight is zero, or a factor cannot be computed as configured.
    """
    rows = np.arange(panel.shape[0]) if rows is None else np.asarray(rows, dtype=np.intp)
    groups = panel.asset_class if neutralize == "asset_class" else None
    raw = np.stack([entry.scores(panel, rows, **given) for entry, _, given in factors])
    scaled = np.stack(
        [
            scale_scores(scores, scale, fraction=winsorize, eligible=eligible[rows], groups=groups)
            for scores in raw
        ]
    )
    entries = [entry for entry, _, _ in factors]
    return Scores(
        columns=tuple(entry.column for entry in entries),
        labels={entry.column: entry.label for entry in entries},
        raw=raw,
        scaled=scaled,
        composite=combine(scaled, [weight for _, weight, _ in factors], min_factors),
        rows=rows,
    )


def combine(scaled: np.ndarray, weights: Sequence[float], min_factors: int = 1) -> np.ndarray:
    """Weighted mean of the known scores; weights are renormalised over the known ones.

    sum(w s) / sum(abs(w)), both sums over the factors known for the asset on that row.

    Parameters
    ----------
    scaled : (K, R, N) float array
    weights : sequence of K floats
    min_factors : int
        Known factors of non-zero weight that an asset needs.

    Returns
    -------
    (R, N) float64 array
        NaN where fewer are known.

    Raises
    ------
    ConfigError
        If every weight is zero.
    """
    if not any(weights):
        raise ConfigError(
            "factors: every weight is 0, so that nothing is ranked",
            "give at least one factor a weight",
        )
    weight = np.asarray(weights, dtype=np.float64)[:, None, None]
    counted = np.isfinite(scaled) & (weight != 0.0)
    total = np.where(counted, weight * np.where(counted, scaled, 0.0), 0.0).sum(axis=0)
    known_weight = np.where(counted, np.abs(weight), 0.0).sum(axis=0)
    enough = counted.sum(axis=0) >= max(min_factors, 1)
    return np.divide(total, known_weight, out=np.full(total.shape, np.nan), where=enough)
