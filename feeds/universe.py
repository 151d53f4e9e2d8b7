"""Who may be held on each date."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from feeds.errors import ConfigError
from feeds.panel import Panel

__all__ = ["Floors", "eligible_assets"]

#: Sessions whose median traded value is compared with a floor.
_VOLUME_WINDOW = 63


class Floors(Protocol):
    """Floors of an investable universe, in currency and sessions."""

    min_price: float
    min_market_cap: float
    min_dollar_volume: float
    min_age: int


def eligible_assets(panel: Panel, floors: Floors | None = None) -> np.ndarray:
    """Members of the universe with a bar, above the floors, as of each date.

    Parameters
    ----------
    panel : Panel
        (T, N).
    floors : Floors, optional
        Raw close, market cap, median traded value of 63 sessions, sessions with a bar. An
        asset whose figure is not known (NaN) does not reach a floor above zero.

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
        eligible = eligible & (_median_volume(panel) >= floors.min_dollar_volume)
    if floors.min_age > 0:
        eligible = eligible & (np.cumsum(panel.tradable, axis=0) >= floors.min_age)
    return eligible


def _median_volume(panel: Panel) -> np.ndarray:
    """(T, N) median traded value of the last 63 sessions; NaN while there are fewer."""
    import pandas as pd

    traded = pd.DataFrame(np.nan_to_num(panel.dollar_volume))
    return traded.rolling(_VOLUME_WINDOW).median().to_numpy()
