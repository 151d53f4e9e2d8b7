"""A series of ours held against a published one: how close, period by period."""

from __future__ import annotations

import numpy as np
import pandas as pd

from feeds.errors import DataError

__all__ = ["COMPARISON_COLUMNS", "compare_series", "shared_periods"]

COMPARISON_COLUMNS = (
    "factor", "first", "last", "periods", "correlation", "slope", "intercept_bps",
    "mean_difference_bps", "tracking_error_annual", "mean_annual", "published_mean_annual",
    "volatility", "published_volatility",
)  # fmt: skip
_FEWEST = 3


def shared_periods(ours: pd.Series, published: pd.Series) -> pd.DataFrame:
    """Columns ``ours`` and ``published`` on the periods that both know, in order."""
    both = pd.concat({"ours": ours, "published": published}, axis=1, join="inner")
    return both.dropna().sort_index()


def compare_series(
    ours: pd.DataFrame, published: pd.DataFrame, *, periods_per_year: float
) -> pd.DataFrame:
    """Compare the columns that two tables of returns share.

    Parameters
    ----------
    ours, published : DataFrame
        Simple returns as fractions, by date or by label of the period, a column a factor.
    periods_per_year : float
        252, 52 or 12.

    Returns
    -------
    DataFrame
        `COMPARISON_COLUMNS`, a row a factor in the published order. ``slope`` and
        ``intercept_bps`` are of ours on theirs, basis points a period; the difference is ours
        less theirs, and its tracking error the sample deviation times the root of
        `periods_per_year`; means are per period times `periods_per_year`. NaN handling: periods
        that either lacks are left out; with under three all figures are NaN, as are correlation
        and slope where a series does not vary.

    Raises
    ------
    DataError
        If no column is shared.
    """
    names = [name for name in published if name in ours]
    if not names:
        raise DataError(
            f"no factor is shared: ours are {', '.join(map(str, ours))}, the published "
            f"{', '.join(map(str, published))}",
            "name the columns mkt_rf, smb, hml, umd, rmw, cma",
        )
    rows = [
        _row(name, shared_periods(ours[name], published[name]), periods_per_year) for name in names
    ]
    return pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))


def _row(name: str, both: pd.DataFrame, periods_per_year: float) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(COMPARISON_COLUMNS, np.nan)
    row |= {"factor": name, "periods": len(both)}
    if len(both):
        row |= {"first": _label(both.index[0]), "last": _label(both.index[-1])}
    if len(both) < _FEWEST:
        return row
    ours, theirs = (both[side].to_numpy(dtype=float) for side in ("ours", "published"))
    own, their = ours - ours.mean(), theirs - theirs.mean()
    varies = (their @ their) > 0.0
    slope = (own @ their) / (their @ their) if varies else np.nan
    spread = np.sqrt((own @ own) * (their @ their))
    root = np.sqrt(periods_per_year)
    return row | {
        "correlation": (own @ their) / spread if spread > 0.0 else np.nan,
        "slope": slope,
        "intercept_bps": 1e4 * (ours.mean() - slope * theirs.mean()),
        "mean_difference_bps": 1e4 * (ours - theirs).mean(),
        "tracking_error_annual": (ours - theirs).std(ddof=1) * root,
        "mean_annual": ours.mean() * periods_per_year,
        "published_mean_annual": theirs.mean() * periods_per_year,
        "volatility": ours.std(ddof=1) * root,
        "published_volatility": theirs.std(ddof=1) * root,
    }


def _label(period: object) -> str:
    return f"{period:%Y-%m-%d}" if isinstance(period, pd.Timestamp) else str(period)
