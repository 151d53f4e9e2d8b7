"""How much money a strategy bears: performance against capital under market impact."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["PARTICIPATION", "capacity_at", "capacity_limits", "participation"]

#: What `participation` tells.
PARTICIPATION = ("median", "p95", "largest", "over_tenth", "unknown")
#: Share of the return over cash without impact, and what its loss is called.
LEVELS = ((0.5, "half of the return over cash is left"), (0.0, "nothing over cash is left"))


def capacity_at(capital: np.ndarray, excess: np.ndarray, level: float) -> tuple[float, str]:
    """The capital at which the return over cash falls to `level`.

    Between two capitals of the curve it is interpolated in the logarithm of capital. The first
    crossing counts.

    Parameters
    ----------
    capital : (C,) float array
        Increasing, above zero.
    excess : (C,) float array
        Return over cash a year; NaN counts as ruin.
    level : float
        A return a year.

    Returns
    -------
    capital : float
        NaN where it is beyond either end.
    note : str
        ``interpolated``, ``above the largest capital shown``, ``below the smallest capital
        shown``, or ``at the capital at which the account is ruined``.
    """
    known = np.where(np.isnan(excess), -np.inf, excess)
    under = np.flatnonzero(known <= level)
    if not len(under):
        return np.nan, "above the largest capital shown"
    at = int(under[0])
    if at == 0:
        return np.nan, "below the smallest capital shown"
    if not np.isfinite(known[at]):
        return float(capital[at]), "at the capital at which the account is ruined"
    if known[at] == level:
        return float(capital[at]), "interpolated"
    share = (known[at - 1] - level) / (known[at - 1] - known[at])
    low, high = np.log(capital[at - 1]), np.log(capital[at])
    return float(np.exp(low + share * (high - low))), "interpolated"


def capacity_limits(curve: pd.DataFrame, free: float) -> pd.DataFrame:
    """Capacity of each model of impact.

    Parameters
    ----------
    curve : DataFrame
        model, capital, return_over_cash; a row a model and capital, capitals increasing.
    free : float
        Return over cash a year of the run as configured, without impact. The smallest capital
        is no measure of it: lots leave a small account another book.

    Returns
    -------
    DataFrame
        model, meaning, level (return over cash a year), capital (NaN where it lies beyond the
        curve), note. Where `free` is not above zero there is no capacity: the level is NaN.
    """
    rows = []
    for model, part in curve.groupby("model", sort=False):
        capital = part["capital"].to_numpy(dtype=float)
        excess = part["return_over_cash"].to_numpy(dtype=float)
        for share, meaning in LEVELS:
            if not free > 0:
                said = "earns no more than cash without impact"
                rows.append((model, meaning, np.nan, np.nan, said))
                continue
            level = share * free
            rows.append((model, meaning, level, *capacity_at(capital, excess, level)))
    return pd.DataFrame(rows, columns=["model", "meaning", "level", "capital", "note"])


def participation(fills: pd.DataFrame, traded: np.ndarray) -> dict[str, float]:
    """What share of a usual day's traded value the tickets of a run were.

    Parameters
    ----------
    fills : DataFrame
        size, price, reason; F rows, as in the run's file.
    traded : (F,) float array
        Average traded value of the fill's asset on a day, in currency, as known before it; NaN
        where not known.

    Returns
    -------
    dict
        ``median``, ``p95`` and ``largest`` share, ``over_tenth`` (share of traded value in
        tickets above a tenth of a day), ``unknown`` (share of traded value without a known
        volume). NaN where nothing is known.
    """
    value = (fills["size"].astype(float) * fills["price"].astype(float)).abs().to_numpy()
    value = np.where(fills["reason"].to_numpy() == "delisting", 0.0, value)
    known = np.isfinite(traded) & (traded > 0) & (value > 0)
    whole = value.sum()
    if not known.any():
        unknown = 1.0 if whole > 0 else np.nan
        return dict.fromkeys(("median", "p95", "largest", "over_tenth"), np.nan) | {
            "unknown": unknown
        }
    rate = value[known] / traded[known]
    return {
        "median": float(np.median(rate)),
        "p95": float(np.quantile(rate, 0.95)),
        "largest": float(rate.max()),
        "over_tenth": float(value[known][rate > 0.1].sum() / whole),
        "unknown": float(value[(value > 0) & ~known].sum() / whole),
    }
