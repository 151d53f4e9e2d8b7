"""Weekly returns of stocks and coins on weeks that both know."""

from __future__ import annotations

import numpy as np
import pandas as pd

from factors.coin_weeks import week_ends, week_labels
from feeds.errors import DataError

__all__ = ["FRENCH", "coin_factor_weeks", "french_weeks", "weekly_closes"]

#: Columns of the daily file of Fama and French, and what the report calls them.
FRENCH = {
    "mkt_rf": "Market", "smb": "SMB", "hml": "HML", "rmw": "RMW", "cma": "CMA", "umd": "UMD",
}  # fmt: skip
_COINS = {"cmkt": "CMKT", "csmb": "CSMB", "cmom": "CMOM"}
_DAYS = 7


def french_weeks(daily: pd.DataFrame) -> pd.DataFrame:
    """Daily factors of Fama and French, compounded to the weeks of the coin factors.

    The market is compounded with the interest in it, and the interest taken off afterwards; the
    others are zero-cost and compounded as they are. Like the authors' own returns, a year's last
    week counts its last seven days alone: one or two days of a year are in no week.

    Parameters
    ----------
    daily : DataFrame
        date (ISO text or datetime), the keys of FRENCH, and rf; decimals.

    Returns
    -------
    DataFrame
        Index: the last day of each week; columns the values of FRENCH. The first and the last
        week may be cut off by the file.

    Raises
    ------
    DataError
        If a column is missing.
    """
    missing = sorted({"date", "rf", *FRENCH} - set(daily.columns))
    if missing:
        raise DataError(f"the daily factors have no column {missing[0]}", "name another file")
    dates = pd.to_datetime(daily["date"]).to_numpy().astype("datetime64[D]")
    ends = week_ends(week_labels(dates))
    kept = (ends - dates).astype(np.int64) < _DAYS
    growth = 1.0 + daily[[*FRENCH, "rf"]]
    growth["mkt_rf"] += daily["rf"]
    index = pd.DatetimeIndex(ends[kept].astype("datetime64[ns]"), name="date")
    weekly = growth[kept].groupby(index).prod() - 1.0
    weekly["mkt_rf"] -= weekly["rf"]
    return weekly[list(FRENCH)].rename(columns=FRENCH)


def coin_factor_weeks(published: pd.DataFrame) -> pd.DataFrame:
    """The published weekly coin factors, by the last day of each week.

    Parameters
    ----------
    published : DataFrame
        yyww, cmkt, csmb, cmom; decimals.

    Returns
    -------
    DataFrame
        Columns CMKT, CSMB, CMOM.

    Raises
    ------
    DataError
        If a column is missing, or a label is no week.
    """
    missing = sorted({"yyww", *_COINS} - set(published.columns))
    if missing:
        raise DataError(f"the weekly factors have no column {missing[0]}", "name another file")
    ends = week_ends(published["yyww"].to_numpy())
    found = published[list(_COINS)].rename(columns=_COINS)
    return found.set_index(pd.DatetimeIndex(ends.astype("datetime64[ns]"), name="date"))


def weekly_closes(closes: pd.DataFrame) -> pd.DataFrame:
    """Returns from the last session of one week to that of the next; weeks end on Sundays.

    Parameters
    ----------
    closes : DataFrame
        Index date, increasing; NaN where there is no bar.

    Returns
    -------
    DataFrame
        Index: the Sunday of each week. NaN where the last session of either week has no close:
        an earlier one would be of another day than those it is compared with.
    """
    weeks = closes.index.to_period("W-SUN").to_timestamp(how="end").normalize()
    last = closes[~weeks.duplicated(keep="last")]
    last = last.set_axis(weeks[~weeks.duplicated(keep="last")])
    return last.pct_change(fill_method=None).rename_axis("date")
