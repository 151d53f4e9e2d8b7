"""How far contributions to risk are from their budgets: by exposure, by sleeve and by factor.

The table is that of a run's ``risk_contributions.csv``: date, book, kind, exposure (``sleeve:
factor``, or the residual), budget, contribution.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analyzers.risk_contributions import RESIDUAL

__all__ = ["BOOKS", "exposure_label", "gap_table", "grouped", "mean_absolute_gap"]

#: Books of the table, and what they are called.
BOOKS = {"factor_risk_parity": "Factor risk parity", "equal": "Equal weighting"}
_PART = {"sleeve": 0, "factor": 1}


def grouped(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Budgets and contributions summed over the exposures of each sleeve, or of each factor.

    Parameters
    ----------
    table : DataFrame
    by : {"exposure", "sleeve", "factor"}
        ``exposure`` sums nothing. The residual stays on its own.
    """
    if by == "exposure":
        return table
    names = {
        name: name if name == RESIDUAL else name.split(":", 1)[_PART[by]]
        for name in table["exposure"].unique()
    }
    keys = [table["date"], table["book"], table["kind"], table["exposure"].map(names)]
    sums = table[["budget", "contribution"]].groupby(keys, sort=False).sum()
    return sums.reset_index()


def mean_absolute_gap(table: pd.DataFrame, kind: str, book: str, by: str = "exposure") -> float:
    """Mean of abs(contribution - budget) over dates and exposures; NaN where there is none.

    The residual counts as an exposure whose budget is zero. An exposure counts on the dates on
    which it had a budget or a part.
    """
    chosen = grouped(table[(table["kind"] == kind) & (table["book"] == book)], by)
    return float((chosen["contribution"] - chosen["budget"]).abs().mean())


def gap_table(table: pd.DataFrame, kind: str = "realised") -> pd.DataFrame:
    """Means over the dates, a row an exposure and one for all of them.

    Parameters
    ----------
    table : DataFrame
    kind : {"realised", "rebalance"}

    Returns
    -------
    DataFrame
        Index exposure, ``all`` the last; budget, and for each book its mean contribution and mean
        absolute gap, columns ``<book>`` and ``<book>_gap``. Means are over the dates on which an
        exposure had a budget or a part.
    """
    chosen = table[table["kind"] == kind]
    chosen = chosen.assign(gap=(chosen["contribution"] - chosen["budget"]).abs())
    order = list(dict.fromkeys(table["exposure"]))
    columns: dict[str, pd.Series] = {}
    for book in BOOKS:
        own = chosen[chosen["book"] == book]
        means = own.groupby("exposure")[["budget", "contribution", "gap"]].mean().reindex(order)
        columns.setdefault("budget", means["budget"])
        columns[book] = means["contribution"]
        columns[f"{book}_gap"] = means["gap"]
    result = pd.DataFrame(columns)
    for book in BOOKS:
        result.loc["all", f"{book}_gap"] = mean_absolute_gap(table, kind, book)
    return result


def exposure_label(exposure: str, labels: Mapping[str, str]) -> str:
    """``equity:value_proxy`` as ``Equity: value (proxy)``, or with the factor's label."""
    if exposure in (RESIDUAL, "all"):
        return exposure.capitalize()
    sleeve, factor = exposure.split(":", 1)
    name = factor.removesuffix("_proxy").replace("_", " ") + " (proxy)" * factor.endswith("_proxy")
    return f"{sleeve.capitalize()}: {labels.get(factor, name)}"
