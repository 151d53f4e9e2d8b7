"""Fama-MacBeth: what each exposure earns, by one cross-sectional regression a date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzers.regression import automatic_lags, long_run_sums
from feeds.errors import DataError

__all__ = ["FamaMacBeth", "fama_macbeth"]

#: Part of an exposure that must be its own, beside those before it, for a slope to exist.
_OWN = 1e-10
#: Cells of one batch of decompositions: about 100 MB with three exposures.
_BATCH = 2_000_000


@dataclass(frozen=True, eq=False)
class FamaMacBeth:
    """Slopes of the cross-sections, and their means over time.

    Parameters
    ----------
    slopes : DataFrame
        (R, K) by date: ``constant`` (where fitted), then one column an exposure: the return,
        in the units of the returns, of a portfolio with one unit of that exposure and none of
        the others. NaN on dates without a regression.
    means, errors, t_stats : Series
        (K,) mean slope, its Newey-West standard error, and their ratio. NaN where fewer than
        three dates have a regression, or slopes do not vary (error 0, no statistic).
    r_squared : float
        Mean over the dates of the cross-sectional R squared; NaN where there is none.
    assets : Series
        (R,) assets that have the return, every exposure and a weight, by date.
    dates : int
        Dates with a regression.
    left_out : dict
        Reason to dates without one: ``few`` (fewer assets than `minimum`), ``singular`` (an
        exposure is constant or a combination of others).
    lags : int
        Newey-West lags used.
    """

    slopes: pd.DataFrame
    means: pd.Series
    errors: pd.Series
    t_stats: pd.Series
    r_squared: float
    assets: pd.Series
    dates: int
    left_out: dict[str, int]
    lags: int

    def table(self) -> pd.DataFrame:
        """name, mean, error, t_stat: one row a coefficient."""
        columns = {"mean": self.means, "error": self.errors, "t_stat": self.t_stats}
        return pd.DataFrame(columns).rename_axis("name").reset_index()


def fama_macbeth(
    returns: np.ndarray,
    exposures: Mapping[str, np.ndarray],
    *,
    dates: Sequence | np.ndarray | pd.Index | None = None,
    weights: np.ndarray | None = None,
    lags: int | None = None,
    minimum: int | None = None,
    constant: bool = True,
) -> FamaMacBeth:
    """Regress each date's returns on that date's exposures; average the slopes over time.

    Fama, MacBeth (1973). Errors of the means are Newey-West with Bartlett weights and without
    small-sample correction, so that overlapping returns want `lags` of at least horizon - 1.

    Parameters
    ----------
    returns : (R, N) array
        Returns that follow each date, as `forward_returns` gives them, decimals.
    exposures : dict of str to (R, N) array
        Known on each date. Scaling them to unit cross-sectional spread makes slopes comparable.
    dates : (R,) sequence, optional
        Index of the slopes; 0, 1, ... unless given.
    weights : (R, N) array, optional
        Positive weights of the squared residuals (market caps say); equal unless given. An
        asset with a weight of zero, below it or NaN is left out.
    lags : int, optional
        `automatic_lags` of the dates unless given.
    minimum : int, optional
        Fewest assets of a regression; two more than coefficients unless given.
    constant : bool
        Fit a constant, under the name ``constant``.

    Returns
    -------
    FamaMacBeth

    Raises
    ------
    DataError
        If shapes disagree, there is no exposure, one is called ``constant``, `lags` is
        negative, or `minimum` is under the number of coefficients.

    Notes
    -----
    NaN handling: an asset enters a date's regression where its return, every exposure and its
    weight are known then.
    """
    names = ["constant"] * constant + list(exposures)
    given = np.asarray(returns, dtype=float)
    sides = [np.asarray(values, dtype=float) for values in exposures.values()]
    weight = np.ones_like(given) if weights is None else np.asarray(weights, dtype=float)
    minimum = len(names) + 2 if minimum is None else minimum
    _check(given, [*sides, weight], list(exposures), names, minimum, lags)
    known = np.isfinite(given) & np.isfinite(weight) & (weight > 0.0)
    for side in sides:
        known &= np.isfinite(side)
    count = known.sum(axis=1)
    slopes, fitted = _cross_sections(given, sides, weight, known, constant, count >= minimum)
    index = pd.RangeIndex(len(given)) if dates is None else pd.Index(dates)
    table = pd.DataFrame(slopes, index=index, columns=names)
    sound = np.isfinite(slopes).all(axis=1)
    used = automatic_lags(int(sound.sum())) if lags is None else lags
    means, errors, t_stats = _averages(slopes[sound], used)
    squared = fitted[np.isfinite(fitted)]
    return FamaMacBeth(
        slopes=table,
        means=pd.Series(means, index=names),
        errors=pd.Series(errors, index=names),
        t_stats=pd.Series(t_stats, index=names),
        r_squared=float(squared.mean()) if len(squared) else np.nan,
        assets=pd.Series(count, index=index, name="assets"),
        dates=int(sound.sum()),
        left_out={
            "few": int((count < minimum).sum()),
            "singular": int(((count >= minimum) & ~sound).sum()),
        },
        lags=used,
    )


def _check(
    returns: np.ndarray,
    sides: Sequence[np.ndarray],
    exposures: Sequence[str],
    names: Sequence[str],
    minimum: int,
    lags: int | None,
) -> None:
    wrong = [side.shape for side in sides if side.shape != returns.shape]
    if wrong or returns.ndim != 2:
        shape = wrong[0] if wrong else returns.shape
        raise DataError(
            f"an exposure or weight has shape {shape}, the returns have {returns.shape}",
            "give one row a date and one column an asset",
        )
    if not exposures or "constant" in exposures:
        raise DataError("exposures are none, or one is called constant", "name one or more")
    if minimum < len(names):
        raise DataError(
            f"a minimum of {minimum} assets is below the {len(names)} coefficients",
            f"use {len(names) + 2} or more",
        )
    if lags is not None and lags < 0:
        raise DataError(f"Newey-West lags {lags} is negative", "use 0 for no autocorrelation")


def _cross_sections(
    returns: np.ndarray,
    sides: Sequence[np.ndarray],
    weights: np.ndarray,
    known: np.ndarray,
    constant: bool,
    enough: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(R, K) slopes and (R,) R squared, NaN where there are too few assets or no unique fit."""
    terms = len(sides) + constant
    slopes, squared = np.full((len(returns), terms), np.nan), np.full(len(returns), np.nan)
    rows = np.flatnonzero(enough)
    step = max(1, _BATCH // max(1, returns.shape[1] * terms))
    for batch in (rows[k : k + step] for k in range(0, len(rows), step)):
        inside = known[batch]
        weight = np.where(inside, weights[batch], 0.0)
        columns = [np.ones_like(weight)] * constant + [side[batch] for side in sides]
        design = np.stack([np.where(inside, column, 0.0) for column in columns], axis=2)
        own = np.where(inside, returns[batch], 0.0)
        slopes[batch], squared[batch] = _fits(own, design, weight, constant)
    return slopes, squared


def _fits(
    own: np.ndarray, design: np.ndarray, weight: np.ndarray, constant: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted least squares of every date of a batch, by QR of columns scaled to one."""
    root = np.sqrt(weight)
    scaled, target = design * root[:, :, None], own * root
    size = np.linalg.norm(scaled, axis=1)
    safe = np.where(size > 0.0, size, 1.0)
    q, r = np.linalg.qr(scaled / safe[:, None, :])
    sound = (np.abs(np.einsum("rkk->rk", r)) > _OWN).all(axis=1) & (size > 0.0).all(axis=1)
    slopes, squared = np.full((len(own), design.shape[2]), np.nan), np.full(len(own), np.nan)
    if not sound.any():
        return slopes, squared
    projected = np.einsum("rnk,rn->rk", q[sound], target[sound])
    fit = np.linalg.solve(r[sound], projected[:, :, None])[:, :, 0]
    slopes[sound] = fit / safe[sound]
    residual = target[sound] - np.einsum("rnk,rk->rn", scaled[sound], slopes[sound])
    mean = np.sum(weight * own, axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    around = (own - constant * mean)[sound] * root[sound]
    total = np.sum(around**2, axis=1)
    varies = total > 1e-24 * np.sum(target[sound] ** 2, axis=1)
    share = np.full(len(total), np.nan)
    np.divide(np.sum(residual**2, axis=1), total, out=share, where=varies)
    squared[sound] = 1.0 - share
    return slopes, squared


def _averages(slopes: np.ndarray, lags: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means of the columns, their Newey-West errors and t-statistics."""
    terms, count = slopes.shape[1], len(slopes)
    if count < 3:
        means = slopes.mean(axis=0) if count else np.full(terms, np.nan)
        return means, np.full(terms, np.nan), np.full(terms, np.nan)
    means = slopes.mean(axis=0)
    centred = slopes - means
    # Slopes that differ by rounding alone have no error to test against.
    varies = np.abs(centred).max(axis=0) > 1e-12 * np.abs(slopes).max(axis=0)
    sums = np.diag(long_run_sums(centred, lags))
    errors = np.where(varies, np.sqrt(np.maximum(sums, 0.0)) / count, 0.0)
    t_stats = np.full(terms, np.nan)
    np.divide(means, errors, out=t_stats, where=errors > 0.0)
    return means, errors, t_stats
