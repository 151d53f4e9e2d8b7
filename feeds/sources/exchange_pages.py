"""The candles of one market, page after page, with nothing lost in between.

Exchanges page in three ways: from a time onward (Binance), a window of time with whatever was
traded in it (Coinbase), or only the latest candles whatever is asked (Kraken). One loop reads
them all and refuses what would leave a hole: an empty page is no end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from feeds.sources.request import BAR_COLUMNS, FetchError

__all__ = ["DAY_MS", "Row", "Window", "collect", "to_bars"]

DAY_MS = 86_400_000

#: Start of the candle in ms since 1970 UTC, open, high, low, close, volume.
Row = list[float | None]


@dataclass(frozen=True)
class Window:
    """Which candles are wanted; times are starts of candles in ms since 1970 UTC.

    Parameters
    ----------
    first, last : int
        Both included; the last one is closed.
    step : int
        Length of a candle.
    size : int
        Candles on a page.
    active : bool
        Whether the market still trades: then candles go on to this day.
    live : bool
        Whether the last candle is the newest closed one there can be.
    """

    first: int
    last: int
    step: int
    size: int
    active: bool
    live: bool


def collect(
    ask: Callable[[int], Iterable[Row]], window: Window, where: str
) -> tuple[dict[int, Row], tuple[str, ...]]:
    """All candles of the window, asked for page by page.

    Parameters
    ----------
    ask : callable
        The page that begins at a time, oldest first; it may hold earlier candles too.
    where : str
        Symbol and exchange, for messages.

    Returns
    -------
    dict of int to list
        Candles by their start, each once, in no order; some may lie after the window.
    tuple of str
        What a user should know.

    Raises
    ------
    FetchError
        ``malformed`` for an empty page inside the listed range, a page without progress, and
        candles that contradict each other; ``no_data`` where there is none at all.
    """
    found: dict[int, Row] = {}
    empty: list[int] = []
    notes: tuple[str, ...] = ()
    cursor = window.first
    while cursor <= window.last:
        page = _page(ask, cursor, window, where)
        if page:
            if empty and found:
                raise _hole(empty[0], where)
            if empty:
                _check_listing(ask, empty[-1], int(page[0][0]), window, where)
            elif not found:
                notes = _capped(page, window)
            empty = []
            _add(found, page, where)
            cursor = int(page[-1][0]) + window.step
            continue
        if found and window.active:
            raise _hole(cursor, where)
        # Before the listing, or after the end of a market that trades no more.
        empty.append(cursor)
        cursor += window.size * window.step
    if not found:
        raise _nothing(window, where)
    if empty and _page(ask, empty[0], window, where):
        raise _hole(empty[0], where)
    return found, notes


def to_bars(found: dict[int, Row], window: Window) -> pd.DataFrame:
    """What `collect` found up to the last day wanted, increasing; None becomes NaN."""
    starts = sorted(start for start in found if start <= window.last)
    index = pd.DatetimeIndex(
        (np.array(starts, dtype="int64") // 1000).astype("datetime64[s]"), name="date"
    )
    values = np.array([found[start][1:6] for start in starts], dtype="float64").reshape(-1, 5)
    bars = pd.DataFrame(values, index=index, columns=list(BAR_COLUMNS[:5]))
    return bars.assign(split_ratio=1.0, dividend=0.0)


def _page(
    ask: Callable[[int], Iterable[Row]], cursor: int, window: Window, where: str
) -> list[Row]:
    """The candles from `cursor` on, oldest first: an earlier one is no progress."""
    rows = list(ask(cursor))
    for row in rows:
        if not isinstance(row, list) or len(row) < 6 or not isinstance(row[0], int):
            raise FetchError("malformed", f"{where}: a candle is not six numbers", "try again")
        if row[0] % window.step:
            raise FetchError(
                "malformed",
                f"{where}: a candle begins at {_time(row[0])}, which is no start of one in UTC",
                "the days of this exchange are not UTC's: take another one",
            )
    return sorted((row for row in rows if row[0] >= cursor), key=lambda row: row[0])


def _add(found: dict[int, Row], page: list[Row], where: str) -> None:
    for row in page:
        start = int(row[0])
        if found.setdefault(start, row)[1:6] != row[1:6]:
            raise FetchError(
                "malformed", f"{where}: two different candles for {_time(start)}", "try again"
            )


def _check_listing(
    ask: Callable[[int], Iterable[Row]], cursor: int, first: int, window: Window, where: str
) -> None:
    """Refuse `first` as the first candle where the empty page before it was a lost one.

    That page is asked for once more: what it then holds before `first` had been lost.
    """
    page = _page(ask, cursor, window, where)
    if page and page[0][0] < first:
        raise _hole(cursor, where)


def _capped(page: list[Row], window: Window) -> tuple[str, ...]:
    first, last = int(page[0][0]), int(page[-1][0])
    # One short of a full page: the exchange may count the candle in the making.
    full = len(page) >= window.size - 1
    if not full or first <= window.first or last < window.last:
        return ()
    return (
        f"the exchange gave its latest {len(page)} bars and no earlier ones: "
        f"what lies between {_time(window.first)} and {_time(first)} is missing, if it was listed",
    )


def _hole(cursor: int, where: str) -> FetchError:
    return FetchError(
        "malformed",
        f"{where}: an empty page from {_time(cursor)} on, inside the listed range",
        "run again later; if it stays so, set end to the day before, or start after the hole",
    )


def _nothing(window: Window, where: str) -> FetchError:
    span = f"from {_time(window.first)} to {_time(window.last)}"
    if window.active and window.live:
        # A market that trades has a newest candle, so this answer cannot be true.
        return FetchError("malformed", f"{where}: no bars {span}, yet it trades", "try again")
    return FetchError("no_data", f"{where}: no bars {span}", "ask for days on which it was listed")


def _time(start: float) -> str:
    stamp = pd.Timestamp(int(start), unit="ms")
    return str(stamp.date()) if not start % DAY_MS else stamp.isoformat(sep=" ")
