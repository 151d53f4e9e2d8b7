"""Returns by regime: what a factor earned while markets rose, fell, were calm or were not.

A regime is a Series of labels by date, None where there is none. Those of the trend and of the
volatility are known at the close before the date that they label, so that a rule could have
used them; those of months and years describe what happened.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analyzers.regression import automatic_lags, regress
from feeds.errors import DataError

__all__ = [
    "month_regime",
    "returns_by_regime",
    "span_regime",
    "trend_regime",
    "volatility_regime",
    "year_regime",
]

_COLUMNS = (
    "factor", "regime", "mean_annual", "volatility", "sharpe", "t_stat", "observations", "share",
    "difference_annual", "difference_t",
)  # fmt: skip


def trend_regime(market: pd.Series, window: int = 252) -> pd.Series:
    """``bull`` where the market's return of the `window` dates before is above zero, ``bear`` else.

    Parameters
    ----------
    market : Series
        (T,) returns, decimals. NaN handling: missing returns are left out.
    window : int
        Dates; those before the first whole window have no regime.
    """
    _check_window(window)
    known = market.dropna().sort_index()
    wealth = np.concatenate([[1.0], np.cumprod(1.0 + known.to_numpy(dtype=float))])
    labels = np.full(len(known), None, dtype=object)
    # Wealth k is that before date k: the window ends with the date before the one it labels.
    rose = wealth[window:-1] > wealth[: max(0, len(known) - window)]
    labels[window:] = np.where(rose, "bull", "bear")
    return pd.Series(labels, index=known.index, name="trend", dtype=object)


def volatility_regime(market: pd.Series, window: int = 63, minimum: int = 252) -> pd.Series:
    """``high`` where volatility of the `window` dates before is above its median so far.

    The median is that of all such volatilities up to the same date, of `minimum` at least:
    the threshold is never fitted on what comes later. ``low`` otherwise.

    Parameters
    ----------
    market : Series
        (T,) returns, decimals. NaN handling: missing returns are left out.
    window, minimum : int
        Dates.
    """
    _check_window(min(window - 1, minimum))
    known = market.dropna().sort_index()
    spread = known.rolling(window).std()
    median = spread.expanding(minimum).median()
    labels = pd.Series(np.where(spread > median, "high", "low"), index=known.index, dtype=object)
    return labels.where(median.notna(), None).shift(1, fill_value=None).rename("volatility")


def month_regime(market: pd.Series) -> pd.Series:
    """``up`` or ``down``: the sign of the market's compounded return of the date's own month.

    Known only when the month is over: it describes, and no rule could have used it.
    """
    known = market.dropna().sort_index()
    month = pd.DatetimeIndex(known.index).to_period("M")
    growth = (1.0 + known).groupby(np.asarray(month)).transform("prod")
    labels = np.where(growth > 1.0, "up", "down").astype(object)
    return pd.Series(labels, index=known.index, name="month", dtype=object)


def year_regime(index: pd.Index) -> pd.Series:
    """The calendar year of each date, as text."""
    labels = pd.DatetimeIndex(index).year.astype(str).astype(object)
    return pd.Series(labels, index=index, name="year", dtype=object)


def span_regime(index: pd.Index, spans: Mapping[str, tuple[str, str]]) -> pd.Series:
    """Named spans of dates, both ends included; None between them.

    Raises
    ------
    DataError
        If a span ends before it begins, or two share a date.
    """
    dates = pd.DatetimeIndex(index)
    labels = np.full(len(dates), None, dtype=object)
    last, before = pd.Timestamp.min, ""
    ordered = sorted((pd.Timestamp(a), pd.Timestamp(b), name) for name, (a, b) in spans.items())
    for start, stop, name in ordered:
        if stop < start or start <= last and before:
            other = f"shares dates with {before}" if stop >= start else "ends before it begins"
            raise DataError(f"span {name}, {start:%Y-%m-%d} to {stop:%Y-%m-%d}, {other}")
        labels[(dates >= start) & (dates <= stop)] = name
        last, before = stop, name
    return pd.Series(labels, index=index, name="span", dtype=object)


def returns_by_regime(
    returns: pd.DataFrame,
    regime: pd.Series,
    *,
    periods_per_year: int,
    lags: int | None = None,
) -> pd.DataFrame:
    """Mean, risk and significance of each return series in each regime.

    Parameters
    ----------
    returns : DataFrame
        (T, K) returns, decimals.
    regime : Series
        Labels by date; dates without one are left out.
    periods_per_year : int
    lags : int, optional
        Newey-West lags, over all labelled dates in order; `automatic_lags` unless given.

    Returns
    -------
    DataFrame
        One row a series and regime, regimes in order of their names: factor, regime,
        mean_annual, volatility, sharpe, t_stat (of the mean), observations, share (of the
        labelled dates), difference_annual (mean in the regime less the mean outside it) and
        difference_t. NaN where there are too few dates or nothing varies; the differences are
        NaN where there is one regime alone.

    Notes
    -----
    NaN handling: each series uses the labelled dates on which it is known.
    """
    labelled = regime.dropna()
    lines = []
    for name in returns:
        joined = pd.concat([returns[name].rename("own"), labelled.rename("regime")], axis=1)
        joined = joined.dropna().sort_index()
        own = joined["own"].to_numpy(dtype=float)
        labels = joined["regime"].to_numpy(dtype=str)
        used = automatic_lags(len(own)) if lags is None else lags
        for label in sorted(set(labels.tolist())):
            figures = _line(own, labels == label, used, periods_per_year)
            lines.append((str(name), label, *figures))
    return pd.DataFrame(lines, columns=list(_COLUMNS))


def _line(own: np.ndarray, inside: np.ndarray, lags: int, periods_per_year: int) -> tuple:
    """Figures of one series in one regime, in the order of the columns."""
    part, count = own[inside], int(inside.sum())
    mean = float(part.mean())
    sd = float(part.std(ddof=1)) if count > 1 else np.nan
    varies = sd > 1e-12 * float(np.abs(part).max()) if count > 1 else False
    alone = bool(inside.all())
    # Two means at once, over all dates in order: gaps in a regime are no neighbours.
    design = np.column_stack([inside, *([] if alone else [~inside])]).astype(float)
    t_stat, difference, difference_t = np.nan, np.nan, np.nan
    if count >= 3 and varies:
        t_stat = float(regress(own, design, lags)[1][0])
    if not alone:
        design[:, 1] = 1.0
        difference = mean - float(own[~inside].mean())
        if min(count, len(own) - count) >= 3 and np.ptp(own) > 0.0:
            difference_t = float(regress(own, design, lags)[1][0])
    year = periods_per_year
    return (
        mean * year,
        sd * year**0.5,
        mean / sd * year**0.5 if varies else np.nan,
        t_stat,
        count,
        count / len(own),
        difference * year,
        difference_t,
    )


def _check_window(window: int) -> None:
    if window < 1:
        raise DataError(f"a window of {window} dates is too short", "use 2 or more")
