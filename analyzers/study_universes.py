"""The same study with and without the floors of an investable universe, side by side."""

from __future__ import annotations

import pandas as pd

__all__ = ["side_by_side"]

_COLUMNS = (
    "asset_class", "factor", "label", "universe", "decisions", "ranked_mean", "mean_annual",
    "volatility", "sharpe", "return_t", "net_mean_annual", "net_sharpe", "net_t", "ic_mean",
    "ic_t", "turnover_half_annual", "break_even_bps",
)  # fmt: skip


def side_by_side(**summaries: pd.DataFrame) -> pd.DataFrame:
    """Rows of several summaries by class and factor, one universe under another.

    Parameters
    ----------
    **summaries : DataFrame
        Name of a universe to the study's summary; the order is kept. A factor that is too thin
        in one of them has no row there.

    Returns
    -------
    DataFrame
        asset_class, factor, label, universe, and what the summaries share.
    """
    tables = [table.assign(universe=name) for name, table in summaries.items()]
    stacked = pd.concat(tables, ignore_index=True)
    order = list(dict.fromkeys(zip(stacked["asset_class"], stacked["factor"])))
    place = {pair: number for number, pair in enumerate(order)}
    keys = [place[pair] for pair in zip(stacked["asset_class"], stacked["factor"])]
    ranked = stacked.assign(_place=keys).sort_values("_place", kind="stable", ignore_index=True)
    return ranked[list(_COLUMNS)]
