"""Loops over windows, compiled: what a pass of NumPy a step would be too slow for.

Imported inside the functions that need it, since a run that looks at a few past closes needs no
compiler. Every loop runs over neighbouring columns, few arrays a loop so that it is vectorised,
in one order and without fused or reordered arithmetic: the same bits on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

__all__ = ["compiled", "largest", "medians", "returns"]


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiled at the first call, and kept on the disk where a folder can be written to."""
    try:
        return numba.njit(cache=True, error_model="numpy")(function)
    except RuntimeError:
        return numba.njit(error_model="numpy")(function)


@compiled
def returns(
    closes: np.ndarray, lead: int, span: int, week: int, logs: bool, out: np.ndarray
) -> None:
    """Returns of (lead + R, K) closes, or of their logs, from `span` rows before into (R, K).

    In a gap before a bar the last close within `week` rows stands in.
    """
    rows, width = out.shape
    for row in range(rows):
        now, past = closes[lead + row], closes[max(lead + row - span, 0)]
        line, unknown = out[row], 0
        if logs:
            for k in range(width):
                line[k] = now[k] - past[k]
                unknown += line[k] != line[k]
        else:
            for k in range(width):
                line[k] = now[k] / past[k] - 1.0
                unknown += line[k] != line[k]
        if lead + row < span:
            line[:] = np.nan
        elif unknown:
            for k in range(width):
                if line[k] != line[k] and now[k] == now[k]:
                    for back in range(span + 1, min(span + week, lead + row + 1)):
                        past_close = closes[lead + row - back, k]
                        if past_close == past_close:
                            line[k] = now[k] - past_close if logs else now[k] / past_close - 1.0
                            break


@compiled
def largest(
    values: np.ndarray,
    first: int,
    window: int,
    state: np.ndarray,
    kept: np.ndarray,
    back: np.ndarray,
    places: np.ndarray,
    least: int,
    found: np.ndarray,
) -> None:
    """Carry maxima over rows, and put those of the windows asked for into (A, K).

    `state` (1, 2, K), `kept` (W, K), `back` (W + 1, 2, K): counts and maxima, like the sums of
    :func:`factors.kernel_sums.moments`. NaN with fewer than `least` known, at least 1.
    """
    rows, width = values.shape
    at = 0
    for row in range(rows):
        j = (first + row) % window
        if j == 0:
            state[0, 0], state[0, 1] = 0.0, -np.inf
        for k in range(width):
            kept[j, k] = values[row, k]
        _raise_to(state, 0, kept, j, state, 0)
        while at < len(places) and places[at] == row:
            for k in range(width):
                most, past = state[0, 1, k], back[j + 1, 1, k]
                found[at, k] = most if most > past else past
            for k in range(width):
                enough = state[0, 0, k] + back[j + 1, 0, k] >= least
                found[at, k] = found[at, k] if enough else np.nan
            at += 1
        if j == window - 1:
            back[window, 0], back[window, 1] = 0.0, -np.inf
            for i in range(window - 1, -1, -1):
                _raise_to(back, i + 1, kept, i, back, i)


@compiled
def _raise_to(start: np.ndarray, i: int, kept: np.ndarray, j: int, top: np.ndarray, m: int) -> None:
    """Counts and maxima of `start[i]` and one row more into `top[m]`."""
    for k in range(kept.shape[1]):
        top[m, 0, k] = start[i, 0, k] + (1.0 if kept[j, k] == kept[j, k] else 0.0)
    for k in range(kept.shape[1]):
        # What is not known is not larger than anything.
        top[m, 1, k] = kept[j, k] if kept[j, k] > start[i, 1, k] else start[i, 1, k]


@compiled
def medians(
    values: np.ndarray, window: int, places: np.ndarray, least: int, found: np.ndarray
) -> None:
    """Medians of the windows of (R, K) that end on some rows, (A,) and increasing, into (A, K).

    The values of a window are kept in order, what is not known as infinite at the end. Of each
    row one is taken out and one put in, for all columns at once.
    """
    rows, width = values.shape
    ordered, count = np.full((window + 1, width), np.inf), np.zeros(width, dtype=np.int64)
    old, new, left, before = np.empty(width), np.empty(width), np.empty(width), np.empty(width)
    at = 0
    for row in range(rows):
        for k in range(width):
            known = values[row, k] == values[row, k]
            new[k] = values[row, k] if known else np.inf
            count[k] += known
        for k in range(width):
            old[k] = np.inf
        if row >= window:
            for k in range(width):
                known = values[row - window, k] == values[row - window, k]
                old[k] = values[row - window, k] if known else np.inf
                count[k] -= known
        for k in range(width):
            before[k] = -np.inf
        for i in range(window):
            # Without the old value, those beyond it stand one place nearer.
            for k in range(width):
                left[k] = ordered[i, k] if ordered[i, k] < old[k] else ordered[i + 1, k]
            for k in range(width):
                low = left[k] if left[k] < new[k] else new[k]
                ordered[i, k] = before[k] if before[k] > low else low
                before[k] = left[k]
        while at < len(places) and places[at] == row:
            for k in range(width):
                middle = (ordered[(count[k] - 1) // 2, k] + ordered[count[k] // 2, k]) / 2.0
                found[at, k] = middle if count[k] >= least else np.nan
            at += 1
