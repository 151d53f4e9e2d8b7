"""From native bars to the arrays of a panel, and from the arrays to a panel of some rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from feeds.align import Native, align_bars
from feeds.cache import Aligned
from feeds.calendars import next_session, sessions
from feeds.errors import DataError
from feeds.fundamentals import align_fundamentals
from feeds.panel import Panel

__all__ = ["REFERENCE_CLASSES", "align_block", "panel_of"]

#: Classes that are shown and compared with, and never traded.
REFERENCE_CLASSES = ("index", "reference")
_FLOATS = ("open", "high", "low", "close", "volume", "split_factor", "dividend_factor")
_OPTIONAL = ("market_cap", "book_equity", "shares")


def align_block(
    bars: dict[str, Native],
    universe: pd.DataFrame,
    covers_to: np.datetime64,
    calendar: str,
    filings: pd.DataFrame | None = None,
) -> Aligned:
    """Align every symbol of a universe on one calendar.

    Parameters
    ----------
    bars : dict of str to Native
        Raw bars; a symbol of the universe may have none.
    universe : DataFrame
        The text columns of universe.csv.
    covers_to : datetime64[D]
        Last day the set covers: the rows go up to the last session on or before it.
    calendar : {"XNYS", "24/7"}
        The panel's rows.
    filings : DataFrame, optional
        Fundamentals, checked.

    Returns
    -------
    Aligned
        Arrays dates (T,); (T, N) floats, tradable and member; reference (T, R). Optional
        fields of which nothing is known are left out.

    Raises
    ------
    DataError
        If no symbol has a bar, or none of the days is a session.
    """
    firsts = [item.dates[0] for item in bars.values() if len(item.dates)]
    if not firsts:
        raise DataError("the data set has no bar", "check the recipe's dates")
    dates = sessions(calendar, min(firsts), covers_to)
    if not len(dates):
        raise DataError(f"no {calendar} session in {min(firsts)}..{covers_to}", "widen the dates")
    is_reference = universe["asset_class"].isin(REFERENCE_CLASSES).to_numpy()
    assets, references = universe[~is_reference], universe[is_reference]
    block = {name: np.full((len(dates), len(assets)), np.nan) for name in (*_FLOATS, "market_cap")}
    block["tradable"] = np.zeros((len(dates), len(assets)), dtype=bool)
    block["member"] = np.zeros((len(dates), len(assets)), dtype=bool)
    first_open = np.full(len(assets), len(dates), dtype=np.int64)
    for column, row in enumerate(assets.itertuples(index=False)):
        folded = align_bars(bars.get(row.symbol, _NO_BARS), dates)
        for name in (*_FLOATS, "market_cap", "tradable"):
            block[name][:, column] = folded[name]
        block["member"][:, column] = _membership(row, dates)
        opens = np.flatnonzero(folded["has_open"])
        first_open[column] = opens[0] if len(opens) else len(dates)
    reference = np.full((len(dates), len(references)), np.nan)
    for column, symbol in enumerate(references["symbol"]):
        reference[:, column] = align_bars(bars.get(symbol, _NO_BARS), dates)["close"]
    if filings is not None:
        _add_filings(block, filings, assets["symbol"].tolist(), dates)
    return _compact(dates, block, first_open, reference, _meta(assets, references, dates, calendar))


def panel_of(aligned: Aligned, calendar: str, rows: int) -> Panel:
    """The panel of the first `rows` rows, as if the data had ended there."""
    meta, arrays = aligned.meta, aligned.arrays
    dates = arrays["dates"]
    following = dates[rows] if rows < len(dates) else np.datetime64(meta["next_session"], "D")
    shape = (len(dates), len(meta["assets"]))
    ones = np.broadcast_to(1.0, shape)
    block = {name: arrays.get(name, ones)[:rows] for name in _FLOATS[3:]}
    for name in ("open", "high", "low"):
        block[name] = arrays[name][:rows] if name in arrays else block["close"]
    # What nothing was known of up to the last row is as absent as if it had never been.
    optional = {
        name: arrays[name][:rows]
        for name in _OPTIONAL
        if name in arrays and np.isfinite(arrays[name][:rows]).any()
    }
    last = dates[rows - 1]
    # A reason is known only once the series has ended.
    reasons = [
        reason if reason != "data_end" and end and np.datetime64(end) <= last else "data_end"
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
    )


def _add_filings(
    block: dict[str, np.ndarray], filings: pd.DataFrame, assets: list[str], dates: np.ndarray
) -> None:
    """Book equity and shares as known, and caps from shares where the vendor gave none."""
    block |= align_fundamentals(filings, assets, dates, block["split_factor"])
    raw_close = block["close"] / (block["split_factor"] * block["dividend_factor"])
    given = block["market_cap"]
    block["market_cap"] = np.where(np.isfinite(given), given, block["shares"] * raw_close)


def _membership(row: Any, dates: np.ndarray) -> np.ndarray:
    """Entry to exit. A series that is still running has no exit yet, whatever its last bar."""
    if not row.start:
        return np.zeros(len(dates), dtype=bool)
    inside = dates >= np.datetime64(row.start)
    if row.end and row.end_reason != "data_end":
        inside &= dates <= np.datetime64(row.end)
    return inside


def _compact(
    dates: np.ndarray,
    block: dict[str, np.ndarray],
    first_open: np.ndarray,
    reference: np.ndarray,
    meta: dict[str, Any],
) -> Aligned:
    """Leave out what need not be stored: factors of 1, and ranges where all is close-only."""
    ones = tuple(n for n in ("split_factor", "dividend_factor") if np.all(block[n] == 1.0))
    unneeded = set(ones) | {
        name for name in _OPTIONAL if name in block and not np.isfinite(block[name]).any()
    }
    if np.all(first_open == len(dates)):
        unneeded |= {"open", "high", "low"}
    arrays = {name: array for name, array in block.items() if name not in unneeded}
    arrays |= {"dates": dates, "first_open": first_open, "reference": reference}
    return Aligned(arrays, ones, meta)


def _meta(
    assets: pd.DataFrame, references: pd.DataFrame, dates: np.ndarray, calendar: str
) -> dict[str, Any]:
    columns = ("asset_class", "volume_unit", "price_kind", "end", "end_reason")
    return {
        "assets": assets["symbol"].tolist(),
        **{name: assets[name].tolist() for name in columns},
        "reference": references["symbol"].tolist(),
        "next_session": str(next_session(calendar, dates[-1])),
    }


_NO_BARS = Native(np.empty(0, dtype="datetime64[D]"), *(np.empty(0) for _ in range(7)))
