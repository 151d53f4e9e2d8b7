"""FactorResults: what a factor study found, as plain tables."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from feeds.errors import DataError

__all__ = ["FactorResults", "study_key"]


def study_key(asset_class: str, factor: str) -> str:
    """Name of one factor among one class's assets in every wide table: ``equity momentum``."""
    return f"{asset_class} {factor}"


@dataclass(frozen=True, eq=False)
class FactorResults:
    """One factor study. A *key* is `study_key` of an asset class and a factor's column.

    Parameters
    ----------
    name : str
        Title.
    config : dict
        Resolved configuration, plain data.
    factor_returns : DataFrame
        Index date; session returns of each factor's own long-short portfolio, without costs,
        one column a key; NaN up to and including its first entry.
    quantile_returns : dict of str to DataFrame
        Key to session returns of the equally weighted quantiles, columns 1 (worst) to Q.
    ic : DataFrame
        decision_date, asset_class, factor, ranked (assets), ic (t+1 -> t+1+h, tradable),
        ic_untraded (t -> t+h), rank_autocorrelation, turnover_half. One row a decision on a
        cross-section broad enough.
    quantiles : DataFrame
        asset_class, factor, quantile (1..Q, ``spread``), mean_annual, cagr, volatility,
        sharpe, t_stat, max_drawdown of session returns.
    summary : DataFrame
        One row a key: asset_class, factor, label, decisions, ranked_mean, cagr, volatility,
        sharpe, max_drawdown, return_t, ic_mean, ic_sd, icir, ic_t, ic_lags,
        ic_untraded_mean, spread_annual, turnover_half_annual, rank_autocorrelation.
    thin : DataFrame
        asset_class, factor, ranked_max, min_breadth: what was too thin to rank.
    correlation : DataFrame
        Of `factor_returns`, key by key.
    labels : dict
        Key, and factor column, to the label shown; proxies marked.
    notes : list of str
        What the data set lacks and what the study assumes.
    horizon : int
        Sessions of the information coefficients' returns.
    periods_per_year : int
        252 or 365.
    """

    name: str
    config: dict[str, Any]
    factor_returns: pd.DataFrame
    quantile_returns: dict[str, pd.DataFrame]
    ic: pd.DataFrame
    quantiles: pd.DataFrame
    summary: pd.DataFrame
    thin: pd.DataFrame
    correlation: pd.DataFrame
    labels: dict[str, str]
    notes: list[str]
    horizon: int
    periods_per_year: int

    def to_bytes(self) -> bytes:
        """The pickle that `save` writes (plain pandas objects, protocol 5)."""
        return pickle.dumps(self, protocol=5)

    def save(self, path: Path) -> None:
        """Pickle the results to `path`."""
        Path(path).write_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: Path) -> FactorResults:
        """Read results that this program wrote.

        A pickle runs code when it is read: load only files that you wrote yourself.

        Raises
        ------
        DataError
            If `path` is missing or is not a saved factor study.
        """
        try:
            with open(path, "rb") as stream:
                found = pickle.load(stream)
        except FileNotFoundError:
            raise DataError(f"{path}: no such file", "run python -m runs.factors first") from None
        except (
            pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, ValueError,
        ) as error:  # fmt: skip
            raise DataError(f"{path}: not a saved factor study ({error})") from None
        if not isinstance(found, cls):
            raise DataError(f"{path}: holds a {type(found).__name__}, not a FactorResults")
        return found
