"""When every feed has the bars that a strategy waits for, counted for all feeds at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import backtrader as bt
import numpy as np

from feeds.panel import Panel

__all__ = ["bars_counted"]


@contextmanager
def bars_counted(
    panel: Panel, strategies: Iterable[bt.Strategy]
) -> Iterator[Callable[[int], None]]:
    """Answer Backtrader's question for missing bars from one count instead of one a feed.

    At each bar a strategy asks every feed for its length to learn whether ``next`` may be
    called. While the context lasts, strategies that do not answer it in a way of their own
    read the counts that the yielded function keeps: call it with each row that becomes now.
    """
    counted = [one for one in strategies if _asks_every_feed(one)]
    bars, last = np.zeros(panel.shape[1], dtype=np.int64), -1

    def count_to(row: int) -> None:
        nonlocal last
        if counted:
            for passed in range(last + 1, row + 1):
                np.add(bars, panel.tradable[passed], out=bars)
            last = row

    for strategy in counted:
        strategy._getminperstatus = _status(strategy, bars)
    try:
        yield count_to
    finally:
        for strategy in counted:
            del strategy._getminperstatus


def _asks_every_feed(strategy: bt.Strategy) -> bool:
    return type(strategy)._getminperstatus is bt.Strategy._getminperstatus


def _status(strategy: bt.Strategy, bars: np.ndarray) -> Callable[[], int]:
    periods = np.array(strategy._minperiods, dtype=np.int64)

    def missing() -> int:
        strategy._minperstatus = int((periods - bars).max())
        return strategy._minperstatus

    return missing
