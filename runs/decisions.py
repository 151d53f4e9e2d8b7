"""When a configuration decides: rows of a panel so far, and the next session that is due."""

from __future__ import annotations

import numpy as np

from configs.schema import BacktestConfig
from feeds.calendars import is_session, next_session, sessions
from feeds.panel import Panel
from strategies.schedule import decision_rows

__all__ = ["fillable_row", "next_decision", "scheduled_rows"]

#: Days within which every rule of the calendar decides.
_LONGEST_PERIOD = 130


def scheduled_rows(config: BacktestConfig, panel: Panel, *, so_far: bool = False) -> np.ndarray:
    """(R,) rows of the panel in which the configuration decides, increasing.

    With `so_far` rebalance dates after the last row are left out instead of refused.
    """
    return _schedule(config, panel.dates, panel.next_session, panel.asset_class, so_far)


def next_decision(config: BacktestConfig, panel: Panel) -> np.datetime64 | None:
    """The first session after the last row in which the configuration decides, if there is one."""
    rule = config.portfolio.rebalance
    ahead = _LONGEST_PERIOD + 2 * getattr(rule, "every", 0)
    last, interval = panel.dates[-1], "1d"
    if panel.dates.dtype == "datetime64[h]":
        ahead, interval = 24 * _LONGEST_PERIOD + 2 * getattr(rule, "every", 0), "1h"
    coming = sessions(panel.calendar, last + 1, last + ahead, interval)
    dates = np.append(panel.dates, coming)
    following = next_session(panel.calendar, dates[-1])
    rows = _schedule(config, dates, following, panel.asset_class, True)
    later = rows[rows >= panel.shape[0]]
    return dates[later[0]] if len(later) else None


def fillable_row(panel: Panel, row: int) -> bool:
    """Whether a row can decide about the whole book: the bar after it has to fill all of it.

    Stocks trade in sessions alone. By the hour they must trade in the row's own hour, too: what
    has no bar is not ranked.
    """
    if panel.calendar != "24/7" or not (panel.asset_class == "equity").any():
        return True
    last = row + 1 == panel.shape[0]
    coming = panel.next_session if last else panel.dates[row + 1]
    return bool(_fillable(np.array([panel.dates[row], coming]))[0])


def _fillable(dates: np.ndarray) -> np.ndarray:
    """(T,) bool of T + 1 dates: whether each but the last can decide about stocks, too."""
    if dates.dtype == "datetime64[h]":
        # Imported here: only live sessions have bars of hours.
        from feeds.session_hours import is_session_hour

        trades = is_session_hour(dates)
        return trades[:-1] & trades[1:]
    return is_session(dates[1:])


def _schedule(
    config: BacktestConfig,
    dates: np.ndarray,
    following: np.datetime64,
    asset_class: np.ndarray,
    so_far: bool,
) -> np.ndarray:
    rule = config.portfolio.rebalance
    if not isinstance(rule, str):
        rule = getattr(rule, "every", None) or rule.dates
    if so_far and isinstance(rule, tuple):
        rule = [day for day in rule if np.datetime64(day) <= dates[-1]]
    fillable = None
    if config.data.calendar == "24/7" and (asset_class == "equity").any():
        fillable = _fillable(np.append(dates, following))
    return decision_rows(dates, following, rule, config.data.start, fillable=fillable)
