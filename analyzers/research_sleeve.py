"""What coins do to a portfolio of equity factors: spanning, sleeves, largest ratios, halves."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from analyzers.frontier_comparison import compare_frontiers
from analyzers.mean_variance_spanning import spanning_test
from analyzers.metrics import max_drawdown
from analyzers.research_witness import WEEKS, Witness
from analyzers.sharpe_tests import sharpe_difference
from analyzers.spanning import grs_test, hac_alpha_test, spanning_alphas

__all__ = [
    "SHARES",
    "half_table",
    "max_sharpe_table",
    "sleeve_table",
    "spanning_table",
]

#: Shares of capital in crypto.
SHARES = (0.0, 0.01, 0.02, 0.05, 0.1)
#: Weeks before the first weights out of sample, and between new ones.
_FIRST, _STEP = 52, 13
_DRAWS = 1999


def spanning_table(witness: Witness) -> pd.DataFrame:
    """Alpha of each coin series on all equity factors, and whether all alphas are zero.

    Returns
    -------
    DataFrame
        As `spanning_alphas`, with witness, weeks, mean_annual, mean_error (a year, of
        independent weeks), volatility, and the joint p-values ``p_grs``, ``p_hac`` and
        ``p_spanning`` in every row. The last is Huberman and Kandel's (1987), whether coins
        leave the mean-variance frontier as it is, of fully invested portfolios alone.
    """
    alphas = spanning_alphas(witness.coins, witness.stocks, periods_per_year=WEEKS)
    slopes = [name for name in alphas if name.startswith("beta_")]
    spread = witness.coins.std(ddof=1).to_numpy() * math.sqrt(WEEKS)
    frontier = math.nan
    if witness.invested:
        frontier = spanning_test(witness.coins, witness.stocks).set_index("test")["p_value"]["f"]
    return alphas.drop(columns=slopes).assign(
        witness=witness.key,
        weeks=len(witness.coins),
        mean_annual=witness.coins.mean().to_numpy() * WEEKS,
        mean_error=spread / math.sqrt(witness.years),
        volatility=spread,
        p_grs=grs_test(witness.coins, witness.stocks).p_value,
        p_hac=hac_alpha_test(witness.coins, witness.stocks).p_value,
        p_spanning=frontier,
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
    """Sharpe ratios of mixes of the equity factors, without and with all coin series.

    Returns
    -------
    DataFrame
        witness, rule, without, with, p_value, detectable. Rules as `compare_frontiers` has them:
        ``in_sample`` (p of Gibbons, Ross and Shanken; `detectable` is the ratio with coins that
        the test finds four times out of five) and ``adjusted`` of unconstrained weights;
        ``inverse_volatility``, ``expanding`` and ``halves`` of long-only ones (p of Ledoit and
        Wolf's bootstrap).
    """
    made = [
        compare_frontiers(
            witness.stocks, witness.coins, periods_per_year=WEEKS, minimum=_FIRST, step=_STEP,
            long_only=long_only, draws=_DRAWS, rng=np.random.default_rng(seed),
        )
        for long_only in (False, True)
    ]  # fmt: skip
    free, fitted = (found.table.set_index("measure") for found in made)
    lines = [
        (rule, free.loc[rule, "base"], free.loc[rule, "joint"], free.loc[rule, "p_value"])
        for rule in ("in_sample", "adjusted")
    ]
    lines += [
        (rule, fitted.loc[rule, "base"], fitted.loc[rule, "joint"], fitted.loc[rule, "p_bootstrap"])
        for rule in ("inverse_volatility", "expanding", "halves")
    ]
    table = pd.DataFrame(lines, columns=["rule", "without", "with", "p_value"])
    power = [made[0].detectable, *[math.nan] * (len(table) - 1)]
    table = table.assign(witness=witness.key, detectable=power)
    return table[["witness", "rule", "without", "with", "p_value", "detectable"]]


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
