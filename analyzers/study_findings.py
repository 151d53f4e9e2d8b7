"""What a study found, in a few sentences that follow from its tables."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analyzers.factor_results import FactorResults
from analyzers.study_labels import classes_of, factor_label, number_text

__all__ = ["findings"]

#: What a t-statistic must exceed to be called distinct from zero.
_BAR = 2.0


def findings(results: FactorResults) -> list[str]:
    """Sentences: what earns before and after costs, what ranks, what a sleeve adds.

    Counts of t-statistics beyond 2 come with how many there are, since of many some are luck.
    """
    return [
        *_thin(results),
        *_earning(results),
        *_ranking(results),
        *_sleeves(results),
    ]


def _thin(results: FactorResults) -> Iterator[str]:
    """Classes in which nothing could be ranked."""
    broad = classes_of(results)
    for name, part in results.thin.groupby("asset_class", sort=True):
        most, needed = int(part["ranked_max"].max()), int(part["min_breadth"].max())
        if name not in broad:
            yield (
                f"{str(name).capitalize()} is too thin to rank: at most {most} assets have a "
                f"score, {needed} are needed. No factor is studied there."
            )
        else:
            names = ", ".join(factor_label(results, name, factor) for factor in part["factor"])
            yield f"Too thin at every decision, and left out: {names}."


def _earning(results: FactorResults) -> Iterator[str]:
    for name in classes_of(results):
        own = results.summary[results.summary["asset_class"] == name]
        gross, net = (_beyond(own[column]) for column in ("return_t", "net_t"))
        best = own.loc[own["net_t"].fillna(-np.inf).idxmax()]
        yield (
            f"{name.capitalize()}: {gross} of {len(own)} {_portfolios(len(own))} earned a mean "
            f"more than {_BAR:g} standard errors from zero before costs, {net} after. The most "
            f"distinct gain after costs is that of {factor_label(results, name, best['factor'])}, "
            f"{_share(best['net_mean_annual'])} a year (t {number_text(best['net_t'], 1)})."
        )


def _ranking(results: FactorResults) -> Iterator[str]:
    for name in classes_of(results):
        own = results.summary[results.summary["asset_class"] == name]
        size = own["ic_t"].abs().fillna(-1.0)
        best = own.loc[size.idxmax()]
        yield (
            f"{name.capitalize()}: scores of {_beyond(own['ic_t'])} of {len(own)} ranked returns "
            f"of the next {results.horizon} sessions with |t| beyond {_BAR:g}; the most distinct "
            f"coefficient is {number_text(best['ic_mean'], 3)} "
            f"(t {number_text(best['ic_t'], 1)}), of "
            f"{factor_label(results, name, best['factor'])}."
        )


def _sleeves(results: FactorResults) -> Iterator[str]:
    """What another class adds to the largest Sharpe ratio, in and out of sample."""
    table = results.sleeve_test
    if not len(table):
        return
    for (tested, base), own in table.groupby(["tested", "benchmarks"], sort=False):
        chosen = own[own["measure"].isin(["in_sample", "expanding"])]
        rows = {(row["rule"], row["measure"]): row for row in chosen.to_dict("records")}
        inside = rows.get(("unconstrained", "in_sample"))
        outside = rows.get(("long only", "expanding"))
        if inside is None or not np.isfinite(inside["sharpe_with"]):
            continue
        text = (
            f"Beside {base}, {tested} moves the largest Sharpe ratio in sample from "
            f"{number_text(inside['sharpe_without'], 2)} to "
            f"{number_text(inside['sharpe_with'], 2)} "
            f"(p {number_text(inside['p_value'], 2)}, {int(inside['observations'])} weeks)"
        )
        if outside is not None and np.isfinite(outside["sharpe_with"]):
            text += (
                ", and long only out of sample from "
                f"{number_text(outside['sharpe_without'], 2)} to "
                f"{number_text(outside['sharpe_with'], 2)} "
                f"(p {number_text(outside['p_value'], 2)}, {int(outside['observations'])} weeks)"
            )
        yield f"{text}."


def _beyond(t_stats: pd.Series) -> int:
    return int((t_stats.abs() > _BAR).sum())


def _portfolios(count: int) -> str:
    return "portfolio" if count == 1 else "portfolios"


def _share(value: float) -> str:
    return f"{number_text(100 * value, 1)} %"
