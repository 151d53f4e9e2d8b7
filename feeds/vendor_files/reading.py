"""What was detected in each file, and what was counted in it: for the report."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, cast

from feeds.errors import DataError
from feeds.series_info import SeriesInfo
from feeds.vendor_files.layout import Layout

__all__ = ["FileReading", "Reading"]


@dataclass
class FileReading:
    """One file.

    Parameters
    ----------
    path : str
    form, vendor : str
        By name, and for people.
    interval : str
        Step between the bars: ``1d``, ``1h`` or another.
    dates : str
        How they are written.
    timezone : str
        Of stamps without an offset.
    encoding, separator, decimal : str
        Empty for Parquet.
    columns : dict of str to str
        Our names to the file's.
    unused : tuple of str
        The file's columns that are not read.
    volume_unit, price_kind : str
        Of the bars that are passed on.
    single_precision : bool
        Whether prices have about 7 digits.
    rows, symbols : int
        Counted; 0 where the file was only described.
    empty : dict of str to int
        Cells without a number, by column.
    sha256 : str
        Of the file as it lies on disk; empty until all of it was read.
    notes : tuple of str
    """

    path: str
    form: str
    vendor: str
    interval: str
    dates: str
    timezone: str
    encoding: str
    separator: str
    decimal: str
    columns: dict[str, str]
    unused: tuple[str, ...]
    volume_unit: str
    price_kind: str
    single_precision: bool = False
    rows: int = 0
    symbols: int = 0
    empty: dict[str, int] = field(default_factory=dict)
    sha256: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, layout: Layout) -> FileReading:
        """What is known before the rows are read."""
        columns = layout.columns
        return cls(
            path=layout.name,
            form=columns.form.name,
            vendor=columns.form.vendor,
            interval=layout.interval,
            dates=str(layout.style),
            timezone=layout.clock.timezone or ("" if layout.clock.daily else "UTC"),
            encoding=layout.encoding,
            separator=layout.separator,
            decimal=layout.decimal if layout.separator else "",
            columns=columns.told(),
            unused=columns.unused(),
            volume_unit=layout.volume_unit,
            price_kind=layout.price_kind,
            notes=layout.notes,
        )


@dataclass
class Reading:
    """All files, in the order in which they are read.

    Parameters
    ----------
    files : list of FileReading
    ignored : list of str
        Other files of the folders.
    owner : dict of str to int
        Position in `files` of the file that holds a symbol.
    """

    files: list[FileReading] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    owner: dict[str, int] = field(default_factory=dict)

    def of(self, symbol: str) -> FileReading:
        """The file that a symbol was read from."""
        return self.files[self.owner[symbol]]

    def claim(self, symbols: tuple[str, ...]) -> None:
        """Note that symbols are in the last file.

        Raises
        ------
        DataError
            If another file has one of them too, naming both.
        """
        at = len(self.files) - 1
        for symbol in symbols:
            first = self.owner.setdefault(symbol, at)
            if first != at:
                raise DataError(
                    f"{self.files[at].path}: symbol {symbol} is in {self.files[first].path} too",
                    "remove one of the two, or put the rows of a symbol into one file",
                )

    def info(self, symbol: str, asset_class: str) -> SeriesInfo:
        """What is known of a symbol.

        Raises
        ------
        DataError
            If its bars are neither of days nor of hours.
        """
        file = self.of(symbol)
        if file.interval not in ("1d", "1h"):
            raise DataError(
                f"{file.path}: its bars are {file.interval} apart", "give bars of 1d or 1h"
            )
        return SeriesInfo(
            symbol=symbol,
            asset_class=asset_class,
            volume_unit=cast(Any, file.volume_unit),
            price_kind=cast(Any, file.price_kind),
            interval=cast(Any, file.interval),
            source="files",
            source_symbol=symbol,
            timezone=file.timezone,
            vendor=file.vendor,
            notes=file.notes,
        )

    def as_list(self) -> list[dict[str, Any]]:
        """Plain data, one mapping a file."""
        return [asdict(file) for file in self.files]
