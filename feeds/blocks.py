"""From bars to the arrays of a panel, and from the arrays to a panel of some rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
import pandas as pd

from feeds.bar_table import BarTable
from feeds.cache import Aligned
from feeds.calendars import next_session
from feeds.errors import DataError
from feeds.figures import Events, pack_figures, unpack_figures
from feeds.folding import Folded, fold_table
from feeds.fundamentals import align_fundamentals
from feeds.panel import Panel
from feeds.spells import membership

__all__ = ["REFERENCE_CLASSES", "Memory", "Space", "align_block", "panel_of"]

#: Classes that are shown and compared with, and never traded.
REFERENCE_CLASSES = ("index", "reference")
_PRICES = ("open", "high", "low", "close", "volume")
_FACTORS = ("split_factor", "dividend_factor")
_FLOATS = (*_PRICES, *_FACTORS)
_OPTIONAL = ("market_cap", "book_equity", "shares")
#: Cells that are looked through at a time.
_CELLS = 1 << 20


class Space(Protocol):
    """Where large arrays are made."""

    def array(self, name: str, shape: tuple[int, ...], kind: Any, value: Any) -> np.ndarray:
        """An array full of a value."""

    def release(self) -> None:
        """What was written so far will not be touched for a while."""


class Memory:
    """The memory of the process."""

    def array(self, name: str, shape: tuple[int, ...], kind: Any, value: Any) -> np.ndarray:
        """An array full of a value."""
        return np.full(shape, value, dtype=kind)

    def release(self) -> None:
        """Nothing to do."""


def align_block(
    tables: Iterable[BarTable],
    universe: pd.DataFrame,
    dates: np.ndarray,
    calendar: str,
    *,
    filings: pd.DataFrame | None = None,
    spells: pd.DataFrame | None = None,
    daily: pd.DataFrame | None = None,
    space: Space | None = None,
) -> Aligned:
    """Align every symbol of a universe on one calendar.

    Parameters
    ----------
    tables : iterable of BarTable
        Bars as printed, whole symbols a table, by symbol and increasing time. Symbols that the
        universe lacks are left out; one of the universe may have no bar.
    universe : DataFrame
        The text columns of universe.csv.
    dates : (T,) datetime64[D] or datetime64[h] array
        Sessions of the calendar: the panel's rows.
    calendar : {"XNYS", "24/7"}
        The calendar of `dates`.
    filings, spells : DataFrame, optional
        Fundamentals and dated membership, checked.
    daily : DataFrame, optional
        Figures of days, checked: date, symbol, and columns of numbers.
    space : Space, optional
        Makes the large arrays; in memory by default.

    Returns
    -------
    Aligned
        Arrays dates (T,); (T, N) floats, tradable and member; reference (T, R); the events of
        figures. Optional fields of which nothing is known are left out.

    Raises
    ------
    DataError
        If a close is not a positive number.
    """
    space = space or Memory()
    block = _Block(universe, dates, space)
    for table in tables:
        block.add(table)
        space.release()
    block.carry_factors()
    block.arrays["member"][...] = membership(block.assets, dates, spells)
    space.release()
    if filings is not None:
        _add_filings(block.arrays, filings, block.assets["symbol"].tolist(), dates)
    figures = _figures(filings, daily, block.assets["symbol"].tolist(), dates)
    return _compact(block, calendar, figures)


def panel_of(aligned: Aligned, calendar: str, rows: int) -> Panel:
    """The panel of the first `rows` rows, as if the data had ended there."""
    meta, arrays = aligned.meta, aligned.arrays
    dates = arrays["dates"]
    following = dates[rows] if rows < len(dates) else dates.dtype.type(meta["next_session"])
    shape = (len(dates), len(meta["assets"]))
    ones = np.broadcast_to(1.0, shape)
    block = {name: arrays.get(name, ones)[:rows] for name in _FLOATS[3:]}
    # Without any open up to the last row there are no ranges, whatever comes later.
    has_ranges = "open" in arrays and bool(np.any(arrays["first_open"] < rows))
    for name in ("open", "high", "low"):
        block[name] = arrays[name][:rows] if has_ranges else block["close"]
    # What nothing was known of up to the last row is as absent as if it had never been.
    optional = {
        name: arrays[name][:rows]
        for name in _OPTIONAL
        if name in arrays and _any(arrays[name][:rows], np.isfinite)
    }
    figures = unpack_figures(arrays, meta.get("figures", {}), shape, rows)
    # A reason is known only once the series has ended: with the last bar of its last day.
    over = str((dates[rows - 1] + 1).astype("datetime64[D]") - 1)
    reasons = [
        reason if reason != "data_end" and end and end <= over else "data_end"
        for reason, end in zip(meta["end_reason"], meta["end"])
    ]
    return Panel(
        dates=dates[:rows],
        assets=np.array(meta["assets"], dtype=str),
        asset_class=np.array(meta["asset_class"], dtype=str),
        calendar=calendar,
        next_session=following,
        **block,
        tradable=arrays["tradable"][:rows],
        member=arrays["member"][:rows],
        volume_unit=np.array(meta["volume_unit"], dtype=str),
        price_kind=np.array(meta["price_kind"], dtype=str),
        close_only=arrays["first_open"] >= rows,
        end_reason=np.array(reasons, dtype=str),
        **optional,
        sector=np.array(meta["sector"], dtype=str) if any(meta.get("sector", ())) else None,
        figure_events=figures,
        checked=True,
    )


class _Block:
    """The (T, N) arrays of a universe, filled table by table."""

    def __init__(self, universe: pd.DataFrame, dates: np.ndarray, space: Space) -> None:
        is_reference = universe["asset_class"].isin(REFERENCE_CLASSES).to_numpy()
        self.assets, self.references = universe[~is_reference], universe[is_reference]
        self.dates, self._space = dates, space
        self._columns = {symbol: column for column, symbol in enumerate(self.assets["symbol"])}
        # References count from -2 down; -1 is a symbol that the universe lacks.
        others = enumerate(self.references["symbol"])
        self._columns |= {symbol: -2 - column for column, symbol in others}
        self._last_symbols: tuple[str, ...] | None = None
        self._last_places = np.empty(0, dtype=np.int64)
        self.reference = np.full((len(dates), len(self.references)), np.nan)
        self.first_open = np.full(len(self.assets), len(dates), dtype=np.int64)
        self.arrays: dict[str, np.ndarray] = {}
        for name in _PRICES:
            self._make(name)
        for name in ("tradable", "member"):
            self._make(name, False, bool)

    def add(self, table: BarTable) -> None:
        """Put the bars of a table in their places."""
        folded = fold_table(table, self.dates)
        column = self._places(table.symbols)[folded.code]
        self._check(table, folded, column)
        held = column >= 0
        if not held.all():
            apart = column < -1
            rows = folded.row[apart], -2 - column[apart]
            self.reference[rows] = folded.values["close"][apart]
            folded, column = folded.take(held), column[held]
        place = folded.row * len(self.assets) + column
        for name, values in folded.values.items():
            if name in _FACTORS:
                self._put_factor(name, values, column, place)
            elif name in self.arrays or np.isfinite(values).any():
                self._make(name)
                self.arrays[name].reshape(-1)[place] = values
        self.arrays["tradable"].reshape(-1)[place] = True
        np.minimum.at(self.first_open, column[folded.has_open], folded.row[folded.has_open])

    def carry_factors(self) -> None:
        """Factors of 1 before the first bar, and those of the last bar where there is none."""
        for name in _FACTORS:
            if name in self.arrays:
                before = np.ones(len(self.assets))
                for row in self.arrays[name]:
                    before = np.where(np.isnan(row), before, row)
                    row[:] = before
                self._space.release()

    def _places(self, symbols: tuple[str, ...]) -> np.ndarray:
        """(S,) column of each symbol; the tables of a file share their symbols."""
        if self._last_symbols is not symbols:
            found = [self._columns.get(name, -1) for name in symbols]
            self._last_symbols, self._last_places = symbols, np.array(found, dtype=np.int64)
        return self._last_places

    def _make(self, name: str, value: Any = np.nan, kind: Any = np.float64) -> None:
        if name not in self.arrays:
            shape = len(self.dates), len(self.assets)
            self.arrays[name] = self._space.array(name, shape, kind, value)

    def _put_factor(
        self, name: str, values: np.ndarray, column: np.ndarray, place: np.ndarray
    ) -> None:
        """Only of symbols that have an event: of the others it is 1 throughout."""
        changed = np.zeros(len(self.assets), dtype=bool)
        changed[column[values != 1.0]] = True
        if changed.any():
            self._make(name)
            rows = changed[column]
            self.arrays[name].reshape(-1)[place[rows]] = values[rows]

    def _check(self, table: BarTable, folded: Folded, column: np.ndarray) -> None:
        close = folded.values["close"]
        wrong = ~(close > 0) & (column >= 0)
        if wrong.any():
            at = int(wrong.argmax())
            raise DataError(
                f"{table.symbols[folded.code[at]]}: close {close[at]} on "
                f"{self.dates[folded.row[at]]} is not a positive number",
                "clean the series with runs.ingest, or drop the symbol",
            )


def _any(values: np.ndarray, test: Callable[[np.ndarray], np.ndarray]) -> bool:
    """Whether any cell passes a test; looks no further than it must."""
    step = max(_CELLS // max(values.shape[1], 1), 1)
    return any(test(values[row : row + step]).any() for row in range(0, len(values), step))


def _is_not_one(values: np.ndarray) -> np.ndarray:
    return values != 1.0


def _add_filings(
    block: dict[str, np.ndarray], filings: pd.DataFrame, assets: list[str], dates: np.ndarray
) -> None:
    """Book equity and shares as known, and caps from shares where the vendor gave none."""
    ones = np.broadcast_to(1.0, block["close"].shape)
    split, payout = (block.get(name, ones) for name in _FACTORS)
    block |= align_fundamentals(filings, assets, dates, split)
    counted = block["shares"] * (block["close"] / (split * payout))
    given = block.get("market_cap")
    block["market_cap"] = counted if given is None else np.where(np.isfinite(given), given, counted)


def _figures(
    filings: pd.DataFrame | None, daily: pd.DataFrame | None, assets: list[str], dates: np.ndarray
) -> dict[str, Events]:
    """Figures of filings and of days by name; sets without them import nothing for it."""
    found: dict[str, Events] = {}
    if filings is not None:
        from feeds.filings.figures import filed_figures

        found |= filed_figures(filings, assets, dates)
    if daily is not None:
        from feeds.daily_figures import align_daily

        found |= align_daily(daily, assets, dates)
    return found


def _compact(block: _Block, calendar: str, figures: dict[str, Events]) -> Aligned:
    """Leave out what need not be stored: factors of 1, and ranges where all is close-only."""
    found = block.arrays
    ones = tuple(n for n in _FACTORS if n not in found or not _any(found[n], _is_not_one))
    unneeded = set(ones) | {
        name for name in _OPTIONAL if name in found and not _any(found[name], np.isfinite)
    }
    if np.all(block.first_open == len(block.dates)):
        unneeded |= {"open", "high", "low"}
    arrays = {name: array for name, array in found.items() if name not in unneeded}
    packed, places = pack_figures(figures)
    arrays |= {
        "dates": block.dates, "first_open": block.first_open, "reference": block.reference,
        **packed,
    }  # fmt: skip
    return Aligned(arrays, ones, {**_meta(block, calendar), "figures": places})


def _meta(block: _Block, calendar: str) -> dict[str, Any]:
    columns = ["asset_class", "volume_unit", "price_kind", "end", "end_reason"]
    columns += ["sector"] * ("sector" in block.assets)
    return {
        "assets": block.assets["symbol"].tolist(),
        **{name: block.assets[name].tolist() for name in columns},
        "reference": block.references["symbol"].tolist(),
        "next_session": str(next_session(calendar, block.dates[-1])),
    }
