"""Is the difference of two Sharpe ratios more than luck? Three tests of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzers.regression import automatic_lags, long_run_sums
from feeds.errors import DataError

__all__ = ["SharpeDifference", "sharpe_difference"]

#: Fewest common dates of a test.
FEWEST = 10
#: Cells of one batch of bootstrap draws.
_BATCH = 2_000_000


@dataclass(frozen=True)
class SharpeDifference:
    """Two Sharpe ratios of the same dates and tests that they are equal.

    Parameters
    ----------
    first, second, difference : float
        Sharpe ratios a year (moments over T), and first less second.
    error : float
        Newey-West standard error of the difference, a year.
    p_memmel : float
        Two-sided, of Jobson and Korkie's test as corrected by Memmel (2003): normal returns,
        independent over time.
    p_hac : float
        Two-sided, by the delta method with Newey-West moments (Ledoit, Wolf 2008).
    p_bootstrap : float
        By the studentised circular block bootstrap (Ledoit, Wolf 2008); NaN where not asked
        for.
    observations, lags, block, draws : int
        Common dates, Newey-West lags, dates of a block, and draws of the bootstrap.
    reason : str
        Empty, or why nothing is defined: too few dates, or a series without variance.
    """

    first: float
    second: float
    difference: float
    error: float
    p_memmel: float
    p_hac: float
    p_bootstrap: float
    observations: int
    lags: int
    block: int
    draws: int
    reason: str


def sharpe_difference(
    first: pd.Series,
    second: pd.Series,
    *,
    periods_per_year: int,
    lags: int | None = None,
    draws: int = 0,
    block: int = 5,
    rng: np.random.Generator | None = None,
) -> SharpeDifference:
    """Compare the Sharpe ratios of two return series.

    Parameters
    ----------
    first, second : Series
        (T,) excess or zero-cost returns, decimals.
    periods_per_year : int
    lags : int, optional
        Newey-West lags, Bartlett weights; `automatic_lags` unless given. (Ledoit and Wolf use
        a Parzen kernel with an automatic bandwidth.)
    draws : int
        Draws of the bootstrap; 0 leaves it out. At least 199 for a p-value of 0.01.
    block : int
        Dates of a block.
    rng : Generator, optional
        Needed with `draws`.

    Returns
    -------
    SharpeDifference

    Raises
    ------
    DataError
        If `draws` is positive without `rng`, or `block` or `lags` cannot be.

    Notes
    -----
    NaN handling: only dates that know both are used. The Sharpe ratios of portfolios whose
    weights were fitted on the same dates are not comparable so: see `grs_test`.
    """
    if draws > 0 and rng is None or draws < 0 or block < 1 or (lags is not None and lags < 0):
        raise DataError(
            f"{draws} draws of blocks of {block} cannot be made",
            "give rng, draws of 0 or more, a block of 1 or more and lags of 0 or more",
        )
    joined = pd.concat([first.rename("a"), second.rename("b")], axis=1, join="inner")
    values = joined.dropna().sort_index().to_numpy(dtype=float)
    count = len(values)
    lags = automatic_lags(count) if lags is None else lags
    reason = _reason(values)
    if reason:
        nothing = (np.nan,) * 7
        return SharpeDifference(*nothing, count, lags, block, draws, reason)
    moments = _moments(values)
    ratios, gradient = _sharpes(moments.mean(axis=0)), _gradient(moments.mean(axis=0))
    difference = float(ratios[0] - ratios[1])
    error = _hac_error(moments, gradient, lags)
    drawn = np.nan
    if draws > 0 and error > 0.0 and block <= count // 2:
        drawn = _bootstrap(values, difference, error, draws, block, rng)
    year = periods_per_year**0.5
    return SharpeDifference(
        first=float(ratios[0]) * year,
        second=float(ratios[1]) * year,
        difference=difference * year,
        error=error * year,
        p_memmel=_two_sided(difference, _memmel_error(values, ratios)),
        p_hac=_two_sided(difference, error),
        p_bootstrap=drawn,
        observations=count,
        lags=lags,
        block=block,
        draws=draws,
        reason="",
    )


def _reason(values: np.ndarray) -> str:
    if len(values) < FEWEST:
        return f"{len(values)} common dates, {FEWEST} needed"
    spread = np.ptp(values, axis=0)
    flat = spread <= 1e-12 * np.abs(values).max(axis=0)
    return f"the {'first' if flat[0] else 'second'} series does not vary" if flat.any() else ""


def _moments(values: np.ndarray) -> np.ndarray:
    """(..., T, 4) returns and squared returns of both series."""
    return np.concatenate([values, values**2], axis=-1)


def _sharpes(means: np.ndarray) -> np.ndarray:
    """(..., 2) Sharpe ratios of means and second moments (..., 4)."""
    mean, square = means[..., :2], means[..., 2:]
    return mean / np.sqrt(np.maximum(square - mean**2, 1e-300))


def _gradient(means: np.ndarray) -> np.ndarray:
    """(..., 4) of the difference of Sharpe ratios with respect to `means`."""
    mean, square = means[..., :2], means[..., 2:]
    cubed = np.maximum(square - mean**2, 1e-300) ** 1.5
    sign = np.array([1.0, -1.0])
    return np.concatenate([sign * square / cubed, -sign * mean / (2.0 * cubed)], axis=-1)


def _hac_error(moments: np.ndarray, gradient: np.ndarray, lags: int) -> float:
    centred = (moments - moments.mean(axis=0)) @ gradient
    total = float(long_run_sums(centred[:, None], lags)[0, 0])
    return math.sqrt(max(total, 0.0)) / len(moments)


def _memmel_error(values: np.ndarray, ratios: np.ndarray) -> float:
    """``sqrt((2 - 2 r + (s1^2 + s2^2 - 2 s1 s2 r^2) / 2) / T)``."""
    rho = float(np.corrcoef(values.T)[0, 1])
    one, two = ratios
    variance = 2.0 - 2.0 * rho + (one**2 + two**2 - 2.0 * one * two * rho**2) / 2.0
    return math.sqrt(max(variance, 0.0) / len(values))


def _two_sided(difference: float, error: float) -> float:
    if not error > 1e-12:
        return 1.0 if abs(difference) <= 1e-12 else np.nan
    return math.erfc(abs(difference) / error / math.sqrt(2.0))


def _bootstrap(
    values: np.ndarray,
    difference: float,
    error: float,
    draws: int,
    block: int,
    rng: np.random.Generator,
) -> float:
    """Share of draws whose studentised difference, around the sample's, is as large.

    Blocks run around the end of the sample; each draw's error is that of its own blocks.
    """
    count = len(values)
    blocks = count // block
    wrapped = np.concatenate([values, values[: block - 1]]) if block > 1 else values
    starts = rng.integers(0, count, size=(draws, blocks))
    extreme, step = 0, max(1, _BATCH // (4 * count))
    for batch in (starts[k : k + step] for k in range(0, draws, step)):
        places = batch[:, :, None] + np.arange(block)
        moments = _moments(wrapped[places])  # (draws, blocks, block, 4)
        means = moments.mean(axis=(1, 2))
        ratios = _sharpes(means)
        centred = moments - means[:, None, None, :]
        sums = np.einsum("dlbm,dm->dl", centred, _gradient(means))
        errors = np.sqrt(np.sum(sums**2, axis=1)) / (blocks * block)
        moved = np.abs(ratios[:, 0] - ratios[:, 1] - difference)
        extreme += int(np.sum(moved >= abs(difference) / error * errors))
    return (extreme + 1) / (draws + 1)
