"""The market of each asset class, as the mean return of the panel's own assets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from factors.tiles import Columns, take_columns
from factors.windows import returns_reader
from feeds.errors import ConfigError
from feeds.panel import Panel

__all__ = ["market_returns"]

#: Cells that are averaged at a time.
_CELLS = 1 << 17


def market_returns(
    panel: Panel, weighting: Literal["equal", "cap"] = "equal"
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The assets of each class and the return of their market.

    Parameters
    ----------
    panel : Panel
    weighting : {"equal", "cap"}
        Every asset alike, or by its market cap at the close of the session before.

    Yields
    ------
    columns : (K,) int array
        Assets of the class, in increasing order.
    returns : (T,) float64 array
        Mean simple return of those that have one in the session; NaN where none has, and on the
        first session. An asset whose cap is not known does not count in a market by caps.

    Raises
    ------
    ConfigError
        If caps are asked for and the panel has none.
    """
    if weighting == "cap" and not panel.available("market_cap"):
        raise ConfigError(
            "market: cap needs market_cap, which the data set lacks", "set market: equal"
        )
    for name in np.unique(panel.asset_class):
        columns = np.flatnonzero(panel.asset_class == name)
        yield columns, _mean_returns(panel, columns, weighting == "cap")


def _mean_returns(panel: Panel, columns: np.ndarray, by_cap: bool) -> np.ndarray:
    read = returns_reader(panel)
    market = np.full(panel.shape[0], np.nan)
    together = len(columns) == columns[-1] - columns[0] + 1
    asked = slice(int(columns[0]), int(columns[-1]) + 1) if together else columns
    step = max(_CELLS // len(columns), 1)
    for first in range(1, panel.shape[0], step):
        stop = min(first + step, panel.shape[0])
        returns = read(first, stop, asked)
        weights = _caps(panel, first, stop, asked) if by_cap else None
        market[first:stop] = _row_means(returns, weights)
    return market


def _caps(panel: Panel, first: int, stop: int, columns: Columns) -> np.ndarray:
    caps = take_columns(panel.market_cap[first - 1 : stop - 1], columns)
    return np.where(caps > 0, caps, 0.0)


def _row_means(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    unknown = np.isnan(values)
    known = unknown.any()
    if weights is None and not known:
        return values.sum(axis=1) / values.shape[1]
    weights = np.ones(values.shape) if weights is None else weights
    weights = np.where(unknown, 0.0, weights)
    total = weights.sum(axis=1)
    means = (np.where(unknown, 0.0, values) * weights).sum(axis=1)
    return np.divide(means, total, out=np.full(len(values), np.nan), where=total > 0)
