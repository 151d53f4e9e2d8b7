"""A vendor file as the source of one symbol of a symbols file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from feeds.bar_table import BarTable, concatenate
from feeds.errors import UserError
from feeds.sources.request import FetchError, RawSeries, SymbolRequest
from feeds.vendor_files.options import FileOptions

__all__ = ["LocalFiles"]


class LocalFiles:
    """Read a symbol's bars from a file: `source_symbol` is its path.

    The path is relative to the current directory. Form, dates and separators are detected as
    for ``--source files``. Of a file with several symbols the one named `symbol` is taken.

    Parameters
    ----------
    options : FileOptions, optional
        What is not to be detected, for all files.
    """

    def __init__(self, options: FileOptions | None = None) -> None:
        self._options = options

    def fetch(self, request: SymbolRequest) -> RawSeries:
        """Read the file.

        Raises
        ------
        FetchError
            ``refused`` where the file has a fault or bars of another length, ``unknown_symbol``
            where it has not this symbol, ``no_data`` where it has no bar in the range asked for.
        """
        from feeds.vendor_files.read import read_parts
        from feeds.vendor_files.reading import Reading

        reading = Reading()
        path = Path(request.source_symbol)
        try:
            own = {"symbol": request.symbol, "asset_class": request.asset_class}
            options = replace(self._options or FileOptions(), **own)
            table = concatenate(list(read_parts([path], options, reading=reading)))
            symbol = _own(table, request)
            info = reading.info(symbol, request.asset_class)
        except FetchError:
            raise
        except UserError as error:
            problem = f"{request.symbol}: {error.problem}"
            raise FetchError("refused", problem, error.remedy) from None
        if info.interval != request.interval:
            raise FetchError(
                "refused",
                f"{request.symbol}: {path} has bars of {info.interval}, not {request.interval}",
                "ask for these with --interval",
            )
        return RawSeries(
            request=request,
            bars=_bars(table, symbol, request),
            volume_unit=info.volume_unit,
            price_kind=info.price_kind,
            currency=request.currency,
            timezone=info.timezone,
            vendor=f"file of {info.vendor}",
            licence="not stated",
            notes=info.notes,
        )


def _own(table: BarTable, request: SymbolRequest) -> str:
    """The name of the symbol in the file."""
    if request.symbol in table.symbols:
        return request.symbol
    if len(table.symbols) == 1:
        return table.symbols[0]
    raise FetchError(
        "unknown_symbol",
        f"{request.symbol}: {request.source_symbol} has {len(table.symbols)} symbols and not it",
        "name it as the file does in the column symbol",
    )


def _bars(table: BarTable, symbol: str, request: SymbolRequest) -> pd.DataFrame:
    bars = table.frame(symbol)
    days = bars.index.normalize()
    if request.start is not None:
        bars, days = bars[days >= str(request.start)], days[days >= str(request.start)]
    if request.end is not None:
        bars = bars[days <= str(request.end)]
    if bars.empty:
        raise FetchError(
            "no_data",
            f"{request.symbol}: {request.source_symbol} has no bar in the range asked for",
            "correct start and end, or drop the symbol",
        )
    return bars
