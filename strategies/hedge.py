"""The smallest change of the weights that trade by which a whole book is neutral."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

__all__ = ["Hedge", "HedgeLimits", "hedged_weights", "is_past"]

#: What a unit of weight beyond a limit costs, where not all can be kept: that of the tightest,
#: the others in proportion and no less than the least, and gross, which gives way first.
_PRICE, _LEAST_PRICE, _PRICE_OF_GROSS = 10.0, 1.0, 0.1
#: By how much a limit may be missed and still counts as kept: lots and rounding, not risk.
_KEPT = 1e-9


@dataclass(frozen=True)
class HedgeLimits:
    """What a book is brought back to, as shares of NAV.

    Parameters
    ----------
    dollar : float
        Greatest absolute net weight.
    beta : float or None
        Greatest absolute sum of weight x beta; None asks for nothing.
    gross : float
        Greatest sum of absolute weights.
    max_weight : float
        Greatest absolute weight that one is raised to.
    """

    dollar: float
    beta: float | None
    gross: float
    max_weight: float


@dataclass(frozen=True)
class Hedge:
    """(k,) `weights`, and whether the whole book keeps `neutral` and `gross` with them."""

    weights: np.ndarray
    neutral: bool
    gross: bool


def is_past(exposure: Mapping[str, float | None], limits: Mapping[str, float | None]) -> bool:
    """Whether an exposure is beyond the limit of its name, in absolute value.

    A limit that is None asks for nothing, and an exposure that is None has nothing to show.
    """
    return any(
        limit is not None and abs(exposure[name] or 0.0) > limit for name, limit in limits.items()
    )


def hedged_weights(
    wanted: np.ndarray,
    held: np.ndarray,
    beta: np.ndarray,
    rest: tuple[float, float, float],
    limits: HedgeLimits,
) -> Hedge:
    """Weights closest to what is wanted, in squares, that make the whole book neutral.

    Parameters
    ----------
    wanted, held, beta : (k,) float arrays
        Signed weights and betas of what trades. Each weight keeps the side that it is wanted
        on, or is held on where none is wanted, and is not raised above ``max_weight``; one that
        is above it stays there at most.
    rest : (float, float, float)
        Net weight, sum of weight x beta, and gross of all that does not trade.
    limits : HedgeLimits

    Returns
    -------
    Hedge
        Where the limits leave no room, what breaks them least: gross gives way first.

    Notes
    -----
    With the sides given, gross is linear: a convex quadratic program with a row for each of
    net, beta and gross. NaN: none is allowed.
    """
    if not len(wanted):
        return _judged(wanted, beta, rest, limits)
    side = np.sign(np.where(wanted != 0, wanted, held))
    most = np.maximum(limits.max_weight, np.where(held * side > 0, np.abs(held), 0.0))
    bounds = {
        "at_least": np.where(side < 0, -most, 0.0),
        "at_most": np.where(side > 0, most, 0.0),
    }
    free = np.inf if limits.beta is None else limits.beta
    matrix = np.stack([np.ones(len(wanted)), beta, side])
    spare = np.array([limits.dollar, free, limits.gross])
    lower = np.array([-spare[0] - rest[0], -spare[1] - rest[1], -np.inf])
    upper = spare - np.array(rest)
    weights = _closest(wanted, matrix, lower, upper, bounds)
    if weights is None:
        room = np.maximum(spare[:2], _KEPT)
        price = np.append(np.maximum(_PRICE * room.min() / room, _LEAST_PRICE), _PRICE_OF_GROSS)
        weights = _least_broken(wanted, matrix, lower, upper, bounds, price)
    return _judged(weights, beta, rest, limits)


def _closest(
    wanted: np.ndarray, matrix: np.ndarray, lower: np.ndarray, upper: np.ndarray, bounds: dict
) -> np.ndarray | None:
    # Imported here: only a gap needs a program solved.
    from strategies.optimality import KKTPoint
    from strategies.quadratic import solve_quadratic

    guess = np.clip(wanted, bounds["at_least"], bounds["at_most"])
    start = KKTPoint(guess, np.zeros(len(lower)), np.zeros(len(wanted)))
    ones = np.ones(len(wanted))
    found = solve_quadratic(ones, -wanted, matrix, lower, upper, **bounds, start=start)
    if found.status != "solved":
        return None
    return np.clip(found.x, bounds["at_least"], bounds["at_most"])


def _least_broken(
    wanted: np.ndarray,
    matrix: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    bounds: dict,
    price: np.ndarray,
) -> np.ndarray:
    from strategies.quadratic import nearest_feasible

    ones = np.ones(len(wanted))
    elastic = nearest_feasible(ones, -wanted, matrix, lower, upper, **bounds, price=price)
    # Once it is known how far limits give way, the closest of these weights is a plain program.
    slack = np.nan_to_num(elastic.slack)
    room = lower + np.minimum(slack, 0.0) - _KEPT, upper + np.maximum(slack, 0.0) + _KEPT
    weights = _closest(wanted, matrix, *room, bounds)
    if weights is None:
        weights = np.clip(np.nan_to_num(elastic.x), bounds["at_least"], bounds["at_most"])
    return weights


def _judged(
    weights: np.ndarray, beta: np.ndarray, rest: tuple[float, float, float], limits: HedgeLimits
) -> Hedge:
    net = rest[0] + float(np.add.reduce(weights))
    of_beta = rest[1] + float(np.add.reduce(weights * beta))
    gross = rest[2] + float(np.add.reduce(np.abs(weights)))
    neutral = abs(net) <= limits.dollar + 10 * _KEPT
    if limits.beta is not None:
        neutral &= abs(of_beta) <= limits.beta + 10 * _KEPT
    return Hedge(weights, bool(neutral), gross <= limits.gross + 10 * _KEPT)
