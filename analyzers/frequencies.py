"""Daily, weekly and monthly returns: telling them apart, and compounding one to another."""

from __future__ import annotations

import numpy as np
import pandas as pd

from feeds.errors import DataError

__all__ = ["align_frequencies", "compound", "frequency", "periods_per_year"]

#: Median days between dates of each frequency, at least and at most.
_GAPS = {"daily": (0, 4), "weekly": (5, 10), "monthly": (26, 35)}
_ORDER = tuple(_GAPS)
#: Share of dates on weekends from which a daily series has them.
_WEEKEND = 0.05
#: Days by which the first and last returns may miss the ends of a month that counts.
_SLACK = 4


def frequency(index: pd.Index) -> str:
    """``daily``, ``weekly`` or ``monthly``, by the median distance of the dates.

    Raises
    ------
    DataError
        If there are fewer than three dates, or they are neither.
    """
    if len(index) < 3:
        raise DataError(f"{len(index)} dates have no frequency", "give a longer series")
    gap = float(
        np.median(np.diff(pd.DatetimeIndex(index).values.astype("datetime64[D]")).astype(int))
    )
    for name, (low, high) in _GAPS.items():
        if low <= gap <= high:
            return name
    raise DataError(
        f"dates are {gap:g} days apart from {index[0]:%Y-%m-%d} on",
        "daily, weekly and monthly returns can be attributed",
    )


def periods_per_year(index: pd.Index) -> int:
    """12, 52, 252, or 365 where one date in twenty or more is on a weekend."""
    found = frequency(index)
    if found != "daily":
        return {"monthly": 12, "weekly": 52}[found]
    return 365 if _weekends(index) else 252


def compound(returns: pd.DataFrame, dates: pd.Index, to: str) -> pd.DataFrame:
    """Returns compounded to the dates of a sparser series.

    Parameters
    ----------
    returns : DataFrame
        (T, K) returns, decimals.
    dates : DatetimeIndex
        Of the sparser series, increasing.
    to : str
        ``monthly``: calendar months, a month standing at its last day; the first and the last
        month count where returns reach within four days of their outer ends. Otherwise what
        follows one of `dates` up to the next, which must be within the returns: weekend returns
        of a coin count on Monday.

    Returns
    -------
    DataFrame
        NaN where a return of the period is missing; periods without any are absent.
    """
    index = pd.DatetimeIndex(returns.index)
    if to == "monthly":
        periods = month_ends(index)
        kept = _whole_months(index, periods)
    else:
        ends = pd.DatetimeIndex(dates)
        place = ends.searchsorted(index)
        # What comes before the first date belongs to a week whose beginning is not known.
        kept = (place > 0) & (place < len(ends))
        kept &= ends[np.minimum(place, len(ends) - 1)] <= index[-1]
        periods = ends[np.minimum(place, len(ends) - 1)]
    grown = (1.0 + returns[kept]).groupby(periods[kept]).prod(min_count=1) - 1.0
    whole = returns[kept].notna().groupby(periods[kept]).all()
    return grown.where(whole).rename_axis("date")


def align_frequencies(
    returns: pd.Series, factors: pd.DataFrame
) -> tuple[pd.Series, pd.DataFrame, str, str]:
    """Both at the sparser frequency of the two, and what was compounded.

    Of two daily series, one with weekends and one without, the former is compounded to the
    dates of the latter, so that no return is lost.

    Months are put on their last day on both sides, so that the last session and the last day of
    a month meet.

    Returns
    -------
    returns : Series
    factors : DataFrame
    frequency : str
    compounded : str
        ``returns``, ``factors``, or empty.
    """
    own, theirs = frequency(returns.dropna().index), frequency(factors.index)
    sparser = max(own, theirs, key=_ORDER.index)
    frame = returns.dropna().to_frame()
    compounded = ""
    fuller = (_weekends(frame.index), _weekends(factors.index)) if sparser == "daily" else ()
    if own != sparser or fuller == (True, False):
        frame, compounded = compound(frame, factors.index, sparser), "returns"
    elif theirs != sparser or fuller == (False, True):
        factors, compounded = compound(factors, frame.index, sparser), "factors"
    if sparser == "monthly":
        frame, factors = (side.set_axis(month_ends(side.index)) for side in (frame, factors))
    return frame.iloc[:, 0].rename(returns.name), factors, sparser, compounded


def month_ends(index: pd.Index) -> pd.DatetimeIndex:
    """The last day of the month of each date."""
    dates = pd.DatetimeIndex(index).normalize() + pd.offsets.MonthEnd(0)
    return pd.DatetimeIndex(dates, name="date", freq=None)


def _weekends(index: pd.Index) -> bool:
    return float((pd.DatetimeIndex(index).day_of_week >= 5).mean()) >= _WEEKEND


def _whole_months(index: pd.DatetimeIndex, periods: pd.DatetimeIndex) -> np.ndarray:
    kept = np.ones(len(index), dtype=bool)
    if index[0].day > _SLACK:
        kept &= periods != periods[0]
    if (periods[-1] - index[-1]).days > _SLACK:
        kept &= periods != periods[-1]
    return kept
