"""Bands of outcome under random slippage: the same fills, re-priced on many seeded paths.

Slippage of fill i on path p is what it was times a noise of mean 1::

    m(p, i) = exp(a z(p, i) - a^2 / 2) x exp(b u(p, day of i) - b^2 / 2)

z and u independent standard normals, a^2 = log(1 + dispersion^2) of a fill and b likewise of a
shock which all fills of a day share: the lognormal of the scheme ``sampled``. Means are kept, so
that the median of a path's costs lies a little below the configured ones and a few bad days
above. Quantities stay as they were.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzers.cost_break_even import CostBasis
from analyzers.metrics import cagr, session_rate

__all__ = ["PERCENTILES", "Bands", "Noise", "sample_extra_costs", "sampled_bands"]

PERCENTILES = (5, 25, 50, 75, 95)
#: Numbers of a block that is held at a time.
_CELLS = 1 << 21


@dataclass(frozen=True)
class Noise:
    """How slippage varies.

    Parameters
    ----------
    name : str
        How it is called in tables.
    dispersion : float
        Standard deviation of each fill's factor.
    common : float
        Standard deviation of the factor that a day's fills share.
    """

    name: str
    dispersion: float
    common: float = 0.0

    @property
    def spreads(self) -> tuple[float, float]:
        """Standard deviations of the logs of both factors."""
        return math.sqrt(math.log1p(self.dispersion**2)), math.sqrt(math.log1p(self.common**2))


@dataclass(frozen=True, eq=False)
class Bands:
    """Outcomes of P paths.

    Parameters
    ----------
    value : DataFrame
        (T, 5) account values by date and percentile, ``p5`` ... ``p95``.
    paths : DataFrame
        path, final_value, cagr, sharpe, slippage (all that was paid, in currency); P rows.
    """

    value: pd.DataFrame
    paths: pd.DataFrame


def sample_extra_costs(
    slippage: np.ndarray, starts: np.ndarray, noise: Noise, paths: range, seed: int
) -> np.ndarray:
    """(P, D) slippage of each path and fill day beyond what was paid; its mean is zero.

    Every path has a stream of its own, from (seed, path), so that numbers depend neither on
    how many paths are drawn nor on the blocks in which they are.

    Parameters
    ----------
    slippage : (F,) float array
        Paid by each fill, in currency, in the order of days.
    starts : (D,) int array
        First fill of each day.
    noise : Noise
    paths : range
        Numbers of the paths.
    seed : int
    """
    count, days = len(slippage), len(starts)
    draws = np.empty((len(paths), days + count))
    for at, path in enumerate(paths):
        np.random.default_rng([seed, path]).standard_normal(out=draws[at])
    shock, own = draws[:, :days], draws[:, days:]
    of_fill, of_day = noise.spreads
    factor = np.exp(of_fill * own - of_fill**2 / 2)
    paid = np.add.reduceat(factor * slippage, starts, axis=1)
    paid *= np.exp(of_day * shock - of_day**2 / 2)
    return paid - np.add.reduceat(slippage, starts)


def sampled_bands(
    values: pd.DataFrame,
    fills: pd.DataFrame,
    basis: CostBasis,
    noise: Noise,
    *,
    paths: int,
    seed: int,
) -> Bands:
    """Percentiles of value over time, and the outcome of each path.

    Parameters
    ----------
    values : DataFrame
        Index date; value, in currency; T sessions.
    fills : DataFrame
        date and slippage in currency, as in the run's file, in the order of dates.
    basis : CostBasis
    noise : Noise
    paths : int
        P, at least 1.
    seed : int

    Notes
    -----
    Cost moves on fill days only, so that (P, D) numbers of D days give every path exactly; the
    (P, T) values are made in blocks for the Sharpe ratio and not kept. A path on which the
    account is worth nothing has no CAGR: NaN.
    """
    nav, sessions = values["value"].to_numpy(dtype=float), values.index
    paid = fills["slippage"].to_numpy(dtype=float)
    days, starts = np.unique(fills["date"].to_numpy(), return_index=True)
    place = np.searchsorted(sessions.to_numpy(), days)
    if not len(days):
        return _without_fills(values, basis, paths)
    #: Fill days so far, of each session; 0 before the first.
    so_far = np.searchsorted(place, np.arange(len(nav)), side="right")
    size = max(1, _CELLS // (len(paid) + len(days) + 4 * len(nav)))
    extra = np.empty((paths, len(days) + 1))
    sharpe = np.empty(paths)
    for first in range(0, paths, size):
        block = range(first, min(first + size, paths))
        part = extra[block.start : block.stop]
        part[:, 0] = 0.0
        np.cumsum(sample_extra_costs(paid, starts, noise, block, seed), axis=1, out=part[:, 1:])
        sharpe[block.start : block.stop] = _sharpe(nav - part[:, so_far], basis)
    final = nav[-1] - extra[:, -1]
    # The value falls as the cost rises: its 5 % quantile is at the 95 % of the cost.
    levels = np.quantile(extra, [1 - level / 100 for level in PERCENTILES], axis=0)
    band = nav[:, None] - levels[:, so_far].T
    total = paid.sum() + extra[:, -1]
    return Bands(_band_frame(band, sessions), _path_frame(final, sharpe, total, sessions, basis))


def _sharpe(nav: np.ndarray, basis: CostBasis) -> np.ndarray:
    """(P,) ratios of (P, T) values, defined as in `return_metrics.sharpe_ratio`."""
    before = np.empty_like(nav)
    before[:, 0], before[:, 1:] = basis.starting_cash, nav[:, :-1]
    returns = nav / before - 1.0
    if returns.shape[1] < 2:
        return np.full(len(nav), np.nan)
    rate = session_rate(basis.cash_annual, basis.periods_per_year)
    spread = returns.std(axis=1, ddof=1)
    steady = spread <= 1e-12 * np.abs(returns).max(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (returns.mean(axis=1) - rate) / spread * np.sqrt(basis.periods_per_year)
    return np.where(steady, np.nan, ratio)


def _without_fills(values: pd.DataFrame, basis: CostBasis, paths: int) -> Bands:
    nav = values["value"].to_numpy(dtype=float)
    same = np.repeat(nav[:, None], len(PERCENTILES), axis=1)
    sharpe = np.repeat(_sharpe(nav[None, :], basis), paths)
    final, nothing = np.full(paths, nav[-1]), np.zeros(paths)
    frame = _path_frame(final, sharpe, nothing, values.index, basis)
    return Bands(_band_frame(same, values.index), frame)


def _band_frame(band: np.ndarray, sessions: pd.Index) -> pd.DataFrame:
    return pd.DataFrame(band, index=sessions, columns=[f"p{level}" for level in PERCENTILES])


def _path_frame(
    final: np.ndarray, sharpe: np.ndarray, paid: np.ndarray, sessions: pd.Index, basis: CostBasis
) -> pd.DataFrame:
    growth = [cagr(sessions, basis.starting_cash, value) for value in final.tolist()]
    return pd.DataFrame(
        {
            "path": np.arange(len(final)),
            "final_value": final,
            "cagr": [np.nan if rate is None else rate for rate in growth],
            "sharpe": sharpe,
            "slippage": paid,
        }
    )
