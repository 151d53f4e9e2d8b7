"""From a file of filings to fundamentals.csv, and a report of what was left out or mended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from feeds.bar_table import BarTable
from feeds.filings.options import FilingOptions
from feeds.filings.read import Filings
from feeds.filings.shares import add_shares, closes_as_of
from feeds.filings.units import mend_units
from feeds.filings.versions import keep_versions, note_filings, sessions_after
from feeds.fundamentals import FUNDAMENTAL_COLUMNS
from feeds.repairs import RepairLog
from feeds.reused_tickers import Later, series_of

__all__ = ["FilingReport", "filings_table"]


@dataclass
class FilingReport:
    """What became of a file of filings: ``rows_in = rows_out + rows dropped in the log``.

    Parameters
    ----------
    file : str
        Where they come from.
    columns : dict of str to str
        The file's column of each of ours.
    rows_in, rows_out, symbols : int
        Filings read and kept, and symbols that have one.
    amended : int
        Filings kept that replace an earlier one of the same period.
    late : int
        Filings kept of a period before the latest that was known: they change nothing.
    shares_filed, shares_derived : int
        Share counts that the file gave, and net income / earnings per share.
    log : RepairLog
        A row a finding; dates are those of filing.
    """

    file: str
    columns: dict[str, str]
    rows_in: int
    rows_out: int = 0
    symbols: int = 0
    amended: int = 0
    late: int = 0
    shares_filed: int = 0
    shares_derived: int = 0
    log: RepairLog = field(default_factory=RepairLog)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for a report in JSON."""
        names = ("file", "columns", "rows_in", "rows_out", "symbols", "amended", "late")
        plain = {name: getattr(self, name) for name in names}
        plain |= {"shares_filed": self.shares_filed, "shares_derived": self.shares_derived}
        faults: dict[str, dict[str, int]] = {}
        for (fault, action), count in self.log.counts().items():
            faults.setdefault(fault, {})[action] = count
        return {**plain, "faults": faults}

    def limits(self) -> tuple[str, ...]:
        """What a user of the set must know, in sentences."""
        if not self.shares_derived:
            return ()
        share = self.shares_derived / (self.shares_derived + self.shares_filed)
        return (
            f"{share:.0%} of the share counts are net income / earnings per share of a filing, "
            "which rounds them.",
        )


def filings_table(
    filings: Filings,
    options: FilingOptions,
    price_kinds: Mapping[str, str],
    tables: Iterable[BarTable],
    later: Later | None = None,
) -> tuple[pd.DataFrame, FilingReport]:
    """The rows of fundamentals.csv.

    A filing is known from the first session after its day, also where it came before the open
    of that day. Every version of a period stays, so that what was known on a date can be told;
    each step depends on filings of the same and earlier days alone.

    Parameters
    ----------
    filings : Filings
        As read.
    options : FilingOptions
        Rules and bounds.
    price_kinds : mapping of str to str
        Of every symbol of the set; share counts need printed prices (``traded``).
    tables : iterable of BarTable
        The set's raw bars, sorted by symbol and time, all of a symbol's in one table.
    later : Later, optional
        Series of reused tickers: a filing is that of the series which had the ticker on its day.

    Returns
    -------
    table : DataFrame
        ``FUNDAMENTAL_COLUMNS`` and then every other figure; dates as ISO text, NaN where not
        known; by symbol, known_from and period_end.
    report : FilingReport
    """
    report = FilingReport(filings.file, filings.columns, len(filings))
    log = report.log
    if later:
        filings = replace(filings, symbol=series_of(filings.symbol, filings.filed, later))
    filings = keep_versions(filings, options, price_kinds, log)
    filings = mend_units(filings, options, log)
    closes = closes_as_of(tables, filings.symbol, filings.filed)
    filings, derived = add_shares(filings, closes, options, log)
    filings, derived = _printed_only(filings, derived, price_kinds, log)
    known_from = sessions_after(filings.filed)
    last = _last_of_session(filings, known_from)
    if not last.all():
        note_filings(filings, ~last, "superseded", "drop", log)
        filings, derived, known_from = filings.take(last), derived[last], known_from[last]
    table = _frame(filings, known_from)
    _count(report, table, derived)
    return table, report


def _printed_only(
    filings: Filings, derived: np.ndarray, price_kinds: Mapping[str, str], log: RepairLog
) -> tuple[Filings, np.ndarray]:
    """Leave out share counts of symbols whose prices are not as printed."""
    shares = filings.figures["shares"]
    kinds = np.array([price_kinds[name] for name in filings.symbol.tolist()], dtype=object)
    rows = np.isfinite(shares) & (kinds != "traded")
    note_filings(
        filings, rows, "prices_not_as_printed", "repair", log, "shares", shares[rows], np.nan
    )
    return filings.with_figures(shares=np.where(rows, np.nan, shares)), derived & ~rows


def _last_of_session(filings: Filings, known_from: np.ndarray) -> np.ndarray:
    """(M,) bool: filings that no other of the same period replaces before the same session."""
    replaced = np.zeros(len(filings), dtype=bool)
    replaced[:-1] = (
        (filings.symbol[1:] == filings.symbol[:-1])
        & (filings.period_end[1:] == filings.period_end[:-1])
        & (known_from[1:] == known_from[:-1])
    )
    return ~replaced


def _frame(filings: Filings, known_from: np.ndarray) -> pd.DataFrame:
    figures = dict(filings.figures)
    counted = np.isfinite(figures["shares"])
    columns = {
        "symbol": filings.symbol,
        "period_end": filings.period_end.astype(str),
        "known_from": known_from.astype(str),
        "book_equity": figures.pop("book_equity", np.full(len(filings), np.nan)),
        "shares": figures.pop("shares"),
        "shares_as_of": np.where(counted, filings.shares_as_of.astype(str), ""),
    }
    table = pd.DataFrame({**{name: columns[name] for name in FUNDAMENTAL_COLUMNS}, **figures})
    return table.sort_values(
        ["symbol", "known_from", "period_end"], kind="stable", ignore_index=True
    )


def _count(report: FilingReport, table: pd.DataFrame, derived: np.ndarray) -> None:
    report.rows_out = len(table)
    report.symbols = int(table["symbol"].nunique())
    report.amended = int(table.duplicated(["symbol", "period_end"]).sum())
    periods = pd.to_datetime(table["period_end"])
    latest = periods.groupby(table["symbol"], sort=False).cummax()
    report.late = int((periods < latest).sum())
    report.shares_derived = int(derived.sum())
    report.shares_filed = int(table["shares"].notna().sum()) - report.shares_derived
