"""Day labels of a set's series held against references that a user trusts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from feeds.adjustment import table_factors
from feeds.bar_table import BarTable, concatenate
from feeds.calendars import sessions
from feeds.day_labels import LabelReport, check_labels, daily_log_returns
from feeds.errors import ConfigError
from feeds.vendor_files.options import FileOptions
from feeds.vendor_files.read import read_parts

__all__ = ["Closes", "check_references", "read_reference"]

#: Days and closes of one series.
Closes = tuple[np.ndarray, np.ndarray]


def read_reference(symbol: str, path: Path) -> Closes:
    """Days and closes of `symbol`, or of the only one that there is, from a vendor file.

    Raises
    ------
    ConfigError
        If the file has several symbols and none of this name.
    DataError
        If the file cannot be read as bars.
    """
    table = concatenate(list(read_parts([path], FileOptions(symbol=symbol))))
    if symbol not in table.symbols and len(table.symbols) > 1:
        raise ConfigError(
            f"--reference {symbol}: {path} has {len(table.symbols)} symbols and not it",
            "name a file of this symbol",
        )
    own = symbol if symbol in table.symbols else table.symbols[0]
    bars = table.frame(own).sort_index()
    bars = bars[~bars.index.duplicated()]
    return bars.index.to_numpy().astype("datetime64[D]"), bars["close"].to_numpy()


def check_references(
    bars: Iterable[BarTable], references: Mapping[str, Closes], classes: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Compare the labels of series with those of their references.

    Parameters
    ----------
    bars : iterable of BarTable
        The set's, sorted.
    references : mapping of str to (days, closes)
        By symbol.
    classes : mapping of str to str
        Asset class of each symbol: lags are counted in sessions for what is listed.

    Returns
    -------
    dict
        By symbol: `is_off`, `findings` (sentences), `lag`, `days`, `correlations` by lag.
    """
    found: dict[str, dict[str, Any]] = {}
    for table in bars:
        split, _ = table_factors(table)
        for symbol in [name for name in table.symbols if name in references]:
            rows = table.code == table.symbols.index(symbol)
            days = table.time[rows].astype("datetime64[D]")
            if len(days):
                own = days, table["close"][rows] * split[rows]
                found[symbol] = _compared(own, references[symbol], classes[symbol] != "crypto")
    return found


def _compared(own: Closes, reference: Closes, listed: bool) -> dict[str, Any]:
    first = min(own[0][0], reference[0][0])
    last = max(own[0][-1], reference[0][-1])
    calendar = sessions("XNYS", first, last) if listed else None
    report: LabelReport = check_labels(
        daily_log_returns(*own, calendar), daily_log_returns(*reference, calendar), calendar
    )
    return {
        "is_off": report.is_off,
        "findings": list(report.findings()),
        "lag": report.whole.lag,
        "days": report.whole.days,
        "correlations": {
            str(lag): round(value, 4) if value == value else None
            for lag, value in report.whole.correlations.items()
        },
    }
