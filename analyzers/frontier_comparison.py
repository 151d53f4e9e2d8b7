"""What more series add to a portfolio of factors: in sample, corrected, and out of sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzers.frontier import MaxSharpe, max_sharpe, out_of_sample
from analyzers.sharpe_tests import SharpeDifference, sharpe_difference
from analyzers.spanning import JointTest, grs_test
from feeds.errors import DataError

__all__ = ["FrontierComparison", "compare_frontiers", "detectable_sharpe"]

_COLUMNS = (
    "measure", "base", "joint", "difference", "test", "p_value", "p_bootstrap", "observations",
    "reason",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class FrontierComparison:
    """Largest Sharpe ratios of the base series, and of base and extra series together.

    Parameters
    ----------
    table : DataFrame
        measure, base, joint, difference (Sharpe ratios a year), test, p_value, p_bootstrap,
        observations, reason. Measures: ``in_sample`` (tangency weights on their own dates;
        tested by ``grs``, unconstrained weights only), ``adjusted`` (Kan, Zhou 2007; no test),
        ``inverse_volatility`` (weights that know no mean), ``expanding`` and ``halves``
        (tangency weights on dates that they were not fitted on); the last three are tested by
        ``hac``, see `sharpe_difference`. `reason` says why a figure is missing.
    base, joint : MaxSharpe
    grs : JointTest
        Of the extra series on the base.
    out_of_sample : DataFrame
        ``base`` and ``joint`` returns of the expanding scheme.
    detectable : float
        Joint Sharpe ratio a year that the GRS test would find in four of five samples of this
        length, at the 5 % level: what is smaller may be there and not be seen.
    """

    table: pd.DataFrame
    base: MaxSharpe
    joint: MaxSharpe
    grs: JointTest
    out_of_sample: pd.DataFrame
    detectable: float


def compare_frontiers(
    base: pd.DataFrame,
    extra: pd.DataFrame,
    *,
    periods_per_year: int,
    minimum: int,
    step: int = 1,
    long_only: bool = False,
    lags: int | None = None,
    draws: int = 0,
    block: int = 5,
    rng: np.random.Generator | None = None,
) -> FrontierComparison:
    """Compare the frontier of `base` with that of `base` and `extra` on their common dates.

    Parameters
    ----------
    base, extra : DataFrame
        (T, K) and (T, N) excess or zero-cost returns, decimals, no column in both.
    periods_per_year : int
    minimum, step : int
        Dates before the first weights out of sample, and between new ones.
    long_only : bool
    lags, draws, block, rng
        As in `sharpe_difference`; the draws are those of the last three measures, in order.

    Raises
    ------
    DataError
        As `out_of_sample`, `sharpe_difference` and `grs_test`.

    Notes
    -----
    NaN handling: only dates that know every column are used, by both sides.
    """
    if not len(base.columns) or not len(extra.columns):
        raise DataError("one side of the frontiers has no series", "name one or more a side")
    both = pd.concat([base, extra], axis=1, join="inner").dropna().sort_index()
    sides = both[base.columns], both
    year = {"periods_per_year": periods_per_year}
    grs = grs_test(both[extra.columns], both[base.columns])
    best = [max_sharpe(side, **year, long_only=long_only) for side in sides]
    tested = {"lags": lags, "draws": draws, "block": block, "rng": rng, **year}
    fitted = {"minimum": minimum, "step": step, "long_only": long_only, **year}
    series = {
        "inverse_volatility": [_inverse_volatility(side) for side in sides],
        "expanding": [out_of_sample(side, **fitted) for side in sides],
        "halves": [out_of_sample(side, scheme="halves", **fitted) for side in sides],
    }
    lines = [_in_sample(best, grs, long_only), _adjusted(best, long_only)]
    for name, (first, second) in series.items():
        lines.append((name, *_tested(sharpe_difference(second, first, **tested))))
    return FrontierComparison(
        table=pd.DataFrame(lines, columns=list(_COLUMNS)),
        base=best[0],
        joint=best[1],
        grs=grs,
        out_of_sample=pd.DataFrame(dict(zip(("base", "joint"), series["expanding"]))),
        detectable=detectable_sharpe(grs, **year),
    )


def detectable_sharpe(
    grs: JointTest, *, periods_per_year: int, level: float = 0.05, power: float = 0.8
) -> float:
    """Joint Sharpe ratio a year at which the test rejects with probability `power`.

    The statistic is then noncentral F with ``T (s*^2 - s^2) / (1 + s^2)``, the benchmarks'
    Sharpe ratio s taken as it was found. NaN where the test is not defined.
    """
    if grs.reason:
        return float("nan")
    from scipy.optimize import brentq
    from scipy.stats import f, ncf

    limit = float(f.isf(level, grs.df1, grs.df2))

    def missing(noncentrality: float) -> float:
        return float(ncf.sf(limit, grs.df1, grs.df2, noncentrality)) - power

    high = 10.0
    while missing(high) < 0.0:
        high *= 2.0
    needed = brentq(missing, 1e-6, high, xtol=1e-10)
    squared = grs.benchmark_sharpe**2
    joint = squared + needed / grs.observations * (1.0 + squared)
    return float((joint * periods_per_year) ** 0.5)


def _in_sample(best: list[MaxSharpe], grs: JointTest, long_only: bool) -> tuple:
    base, joint = (side.in_sample for side in best)
    test, p_value = ("", np.nan) if long_only else ("grs", grs.p_value)
    reason = best[0].reason or best[1].reason
    return "in_sample", base, joint, joint - base, test, p_value, np.nan, _dates(best), reason


def _adjusted(best: list[MaxSharpe], long_only: bool) -> tuple:
    base, joint = (side.adjusted for side in best)
    reason = "not defined for long-only weights" if long_only else ""
    reason = best[0].reason or best[1].reason or reason
    return "adjusted", base, joint, joint - base, "", np.nan, np.nan, _dates(best), reason


def _dates(best: list[MaxSharpe]) -> int:
    return best[1].observations


def _tested(found: SharpeDifference) -> tuple:
    ratios = (found.second, found.first, found.difference)
    return (*ratios, "hac", found.p_hac, found.p_bootstrap, found.observations, found.reason)


def _inverse_volatility(returns: pd.DataFrame) -> pd.Series:
    """Each series at the same risk on the whole sample; one without risk is left out."""
    spread = returns.std()
    inverse = (1.0 / spread).where(spread > 0.0, 0.0)
    total = float(inverse.sum())
    return returns @ (inverse / total if total > 0.0 else inverse)
