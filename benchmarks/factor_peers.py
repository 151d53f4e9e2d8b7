"""What a pandas user would write for each factor family: the peers of the factor benchmark.

A new family joins by one entry in :data:`PEERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from feeds.panel import Panel

__all__ = ["PEERS", "Frames", "Peer"]


class Frames:
    """The panel's fields as DataFrames, and the steps by which holes are dealt with."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self.whole = bool(panel.tradable.all())

    @cached_property
    def close(self) -> pd.DataFrame:
        return self._frame("close")

    @cached_property
    def cap(self) -> pd.DataFrame:
        return self._frame("market_cap")

    @cached_property
    def book(self) -> pd.DataFrame:
        return self._frame("book_equity")

    @cached_property
    def volume(self) -> pd.DataFrame:
        return self._frame("volume")

    def figure(self, name: str) -> pd.DataFrame:
        return pd.DataFrame(
            self._panel.figure(name), index=self._panel.dates, columns=self._panel.assets
        )

    def caps(self) -> pd.DataFrame:
        """Caps above zero, carried for a week."""
        cap = self.cap if self.whole else self.cap.ffill(limit=5)
        return cap.where(cap > 0)

    def traded(self) -> pd.DataFrame:
        """Traded value in currency; prices have seen no split and no dividend."""
        return self.volume * self.close

    def prices(self, days: int = 5) -> pd.DataFrame:
        """Closes, carried for at most so many sessions."""
        return self.close if self.whole else self.close.ffill(limit=days)

    def returns(self) -> pd.DataFrame:
        """Simple returns to each bar from the one before, of at most a week ago."""
        if self.whole:
            return self.close.pct_change(fill_method=None)
        return self.close / self.prices(4).shift(1) - 1.0

    def beside(self, market: pd.Series, returns: pd.DataFrame) -> pd.Series | pd.DataFrame:
        """The market on the days on which each asset has a return."""
        if self.whole:
            return market
        return pd.DataFrame(
            np.where(returns.notna(), market.to_numpy()[:, None], np.nan),
            index=returns.index,
            columns=returns.columns,
        )

    def ranked(self, scores: pd.DataFrame) -> pd.DataFrame:
        """Scores of assets that have had a bar within the week."""
        return scores if self.whole else scores.where(self.prices().notna())

    def _frame(self, name: str) -> pd.DataFrame:
        panel = self._panel
        return pd.DataFrame(getattr(panel, name), index=panel.dates, columns=panel.assets)


@dataclass(frozen=True)
class Peer:
    """A factor and its pandas expression.

    Parameters
    ----------
    factor : (str, str or None)
        Name and proxy in the registry.
    scores : callable
        ``f(frames, **parameters)``.
    parameters : callable
        Parameters of both for a panel of so many sessions: the usual ones unless given.
    needs : tuple of {"divide", "log", "sqrt"}
        What has to be computed for each score, however it is done.
    arrays : int
        Arrays to be read beside the factor's fields.
    """

    factor: tuple[str, str | None]
    scores: Callable[..., pd.DataFrame]
    parameters: Callable[[int], dict[str, Any]] = field(default=lambda sessions: {})
    needs: tuple[str, ...] = ("divide",)
    arrays: int = 0


def _momentum(frames: Frames) -> pd.DataFrame:
    prices = frames.prices()
    return frames.ranked(prices.shift(21) / prices.shift(252) - 1.0)


def _reversal(frames: Frames) -> pd.DataFrame:
    prices = frames.prices()
    return frames.ranked(1.0 - prices / prices.shift(21))


def _long_run(frames: Frames, lookback: int = 1260, skip: int = 252) -> pd.DataFrame:
    prices = frames.prices()
    return frames.ranked(-np.log(prices.shift(skip) / prices.shift(lookback)))


def _high(frames: Frames) -> pd.DataFrame:
    prices = frames.prices()
    highest = frames.close.rolling(252, min_periods=1).max()
    return frames.ranked((prices / highest).where(prices.shift(251).notna()))


def _trend(frames: Frames) -> pd.DataFrame:
    prices = frames.prices()
    scale = frames.returns().rolling(126, min_periods=63).std() * np.sqrt(252)
    return frames.ranked((prices / prices.shift(252) - 1.0) / scale)


def _volatility(frames: Frames) -> pd.DataFrame:
    return frames.ranked(-frames.returns().rolling(252, min_periods=126).std())


def _max_return(frames: Frames) -> pd.DataFrame:
    return frames.ranked(-frames.returns().rolling(21, min_periods=10).max())


def _idiosyncratic(frames: Frames) -> pd.DataFrame:
    returns = frames.returns()
    market = frames.beside(returns.mean(axis=1), returns)
    rolled, of_market = (part.rolling(21, min_periods=10) for part in (returns, market))
    slope = rolled.cov(market).div(of_market.var(), axis=0)
    explained = (slope**2).mul(of_market.var(), axis=0)
    count = rolled.count()
    left = (rolled.var() - explained) * (count - 1.0) / (count - 2.0)
    return frames.ranked(-np.sqrt(left))


def _beta(frames: Frames) -> pd.DataFrame:
    prices, returns = frames.prices(4), frames.returns()
    market = np.log1p(returns.mean(axis=1))
    over = frames.close / prices.shift(3)
    over_market = market.rolling(3, min_periods=1).sum()
    over_market.iloc[:3] = np.nan
    related = np.log(over).rolling(1260, min_periods=756).corr(over_market)
    scale = np.log1p(returns).rolling(252, min_periods=126).std()
    slope = (related * scale).div(market.rolling(252, min_periods=126).std(), axis=0)
    return frames.ranked(-(0.6 * slope + 0.4))


def _residual_momentum(frames: Frames) -> pd.DataFrame:
    returns = frames.returns()
    market = frames.beside(returns.mean(axis=1), returns)
    fitted, fitted_market = (part.rolling(756, min_periods=378) for part in (returns, market))
    slope = fitted.cov(market).div(fitted_market.var(), axis=0)
    constant = fitted.mean() - slope.mul(fitted_market.mean(), axis=0)
    held, held_market = (part.rolling(231, min_periods=115) for part in (returns, market))
    rises = slope.mul(held_market.mean().shift(21), axis=0)
    mean = held.mean().shift(21) - constant - rises
    both = held.cov(market).shift(21)
    variance = held.var().shift(21) - 2.0 * slope * both
    variance += (slope**2).mul(held_market.var().shift(21), axis=0)
    return frames.ranked(held.count().shift(21) * mean / np.sqrt(variance))


def _illiquidity(frames: Frames) -> pd.DataFrame:
    impact = frames.returns().abs() / frames.traded()
    return frames.ranked(np.log(impact.rolling(252, min_periods=126).mean()))


def _share_turnover(frames: Frames) -> pd.DataFrame:
    share = frames.traded() / frames.cap
    return frames.ranked(-np.log(share.rolling(63, min_periods=31).mean()))


def _dollar_volume(frames: Frames) -> pd.DataFrame:
    return frames.ranked(-np.log(frames.traded().rolling(63, min_periods=32).median()))


def _size(frames: Frames) -> pd.DataFrame:
    return frames.ranked(-np.log(frames.caps()))


def _book_to_market(frames: Frames) -> pd.DataFrame:
    return frames.ranked((frames.book / frames.caps()).where(frames.book > 0))


def _yield_of(name: str) -> Callable[[Frames], pd.DataFrame]:
    return lambda frames: frames.ranked(frames.figure(name) / frames.caps())


def _sales_yield(frames: Frames) -> pd.DataFrame:
    scores = frames.figure("revenue_ttm") / frames.caps()
    return frames.ranked(scores.where(scores >= 0))


def _on_book(name: str) -> Callable[[Frames], pd.DataFrame]:
    return lambda frames: frames.ranked((frames.figure(name) / frames.book).where(frames.book > 0))


def _accruals(frames: Frames) -> pd.DataFrame:
    average = (frames.figure("assets") + frames.figure("assets_year_ago")) / 2.0
    return frames.ranked(-(frames.figure("accruals_ttm") / average).where(average > 0))


def _investment(frames: Frames) -> pd.DataFrame:
    now, before = frames.figure("assets"), frames.figure("assets_year_ago")
    return frames.ranked(1.0 - (now / before).where((now > 0) & (before > 0)))


def _carry(frames: Frames) -> pd.DataFrame:
    return frames.ranked(-frames.figure("funding_rate").rolling(5, min_periods=3).mean())


def _network(name: str) -> Callable[[Frames], pd.DataFrame]:
    return lambda frames: frames.ranked(
        frames.figure(name).rolling(20, min_periods=10).mean() / frames.caps()
    )


def _four_fifths(sessions: int) -> dict[str, Any]:
    """Five years where there are so many, else four fifths of what there is."""
    return {} if sessions > 1260 else {"lookback": sessions * 4 // 5, "skip": sessions // 5}


_ROOT_OF_RATIO = ("divide", "divide", "divide", "sqrt")

PEERS = {
    "accruals": Peer(("accruals", None), _accruals),
    "active_addresses": Peer(("active_addresses", None), _network("active_addresses")),
    "beta": Peer(("beta", None), _beta, needs=("log", "sqrt", "sqrt", *_ROOT_OF_RATIO)),
    "carry": Peer(("carry", None), _carry, needs=()),
    "cash_flow_yield": Peer(("cash_flow_yield", None), _yield_of("operating_cash_flow_ttm")),
    "dollar_volume": Peer(
        ("size", "dollar_volume"), _dollar_volume, needs=("divide", "log"), arrays=2
    ),
    "earnings_yield": Peer(("earnings_yield", None), _yield_of("net_income_ttm")),
    "high_52w": Peer(("high_52w", None), _high),
    "idiosyncratic_volatility": Peer(
        ("idiosyncratic_volatility", None), _idiosyncratic, needs=_ROOT_OF_RATIO
    ),
    "illiquidity": Peer(
        ("illiquidity", None), _illiquidity, needs=("divide", "divide", "divide", "log"), arrays=2
    ),
    "investment": Peer(("investment", None), _investment),
    "long_run_return": Peer(
        ("value", "long_run_return"), _long_run, _four_fifths, needs=("divide", "log")
    ),
    "max_return": Peer(("max_return", None), _max_return),
    "momentum": Peer(("momentum", None), _momentum),
    "profitability": Peer(("profitability", None), _on_book("operating_income_ttm")),
    "residual_momentum": Peer(
        ("residual_momentum", None), _residual_momentum, needs=_ROOT_OF_RATIO
    ),
    "return_on_equity": Peer(("return_on_equity", None), _on_book("net_income_ttm")),
    "sales_yield": Peer(("sales_yield", None), _sales_yield),
    "share_turnover": Peer(
        ("share_turnover", None), _share_turnover, needs=("divide", "divide", "log"), arrays=2
    ),
    "short_term_reversal": Peer(("short_term_reversal", None), _reversal),
    "size": Peer(("size", None), _size, needs=("log",)),
    "transfer_volume": Peer(("transfer_volume", None), _network("transfer_volume")),
    "trend": Peer(("trend", None), _trend, needs=_ROOT_OF_RATIO),
    "value": Peer(("value", None), _book_to_market),
    "volatility": Peer(("volatility", None), _volatility, needs=("divide", "divide", "sqrt")),
}
