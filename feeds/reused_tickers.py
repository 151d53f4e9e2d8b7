"""Tickers that passed from one company to another: which series a row of a ticker belongs to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

__all__ = ["Later", "later_series", "series_of"]

#: Of a reused ticker, its later series with their first days, in order of these.
Later = Mapping[str, tuple[tuple[np.datetime64, str], ...]]


def later_series(parents: Mapping[str, str], began: Mapping[str, str]) -> Later:
    """The later series of each reused ticker.

    Parameters
    ----------
    parents : mapping of str to str
        Ticker of every series that is not the first of its ticker: ``{"DTV.2": "DTV"}``.
    began : mapping of str to str
        First day of every series, ISO.
    """
    found: dict[str, list[tuple[np.datetime64, str]]] = {}
    for name, ticker in parents.items():
        if name in began:
            found.setdefault(ticker, []).append((np.datetime64(began[name], "D"), name))
    return {ticker: tuple(sorted(series)) for ticker, series in sorted(found.items())}


def series_of(symbols: np.ndarray, days: np.ndarray, later: Later) -> np.ndarray:
    """(M,) object array: the series that each ticker meant on each day.

    From the first day of a later series on the ticker is that series'; before it, also where
    nobody traded under it, it is that of the series before. Which it is on a day depends on
    nothing that comes after.

    Parameters
    ----------
    symbols : (M,) array of str
        Tickers.
    days : (M,) datetime64[D] array
    later : Later
        From :func:`later_series`.
    """
    names = symbols.astype(object)
    for ticker, series in later.items():
        rows = np.flatnonzero(symbols == ticker)
        for first, name in series:
            names[rows[days[rows] >= first]] = name
    return names
