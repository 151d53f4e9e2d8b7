"""RunResult: everything one run produced, as plain tables."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from feeds.errors import DataError

__all__ = ["RunResult"]


@dataclass
class RunResult:
    """One run: the tables of its folder, and what the pages and plots are drawn from.

    Columns, signs and units of the tables are those of the run's CSV files (see
    `docs/outputs.md`); dates are datetime64 columns or indices, tz-naive.

    Parameters
    ----------
    name : str
        Title of the run.
    config : dict
        Resolved configuration, plain data.
    values : DataFrame
        Index date; value, cash, long, short, margin. One row a session from the first fill.
    fills, carry, weights, positions : DataFrame
        As in the CSV files of the same name.
    prices : DataFrame
        Index date; one column a symbol ever held: the adjusted closes that marked the book.
    returns : Series
        Session returns of the book on `values`' index; the first is against starting cash.
    benchmark : Series
        Session returns of the benchmark on the same index, named after it.
    universe : Series
        Session returns of the equally weighted universe on the same index.
    factor_returns : DataFrame
        Session returns of each factor's own long-short portfolio on the same index, without
        costs, NaN until it is known; columns are factor columns (``value_proxy``).
    published : DataFrame or None
        Monthly published factors: index month end; mkt_rf, smb, hml, mom, rf, decimals.
    sleeves : DataFrame
        Index decision_date; signed target weights by asset class, columns
        ``<class>_long`` (>= 0) and ``<class>_short`` (<= 0), and ``cash``.
    ranks : DataFrame
        The latest decision: symbol, asset_class, one column a factor, score, rank, side,
        target_weight, price; best score first.
    labels : dict
        Factor column to the label shown in tables and plots, proxies marked.
    asset_class : dict
        Symbol to asset class, of every asset of the universe.
    events : DataFrame
        date, symbol, kind, detail: scaled baskets, thin sleeves, delistings, orders that
        waited or were cancelled, liquidations.
    notes : list of str
        What the data set lacks and what the run assumes, in sentences.
    cost_sensitivity : DataFrame
        scale, method (``re-priced``: same fills, other costs; ``re-run``: the strategy run
        again), cagr, volatility, sharpe, max_drawdown, turnover_traded_annual, cost_annual,
        final_value. Scale 1 is the configured cost, scale 0 trades free.
    metrics : dict
        Flat name to number or None, as in ``metrics.json``.
    periods_per_year : int
        252 or 365.
    warm_up : int
        Sessions between the first of the data window and the first fill.
    manifest : dict
        Data hashes, seed, versions, command.
    risk_contributions : DataFrame or None
        As in the CSV file of the same name, of a book by factor risk parity.
    """

    name: str
    config: dict[str, Any]
    values: pd.DataFrame
    fills: pd.DataFrame
    carry: pd.DataFrame
    weights: pd.DataFrame
    positions: pd.DataFrame
    prices: pd.DataFrame
    returns: pd.Series
    benchmark: pd.Series
    universe: pd.Series
    factor_returns: pd.DataFrame
    published: pd.DataFrame | None
    sleeves: pd.DataFrame
    ranks: pd.DataFrame
    labels: dict[str, str]
    asset_class: dict[str, str]
    events: pd.DataFrame
    notes: list[str]
    cost_sensitivity: pd.DataFrame
    metrics: dict[str, Any]
    periods_per_year: int
    warm_up: int
    manifest: dict[str, Any] = field(default_factory=dict)
    risk_contributions: pd.DataFrame | None = None

    def save(self, path: Path) -> None:
        """Pickle the result to `path` (plain pandas objects, protocol 5)."""
        with open(path, "wb") as stream:
            pickle.dump(self, stream, protocol=5)

    @classmethod
    def load(cls, path: Path) -> RunResult:
        """Read a result that this program wrote.

        A pickle runs code when it is read: load only files that you wrote yourself.

        Raises
        ------
        DataError
            If `path` is missing or is not a saved result.
        """
        try:
            with open(path, "rb") as stream:
                result = pickle.load(stream)
        except FileNotFoundError:
            raise DataError(
                f"{path}: no such file", "run python -m runs.backtest first, or name its folder"
            ) from None
        except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, ValueError) as error:
            raise DataError(f"{path}: not a saved result ({error})") from None
        if not isinstance(result, cls):
            raise DataError(f"{path}: holds a {type(result).__name__}, not a RunResult")
        return result
