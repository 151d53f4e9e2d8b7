"""Value and momentum in every class of a study that ranks both, and over all classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analyzers.study_part import StudyData, StudyPart, StudyRules
from analyzers.study_tables import earned
from factors.everywhere import everywhere

__all__ = ["everywhere_tables"]

#: Columns that may stand for value, the factor itself first.
_VALUE = ("value", "value_proxy")
_MOMENTUM = ("momentum", "momentum_proxy")
_COLUMNS = (
    "portfolio", "mean_annual", "volatility", "sharpe", "t_stat", "max_drawdown",
    "value_momentum_correlation",
)  # fmt: skip


def everywhere_tables(
    scores: Mapping[str, np.ndarray],
    groups: Mapping[str, np.ndarray],
    parts: Sequence[StudyPart],
    everything: StudyData,
    rules: StudyRules,
) -> dict[str, pd.DataFrame]:
    """Tables ``everywhere`` and ``everywhere_returns`` of `FactorResults`.

    Parameters
    ----------
    scores, groups
        As in `study_factors`; the group ``all`` is no class.
    parts : sequence of StudyPart
        What was broad enough.
    everything : StudyData
        All assets.
    rules : StudyRules

    Returns
    -------
    dict of str to DataFrame
        Without columns where no class ranks both. The classes together are there where two or
        more do.
    """
    nothing = pd.DataFrame(columns=list(_COLUMNS))
    chosen = [
        next((name for name in names if name in scores), None) for names in (_VALUE, _MOMENTUM)
    ]
    broad = {(part.group, part.factor) for part in parts}
    classes = [
        group
        for group in groups
        if group != "all" and all((group, name) in broad for name in chosen)
    ]
    if None in chosen or not classes:
        return {"everywhere": nothing, "everywhere_returns": pd.DataFrame()}
    members = np.any([groups[name] for name in classes], axis=0)
    labels = np.select([groups[name][members] for name in classes], classes, "")
    data = everything.taken(members)
    found = everywhere(
        {name: scores[column][:, members] for name, column in zip(("value", "momentum"), chosen)},
        labels,
        data.marks,
        data.dates,
        data.rows,
        window=rules.periods_per_year,
        min_breadth=rules.min_breadth,
        ends=data.ends,
    )
    kept = [*classes, "all"] if len(classes) > 1 else classes
    names = [f"{group} {name}" for group in kept for name in ("value", "momentum", "combination")]
    first = int(data.rows[0]) if len(data.rows) else 0
    returns = found.returns[names].iloc[first:]
    return {"everywhere": _summary(returns, rules), "everywhere_returns": returns}


def _summary(returns: pd.DataFrame, rules: StudyRules) -> pd.DataFrame:
    """What each portfolio earned; the correlation of value and momentum stands with both."""
    lines = []
    for name in returns:
        group, _, kind = name.rpartition(" ")
        pair = returns[[f"{group} value", f"{group} momentum"]].dropna()
        both = pair.iloc[:, 0].corr(pair.iloc[:, 1]) if len(pair) > 2 else np.nan
        figures = earned(returns[name], rules.periods_per_year)
        line = {"portfolio": name, **figures}
        line["value_momentum_correlation"] = float(both) if kind == "combination" else np.nan
        lines.append(line)
    return pd.DataFrame(lines, columns=list(_COLUMNS))
