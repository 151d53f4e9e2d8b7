"""Who may be held on each date."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from feeds.errors import ConfigError
from feeds.panel import Panel

__all__ = ["NATIVE_CLASSES", "Floors", "eligible_assets", "eligible_through_gaps"]

#: Classes that trade every day, also between two sessions of an exchange.
NATIVE_CLASSES = ("crypto",)

#: Sessions whose median traded value is compared with a floor.
_VOLUME_WINDOW = 63


class Floors(Protocol):
    """Floors of an investable universe, in currency and sessions."""

    min_price: float
    min_market_cap: float
    min_dollar_volume: float
    min_age: int


def eligible_assets(
    panel: Panel, floors: Floors | None = None, native_dollar_volume: np.ndarray | None = None
) -> np.ndarray:
    """Members of the universe with a bar, above the floors, as of each date.

    Parameters
    ----------
    panel : Panel
        (T, N).
    floors : Floors, optional
        Raw close, market cap, median traded value of 63 sessions, sessions with a bar. An
        asset whose figure is not known (NaN) does not reach a floor above zero; a session
        without a bar, or whose volume is not known, counts as one without trade.
    native_dollar_volume : (T, N) float64 array, optional
        Median traded value of coins' own days, as of each date, from
        :func:`feeds.native_days.native_statistics`. Coins are compared by it instead, since
        their bars on an exchange's calendar hold several days; NaN does not reach a floor.

    Returns
    -------
    (T, N) bool array
        Row t uses rows up to t.

    Raises
    ------
    ConfigError
        If a floor needs market caps and the panel has none.
    """
    eligible = panel.member & panel.tradable
    if floors is None:
        return eligible
    if floors.min_price > 0:
        eligible = eligible & (panel.raw_close >= floors.min_price)
    if floors.min_market_cap > 0:
        if panel.market_cap is None:
            raise ConfigError(
                "data.investable.min_market_cap: the data set has no market caps",
                "use min_dollar_volume, or a data set with market_cap",
            )
        eligible = eligible & (panel.market_cap >= floors.min_market_cap)
    if floors.min_dollar_volume > 0:
        traded = _trades_enough(panel, floors.min_dollar_volume)
        if native_dollar_volume is not None:
            coins = np.isin(panel.asset_class, NATIVE_CLASSES)
            traded[:, coins] = native_dollar_volume[:, coins] >= floors.min_dollar_volume
        eligible = eligible & traded
    if floors.min_age > 0:
        eligible = eligible & (np.cumsum(panel.tradable, axis=0, dtype="int32") >= floors.min_age)
    return eligible


def _trades_enough(panel: Panel, floor: float) -> np.ndarray:
    """(T, N) whether the median traded value of 63 sessions reaches a floor above zero.

    The median of an odd number of values reaches it where more than half of them do: counting
    needs no sort. False while there are fewer sessions.
    """
    with np.errstate(invalid="ignore"):
        count = np.cumsum(panel.dollar_volume >= floor, axis=0, dtype="int32")
    enough = np.zeros(panel.shape, dtype=bool)
    enough[_VOLUME_WINDOW - 1 :] = count[_VOLUME_WINDOW - 1 :] > _VOLUME_WINDOW // 2
    later = count[_VOLUME_WINDOW:] - count[:-_VOLUME_WINDOW]
    enough[_VOLUME_WINDOW:] = later > _VOLUME_WINDOW // 2
    return enough


def eligible_through_gaps(
    panel: Panel, eligible: np.ndarray, rows: np.ndarray, longest: int
) -> np.ndarray:
    """Who was eligible on its last bar, where that is less than so many rows ago.

    Parameters
    ----------
    panel : Panel
    eligible : (T, N) bool array
    rows : (R,) int array
    longest : int
        Rows without a bar after which an asset counts as gone.

    Returns
    -------
    (R, N) bool array
        Row r uses rows up to `rows[r]`.
    """
    every = np.arange(panel.shape[1])
    found = np.zeros((len(rows), len(every)), dtype=bool)
    for at, row in enumerate(rows.tolist()):
        last = panel.last_bar(row, every)
        recent = (last >= 0) & (row - last < longest)
        found[at] = recent & eligible[np.maximum(last, 0), every]
    return found
