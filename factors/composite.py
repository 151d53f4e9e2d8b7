"""Composite scores: several factors weighed into one number an asset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from factors.registry import Factor, get_factor
from factors.sections import group_labels
from factors.steps import Section, Step, run_steps, usual_steps
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
        Made comparable among the eligible assets; NaN elsewhere.
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
    neutralize: str | Sequence[str] | None = "asset_class",
    min_factors: int = 1,
    steps: Mapping[str, Sequence[Step]] | None = None,
    exposures: Mapping[str, tuple[Factor, Mapping[str, Any]]] | None = None,
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
    scale : {"rank", "zscore", "gaussian", "none"}
        How scores are made comparable. Ranks lie within (-1/2, 1/2).
    neutralize : str, sequence of str or None
        ``asset_class`` and ``sector``: that is done within each. Names of factors: the scaled
        scores are regressed on them. None: across all assets.
    min_factors : int
        Known factors of non-zero weight that an asset needs.
    steps : mapping, optional
        Column of a factor to its own steps, in place of `winsorize`, `scale` and `neutralize`.
    exposures : mapping, optional
        Name of a characteristic to the factor and its parameters; the registered factor of
        that name unless given.

    Returns
    -------
    Scores

    Raises
    ------
    ConfigError
        If every weight is zero, or a factor cannot be computed as configured.
    """
    rows = np.arange(panel.shape[0]) if rows is None else np.asarray(rows, dtype=np.intp)
    names = (neutralize,) if isinstance(neutralize, str) else tuple(neutralize or ())
    usual = usual_steps(winsorize, scale, names)
    sections = _Sections(panel, eligible, exposures or {})
    raw = np.stack([entry.scores(panel, rows, **given) for entry, _, given in factors])
    scaled = np.empty(raw.shape)
    for number, (entry, _, given) in enumerate(factors):
        own = (steps or {}).get(entry.column, usual)
        scores = _on_rows(panel, entry, given, {rows.tobytes(): raw[number]})
        scaled[number] = run_steps(scores, sections.at, own, rows)
    entries = [entry for entry, _, _ in factors]
    return Scores(
        columns=tuple(entry.column for entry in entries),
        labels={entry.column: entry.label for entry in entries},
        raw=raw,
        scaled=scaled,
        composite=combine(scaled, [weight for _, weight, _ in factors], min_factors),
        rows=rows,
    )


class _Sections:
    """What is known of some rows of a panel, each characteristic computed once."""

    def __init__(
        self,
        panel: Panel,
        eligible: np.ndarray,
        exposures: Mapping[str, tuple[Factor, Mapping[str, Any]]],
    ) -> None:
        self._panel = panel
        self._eligible = eligible
        self._exposures = exposures
        self._computed: dict[str, Callable[[np.ndarray], np.ndarray]] = {}

    def at(self, rows: np.ndarray) -> Section:
        """The section of (R,) rows; before the first one no score is known."""
        return Section(
            eligible=self._eligible[np.maximum(rows, 0)],
            groups=lambda names: group_labels(self._panel, names),
            exposure=lambda name: self._exposure(name)(rows),
        )

    def _exposure(self, name: str) -> Callable[[np.ndarray], np.ndarray]:
        if name not in self._computed:
            entry, given = self._exposures.get(name) or (get_factor(name), {})
            self._computed[name] = _on_rows(self._panel, entry, given, {})
        return self._computed[name]


def _on_rows(
    panel: Panel, entry: Factor, given: Mapping[str, Any], known: dict[bytes, np.ndarray]
) -> Callable[[np.ndarray], np.ndarray]:
    """Rows to the factor's scores there, NaN before the first row; each set computed once."""

    def scores(rows: np.ndarray) -> np.ndarray:
        key = rows.tobytes()
        if key not in known:
            values = entry.scores(panel, np.maximum(rows, 0), **given)
            known[key] = np.where((rows >= 0)[:, None], values, np.nan)
        return known[key]

    return scores


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
