"""Prices and returns of past sessions, as of some rows of a panel."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from factors.tiles import Columns, Read, array_reader, for_kernel, take_columns
from feeds.errors import ConfigError
from feeds.panel import Panel

__all__ = [
    "asked_rows",
    "at_rows",
    "check_observations",
    "check_window",
    "close_before",
    "growth_between",
    "hide_stale",
    "is_fresh",
    "last_known",
    "parts",
    "returns_reader",
    "session_returns",
    "spread",
    "traded_reader",
]

#: Sessions of one week: how long the last value of an asset without a bar is carried. It
#: spans a long weekend of stocks on 24/7 and a short halt on XNYS.
_WEEK = {"XNYS": 5, "24/7": 7}
#: Cells that are worked on at a time, so that the work is more than the call, and those of two
#: steps that follow each other in the cache next to the processor.
_CELLS, _IN_CACHE = 1 << 18, 1 << 15

Rows = slice | np.ndarray


def asked_rows(panel: Panel, rows: np.ndarray | None) -> np.ndarray:
    """(R,) the rows to compute: those given, or all of them."""
    return np.arange(panel.shape[0]) if rows is None else np.asarray(rows, dtype=np.intp)


def spread(panel: Panel, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(T, N) array with (R, N) `values` in `rows` and NaN in the others."""
    if np.array_equal(rows, np.arange(panel.shape[0])):
        return values
    scores = np.full(panel.shape, np.nan)
    scores[rows] = values
    return scores


def is_fresh(panel: Panel, rows: np.ndarray) -> np.ndarray:
    """(R, N) bool: the asset has a bar within the week before, the row itself included.

    An asset is scored on such rows only: never before its first bar, nor after it has been
    silent for more than 5 sessions on XNYS, 7 days on 24/7.
    """
    fresh = panel.tradable[_span(rows)].copy()
    for back in range(1, _WEEK[panel.calendar] + 1):
        if fresh.all():
            break
        earlier = np.maximum(rows - back, 0)
        fresh |= panel.tradable[_span(earlier)] & (rows >= back)[:, None]
    return fresh


def at_rows(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(R, N) some rows of (T, N): a view where they follow each other, else a copy."""
    return values[_span(rows)]


def hide_stale(panel: Panel, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The same (R, N) array, set to NaN where the asset has no bar within the week before."""
    for lines in parts(*values.shape):
        if not panel.tradable[_span(rows[lines])].all():
            values[lines][~is_fresh(panel, rows[lines])] = np.nan
    return values


def close_before(panel: Panel, rows: np.ndarray, sessions: int) -> np.ndarray:
    """(R, N) adjusted close `sessions` rows before each row, or the last within a week.

    NaN where the asset had no bar in that week, or the panel does not reach back so far.
    """
    closes = np.array(_closes(panel, rows, sessions))
    closes[rows < sessions] = np.nan
    return closes


def growth_between(
    panel: Panel,
    rows: np.ndarray,
    lookback: int,
    skip: int = 0,
    finish: Callable[[np.ndarray], object] | None = None,
) -> np.ndarray:
    """(R, N) ratio of the closes `skip` and `lookback` rows before each row.

    NaN where one of them is, as for :func:`close_before`, and where the asset has no bar within
    the week before the row itself. `finish` changes some rows of ratios in place, while they are
    in the cache.
    """
    growth = np.empty((len(rows), panel.shape[1]))
    for lines in parts(*growth.shape):
        at, part = rows[lines], growth[lines]
        ends, starts = _closes(panel, at, skip), _closes(panel, at, lookback)
        step = max(_IN_CACHE // max(panel.shape[1], 1), 1)
        for first in range(0, len(at), step):
            some = slice(first, first + step)
            np.divide(ends[some], starts[some], out=part[some])
            if finish is not None:
                finish(part[some])
        early = at < lookback
        if early.any():
            part[early] = np.nan
        hide_stale(panel, at, part)
    return growth


def last_known(panel: Panel, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(R, N) the value of each row, or of the last bar within a week where it has none.

    NaN where neither is known, or the asset had no bar in that week. To be read only, since it
    may be a part of `values`.
    """
    found = values[_span(rows)]
    # The sum tells sooner than a look at every cell whether all are finite.
    if np.isfinite(found.sum()) and panel.tradable[_span(rows)].all():
        return found
    found = np.array(found)
    unknown = ~np.isfinite(found)
    if unknown.any():
        line, column = np.nonzero(unknown & is_fresh(panel, rows))
        back = _sessions_since_bar(panel, rows[line], column)
        found[unknown] = np.nan
        found[line, column] = values[rows[line] - back, column]
    return hide_stale(panel, rows, found)


def session_returns(panel: Panel) -> np.ndarray:
    """(T, N) simple returns from the bar before to this one.

    NaN where the row has no bar, and where the bar before is more than a week older.
    """
    return returns_reader(panel)(0, panel.shape[0], slice(0, panel.shape[1]))


def parts(rows: int, columns: int) -> Iterator[slice]:
    """Some rows of an array at a time, so many as the cache holds."""
    step = max(_CELLS // max(columns, 1), 1)
    for first in range(0, rows, step):
        yield slice(first, first + step)


def returns_reader(panel: Panel, span: int = 1, log: bool = False) -> Read:
    """``read(first, stop, columns)`` of returns to each bar from `span` rows before it.

    Simple returns, or logarithmic ones. Where the earlier row has no bar, the last one within a
    week up to it stands in; NaN where there is none, and where the row itself has no bar.
    """

    from factors import kernels

    week = _WEEK[panel.calendar]
    closes_of = array_reader(np.log(panel.close) if log else panel.close)

    def read(first: int, stop: int, columns: Columns) -> np.ndarray:
        begin = max(first - span - week + 1, 0)
        closes = for_kernel(closes_of(begin, stop, columns))
        out = np.empty((stop - first, closes.shape[1]))
        kernels.returns(closes, first - begin, span, week, log, out)
        return out

    return read


def traded_reader(panel: Panel) -> Read:
    """``read(first, stop, columns)`` of traded value in currency; NaN where there is no bar."""
    in_currency = panel.volume_unit == "currency"

    def read(first: int, stop: int, columns: Columns) -> np.ndarray:
        rows = slice(first, stop)
        volume = take_columns(panel.volume[rows], columns)
        factors = panel.split_factor[rows], panel.dividend_factor[rows]
        traded = take_columns(factors[0], columns) * take_columns(factors[1], columns)
        np.divide(take_columns(panel.close[rows], columns), traded, out=traded)
        traded *= volume
        given = in_currency[columns]
        return np.where(given, volume, traded) if given.any() else traded

    return read


def check_window(name: str, lookback: int, skip: int = 0) -> None:
    """Refuse a window that ends before it starts.

    Raises
    ------
    ConfigError
        Unless ``0 <= skip < lookback``.
    """
    if not 0 <= skip < lookback:
        place = f"factors.{name}: lookback {lookback}" + (f" and skip {skip}" if skip else "")
        raise ConfigError(
            f"{place}: no window of past sessions",
            "both count sessions back from today: lookback > skip >= 0",
        )


def check_observations(name: str, lookback: int, given: int | None, fewest: int = 2) -> int:
    """Observations that a window needs: those asked for, or half of it, and never under `fewest`.

    Raises
    ------
    ConfigError
        If the window cannot hold them.
    """
    needed = max(fewest, lookback // 2) if given is None else given
    if not fewest <= needed <= lookback:
        raise ConfigError(
            f"factors.{name}: min_observations {needed} does not fit a lookback of {lookback}",
            f"choose {fewest} or more, and no more than the lookback",
        )
    return needed


def _closes(panel: Panel, rows: np.ndarray, sessions: int) -> np.ndarray:
    """Closes before each row, gaps of up to a week filled; rows too early repeat the first."""
    past = np.maximum(rows - sessions, 0)
    closes = panel.close[_span(past)]
    known = panel.tradable[_span(past)]
    if not known.all():
        line, column = np.nonzero(~known & is_fresh(panel, past))
        back = _sessions_since_bar(panel, past[line], column)
        closes = closes.copy()
        closes[line, column] = panel.close[past[line] - back, column]
    return closes


def _sessions_since_bar(panel: Panel, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(k,) rows from the last bar of each cell; every cell has one within the week."""
    back = np.zeros(len(rows), dtype=np.intp)
    waiting = np.flatnonzero(~panel.tradable[rows, columns])
    while len(waiting):
        back[waiting] += 1
        there = panel.tradable[rows[waiting] - back[waiting], columns[waiting]]
        waiting = waiting[~there]
    return back


def _span(rows: np.ndarray) -> Rows:
    """The same rows as a slice where they follow each other, so that no copy is made."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (rows[1:] > rows[:-1]).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows
