"""The market that a book's beta is measured against."""

from __future__ import annotations

import numpy as np

from configs.schema import BacktestConfig
from feeds.store import DataSet

__all__ = ["neutral_market"]


def neutral_market(config: BacktestConfig, data: DataSet) -> tuple[np.ndarray | None, str | None]:
    """Session returns (T,) of the symbol that ``portfolio.neutral.market`` names, and its class.

    NaN where a session has no bar. None twice where no beta is asked for, or the market is the
    mean of the eligible assets. A reference series counts as equity.
    """
    neutral = config.portfolio.neutral
    if neutral.beta is None or neutral.market == "equal_weight":
        return None, None
    panel = data.panel
    if neutral.market in data.reference.columns:
        closes, kind = data.reference[neutral.market].to_numpy(), "equity"
    else:
        column = int(np.flatnonzero(panel.assets == neutral.market)[0])
        closes, kind = panel.close[:, column], str(panel.asset_class[column])
    known = np.isfinite(closes)
    returns = np.full(len(closes), np.nan)
    bars = np.flatnonzero(known)
    returns[bars[1:]] = closes[bars[1:]] / closes[bars[:-1]] - 1.0
    return returns, kind
