"""The tables of the factor tear sheet as text, each a list of rows under its heads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analyzers.factor_results import FactorResults
from analyzers.study_labels import factor_label, number_text

__all__ = [
    "PageTable",
    "decay_table",
    "earned_table",
    "everywhere_table",
    "quantile_means",
    "ranked_table",
    "regime_table",
    "sleeve_table",
    "slope_table",
    "spanning_table",
    "universe_table",
]


class PageTable(NamedTuple):
    """Heads and rows of text; the first `texts` columns are words."""

    heads: list[str]
    rows: list[list[str]]
    texts: int = 1


def share(value: float) -> str:
    """A fraction in per cent, one digit."""
    text = number_text(100 * value if value is not None else np.nan, 1)
    return text if text == "\u2013" else f"{text} %"


def two(value: float) -> str:
    """Two digits."""
    return number_text(value, 2)


def one(value: float) -> str:
    """One digit."""
    return number_text(value, 1)


def whole(value: float) -> str:
    """No digits."""
    return number_text(value, 0)


def three(value: float) -> str:
    """Three digits."""
    return number_text(value, 3)


Column = tuple[str, str, Callable[[float], str]]
_EARNED: tuple[Column, ...] = (
    ("mean_annual", "Mean", share), ("volatility", "Volatility", share),
    ("sharpe", "Sharpe", two), ("return_t", "t", one), ("max_drawdown", "Drawdown", share),
    ("turnover_half_annual", "Turnover", share), ("cost_annual", "Cost", share),
    ("borrow_annual", "Borrow", share), ("net_mean_annual", "Net mean", share),
    ("net_sharpe", "Net Sharpe", two), ("net_t", "Net t", one),
    ("break_even_bps", "Break-even, bps", whole),
)  # fmt: skip
_RANKED: tuple[Column, ...] = (
    ("decisions", "Decisions", whole), ("ranked_mean", "Assets", whole),
    ("ic_mean", "Rank IC", three), ("ic_t", "t", one), ("icir", "ICIR", two),
    ("ic_pearson_mean", "IC, Pearson", three), ("ic_pearson_t", "t", one),
    ("ic_untraded_mean", "Rank IC, untraded", three),
    ("rank_autocorrelation", "Rank corr.", two),
)  # fmt: skip
_UNIVERSES: tuple[Column, ...] = (
    ("ranked_mean", "Assets", whole), ("mean_annual", "Mean", share), ("sharpe", "Sharpe", two),
    ("return_t", "t", one), ("net_mean_annual", "Net mean", share), ("net_t", "Net t", one),
    ("ic_mean", "Rank IC", three), ("ic_t", "t", one),
    ("turnover_half_annual", "Turnover", share),
)  # fmt: skip
_SLOPES: tuple[Column, ...] = (
    ("slope_annual", "Slope a year", share), ("t_stat", "t", one), ("r_squared", "R\u00b2", three),
    ("dates", "Decisions", whole), ("assets_mean", "Assets", whole),
)  # fmt: skip
_SPANNING: tuple[Column, ...] = (
    ("alpha_annual", "Alpha a year", share), ("t_stat", "t", one), ("p_value", "p", two),
    ("r_squared", "R\u00b2", two), ("appraisal_annual", "Appraisal", two),
    ("observations", "Weeks", whole),
)  # fmt: skip
_SLEEVES: tuple[Column, ...] = (
    ("sharpe_without", "Sharpe without", two), ("sharpe_with", "with", two),
    ("difference", "Difference", two), ("p_value", "p", two), ("p_bootstrap", "p, bootstrap", two),
    ("observations", "Weeks", whole),
)  # fmt: skip
_EVERYWHERE: tuple[Column, ...] = (
    ("mean_annual", "Mean", share), ("volatility", "Volatility", share),
    ("sharpe", "Sharpe", two), ("t_stat", "t", one), ("max_drawdown", "Drawdown", share),
    ("value_momentum_correlation", "Correlation of the two", two),
)  # fmt: skip
_MEASURES = {
    "alphas": "All alphas are zero",
    "in_sample": "Largest, in sample",
    "adjusted": "Largest, corrected for luck",
    "inverse_volatility": "Each series at the same risk",
    "expanding": "Out of sample, weights of the past",
    "halves": "Each half by the weights of the other",
    "detectable": "Least that the test would see",
}
_TESTS = {"grs": "GRS", "hac_wald": "Wald, HAC", "hac": "HAC"}


def earned_table(results: FactorResults) -> PageTable:
    """Each factor's own portfolio, before and after costs."""
    return _by_factor(results, results.summary, _EARNED)


def ranked_table(results: FactorResults) -> PageTable:
    """How each factor ranks."""
    return _by_factor(results, results.summary, _RANKED)


def universe_table(results: FactorResults) -> PageTable:
    """Full and investable universe."""
    return _by_factor(results, results.universes, _UNIVERSES, ["universe"])


def slope_table(results: FactorResults) -> PageTable:
    """Fama-MacBeth slopes."""
    return _by_factor(results, results.fama_macbeth, _SLOPES, ["model"])


def spanning_table(results: FactorResults) -> PageTable:
    """Alphas of weekly returns."""
    return _by_factor(results, results.spanning, _SPANNING, ["benchmarks"])


def sleeve_table(results: FactorResults) -> PageTable:
    """Sharpe ratios that mixes of factors reach without and with another class."""
    rows = []
    for row in results.sleeve_test.to_dict("records"):
        test = _TESTS.get(row["test"], "")
        name = _MEASURES.get(row["measure"], row["measure"])
        words = [f"{row['tested']} beside {row['benchmarks']}", name, row["rule"], test]
        rows.append([*words, *(form(row[column]) for column, _, form in _SLEEVES)])
    heads = ["What", "Sharpe ratio", "Weights", "Test"]
    return PageTable([*heads, *(head for _, head, _ in _SLEEVES)], rows, 4)


def quantile_means(results: FactorResults) -> PageTable:
    """Mean return a year of each quantile before costs, and the spread before and after."""
    table = results.quantiles
    numbers = sorted(set(table["quantile"]) - {"spread"}, key=int)
    rows = []
    for pair, own in table.groupby(["asset_class", "factor"], sort=False):
        means = own.set_index("quantile")
        spread = means.loc["spread"]
        rows.append(
            [
                factor_label(results, *pair),
                *(share(means.loc[number, "mean_annual"]) for number in numbers),
                share(spread["mean_annual"]),
                one(spread["t_stat"]),
                share(spread["net_mean_annual"]),
                one(spread["net_t"]),
                whole(spread["break_even_bps"]),
            ]
        )
    edges = {numbers[0]: " (worst)", numbers[-1]: " (best)"} if numbers else {}
    heads = [f"Q{number}{edges.get(number, '')}" for number in numbers]
    ends = ["Spread", "t", "Net spread", "Net t", "Break-even, bps"]
    return PageTable(["Factor", *heads, *ends], rows)


def decay_table(results: FactorResults) -> PageTable:
    """Mean rank IC by horizon, with its t-statistic below it."""
    table = results.decay
    horizons = list(dict.fromkeys(table["horizon"]))
    rows = []
    for pair, own in table.groupby(["asset_class", "factor"], sort=False):
        known = own.set_index("horizon")
        cells = [
            f"{three(known.loc[h, 'ic_mean'])} ({one(known.loc[h, 'ic_t'])})"
            for h in horizons
            if h in known.index
        ]
        rows.append([factor_label(results, *pair), *cells, whole(own["ic_half_life"].iloc[0])])
    return PageTable(["Factor", *(f"{h}" for h in horizons), "Half-life"], rows)


def regime_table(results: FactorResults) -> PageTable:
    """Mean return a year by trend and volatility of the market, and the t of the difference."""
    table = results.regimes
    states = [("trend", "bull"), ("trend", "bear"), ("volatility", "low"), ("volatility", "high")]
    heads = {
        "bull": "Market rose", "bear": "Market fell", "low": "Calm", "high": "Volatile"
    }  # fmt: skip
    rows = []
    for pair, own in table.groupby(["asset_class", "factor"], sort=False):
        known = own.set_index(["kind", "regime"])
        cells = []
        for kind, state in states:
            at = (kind, state) in known.index
            cells.append(share(known.loc[(kind, state), "mean_annual"]) if at else "\u2013")
            if state in ("bear", "high"):
                cells.append(one(known.loc[(kind, state), "difference_t"]) if at else "\u2013")
        rows.append([factor_label(results, *pair), *cells])
    names = [heads["bull"], heads["bear"], "t of the difference"]
    names += [heads["low"], heads["high"], "t of the difference"]
    return PageTable(["Factor", *names], rows)


def everywhere_table(results: FactorResults) -> PageTable:
    """Value, momentum and both in each class, and over all."""
    rows = [
        [row["portfolio"], *(form(row[column]) for column, _, form in _EVERYWHERE)]
        for row in _records(results.everywhere)
    ]
    return PageTable(["Portfolio", *(head for _, head, _ in _EVERYWHERE)], rows)


def _by_factor(
    results: FactorResults,
    table: pd.DataFrame,
    columns: Sequence[Column],
    words: Sequence[str] = (),
) -> PageTable:
    rows = [
        [
            factor_label(results, row["asset_class"], row["factor"]),
            *(str(row[word]) for word in words),
            *(form(row[column]) for column, _, form in columns),
        ]
        for row in _records(table)
    ]
    heads = ["Factor", *(word.capitalize() for word in words)]
    return PageTable([*heads, *(head for _, head, _ in columns)], rows, 1 + len(words))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return table.to_dict("records")
