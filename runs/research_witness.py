"""The weekly series of the research report's second question, from sets and published files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analyzers.research_carry import StudyFound
from analyzers.research_weeks import coin_factor_weeks, french_weeks, weekly_closes
from analyzers.research_witness import Witness
from analyzers.study_sleeves import weekly_returns
from factors.holdings import holding_returns
from feeds.errors import DataError
from feeds.universe import Floors, eligible_assets
from runs.research_samples import Sample, closed_series, shared_files

__all__ = [
    "coin_weeks",
    "fund_witness",
    "market_weeks",
    "published_coins",
    "published_witness",
    "studied_witness",
]

#: Measures of stocks that are mixed, by sample. Momentum of 12-1 months is left out of the two
#: years of US stocks: its own first year would take half of them.
_STOCKS = {
    "us": ("size", "value", "low_volatility", "reversal_1w"),
    "sp500": ("momentum_12_1", "size_volume", "low_volatility", "reversal_1w"),
}
_COINS = ("size", "momentum_3w", "low_volatility")
_FUNDS = ("MTUM", "QUAL", "SIZE", "USMV", "VLUE")
_WEEKLY, _DAILY = "crypto_factors_weekly.csv", "french_factors_daily.csv"


def published_coins(shared: Path) -> pd.DataFrame:
    """Weekly CMKT, CSMB and CMOM as published, by the last day of each week.

    Raises
    ------
    DataError
        If the file is missing or not such a table.
    """
    return coin_factor_weeks(_read(shared, _WEEKLY))


def published_witness(shared: Path) -> Witness:
    """Fama and French's factors beside those of Liu, Tsyvinski and Wu, on the latter's weeks.

    Raises
    ------
    DataError
        If a file is missing or not such a table.
    """
    stocks = french_weeks(_read(shared, _DAILY))
    past = stocks["Market"]
    return Witness.of("published", "Published factors", stocks, published_coins(shared), past)


def studied_witness(sample: Sample, found: StudyFound, coins: pd.DataFrame, label: str) -> Witness:
    """A sample's market and factor portfolios beside weekly returns of coins on its calendar.

    Parameters
    ----------
    sample : Sample
        Of stocks.
    found : StudyFound
        Of the universe that is mixed.
    coins : DataFrame
        Index: Sundays; weekly returns, the market of coins first.
    label : str
    """
    names = [name for name in _STOCKS[sample.name] if name in found.gross]
    labels = dict(zip(found.table["measure"], found.table["label"]))
    stocks = found.gross[names].rename(columns=labels)
    stocks.insert(0, "Market", market_weeks(sample, sample.config.data.investable))
    return Witness.of(sample.name, label, stocks, coins, stocks["Market"])


def fund_witness(sample: Sample) -> Witness:
    """Five factor funds, fully invested, beside bitcoin, all bundled."""
    panel, funds = sample.data.panel, sample.data.reference[list(_FUNDS)]
    coin = pd.DataFrame(
        {"Bitcoin": panel.close[:, panel.assets.tolist().index("BTC")]}, index=funds.index
    )
    stocks = weekly_closes(funds)
    label = "Factor funds and bitcoin"
    past = stocks.mean(axis=1)
    return Witness.of("funds", label, stocks, weekly_closes(coin), past, invested=True)


def market_weeks(sample: Sample, floors: Floors | None = None) -> pd.Series:
    """Weekly returns of all assets above the floors: by cap where caps are known, else equal.

    Weights are set on the decision dates and drift between them. NaN up to and including the
    week of the first entry.
    """
    panel, rows = sample.panel, sample.rows
    eligible = eligible_assets(panel, floors)[rows]
    size = np.ones(eligible.shape)
    if panel.market_cap is not None:
        size = np.nan_to_num(panel.market_cap[rows])
    held = np.where(eligible, size, 0.0)
    total = held.sum(axis=1, keepdims=True)
    weights = np.divide(held, total, out=np.zeros_like(held), where=total > 0)
    returns = holding_returns(panel.mark, rows, weights, ends=closed_series(sample))
    first = rows[int(np.argmax(total[:, 0] > 0))] + 1
    returns[: first + 1] = np.nan
    index = pd.DatetimeIndex(panel.dates.astype("datetime64[ns]"), name="date")
    return weekly_returns(pd.DataFrame({"Market": returns}, index=index))["Market"]


def coin_weeks(sample: Sample, found: StudyFound) -> pd.DataFrame:
    """Weekly returns of the market of coins and of their factor portfolios, labelled."""
    labels = dict(zip(found.table["measure"], found.table["label"]))
    names = [name for name in _COINS if name in found.gross]
    coins = found.gross[names].rename(columns=lambda name: f"Coins: {_lower(labels[name])}")
    coins.insert(0, "Coins: market", market_weeks(sample))
    return coins


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _read(shared: Path, name: str) -> pd.DataFrame:
    path = shared_files(shared, [name])[name]
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a CSV table ({error})", "restore the file") from None
