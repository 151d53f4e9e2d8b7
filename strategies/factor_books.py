"""Exposures of a book: each factor's own portfolio in each sleeve, and what it has earned.

Rows of scores are decisions (R,), rows of marks sessions (T,), columns assets (N,); there are J
exposures. A decision uses its own row and is entered at the close of the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from factors.quantile_books import long_only_weights, long_short_weights
from strategies.portfolio_rules import PortfolioRules

__all__ = ["Exposure", "drifted_books", "exposure_streams", "factor_books", "present_returns"]


@dataclass(frozen=True)
class Exposure:
    """A portfolio that risk is budgeted to.

    Parameters
    ----------
    sleeve : str
        Asset class; empty where all classes are one pool.
    factor : str
        Name of the factor, or ``trend`` or ``long_only`` for the own book of a thin sleeve.
    is_own : bool
        Whether it is the own book of a sleeve too thin to be ranked.
    """

    sleeve: str
    factor: str
    is_own: bool = False

    @property
    def label(self) -> str:
        """``equity:momentum``."""
        return f"{self.sleeve or 'all'}:{self.factor}"


def factor_books(
    scores: Mapping[str, np.ndarray],
    ranked: np.ndarray,
    eligible: np.ndarray,
    trend: np.ndarray,
    asset_class: np.ndarray,
    rules: PortfolioRules,
) -> tuple[tuple[Exposure, ...], np.ndarray]:
    """Unit portfolios of each factor in each sleeve, and of sleeves too thin to be ranked.

    A factor's portfolio holds the best assets of the sleeve by that factor alone, less the worst
    in a long-short book, as many a side as `rules` select, equally weighted. It is missing on a
    row on which fewer than ``min_breadth`` assets are known of, or all are equal. A sleeve all
    of whose factors are missing is thin and has a book of its own: each asset's trend, or all of
    its assets, as ``thin_sleeve`` says.

    Parameters
    ----------
    scores : mapping of str to (R, N) float arrays
        Comparable scores by factor, signed so that higher is better; NaN: not known.
    ranked, eligible : (R, N) bool arrays
        Assets that the run ranks, and assets that may be held.
    trend : (R, N) float array
        Each asset's own past return; NaN: not known, and not held by a thin sleeve.
    asset_class : (N,) str array
    rules : PortfolioRules

    Returns
    -------
    exposures : tuple of J Exposure
        Those that are held on any row; sleeve by sleeve, factors in the order given.
    books : (R, J, N) float64 array
        Signed weights whose absolute sum is 1 (less where ties across both sides cancel), or 0 on
        rows on which the exposure is missing.
    """
    found: list[tuple[Exposure, np.ndarray]] = []
    for sleeve in rules.sleeves if rules.sleeves is not None else ("",):
        members = asset_class == sleeve if sleeve else np.ones(len(asset_class), dtype=bool)
        own = [
            (Exposure(sleeve, name), _book(np.where(ranked & members, values, np.nan), rules))
            for name, values in scores.items()
        ]
        found += own
        thin = ~np.any([book.any(axis=1) for _, book in own], axis=0)
        if rules.thin_sleeve in ("trend", "long_only"):
            held = eligible & members & np.isfinite(trend) & thin[:, None]
            exposure = Exposure(sleeve, rules.thin_sleeve, is_own=True)
            found.append((exposure, _thin_book(held, trend, rules)))
    kept = [(exposure, book) for exposure, book in found if book.any()]
    books = [book for _, book in kept]
    shape = (len(ranked), 0, ranked.shape[1])
    return (
        tuple(exposure for exposure, _ in kept),
        np.stack(books, axis=1) if books else np.zeros(shape),
    )


def _book(scores: np.ndarray, rules: PortfolioRules) -> np.ndarray:
    make = long_short_weights if rules.is_long_short else long_only_weights
    return make(scores, rules.quantile, rules.min_breadth, top=rules.top)


def _thin_book(held: np.ndarray, trend: np.ndarray, rules: PortfolioRules) -> np.ndarray:
    direction = np.ones(held.shape)
    if rules.thin_sleeve == "trend":
        direction = np.sign(np.where(held, trend, 0.0))
        if not rules.is_long_short:
            direction = np.maximum(direction, 0.0)
    book = np.where(held, direction, 0.0)
    return book / np.maximum(np.abs(book).sum(axis=1, keepdims=True), 1.0)


def exposure_streams(marks: np.ndarray, rows: np.ndarray, books: np.ndarray) -> np.ndarray:
    """(T, J) session returns of each exposure's portfolio, as it was rebalanced through time.

    Costless and of unit capital; weights drift between entries, as in
    :func:`factors.holdings.holding_returns`. A series that ended keeps its last mark: which one
    has ended for good is not known on the day. A portfolio that has lost everything starts anew
    at the next entry.

    Parameters
    ----------
    marks : (T, N) float array
        Adjusted closes, the last one carried; NaN before the first: not held.
    rows : (R,) int array
        Decision rows, increasing.
    books : (R, J, N) float array

    Returns
    -------
    (T, J) float64 array
        NaN on sessions on which the exposure was not held.
    """
    streams = np.full((len(marks), books.shape[1]), np.nan)
    stops = np.append(rows[1:] + 2, len(marks))
    for row, stop, book in zip(rows.tolist(), stops.tolist(), books, strict=True):
        held = np.flatnonzero(book.any(axis=1))
        columns = np.flatnonzero(book.any(axis=0))
        if row + 2 <= len(marks) - 1 and len(held):
            period = marks[row + 1 : stop, columns]
            _, returns = drifted_books(period, book[np.ix_(held, columns)])
            streams[row + 2 : row + 2 + len(returns), held] = returns
    return streams


def drifted_books(marks: np.ndarray, books: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What portfolios entered at the first of some closes hold at each close, and earn.

    Parameters
    ----------
    marks : (m, N) float array
        NaN in the first row: not entered, the weight stays in cash.
    books : (J, N) float array
        Weights of unit capital.

    Returns
    -------
    weights : (m, J, N) float64 array
        Of the portfolio's value; 0 once it has lost everything.
    returns : (m - 1, J) float64 array
        Of the sessions after the first close, -1 on the one that loses everything.

    Notes
    -----
    Sums run over the assets of one session alone, so that later sessions change no bit.
    """
    known = np.isfinite(marks[0])
    growth = np.where(known, marks / np.where(known, marks[0], 1.0), 1.0)
    worth = growth[:, None, :] * np.where(known, books, 0.0)
    value = 1.0 - worth[0].sum(axis=1) + worth.sum(axis=2)
    alive = np.logical_and.accumulate(value > 0, axis=0)
    value = np.where(alive, value, 1.0)
    weights = worth / value[:, :, None] * alive[:, :, None]
    returns = np.where(alive[1:], value[1:] / value[:-1] - 1.0, -1.0)
    return weights, np.where(alive[:-1], returns, 0.0)


def present_returns(returns: np.ndarray, books: np.ndarray) -> np.ndarray:
    """(L, J) what fixed portfolios would have earned on sessions already past.

    Parameters
    ----------
    returns : (L, N) float array
        Session returns of the assets; NaN: not known.
    books : (J, N) float array
        Weights of absolute sum 1.

    Returns
    -------
    (L, J) float64 array
        NaN handling: the known assets stand for the others in proportion; NaN where less than
        half of a portfolio, by absolute weight, is known.
    """
    ever = books.any(axis=0)
    known = np.isfinite(returns[:, ever])
    earned = np.where(known, returns[:, ever], 0.0) @ books[:, ever].T
    share = known @ np.abs(books[:, ever]).T
    return np.divide(earned, share, out=np.full(earned.shape, np.nan), where=share >= 0.5)
