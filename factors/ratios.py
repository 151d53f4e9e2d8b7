"""Ratios of figures that were filed, as of some rows of a panel."""

from __future__ import annotations

import numpy as np

from factors.windows import is_fresh
from feeds.panel import Panel

__all__ = ["filed", "positive", "ratio"]


def filed(panel: Panel, name: str, rows: np.ndarray) -> np.ndarray:
    """(R, N) a field or figure as known on each row, such as ``book_equity``.

    NaN where the asset has no bar within the week before: what it filed stays on the books when
    it is traded no more.
    """
    field = getattr(panel, name) if name in ("book_equity", "shares") else panel.figure(name)
    return np.where(is_fresh(panel, rows), field[rows], np.nan)


def positive(values: np.ndarray) -> np.ndarray:
    """The same values, NaN where they are not above zero."""
    return np.where(values > 0, values, np.nan)


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotient of two arrays; NaN where the denominator is not above zero."""
    out = np.full(np.shape(numerator), np.nan)
    return np.divide(numerator, denominator, out=out, where=denominator > 0)
