"""Share counts of filings: as filed, or derived, and held against prices of their day."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from feeds.bar_table import BarTable
from feeds.filings.options import FilingOptions
from feeds.filings.read import Filings
from feeds.filings.versions import note_filings
from feeds.repairs import RepairLog

__all__ = ["add_shares", "closes_as_of"]

#: Days after which a close no longer says what a share was worth.
_STALE = 30
#: Days between the bars of two symbols where all are in one order; more than any span of dates.
_FAR = 10_000_000


def add_shares(
    filings: Filings, closes: np.ndarray, options: FilingOptions, log: RepairLog
) -> tuple[Filings, np.ndarray]:
    """Share counts of every filing that has one, or has what it follows from.

    Where a filing gives none, it is net income / earnings per share, for absolute earnings per
    share of `min_eps` and more and both of one sign. With two decimals it is off by up to a
    quarter at 0.02, by 1 % at 0.50. A count that gives a cap outside `least_cap`..`most_cap` is
    left out (``cap_out_of_range``), as is one that is not positive.

    Parameters
    ----------
    filings : Filings
        M of them.
    closes : (M,) float64 array
        Printed closes on the days of filing, from :func:`closes_as_of`; where one is not known
        (NaN) the count is kept.
    options : FilingOptions
        Bounds.
    log : RepairLog
        Gets a row a count left out.

    Returns
    -------
    Filings
        With `shares`, NaN where not known.
    derived : (M,) bool array
        Whether the count was derived.
    """
    missing = np.full(len(filings), np.nan)
    shares = filings.figures.get("shares", missing)
    wrong = shares <= 0
    note_filings(
        filings, wrong, "shares_not_positive", "repair", log, "shares", shares[wrong], np.nan
    )
    shares = np.where(wrong, np.nan, shares)
    earned, eps = (filings.figures.get(name, missing) for name in ("net_income", "eps"))
    with np.errstate(divide="ignore", invalid="ignore"):
        count = np.where(np.abs(eps) >= options.min_eps, earned / eps, np.nan)
    derived = np.isnan(shares) & (count > 0)
    shares = np.where(derived, count, shares)
    caps = shares * closes
    bad = (caps < options.least_cap) | (caps > options.most_cap)
    note_filings(filings, bad, "cap_out_of_range", "repair", log, "shares", shares[bad], np.nan)
    return filings.with_figures(shares=np.where(bad, np.nan, shares)), derived & ~bad


def closes_as_of(tables: Iterable[BarTable], symbols: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Last printed close of some symbols on or before some days, at most 30 days old.

    Parameters
    ----------
    tables : iterable of BarTable
        Raw bars sorted by symbol and time; all of a symbol's bars are in one of them.
    symbols : (M,) object array of str
    days : (M,) datetime64[D] array

    Returns
    -------
    (M,) float64 array
        NaN where there is no such close.
    """
    closes = np.full(len(symbols), np.nan)
    names, code = np.unique(symbols.astype(str), return_inverse=True)
    for table in tables:
        here = {name: place for place, name in enumerate(table.symbols)}
        places = np.array([here.get(name, -1) for name in names.tolist()], dtype=np.int64)
        place = places[code]
        asked = np.flatnonzero(place >= 0)
        if not len(asked) or not len(table):
            continue
        # One search serves all symbols: the bars of each stand far behind those of the last.
        bars = table.time.astype("datetime64[D]").astype("int64")
        wanted = days[asked].astype("int64")
        keys = table.code.astype("int64") * _FAR + bars
        at = np.searchsorted(keys, place[asked] * _FAR + wanted, side="right") - 1
        at = np.maximum(at, 0)
        age = wanted - bars[at]
        good = (table.code[at] == place[asked]) & (age >= 0) & (age <= _STALE)
        closes[asked[good]] = table["close"][at[good]]
    return closes
