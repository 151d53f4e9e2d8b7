"""Random draws that depend on nothing but their seed and two keys.

A generator that is moved on from ticket to ticket gives another draw once an asset is added or
an order changes. Here each draw is a hash of its keys, so that it can be had again alone.
"""

from __future__ import annotations

import numpy as np

__all__ = ["normal_draws", "uniform_draws"]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
#: Draws of the second half of a pair.
_OTHER = 0x5DEECE66D


def uniform_draws(seed: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Draws from the open interval (0, 1).

    The finaliser of SplitMix64 is applied to the seed and then to each key in turn; the top 52
    bits of the last state, and a half, are the draw.

    Parameters
    ----------
    seed : int
    first, second : (k,) int arrays
        Keys, >= 0 as unsigned 64-bit numbers or wrapped to such.

    Returns
    -------
    (k,) float64 array

    References
    ----------
    Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators, OOPSLA.
    """
    start = np.array([seed % 2**64], dtype=np.uint64)
    state = _mixed(start)
    for key in (first, second):
        state = _mixed(state + np.asarray(key).astype(np.int64).view(np.uint64))
    return ((state >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def normal_draws(seed: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Standard normal draws: the cosine half of Box and Muller's pair of uniform ones.

    Parameters and result are those of :func:`uniform_draws`.
    """
    radius = np.sqrt(-2.0 * np.log(uniform_draws(seed, first, second)))
    return radius * np.cos(2.0 * np.pi * uniform_draws(seed ^ _OTHER, first, second))


def _mixed(state: np.ndarray) -> np.ndarray:
    """SplitMix64: a step and its finaliser; arithmetic is modulo 2**64."""
    state = state + _STEP
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))
