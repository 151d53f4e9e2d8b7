"""The tables of each factor of a study: quantiles and the summary, before and after costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analyzers.information import information_coefficients, overlap_lags, summarize_information
from analyzers.metrics import cagr, max_drawdown, sharpe_ratio, volatility
from analyzers.regression import newey_west_mean
from analyzers.study_costs import break_even_bps
from analyzers.study_part import Book, StudyPart

__all__ = [
    "IC_COLUMNS",
    "QUANTILE_COLUMNS",
    "SUMMARY_COLUMNS",
    "earned",
    "quantile_table",
    "stacked",
    "summary_row",
]

IC_COLUMNS = (
    "decision_date", "asset_class", "factor", "ranked", "ic", "ic_untraded",
    "rank_autocorrelation", "turnover_half", "cost",
)  # fmt: skip
QUANTILE_COLUMNS = (
    "asset_class", "factor", "quantile", "mean_annual", "cagr", "volatility", "sharpe", "t_stat",
    "max_drawdown", "turnover_half_annual", "cost_annual", "net_mean_annual", "net_t",
    "break_even_bps",
)  # fmt: skip
SUMMARY_COLUMNS = (
    "asset_class", "factor", "label", "decisions", "ranked_mean", "mean_annual", "cagr",
    "volatility", "sharpe", "max_drawdown", "return_t", "cost_annual", "borrow_annual",
    "net_mean_annual", "net_cagr", "net_sharpe", "net_t", "break_even_bps", "ic_mean", "ic_sd",
    "icir", "ic_t", "ic_lags", "ic_untraded_mean", "ic_pearson_mean", "ic_pearson_t",
    "spread_annual", "net_spread_annual", "turnover_half_annual", "rank_autocorrelation",
)  # fmt: skip


def earned(returns: pd.Series, periods_per_year: int) -> dict[str, float]:
    """Mean a year, CAGR, volatility, Sharpe, t of the mean, deepest drawdown; NaN if undefined.

    Parameters
    ----------
    returns : (T,) Series
        Session returns by date; NaN is left out.
    periods_per_year : int
    """
    known = returns.dropna()
    mean, t_stat, _ = newey_west_mean(known)
    figures = {
        "mean_annual": mean * periods_per_year,
        "cagr": cagr(known.index, 1.0, float((1.0 + known).prod())),
        "volatility": volatility(known, periods_per_year),
        "sharpe": sharpe_ratio(known, periods_per_year),
        "t_stat": t_stat,
        "max_drawdown": max_drawdown(known),
    }
    return {name: np.nan if value is None else float(value) for name, value in figures.items()}


def quantile_table(part: StudyPart) -> pd.DataFrame:
    """QUANTILE_COLUMNS of each quantile, worst first, and of the spread.

    The spread is the best less the worst quantile, on full capital each; what both trade and
    cost counts.
    """
    books = part.quantiles
    lines = [_quantile_row(part, str(k + 1), book) for k, book in enumerate(books)]
    worst, best = books[0], books[-1]
    both = Book(
        best.returns - worst.returns,
        best.net - worst.net + 2.0 * (worst.net - worst.returns),
        best.turnover + worst.turnover,
        best.cost + worst.cost,
        0.0,
    )
    lines.append(_quantile_row(part, "spread", both))
    return pd.DataFrame(lines, columns=list(QUANTILE_COLUMNS))


def summary_row(part: StudyPart, quantiles: pd.DataFrame) -> dict[str, Any]:
    """SUMMARY_COLUMNS of one factor; `quantiles` is its `quantile_table`."""
    book, periods = part.portfolio, part.rules.periods_per_year
    gross, net = (earned(part.series(line), periods) for line in (book.returns, book.net))
    lags = overlap_lags(part.data.rows, part.rules.horizon)
    decisions = part.decisions
    ic = summarize_information(decisions["ic"], lags)
    given = (part.scores, part.data.closed_marks, part.data.rows, part.rules.horizon)
    pearson = summarize_information(information_coefficients(*given, method="pearson"), lags)
    spread = quantiles.iloc[-1]
    turnover = _annual(part, book.turnover)
    return {
        "asset_class": part.group,
        "factor": part.factor,
        "label": part.label,
        "decisions": len(decisions),
        "ranked_mean": float(decisions["ranked"].mean()),
        "return_t": gross["t_stat"],
        **{name: gross[name] for name in ("mean_annual", "cagr", "volatility", "sharpe")},
        "max_drawdown": gross["max_drawdown"],
        "cost_annual": _annual(part, book.cost),
        "borrow_annual": book.borrow_annual,
        "net_mean_annual": net["mean_annual"],
        "net_cagr": net["cagr"],
        "net_sharpe": net["sharpe"],
        "net_t": net["t_stat"],
        "break_even_bps": break_even_bps(gross["mean_annual"], 2.0 * turnover),
        "ic_mean": ic["mean"],
        "ic_sd": ic["sd"],
        "icir": ic["icir"],
        "ic_t": ic["t_stat"],
        "ic_lags": ic["lags"],
        "ic_untraded_mean": float(decisions["ic_untraded"].mean()),
        "ic_pearson_mean": pearson["mean"],
        "ic_pearson_t": pearson["t_stat"],
        "spread_annual": float(spread["mean_annual"]),
        "net_spread_annual": float(spread["net_mean_annual"]),
        "turnover_half_annual": turnover,
        "rank_autocorrelation": float(decisions["rank_autocorrelation"].mean()),
    }


def stacked(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Tables of the same columns in one; one without rows where there is none."""
    kept = [table for table in tables if len(table)]
    if not kept:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(kept, ignore_index=True)


def _quantile_row(part: StudyPart, name: str, book: Book) -> dict[str, Any]:
    periods = part.rules.periods_per_year
    gross, net = (earned(part.series(line), periods) for line in (book.returns, book.net))
    turnover = _annual(part, book.turnover)
    return {
        "asset_class": part.group,
        "factor": part.factor,
        "quantile": name,
        **gross,
        "turnover_half_annual": turnover,
        "cost_annual": _annual(part, book.cost),
        "net_mean_annual": net["mean_annual"],
        "net_t": net["t_stat"],
        "break_even_bps": break_even_bps(gross["mean_annual"], 2.0 * turnover),
    }


def _annual(part: StudyPart, by_decision: np.ndarray) -> float:
    """Sum over the entries a year of the sessions on which something was held."""
    sessions = int(part.series(part.portfolio.returns).notna().sum())
    broad = by_decision[part.breadth > 0]
    total = float(np.nansum(broad))
    return total * part.rules.periods_per_year / sessions if sessions else np.nan
