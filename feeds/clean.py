"""Checks and repairs of raw bars, every one of them reported.

A check drops or blanks what cannot be a bar and says so; a repair does what the recipe
orders, with the recipe's reason. Nothing is filled in and no return is invented.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from feeds.errors import DataError
from feeds.recipe import Repair

__all__ = ["Finding", "check_bars", "repair_bars"]

_PRICES = ["open", "high", "low", "close"]
#: Prices that differ by less are the same: vendors round OHLC and adjusted closes apart.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Finding:
    """What was found or done for one symbol: dates (ISO), action and reason."""

    symbol: str
    dates: tuple[str, ...]
    action: str
    reason: str

    def as_dict(self) -> dict[str, object]:
        """Plain data for the manifest."""
        return {
            "symbol": self.symbol,
            "dates": list(self.dates),
            "action": self.action,
            "reason": self.reason,
        }


def check_bars(
    symbol: str,
    bars: pd.DataFrame,
    *,
    zero_volume: str = "keep",
    last: pd.Timestamp | None = None,
    sessions: np.ndarray | None = None,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Check one symbol's bars and drop what is none.

    Parameters
    ----------
    symbol : str
        For the findings.
    bars : DataFrame
        Index date; open, high, low, close, volume. Opens, highs and lows may be NaN
        throughout (a vendor that gives closes only).
    zero_volume : {"keep", "blank", "drop"}
        What a volume of 0 means: itself, an unknown volume, or that nothing traded and the
        row is no bar.
    last : Timestamp, optional
        Later rows are not closed yet and are dropped.
    sessions : array of datetime64[D], optional
        Rows on other days are dropped.

    Returns
    -------
    bars : DataFrame
        Increasing, unique dates; finite positive closes; low <= open, close <= high.
    findings : list of Finding
        One a kind of fault.

    Raises
    ------
    DataError
        If a date has two rows with different content.
    """
    found: list[Finding] = []

    def drop(rows: pd.Series | np.ndarray, reason: str) -> None:
        nonlocal bars
        rows = np.asarray(rows, dtype=bool)
        if rows.any():
            found.append(Finding(symbol, _days(bars.index[rows]), "drop", reason))
            bars = bars[~rows]

    drop(bars.isna().all(axis=1), "the row is empty")
    if not bars.index.is_monotonic_increasing:
        moved = bars.index[1:][np.diff(bars.index.to_numpy()).astype("int64") < 0]
        found.append(Finding(symbol, _days(moved), "sort", "the dates were not in order"))
        bars = bars.sort_index(kind="stable")
    _refuse_conflicts(symbol, bars)
    drop(bars.index.duplicated(), "the row is there twice")
    if last is not None:
        drop(bars.index > last, "the bar was not closed when the file was made")
    if sessions is not None:
        on_session = np.isin(bars.index.to_numpy().astype("datetime64[D]"), sessions)
        drop(~on_session, "the exchange was closed on this day")
    drop(~np.isfinite(bars["close"]), "no close")
    drop(bars["close"] <= 0, "the close is not positive")
    if zero_volume == "drop":
        drop(bars["volume"] == 0, "nothing traded: the row repeats the close before it")
    bars, more = _check_ranges(symbol, bars)
    found += more
    bad = (bars["volume"] < 0) | np.isinf(bars["volume"])
    if zero_volume == "blank":
        bad |= bars["volume"] == 0
    if bad.any():
        found.append(Finding(symbol, _days(bars.index[bad]), "blank_volume", "the volume is 0"))
        bars = bars.assign(volume=bars["volume"].mask(bad))
    return bars, found


def repair_bars(
    symbol: str, bars: pd.DataFrame, repairs: tuple[Repair, ...]
) -> tuple[pd.DataFrame, list[Finding]]:
    """Apply the recipe's repairs of one symbol, in the recipe's order.

    Raises
    ------
    DataError
        If a repair names a day between the first and the last bar that has no bar.
    """
    found = []
    for repair in repairs:
        if symbol not in repair.symbols:
            continue
        days = pd.DatetimeIndex([pd.Timestamp(day) for day in repair.dates]).as_unit("s")
        if repair.action == "truncate":
            if len(bars) and bars.index[-1] > days[0]:
                bars = bars[bars.index <= days[0]]
                found.append(Finding(symbol, _days(days), "truncate", repair.reason))
            continue
        # A build that ends early has not reached the later faults.
        days = days[(days <= bars.index[-1]) & (days >= bars.index[0])] if len(bars) else days[:0]
        unknown = days.difference(bars.index)
        if len(unknown):
            raise DataError(
                f"{symbol}: repair {repair.action} on {unknown[0].date()}, where it has no bar",
                "correct the date in the recipe",
            )
        if len(days):
            bars = _repair(bars, days, repair.action)
            found.append(Finding(symbol, _days(days), repair.action, repair.reason))
    return bars, found


def _repair(bars: pd.DataFrame, days: pd.DatetimeIndex, action: str) -> pd.DataFrame:
    if action == "blank_volume":
        return bars.assign(volume=bars["volume"].mask(bars.index.isin(days)))
    if action == "void":
        bars = bars.copy()
        for day in days:
            row = bars.index.get_loc(day)
            if row == 0:
                continue
            # The level goes on from the day before: the day's return becomes unknown.
            step = bars["close"].iloc[row - 1] / bars["close"].iloc[row]
            bars.iloc[row:, :4] = bars.iloc[row:, :4] * step
    return bars[~bars.index.isin(days)]


def _check_ranges(symbol: str, bars: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """Blank opens, highs and lows that contradict each other; the close stays."""
    prices = bars[_PRICES].to_numpy()
    given = np.isfinite(prices[:, :3])
    some = given.any(axis=1)
    opens, highs, lows, closes = prices.T
    with np.errstate(invalid="ignore"):
        slack = _ROUNDING * closes
        wrong = ~given.all(axis=1) | (prices[:, :3] <= 0).any(axis=1) | (highs < lows - slack)
        wrong |= (np.maximum(opens, closes) > highs + slack) | (
            np.minimum(opens, closes) < lows - slack
        )
    wrong &= some
    if not some.any():
        return bars, []
    fixed = bars.copy()
    # Rounding apart, a bar's range holds its open and close.
    fixed["high"] = np.fmax(highs, np.fmax(opens, closes))
    fixed["low"] = np.fmin(lows, np.fmin(opens, closes))
    fixed.loc[~some, ["high", "low"]] = np.nan
    if not wrong.any():
        return fixed, []
    fixed.loc[wrong, ["open", "high", "low"]] = np.nan
    reason = "open, high and low contradict each other or the close"
    return fixed, [Finding(symbol, _days(bars.index[wrong]), "blank_range", reason)]


def _refuse_conflicts(symbol: str, bars: pd.DataFrame) -> None:
    twice = bars[bars.index.duplicated(keep=False)]
    differing = twice[~twice.reset_index().duplicated(keep=False).to_numpy()]
    if len(differing):
        raise DataError(
            f"{symbol}: two different rows for {differing.index[0].date()}",
            "repair the raw file, or drop the symbol from the recipe",
        )


def _days(index: pd.Index) -> tuple[str, ...]:
    return tuple(str(day)[:10] for day in index.to_numpy().astype("datetime64[D]"))
