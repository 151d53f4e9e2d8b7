"""From one reply of Yahoo's v8 chart to bars as printed.

What Yahoo calls open, high, low, close and volume is adjusted for every split up to today,
dividends are too, and ``adjclose`` for dividends besides. With K the product of the ratios of
the splits after a bar's day, the printed price is price x K, the printed volume (of units)
volume / K, and a dividend for one printed share dividend x K. A dividend on the day of a split
is taken as for one new share. Yahoo rounds the adjusted price to six decimals or 32 bits, so a
printed price is as precise as that times K.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from feeds.sources.request import BAR_COLUMNS

__all__ = ["Chart", "closed", "printed_bars", "read_chart"]

_PRICES = ["open", "high", "low", "close"]
#: Quotes reach Yahoo up to 20 minutes late, and the closing auction later still.
_SETTLE = pd.Timedelta(minutes=30)

#: Splits of less than 3 for 2 (in logarithms) cannot be told from a day's move.
_PLAIN_SPLIT = 0.4


@dataclass(frozen=True)
class Chart:
    """One reply.

    Parameters
    ----------
    meta : mapping
        ``chart.result[0].meta``.
    stamps : DatetimeIndex
        UTC, one a quote.
    volumes : list
        One a quote; None where Yahoo has none.
    events : mapping
        ``dividends``, ``splits`` and ``capitalGains``, each a mapping of records.
    daily : bool
        Whether bars are days; else hours.
    """

    meta: Mapping[str, Any]
    stamps: pd.DatetimeIndex
    volumes: list[float | None]
    events: Mapping[str, Mapping[str, Mapping[str, Any]]]
    daily: bool

    @property
    def zone(self) -> str:
        """Time zone of the exchange."""
        return str(self.meta["exchangeTimezoneName"])

    @property
    def kind(self) -> str:
        """Yahoo's word for what is quoted: EQUITY, ETF, INDEX, CRYPTOCURRENCY, ..."""
        return str(self.meta["instrumentType"])

    @property
    def around_the_clock(self) -> bool:
        """Whether a day is a UTC day."""
        return self.kind == "CRYPTOCURRENCY"

    def labels(self, stamps: pd.DatetimeIndex) -> pd.DatetimeIndex:
        """Stamps in UTC as bars are labelled: the exchange's day, or the time in UTC."""
        if not self.daily:
            return stamps.tz_localize(None).as_unit("s")
        local = stamps.tz_convert(self.zone).tz_localize(None)
        # Where clocks changed, Yahoo has days that begin at 22:00 or 23:00 of the day before.
        shift = np.where((local.minute == 0) & (local.hour >= 22), 2, 0)
        return (local + pd.to_timedelta(shift, unit="h")).normalize().as_unit("s")


def read_chart(text: str, daily: bool) -> Chart:
    """Read a reply that has quotes.

    Raises
    ------
    ValueError, KeyError, TypeError, IndexError
        If it is no such reply.
    """
    result = json.loads(text)["chart"]["result"][0]
    stamps = pd.DatetimeIndex(pd.to_datetime(result["timestamp"], unit="s", utc=True))
    volumes = result["indicators"]["quote"][0]["volume"]
    if len(volumes) != len(stamps):
        raise ValueError(f"{len(stamps)} times and {len(volumes)} volumes")
    return Chart(result["meta"], stamps, volumes, result.get("events") or {}, daily)


def printed_bars(
    chart: Chart, frame: pd.DataFrame, now: pd.Timestamp
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Bars as printed, with splits and dividends on the first bar of their ex-date or after.

    Parameters
    ----------
    chart : Chart
    frame : DataFrame
        The same reply as yfinance reads it with ``auto_adjust=False``: columns Open, High, Low,
        Close, Adj Close, Volume; a time zone's index.
    now : Timestamp
        UTC. Events after today count for nothing.

    Returns
    -------
    bars : DataFrame
        Index date, columns :data:`BAR_COLUMNS`. NaN where Yahoo has nothing: a volume that is
        null, a dividend in another currency than the price. Rows without any price are left
        out.
    notes : tuple of str
        Where the dividends and Yahoo's adjusted closes disagree, and other doubts.

    Raises
    ------
    ValueError, KeyError, TypeError
        If an event is no such event, or a split's ratio is not positive.
    """
    bars, adjusted = _quotes(chart, frame)
    today = chart.labels(pd.DatetimeIndex([now])).max()
    splits, gains = _splits(chart, today), _cash(chart, "capitalGains", "amount", today)
    payouts = _cash(chart, "dividends", "amount", today)
    notes = _check_currency(chart, payouts) + _check_applied(bars["close"], splits)
    index = bars.index
    paid, gained = _on_bars(payouts, index), _on_bars(gains, index)
    paid, doubts = _reconcile(bars["close"], adjusted, paid, gained) if chart.daily else (paid, ())
    later = _product_after(splits, index)
    for name in _PRICES:
        bars[name] = bars[name] * later
    if not chart.around_the_clock:
        bars["volume"] = bars["volume"] / later
    ratio = np.ones(len(index))
    for day, value in splits.items():
        place = index.searchsorted(day)
        if place < len(index) and day >= index[0]:
            ratio[place] *= value
    bars["split_ratio"], bars["dividend"] = ratio, paid * later
    return bars[list(BAR_COLUMNS)], notes + doubts


def closed(chart: Chart, index: pd.DatetimeIndex, now: pd.Timestamp) -> np.ndarray:
    """Whether each bar is complete at `now` (UTC).

    A day is complete half an hour after the session that Yahoo names for it, else at the
    midnight of the exchange that ends it; a coin's day at the end of the UTC day; an hour when
    it is over (and half an hour later, except for coins).
    """
    settle = pd.Timedelta(0) if chart.around_the_clock else _SETTLE
    if not chart.daily:
        return np.asarray(index.tz_localize("UTC") + pd.Timedelta(hours=1) + settle <= now)
    midnight = (index + pd.Timedelta(days=1)).tz_localize(
        chart.zone, ambiguous=np.zeros(len(index), dtype=bool), nonexistent="shift_forward"
    )
    done = np.asarray(midnight <= now)
    regular = (chart.meta.get("currentTradingPeriod") or {}).get("regular")
    if regular and not chart.around_the_clock:
        end = pd.Timestamp(int(regular["end"]), unit="s", tz="UTC")
        day = end.tz_convert(chart.zone).tz_localize(None).normalize()
        done |= np.asarray(index == day) & bool(end + settle <= now)
    return done


def _quotes(chart: Chart, frame: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Bars still adjusted for splits, and the closes adjusted for dividends besides."""
    index = frame.index
    index = index.tz_localize(None) if chart.daily else index.tz_convert("UTC").tz_localize(None)
    table = frame.set_axis(index.as_unit("s").rename("date"))
    table = table[table[["Open", "High", "Low", "Close"]].notna().any(axis=1)].sort_index()
    bars = pd.DataFrame({name: _shortest(table[name.title()]) for name in _PRICES}, table.index)
    # The client writes 0 where Yahoo has no volume.
    labels = chart.labels(chart.stamps)
    known = pd.Series([value is not None for value in chart.volumes], labels)
    unknown = known.index[~known.groupby(level=0).any().reindex(known.index)]
    volume = table["Volume"].astype("float64")
    bars["volume"] = volume.mask(volume.index.isin(unknown) & (volume == 0))
    return bars, table["Adj Close"].to_numpy(dtype="float64")


def _shortest(values: pd.Series) -> np.ndarray:
    """The shortest decimal where a value is a 32-bit number: 19.799999237060547 is 19.8."""
    wide = values.to_numpy(dtype="float64").copy()
    with np.errstate(over="ignore"):
        narrow = wide.astype("float32")
    same = narrow.astype("float64") == wide
    wide[same] = narrow[same].astype(str).astype("float64")
    return wide


def _events(chart: Chart, kind: str, today: pd.Timestamp) -> list[tuple[pd.Timestamp, Any]]:
    """Events by label up to `today`, in order of time."""
    records = list((chart.events.get(kind) or {}).values())
    stamps = pd.to_datetime([int(record["date"]) for record in records], unit="s", utc=True)
    days = chart.labels(pd.DatetimeIndex(stamps))
    return [
        (days[row], records[row])
        for row in np.argsort(days.asi8, kind="stable")
        if days[row] <= today
    ]


def _splits(chart: Chart, today: pd.Timestamp) -> pd.Series:
    found: dict[pd.Timestamp, float] = {}
    for day, record in _events(chart, "splits", today):
        ratio = float(record["numerator"]) / float(record["denominator"] or np.nan)
        if not (np.isfinite(ratio) and ratio > 0):
            raise ValueError(f"the split of {day.date()} has no ratio")
        found[day] = found.get(day, 1.0) * ratio
    return pd.Series(found, dtype="float64")


def _cash(chart: Chart, kind: str, field: str, today: pd.Timestamp) -> pd.Series:
    """Cash by label; NaN where it is in another currency than the price."""
    found: dict[pd.Timestamp, float] = {}
    own = chart.meta.get("currency")
    for day, record in _events(chart, kind, today):
        foreign = record.get("currency") not in (None, "", own)
        amount = np.nan if foreign else float(record[field])
        found[day] = found.get(day, 0.0) + amount
    return pd.Series(found, dtype="float64")


def _check_currency(chart: Chart, payouts: pd.Series) -> tuple[str, ...]:
    foreign = payouts.index[payouts.isna()]
    if not len(foreign):
        return ()
    where = f"{len(foreign)} dividends, the first of {foreign[0].date()}"
    return (f"{where}, are not in {chart.meta.get('currency')}: unknown",)


def _check_applied(closes: pd.Series, splits: pd.Series) -> tuple[str, ...]:
    """Splits over which the adjusted close still jumps by the ratio: printed prices are off."""
    notes = []
    for day, ratio in splits.items():
        place = closes.index.searchsorted(day)
        if not 0 < place < len(closes) or abs(np.log(ratio)) < _PLAIN_SPLIT:
            continue
        jump = float(closes.iloc[place] / closes.iloc[place - 1])
        if jump > 0 and abs(np.log(jump * ratio)) < 0.5 * abs(np.log(ratio)):
            notes.append(
                f"over the split of {day.date()} ({ratio:g} for 1) Yahoo's prices move by a factor "
                f"of {jump:.4g}: perhaps it is not applied, and earlier prices are {ratio:g} times "
                "too large"
            )
    return tuple(notes)


def _on_bars(values: pd.Series, index: pd.DatetimeIndex) -> np.ndarray:
    """Sums by bar: an event belongs to the first bar at or after it."""
    sums = np.zeros(len(index))
    for day, value in values.items():
        place = index.searchsorted(day)
        if place < len(index) and day >= index[0]:
            sums[place] += value
    return sums


def _product_after(splits: pd.Series, index: pd.DatetimeIndex) -> np.ndarray:
    """For each bar, the product of the ratios of later splits; 1 without any."""
    days = pd.DatetimeIndex(splits.index).as_unit("s") if len(splits) else index[:0]
    products = np.append(np.cumprod(splits.to_numpy()[::-1])[::-1], 1.0)
    return products[days.searchsorted(index, side="right")]


def _reconcile(
    closes: pd.Series, adjusted: np.ndarray, paid: np.ndarray, gained: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Cash by bar, capital gains added where Yahoo's adjusted close says so, and doubts.

    Yahoo's factor over a bar is 1 - cash / close before (CRSP); what it implies is compared.
    """
    before = closes.to_numpy()[:-1]
    factor = adjusted / closes.to_numpy()
    with np.errstate(all="ignore"):
        implied = np.append(0.0, before * (1.0 - factor[:-1] / factor[1:]))
    both = paid + gained
    paid = np.where(np.abs(implied - both) < np.abs(implied - paid), both, paid)
    # Six decimals of either close are all that Yahoo keeps.
    slack = np.maximum(0.02 * np.abs(paid), 2e-4 * np.append(1.0, before) + 2e-6)
    off = np.flatnonzero(np.abs(implied - paid) > slack)
    if not len(off):
        return paid, ()
    first = off[0]
    doubt = (
        f"on {len(off)} days dividends and Yahoo's adjusted closes disagree, first on "
        f"{closes.index[first].date()}: {paid[first]:g} paid, {implied[first]:g} implied"
    )
    return paid, (doubt,)
