"""Forward adjustment of many series at once."""

from __future__ import annotations

import numpy as np

from feeds.bar_table import BarTable

__all__ = ["table_factors"]


def table_factors(table: BarTable) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative split and dividend factors of each row, 1 at a symbol's first bar.

    The same numbers, to the last bit, as :func:`feeds.align.adjustment_factors` gives for one
    series after the other.

    Parameters
    ----------
    table : BarTable
        Sorted; M bars of S symbols.

    Returns
    -------
    split_factor, dividend_factor : (M,) float64 arrays
    """
    bounds = table.bounds()
    steps = table["split_ratio"], 1.0 + table["dividend"] / table["close"]
    return _products(steps[0], bounds), _products(steps[1], bounds)


def _products(steps: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Running products within each span; only spans with an event are looked at one by one."""
    out = np.ones(len(steps))
    owners = np.searchsorted(bounds, np.flatnonzero(steps != 1.0), side="right") - 1
    for owner in np.unique(owners):
        span = slice(bounds[owner] + 1, bounds[owner + 1])
        out[span] = np.cumprod(steps[span])
    return out
