"""Investment: companies that grow their assets slowly earn more."""

from __future__ import annotations

import numpy as np

from factors.ratios import positive, ratio, scores_by_part
from factors.registry import factor
from factors.windows import at_rows
from feeds.panel import Panel

__all__ = ["low_investment"]


@factor("investment", label="Low investment", fields=("assets", "assets_year_ago"))
def low_investment(panel: Panel, rows: np.ndarray | None = None) -> np.ndarray:
    """Minus the growth of total assets over a year: 1 - assets / assets a year before.

    Both are of the latest periods that are public; the authors look once a year, in June.

    Parameters
    ----------
    panel : Panel
    rows : (R,) int array, optional
        Rows to compute; the others are NaN.

    Returns
    -------
    (T, N) float64 array
        A fraction. NaN where one of them is not known or not positive, and where the asset has no
        bar within the week before t.

    References
    ----------
    Cooper, Gulen and Schill (2008), Journal of Finance 63; Fama and French (2015), Journal of
    Financial Economics 116.
    """
    now, before = panel.figure("assets"), panel.figure("assets_year_ago")
    return scores_by_part(
        panel,
        rows,
        lambda part, out: np.subtract(
            1.0, ratio(positive(at_rows(now, part)), at_rows(before, part), out), out=out
        ),
    )
