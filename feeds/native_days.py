"""Statistics of coins on their own days, beside bars that fold several days into a session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from feeds.bar_table import BarTable
from feeds.spreads import abdi_ranaldo, corwin_schultz

__all__ = ["NativeStatistics", "corwin_schultz", "native_statistics"]

#: Days that statistics look back, and the fewest of them that must be known.
_WINDOW, _LEAST = 63, 21
#: Cells of a block of windows that is held at a time.
_CELLS = 1 << 22


@dataclass(frozen=True, eq=False)
class NativeStatistics:
    """What was known of each asset's own days at the close of each session.

    All are (T, N) float64 arrays, NaN where not known and for assets without native bars.

    Parameters
    ----------
    volume : array
        Of the session's own day, in the vendor's unit; NaN where that day has no bar.
    average_volume : array
        Mean of 63 days, in the vendor's unit and, where it counts coins, in coins of the session
        (redenominations are undone). A day without a bar, or of which the volume is not known,
        counts as none traded.
    dollar_volume : array
        Median of 63 days of traded value in currency, counted likewise.
    volatility : array
        Standard deviation of daily log returns, of 63 days, with at least 21 returns. A return
        over a gap is none.
    spread : array
        Mean of 63 days of :func:`corwin_schultz`, with at least 21 of them: proportional, of which
        a trade pays half.
    abdi_ranaldo : array
        Likewise, of :func:`feeds.spreads.abdi_ranaldo`.
    """

    volume: np.ndarray
    average_volume: np.ndarray
    dollar_volume: np.ndarray
    volatility: np.ndarray
    spread: np.ndarray
    abdi_ranaldo: np.ndarray


def native_statistics(
    bars: BarTable,
    volume_units: Mapping[str, str],
    assets: Sequence[str],
    dates: np.ndarray,
    window: int = _WINDOW,
    least: int = _LEAST,
) -> NativeStatistics:
    """Statistics of native daily bars as of each session.

    Row t uses days up to and including session t, which is complete at 24:00 UTC of it: days
    after the last session wait for the next one. Averages and medians of volume need `window`
    days since the first bar.

    Parameters
    ----------
    bars : BarTable
        Raw daily bars, sorted by symbol and time, a day of a symbol once.
    volume_units : mapping of str to {"units", "currency"}
        By symbol, as in universe.csv.
    assets : sequence of str
        N symbols; those without bars are NaN.
    dates : (T,) datetime64[D] array
        Sessions.
    window, least : int
        Days looked back, and fewest that must be known of them.
    """
    dates = dates.astype("datetime64[D]")
    shape = (len(dates), len(assets))
    names = [item.name for item in fields(NativeStatistics)]
    out = {name: np.full(shape, np.nan) for name in names}
    bounds, places = bars.bounds(), {name: place for place, name in enumerate(bars.symbols)}
    for column, name in enumerate(assets):
        place = places.get(name, -1)
        rows = slice(bounds[place], bounds[place + 1]) if place >= 0 else slice(0, 0)
        if rows.stop > rows.start and len(dates):
            own = bars.take(rows)
            # What comes after the last session is not there yet.
            own = own.take(own.time.astype("datetime64[D]") <= dates[-1])
            if not len(own):
                continue
            days = _Days(own, volume_units[name] == "currency", dates[-1])
            at = (dates - days.first).astype("int64")
            known = at >= 0
            for item, values in days.statistics(window, least).items():
                out[item][known, column] = values[at[known]]
            out["volume"][known, column] = days.volume[at[known]]
    return NativeStatistics(**out)


class _Days:
    """One coin on a grid of all days from its first bar to the last session."""

    def __init__(self, bars: BarTable, in_currency: bool, last: np.datetime64) -> None:
        days = bars.time.astype("datetime64[D]")
        self.first, self._count = days[0], int((last - days[0]).astype("int64")) + 1
        self._at = (days - self.first).astype("int64")
        # What redenominations have multiplied so far; where that begins cancels out.
        coins = np.cumprod(np.where(bars["split_ratio"] > 0, bars["split_ratio"], 1.0))
        close = bars["close"]
        self.volume = self._grid(bars["volume"])
        self._traded = self._grid(bars["volume"] if in_currency else bars["volume"] * close)
        self._unit = self._carried(np.ones(len(coins)) if in_currency else coins)
        self._close = self._grid(close * coins)
        # A bar without a range says nothing of a spread.
        self._high, self._low = (self._grid(bars[name] * coins) for name in ("high", "low"))

    def statistics(self, window: int, least: int) -> dict[str, np.ndarray]:
        """(D,) arrays by name."""
        per_coin = np.nan_to_num(self.volume) / self._unit
        log = np.log(self._close)
        returns = np.append(np.nan, np.diff(log))
        prices = self._high, self._low, self._close
        return {
            "average_volume": _rolling(per_coin, window, window, "mean") * self._unit,
            "dollar_volume": _rolling(np.nan_to_num(self._traded), window, window, "median"),
            "volatility": _rolling(returns, window, least, "deviation"),
            "spread": _rolling(corwin_schultz(*prices), window, least, "mean"),
            "abdi_ranaldo": _rolling(abdi_ranaldo(*prices), window, least, "mean"),
        }

    def _grid(self, values: np.ndarray) -> np.ndarray:
        grid = np.full(self._count, np.nan)
        grid[self._at] = values
        return grid

    def _carried(self, values: np.ndarray) -> np.ndarray:
        last = np.searchsorted(self._at, np.arange(self._count), side="right") - 1
        return values[last]


def _rolling(values: np.ndarray, window: int, least: int, kind: str) -> np.ndarray:
    """(D,) statistic of the last `window` values, of those that are known."""
    out = np.full(len(values), np.nan)
    padded = np.concatenate([np.full(window - 1, np.nan), values])
    for rows in _blocks(len(values), window):
        windows = np.lib.stride_tricks.sliding_window_view(
            padded[rows.start : rows.stop + window - 1], window
        )
        counts = np.isfinite(windows).sum(axis=1)
        enough = counts >= max(least, 2 if kind == "deviation" else 1)
        good = windows[enough]
        if not len(good):
            continue
        if kind == "mean":
            found = np.nanmean(good, axis=1)
        elif kind == "median":
            found = np.median(good, axis=1) if least == window else np.nanmedian(good, axis=1)
        else:
            found = np.nanstd(good, axis=1, ddof=1)
        out[rows][enough] = found
    return out


def _blocks(count: int, window: int) -> Iterator[slice]:
    step = max(_CELLS // window, 1)
    for first in range(0, count, step):
        yield slice(first, min(first + step, count))
