"""Which bars of a live set are complete: those that nobody has to be waited for any more."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from feeds.panel import Panel

__all__ = ["behind", "complete_rows", "universe"]


def complete_rows(panel: Panel, max_age: int) -> int:
    """How many of the first rows are complete.

    A row is complete once every asset that trades in it has a bar there or later (what lies
    between is a gap that stays), or `max_age` rows have followed. An asset that has had no bar
    for more than `max_age` rows is not waited for. So what is missing is told by the stamps of
    the vendors' bars, never by a clock.

    Parameters
    ----------
    panel : Panel
        Bars of hours (T, N), all of them closed.
    max_age : int
        Rows that a late asset is waited for, at least 1.

    Returns
    -------
    int
        From max(T - `max_age`, 0) to T.
    """
    count = panel.shape[0]
    first = max(count - max_age, 0)
    waited = _waited(panel, np.arange(first, count), max_age)
    held_up = waited.any(axis=1)
    return first + int(held_up.argmax()) if held_up.any() else count


def behind(panel: Panel, max_age: int) -> list[str]:
    """Symbols whose bar of the last row is waited for, sorted."""
    waited = _waited(panel, np.array([panel.shape[0] - 1]), max_age)[0]
    return sorted(panel.assets[waited].tolist())


def universe(panel: Panel, wanted: Collection[str] | None) -> Panel:
    """The bars of the symbols that a configuration names; all unless it names any."""
    if wanted is None:
        return panel
    return panel.select(np.isin(panel.assets, list(wanted)))


def _waited(panel: Panel, rows: np.ndarray, max_age: int) -> np.ndarray:
    """(R, N) bool: assets that may still get a bar in a row, and have none after it."""
    every = np.arange(panel.shape[1])
    newest = panel.last_bar(panel.shape[0] - 1, every)
    age = rows[:, None] - newest
    return (newest >= 0) & (age > 0) & (age <= max_age) & _trades(panel, rows)


def _trades(panel: Panel, rows: np.ndarray) -> np.ndarray:
    """(R, N) bool: coins at all hours, anything else while New York trades."""
    coins = panel.asset_class == "crypto"
    if coins.all():
        return np.ones((len(rows), len(coins)), dtype=bool)
    # Imported here: a book of coins needs no exchange's sessions.
    from feeds.session_hours import is_session_hour

    return coins | is_session_hour(panel.dates[rows])[:, None]
