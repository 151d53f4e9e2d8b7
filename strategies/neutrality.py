"""Betas of assets to a market, for books that are neutral to it."""

from __future__ import annotations

import numpy as np

__all__ = ["betas", "mean_return"]


def mean_return(returns: np.ndarray) -> np.ndarray:
    """(L,) mean of the known returns (L, k) of each session; NaN where none is known."""
    known = np.isfinite(returns)
    count = known.sum(axis=1)
    total = np.where(known, returns, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(returns), np.nan), where=count > 0)


def betas(
    returns: np.ndarray, market: np.ndarray, lagged: np.ndarray, min_history: int
) -> np.ndarray:
    """Slope of each asset's returns on the market's.

    Parameters
    ----------
    returns : (L, k) float array
        Session returns, the newest last; NaN: not known.
    market : (L,) float array
        Likewise.
    lagged : (k,) bool array
        Assets whose closes are at another hour than the market's: their beta is the sum of the
        slopes on the market of the session and of the one before (Dimson 1979).
    min_history : int
        Fewest sessions of which both returns are known.

    Returns
    -------
    (k,) float64 array
        NaN with fewer sessions, and where the market does not vary.
    """
    result = np.full(returns.shape[1], np.nan)
    plain = np.flatnonzero(~lagged)
    result[plain] = _slopes(returns[:, plain], market, min_history)
    for column in np.flatnonzero(lagged).tolist():
        result[column] = _dimson(returns[:, column], market, min_history)
    return result


def _slopes(returns: np.ndarray, market: np.ndarray, least: int) -> np.ndarray:
    known = np.isfinite(returns) & np.isfinite(market)[:, None]
    count = known.sum(axis=0)
    whole = np.maximum(count, 1)
    own = np.where(known, returns, 0.0)
    other = np.where(known, market[:, None], 0.0)
    own = np.where(known, own - own.sum(axis=0) / whole, 0.0)
    other = np.where(known, other - other.sum(axis=0) / whole, 0.0)
    spread = (other**2).sum(axis=0)
    told = (count >= least) & (spread > 0.0)
    return np.divide((own * other).sum(axis=0), spread, out=np.full(len(count), np.nan), where=told)


def _dimson(returns: np.ndarray, market: np.ndarray, least: int) -> float:
    before = np.concatenate([[np.nan], market[:-1]])
    known = np.isfinite(returns) & np.isfinite(market) & np.isfinite(before)
    if known.sum() < max(least, 3):
        return np.nan
    design = np.column_stack([market[known], before[known]])
    design = design - design.mean(axis=0)
    own = returns[known] - returns[known].mean()
    slopes, _, rank, _ = np.linalg.lstsq(design, own, rcond=None)
    return float(slopes.sum()) if rank == 2 else np.nan
