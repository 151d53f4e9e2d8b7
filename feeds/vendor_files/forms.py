"""The forms in which vendors write bars: how each is recognised, and what it means.

What a vendor's volume and prices are is stated here from its documentation, and never guessed
from their size.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["FORMS", "NUMBERS", "OUR_COLUMNS", "Form", "alias", "normal", "recognise", "split_wide"]

#: Columns of numbers that a file may have.
NUMBERS = (
    "open", "high", "low", "close", "volume", "split_ratio", "dividend", "market_cap", "adjusted",
)  # fmt: skip
OUR_COLUMNS = ("date", "time", "symbol", *NUMBERS)

_ALIASES = {
    "date": "date", "datetime": "date", "timestamp": "date", "day": "date", "time": "date",
    "": "date", "index": "date", "unnamed 0": "date", "index level 0": "date",
    "symbol": "symbol", "ticker": "symbol",
    "open": "open", "high": "high", "low": "low", "close": "close", "volume": "volume",
    "adj close": "adjusted", "adjusted": "adjusted", "adjusted close": "adjusted",
    "adjclose": "adjusted",
    "market cap": "market_cap", "marketcap": "market_cap",
    "split ratio": "split_ratio", "stock splits": "split_ratio",
    "dividend": "dividend", "dividends": "dividend", "ex dividend": "dividend",
}  # fmt: skip
_WIDE = re.compile(r"(.+):(open|high|low|close|volume|market_cap|adjusted|split_ratio|dividend)")


@dataclass(frozen=True)
class Form:
    """One vendor's way to write bars.

    Parameters
    ----------
    name, vendor : str
        As an option gives it, and for people.
    volume_unit, price_kind : str
        As the vendor documents them.
    note : str
        What a user should know of every such file.
    aliases : mapping of str to str
        Normal names of columns (see :func:`normal`) to ours, beside the common ones; an empty
        text leaves a column out.
    header : tuple of str
        Our names of the columns, for a form without a header.
    missing : tuple of str
        Texts that mean no number, beside the empty one and nan.
    thousands : bool
        Whether commas part the thousands of a number.
    day_after : bool
        Whether a stamp is the midnight that ends the day: the label is the day before.
    none_is_zero : bool
        Whether an ordinary day has a split ratio of 0.
    """

    name: str
    vendor: str
    volume_unit: str = "units"
    price_kind: str = "traded"
    note: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    header: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    thousands: bool = False
    day_after: bool = False
    none_is_zero: bool = False

    @property
    def wide(self) -> bool:
        """Whether a row holds a day of many symbols."""
        return self.name.startswith("wide_")


_OURS = ("date", "open", "high", "low", "close", "volume")
_FORMS = (
    Form("yahoo", "Yahoo", price_kind="adjusted", missing=("null",), none_is_zero=True,
         note="Yahoo's Close is adjusted for every split up to the day of the download, and "
              "Adj Close for dividends too"),
    Form("stooq", "Stooq", price_kind="adjusted",
         note="Stooq's prices are adjusted for splits and dividends; a file of your own with "
              "this header and prices as printed needs price_kind=traded"),
    Form("stooq_bulk", "Stooq", price_kind="adjusted",
         aliases={"time": "time", "vol": "volume", "per": "", "openint": ""},
         note="Stooq's prices are adjusted for splits and dividends"),
    Form("binance", "Binance", header=(*_OURS, "", "", "", "", "", ""),
         aliases={"open time": "date", "close time": ""}, note="volume is in coins"),
    Form("cryptodatadownload", "CryptoDataDownload", aliases={"unix": "", "unix timestamp": ""},
         note="volume is in coins"),
    Form("coinbase", "Coinbase", note="volume is in coins"),
    Form("kraken", "Kraken", header=(*_OURS, ""), note="volume is in coins"),
    Form("coinmarketcap", "CoinMarketCap", volume_unit="currency", missing=("-",), thousands=True,
         note="volume is in currency, of all venues together"),
    Form("coinmarketcap_api", "CoinMarketCap", volume_unit="currency",
         aliases={"timeopen": "date", "timestamp": "", "name": ""},
         note="volume is in currency, of all venues together"),
    Form("coingecko", "CoinGecko", volume_unit="currency", day_after=True,
         aliases={"snapped at": "date", "price": "close", "total volume": "volume"},
         note="closes only; a stamp is the midnight that ends a day, so the label is the day "
              "before it; volume is in currency, of the 24 hours before"),
    Form("quandl", "Quandl WIKI", note="prices as printed, with splits and dividends",
         aliases={"adj open": "", "adj high": "", "adj low": "", "adj volume": ""}),
    Form("long", "a table of one bar a row", missing=("NA", "N/A", "null", "NULL")),
    Form("wide_close", "a table of one column a symbol", missing=("NA", "N/A", "null", "NULL")),
    Form("wide_bars", "a table of columns such as BTC:open",
         missing=("NA", "N/A", "null", "NULL")),
)  # fmt: skip
#: By name.
FORMS: dict[str, Form] = {form.name: form for form in _FORMS}

#: Names that a wide table's symbols cannot have: a column of a form that is not known.
_NO_SYMBOLS = frozenset(
    (*_ALIASES, "price", "last", "return", "returns", "change", "value", "vwap", "trades")
) - {"", "time"}


def normal(name: str) -> str:
    """A column's name without case and marks: ``Adj. Close`` and ``adj_close`` are one."""
    return re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()


def alias(form: Form, name: str) -> str:
    """Our name of a form's column; empty where it is not used."""
    known = normal(name)
    return form.aliases.get(known, _ALIASES.get(known, ""))


def split_wide(name: str) -> tuple[str, str] | None:
    """Symbol and column of ``BTC:open``; None where it is no such name."""
    found = _WIDE.fullmatch(name)
    return (found[1], found[2]) if found else None


def recognise(header: Sequence[str]) -> Form | None:
    """The form that a header belongs to, or None.

    Parameters
    ----------
    header : sequence of str
        The names of the columns as they stand in the file.
    """
    names = [normal(name) for name in header]
    has = set(names)
    for needed, form in _SIGNS:
        if needed <= has:
            return FORMS[form]
    if {"date", "symbol", "open"} <= has and any(name.startswith("volume ") for name in names):
        return FORMS["cryptodatadownload"]
    if tuple(header) in (_STOOQ, _STOOQ[:-1]):
        return FORMS["stooq"]
    if names == ["time", "low", "high", "open", "close", "volume"]:
        return FORMS["coinbase"]
    ours = {_ALIASES.get(name, "") for name in names}
    if {"date", "close"} <= ours:
        return FORMS[_single(header) or "long"]
    if len(names) < 2 or _ALIASES.get(names[0]) != "date":
        return None
    if all(split_wide(name) for name in header[1:]):
        return FORMS["wide_bars"]
    return None if set(names[1:]) & _NO_SYMBOLS else FORMS["wide_close"]


_STOOQ = ("Date", "Open", "High", "Low", "Close", "Volume")
#: Normal names that must all be there, and the form they are the sign of, in this order.
_SIGNS = (
    ({"ticker", "per", "time"}, "stooq_bulk"),
    ({"ex dividend", "split ratio"}, "quandl"),
    ({"timeopen", "timeclose", "close"}, "coinmarketcap_api"),
    ({"snapped at", "price"}, "coingecko"),
    ({"open time", "close time", "open"}, "binance"),
)
_SPELLINGS = (
    ({"Date", "Open", "Close", "Adj Close"}, "yahoo"),
    ({"Date", "Open", "Close", "Dividends", "Stock Splits"}, "yahoo"),
    ({"Date", "Open", "Close", "Market Cap"}, "coinmarketcap"),
)


def _single(header: Sequence[str]) -> str:
    """A vendor that is known by its own spelling, in any order, of a file of one symbol."""
    written = {name.rstrip("*") for name in header}
    if any(_ALIASES.get(normal(name)) == "symbol" for name in header):
        return ""
    for needed, form in _SPELLINGS:
        if needed <= written:
            return form
    return ""
