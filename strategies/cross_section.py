"""What is known on one date, and what is decided from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["CrossSection", "Report", "Target"]

#: (symbol or asset class, kind, detail) of what a user should know.
Report = tuple[str, str, str]


@dataclass(frozen=True)
class CrossSection:
    """What is known of each asset on one date.

    Parameters
    ----------
    symbols, asset_class : (N,) str arrays
        Names and classes.
    eligible : (N,) bool array
        May be held.
    score : (N,) float array
        Composite score; NaN means not ranked.
    trend : (N,) float array
        The asset's own past return, for thin sleeves; NaN means not known.
    row : int
        The decision row of the panel; -1 where it is not known.
    market_cap : (N,) float array, optional
        In currency; NaN means not known.
    sector : (N,) str array, optional
        Sector; an empty text where not known.
    beta : (N,) float array, optional
        Beta to the market of ``portfolio.neutral``; NaN means not known.
    held : (N,) float array, optional
        Signed weights held at the close of the row.
    history : callable, optional
        ``history(columns (k,), lookback) -> (L, k)``: simple session returns up to and including
        the row, L at most `lookback`; NaN where a session has no bar. With `columns` None, of
        every asset.
    periods_per_year : int
        Sessions a year.
    prepared : (N,) float array, optional
        Weights made before the run, for a weighting of the whole book.
    prepared_reports : tuple of (str, str, str)
        What a user should know of them.
    shortable : (N,) bool array, optional
        Can be borrowed and sold short; None where everything can.
    """

    symbols: np.ndarray
    asset_class: np.ndarray
    eligible: np.ndarray
    score: np.ndarray
    trend: np.ndarray
    row: int = -1
    market_cap: np.ndarray | None = None
    sector: np.ndarray | None = None
    beta: np.ndarray | None = None
    held: np.ndarray | None = None
    history: Callable[[np.ndarray, int], np.ndarray] | None = None
    periods_per_year: int = 252
    prepared: np.ndarray | None = None
    prepared_reports: tuple[Report, ...] = ()
    shortable: np.ndarray | None = None


@dataclass(frozen=True)
class Target:
    """(N,) signed weights, and (asset class, kind, detail) of what a user should know."""

    weights: np.ndarray
    reports: tuple[Report, ...]
