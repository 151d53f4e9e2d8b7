"""What pages, figures and the terminal share: names of series and formats of metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analyzers import return_metrics as statistics
from analyzers.result import RunResult

__all__ = [
    "HEADLINES",
    "benchmark_label",
    "cash_rate",
    "compared_returns",
    "cost_table",
    "event_counts",
    "format_metric",
    "format_score",
    "headline_table",
    "rank_groups",
    "rebalance_turnover",
    "trading_table",
]

#: Metric, label and kind of number of the headline table, in the order shown.
HEADLINES = (
    ("cagr", "CAGR, a year", "percent"),
    ("volatility", "Volatility, a year", "percent"),
    ("sharpe", "Sharpe ratio", "ratio"),
    ("sortino", "Sortino ratio", "ratio"),
    ("max_drawdown", "Maximum drawdown", "percent"),
    ("max_drawdown_days", "Longest time under water, days", "count"),
    ("calmar", "Calmar ratio", "ratio"),
    ("skew", "Skewness, sessions", "ratio"),
    ("kurtosis", "Excess kurtosis, sessions", "ratio"),
    ("var_95", "Value at risk 95 %, a session", "percent"),
    ("cvar_95", "Expected shortfall 95 %, a session", "percent"),
    ("hit_rate", "Sessions with a gain", "percent"),
    ("beta", "Beta to the benchmark", "ratio"),
    ("alpha_annual", "Alpha to the benchmark, a year", "percent"),
)
_TRADING = (
    ("turnover_traded_annual", "Traded value over NAV, two-way", "percent"),
    ("turnover_half_annual", "Half of absolute weight changes", "percent"),
    ("commission_annual", "Commission paid, over NAV", "percent"),
    ("slippage_annual", "Slippage paid, over NAV", "percent"),
    ("carry_annual", "Carry received (negative: paid), over NAV", "percent"),
    ("gross_mean", "Mean gross exposure, over NAV", "percent"),
    ("net_mean", "Mean net exposure, over NAV", "percent"),
)
_COSTS = (
    ("cost_annual", "Cost, a year", "percent"),
    ("cagr", "CAGR", "percent"),
    ("volatility", "Volatility", "percent"),
    ("sharpe", "Sharpe", "ratio"),
    ("max_drawdown", "Max drawdown", "percent"),
    ("final_value", "Final value", "money"),
)
_EVENTS = {
    "barred": "Classes without what a stop barred, at a decision",
    "cancelled": "Orders cancelled",
    "capped": "Decisions at which a cap left weight in cash",
    "delisting": "Holdings closed because their series ended",
    "liquidation": "Liquidations at maintenance margin",
    "min_ticket": "Decisions of which small tickets were left out",
    "missing exposure": "Exposures without a budget at a decision",
    "participation": "Orders that waited for volume",
    "rejected": "Plans or increases of which nothing could be filled",
    "risk budget": "Decisions at which risk could not be budgeted as asked",
    "scaled": "Baskets scaled to the cash and margin there was",
    "short stream": "Factors whose own returns were short at a decision",
    "stop": "Holdings given up by a stop",
    "thin sleeve": "Decisions at which a sleeve was too thin to rank",
    "turnover_budget": "Decisions scaled to the turnover budget",
    "unborrowable": "Classes without shorts that nobody lends, at a decision",
    "waiting": "Orders that waited for a bar",
}
PORTFOLIO_NAME = "Portfolio"
UNIVERSE_NAME = "Equal-weighted universe"


def benchmark_label(result: RunResult) -> str:
    """How the benchmark is called in tables and plots."""
    name = str(result.benchmark.name or "benchmark")
    return {"equal_weight": UNIVERSE_NAME, "cash": "Cash"}.get(name, name)


def compared_returns(result: RunResult) -> pd.DataFrame:
    """Returns of portfolio, benchmark and universe; a universe that is the benchmark once."""
    columns = {PORTFOLIO_NAME: result.returns}
    columns[f"{benchmark_label(result)} (benchmark)"] = result.benchmark
    if benchmark_label(result) != UNIVERSE_NAME:
        columns[UNIVERSE_NAME] = result.universe
    return pd.DataFrame(columns, index=result.returns.index).astype(float)


def rank_groups(ranks: pd.DataFrame, rows: int = 12) -> list[pd.DataFrame]:
    """Best and worst ranked assets, then holdings that are unranked or larger than these.

    The last group, of at most six, is where a thin sleeve's few assets are found. Empty groups
    are left out.
    """
    ranked = ranks[ranks["rank"].notna()]
    best, worst = ranked.head(rows), ranked.iloc[max(rows, len(ranked) - rows) :]
    shown = best.index.union(worst.index)
    rest = ranks.drop(index=shown)
    size = rest["target_weight"].abs()
    largest = ranks.loc[shown, "target_weight"].abs().max() if len(shown) else 0.0
    notable = rest[(size > 0) & (rest["rank"].isna() | (size > largest))]
    order = notable["target_weight"].abs().sort_values(ascending=False, kind="stable").index
    return [group for group in (best, worst, notable.loc[order[:6]]) if len(group)]


def rebalance_turnover(values: pd.DataFrame, fills: pd.DataFrame) -> pd.Series:
    """Traded value over account value of each day with rebalance fills, two-way."""
    planned = fills[fills["reason"] == "rebalance"]
    traded = (planned["size"].astype(float) * planned["price"].astype(float)).abs()
    by_day = traded.groupby(pd.DatetimeIndex(planned["date"])).sum()
    return (by_day / values["value"].reindex(by_day.index)).dropna()


def headline_table(result: RunResult) -> pd.DataFrame:
    """Headline metrics as text: a row a metric, a column a series; blank where undefined."""
    columns = {}
    for name, series in compared_returns(result).items():
        numbers = result.metrics if name == PORTFOLIO_NAME else _of_series(series, result)
        columns[name] = [format_metric(numbers.get(key), kind) for key, _, kind in HEADLINES]
    return pd.DataFrame(columns, index=[label for _, label, _ in HEADLINES])


def trading_table(result: RunResult) -> list[tuple[str, str]]:
    """Turnover, costs and exposure as (label, text); rates are a year."""
    return [(text, format_metric(result.metrics.get(key), kind)) for key, text, kind in _TRADING]


def cost_table(costs: pd.DataFrame) -> pd.DataFrame:
    """Cost sensitivity as text: a row a method and scale, in the order of the input."""
    rows = [
        [str(row["method"]), f"{row['scale']:g}\u00d7"]
        + [format_metric(row.get(key), kind) for key, _, kind in _COSTS]
        for row in costs.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=["Method", "Scale", *(label for _, label, _ in _COSTS)])


def event_counts(events: pd.DataFrame) -> list[tuple[str, int]]:
    """(what happened, how often) by kind, sorted by kind; an unknown kind names itself."""
    counts = events["kind"].value_counts().sort_index()
    return [
        (_EVENTS.get(str(kind), str(kind).capitalize()), int(count))
        for kind, count in counts.items()
    ]


def format_score(value: float) -> str:
    """A score or factor of the ranks, three decimals; ``n/a`` where it is not known."""
    return f"{value:.3f}".replace("-", "\u2212") if np.isfinite(value) else "n/a"


def format_metric(value: Any, kind: str) -> str:
    """A number of `kind` percent, ratio, count or money as text; missing is a dash."""
    if value is None or not np.isfinite(value):
        return "\u2013"
    form = {"percent": f"{100 * value:,.2f} %", "ratio": f"{value:,.2f}", "count": f"{value:,.0f}"}
    return form.get(kind, f"{value:,.0f}").replace("-", "\u2212")


def _of_series(returns: pd.Series, result: RunResult) -> Mapping[str, Any]:
    """The metrics that need nothing but returns, for a series that nobody traded."""
    periods, known = result.periods_per_year, returns.dropna()
    growth = float((1.0 + known).prod())
    cagr = statistics.cagr(returns.index, 1.0, growth)
    deepest = statistics.max_drawdown(returns)
    rate = statistics.session_rate(cash_rate(result), periods)
    return {
        "cagr": cagr,
        "volatility": statistics.volatility(returns, periods),
        "sharpe": statistics.sharpe_ratio(returns, periods, rate),
        "sortino": statistics.sortino_ratio(returns, periods, rate),
        "max_drawdown": deepest,
        "max_drawdown_days": statistics.longest_drawdown_days(returns),
        "calmar": statistics.calmar_ratio(cagr, deepest),
        "skew": statistics.skewness(returns),
        "kurtosis": statistics.kurtosis(returns),
        "var_95": statistics.value_at_risk(returns),
        "cvar_95": statistics.cvar(returns),
        "hit_rate": statistics.hit_rate(returns),
    }


def cash_rate(result: RunResult) -> float:
    """The configured interest on cash, a year, which ratios are taken over; the mean of several."""
    given = result.config.get("costs", {}).get("carry", {}).get("cash_annual", 0.0) or 0.0
    return float(result.metrics["cash_annual"] if isinstance(given, (list, Mapping)) else given)
