"""Performance metrics of one run: pure functions of returns, values and fills.

Every definition, its formula and where it differs from QuantStats stands in
`docs/metrics.md`. The metrics of a return series alone live in `analyzers/return_metrics.py`
and are public here too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from analyzers.return_metrics import (
    alpha_beta,
    cagr,
    calmar_ratio,
    cvar,
    drawdown,
    hit_rate,
    kurtosis,
    longest_drawdown_days,
    max_drawdown,
    monthly_returns,
    monthly_table,
    session_rate,
    sharpe_ratio,
    skewness,
    sortino_ratio,
    value_at_risk,
    volatility,
)

__all__ = [
    "alpha_beta",
    "annual_rate",
    "cagr",
    "calmar_ratio",
    "compute_metrics",
    "cvar",
    "drawdown",
    "half_turnover",
    "hit_rate",
    "kurtosis",
    "longest_drawdown_days",
    "max_drawdown",
    "monthly_returns",
    "monthly_table",
    "session_rate",
    "sharpe_ratio",
    "skewness",
    "sortino_ratio",
    "traded_value",
    "value_at_risk",
    "volatility",
]


def compute_metrics(
    values: pd.DataFrame,
    fills: pd.DataFrame,
    carry: pd.DataFrame,
    weights: pd.DataFrame,
    returns: pd.Series,
    benchmark: pd.Series,
    *,
    starting_cash: float,
    periods_per_year: int,
    cash_annual: float = 0.0,
    prices: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """All metrics of a run, under the names of ``metrics.json``.

    Parameters
    ----------
    values : DataFrame
        Index date; value, cash, long, short, margin, in currency; T sessions.
    fills, carry, weights : DataFrame
        As in the run's CSV files.
    returns : Series
        (T,) session returns on the index of `values`, the first against `starting_cash`.
    benchmark : Series
        (T,) session returns. One named ``cash`` has no beta and no alpha.
    starting_cash : float
        In currency.
    periods_per_year : int
        Sessions a year: 252 or 365.
    cash_annual : float
        Annual rate of cash, subtracted in Sharpe, Sortino, alpha and beta.
    prices : DataFrame, optional
        Index date, one column a symbol: the marks of the book. Without them the drifted
        weights are not known and ``turnover_half_annual`` is None.

    Returns
    -------
    dict
        Name to float, int, ISO date or None. None means not defined (too few sessions, no
        variance, capital below zero); NaN and infinity never occur.

    Notes
    -----
    NaN handling: missing returns are left out; a missing benchmark return leaves out its
    session from alpha and beta only.
    """
    nav = values["value"].to_numpy(dtype=float)
    final = float(nav[-1]) if len(nav) else float(starting_cash)
    rate = session_rate(cash_annual, periods_per_year)
    growth = cagr(values.index, starting_cash, final)
    metrics = _return_metrics(returns, rate, periods_per_year)
    alpha, beta = (None, None)
    if benchmark.name != "cash":
        alpha, beta = alpha_beta(returns, benchmark, periods_per_year, rate)
    metrics |= {"cagr": growth, "calmar": calmar_ratio(growth, metrics["max_drawdown"])}
    metrics |= {"alpha_annual": alpha, "beta": beta}
    metrics |= _trading_metrics(values, fills, carry, periods_per_year)
    metrics["turnover_half_annual"] = _half_turnover_annual(
        values, fills, weights, prices, periods_per_year
    )
    metrics |= {
        "sessions": len(values),
        "periods_per_year": int(periods_per_year),
        "start": _iso(values.index[0]) if len(values) else None,
        "end": _iso(values.index[-1]) if len(values) else None,
        "starting_cash": float(starting_cash),
        "final_value": final,
    }
    return {name: _plain(metrics[name]) for name in _ORDER}


_ORDER = (
    "cagr",
    "volatility",
    "sharpe",
    "sortino",
    "calmar",
    "max_drawdown",
    "max_drawdown_days",
    "skew",
    "kurtosis",
    "var_95",
    "cvar_95",
    "beta",
    "alpha_annual",
    "turnover_half_annual",
    "turnover_traded_annual",
    "commission_annual",
    "slippage_annual",
    "carry_annual",
    "gross_mean",
    "net_mean",
    "hit_rate",
    "sessions",
    "periods_per_year",
    "start",
    "end",
    "starting_cash",
    "final_value",
)


def _return_metrics(returns: pd.Series, rate: float, periods_per_year: int) -> dict[str, Any]:
    return {
        "volatility": volatility(returns, periods_per_year),
        "sharpe": sharpe_ratio(returns, periods_per_year, rate),
        "sortino": sortino_ratio(returns, periods_per_year, rate),
        "max_drawdown": max_drawdown(returns),
        "max_drawdown_days": longest_drawdown_days(returns),
        "skew": skewness(returns),
        "kurtosis": kurtosis(returns),
        "var_95": value_at_risk(returns),
        "cvar_95": cvar(returns),
        "hit_rate": hit_rate(returns),
    }


def _trading_metrics(
    values: pd.DataFrame, fills: pd.DataFrame, carry: pd.DataFrame, periods_per_year: int
) -> dict[str, Any]:
    nav = values["value"].to_numpy(dtype=float)

    def annual(amount: float) -> float | None:
        return annual_rate(amount, nav, periods_per_year)

    exposed = len(nav) > 0 and bool(np.all(nav > 0))
    long, short = (values[side].to_numpy(dtype=float) for side in ("long", "short"))
    return {
        "turnover_traded_annual": annual(traded_value(fills)),
        "commission_annual": annual(_total(fills, "commission")),
        "slippage_annual": annual(_total(fills, "slippage")),
        "carry_annual": annual(_total(carry, "amount")),
        "gross_mean": float(np.mean((long - short) / nav)) if exposed else None,
        "net_mean": float(np.mean((long + short) / nav)) if exposed else None,
    }


def annual_rate(amount: float, nav: np.ndarray, periods_per_year: int) -> float | None:
    """`amount` as a fraction of the mean of `nav` per year of ``len(nav) / ppy`` years.

    None where there is no session or the mean NAV is not positive.
    """
    if len(nav) == 0 or not np.mean(nav) > 0:
        return None
    return float(amount / np.mean(nav) * periods_per_year / len(nav))


def traded_value(fills: pd.DataFrame) -> float:
    """Sum of ``abs(size x price)`` of the rebalance fills, in currency (two-way)."""
    planned = fills[fills["reason"] == "rebalance"]
    sizes, prices = (planned[name].to_numpy(dtype=float) for name in ("size", "price"))
    return float(np.abs(sizes * prices).sum())


def half_turnover(
    values: pd.DataFrame, fills: pd.DataFrame, weights: pd.DataFrame, prices: pd.DataFrame
) -> pd.Series:
    """Half the sum of ``abs(target - drifted weight)`` of each decision.

    The drifted weight is position x mark / NAV at the close of the decision, the position
    being the sum of all fills up to then; before the first fill it is zero. Decisions on the
    last session or later were never traded and are left out. Index decision_date.
    """
    kept = weights[weights["decision_date"] < values.index[-1]] if len(values) else weights[:0]
    dates, row = np.unique(kept["decision_date"].to_numpy(), return_inverse=True)
    symbols = pd.Index(prices.columns).union(pd.Index(kept["symbol"].unique()))
    target = np.zeros((len(dates), len(symbols)))
    target[row, symbols.get_indexer(kept["symbol"])] = kept["target_weight"].to_numpy(float)
    # Units after the last fill on or before each decision.
    held = np.zeros((len(dates) + 1, len(symbols)))
    since = np.searchsorted(dates, fills["date"].to_numpy())
    np.add.at(held, (since, symbols.get_indexer(fills["symbol"])), fills["size"].to_numpy(float))
    held = held.cumsum(axis=0)[: len(dates)]
    at = values.index.get_indexer(dates)
    mark = np.zeros_like(held)
    place = symbols.get_indexer(prices.columns)
    mark[:, place] = np.nan_to_num(prices.to_numpy(float)[prices.index.get_indexer(dates)])
    nav = np.where(at >= 0, values["value"].to_numpy(float)[at], np.inf)[:, None]
    half = np.abs(target - held * mark / nav).sum(axis=1) / 2.0
    return pd.Series(half, index=pd.DatetimeIndex(dates), name="turnover_half")


def _half_turnover_annual(
    values: pd.DataFrame,
    fills: pd.DataFrame,
    weights: pd.DataFrame,
    prices: pd.DataFrame | None,
    periods_per_year: int,
) -> float | None:
    if prices is None or not len(values):
        return None
    total = half_turnover(values, fills, weights, prices).sum()
    return float(total * periods_per_year / len(values))


def _total(table: pd.DataFrame, column: str) -> float:
    return float(table[column].to_numpy(dtype=float).sum())


def _iso(date: Any) -> str:
    return pd.Timestamp(date).strftime("%Y-%m-%d")


def _plain(value: Any) -> Any:
    """`value` ready for JSON: a float that is not finite becomes None."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
