"""Bars for the tests of cleaning: an ordinary series that a test then damages."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from feeds.bar_table import BarTable, concatenate
from feeds.cleaning import Cleaned, CleaningRules, clean_table
from feeds.series_info import SeriesInfo

#: New York sessions from 2016-01-04 on: weekdays without the exchange's holidays.
HOLIDAYS = (
    "2016-01-18", "2016-02-15", "2016-03-25", "2016-05-30", "2016-07-04", "2016-09-05",
    "2016-11-24", "2016-12-26", "2017-01-02", "2017-01-16", "2017-02-20", "2017-04-14",
    "2017-05-29", "2017-07-04",
)  # fmt: skip


def sessions(count: int) -> list[str]:
    """The first `count` sessions from 2016-01-04 on."""
    days, day = [], dt.date(2016, 1, 4)
    while len(days) < count:
        if day.weekday() < 5 and str(day) not in HOLIDAYS:
            days.append(str(day))
        day += dt.timedelta(days=1)
    return days


def ordinary(count: int = 60, *, coin: bool = False, level: float = 100.0, seed: int = 1):
    """Bars that have no fault: index date, moves of some 1 % a day, a million units traded."""
    rng = np.random.default_rng(seed)
    closes = np.round(level * np.exp(np.cumsum(rng.normal(0, 0.01, count))), 4)
    opens = np.round(closes * np.exp(rng.normal(0, 0.003, count)), 4)
    spread = 1 + rng.uniform(0.002, 0.01, count)
    days = pd.date_range("2016-01-04", periods=count) if coin else pd.DatetimeIndex(sessions(count))
    return pd.DataFrame(
        {
            "open": opens,
            "high": np.round(np.maximum(opens, closes) * spread, 4),
            "low": np.round(np.minimum(opens, closes) / spread, 4),
            "close": closes,
            "volume": np.round(rng.uniform(0.8e6, 1.2e6, count)),
            "split_ratio": 1.0,
            "dividend": 0.0,
        },
        index=days.rename("date"),
    )


def scaled(bars: pd.DataFrame, rows: slice, ratio: float) -> pd.DataFrame:
    """The same with all prices of some rows multiplied."""
    bars = bars.copy()
    prices = ["open", "high", "low", "close"]
    bars.iloc[rows, [bars.columns.get_loc(name) for name in prices]] *= ratio
    return bars


def table_of(**series: pd.DataFrame) -> BarTable:
    """One table of several series, each row with a line of its own file."""
    parts = []
    for name, bars in series.items():
        part = BarTable.from_frame(name, bars)
        lines = np.arange(2, len(bars) + 2)
        parts.append(
            BarTable(
                part.symbols, part.code, part.time, part.columns, (f"{name}.csv",),
                np.zeros(len(bars), np.int32), lines,
            )  # fmt: skip
        )
    return concatenate(parts)


def clean(
    bars: pd.DataFrame, asset_class: str = "equity", rules: CleaningRules | None = None, **options
) -> Cleaned:
    """Clean one series X; `options` are those of `SeriesInfo`, and `known`."""
    known = options.pop("known", None)
    infos = {"X": SeriesInfo("X", asset_class, **options)}
    return clean_table(table_of(X=bars), infos, rules, known=known)


def told(cleaned: Cleaned, *faults: str) -> list[tuple[str, str, str]]:
    """(fault, action, day) of the log, or of some faults of it."""
    rows = cleaned.log.table()
    days = [str(day)[:10] for day in rows["date"]]
    found = zip(rows["fault"], rows["action"], days)
    return [row for row in found if not faults or row[0] in faults]


def returns(cleaned: Cleaned, symbol: str = "X") -> pd.Series:
    """Total returns: the price ratio times split ratio times 1 + dividend / close."""
    bars = cleaned.table.frame(symbol)
    paid = bars["split_ratio"] * (1 + bars["dividend"] / bars["close"])
    return (bars["close"] / bars["close"].shift() * paid - 1).iloc[1:]
