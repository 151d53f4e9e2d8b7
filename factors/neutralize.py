"""Scores without what groups and characteristics explain of them, date by date."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from factors.sections import by_group, known_entries

__all__ = ["neutralize"]

#: Below this share of its own spread a characteristic repeats those before it.
_COLLINEAR = 1e-11
#: Below this share of the largest entry, what is left of a row is rounding.
_ROUNDING = 1e-13
#: Cells that are worked on at a time, so that what lies between two steps stays in the cache.
_CELLS = 1 << 16


def neutralize(
    scores: np.ndarray,
    exposures: Sequence[np.ndarray] | np.ndarray = (),
    *,
    eligible: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Residuals of each row's regression on a constant and the exposures, within groups.

    With weights w the residuals e minimise sum(w e^2), so that sum(w e) = 0 and
    sum(w e x) = 0 for each exposure x: the scores favour neither a group as a whole nor large
    over small, high beta over low. Without exposures they are deviations from the mean.

    Solved for all rows at once by Gram-Schmidt orthogonalisation, each projection taken twice
    (Giraud, Langou and Rozloznik 2005), which is as accurate as Householder's QR. The order of
    the assets changes no bit.

    Parameters
    ----------
    scores : (R, N) float array
    exposures : sequence of (R, N) float arrays, or (K, R, N) array
        Characteristics, each as known on its row. One that is constant within a group, or
        repeats those before it, is passed over there.
    eligible : (R, N) bool array, optional
        Entries that take part; all of them unless given.
    groups : (N,) array, optional
        Labels of columns, each with a regression of its own.
    weights : (R, N) float array, optional
        Weights of the regression, such as the square root of market cap; equal unless given.

    Returns
    -------
    (R, N) float64 array
        NaN where not eligible, or where the score or an exposure is not known, or the weight
        is not positive: what cannot be made neutral is not ranked. 0 for a group with no more
        assets than coefficients, where the exposures explain everything.

    Raises
    ------
    ValueError
        If an exposure or the weights have not the shape of the scores.
    """
    blocks = [*exposures] if weights is None else [*exposures, weights]
    for block in blocks:
        if np.shape(block) != np.shape(scores):
            raise ValueError(
                f"exposures and weights have the shape of the scores, {np.shape(scores)}, "
                f"not {np.shape(block)}"
            )
    known = known_entries(scores, eligible)
    for block in blocks:
        known = known & np.isfinite(block)
    weight = np.ones(known.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    known &= weight > 0.0
    taken = [np.where(known, block, np.nan) for block in (scores, weight, *exposures)]
    return by_group(_residuals, groups, *taken)


def _residuals(*blocks: np.ndarray) -> np.ndarray:
    rows, columns = blocks[0].shape
    step = max(_CELLS // max(columns, 1), 1)
    parts = [slice(first, first + step) for first in range(0, rows, step)]
    done = [_residuals_of(*(block[part] for block in blocks)) for part in parts]
    return np.concatenate(done) if done else np.empty((rows, columns))


def _residuals_of(scores: np.ndarray, weight: np.ndarray, *exposures: np.ndarray) -> np.ndarray:
    order = _order(scores, exposures, weight)
    scores, weight, *exposures = (
        np.take_along_axis(block, order, axis=1) for block in (scores, weight, *exposures)
    )
    known = np.isfinite(scores)
    # Entries of share 0 count in no sum, whatever stands there.
    share = np.where(known, weight, 0.0)
    share /= _or_one(share.sum(axis=1, keepdims=True))
    basis: list[np.ndarray] = []
    for exposure in exposures:
        basis.append(_direction(np.where(known, exposure, 0.0), basis, share))
    scores = np.where(known, scores, 0.0)
    size = _or_one(_largest(scores))
    left = _without(scores / size, basis, share)
    left[_length(left, share)[:, 0] <= _ROUNDING] = 0.0
    residuals = np.empty(left.shape)
    np.put_along_axis(residuals, order, np.where(known, left * size, np.nan), axis=1)
    return residuals


def _order(scores: np.ndarray, exposures: Sequence[np.ndarray], weight: np.ndarray) -> np.ndarray:
    """Columns of each row in an order of their values alone, so that sums are the same bits."""
    order = np.argsort(scores, axis=1)
    ordered = np.take_along_axis(scores, order, axis=1)
    tied = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    keys = [block[tied] for block in (weight, *exposures[::-1], scores)]
    order[tied] = np.lexsort(keys, axis=1)
    return order


def _direction(exposure: np.ndarray, basis: list[np.ndarray], share: np.ndarray) -> np.ndarray:
    """What an exposure adds to those before it, of unit length; 0 where it adds nothing."""
    scaled = exposure / _or_one(_largest(exposure))
    spread = _length(_without(scaled, [], share), share)
    new = _without(scaled, basis, share)
    length = _length(new, share)
    nothing = length <= np.maximum(_COLLINEAR * spread, _ROUNDING)
    return np.where(nothing, 0.0, new / np.where(nothing, 1.0, length))


def _without(rows: np.ndarray, basis: list[np.ndarray], share: np.ndarray) -> np.ndarray:
    """`rows` less their mean and projections, twice: once leaves a long vector's rounding."""
    for _ in range(2):
        rows = rows - _sum(share * rows)
        for direction in basis:
            rows -= direction * _sum(share * direction * rows)
    return rows


def _sum(rows: np.ndarray) -> np.ndarray:
    return rows.sum(axis=1, keepdims=True)


def _length(rows: np.ndarray, share: np.ndarray) -> np.ndarray:
    return np.sqrt(_sum(share * rows**2))


def _largest(rows: np.ndarray) -> np.ndarray:
    return np.max(np.abs(rows), axis=1, keepdims=True, initial=0.0)


def _or_one(rows: np.ndarray) -> np.ndarray:
    return np.where(rows > 0.0, rows, 1.0)
