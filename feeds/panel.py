"""Panel: the read-only block of bars that every stage reads."""

from __future__ import annotations

from dataclasses import InitVar, dataclass, fields, replace
from functools import cached_property

import numpy as np

from feeds.errors import DataError
from feeds.figures import Figures
from feeds.last_bars import LastBars
from feeds.suggestions import remedy_for

__all__ = ["Panel"]

#: Optional point-in-time fields; absent ones are None, never an array of NaN.
_OPTIONAL = ("market_cap", "book_equity", "shares")
_BARS = ("open", "high", "low", "close", "volume", "split_factor", "dividend_factor")
#: Cells of a block that is looked through at a time, so that a check costs no copy of a panel.
_CELLS = 1 << 18


@dataclass(frozen=True, eq=False)
class Panel:
    """Bars of N assets on T sessions of one calendar, read-only.

    Prices are adjusted forward from each asset's first bar: ``close = raw close x
    split_factor x dividend_factor``, both factors starting at 1, so that no later event
    changes an earlier price. One adjusted unit is one printed share of the first bar with
    its dividends reinvested at the close of the ex-date.

    Parameters
    ----------
    dates : (T,) datetime64[D] array
        Sessions, strictly increasing; datetime64[h], hours in UTC, where bars are hourly.
    assets : (N,) str array
        Symbols, unique.
    asset_class : (N,) str array
        ``equity``, ``crypto``, ...
    calendar : {"XNYS", "24/7"}
        The calendar of `dates`.
    next_session : datetime64[D]
        The session that follows the last of `dates`, in the same unit.
    open, high, low, close : (T, N) float64 arrays
        Adjusted prices. NaN where the asset has no bar.
    volume : (T, N) float64 array
        As printed, in `volume_unit`. NaN where there is no bar.
    split_factor, dividend_factor : (T, N) float64 arrays
        Cumulative adjustment factors, 1 at the first bar.
    tradable : (T, N) bool array
        True where the asset has a real bar.
    member : (T, N) bool array
        True where the asset belongs to the universe.
    volume_unit : (N,) str array
        ``units`` or ``currency``.
    price_kind : (N,) str array
        ``traded``, ``adjusted`` or ``index``.
    close_only : (N,) bool array
        True where the vendor gave no opens, highs and lows (they repeat the close).
    end_reason : (N,) str array
        Why the series ends: ``bankruptcy``, ``merger``, ``data_end`` or ``unknown``. May be
        read only once the series has ended.
    market_cap, book_equity, shares : (T, N) float64 arrays, optional
        What was public on each date; NaN means not known.
    sector : (N,) str array, optional
        Sector or industry; an empty text where not known.
    figure_events : Figures, optional
        Further named figures as they became known; see :meth:`figure`.
    checked : bool
        Whether the prices are known to be positive and need not be looked through.

    Raises
    ------
    DataError
        If shapes disagree, dates are not increasing, or a price is not positive.
    """

    dates: np.ndarray
    assets: np.ndarray
    asset_class: np.ndarray
    calendar: str
    next_session: np.datetime64
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    split_factor: np.ndarray
    dividend_factor: np.ndarray
    tradable: np.ndarray
    member: np.ndarray
    volume_unit: np.ndarray
    price_kind: np.ndarray
    close_only: np.ndarray
    end_reason: np.ndarray
    market_cap: np.ndarray | None = None
    book_equity: np.ndarray | None = None
    shares: np.ndarray | None = None
    sector: np.ndarray | None = None
    figure_events: Figures | None = None
    checked: InitVar[bool] = False

    def __post_init__(self, checked: bool) -> None:
        shape = self.shape
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                if value.ndim == 2 and value.shape != shape:
                    raise DataError(
                        f"panel field {item.name} has shape {value.shape}, expected {shape}"
                    )
                if value.flags.writeable:
                    value = value.view()
                    value.flags.writeable = False
                    object.__setattr__(self, item.name, value)
        if self.figure_events is not None and self.figure_events.shape != shape:
            raise DataError(
                f"panel figures have shape {self.figure_events.shape}, expected {shape}"
            )
        if np.any(np.diff(self.dates.astype("int64")) <= 0):
            raise DataError("panel dates are not strictly increasing")
        if not checked:
            self._check_closes()

    def _check_closes(self) -> None:
        rows, columns = self.shape
        step = max(_CELLS // max(columns, 1), 1)
        for first in range(0, rows, step):
            part = slice(first, first + step)
            wrong = self.tradable[part] & ~(self.close[part] > 0)
            if wrong.any():
                row, column = np.argwhere(wrong)[0] + (first, 0)
                raise DataError(
                    f"{self.assets[column]}: close {self.close[row, column]} on "
                    f"{self.dates[row]} is not a positive number",
                    "clean the series with runs.ingest, or drop the symbol",
                )

    @property
    def shape(self) -> tuple[int, int]:
        """(T, N)."""
        return len(self.dates), len(self.assets)

    @property
    def periods_per_year(self) -> int:
        """Rows a year: 252 sessions, 365 days, or 8760 hours."""
        if self.calendar != "24/7":
            return 252
        return 365 * 24 if self.dates.dtype == "datetime64[h]" else 365

    @cached_property
    def adjustment(self) -> np.ndarray:
        """(T, N) printed shares per adjusted unit."""
        return _frozen(self.split_factor * self.dividend_factor)

    @cached_property
    def raw_close(self) -> np.ndarray:
        """(T, N) closes as printed; NaN where there is no bar."""
        return _frozen(self.close / self.adjustment)

    @cached_property
    def dollar_volume(self) -> np.ndarray:
        """(T, N) traded value in currency; NaN where there is no bar."""
        in_currency = self.volume_unit == "currency"
        return _frozen(np.where(in_currency, self.volume, self.volume * self.raw_close))

    @cached_property
    def mark(self) -> np.ndarray:
        """(T, N) last known close on or before each date; NaN before the first bar."""
        return _frozen(forward_fill(self.close))

    @cached_property
    def age(self) -> np.ndarray:
        """(T, N) int32 sessions since the last bar: 0 on a bar, -1 before the first."""
        rows = np.arange(self.shape[0], dtype=np.int32)[:, None]
        last = np.maximum.accumulate(np.where(self.tradable, rows, np.int32(-1)), axis=0)
        return _frozen(np.where(last < 0, np.int32(-1), rows - last))

    def last_bar(self, row: int, columns: np.ndarray) -> np.ndarray:
        """(k,) row of the last bar of some assets on or before a row; -1 before the first."""
        return self._last_bars.at(row, columns)

    def mark_at(self, row: int, columns: np.ndarray) -> np.ndarray:
        """(k,) last known closes of some assets on or before a row; NaN before the first bar.

        The same numbers as :attr:`mark`, without an array of the whole panel.
        """
        values = self.close[row].take(columns)
        unknown = np.isnan(values)
        if np.count_nonzero(unknown):
            gaps = unknown.nonzero()[0]
            bars = self._last_bars.at(row, columns[gaps])
            last = self.close[np.maximum(bars, 0), columns[gaps]]
            values[gaps] = np.where(bars < 0, np.nan, last)
        return values

    def marks(self, first: int, stop: int, columns: np.ndarray) -> np.ndarray:
        """(B, k) last known closes of some assets on the rows from `first` to before `stop`."""
        values = self.close[first:stop].take(columns, axis=1)
        holed = np.flatnonzero(np.isnan(values).any(axis=0))
        if len(holed):
            before = np.full(len(holed), np.nan)
            if first > 0:
                before = self.mark_at(first - 1, columns[holed])
            values[:, holed] = forward_fill(np.vstack([before, values[:, holed]]))[1:]
        return values

    def ages(self, first: int, stop: int, columns: np.ndarray) -> np.ndarray:
        """(B, k) sessions since the last bar of some assets: 0 on a bar, -1 before the first."""
        rows = np.arange(first, stop)[:, None]
        last = np.where(self.tradable[first:stop].take(columns, axis=1), rows, -1)
        last = np.vstack([self._last_bars.at(first - 1, columns), last])
        last = np.maximum.accumulate(last, axis=0)[1:]
        return np.where(last < 0, -1, rows - last)

    def adjustment_at(self, row: int | np.ndarray, columns: np.ndarray) -> np.ndarray:
        """(k,) printed shares per adjusted unit of some assets, on one row or a row each."""
        if np.ndim(row) == 0:
            return self.split_factor[row].take(columns) * self.dividend_factor[row].take(columns)
        return self.split_factor[row, columns] * self.dividend_factor[row, columns]

    @cached_property
    def _last_bars(self) -> LastBars:
        return LastBars(self.tradable)

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures that :meth:`figure` gives, sorted."""
        return () if self.figure_events is None else self.figure_events.names

    def figure(self, name: str) -> np.ndarray:
        """(T, N) float64 values of a named figure as known on each row, read-only.

        NaN where none is known. Filed figures stay until the next filing; figures of a day are
        those of the days that the row stands for.

        Raises
        ------
        DataError
            If the panel has no figure of that name.
        """
        arrays = self._figure_arrays
        if name not in arrays:
            if name not in self.figures:
                raise DataError(
                    f"the panel has no figure {name!r}",
                    (
                        remedy_for(name, self.figures)
                        if self.figures
                        else "ingest the set with --fundamentals or --figures"
                    ),
                )
            arrays[name] = _frozen(self.figure_events.array(name))
        return arrays[name]

    @cached_property
    def _figure_arrays(self) -> dict[str, np.ndarray]:
        return {}

    def available(self, field: str) -> bool:
        """Whether the panel has real data in `field`, a column of the contract or a figure.

        ``open``, ``high`` and ``low`` are absent where every vendor is close-only;
        ``split_factor``, and with it printed shares, where any price is adjusted or an index.
        """
        if field in ("open", "high", "low"):
            return not bool(self.close_only.all())
        if field == "split_factor":
            return bool((self.price_kind == "traded").all())
        if field in _BARS:
            return bool(np.isfinite(getattr(self, field)).any())
        if field in self.figures:
            return True
        # ``assets`` are the symbols, and a figure of that name what the companies own.
        value = getattr(self, field, None)
        return isinstance(value, np.ndarray) and (value.ndim == 2 or field == "sector")

    def as_of(self, row: int) -> Panel:
        """What was known at the close of `row`: the rows up to it, none after."""
        stop = row + 1
        following = self.dates[stop] if stop < len(self.dates) else self.next_session
        return self._take(slice(0, stop), slice(None), next_session=following)

    def select(self, columns: np.ndarray) -> Panel:
        """The same dates for some assets, given as a boolean mask or integer positions."""
        return self._take(slice(None), columns)

    def _take(self, rows: slice, columns, **changes) -> Panel:
        taken = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, Figures):
                taken[item.name] = value.take(rows, columns)
            if not isinstance(value, np.ndarray):
                continue
            if value.ndim == 2:
                taken[item.name] = value[rows, columns]
            elif item.name == "dates":
                taken[item.name] = value[rows]
            else:
                taken[item.name] = value[columns]
        return replace(self, **taken, **changes, checked=True)


def forward_fill(values: np.ndarray) -> np.ndarray:
    """Carry the last finite value of each column of a (T, N) array down; NaN before it."""
    gaps = ~np.isfinite(values)
    # What is not known before a column's first value stays so: there is nothing to carry.
    holed = (gaps[1:] & ~gaps[:-1]).any(axis=0)
    if not holed.any():
        return values
    rows = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(gaps[:, holed], 0, rows), axis=0)
    filled = values.copy()
    filled[:, holed] = np.take_along_axis(values[:, holed], last, axis=0)
    return filled


def _frozen(values: np.ndarray) -> np.ndarray:
    values.flags.writeable = False
    return values
