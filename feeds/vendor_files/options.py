"""What a user may say of vendor files; all that is not said is detected and reported."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from feeds.errors import ConfigError
from feeds.names import is_symbol, shown
from feeds.suggestions import remedy_for
from feeds.vendor_files.forms import FORMS, OUR_COLUMNS

__all__ = ["FileOptions", "parse_options"]

_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
_CHOICES = {
    "form": ("auto", *FORMS),
    "date_order": ("dmy", "mdy", "ymd"),
    "decimal": (".", ","),
    "volume_unit": ("currency", "units"),
    "price_kind": ("adjusted", "index", "traded"),
    "asset_class": ("crypto", "equity", "index", "reference"),
    "last_line": ("drop", "keep", "refuse"),
}


@dataclass(frozen=True)
class FileOptions:
    """How files are to be read; an empty value is detected.

    Parameters
    ----------
    form : str
        ``auto``, or a name of ``forms.FORMS``.
    columns : mapping of str to str
        Our name of a column to the file's, for those that are not recognised.
    date_format : str
        As for ``time.strptime``, such as ``%d.%m.%y``.
    date_order : str
        ``dmy``, ``mdy`` or ``ymd``, where 01/02/2020 could be either.
    decimal, separator, encoding : str
        Decimal mark; the character between cells; a codec, for what is not Unicode.
    symbol : str
        Of a single file that has no column for it; otherwise the file's name is the symbol.
    volume_unit : str
        ``units`` or ``currency``, instead of what the vendor documents.
    price_kind : str
        ``traded``, ``adjusted`` or ``index``, instead of what the vendor documents.
    timezone : str
        Of stamps that have a time of day and do not say it; UTC where not given.
    asset_class : str
        ``crypto``, ``equity`` or another class, where it is known: Yahoo counts the volume of
        coins in currency and that of stocks in shares.
    last_line : {"refuse", "keep", "drop"}
        What becomes of a last line without its newline: it may have been cut off.
    """

    form: str = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    date_format: str = ""
    date_order: str = ""
    decimal: str = ""
    separator: str = ""
    encoding: str = ""
    symbol: str = ""
    volume_unit: str = ""
    price_kind: str = ""
    timezone: str = ""
    asset_class: str = ""
    last_line: str = "refuse"


def parse_options(given: Mapping[str, str]) -> FileOptions:
    """Options from texts, as a command line gives them.

    Parameters
    ----------
    given : mapping of str to str
        Names of :class:`FileOptions`. ``columns`` is ``ours=theirs`` with commas between,
        ``separator`` a character or one of comma, semicolon, tab and pipe.

    Raises
    ------
    ConfigError
        If a name is unknown, or a value cannot be one of it.
    """
    names = [item.name for item in fields(FileOptions)]
    values: dict[str, object] = {}
    for name, text in given.items():
        if name not in names:
            raise ConfigError(f"unknown option {shown(name)} of files", remedy_for(name, names))
        values[name] = _value(name, text)
    return FileOptions(**values)  # type: ignore[arg-type]


def _value(name: str, text: str) -> object:
    if name in _CHOICES:
        if text not in _CHOICES[name]:
            raise ConfigError(
                f"option {name} cannot be {shown(text)}", remedy_for(text, sorted(_CHOICES[name]))
            )
        return text
    return _PARSERS[name](text)


def _columns(text: str) -> dict[str, str]:
    pairs = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        ours, mark, theirs = (piece.strip() for piece in part.partition("="))
        if not mark or not theirs:
            raise ConfigError(
                f"option columns: {shown(part)} is not ours=theirs", "write it as close=Last"
            )
        if ours not in OUR_COLUMNS:
            raise ConfigError(
                f"option columns: unknown column {shown(ours)}", remedy_for(ours, OUR_COLUMNS)
            )
        pairs[ours] = theirs
    return pairs


def _separator(text: str) -> str:
    mark = _SEPARATORS.get(text, text)
    if len(mark) != 1 or mark not in _SEPARATORS.values():
        raise ConfigError(
            f"option separator cannot be {shown(text)}", f"use one of {', '.join(_SEPARATORS)}"
        )
    return mark


def _encoding(text: str) -> str:
    try:
        codec = codecs.lookup(text)
        # base64 and its like are codecs too, but not of text.
        "".encode(codec.name)
        return codec.name
    except (LookupError, ValueError):
        raise ConfigError(
            f"option encoding: {shown(text)} is unknown", "use one such as latin-1 or cp1252"
        ) from None


def _timezone(text: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        return str(ZoneInfo(text))
    except (KeyError, OSError, ValueError):
        raise ConfigError(
            f"option timezone: {shown(text)} is unknown", "use one such as UTC or America/New_York"
        ) from None


def _symbol(text: str) -> str:
    if not is_symbol(text):
        raise ConfigError(
            f"option symbol cannot be {shown(text)}",
            "use letters, digits and . _ = ^ & $ + -, at most 40",
        )
    return text


def _date_format(text: str) -> str:
    codes = {text[place + 1] for place, mark in enumerate(text[:-1]) if mark == "%"}
    if not ("d" in codes and codes & set("mbB") and codes & set("yY")):
        raise ConfigError(
            f"option date_format: {shown(text)} does not hold a year, a month and a day",
            "write it as %d.%m.%Y",
        )
    return text


_PARSERS = {
    "columns": _columns,
    "date_format": _date_format,
    "encoding": _encoding,
    "separator": _separator,
    "symbol": _symbol,
    "timezone": _timezone,
}
