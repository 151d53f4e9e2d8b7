"""How coins move with equity factors: at all times, by regime, and when stocks do worst."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from analyzers.regimes import trend_regime, volatility_regime
from analyzers.research_witness import Witness

__all__ = ["correlation_table", "tail_table"]

#: Weeks of the market's trend, of its volatility, and before the first threshold of the latter.
_TREND, _SPREAD, _MINIMUM = 26, 13, 52
_TAIL = 0.05


def correlation_table(witness: Witness) -> pd.DataFrame:
    """Correlation of each coin series with each equity factor and with their mix.

    Returns
    -------
    DataFrame
        witness, coin, stock, regime (``all``, ``bull``, ``bear``, ``low``, ``high``), weeks,
        correlation, and ``low``, ``high``: 95 % by Fisher's z, of independent weeks. Regimes are
        those of the stock market before the week. NaN under ten weeks.
    """
    stocks = witness.stocks.assign(mix=witness.mix)
    labels = {
        "trend": trend_regime(witness.past, _TREND),
        "volatility": volatility_regime(witness.past, _SPREAD, _MINIMUM),
    }
    masks = {"all": np.ones(len(stocks), dtype=bool)}
    for name, regimes in (("trend", ("bull", "bear")), ("volatility", ("low", "high"))):
        at = labels[name].reindex(stocks.index)
        masks |= {regime: (at == regime).to_numpy() for regime in regimes}
    lines = [
        (
            witness.key,
            coin,
            stock,
            regime,
            *_correlation(witness.coins[coin][mask], stocks[stock][mask]),
        )
        for coin in witness.coins
        for stock in stocks
        for regime, mask in masks.items()
    ]
    columns = ["witness", "coin", "stock", "regime", "weeks", "correlation", "low", "high"]
    return pd.DataFrame(lines, columns=columns)


def _correlation(one: pd.Series, other: pd.Series) -> tuple[int, float, float, float]:
    count = len(one)
    if count < 10:
        return count, math.nan, math.nan, math.nan
    found = float(np.corrcoef(one, other)[0, 1])
    middle, wide = math.atanh(found), 1.959964 / math.sqrt(count - 3)
    return count, found, math.tanh(middle - wide), math.tanh(middle + wide)


def tail_table(witness: Witness) -> pd.DataFrame:
    """The coin market in the stock market's worst weeks, one in twenty.

    Returns
    -------
    DataFrame
        One row: witness, weeks, stock_mean, coin_mean, coin_mean_other, difference_t (Welch),
        coin_down (share of those weeks in which coins fell).
    """
    stocks, coins = witness.stocks.iloc[:, 0], witness.market
    count = max(3, round(_TAIL * len(stocks)))
    worst = np.zeros(len(stocks), dtype=bool)
    worst[np.argsort(stocks.to_numpy(), kind="stable")[:count]] = True
    inside, outside = coins[worst], coins[~worst]
    error = math.sqrt(inside.var() / len(inside) + outside.var() / len(outside))
    return pd.DataFrame(
        [
            {
                "witness": witness.key,
                "weeks": count,
                "stock_mean": float(stocks[worst].mean()),
                "coin_mean": float(inside.mean()),
                "coin_mean_other": float(outside.mean()),
                "difference_t": float(inside.mean() - outside.mean()) / error,
                "coin_down": float((inside < 0).mean()),
            }
        ]
    )
