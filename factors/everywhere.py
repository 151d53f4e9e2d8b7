"""Value and momentum everywhere: rank-weighted books by asset class, and across classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from factors.holdings import Endings, holding_returns
from factors.preprocess import rank_scale
from feeds.errors import DataError

__all__ = ["Everywhere", "everywhere", "rank_weights", "volatility_shares"]

#: Names of the columns beside the classes' and the factors' own.
_ALL, _COMBINATION = "all", "combination"
#: Weight below which an asset is not held.
_NOTHING = 1e-12


@dataclass(frozen=True, eq=False)
class Everywhere:
    """Books and returns by class and factor; keys are ``equity value``, ``all combination``.

    Parameters
    ----------
    weights : dict of str to (R, N) float64 array
        Weights of unit capital at each decision. Those of a factor in a class are 1 long and 1
        short, or all zero; in combinations and across classes what offsets is netted.
    shares : dict of str to (R, C) float64 array
        By factor, the share of each class in the book across classes, classes sorted: in sum
        1, or all zero.
    returns : DataFrame
        (T, K) session returns of each book, simple, costless. NaN up to and including its first
        entry; 0 while it is too thin to be held afterwards.
    """

    weights: dict[str, np.ndarray]
    shares: dict[str, np.ndarray]
    returns: pd.DataFrame


def everywhere(
    scores: Mapping[str, np.ndarray],
    asset_class: np.ndarray,
    close_marks: np.ndarray,
    dates: np.ndarray,
    rows: np.ndarray,
    *,
    lag: int = 1,
    window: int = 252,
    min_observations: int | None = None,
    min_breadth: int = 6,
    ends: Endings | None = None,
) -> Everywhere:
    """Zero-cost books of each factor in each class, their combination, and both across classes.

    Within a class each factor's book is `rank_weights`, and the ``combination`` is the mean of
    the factors that have a book at that decision, so 50/50 for value and momentum. Across
    classes each is scaled by the volatility that its class's book had before (`volatility_shares`),
    so that coins do not rule the sum. The paper scales by the volatility of the whole sample,
    which nobody knew.

    Parameters
    ----------
    scores : dict of str to (R, N) array
        By factor; higher is better. NaN is not ranked: not eligible, or not known.
    asset_class : (N,) str array
    close_marks : (T, N) array
        Adjusted closes, the last mark carried.
    dates : (T,) datetime64 array
    rows : (R,) int array
        Decision rows, increasing.
    lag : int
        Sessions from the decision to the entry at the close.
    window : int
        Sessions of the trailing volatility.
    min_observations : int, optional
        Fewest returns within them, at least 2; a quarter of the window unless given. A class
        whose book has fewer is not yet in the books across classes.
    min_breadth : int
        Ranked assets below which a class has no book of a factor.
    ends : Endings, optional
        Delisting returns, as for `holding_returns`.

    Returns
    -------
    Everywhere

    Raises
    ------
    DataError
        If shapes disagree, a factor or class has the name of a composite, or the window is
        shorter than its observations.

    References
    ----------
    Asness, Moskowitz and Pedersen (2013), "Value and Momentum Everywhere", Journal of Finance 68.
    """
    asset_class = np.asarray(asset_class)
    classes = sorted(set(asset_class.tolist()))
    needed = max(2, window // 4) if min_observations is None else min_observations
    _check(scores, classes, window, needed)
    books = {
        name: rank_weights(values, groups=asset_class, min_breadth=min_breadth)
        for name, values in scores.items()
    }
    books[_COMBINATION] = _combined(list(books.values()), asset_class)
    weights: dict[str, np.ndarray] = {}
    shares: dict[str, np.ndarray] = {}
    returns: dict[str, np.ndarray] = {}
    column = np.searchsorted(classes, asset_class)
    for name, book in books.items():
        own = {f"{kind} {name}": np.where(asset_class == kind, book, 0.0) for kind in classes}
        earned = {key: _returns(close_marks, rows, part, lag, ends) for key, part in own.items()}
        held = np.stack([part.any(axis=1) for part in own.values()], axis=1)
        known = np.stack(list(earned.values()), axis=1)
        known[~_sessions_held(held, rows, lag, len(known))] = np.nan
        shares[name] = volatility_shares(known, rows, held, window, needed)
        across = book * shares[name][:, column]
        key = f"{_ALL} {name}"
        weights |= own | {key: across}
        returns |= earned | {key: _returns(close_marks, rows, across, lag, ends)}
    table = pd.DataFrame(
        {key: _from_first_entry(returns[key], part, rows, lag) for key, part in weights.items()},
        index=pd.DatetimeIndex(np.asarray(dates).astype("datetime64[ns]"), name="date"),
    )
    return Everywhere(weights, shares, table)


def rank_weights(
    scores: np.ndarray, *, groups: np.ndarray | None = None, min_breadth: int = 2
) -> np.ndarray:
    """Zero-cost weights proportional to rank: ``c (rank - mean rank)``, 1 long and 1 short.

    Parameters
    ----------
    scores : (R, N) array
        Higher is better; NaN is not ranked and gets 0. Ties share their average rank.
    groups : (N,) array, optional
        Labels of columns that are ranked and scaled apart, such as asset classes.
    min_breadth : int
        Ranked assets below which a row of a group is all zero.

    Returns
    -------
    (R, N) float64 array
        All zero for a single asset, and where all scores are equal.

    References
    ----------
    Asness, Moskowitz and Pedersen (2013), Journal of Finance 68, equation 1.
    """
    scores = np.asarray(scores, dtype=np.float64)
    labels = np.zeros(scores.shape[1]) if groups is None else np.asarray(groups)
    ranks = rank_scale(scores, groups=labels)
    weights = np.zeros(scores.shape)
    for label in np.unique(labels):
        columns = np.flatnonzero(labels == label)
        known = np.isfinite(ranks[:, columns])
        above = np.where(known, ranks[:, columns], 0.0)
        long = np.maximum(above, 0.0).sum(axis=1, keepdims=True)
        broad = (known.sum(axis=1, keepdims=True) >= min_breadth) & (long > 0.0)
        weights[:, columns] = np.divide(above, long, out=np.zeros(above.shape), where=broad)
    return weights


def volatility_shares(
    returns: np.ndarray, rows: np.ndarray, held: np.ndarray, window: int, min_observations: int
) -> np.ndarray:
    """Shares of C books that give each the same volatility: ``(1 / s) / sum(1 / s)``.

    s is the sample deviation of the last `window` sessions' returns, the decision's own session
    included; nothing later is read.

    Parameters
    ----------
    returns : (T, C) array
        Session returns; NaN where a book was not held, which counts as no observation.
    rows : (R,) int array
        Decision rows.
    held : (R, C) bool array
        Books that exist at each decision; the others have share 0.
    window, min_observations : int
        Sessions looked at, and the returns needed among them.

    Returns
    -------
    (R, C) float64 array
        All zero where no book has a volatility. A book that did not move has none.
    """
    shares = np.zeros(held.shape)
    for line, row in enumerate(rows):
        past = returns[max(0, row - window + 1) : row + 1]
        known = np.isfinite(past)
        count = known.sum(axis=0)
        mean = np.where(known, past, 0.0).sum(axis=0) / np.maximum(count, 1)
        squares = (np.where(known, past - mean, 0.0) ** 2).sum(axis=0)
        deviation = np.sqrt(squares / np.maximum(count - 1, 1))
        use = held[line] & (count >= max(min_observations, 2)) & (deviation > 0.0)
        if use.any():
            calm = np.where(use, 1.0 / np.where(use, deviation, 1.0), 0.0)
            shares[line] = calm / calm.sum()
    return shares


def _check(scores: Mapping[str, np.ndarray], classes: list[str], window: int, needed: int) -> None:
    if not scores or _COMBINATION in scores or _ALL in classes:
        raise DataError(
            f"factors {', '.join(scores) or 'none'} of classes {', '.join(classes)} cannot be "
            f"combined",
            f"give one factor or more, none of them {_COMBINATION}, and no class named {_ALL}",
        )
    if not 2 <= needed <= window:
        raise DataError(
            f"min_observations {needed} does not fit a window of {window} sessions",
            "choose 2 or more, and no more than the window",
        )


def _combined(books: list[np.ndarray], asset_class: np.ndarray) -> np.ndarray:
    """(R, N) mean, class by class, of the books that hold something in it at each decision."""
    stacked = np.stack(books)
    count = np.zeros(stacked.shape[1:])
    for kind in np.unique(asset_class):
        columns = asset_class == kind
        count[:, columns] = stacked[:, :, columns].any(axis=2).sum(axis=0)[:, None]
    mean = stacked.sum(axis=0) / np.maximum(count, 1.0)
    # What cancels but for rounding holds nothing: its volatility would be no number to divide by.
    return np.where(np.abs(mean) > _NOTHING, mean, 0.0)


def _returns(
    marks: np.ndarray, rows: np.ndarray, weights: np.ndarray, lag: int, ends: Endings | None
) -> np.ndarray:
    """(T,) returns over the columns that are ever held."""
    columns = np.flatnonzero(weights.any(axis=0))
    chosen = None if ends is None else Endings(ends.row[columns], ends.result[columns])
    return holding_returns(marks[:, columns], rows, weights[:, columns], lag, ends=chosen)


def _from_first_entry(
    returns: np.ndarray, weights: np.ndarray, rows: np.ndarray, lag: int
) -> np.ndarray:
    """(T,) the returns, NaN up to and including the first entry of a book that holds something."""
    first = np.flatnonzero(weights.any(axis=1))
    entry = int(rows[first[0]]) + lag if len(first) else len(returns)
    return np.where(np.arange(len(returns)) <= entry, np.nan, returns)


def _sessions_held(held: np.ndarray, rows: np.ndarray, lag: int, sessions: int) -> np.ndarray:
    """(T, C) bool: the session's return is that of a book, not of cash."""
    entries = np.asarray(rows, dtype=np.int64) + lag
    latest = np.searchsorted(entries, np.arange(sessions)) - 1
    if not len(entries):
        return np.zeros((sessions, held.shape[1]), dtype=bool)
    return held[np.maximum(latest, 0)] & (latest >= 0)[:, None]
