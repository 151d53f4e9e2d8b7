"""A factor study: scores of several factors and classes into FactorResults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analyzers.factor_performance import (
    drifted_returns,
    factor_correlation,
    factor_turnover,
    long_short_weights,
    quantile_weights,
)
from analyzers.factor_results import FactorResults, study_key
from analyzers.information import (
    information_coefficients,
    overlap_lags,
    rank_autocorrelation,
    summarize_information,
)
from analyzers.metrics import cagr, max_drawdown, sharpe_ratio, volatility
from analyzers.regression import newey_west_mean

__all__ = ["StudyRules", "study_factors"]

_IC_COLUMNS = (
    "decision_date", "asset_class", "factor", "ranked", "ic", "ic_untraded",
    "rank_autocorrelation", "turnover_half",
)  # fmt: skip
_QUANTILE_COLUMNS = (
    "asset_class", "factor", "quantile", "mean_annual", "cagr", "volatility", "sharpe", "t_stat",
    "max_drawdown",
)  # fmt: skip
_SUMMARY_COLUMNS = (
    "asset_class", "factor", "label", "decisions", "ranked_mean", "cagr", "volatility", "sharpe",
    "max_drawdown", "return_t", "ic_mean", "ic_sd", "icir", "ic_t", "ic_lags",
    "ic_untraded_mean", "spread_annual", "turnover_half_annual", "rank_autocorrelation",
)  # fmt: skip
_THIN_COLUMNS = ("asset_class", "factor", "ranked_max", "min_breadth")


@dataclass(frozen=True)
class StudyRules:
    """How factors are compared.

    Parameters
    ----------
    quantile : float
        Share of the ranked assets on each side of a factor's own portfolio.
    min_breadth : int
        Ranked assets below which a decision is left out.
    horizon : int
        Sessions of the information coefficients' returns.
    periods_per_year : int
        252 or 365.
    """

    quantile: float
    min_breadth: int
    horizon: int
    periods_per_year: int

    @property
    def quantiles(self) -> int:
        """As many as fit the side: 5 for 0.2."""
        return max(2, round(1.0 / self.quantile))


def study_factors(
    scores: Mapping[str, np.ndarray],
    groups: Mapping[str, np.ndarray],
    close_marks: np.ndarray,
    dates: np.ndarray,
    rows: np.ndarray,
    rules: StudyRules,
    *,
    labels: Mapping[str, str],
    name: str = "Factor study",
    config: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> FactorResults:
    """Study each factor within each group of assets.

    Parameters
    ----------
    scores : dict of str to (R, N) array
        By factor column; higher is better. NaN is not ranked: not eligible, or not known.
    groups : dict of str to (N,) bool array
        Assets ranked together, by asset class.
    close_marks : (T, N) array
        Adjusted closes, the last mark carried.
    dates : (T,) datetime64[D] array
    rows : (R,) int array
        Decision rows, increasing.
    rules : StudyRules
    labels : dict
        Factor column to label.
    name, config, notes
        Carried into the results.

    Returns
    -------
    FactorResults
        Portfolios hold cash at no interest over decisions that are too thin; a factor that
        is too thin in a group at every decision is in `thin` alone.
    """
    parts, thin = [], []
    for group, members in groups.items():
        for factor, values in scores.items():
            ranked = np.where(members, values, np.nan)
            breadth = np.isfinite(ranked).sum(axis=1)
            if not (breadth >= rules.min_breadth).any():
                thin.append((group, factor, int(breadth.max(initial=0)), rules.min_breadth))
                continue
            broad = np.where((breadth >= rules.min_breadth)[:, None], ranked, np.nan)
            parts.append(_Part(group, factor, labels[factor], broad, close_marks, dates, rows))
    books = {part.key: part.portfolio(rules) for part in parts}
    quantiles = {part.key: part.quantiles(rules) for part in parts}
    ics = {part.key: part.decisions(rules) for part in parts}
    index = pd.DatetimeIndex(dates.astype("datetime64[ns]"), name="date")
    returns = pd.DataFrame(books, index=index, dtype=float)
    first = int(rows[0]) if len(rows) else 0
    keys = {part.key: f"{part.label}, {part.group}" for part in parts}
    return FactorResults(
        name=name,
        config=dict(config or {}),
        factor_returns=returns.iloc[first:],
        quantile_returns={key: table.iloc[first:] for key, table in quantiles.items()},
        ic=_stacked(list(ics.values()), _IC_COLUMNS),
        quantiles=_stacked(
            [part.quantile_table(quantiles[part.key], rules) for part in parts], _QUANTILE_COLUMNS
        ),
        summary=pd.DataFrame(
            [
                part.summary(books[part.key], quantiles[part.key], ics[part.key], rules)
                for part in parts
            ],
            columns=list(_SUMMARY_COLUMNS),
        ),
        thin=pd.DataFrame(thin, columns=list(_THIN_COLUMNS)),
        correlation=factor_correlation(returns.iloc[first:]),
        labels={**labels, **keys},
        notes=list(notes),
        horizon=rules.horizon,
        periods_per_year=rules.periods_per_year,
    )


@dataclass(frozen=True, eq=False)
class _Part:
    """One factor among one group's assets; `scores` (R, N) are NaN on thin decisions."""

    group: str
    factor: str
    label: str
    scores: np.ndarray
    marks: np.ndarray
    dates: np.ndarray
    rows: np.ndarray

    @property
    def key(self) -> str:
        return study_key(self.group, self.factor)

    @property
    def index(self) -> pd.DatetimeIndex:
        return pd.DatetimeIndex(self.dates.astype("datetime64[ns]"), name="date")

    @property
    def breadth(self) -> np.ndarray:
        return np.isfinite(self.scores).sum(axis=1)

    def portfolio(self, rules: StudyRules) -> pd.Series:
        weights = long_short_weights(self.scores, rules.quantile)
        return self._series(drifted_returns(self.marks, self.rows, weights))

    def quantiles(self, rules: StudyRules) -> pd.DataFrame:
        books = quantile_weights(self.scores, rules.quantiles)
        return pd.DataFrame(
            {
                number + 1: self._series(drifted_returns(self.marks, self.rows, book))
                for number, book in enumerate(books)
            }
        )

    def decisions(self, rules: StudyRules) -> pd.DataFrame:
        given = (self.scores, self.marks, self.rows, rules.horizon)
        weights = long_short_weights(self.scores, rules.quantile)
        table = pd.DataFrame(
            {
                "decision_date": self.index[self.rows],
                "asset_class": self.group,
                "factor": self.factor,
                "ranked": self.breadth,
                "ic": information_coefficients(*given, lag=1).to_numpy(),
                "ic_untraded": information_coefficients(*given, lag=0).to_numpy(),
                "rank_autocorrelation": rank_autocorrelation(self.scores),
                "turnover_half": factor_turnover(self.marks, self.rows, weights),
            }
        )
        return table[self.breadth > 0]

    def quantile_table(self, returns: pd.DataFrame, rules: StudyRules) -> pd.DataFrame:
        spread = returns[returns.columns[-1]] - returns[returns.columns[0]]
        lines = [*returns.items(), ("spread", spread)]
        rows = [(self.group, self.factor, str(q), *_earned(line, rules)) for q, line in lines]
        return pd.DataFrame(rows, columns=list(_QUANTILE_COLUMNS))

    def summary(
        self,
        book: pd.Series,
        quantiles: pd.DataFrame,
        decisions: pd.DataFrame,
        rules: StudyRules,
    ) -> dict[str, Any]:
        _, growth, risk, sharpe, return_t, deepest = _earned(book, rules)
        spread = (quantiles[quantiles.columns[-1]] - quantiles[quantiles.columns[0]]).mean()
        lags = overlap_lags(self.rows, rules.horizon)
        ic = summarize_information(decisions["ic"], lags)
        years = book.notna().sum() / rules.periods_per_year
        return {
            "asset_class": self.group,
            "factor": self.factor,
            "label": self.label,
            "decisions": len(decisions),
            "ranked_mean": float(decisions["ranked"].mean()),
            "cagr": growth,
            "volatility": risk,
            "sharpe": sharpe,
            "max_drawdown": deepest,
            "return_t": return_t,
            "ic_mean": ic["mean"],
            "ic_sd": ic["sd"],
            "icir": ic["icir"],
            "ic_t": ic["t_stat"],
            "ic_lags": ic["lags"],
            "ic_untraded_mean": float(decisions["ic_untraded"].mean()),
            "spread_annual": float(spread * rules.periods_per_year),
            "turnover_half_annual": decisions["turnover_half"].sum() / years if years else np.nan,
            "rank_autocorrelation": float(decisions["rank_autocorrelation"].mean()),
        }

    def _series(self, returns: np.ndarray) -> pd.Series:
        """Session returns, NaN up to and including the entry of the first broad decision."""
        first = self.rows[np.argmax(self.breadth > 0)] + 1
        returns[: first + 1] = np.nan
        return pd.Series(returns, index=self.index, name=self.key)


def _earned(returns: pd.Series, rules: StudyRules) -> tuple[float, ...]:
    """Mean a year, CAGR, volatility, Sharpe, t of the mean, deepest drawdown; NaN if undefined."""
    known, periods = returns.dropna(), rules.periods_per_year
    mean, t_stat, _ = newey_west_mean(known)
    figures = (
        mean * periods,
        cagr(known.index, 1.0, float((1.0 + known).prod())),
        volatility(known, periods),
        sharpe_ratio(known, periods),
        t_stat,
        max_drawdown(known),
    )
    return tuple(np.nan if figure is None else float(figure) for figure in figures)


def _stacked(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    if not tables:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(tables, ignore_index=True)
