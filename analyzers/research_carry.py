"""Does each factor carry to coins: how one sample of stocks or of coins is studied."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analyzers.factor_performance import long_short_weights
from analyzers.information import information_coefficients, overlap_lags, summarize_information
from analyzers.metrics import sharpe_ratio
from analyzers.regression import newey_west_mean
from analyzers.research_measures import Measure
from analyzers.research_tests import DETECTED, p_of_t, smallest_sharpe
from analyzers.study_part import StudyData, StudyRules
from analyzers.study_sleeves import weekly_returns
from factors.holdings import Endings, holding_returns

__all__ = [
    "STUDY_COLUMNS",
    "SampleScores",
    "StudyFound",
    "study_sample",
]

STUDY_COLUMNS = (
    "sample", "universe", "measure", "label", "decisions", "ranked_median", "ranked_max", "first",
    "last", "years", "ic_mean", "ic_t", "ic_p", "ic_detectable", "ic_month_mean", "ic_month_t",
    "spread_annual", "spread_t", "spread_p", "spread_trimmed_annual", "sharpe",
    "sharpe_detectable", "spread_net_annual", "sharpe_net", "turnover_half_annual",
    "spread_delisted_annual",
)  # fmt: skip
_WEEKS = 52
#: Weeks of the longer look ahead.
_MONTH = 4


@dataclass(frozen=True, eq=False)
class SampleScores:
    """What the measures say of one sample's assets in one universe.

    Parameters
    ----------
    sample, universe : str
        ``us`` and ``investable``, for example.
    scores : dict
        Measure to (R, N) scores; NaN is not ranked: not eligible, or not known.
    data : StudyData
        Marks, dates, decisions and costs of the N assets.
    rules : StudyRules
    pessimistic : Endings or None
        Endings under which every series that ends for reasons unknown loses more.
    """

    sample: str
    universe: str
    scores: Mapping[Measure, np.ndarray]
    data: StudyData
    rules: StudyRules
    pessimistic: Endings | None = None


@dataclass(frozen=True, eq=False)
class StudyFound:
    """One sample and universe, studied.

    Parameters
    ----------
    table : DataFrame
        One row a measure, STUDY_COLUMNS.
    gross, net : DataFrame
        Index: Sundays; weekly returns of the best less the worst quantile, one column a measure,
        before and after commission, slippage and the fee on shorts. NaN up to and including the
        week of the first entry.
    """

    table: pd.DataFrame
    gross: pd.DataFrame
    net: pd.DataFrame


def study_sample(given: SampleScores) -> StudyFound:
    """Rank correlations and spreads of each measure.

    Parameters
    ----------
    given : SampleScores

    Returns
    -------
    StudyFound
        Of its table: ``decisions`` on which at least min_breadth assets are ranked, their median
        and largest number, IC with Newey-West t and Student p, the smallest IC and Sharpe ratio
        found four times out of five; ``ic_month`` looks four times as far ahead; the trimmed
        spread leaves out the twentieth of weeks at either end. A measure that is too thin on
        every decision has its breadth only.

    Notes
    -----
    A spread is the weekly return of the best quantile less that of the worst, each a fully
    invested book: mean a year without compounding. Of coins a book that is short loses more than
    all it has in some weeks, so that its growth says nothing.
    """
    rows, gross, net = [], {}, {}
    for measure, scores in given.scores.items():
        count = np.isfinite(scores).sum(axis=1)
        head = {
            "sample": given.sample,
            "universe": given.universe,
            "measure": measure.key,
            "label": measure.label,
            "ranked_max": int(count.max(initial=0)),
        }
        broad = count >= given.rules.min_breadth
        if not broad.any():
            rows.append({**head, "decisions": 0})
            continue
        kept = np.where(broad[:, None], scores, np.nan)
        spread = _Spread.of(kept, given)
        gross[measure.key], net[measure.key] = spread.gross, spread.net
        rows.append({**head, **_ranking(kept, given), **_earning(spread)})
    return StudyFound(
        pd.DataFrame(rows, columns=list(STUDY_COLUMNS)), pd.DataFrame(gross), pd.DataFrame(net)
    )


@dataclass(frozen=True, eq=False)
class _Spread:
    """Weekly returns of the best less the worst quantile, before, after and at worst."""

    gross: pd.Series
    net: pd.Series
    delisted: pd.Series | None
    turnover_annual: float

    @classmethod
    def of(cls, scores: np.ndarray, given: SampleScores) -> _Spread:
        data = given.data
        weights = 2.0 * long_short_weights(scores, given.rules.quantile)
        sides = np.maximum(weights, 0.0), np.maximum(-weights, 0.0)
        best, worst = (data.book(side) for side in sides)
        first = data.rows[int(np.argmax(np.isfinite(scores).any(axis=1)))] + 1
        fee = 0.0
        if data.charge is not None:
            fees = sides[1] @ data.charge.borrow_annual(data.columns)
            fee = float(fees[sides[1].any(axis=1)].mean()) if sides[1].any() else 0.0

        def weekly(returns: np.ndarray) -> pd.Series:
            known = np.array(returns)
            known[: first + 1] = np.nan
            frame = pd.DataFrame({"side": known}, index=data.index)
            return weekly_returns(frame)["side"]

        gross = weekly(best.returns) - weekly(worst.returns)
        # What the short side pays is lost on top of what it earns.
        net = weekly(best.net) - 2.0 * weekly(worst.returns) + weekly(worst.net)
        net = net - fee / _WEEKS
        delisted = None
        if given.pessimistic is not None:
            closed = (
                weekly(holding_returns(data.marks, data.rows, side, ends=given.pessimistic))
                for side in sides
            )
            delisted = next(closed) - next(closed)
        years = max(int(gross.notna().sum()), 1) / _WEEKS
        traded = float(np.nansum(best.turnover) + np.nansum(worst.turnover))
        return cls(gross, net, delisted, traded / years)


def _ranking(scores: np.ndarray, given: SampleScores) -> dict[str, Any]:
    data, horizon = given.data, given.rules.horizon
    found, month = (
        summarize_information(
            information_coefficients(scores, data.closed_marks, data.rows, ahead, lag=1),
            overlap_lags(data.rows, ahead),
        )
        for ahead in (horizon, _MONTH * horizon)
    )
    broad = np.isfinite(scores).any(axis=1)
    error = abs(found["mean"] / found["t_stat"]) if found["t_stat"] else math.nan
    decided = data.index[data.rows[broad]]
    return {
        "decisions": int(found["observations"]),
        "ranked_median": float(np.median(np.isfinite(scores).sum(axis=1)[broad])),
        "first": decided[0],
        "last": decided[-1],
        "ic_mean": found["mean"],
        "ic_t": found["t_stat"],
        "ic_p": p_of_t(found["t_stat"], found["observations"]),
        "ic_detectable": DETECTED * error,
        "ic_month_mean": month["mean"],
        "ic_month_t": month["t_stat"],
    }


def _earning(spread: _Spread) -> dict[str, Any]:
    gross = spread.gross.dropna()
    mean, t_stat, _ = newey_west_mean(gross)
    years = len(gross) / _WEEKS
    delisted = math.nan if spread.delisted is None else float(spread.delisted.mean()) * _WEEKS
    return {
        "years": years,
        "spread_annual": mean * _WEEKS,
        "spread_t": t_stat,
        "spread_p": p_of_t(t_stat, len(gross)),
        "spread_trimmed_annual": _trimmed_mean(gross) * _WEEKS,
        "sharpe": _sharpe(spread.gross),
        "sharpe_detectable": smallest_sharpe(years),
        "spread_net_annual": float(spread.net.mean()) * _WEEKS,
        "sharpe_net": _sharpe(spread.net),
        "turnover_half_annual": spread.turnover_annual,
        "spread_delisted_annual": delisted,
    }


def _trimmed_mean(returns: pd.Series) -> float:
    """The mean without the twentieth of the weeks at either end."""
    ordered = np.sort(returns.to_numpy(dtype=float))
    cut = len(ordered) // 20
    return float(ordered[cut : len(ordered) - cut].mean()) if len(ordered) else math.nan


def _sharpe(returns: pd.Series) -> float:
    found = sharpe_ratio(returns.dropna(), _WEEKS)
    return math.nan if found is None else float(found)
