"""Figures of days, such as active addresses or funding rates, folded into sessions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from feeds.figures import Events

__all__ = ["align_daily"]


def align_daily(daily: pd.DataFrame, assets: Sequence[str], dates: np.ndarray) -> dict[str, Events]:
    """Daily figures by session: the mean of the days folded into it.

    The days after the session before and up to a session fold into that session, as bars of
    coins do; their mean over the days that are known is known at the close of the last of them.
    So a rate a day stays a rate a day over a weekend. Days after the last session wait for one
    that is not there yet. Nothing is carried into a session without a day.

    Parameters
    ----------
    daily : DataFrame
        date (datetime64), symbol, and columns of numbers, NaN where not known; a day of a symbol
        once.
    assets : sequence of str
        N symbols; figures of others are left out.
    dates : (T,) datetime64[D] array
        Sessions.

    Returns
    -------
    dict of str to Events
        By column, for the days that are known.
    """
    days = daily["date"].to_numpy().astype("datetime64[D]")
    row = np.searchsorted(dates.astype("datetime64[D]"), days)
    column = pd.Index(list(assets)).get_indexer(daily["symbol"])
    # What was before the first session belongs to sessions that are not there.
    inside = (column >= 0) & (row < len(dates)) & (days >= dates[0])
    out = {}
    for name in daily.columns.drop(["date", "symbol"]):
        values = daily[name].to_numpy(dtype="float64", na_value=np.nan)
        rows = np.flatnonzero(inside & np.isfinite(values))
        place = column[rows].astype(np.int64) * len(dates) + row[rows]
        at, inverse, count = np.unique(place, return_inverse=True, return_counts=True)
        mean = np.bincount(inverse, values[rows], len(at)) / count
        out[name] = Events(at % len(dates), at // len(dates), mean, carried=False)
    return out
