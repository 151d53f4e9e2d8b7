"""Which filings count: each version of a period once, and none that cannot be true."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from feeds.calendars import sessions
from feeds.filings.options import LENGTHS, FilingOptions
from feeds.filings.read import Filings
from feeds.repairs import LogPart, RepairLog

__all__ = ["keep_versions", "note_filings", "sessions_after"]

#: Longer than any closure of the exchange.
_CLOSED = np.timedelta64(20, "D")


def keep_versions(
    filings: Filings, options: FilingOptions, symbols: Collection[str], log: RepairLog
) -> Filings:
    """Drop filings that cannot be used, and those that say nothing new.

    Dropped are filings of symbols that are not in `symbols` (``unknown_symbol``), from before
    their period ended (``filed_before_period_end``), without a figure (``empty``), that
    contradict another of the same symbol, period and day (``conflict``, by the rule of
    `options`), and that repeat the version before them (``repeated``). Each depends on the
    filings of its own day and of earlier ones alone.

    Returns
    -------
    Filings
        By symbol, period, day of filing, and line; every version of a period that differs from
        the one before it.
    """
    known = np.isin(filings.symbol.astype(str), np.array(sorted(symbols), dtype=str))
    filings = _without(filings, ~known, "unknown_symbol", log)
    early = filings.filed < filings.period_end
    filings = _without(filings, early, "filed_before_period_end", log)
    figures = [values for name, values in filings.figures.items() if name not in LENGTHS]
    says = np.zeros(len(filings), dtype=bool)
    for values in figures:
        says |= np.isfinite(values)
    filings = _without(filings, ~says, "empty", log)
    filings = _ordered(filings)
    filings = _without(filings, _same_as_before(filings, same_day=True), "repeated", log)
    filings = _without(filings, _conflicts(filings, options.conflicts), "conflict", log)
    return _without(filings, _same_as_before(filings), "repeated", log)


def sessions_after(days: np.ndarray) -> np.ndarray:
    """(M,) datetime64[D]: the first session after each of some days, whatever the hour."""
    if not len(days):
        return days
    open_days = sessions("XNYS", days.min(), days.max() + _CLOSED)
    return open_days[np.searchsorted(open_days, days, side="right")]


def note_filings(
    filings: Filings,
    rows: np.ndarray,
    fault: str,
    action: str,
    log: RepairLog,
    column: str = "",
    before: np.ndarray | float = np.nan,
    after: np.ndarray | float = np.nan,
) -> None:
    """Note filings, given by mask or position, dated by their day of filing."""
    own = filings.take(rows)
    if not len(own):
        return
    log.parts.append(
        LogPart(
            symbol=own.symbol,
            date=own.filed.astype("datetime64[s]"),
            fault=fault,
            action=action,
            column=column,
            before=np.broadcast_to(np.asarray(before, dtype="float64"), len(own)),
            after=np.broadcast_to(np.asarray(after, dtype="float64"), len(own)),
            file=np.full(len(own), filings.file, dtype=object),
            line=own.line,
        )
    )


def _without(filings: Filings, rows: np.ndarray, fault: str, log: RepairLog) -> Filings:
    if not rows.any():
        return filings
    note_filings(filings, rows, fault, "drop", log)
    return filings.take(~rows)


def _ordered(filings: Filings) -> Filings:
    code = pd.factorize(filings.symbol, sort=True)[0]
    days = (filings.filed.astype("int64"), filings.period_end.astype("int64"))
    return filings.take(np.lexsort((filings.line, *days, code)))


def _period_before(filings: Filings, same_day: bool = False) -> np.ndarray:
    """(M,) bool: whether the row above is of the same symbol and period (and day of filing)."""
    same = np.zeros(len(filings), dtype=bool)
    same[1:] = (filings.symbol[1:] == filings.symbol[:-1]) & (
        filings.period_end[1:] == filings.period_end[:-1]
    )
    if same_day:
        same[1:] &= filings.filed[1:] == filings.filed[:-1]
    return same


def _same_as_before(filings: Filings, same_day: bool = False) -> np.ndarray:
    """(M,) bool: whether all figures are those of the version above."""
    same = _period_before(filings, same_day)
    for values in filings.figures.values():
        same[1:] &= (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
    return same


def _conflicts(filings: Filings, rule: str) -> np.ndarray:
    """(M,) bool: filings of one symbol, period and day, of which the rule keeps one or none."""
    follows = _period_before(filings, same_day=True)
    followed = np.append(follows[1:], False) if len(follows) else follows
    if rule == "drop":
        return follows | followed
    return follows if rule == "first" else followed
