"""The raw bars of a data set: a CSV a symbol in its folder ``raw``, and an index of them."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feeds.bar_table import BarTable
from feeds.errors import DataError
from feeds.ingestion.raw_file import bars_bytes, file_name, parse_bars, sha256_of
from feeds.series_info import SeriesInfo
from feeds.sources.request import RawSeries, SymbolRequest

__all__ = [
    "RAW",
    "RawEntry",
    "RawStore",
    "bar_table",
    "entry_of",
    "index_bytes",
    "link_or_copy",
    "with_content",
]

#: The folder inside a data set.
RAW = "raw"
_INDEX = "index.json"
_FORMAT = 1


@dataclass(frozen=True)
class RawEntry:
    """What the index says of one file.

    Parameters
    ----------
    request : SymbolRequest
        What was asked for: the whole range, also where only a part of it was fetched last.
    file, sha256 : str
    rows : int
    first, last : str
        Day, or stamp in UTC, of the first and the last bar.
    fetched : str
        When, in UTC: of the last fetch that brought bars.
    volume_unit, price_kind, currency, timezone, vendor, licence, lot, tick, notes
        As in :class:`~feeds.sources.request.RawSeries`.
    """

    request: SymbolRequest
    file: str
    sha256: str
    rows: int
    first: str
    last: str
    fetched: str
    volume_unit: str
    price_kind: str
    currency: str
    timezone: str
    vendor: str
    licence: str
    lot: float | None = None
    tick: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def fetched_at(self) -> dt.datetime:
        """`fetched` as a time with its zone."""
        return dt.datetime.fromisoformat(self.fetched)

    @property
    def info(self) -> SeriesInfo:
        """What cleaning and the store want to know of the series."""
        asked = self.request
        return SeriesInfo(
            symbol=asked.symbol,
            asset_class=asked.asset_class,
            volume_unit=self.volume_unit,
            price_kind=self.price_kind,
            interval=asked.interval,
            source=asked.source,
            source_symbol=asked.source_symbol,
            exchange=asked.exchange,
            currency=self.currency or asked.currency,
            timezone=self.timezone,
            vendor=self.vendor,
            licence=self.licence,
            lot=self.lot,
            tick=self.tick,
            notes=self.notes,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        values = asdict(self)
        values["request"] = {
            name: value.isoformat() if isinstance(value, dt.date) else value
            for name, value in values["request"].items()
        }
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> RawEntry:
        """What :meth:`to_json` gave.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is something else.
        """
        asked = dict(values["request"])
        for name in ("start", "end"):
            asked[name] = None if asked[name] is None else dt.date.fromisoformat(asked[name])
        given = {**values, "request": SymbolRequest(**asked), "notes": tuple(values["notes"])}
        entry = cls(**given)
        # Both are looked at later, where it would be too late to say what is wrong.
        if entry.fetched_at.tzinfo is None or entry.file != file_name(entry.request.symbol):
            raise ValueError("no such entry")
        return entry


def entry_of(
    series: RawSeries, request: SymbolRequest, bars: pd.DataFrame, content: bytes, now: dt.datetime
) -> RawEntry:
    """The entry of a file with `content`, made from `bars` that were completed by `series`."""
    names = ("volume_unit", "price_kind", "currency", "timezone", "vendor", "licence")
    given = {name: getattr(series, name) for name in names}
    fetched = now.astimezone(dt.timezone.utc).replace(microsecond=0).isoformat()
    entry = RawEntry(
        request, file_name(request.symbol), "", 0, "", "", fetched, **given,
        lot=series.lot, tick=series.tick, notes=tuple(series.notes),
    )  # fmt: skip
    return with_content(entry, bars, content)


def with_content(entry: RawEntry, bars: pd.DataFrame, content: bytes | None = None) -> RawEntry:
    """The entry of the same series with other bars."""
    content = bars_bytes(bars) if content is None else content
    first, last = (_label(bars.index[place], entry.request.interval) for place in (0, -1))
    return replace(entry, sha256=sha256_of(content), rows=len(bars), first=first, last=last)


def _label(time: pd.Timestamp, interval: str) -> str:
    return str(time.date()) if interval == "1d" else f"{time.isoformat()}Z"


class RawStore:
    """The raw bars that a data set has; none where the folder does not exist.

    Parameters
    ----------
    folder : Path
        The folder ``raw``.

    Raises
    ------
    DataError
        If the index is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries = _read_index(folder / _INDEX)

    def bars(self, symbol: str) -> pd.DataFrame | None:
        """The bars of a symbol; None where the file is gone or is not the one of the index."""
        content = self._content(symbol)
        return None if content is None else parse_bars(content)

    def is_intact(self, symbol: str) -> bool:
        """Whether the file of a symbol is the one of the index."""
        return self._content(symbol) is not None

    def _content(self, symbol: str) -> bytes | None:
        try:
            content = (self.folder / self.entries[symbol].file).read_bytes()
        except OSError:
            return None
        return content if sha256_of(content) == self.entries[symbol].sha256 else None


def bar_table(entry: RawEntry, bars: pd.DataFrame) -> BarTable:
    """The bars of a file, each row with its line: the header is line 1."""
    table = BarTable.from_frame(entry.request.symbol, bars)
    return replace(
        table,
        files=(f"{RAW}/{entry.file}",),
        file=np.zeros(len(table), dtype=np.int32),
        line=np.arange(2, len(table) + 2, dtype=np.int64),
    )


def index_bytes(entries: Iterable[RawEntry]) -> bytes:
    """The content of the index, in alphabetical order of symbols."""
    symbols = {entry.request.symbol: entry.to_json() for entry in entries}
    index = {"format": _FORMAT, "symbols": symbols}
    return (json.dumps(index, indent=1, sort_keys=True) + "\n").encode()


def link_or_copy(old: Path, new: Path) -> None:
    """A second name of a file that nobody changes; a copy where the system has no such thing.

    Raises
    ------
    OSError
        If neither can be made.
    """
    try:
        os.link(old, new)
    except OSError:
        shutil.copyfile(old, new)


def _read_index(path: Path) -> dict[str, RawEntry]:
    try:
        index = json.loads(path.read_bytes())
        if index["format"] != _FORMAT:
            raise ValueError(f"its format is {index['format']!r}")
        entries = {name: RawEntry.from_json(item) for name, item in index["symbols"].items()}
        if any(name != entry.request.symbol for name, entry in entries.items()):
            raise ValueError("a symbol stands under another name")
        return entries
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", "make it readable") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is no index of raw bars: {type(error).__name__}: {error}",
            f"restore it, or remove {path.parent} to fetch every symbol again",
        ) from None
