"""What a file's volume and prices are, and the bars that follow from its columns."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from feeds.vendor_files.layout import Columns
from feeds.vendor_files.options import FileOptions

__all__ = ["Meaning", "bars_of", "meaning_of"]

#: Yahoo names a coin by its pair, and gives its volume in currency.
_PAIR = re.compile(r"[A-Z0-9]+-(USD|EUR|GBP|JPY|CAD|AUD|CHF|KRW|INR|CNY|BTC|ETH)\b.*")
_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Meaning:
    """What the numbers of a file are once they are read.

    Parameters
    ----------
    volume_unit, price_kind : str
        Of the bars that are passed on.
    work : {"", "scale", "unsplit", "drop_events"}
        What makes them so; see :func:`bars_of`.
    volume_to_currency : bool
        Whether the file's volume is multiplied by its close.
    notes : tuple of str
    """

    volume_unit: str
    price_kind: str
    work: str = ""
    volume_to_currency: bool = False
    notes: tuple[str, ...] = ()


def meaning_of(columns: Columns, options: FileOptions) -> Meaning:
    """What the vendor documents, unless the options say otherwise.

    A file with prices adjusted for splits, and a close adjusted for dividends too, is taken as
    adjusted: its range is scaled to that close, and its volume, in shares as adjusted as the
    prices, becomes currency, which is what was traded then. Where the events are given as well,
    the printed prices follow from them, and the file is traded.
    """
    form = columns.form
    unit = options.volume_unit or _unit(columns, options)
    kind = options.price_kind or form.price_kind
    notes = [form.note] if form.note else []
    if not options.volume_unit and form.vendor.startswith("a table"):
        notes.append("volume_unit was not given: units")
    if not options.price_kind and form.vendor.startswith("a table"):
        notes.append("price_kind was not given: traded, as printed")
    events = "split_ratio" in columns.place
    adjusted = "adjusted" in columns.place
    if form.name == "yahoo" and not options.price_kind and events and adjusted:
        notes.append(
            "printed prices, volumes and dividends follow from the splits in the file; one after "
            "its last day is not undone"
        )
        return Meaning(unit, "traded", "unsplit", notes=tuple(notes))
    if kind == "traded":
        return Meaning(unit, kind, notes=tuple(notes))
    if not adjusted:
        if events or "dividend" in columns.place:
            notes.append("splits and dividends are in the prices: those columns are not read")
            return Meaning(unit, kind, "drop_events", notes=tuple(notes))
        return Meaning(unit, kind, notes=tuple(notes))
    notes.append("open, high, low and close are scaled to the adjusted close")
    to_currency = unit == "units"
    if to_currency and "volume" in columns.place:
        notes.append("volume is made currency: the file's volume x its close")
    return Meaning("currency", kind, "scale", to_currency, tuple(notes))


def _unit(columns: Columns, options: FileOptions) -> str:
    if columns.form.name == "yahoo":
        coin = options.asset_class == "crypto" if options.asset_class else _is_pair(columns.symbol)
        return "currency" if coin else "units"
    return columns.form.volume_unit


def _is_pair(symbol: str) -> bool:
    return _PAIR.fullmatch(symbol) is not None


def bars_of(
    meaning: Meaning, columns: dict[str, np.ndarray], none_is_zero: bool, order: np.ndarray | None
) -> dict[str, np.ndarray]:
    """The columns of bars that follow from a file's columns.

    Parameters
    ----------
    columns : dict of str to (M,) float64 array
        All rows of their symbols.
    none_is_zero : bool
        Whether an ordinary day's split ratio is 0.
    order : (M,) int array or None
        Positions of the rows by time, for a file of one symbol whose splits are undone.

    Returns
    -------
    dict of str to (M,) float64 array
        With `split_ratio` 1 and `dividend` 0 where the file has none.
    """
    rows = len(next(iter(columns.values())))
    out = dict(columns)
    for name, ordinary in (("split_ratio", 1.0), ("dividend", 0.0)):
        if name not in out or meaning.work in ("scale", "drop_events"):
            out[name] = np.full(rows, ordinary)
        else:
            out[name] = np.where(np.isnan(out[name]), ordinary, out[name])
    if none_is_zero:
        out["split_ratio"] = np.where(out["split_ratio"] == 0.0, 1.0, out["split_ratio"])
    for name in ("open", "high", "low", "volume"):
        out.setdefault(name, np.full(rows, np.nan))
    if meaning.work == "scale":
        _scale(out, meaning.volume_to_currency)
    elif meaning.work == "unsplit":
        _unsplit(out, np.arange(rows) if order is None else order)
    elif meaning.price_kind != "traded":
        out.pop("adjusted", None)
    return out


def _scale(out: dict[str, np.ndarray], to_currency: bool) -> None:
    """Prices to the level of the adjusted close; a close of 0 leaves nothing to scale by."""
    adjusted, close = out.pop("adjusted"), out["close"]
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(close == 0.0, np.nan, adjusted / close)
    if to_currency:
        out["volume"] = out["volume"] * close
    for name in _PRICES[:3]:
        out[name] = out[name] * scale
    out["close"] = adjusted


def _unsplit(out: dict[str, np.ndarray], order: np.ndarray) -> None:
    """Undo the vendor's own adjustment: x the product of the splits after the bar's day."""
    ratio = out["split_ratio"][order]
    usable = np.where(np.isfinite(ratio) & (ratio > 0.0), ratio, 1.0)
    later = np.empty_like(usable)
    later[order] = np.append(np.cumprod(usable[::-1])[::-1][1:], 1.0)
    for name in (*_PRICES, "dividend"):
        out[name] = out[name] * later
    out["volume"] = out["volume"] / later
