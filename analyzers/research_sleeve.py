"""What coins do to a portfolio of equity factors: correlation, spanning, sleeves, halves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analyzers.frontier import max_sharpe, out_of_sample
from analyzers.metrics import max_drawdown
from analyzers.regimes import trend_regime, volatility_regime
from analyzers.sharpe_tests import sharpe_difference
from analyzers.spanning import grs_test, hac_alpha_test, spanning_alphas

__all__ = [
    "SHARES",
    "WEEKS",
    "Witness",
    "correlation_table",
    "half_table",
    "max_sharpe_table",
    "sleeve_table",
    "spanning_table",
    "tail_table",
]

WEEKS = 52
#: Shares of capital in crypto.
SHARES = (0.0, 0.01, 0.02, 0.05, 0.1)
#: Weeks of the market's trend, of its volatility, and before the first threshold of the latter.
_TREND, _SPREAD, _MINIMUM = 26, 13, 52
#: Weeks before the first weights out of sample, and between new ones.
_FIRST, _STEP = 52, 13
_DRAWS = 1999
_TAIL = 0.05


@dataclass(frozen=True, eq=False)
class Witness:
    """Weekly returns of equity factors and of coins over the same weeks.

    Parameters
    ----------
    key, label : str
    stocks : (W, K) DataFrame
        Excess or zero-cost returns, the market first; of funds, their returns.
    coins : (W, M) DataFrame
        The market of coins first.
    past : Series
        The stock market's weekly returns, from before the first week where known: regimes need
        a year of it.
    """

    key: str
    label: str
    stocks: pd.DataFrame
    coins: pd.DataFrame
    past: pd.Series

    @classmethod
    def of(
        cls, key: str, label: str, stocks: pd.DataFrame, coins: pd.DataFrame, past: pd.Series
    ) -> Witness:
        """The weeks that know every series."""
        joined = pd.concat([stocks, coins], axis=1, join="inner").dropna()
        return cls(key, label, joined[list(stocks)], joined[list(coins)], past)

    @property
    def mix(self) -> pd.Series:
        """The portfolio of equity factors: equal shares of each, set back every week."""
        return self.stocks.mean(axis=1).rename("mix")

    @property
    def market(self) -> pd.Series:
        """The market of coins."""
        return self.coins.iloc[:, 0]

    @property
    def years(self) -> float:
        """Weeks over 52."""
        return len(self.stocks) / WEEKS


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


def spanning_table(witness: Witness) -> pd.DataFrame:
    """Alpha of each coin series on all equity factors, and whether all alphas are zero.

    Returns
    -------
    DataFrame
        As `spanning_alphas`, with witness, weeks, mean_annual, mean_error (a year, of
        independent weeks), volatility, and the joint p-values ``p_grs`` and ``p_hac`` in every
        row.
    """
    alphas = spanning_alphas(witness.coins, witness.stocks, periods_per_year=WEEKS)
    slopes = [name for name in alphas if name.startswith("beta_")]
    spread = witness.coins.std(ddof=1).to_numpy() * math.sqrt(WEEKS)
    return alphas.drop(columns=slopes).assign(
        witness=witness.key,
        weeks=len(witness.coins),
        mean_annual=witness.coins.mean().to_numpy() * WEEKS,
        mean_error=spread / math.sqrt(witness.years),
        volatility=spread,
        p_grs=grs_test(witness.coins, witness.stocks).p_value,
        p_hac=hac_alpha_test(witness.coins, witness.stocks).p_value,
    )


def sleeve_table(witness: Witness, *, seed: int, shares: Sequence[float] = SHARES) -> pd.DataFrame:
    """The mix of equity factors with a share of capital in coins, set back every week.

    Two sleeves: the market of coins, and where there are coin factors an equal mix of them.

    Returns
    -------
    DataFrame
        witness, sleeve (``market``, ``factors``), share, mean_annual, volatility, sharpe,
        max_drawdown, variance_share (of the sleeve: share x covariance with the whole over its
        variance), p_hac and p_bootstrap of equal Sharpe ratios with and without (Ledoit, Wolf
        2008), and required_annual: the mean return at which a small sleeve begins to raise the
        Sharpe ratio, correlation x Sharpe ratio of the mix x volatility of the sleeve.
    """
    sleeves = {"market": witness.market}
    if witness.coins.shape[1] > 1:
        sleeves["factors"] = witness.coins.iloc[:, 1:].mean(axis=1)
    lines = []
    for name, sleeve in sleeves.items():
        for share in shares:
            line = _sleeve(witness.mix, sleeve, share, np.random.default_rng(seed))
            lines.append({"witness": witness.key, "sleeve": name, "share": share, **line})
    return pd.DataFrame(lines)


def _sleeve(
    mix: pd.Series, sleeve: pd.Series, share: float, rng: np.random.Generator
) -> dict[str, float]:
    whole = (1.0 - share) * mix + share * sleeve
    year = math.sqrt(WEEKS)
    found = {
        "mean_annual": float(whole.mean()) * WEEKS,
        "volatility": float(whole.std(ddof=1)) * year,
        "sharpe": _sharpe(whole),
        "max_drawdown": float(max_drawdown(whole)),
        "variance_share": share * float(whole.cov(sleeve)) / float(whole.var()),
        "p_hac": math.nan,
        "p_bootstrap": math.nan,
        "required_annual": float(np.corrcoef(mix, sleeve)[0, 1])
        * _sharpe(mix)
        * float(sleeve.std(ddof=1))
        * year,
    }
    if share > 0.0:
        tested = sharpe_difference(whole, mix, periods_per_year=WEEKS, draws=_DRAWS, rng=rng)
        found |= {"p_hac": tested.p_hac, "p_bootstrap": tested.p_bootstrap}
    return found


def max_sharpe_table(witness: Witness, *, seed: int) -> pd.DataFrame:
    """Largest Sharpe ratios of the equity factors, without and with coins.

    Returns
    -------
    DataFrame
        witness, rule, without, with, p_value. Rules: ``in_sample`` (p of Gibbons, Ross and
        Shanken), ``adjusted`` for luck (Kan, Zhou 2007; no test), ``expanding`` and ``halves``,
        both long only on weeks that the weights were not fitted on (p of Ledoit and Wolf).
    """
    both = pd.concat([witness.stocks, witness.coins], axis=1)
    sides = (witness.stocks, both)
    best = [max_sharpe(side, periods_per_year=WEEKS) for side in sides]
    p_grs = grs_test(witness.coins, witness.stocks).p_value
    lines: list[tuple[Any, ...]] = [
        ("in_sample", best[0].in_sample, best[1].in_sample, p_grs),
        ("adjusted", best[0].adjusted, best[1].adjusted, math.nan),
    ]
    for rule in ("expanding", "halves"):
        made = [
            out_of_sample(
                side,
                scheme=rule,
                minimum=_FIRST,
                step=_STEP,
                periods_per_year=WEEKS,
                long_only=True,
            )
            for side in sides
        ]
        tested = sharpe_difference(
            made[1],
            made[0],
            periods_per_year=WEEKS,
            draws=_DRAWS,
            rng=np.random.default_rng(seed),
        )
        lines.append((rule, tested.second, tested.first, tested.p_bootstrap))
    table = pd.DataFrame(lines, columns=["rule", "without", "with", "p_value"])
    return table.assign(witness=witness.key)[["witness", *table.columns]]


def half_table(witness: Witness, share: float) -> pd.DataFrame:
    """What each half of the weeks would have said of coins.

    Returns
    -------
    DataFrame
        witness, half (1, 2), first, last, weeks, coin_mean_annual, coin_volatility, correlation
        (with the mix), sharpe and sharpe_sleeve (the mix without and with `share` in the market
        of coins).
    """
    lines = []
    middle = len(witness.mix) // 2
    for half, at in enumerate((slice(0, middle), slice(middle, None)), start=1):
        mix, coin = witness.mix.iloc[at], witness.market.iloc[at]
        lines.append(
            {
                "witness": witness.key,
                "half": half,
                "first": mix.index[0],
                "last": mix.index[-1],
                "weeks": len(mix),
                "coin_mean_annual": float(coin.mean()) * WEEKS,
                "coin_volatility": float(coin.std(ddof=1)) * math.sqrt(WEEKS),
                "correlation": float(np.corrcoef(mix, coin)[0, 1]),
                "sharpe": _sharpe(mix),
                "sharpe_sleeve": _sharpe((1.0 - share) * mix + share * coin),
            }
        )
    return pd.DataFrame(lines)


def _sharpe(returns: pd.Series) -> float:
    spread = float(returns.std(ddof=1))
    return float(returns.mean()) / spread * math.sqrt(WEEKS) if spread > 0 else math.nan
