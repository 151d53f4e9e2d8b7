"""What is known of the market when a ticket fills: volatility, volume and spread of each asset.

Everything is estimated from days before the fill session, except its own volume. Stocks are
looked at session by session; coins day by day, also where a panel's bars fold several days into
a session. Nothing is computed before a scheme asks for it.
"""

from __future__ import annotations

import zlib
from functools import cached_property

import numpy as np

from feeds.panel import Panel

__all__ = ["ESTIMATES", "WINDOW", "Market"]

#: Native days that estimates look back; a third of them must be known.
WINDOW = 63
#: What :meth:`Market.estimate` knows by name.
ESTIMATES = (
    "abdi_ranaldo",
    "average_volume",
    "corwin_schultz",
    "market_cap",
    "shares_outstanding",
    "volatility",
    "volume",
)
#: Classes that trade every day, also between two sessions of an exchange.
_EVERY_DAY = ("crypto",)
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
        self._kept: dict[tuple[str, int], dict[int, np.ndarray]] = {}
        self._native: dict[int, tuple] = {}
        every_day = np.isin(panel.asset_class, _EVERY_DAY)
        self._is_native = every_day & (panel.calendar != "24/7") & (folder is not None)
        self._others = [
            part.nonzero()[0] for part in (every_day & ~self._is_native, ~every_day) if part.any()
        ]

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
        if np.ndim(row) == 0:
            return self._known(name, int(row), window)[columns]
        out = np.full(len(columns), np.nan)
        for number in np.unique(row).tolist():
            at = (row == number).nonzero()[0]
            out[at] = self._known(name, number, window)[columns[at]]
        return out

    def _known(self, name: str, row: int, window: int) -> np.ndarray:
        """(N,) of one row, kept: a fill asks for it again and again."""
        rows = self._kept.setdefault((name, window), {})
        if row not in rows:
            if len(rows) >= _KEPT:
                rows.clear()
            rows[row] = self._compute(name, row, window)
        return rows[row]

    def _compute(self, name: str, row: int, window: int) -> np.ndarray:
        out = np.full(self._panel.shape[1], np.nan)
        if name in ("market_cap", "shares_outstanding"):
            return self._size(name, row)
        if self._is_native.any():
            out[self._is_native] = self._native_days(name, window)[row]
        for columns, sessions in zip(self._others, self._sessions, strict=True):
            if name == "volume":
                out[columns] = self._volume(slice(row, row + 1), columns)[0]
            else:
                # Counted from the rows before the fill, never from those after it.
                stop = int(np.searchsorted(sessions, row))
                rows = sessions[max(stop - window - 1, 0) : stop]
                out[columns] = self._of_sessions(name, rows, columns, window)
        if name in ("volume", "average_volume"):
            return self._per_unit(out, name, row)
        return out

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

    def _per_unit(self, volume: np.ndarray, name: str, row: int) -> np.ndarray:
        """(N,) in adjusted units: a unit holds its dividends, and a native volume splits, too."""
        panel = self._panel
        per_unit = panel.dividend_factor[row]
        per_unit = np.where(self._is_native, per_unit * panel.split_factor[row], per_unit)
        return np.where(self.in_currency, volume, volume / per_unit)

    def _native_days(self, name: str, window: int) -> np.ndarray:
        """(T, n) of coins on their own days, those before each session; its own for volume."""
        if window not in self._native:
            from feeds.native_days import native_statistics
            from feeds.store import read_native

            panel = self._panel
            names = panel.assets[self._is_native].tolist()
            units = dict(zip(panel.assets.tolist(), panel.volume_unit.tolist(), strict=True))
            bars = read_native(self._folder, names)
            days = panel.dates.astype("datetime64[D]")
            least = max(window // 3, 2)
            before = native_statistics(bars, units, names, days - 1, window, least)
            own = native_statistics(bars, units, names, days, 1, 1).volume
            self._native[window] = before, own
        before, own = self._native[window]
        if name == "volume":
            return own
        values = getattr(before, "spread" if name == "corwin_schultz" else name)
        return np.where(values > 0, values, np.nan) if name == "average_volume" else values

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
    def _sessions(self) -> list[np.ndarray]:
        """Rows on which any asset of a group has a bar, so that a weekend is no session."""
        tradable = self._panel.tradable
        return [tradable[:, columns].any(axis=1).nonzero()[0] for columns in self._others]

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
