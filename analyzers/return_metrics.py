"""Metrics of a series of session returns; formulas and sources stand in `docs/metrics.md`."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

__all__ = [
    "alpha_beta",
    "cagr",
    "calmar_ratio",
    "cvar",
    "drawdown",
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
    "value_at_risk",
    "volatility",
]

#: Spread below this share of the largest return is rounding, not risk.
_ROUNDING = 1e-12
_DAYS_PER_YEAR = 365.25


def session_rate(annual: float, periods_per_year: int) -> float:
    """Rate of one session that compounds to `annual`: ``(1 + annual)^(1/ppy) - 1``."""
    return float((1.0 + annual) ** (1.0 / periods_per_year) - 1.0)


def cagr(dates: pd.Index, starting_cash: float, final_value: float) -> float | None:
    """Compound growth a year by elapsed days: ``(final/starting)^(365.25/days) - 1``.

    ``days`` run from the first to the last of `dates`. None under one day, and where the
    final value is below zero; -1 where it is zero.
    """
    days = (dates[-1] - dates[0]).days if len(dates) else 0
    ratio = final_value / starting_cash
    if days < 1 or ratio < 0 or not math.isfinite(ratio):
        return None
    try:
        return float(ratio ** (_DAYS_PER_YEAR / days) - 1.0)
    except OverflowError:  # a day that doubles the money has no meaningful annual rate
        return None


def volatility(returns: pd.Series, periods_per_year: int) -> float | None:
    """Sample standard deviation (ddof 1) times ``sqrt(ppy)``; None under two sessions."""
    known = _known(returns)
    if len(known) < 2:
        return None
    return float(np.std(known, ddof=1) * math.sqrt(periods_per_year))


def sharpe_ratio(returns: pd.Series, periods_per_year: int, rate: float = 0.0) -> float | None:
    """``mean(r - rate) / sd(r) sqrt(ppy)``; `rate` is per session. None without variance."""
    known = _known(returns)
    if not _varies(known):
        return None
    return float((known.mean() - rate) / np.std(known, ddof=1) * math.sqrt(periods_per_year))


def sortino_ratio(returns: pd.Series, periods_per_year: int, rate: float = 0.0) -> float | None:
    """``mean(r - rate) / sqrt(mean(min(r - rate, 0)^2)) sqrt(ppy)`` over all sessions.

    None under two sessions and where no session is below `rate` (Sortino, Price 1994).
    """
    excess = _known(returns) - rate
    downside = math.sqrt(float(np.mean(np.minimum(excess, 0.0) ** 2))) if len(excess) else 0.0
    if len(excess) < 2 or downside <= _ROUNDING * float(np.abs(excess).max()):
        return None
    return float(excess.mean() / downside * math.sqrt(periods_per_year))


def calmar_ratio(growth: float | None, deepest: float | None) -> float | None:
    """CAGR over the absolute maximum drawdown; None where either is missing or zero."""
    if growth is None or deepest is None or deepest == 0.0:
        return None
    return growth / abs(deepest)


def drawdown(returns: pd.Series) -> pd.Series:
    """(T,) loss from the highest wealth so far, <= 0; the starting capital is a peak too.

    A missing return leaves wealth where it was.
    """
    wealth = (1.0 + returns.fillna(0.0)).cumprod()
    return (wealth / wealth.cummax().clip(lower=1.0) - 1.0).rename("drawdown")


def max_drawdown(returns: pd.Series) -> float | None:
    """The deepest drawdown, a negative number or zero; None without sessions."""
    return float(drawdown(returns).min()) if len(_known(returns)) else None


def longest_drawdown_days(returns: pd.Series) -> int | None:
    """Calendar days of the longest time under water, from the peak to the recovery.

    The peak is the last session at a high (the first session, where the starting capital is
    the peak); one that has not recovered counts to the last session. None without sessions.
    """
    if not len(_known(returns)):
        return None
    depth = drawdown(returns).to_numpy()
    days = returns.index.values.astype("datetime64[D]").astype("int64")
    at_high = depth >= 0.0
    peak = np.maximum.accumulate(np.where(at_high, np.arange(len(depth)), 0))
    # A recovery session is measured from the peak before it.
    since = np.concatenate([[0], peak[:-1]])
    under = ~at_high
    under[1:] |= under[:-1]
    return int(np.max(np.where(under, days - days[since], 0)))


def skewness(returns: pd.Series) -> float | None:
    """Bias-corrected sample skewness (G1); None under three sessions or without variance."""
    known = _known(returns)
    return float(pd.Series(known).skew()) if len(known) > 2 and _varies(known) else None


def kurtosis(returns: pd.Series) -> float | None:
    """Bias-corrected excess kurtosis (G2); None under four sessions or without variance."""
    known = _known(returns)
    return float(pd.Series(known).kurt()) if len(known) > 3 and _varies(known) else None


def value_at_risk(returns: pd.Series, level: float = 0.95) -> float | None:
    """Historical VaR as a return: the ``1 - level`` quantile (linear), negative for a loss."""
    known = _known(returns)
    return float(np.quantile(known, 1.0 - level)) if len(known) > 1 else None


def cvar(returns: pd.Series, level: float = 0.95) -> float | None:
    """Mean of the returns at or below the VaR, as a return, negative for a loss."""
    limit = value_at_risk(returns, level)
    if limit is None:
        return None
    known = _known(returns)
    return float(known[known <= limit].mean())


def hit_rate(returns: pd.Series) -> float | None:
    """Share of sessions with a positive return; sessions at zero count as misses."""
    known = _known(returns)
    return float(np.mean(known > 0.0)) if len(known) else None


def alpha_beta(
    returns: pd.Series, benchmark: pd.Series, periods_per_year: int, rate: float = 0.0
) -> tuple[float | None, float | None]:
    """Alpha (arithmetic, per year) and beta of the returns over `rate` on the benchmark.

    ``beta = cov(r, b) / var(b)``; ``alpha = (mean(r - rate) - beta mean(b - rate)) ppy``.
    Dates are aligned on the intersection; pairs with a missing side are left out. Both are
    None where fewer than three pairs remain or the benchmark has no variance.
    """
    pairs = pd.concat([returns, benchmark], axis=1, join="inner").dropna().to_numpy(dtype=float)
    if len(pairs) < 3 or not _varies(pairs[:, 1]):
        return None, None
    own, market = pairs.mean(axis=0) - rate
    covariance = np.cov(pairs, rowvar=False, ddof=1)
    beta = float(covariance[0, 1] / covariance[1, 1])
    return float((own - beta * market) * periods_per_year), beta


def monthly_returns(returns: pd.Series) -> pd.Series:
    """Compounded return of each calendar month, indexed by its last day.

    A month without sessions is absent, not zero; missing returns are left out.
    """
    known = returns.dropna()
    if known.empty:
        return pd.Series(dtype=float, index=pd.DatetimeIndex([], name="date"), name=returns.name)
    months = known.index.to_period("M")
    compounded = (1.0 + known).groupby(months).prod() - 1.0
    compounded.index = compounded.index.to_timestamp(how="end").normalize().rename("date")
    return compounded.rename(returns.name)


def monthly_table(returns: pd.Series) -> pd.DataFrame:
    """Years x months (1..12) of compounded returns, and the whole ``Year``; NaN if absent."""
    monthly = monthly_returns(returns)
    years = pd.Index(sorted(set(monthly.index.year)), name="year")
    table = pd.DataFrame(np.nan, index=years, columns=[*range(1, 13), "Year"])
    for date, value in monthly.items():
        table.loc[date.year, date.month] = value
    table["Year"] = (1.0 + monthly).groupby(monthly.index.year).prod() - 1.0
    return table


def _known(returns: pd.Series) -> np.ndarray:
    values = returns.to_numpy(dtype=float)
    return values[np.isfinite(values)]


def _varies(known: np.ndarray) -> bool:
    if len(known) < 2:
        return False
    return bool(np.std(known, ddof=1) > _ROUNDING * np.abs(known).max())
