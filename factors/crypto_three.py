"""The crypto three-factor model: market, size and momentum over the weeks of its authors."""

from __future__ import annotations

import numpy as np
import pandas as pd

from factors.coin_books import CoinBooks, CoinRules, coin_books
from factors.coin_weeks import week_ends, week_numbers
from factors.holdings import Endings
from feeds.panel import Panel

__all__ = ["crypto_three"]


def crypto_three(
    panel: Panel,
    rules: CoinRules = CoinRules(),
    *,
    eligible: np.ndarray | None = None,
    rf: pd.Series | None = None,
    ends: Endings | None = None,
) -> pd.DataFrame:
    """Weekly returns of CMKT, CSMB and CMOM.

    CMKT is the return of all coins that qualify, by cap, over the risk-free rate; CSMB that of
    the 30 % smallest over the 30 % biggest; CMOM, from a 2x3 sort by size and three-week return,
    ``(small high + big high) / 2 - (small low + big low) / 2``. Coins and weights are those of
    the end of the week before. They are entered at that very close, as in the paper: who trades
    a session later holds `coin_books` with a lag.

    Parameters
    ----------
    panel : Panel
        With market caps; assets of other classes than ``crypto`` take no part. On ``24/7`` weeks
        end on their last day, on ``XNYS`` on their last session.
    rules : CoinRules
    eligible : (T, N) bool array, optional
        Coins that may be held, such as the investable ones, row by row.
    rf : Series, optional
        Risk-free return of a week by its label; nothing is taken off unless given.
    ends : Endings, optional
        Closes coins that ended at their delisting return. Without them they keep their last
        price, so that they earn nothing until the next formation.

    Returns
    -------
    DataFrame
        Index ``week`` (int64, ``yyyyww``): every complete week of the panel after the first.
        Columns ``week_end`` (its last day), ``coins`` (those that qualified), ``cmkt``, ``csmb``,
        ``cmom`` (fractions). NaN handling: a cap of 0 or NaN is not known, and takes the coin out
        of the week, as does a week without a bar; NaN where a week is too thin, or the week before
        is missing.

    Raises
    ------
    ConfigError
        If the panel has no market caps or no coins.

    References
    ----------
    Liu, Tsyvinski and Wu (2022), "Common Risk Factors in Cryptocurrency", Journal of Finance 77.
    """
    books = coin_books(panel, rules, eligible=eligible, ends=ends)
    growth = _growth(panel, books, rules, ends)
    returns = {
        "cmkt": _earned(books.market, growth),
        "csmb": _earned(books.small, growth) - _earned(books.big, growth),
        "cmom": _earned(books.winners, growth) - _earned(books.losers, growth),
    }
    labels = books.labels[1:]
    table = pd.DataFrame(
        {
            "week_end": week_ends(labels).astype("datetime64[ns]"),
            "coins": books.coins[:-1],
            **{name: values[:-1] for name, values in returns.items()},
        },
        index=pd.Index(labels, name="week"),
    )
    if rf is not None:
        table["cmkt"] -= rf.reindex(table.index).astype(float)
    return table


def _growth(panel: Panel, books: CoinBooks, rules: CoinRules, ends: Endings | None) -> np.ndarray:
    """(W, N) price at the end of the next week over that at its start; NaN without such a week."""
    growth = np.full((len(books.rows), panel.shape[1]), np.nan)
    begin, stop = books.rows[:-1], books.rows[1:]
    if rules.week_return == "seven_days":
        days = panel.dates.astype("datetime64[D]")
        week_before = week_ends(books.labels[1:]) - 7
        begin = np.searchsorted(days, week_before, side="right") - 1
    change = panel.mark[stop] / panel.mark[begin]
    if ends is not None:
        # From the formation on, so that no loss falls on the days that are in no week.
        closed = (ends.row > books.rows[:-1, None]) & (ends.row <= stop[:, None])
        change = np.where(closed, change * (1.0 + ends.result), change)
    follows = np.diff(week_numbers(books.labels)) == 1
    growth[:-1] = np.where(follows[:, None], change, np.nan)
    return growth


def _earned(weights: np.ndarray, growth: np.ndarray) -> np.ndarray:
    """(W,) return of each row's weights; NaN where they are all zero."""
    return np.where(weights.any(axis=1), _weighted(weights, growth - 1.0), np.nan)


def _weighted(weights: np.ndarray, returns: np.ndarray) -> np.ndarray:
    return np.where(weights != 0.0, weights * returns, 0.0).sum(axis=1)
