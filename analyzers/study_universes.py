"""The same study with and without the floors of an investable universe, side by side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

__all__ = ["same_decisions", "side_by_side"]

_COLUMNS = (
    "asset_class", "factor", "label", "universe", "decisions", "ranked_mean", "mean_annual",
    "volatility", "sharpe", "return_t", "net_mean_annual", "net_sharpe", "net_t", "ic_mean",
    "ic_t", "turnover_half_annual", "break_even_bps",
)  # fmt: skip


def same_decisions(
    scores: Mapping[str, np.ndarray],
    narrower: Mapping[str, np.ndarray],
    groups: Mapping[str, np.ndarray],
    min_breadth: int,
) -> dict[str, np.ndarray]:
    """Scores of a wide universe on the decisions on which a narrower one is broad enough.

    Parameters
    ----------
    scores, narrower : dict of str to (R, N) array
        By factor; NaN is not ranked.
    groups : dict of str to (N,) bool array
        Judged one by one; a group that holds others, as ``all`` does, takes no part.
    min_breadth : int

    Returns
    -------
    dict of str to (R, N) array
        NaN where the narrower universe has fewer than `min_breadth` scores of the group.
    """
    kept = {}
    for name, values in scores.items():
        kept[name] = np.full(values.shape, np.nan)
        for group, members in groups.items():
            if group == "all":
                continue
            broad = np.isfinite(narrower[name][:, members]).sum(axis=1) >= min_breadth
            at = np.ix_(broad, members)
            kept[name][at] = values[at]
    return kept


def side_by_side(summaries: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Rows of several summaries by class and factor, one universe under another.

    Parameters
    ----------
    summaries : dict of str to DataFrame
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
