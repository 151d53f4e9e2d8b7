"""Portfolios of the crypto three-factor model: who is held at the end of each week."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from factors.coin_weeks import week_end_rows, week_labels, week_numbers
from factors.holdings import Endings
from factors.sorts import breakpoints
from factors.windows import is_fresh, last_known
from feeds.errors import ConfigError
from feeds.panel import Panel

__all__ = ["CoinBooks", "CoinRules", "coin_books"]


@dataclass(frozen=True)
class CoinRules:
    """How the coins of a week are chosen, sorted and held.

    Parameters
    ----------
    min_cap : float
        Smallest market cap at the formation, in currency.
    history_weeks : int
        Weeks before the formation by whose end a coin must have had its first bar. The paper
        states none; 4 fits the authors' series best: they hold Bitcoin Cash, which was 5 % of
        the market within two weeks, from its fifth week on.
    lookback_weeks : int
        Weeks of the momentum return, which ends at the formation.
    tail : float
        Share of coins in the outer groups by cap and by momentum, in (0, 0.5).
    min_breadth : int
        Coins below which a week has no CSMB, and coins with a momentum below which it has no
        CMOM; 6 leave one for each cell of the 2x3 sort.
    sort : {"conditional", "independent"}
        Whether the momentum groups are formed within each half by size, as the paper says, or
        among all coins.
    week_return : {"seven_days", "whole"}
        ``seven_days`` is the return of the last seven days of each week, which is what the
        authors' series has: the one or two days by which a year's last week is longer are in
        no week. ``whole`` holds from formation to formation, so that weeks compound without a
        gap. They differ in week 52 alone.
    """

    min_cap: float = 1e6
    history_weeks: int = 4
    lookback_weeks: int = 3
    tail: float = 0.3
    min_breadth: int = 6
    sort: Literal["conditional", "independent"] = "conditional"
    week_return: Literal["seven_days", "whole"] = "seven_days"

    def __post_init__(self) -> None:
        if not 0.0 < self.tail < 0.5:
            raise ConfigError(f"tail {self.tail} is not within (0, 0.5)", "use 0.3, as the paper")
        if self.history_weeks < 0 or self.lookback_weeks < 1 or self.min_breadth < 2:
            raise ConfigError(
                f"history_weeks {self.history_weeks}, lookback_weeks {self.lookback_weeks}, "
                f"min_breadth {self.min_breadth}: one is too small",
                "they are at least 0, 1 and 2",
            )


@dataclass(frozen=True, eq=False)
class CoinBooks:
    """What the portfolios of the model hold, as formed at the end of each of W weeks.

    Each row of weights sums to 1, or is all zero where the week is too thin for it. They can
    be held from any session: ``holding_returns(panel.mark, books.rows, books.market, lag=1)``.

    Parameters
    ----------
    labels : (W,) int64 array
        Weeks at whose end the books are formed, ``yyyyww``.
    rows : (W,) int64 array
        Their last rows in the panel.
    coins : (W,) int64 array
        Coins that qualify.
    market : (W, N) float64 array
        All of them, by cap.
    small, big : (W, N) float64 arrays
        The outer groups by cap, each by cap.
    winners, losers : (W, N) float64 arrays
        Half of the small and half of the big coins with the best or worst momentum, each half
        by cap.
    """

    labels: np.ndarray
    rows: np.ndarray
    coins: np.ndarray
    market: np.ndarray
    small: np.ndarray
    big: np.ndarray
    winners: np.ndarray
    losers: np.ndarray


def coin_books(
    panel: Panel,
    rules: CoinRules = CoinRules(),
    *,
    eligible: np.ndarray | None = None,
    ends: Endings | None = None,
) -> CoinBooks:
    """The portfolios of the model at the end of every complete week.

    Parameters, NaN handling and errors as in `crypto_three`. Row w depends on the rows of the
    panel up to the end of week w alone.

    Returns
    -------
    CoinBooks
    """
    is_coin = _check_coins(panel)
    rows = week_end_rows(panel.dates, panel.next_session)
    numbers = week_numbers(week_labels(panel.dates[rows]))
    caps = last_known(panel, np.where(panel.market_cap > 0, panel.market_cap, np.nan), rows)
    held = is_coin & panel.member[rows] & (caps >= rules.min_cap)
    held &= _listed(panel, rows, numbers, rules.history_weeks)
    if eligible is not None:
        held &= np.asarray(eligible, dtype=bool)[rows]
    if ends is not None:
        held &= ends.row > rows[:, None]
    coins = held.sum(axis=1)
    small, big = _tails(caps, held, rules.tail)
    broad = (coins >= rules.min_breadth)[:, None]
    winners, losers = _momentum_books(panel, rows, numbers, caps, held, rules)
    return CoinBooks(
        labels=week_labels(panel.dates[rows]),
        rows=rows,
        coins=coins,
        market=_by_cap(caps, held),
        small=_by_cap(caps, small & broad),
        big=_by_cap(caps, big & broad),
        winners=winners,
        losers=losers,
    )


def _check_coins(panel: Panel) -> np.ndarray:
    """(N,) bool: which assets are coins."""
    is_coin = panel.asset_class == "crypto"
    if panel.market_cap is None:
        raise ConfigError(
            "the crypto three-factor model weighs coins by market_cap, which the data set lacks",
            "use a set whose price file has a market_cap column",
        )
    if not is_coin.any():
        raise ConfigError(
            f"none of the {panel.shape[1]} assets of the data set is a coin",
            "use a set with asset_class crypto",
        )
    return is_coin


def _weeks_before(numbers: np.ndarray, rows: np.ndarray, weeks: int) -> np.ndarray:
    """(W,) last row of the week that lies `weeks` before each; -1 where the panel lacks it."""
    found = np.searchsorted(numbers, numbers - weeks)
    return np.where(numbers[found] == numbers - weeks, rows[found], -1)


def _listed(panel: Panel, rows: np.ndarray, numbers: np.ndarray, weeks: int) -> np.ndarray:
    """(W, N) bool: had a bar by the end of the week that lies `weeks` before."""
    past = _weeks_before(numbers, rows, weeks)
    return (panel.age[past] >= 0) & (past >= 0)[:, None]


def _momentum_books(
    panel: Panel,
    rows: np.ndarray,
    numbers: np.ndarray,
    caps: np.ndarray,
    held: np.ndarray,
    rules: CoinRules,
) -> tuple[np.ndarray, np.ndarray]:
    """(W, N) weights of winners and of losers of the 2x3 sort."""
    past = _weeks_before(numbers, rows, rules.lookback_weeks)
    known = is_fresh(panel, past) & (past >= 0)[:, None] & held
    momentum = panel.mark[rows] / np.where(known, panel.mark[past], np.nan) - 1.0
    broad = (known.sum(axis=1) >= rules.min_breadth)[:, None]
    halves = _halves(caps, known & broad)
    if rules.sort == "conditional":
        tails = [_tails(momentum, half, rules.tail) for half in halves]
    else:
        low, high = _tails(momentum, known & broad, rules.tail)
        tails = [(half & low, half & high) for half in halves]
    low, high = (np.stack([_by_cap(caps, cells[side]) for cells in tails]) / 2.0 for side in (0, 1))
    # A cell without a coin leaves nothing to compare: the week has no momentum portfolio.
    full = (low.any(axis=2) & high.any(axis=2)).all(axis=0)[:, None]
    return np.where(full, high.sum(axis=0), 0.0), np.where(full, low.sum(axis=0), 0.0)


def _halves(values: np.ndarray, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(W, N) masks of the values up to the row's median, and above it."""
    middle = breakpoints(values, among, [0.5], fewest=1)
    return among & (values <= middle), among & (values > middle)


def _tails(values: np.ndarray, among: np.ndarray, tail: float) -> tuple[np.ndarray, np.ndarray]:
    """(W, N) masks of the lowest and highest share of each row, both breakpoints included.

    Values tied across both breakpoints are on both sides, where they cancel.
    """
    edges = breakpoints(values, among, [tail, 1.0 - tail], fewest=1)
    return among & (values <= edges[:, :1]), among & (values >= edges[:, 1:])


def _by_cap(caps: np.ndarray, among: np.ndarray) -> np.ndarray:
    """(W, N) caps over their sum `among` each row; all zero where there is none."""
    held = np.where(among, caps, 0.0)
    total = held.sum(axis=1, keepdims=True)
    return np.divide(held, total, out=np.zeros_like(held), where=total > 0)
