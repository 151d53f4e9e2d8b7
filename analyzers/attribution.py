"""Return attribution: regression on factors with Newey-West errors, adding up exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzers.regression import automatic_lags, independent_columns, newey_west_mean, regress
from feeds.errors import DataError

__all__ = [
    "Attribution",
    "attribute",
    "automatic_lags",
    "contributions_over_time",
    "newey_west_mean",
    "rolling_exposures",
]

#: Smallest eigenvalue of a window's correlations that the batch may solve.
_WELL_CONDITIONED = 1e-6
_NAMES_TAKEN = ("alpha", "alpha_annual", "residual", "total")


@dataclass(frozen=True, eq=False)
class Attribution:
    """A regression of T returns on K factors.

    Parameters
    ----------
    alpha_annual : float
        Intercept times periods per year.
    alpha_t : float
        Newey-West t-statistic of the intercept.
    betas, t_stats : Series
        (K,) slopes and their Newey-West t-statistics, by factor; dropped factors are absent.
    r_squared : float
        Share of the variance explained.
    contributions : Series
        Per year: beta x mean factor return of each factor, ``alpha``, ``residual`` (rounding
        only, the mean of least-squares residuals being zero) and ``total``, the mean return;
        the parts add up to the total.
    observations : int
        Dates on which the return and every factor are known.
    lags : int
        Newey-West lags used.
    dropped : dict
        Factor to the reason for which it has no slope: ``constant`` or ``collinear``.

    Notes
    -----
    All numbers are NaN where there are fewer than two observations more than coefficients.
    """

    alpha_annual: float
    alpha_t: float
    betas: pd.Series
    t_stats: pd.Series
    r_squared: float
    contributions: pd.Series
    observations: int
    lags: int
    dropped: dict[str, str]


def attribute(
    returns: pd.Series,
    factors: pd.DataFrame,
    *,
    periods_per_year: int,
    lags: int | None = None,
) -> Attribution:
    """Regress `returns` on `factors` by least squares with Newey-West errors.

    ``r_t = a + sum_k b_k f_kt + e_t``; errors from the Bartlett kernel without small-sample
    correction (Newey, West 1987), t-statistics are coefficient over error.

    Parameters
    ----------
    returns : Series
        (T,) excess or long-short returns, decimals.
    factors : DataFrame
        (T, K) excess or long-short factor returns, decimals. A factor that is constant, or a
        linear combination of those before it, is dropped and named in the result.
    periods_per_year : int
        Periods of the index in a year: 252, 365, 12 for months.
    lags : int, optional
        Newey-West lags; `automatic_lags` unless given.

    Returns
    -------
    Attribution

    Raises
    ------
    DataError
        If `lags` is negative, or a factor is called as a part of the result is.

    Notes
    -----
    NaN handling: dates are aligned on the intersection, and a date with a missing value on
    either side is left out; the number kept is `observations`.
    """
    own, market = _aligned(returns, factors)
    used, dropped = independent_columns(market)
    kept = list(factors.columns[used])
    count = len(own)
    lags = automatic_lags(count) if lags is None else lags
    if lags < 0:
        raise DataError(f"Newey-West lags {lags} is negative", "use 0 for no autocorrelation")
    if count < len(kept) + 3:
        nothing = np.full(len(kept) + 1, np.nan)
        fit, t_stats, r_squared = nothing, nothing, np.nan
    else:
        design = np.column_stack([np.ones(count), market[:, used]])
        fit, t_stats, r_squared = regress(own, design, lags)
    betas = pd.Series(fit[1:], index=kept, dtype=float)
    return Attribution(
        alpha_annual=float(fit[0] * periods_per_year),
        alpha_t=float(t_stats[0]),
        betas=betas,
        t_stats=pd.Series(t_stats[1:], index=kept, dtype=float),
        r_squared=float(r_squared),
        contributions=_contributions(own, market[:, used], betas, fit[0]) * periods_per_year,
        observations=count,
        lags=lags,
        dropped={str(factors.columns[k]): reason for k, reason in dropped.items()},
    )


def rolling_exposures(
    returns: pd.Series, factors: pd.DataFrame, window: int, *, periods_per_year: int
) -> pd.DataFrame:
    """Slopes and ``alpha_annual`` of regressions over a moving window.

    Parameters
    ----------
    returns, factors
        As in `attribute`; windows count the dates that both know.
    window : int
        Observations of each regression.
    periods_per_year : int

    Returns
    -------
    DataFrame
        Index the last date of each window; one column a factor, then ``alpha_annual``. A
        factor that is constant or collinear within a window is NaN there. Empty where there
        are fewer observations than `window`.

    Raises
    ------
    DataError
        If `window` is not at least two more than the number of coefficients.
    """
    if window < factors.shape[1] + 3:
        raise DataError(
            f"a window of {window} is too short for {factors.shape[1]} factors",
            f"use {factors.shape[1] + 3} observations or more",
        )
    own, market = _aligned(returns, factors)
    dates = _common(returns, factors).index
    columns = [*factors.columns, "alpha_annual"]
    if len(own) < window:
        return pd.DataFrame(columns=columns, index=dates[:0], dtype=float)
    table = _window_fits(own, market, window)
    table[:, -1] *= periods_per_year
    return pd.DataFrame(table, columns=columns, index=dates[window - 1 :])


def contributions_over_time(returns: pd.Series, factors: pd.DataFrame) -> pd.DataFrame:
    """Cumulative contribution of each factor, alpha and residual to the compounded return.

    Each period's ``beta x factor``, alpha and residual are earned on the wealth before it
    (W_t-1, of unit capital), so that the cumulated parts add up to ``W_t - 1`` on every date.
    Slopes are those of the whole sample, as in `attribute`.

    Returns
    -------
    DataFrame
        Index the common dates; one column a factor that was not dropped, ``alpha``,
        ``residual`` and ``total``. Empty where the regression is not defined.
    """
    frame = _common(returns, factors)
    fit = attribute(returns, factors, periods_per_year=1)
    columns = [*fit.betas.index, "alpha", "residual", "total"]
    if not np.isfinite(fit.alpha_annual):
        return pd.DataFrame(columns=columns, index=frame.index[:0], dtype=float)
    own = frame.iloc[:, 0].to_numpy(dtype=float)
    parts = factors.loc[frame.index, fit.betas.index].to_numpy(dtype=float) * fit.betas.to_numpy()
    alpha = np.full(len(own), fit.alpha_annual)
    wealth = np.cumprod(1.0 + own)
    before = np.concatenate([[1.0], wealth[:-1]])
    earned = np.column_stack([parts, alpha, own - alpha - parts.sum(axis=1)]) * before[:, None]
    table = np.column_stack([np.cumsum(earned, axis=0), wealth - 1.0])
    return pd.DataFrame(table, columns=columns, index=frame.index)


def _common(returns: pd.Series, factors: pd.DataFrame) -> pd.DataFrame:
    """Return (first column) and factors on the dates that know them all."""
    taken = [name for name in factors.columns if name in _NAMES_TAKEN]
    if taken:
        raise DataError(f"a factor is called {taken[0]}, as a result is", "rename the factor")
    joined = pd.concat([returns.rename("_return"), factors], axis=1, join="inner")
    return joined.dropna().sort_index()


def _aligned(returns: pd.Series, factors: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    values = _common(returns, factors).to_numpy(dtype=float)
    return values[:, 0], values[:, 1:]


def _contributions(
    own: np.ndarray, market: np.ndarray, betas: pd.Series, alpha: float
) -> pd.Series:
    """Mean return a period by part; the residual is what is left of the total."""
    total = float(own.mean()) if len(own) else np.nan
    means = market.mean(axis=0) if len(own) else np.full(len(betas), np.nan)
    parts = betas * means
    residual = total - float(parts.sum(skipna=False)) - alpha
    rest = pd.Series({"alpha": alpha, "residual": residual, "total": total}, dtype=float)
    return pd.concat([parts, rest])


def _window_fits(own: np.ndarray, market: np.ndarray, window: int) -> np.ndarray:
    """(T - window + 1, K + 1) slopes and intercept of every window, one batch of solves."""
    views = np.lib.stride_tricks.sliding_window_view
    x, y = views(market, window, axis=0), views(own, window)
    x_mean, y_mean = x.mean(axis=2), y.mean(axis=1)
    centred = x - x_mean[:, :, None]
    moments = centred @ centred.transpose(0, 2, 1)
    spread = np.sqrt(np.einsum("nkk->nk", moments))
    safe = np.where(spread > 0.0, spread, 1.0)
    scaled = moments / safe[:, :, None] / safe[:, None, :]
    shared = np.einsum("nkw,nw->nk", centred, y - y_mean[:, None]) / safe
    # Nearly dependent windows would lose digits here; they are rare and fitted one by one.
    sound = np.linalg.eigvalsh(scaled).min(axis=1, initial=1.0) > _WELL_CONDITIONED
    table = np.full((len(x), market.shape[1] + 1), np.nan)
    slopes = np.linalg.solve(scaled[sound], shared[sound][:, :, None])[:, :, 0] / safe[sound]
    table[sound, :-1] = slopes
    table[sound, -1] = y_mean[sound] - np.sum(slopes * x_mean[sound], axis=1)
    for row in np.flatnonzero(~sound):
        table[row] = _window_fit(y[row], x[row].T)
    return table


def _window_fit(own: np.ndarray, market: np.ndarray) -> np.ndarray:
    used, _ = independent_columns(market)
    result = np.full(market.shape[1] + 1, np.nan)
    design = np.column_stack([np.ones(len(own)), market[:, used]])
    fit = np.linalg.lstsq(design, own, rcond=None)[0]
    result[used] = fit[1:]
    result[-1] = fit[0]
    return result
