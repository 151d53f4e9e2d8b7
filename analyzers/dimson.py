"""Attribution with lagged factors, for returns whose closes are hours apart (Dimson 1979).

The design holds each factor and, for each lag, the lagged factor less the factor itself: the
same fit as with the lags alone, but the slope on the factor is then the sum of its slopes and
has that sum's error.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from analyzers.attribution import (
    Attribution,
    attribute,
    contributions_over_time,
    rolling_exposures,
)
from feeds.errors import DataError

__all__ = [
    "attribute_dimson",
    "dimson_contributions_over_time",
    "dimson_factors",
    "dimson_rolling_exposures",
]


def dimson_factors(factors: pd.DataFrame, count: int = 1) -> pd.DataFrame:
    """The factors and, named ``<factor> lag <l>``, their lags less themselves.

    Parameters
    ----------
    factors : DataFrame
        (T, K) factor returns. NaN handling: a lag is NaN where the date before has none.
    count : int
        Lags; 0 gives the factors as they are.

    Raises
    ------
    DataError
        If `count` is negative.
    """
    if count < 0:
        raise DataError(f"{count} lags of the factors look ahead", "use 0 or 1")
    ordered = factors.sort_index()
    lagged = [
        (ordered.shift(lag) - ordered).add_suffix(f" lag {lag}") for lag in range(1, count + 1)
    ]
    return pd.concat([ordered, *lagged], axis=1)


def attribute_dimson(
    returns: pd.Series,
    factors: pd.DataFrame,
    count: int = 1,
    *,
    periods_per_year: int,
    lags: int | None = None,
) -> Attribution:
    """`attribute` with `count` lags of each factor.

    Slopes and their statistics are those of the sum over the lags, and a factor's contribution
    is that of all its lags: parts add up to the total as ever.
    """
    fit = attribute(
        returns, dimson_factors(factors, count), periods_per_year=periods_per_year, lags=lags
    )
    kept = [name for name in factors.columns if name in fit.betas.index]
    parts = _merged(fit.contributions.to_frame().T, factors, count).iloc[0]
    return replace(
        fit,
        betas=fit.betas[kept],
        t_stats=fit.t_stats[kept],
        contributions=parts,
        dropped={name: why for name, why in fit.dropped.items() if name in factors.columns},
    )


def dimson_rolling_exposures(
    returns: pd.Series,
    factors: pd.DataFrame,
    window: int,
    count: int = 1,
    *,
    periods_per_year: int,
) -> pd.DataFrame:
    """`rolling_exposures` with `count` lags of each factor; slopes are sums over the lags."""
    table = rolling_exposures(
        returns, dimson_factors(factors, count), window, periods_per_year=periods_per_year
    )
    return table[[*factors.columns, "alpha_annual"]]


def dimson_contributions_over_time(
    returns: pd.Series, factors: pd.DataFrame, count: int = 1
) -> pd.DataFrame:
    """`contributions_over_time` with `count` lags of each factor, merged with their factor."""
    return _merged(contributions_over_time(returns, dimson_factors(factors, count)), factors, count)


def _merged(parts: pd.DataFrame, factors: pd.DataFrame, count: int) -> pd.DataFrame:
    """Columns of the lags added to the column of their factor."""
    parts = parts.copy()
    for name in factors.columns:
        for lag in range(1, count + 1):
            if f"{name} lag {lag}" in parts:
                extra = parts.pop(f"{name} lag {lag}")
                parts[name] = parts[name] + extra if name in parts else extra
    ends = ("alpha", "residual", "total")
    names = [name for name in factors.columns if name in parts]
    return parts[[*names, *(name for name in ends if name in parts)]]
