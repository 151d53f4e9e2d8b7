"""Where a book's risk came from: contributions of exposures to its variance, and the residual.

Of N assets' weights w, the exposures to J portfolios with weights W (N, J) are those of a least
squares fit, ``w = W x + u``, ``x = W^+ w``. With B' = W^+ the loadings, this is Roncalli and
Weisang's ``x = B'w`` and ``W' = B^+``, and the contributions ``(B'w)_j (B^+ S w)_j / s^2`` add up
to 1 with that of the residual, ``u'Sw / s^2``, where s^2 = w'Sw is the variance of the book.

Rows of books are decisions (R,), entered at the close of the session after; rows of marks and
weights are sessions (T,).

References
----------
Roncalli and Weisang (2016), Quantitative Finance 16.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from strategies.factor_books import drifted_books

__all__ = [
    "RESIDUAL",
    "WINDOW",
    "HeldExposures",
    "contributions",
    "held_exposures",
    "prevailing_budgets",
    "rebalance_contributions",
    "rolling_contributions",
]

#: Sessions over which contributions are realised, and of the covariances at a rebalance.
WINDOW = 126
#: What no exposure explains: weights outside of their portfolios, and costs.
RESIDUAL = "residual"
#: Relative size below which a direction of the portfolios counts as one they do not span.
_SPANNED = 1e-10


@dataclass(frozen=True, eq=False)
class HeldExposures:
    """Exposures of a book through time.

    Parameters
    ----------
    multiples : (T, J) float64 array
        How much of each portfolio the weights at each close hold, in units of value.
    earned : (T, J) float64 array
        Return of each session by exposure: the multiple at the close before times the return of
        the portfolio.
    """

    multiples: np.ndarray
    earned: np.ndarray


def contributions(weights: np.ndarray, books: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Shares of a book's variance by exposure, that of the residual last; they sum to 1.

    Parameters
    ----------
    weights : (N,) float array
    books : (J, N) float array
        Weights of each exposure's portfolio. Of portfolios that are the same, each has its part.
    moved : (N,) float array
        Covariance of each asset with the book, S w.

    Returns
    -------
    (J + 1,) float64 array
        NaN where the book has no variance.
    """
    held = _multiples(books, weights)
    parts = np.append(held * (books @ moved), (weights - held @ books) @ moved)
    total = weights @ moved
    return parts / total if total > 0 else np.full(len(parts), np.nan)


def held_exposures(
    marks: np.ndarray, weights: np.ndarray, entries: np.ndarray, books: np.ndarray
) -> HeldExposures:
    """Exposures of the book held at each close, and what they earned in the session after.

    The portfolios drift from their entry on as the book does.

    Parameters
    ----------
    marks : (T, N) float array
        Adjusted closes, the last one carried; NaN before the first: not held.
    weights : (T, N) float array
        Signed weights held at each close.
    entries : (R,) int array
        Sessions at whose close the portfolios of each decision are entered, increasing. Of those
        at or before the first session the last one counts.
    books : (R, J, N) float array
        Weights of the portfolios at their entry.
    """
    sessions = len(marks)
    multiples = np.zeros((sessions, books.shape[1]))
    earned = np.zeros_like(multiples)
    starts = np.clip(entries, 0, sessions)
    stops = np.append(starts[1:], sessions)
    for start, stop, book in zip(starts.tolist(), stops.tolist(), books, strict=True):
        if start >= stop:
            continue
        # Assets outside of the portfolios are outside of their products with the book, too.
        columns = np.flatnonzero(book.any(axis=0))
        drifted, following = drifted_books(marks[start : stop + 1, columns], book[:, columns])
        held = weights[start:stop, columns]
        multiples[start:stop] = _multiples(drifted[: stop - start], held)
        after = slice(start + 1, start + 1 + len(following))
        earned[after] = multiples[start : start + len(following)] * following
    return HeldExposures(multiples, earned)


def rolling_contributions(returns: np.ndarray, earned: np.ndarray, window: int) -> np.ndarray:
    """Realised shares of the variance of a book's returns over moving windows.

    ``cov(earned_j, return) / var(return)`` over the last `window` sessions, the residual being
    what the exposures did not earn, costs included. With weights and portfolios that stay the
    same in the window it is `contributions` on the window's sample covariance.

    Parameters
    ----------
    returns : (T,) float array
        Session returns of the book.
    earned : (T, J) float array
        Of `held_exposures`.
    window : int
        Sessions, 2 or more.

    Returns
    -------
    (T, J + 1) float64 array
        The residual last; rows sum to 1. NaN before the first whole window, and where the book
        did not move.
    """
    shares = np.full((len(returns), earned.shape[1] + 1), np.nan)
    if len(returns) < window:
        return shares
    parts = np.column_stack([earned, returns - earned.sum(axis=1)])
    own = _windows(returns[:, None], window)[:, 0]
    own = own - own.mean(axis=1, keepdims=True)
    total = (own * own).sum(axis=1)
    moved = np.einsum("tjs,ts->tj", _windows(parts, window), own)
    known = total > 0
    shares[window - 1 :][known] = moved[known] / total[known, None]
    return shares


def rebalance_contributions(
    history: np.ndarray, weights: np.ndarray, books: np.ndarray
) -> np.ndarray:
    """(J + 1,) `contributions` on the sample covariance of some sessions up to a rebalance.

    Parameters
    ----------
    history : (L, N) float array
        Session returns of the assets; NaN counts as 0, a mark that is carried.
    weights : (N,) float array
        The book after the rebalance.
    books : (J, N) float array
    """
    held = (weights != 0) | books.any(axis=0)
    past = np.nan_to_num(history[:, held])
    past = past - past.mean(axis=0)
    moved = (past @ weights[held]) @ past / max(len(past) - 1, 1)
    return contributions(weights[held], books[:, held], moved)


def prevailing_budgets(
    budgets: np.ndarray, entries: np.ndarray, sessions: int, window: int
) -> np.ndarray:
    """(T, J) mean over each window of the budgets in force when its sessions began.

    Sessions on which nothing had a budget do not count, so that budgets always sum to 1.

    Parameters
    ----------
    budgets : (R, J) float array
        Of each decision; rows sum to 1, or to 0 where nothing is held.
    entries : (R,) int array
        Sessions at whose close they come into force.
    sessions, window : int
        T, and sessions of a window.

    Returns
    -------
    (T, J) float64 array
        NaN before the first whole window, and where nothing had a budget in it.
    """
    latest = np.searchsorted(entries, np.arange(sessions) - 1, side="right") - 1
    daily = np.where((latest >= 0)[:, None], budgets[np.maximum(latest, 0)], 0.0)
    result = np.full(daily.shape, np.nan)
    if sessions >= window:
        mean = _windows(daily, window).mean(axis=2)
        total = mean.sum(axis=1, keepdims=True)
        result[window - 1 :] = np.where(total > 0, mean / np.where(total > 0, total, 1.0), np.nan)
    return result


def _multiples(books: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(..., J) least-squares exposures of (..., N) weights to (..., J, N) portfolios.

    By the pseudo-inverse of their products, so that portfolios that are the same share alike.
    """
    held = weights[..., None, :]
    products = books @ np.swapaxes(books, -1, -2)
    inverse = np.linalg.pinv(products, rcond=_SPANNED, hermitian=True)
    return (inverse @ (books @ np.swapaxes(held, -1, -2)))[..., 0]


def _windows(values: np.ndarray, window: int) -> np.ndarray:
    """(T - window + 1, J, window) view of the rows of (T, J)."""
    return np.lib.stride_tricks.sliding_window_view(values, window, axis=0)
