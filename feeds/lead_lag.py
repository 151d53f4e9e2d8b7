"""Lead-lag statistics of two series of daily returns."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["LAGS", "changes", "correlations", "rolling"]

#: Days by which labels may be late (early where negative).
LAGS = (-2, -1, 0, 1, 2)
#: Days of the rolling windows, and of the step between two.
_WINDOW, _STEP = 180, 30
#: Misfit of a day, in typical moves of the reference, which counts no further.
_NOISE, _MOST_MISFIT = 0.25, 4.0
#: What a change of the lag must gain over staying: some ten days of misfit.
_CHANGE = 40.0


def correlations(ours: np.ndarray, lagged: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Common returns and correlation by lag.

    Parameters
    ----------
    ours : (D,) float64 array
        Returns of a series, finite.
    lagged : (D, K) float64 array
        What the reference has for each of them at each of `LAGS`; NaN where it has nothing.

    Returns
    -------
    counts : (K,) int array
    found : (K,) float64 array
        NaN with fewer than three common returns, or where one side does not move.
    """
    counts = np.isfinite(lagged).sum(axis=0)
    found = np.full(len(LAGS), np.nan)
    for column, count in enumerate(counts.tolist()):
        both = np.isfinite(lagged[:, column])
        x, y = ours[both], lagged[both, column]
        if count >= 3 and np.ptp(x) > 0 and np.ptp(y) > 0:
            found[column] = np.corrcoef(x, y)[0, 1]
    return counts, found


def changes(ours: np.ndarray, lagged: np.ndarray, least_days: int) -> list[int]:
    """Where the lag changes: the path through lags of least misfit (Viterbi 1967).

    The misfit of a day is the squared difference of the two returns, cut, and a change of the lag
    must gain about ten days of it.

    Parameters
    ----------
    ours, lagged
        As for :func:`correlations`.
    least_days : int
        A span of fewer days goes to its longer neighbour.

    Returns
    -------
    list of int
        Bounds of the spans, from 0 to D.
    """
    size = np.median(np.abs(ours)) * 1.4826 or 1.0
    misfit = ((ours[:, None] - lagged) / (_NOISE * size)) ** 2
    misfit = np.minimum(misfit, _MOST_MISFIT**2) / 2.0
    # A lag that cannot be judged on a day is taken for as good as those that can.
    known = np.isfinite(misfit)
    total = np.where(known, misfit, 0.0).sum(axis=1)
    average = total / np.maximum(known.sum(axis=1), 1)
    misfit = np.where(known, misfit, average[:, None])
    cost = np.zeros(len(LAGS))
    came = np.empty(misfit.shape, dtype=np.int64)
    for row, own in enumerate(misfit):
        best = int(np.argmin(cost))
        change = cost[best] + _CHANGE < cost
        came[row] = np.where(change, best, np.arange(len(LAGS)))
        cost = np.where(change, cost[best] + _CHANGE, cost) + own
    state = int(np.argmin(cost))
    bounds = [len(ours)]
    for row in range(len(ours) - 1, 0, -1):
        before = int(came[row, state])
        if before != state:
            bounds.append(row)
            state = before
    return _long_enough([0, *reversed(bounds)], least_days)


def _long_enough(bounds: list[int], least: int) -> list[int]:
    """The same bounds without spans shorter than `least`, the shortest first."""
    while len(bounds) > 2:
        lengths = np.diff(bounds)
        short = int(np.argmin(lengths))
        if lengths[short] >= least:
            break
        # To its longer neighbour: the bound between the two goes.
        left = lengths[short - 1] if short > 0 else -1
        right = lengths[short + 1] if short + 1 < len(lengths) else -1
        bounds = [
            *bounds[: short + (right > left)], *bounds[short + (right > left) + 1 :],
        ]  # fmt: skip
    return bounds


def rolling(ours: np.ndarray, lagged: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """Correlations by lag in rolling windows of 180 days, one every 30: start, end, days, lag_*."""
    rows = []
    for first in range(0, max(len(ours) - _WINDOW, 0) + 1, _STEP):
        part = slice(first, first + _WINDOW)
        counts, found = correlations(ours[part], lagged[part])
        days = int(counts[LAGS.index(0)])
        rows.append((labels[part][0], labels[part][-1], days, *found.tolist()))
    names = [f"lag_{lag}" for lag in LAGS]
    return pd.DataFrame(rows, columns=["start", "end", "days", *names])
