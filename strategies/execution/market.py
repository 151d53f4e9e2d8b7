"""What is known of the market when a ticket fills: volatility, volume and spread of each asset.

Everything is estimated from days before the fill session, except its own volume. Stocks are
looked at session by session; coins day by day, also where a panel's bars fold several days into
a session. Nothing is computed before a scheme asks for it.
"""

from __future__ import annotations

import zlib
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from feeds.panel import Panel

if TYPE_CHECKING:
    from feeds.bar_table import BarTable
    from feeds.native_days import NativeStatistics

__all__ = ["WINDOW", "Market"]

#: Native days that estimates look back; a third of them must be known.
WINDOW = 63
#: Classes that trade every day, also between two sessions of an exchange.
_EVERY_DAY = ("crypto",)
_NATIVE, _COINS, _OTHERS = 0, 1, 2
#: Rows of one estimate that are kept.
_KEPT = 512


class Market:
    """Estimates of a panel's assets as they were known before each session.

    Parameters
    ----------
    panel : Panel
        T rows, N assets.
    folder : str, optional
        The data set, whose native bars are read where a panel folds coins into sessions. None
        takes the folded bars for those of days.
    """

    def __init__(self, panel: Panel, folder: str | None = None) -> None:
        self._panel, self._folder = panel, folder
        self._kept: dict[tuple[str, int, int], dict[int, np.ndarray]] = {}
        self._native: dict[int, NativeStatistics] = {}
        every_day = np.isin(panel.asset_class, _EVERY_DAY)
        self._is_native = every_day & (panel.calendar != "24/7") & (folder is not None)
        #: Coins by their own days, coins by the panel's rows, and everything else.
        self._group = np.select([self._is_native, every_day], [_NATIVE, _COINS], _OTHERS)

    @cached_property
    def in_currency(self) -> np.ndarray:
        """(N,) whether an asset's volume counts currency; else adjusted units."""
        return self._panel.volume_unit == "currency"

    def dates(self, rows: np.ndarray) -> np.ndarray:
        """(k,) datetime64[D] sessions of some rows."""
        return self._panel.dates[rows].astype("datetime64[D]")

    def keys(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(k,) days since 1970 and (k,) numbers of symbols: what draws depend on.

        They are the same in any other panel that holds the asset and the session.
        """
        return self.dates(rows).astype("int64"), self._symbol_numbers[columns]

    def estimate(
        self, name: str, row: int | np.ndarray, columns: np.ndarray, window: int = WINDOW
    ) -> np.ndarray:
        """(k,) an estimate as known before the session `row`, NaN where it is not.

        Parameters
        ----------
        name : str
            ``volatility``: standard deviation of daily log returns; one over a gap is none.
            ``average_volume``: in adjusted units a day, or in currency where the vendor counts
            it; a day without a bar counts as none traded. ``volume``: likewise, of the session's
            own day. ``corwin_schultz``, ``abdi_ranaldo``: proportional spread.
            ``shares_outstanding``: in adjusted units. ``market_cap``: in currency.
        row : int or (k,) int array
            Session of the fill, one for all assets or one each.
        columns : (k,) int array
            Assets.
        window : int
            Native days looked back. Volumes need all of them since the first bar, the others a
            third of them.
        """
        out = np.full(len(columns), np.nan)
        group, rows = self._group[columns], np.broadcast_to(row, columns.shape)
        for part in np.unique(group).tolist():
            of_part = group == part
            for number in np.unique(rows[of_part]).tolist():
                at = (of_part & (rows == number)).nonzero()[0]
                out[at] = self._known(name, number, window, part)[columns[at]]
        return out

    def _known(self, name: str, row: int, window: int, group: int) -> np.ndarray:
        """(N,) of a group on one row, kept: a fill asks for it again and again."""
        rows = self._kept.setdefault((name, window, group), {})
        if row not in rows:
            if len(rows) >= _KEPT:
                rows.clear()
            rows[row] = self._compute(name, row, window, group)
        return rows[row]

    def _compute(self, name: str, row: int, window: int, group: int) -> np.ndarray:
        if name in ("market_cap", "shares_outstanding"):
            return self._size(name, row)
        out, columns = np.full(self._panel.shape[1], np.nan), self._columns[group]
        if group == _NATIVE:
            out[columns] = self._native_days(name, window)[row]
        elif name == "volume":
            out[columns] = self._volume(slice(row, row + 1), columns)[0]
        else:
            # Counted from the rows before the fill, never from those after it.
            sessions = self._sessions[group]
            stop = int(np.searchsorted(sessions, row))
            rows = sessions[max(stop - window - 1, 0) : stop]
            out[columns] = self._of_sessions(name, rows, columns, window)
        return self._per_unit(out, row) if name in ("volume", "average_volume") else out

    def _of_sessions(
        self, name: str, rows: np.ndarray, columns: np.ndarray, window: int
    ) -> np.ndarray:
        """(n,) from up to ``window + 1`` sessions, the earliest of which is for differences."""
        panel, at = self._panel, np.ix_(rows, columns)
        if len(rows) < 2:
            return np.full(len(columns), np.nan)
        if name == "average_volume":
            return self._average_volume(rows, columns, window)
        if name == "volatility":
            with np.errstate(invalid="ignore"):
                values = np.diff(np.log(panel.close[at]), axis=0)
            return _statistic(values, window, "deviation")
        from feeds import spreads

        estimator = getattr(spreads, name)
        values = estimator(panel.high[at], panel.low[at], panel.close[at])[1:]
        return _statistic(values, window, "mean")

    def _average_volume(self, rows: np.ndarray, columns: np.ndarray, window: int) -> np.ndarray:
        if len(rows) < window:
            return np.full(len(columns), np.nan)
        traded = np.nan_to_num(self._volume(rows[-window:], columns))
        listed = self._panel.last_bar(int(rows[-window]), columns) >= 0
        mean = traded.mean(axis=0)
        return np.where(listed & (mean > 0), mean, np.nan)

    def _volume(self, rows, columns: np.ndarray) -> np.ndarray:
        """(B, n) volume, what counts shares in those of the first bar: splits are undone."""
        panel = self._panel
        volume = panel.volume[rows][:, columns]
        split = panel.split_factor[rows][:, columns]
        return np.where(self.in_currency[columns], volume, volume / split)

    def _per_unit(self, volume: np.ndarray, row: int) -> np.ndarray:
        """(N,) in adjusted units: a unit holds its dividends, and a native volume splits, too."""
        panel = self._panel
        per_unit = panel.dividend_factor[row]
        per_unit = np.where(self._is_native, per_unit * panel.split_factor[row], per_unit)
        return np.where(self.in_currency, volume, volume / per_unit)

    def _native_days(self, name: str, window: int) -> np.ndarray:
        """(T, n) of coins on their own days, those before each session; its own for volume."""
        own = name == "volume"
        key = 0 if own else window
        if key not in self._native:
            from feeds.native_days import native_statistics

            panel, (bars, units) = self._panel, self._native_bars
            names = panel.assets[self._columns[_NATIVE]].tolist()
            days = panel.dates.astype("datetime64[D]") - (0 if own else 1)
            least = 1 if own else max(window // 3, 2)
            self._native[key] = native_statistics(
                bars, units, names, days, 1 if own else window, least
            )
        values = getattr(self._native[key], "spread" if name == "corwin_schultz" else name)
        return np.where(values > 0, values, np.nan) if name == "average_volume" else values

    @cached_property
    def _native_bars(self) -> tuple[BarTable, dict[str, str]]:
        """Bars of the coins on their own days, and what their volumes count."""
        from feeds.store import read_native

        assets, units = self._panel.assets.tolist(), self._panel.volume_unit.tolist()
        bars = read_native(self._folder, self._panel.assets[self._columns[_NATIVE]].tolist())
        return bars, dict(zip(assets, units, strict=True))

    def _size(self, name: str, row: int) -> np.ndarray:
        """(N,) market cap, or shares in adjusted units, of the row before."""
        panel = self._panel
        if row < 1 or panel.market_cap is None and panel.shares is None:
            return np.full(panel.shape[1], np.nan)
        every = np.arange(panel.shape[1])
        last = panel.last_bar(row - 1, every)
        bar, known = np.maximum(last, 0), last >= 0
        adjustment = panel.adjustment_at(bar, every)
        mark = panel.close[bar, every]
        units = np.full(panel.shape[1], np.nan)
        if panel.shares is not None:
            units = panel.shares[row - 1] / adjustment
        if panel.market_cap is not None:
            units = np.where(np.isnan(units), panel.market_cap[row - 1] / mark, units)
        found = units if name == "shares_outstanding" else units * mark
        return np.where(known & (found > 0), found, np.nan)

    @cached_property
    def _columns(self) -> list[np.ndarray]:
        """Assets of each group."""
        return [(self._group == group).nonzero()[0] for group in (_NATIVE, _COINS, _OTHERS)]

    @cached_property
    def _sessions(self) -> list[np.ndarray]:
        """Rows on which any asset of a group has a bar, so that a weekend is no session."""
        tradable = self._panel.tradable
        return [tradable[:, columns].any(axis=1).nonzero()[0] for columns in self._columns]

    @cached_property
    def _symbol_numbers(self) -> np.ndarray:
        numbers = [zlib.crc32(name.encode("utf-8")) for name in self._panel.assets.tolist()]
        return np.array(numbers, dtype=np.int64)


def _statistic(values: np.ndarray, window: int, kind: str) -> np.ndarray:
    """(n,) mean or standard deviation of the known values, where a third of a window is known."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    enough = count >= max(window // 3, 2 if kind == "deviation" else 1)
    out = np.full(values.shape[1], np.nan)
    if enough.any():
        good = values[:, enough]
        out[enough] = (
            np.nanmean(good, axis=0) if kind == "mean" else np.nanstd(good, axis=0, ddof=1)
        )
    return out
