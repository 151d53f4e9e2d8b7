"""What a data set lacks, in sentences that follow it into every report."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

import numpy as np
import pandas as pd

from feeds.errors import DataError
from feeds.series_info import SeriesInfo

__all__ = ["check_currencies", "looks_like_survivors", "set_limits"]

#: Coins that stand for a dollar: prices in them are taken as dollars, and that is said.
_DOLLARS = ("BUSD", "DAI", "FDUSD", "TUSD", "USDC", "USDT")
#: A list of fewer stocks, or over fewer years, may well have lost none.
_SURVIVORS, _YEARS = 10, 3


def check_currencies(seen: MutableMapping[str, str], infos: Mapping[str, SeriesInfo]) -> None:
    """Refuse a set in two currencies: its account has one.

    Parameters
    ----------
    seen : mapping of str to str
        Currency to the first symbol in it; filled in. Coins that stand for a dollar are one.

    Raises
    ------
    DataError
        Naming a symbol of each currency.
    """
    for info in infos.values():
        if not info.currency or info.asset_class in ("index", "reference"):
            continue
        currency = "USD" if info.currency in _DOLLARS else info.currency
        seen.setdefault(currency, info.symbol)
        if len(seen) > 1:
            (first, one), (second, other) = list(seen.items())[:2]
            raise DataError(
                f"{one} is in {first} and {other} in {second}: a data set has one currency",
                "make a set a currency, or leave one of the symbols out",
            )


def looks_like_survivors(universe: pd.DataFrame, reasons: Mapping[str, str]) -> bool:
    """Whether none of many stocks ended in years: somebody chose them from today's list."""
    stocks = universe[universe["asset_class"] == "equity"]
    if len(stocks) < _SURVIVORS or any(name in reasons for name in stocks["symbol"]):
        return False
    first, last = np.datetime64(stocks["start"].min()), np.datetime64(stocks["end"].max())
    return bool(last - first > np.timedelta64(365 * _YEARS, "D"))


def set_limits(
    universe: pd.DataFrame, reasons: Mapping[str, str], tables: Mapping[str, pd.DataFrame]
) -> list[str]:
    """Sentences on what is not known of a set.

    Parameters
    ----------
    universe : DataFrame
        As universe.csv, with `currency`.
    reasons : mapping of str to str
        Why series ended, those that did.
    tables : mapping of str to DataFrame
        Further tables of the set by file name.
    """
    told = []
    if "membership.csv" not in tables:
        told.append("Every series is in the universe from its first bar on: no index is followed.")
    unknown = sum(reason == "unknown" for reason in reasons.values())
    if unknown:
        told.append(
            f"{unknown} series end before the set does and nothing says why: they count as "
            f"end_reason unknown, and delisting_return.unknown closes what is held of them."
        )
    adjusted = int((universe["price_kind"] == "adjusted").sum())
    if adjusted:
        told.append(
            f"{adjusted} series have prices adjusted by the vendor: no share counts, no fees a "
            f"share, and no caps from share counts."
        )
    dollars = [name for name in _DOLLARS if (universe["currency"] == name).any()]
    if dollars:
        told.append(f"Prices in {', '.join(dollars)} are taken as dollars.")
    if "fundamentals.csv" not in tables:
        told.append("There are no fundamentals.")
    return told
