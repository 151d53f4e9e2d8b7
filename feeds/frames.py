"""A panel from the DataFrames that a script already has."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from feeds.calendars import CALENDARS, next_session
from feeds.errors import DataError
from feeds.panel import Panel

__all__ = ["panel_from_frames"]

_PRICES = ("open", "high", "low", "close")
_PRICE_KINDS = ("adjusted", "traded", "index")
#: Prices that differ by less are the same: vendors adjust and round the four apart.
_ROUNDING = 1e-6


def panel_from_frames(
    frames: Mapping[str, pd.DataFrame],
    *,
    asset_class: str | Mapping[str, str] = "equity",
    calendar: str | None = None,
    price_kind: str = "adjusted",
) -> Panel:
    """Put one DataFrame of daily bars an asset into a panel.

    The rows are the days on which any asset has a bar, each bar on its own day: what
    Backtrader shows of the same frames as feeds. Nothing is adjusted, folded or filled in. For
    data sets that are cleaned, aligned on a calendar and kept, see ``runs.ingest``.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Bars by symbol; the panel keeps the order. The index holds days without a time zone, in
        order, each once. Columns, in any case: ``close``, and where known ``open``, ``high``,
        ``low`` (without them a bar is its close) and ``volume``; others are left out. A row
        whose close is NaN is no bar. Where an open is NaN the close stands in, where a high or a
        low is, the higher or lower of open and close.
    asset_class : str or mapping of str to str
        One for all, or one a symbol.
    calendar : {"XNYS", "24/7"}, optional
        What the rows are taken for: 252 or 365 a year. By default 24/7 where a bar falls on
        a weekend.
    price_kind : {"adjusted", "traded", "index"}
        Whether prices are adjusted for splits and dividends already, or as printed.

    Returns
    -------
    Panel
        T days, N assets, all of them in the universe throughout.

    Raises
    ------
    DataError
        If there is no frame, a frame is empty, or what it holds is not daily bars.
    """
    if not frames:
        raise DataError("no frame was given", "give at least one asset's bars")
    if calendar is not None and calendar not in CALENDARS:
        raise DataError(f"unknown calendar {calendar!r}", f"use one of {', '.join(CALENDARS)}")
    if price_kind not in _PRICE_KINDS:
        raise DataError(
            f"unknown price_kind {price_kind!r}", f"use one of {', '.join(_PRICE_KINDS)}"
        )
    tables = {str(symbol): _bars(str(symbol), frame) for symbol, frame in frames.items()}
    dates = np.unique(np.concatenate([table["date"] for table in tables.values()]))
    block = {name: np.full((len(dates), len(tables)), np.nan) for name in (*_PRICES, "volume")}
    for column, table in enumerate(tables.values()):
        rows = np.searchsorted(dates, table["date"])
        for name, values in block.items():
            values[rows, column] = table[name]
    if calendar is None:
        weekend = np.any((dates.astype("int64") + 3) % 7 >= 5)  # 1970-01-01 was a Thursday
        calendar = "24/7" if weekend else "XNYS"
    count = len(tables)
    ones = np.broadcast_to(1.0, (len(dates), count))
    return Panel(
        dates=dates,
        assets=np.array(list(tables), dtype=str),
        asset_class=np.array(_classes(tables, asset_class), dtype=str),
        calendar=calendar,
        next_session=next_session(calendar, dates[-1]),
        **block,
        split_factor=ones,
        dividend_factor=ones,
        tradable=np.isfinite(block["close"]),
        member=np.broadcast_to(True, (len(dates), count)),
        volume_unit=np.full(count, "units"),
        price_kind=np.full(count, price_kind),
        close_only=np.array([table["close_only"] for table in tables.values()]),
        end_reason=np.full(count, "data_end"),
    )


def _bars(symbol: str, frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """One asset's bars as arrays (D,): date, prices, volume; and whether it has closes only."""
    columns = {str(name).strip().lower(): name for name in frame.columns}
    if "close" not in columns:
        raise DataError(
            f"{symbol}: the frame has no column close, only {', '.join(columns) or 'none'}",
            "rename the column that holds the closes",
        )
    values = {name: _numbers(symbol, frame, columns.get(name)) for name in (*_PRICES, "volume")}
    is_bar = ~np.isnan(values["close"])
    dates = _days(symbol, frame)[is_bar]
    bars = {name: column[is_bar] for name, column in values.items()}
    if not len(dates):
        raise DataError(f"{symbol}: the frame has no bar", "leave it out")
    close_only = bool(np.isnan([bars[name] for name in _PRICES[:3]]).all())
    close = bars["close"]
    bars["open"] = opens = np.where(np.isnan(bars["open"]), close, bars["open"])
    bars["high"] = np.where(np.isnan(bars["high"]), np.maximum(opens, close), bars["high"])
    bars["low"] = np.where(np.isnan(bars["low"]), np.minimum(opens, close), bars["low"])
    _check_prices(symbol, dates, bars)
    return {"date": dates, **bars, "close_only": close_only}


def _numbers(symbol: str, frame: pd.DataFrame, column: object) -> np.ndarray:
    """(D,) floats of one column; NaN throughout where the frame lacks it."""
    if column is None:
        return np.full(len(frame), np.nan)
    given = frame[column]
    if isinstance(given, pd.DataFrame):
        raise DataError(f"{symbol}: the frame has the column {column} twice", "keep one of them")
    try:
        return given.to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{symbol}: column {column} does not hold numbers: {error}", "convert it first"
        ) from None


def _days(symbol: str, frame: pd.DataFrame) -> np.ndarray:
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(
            f"{symbol}: the index holds {index.dtype}, not dates",
            "set the dates as the index: frame.set_index(pd.to_datetime(frame['date']))",
        )
    if index.tz is not None:
        raise DataError(
            f"{symbol}: the index has the time zone {index.tz}",
            "name the days without one: frame.index.tz_localize(None).normalize()",
        )
    if index.hasnans:
        raise DataError(f"{symbol}: the index has a missing date", "drop the row")
    at_time = index != index.normalize()
    if at_time.any():
        raise DataError(
            f"{symbol}: {index[at_time][0]} is not a day: bars are daily",
            "resample to days, or use frame.index.normalize() where there is one bar a day",
        )
    days = index.to_numpy().astype("datetime64[D]")
    wrong = np.flatnonzero(np.diff(days.astype("int64")) <= 0)
    if len(wrong):
        raise DataError(
            f"{symbol}: {days[wrong[0] + 1]} comes after {days[wrong[0]]}: dates must increase",
            "sort the frame by its index, and keep one row a day",
        )
    return days


def _check_prices(symbol: str, dates: np.ndarray, bars: dict[str, np.ndarray]) -> None:
    # The close first: it may stand in for the others.
    for name in reversed(_PRICES):
        wrong = ~((bars[name] > 0) & np.isfinite(bars[name]))
        if wrong.any():
            at = wrong.argmax()
            raise DataError(
                f"{symbol}: {name} {bars[name][at]} on {dates[at]} is not a positive number",
                "correct or drop the row",
            )
    slack = _ROUNDING * bars["close"]
    outside = np.maximum(bars["open"], bars["close"]) > bars["high"] + slack
    outside |= np.minimum(bars["open"], bars["close"]) < bars["low"] - slack
    if outside.any():
        at = outside.argmax()
        raise DataError(
            f"{symbol}: high {bars['high'][at]} and low {bars['low'][at]} on {dates[at]} do not "
            f"hold its open {bars['open'][at]} and close {bars['close'][at]}",
            "adjust all four prices alike, or give closes only",
        )
    if np.any(bars["volume"] < 0):
        at = (bars["volume"] < 0).argmax()
        raise DataError(
            f"{symbol}: volume {bars['volume'][at]} on {dates[at]} is negative",
            "correct the row, or leave the column out",
        )


def _classes(tables: Mapping[str, object], given: str | Mapping[str, str]) -> list[str]:
    if isinstance(given, str):
        return [given] * len(tables)
    missing = [symbol for symbol in tables if symbol not in given]
    if missing:
        raise DataError(f"{missing[0]} has no asset class", "name one for each symbol")
    return [given[symbol] for symbol in tables]
