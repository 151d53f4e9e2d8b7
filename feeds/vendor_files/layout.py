"""What has been decided of one file before its rows are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from feeds.errors import DataError
from feeds.names import check_symbol, path_name, shown, stem
from feeds.vendor_files.dates import DateStyle
from feeds.vendor_files.forms import FORMS, NUMBERS, Form, alias, normal, recognise, split_wide
from feeds.vendor_files.options import FileOptions
from feeds.vendor_files.timing import Clock

__all__ = ["Columns", "Layout", "map_columns"]

#: Names of an index that pandas wrote: a column that is called date comes first.
_INDEX = ("", "index", "unnamed 0", "index level 0")


@dataclass(frozen=True)
class Columns:
    """Which column holds what.

    Parameters
    ----------
    form : Form
    header : tuple of str
        The file's names, or made-up ones where it has none.
    place : mapping of str to int
        Our name to the column's position: date, and in a long table symbol and numbers.
    wide : tuple of (int, str, str)
        In a wide table the position, symbol and our name of each column of numbers.
    symbol : str
        Of the whole file, where no column or header names it.
    """

    form: Form
    header: tuple[str, ...]
    place: Mapping[str, int]
    wide: tuple[tuple[int, str, str], ...] = ()
    symbol: str = ""

    def numbers(self) -> list[tuple[int, str]]:
        """Position and name of each column of numbers that is read."""
        if self.wide:
            return [(at, self.header[at]) for at, _, _ in self.wide]
        return [(self.place[name], name) for name in NUMBERS if name in self.place]

    def unused(self) -> tuple[str, ...]:
        """The file's columns that are not read."""
        read = {*self.place.values(), *(at for at, _ in self.numbers())}
        return tuple(name for at, name in enumerate(self.header) if at not in read)

    def told(self) -> dict[str, str]:
        """Our names to the file's, for the report."""
        return {ours: self.header[at] for ours, at in self.place.items()}


@dataclass(frozen=True)
class Layout:
    """How one file is read.

    Parameters
    ----------
    path : Path
    columns : Columns
    style : DateStyle
    clock : Clock
    interval : str
        ``1d``, ``1h`` or another step.
    volume_unit, price_kind : str
    encoding, separator, decimal : str
        Of text files.
    first_line : int
        Where the rows begin.
    notes : tuple of str
    """

    path: Path
    columns: Columns
    style: DateStyle
    clock: Clock
    interval: str
    volume_unit: str
    price_kind: str
    encoding: str = ""
    separator: str = ""
    decimal: str = "."
    first_line: int = 1
    notes: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """The path, for messages."""
        return path_name(self.path)


def map_columns(path: Path, header: Sequence[str], options: FileOptions, line: int) -> Columns:
    """Recognise the form of a header and find its columns.

    Raises
    ------
    DataError
        If a column is there twice, the form is not known, or it lacks a date or a close.
    """
    place = f"{path_name(path)}, line {line}" if line else path_name(path)
    header = tuple(name.strip() for name in header)
    for name in header:
        if name and header.count(name) > 1:
            raise DataError(f"{place}: column {shown(name)} is there twice", "rename one of them")
    form = FORMS.get(options.form) or recognise(header)
    if options.columns and (form is None or options.form == "auto"):
        form = form if form is not None and not form.wide else FORMS["long"]
    if form is None:
        raise DataError(
            f"{place}: no form of bars is known with the columns {_listed(header)}",
            "name the columns, such as columns=date=Day,close=Last, or give the form",
        )
    if form.wide:
        return _wide(path, header, form, place)
    return _long(path, header, form, options, place)


def by_position(path: Path, form: Form, options: FileOptions) -> Columns:
    """The columns of a form without a header."""
    names = tuple(name or f"column {at}" for at, name in enumerate(form.header, 1))
    places = {name: at for at, name in enumerate(form.header) if name}
    return Columns(form, names, places, symbol=_symbol(path, options))


def _long(
    path: Path, header: tuple[str, ...], form: Form, options: FileOptions, place: str
) -> Columns:
    found: dict[str, int] = {}
    order = sorted(range(len(header)), key=lambda at: normal(header[at]) in _INDEX)
    for at in order:
        ours = alias(form, header[at])
        if ours:
            found.setdefault(ours, at)
    names = [normal(name) for name in header]
    if "date" in names and "time" in names:
        found["time"] = names.index("time")
    if form.name == "cryptodatadownload":
        # The coin's own volume comes first, the currency's after it.
        volumes = [at for at, name in enumerate(header) if normal(name).startswith("volume ")]
        found.update({"volume": volumes[0]} if volumes else {})
    for ours, theirs in options.columns.items():
        if theirs not in header:
            raise DataError(
                f"{place}: there is no column {shown(theirs)} for {ours}",
                f"it has {_listed(header)}",
            )
        found = {name: at for name, at in found.items() if at != header.index(theirs)}
        found[ours] = header.index(theirs)
    for ours in ("date", "close"):
        if ours not in found:
            raise DataError(
                f"{place}: the form {form.name} needs a column {ours}, it has {_listed(header)}",
                f"name it, such as columns={ours}=Last",
            )
    symbol = "" if "symbol" in found else _symbol(path, options)
    return Columns(form, header, dict(sorted(found.items())), symbol=symbol)


def _wide(path: Path, header: tuple[str, ...], form: Form, place: str) -> Columns:
    wide = []
    date = next((at for at, name in enumerate(header) if alias(form, name) == "date"), None)
    if date is None:
        raise DataError(f"{place}: no column of dates", "name the first column date")
    for at, name in enumerate(header):
        if at == date:
            continue
        pair = split_wide(name) if form.name == "wide_bars" else (name, "close")
        if pair is None:
            raise DataError(
                f"{place}: column {shown(name)} is not written as BTC:open", "rename it"
            )
        check_symbol(pair[0], place)
        wide.append((at, *pair))
    return Columns(form, header, {"date": date}, wide=tuple(wide))


def _symbol(path: Path, options: FileOptions) -> str:
    symbol = options.symbol or stem(path)
    check_symbol(symbol, path_name(path), "rename the file to its symbol, or give symbol=")
    return symbol


def _listed(header: Sequence[str]) -> str:
    names = ", ".join(shown(name)[1:-1] for name in header[:8])
    return names + (f" and {len(header) - 8} more" if len(header) > 8 else "")
