"""FactorResults: what a factor study found, as plain tables."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pandas as pd

from feeds.errors import DataError

__all__ = ["TABLES", "FactorResults", "study_key"]

#: Table of the results and the name of its CSV file, in the order in which they are written.
TABLES = {
    "factor_returns": "factor_returns",
    "net_returns": "net_returns",
    "market_returns": "market_returns",
    "ic": "ic",
    "quantiles": "quantiles",
    "summary": "factor_summary",
    "correlation": "correlation",
    "score_correlation": "score_correlation",
    "decay": "ic_decay",
    "fama_macbeth": "fama_macbeth",
    "regimes": "regimes",
    "spanning": "spanning",
    "frontier": "frontier",
    "sleeve_test": "sleeve_test",
    "universes": "universes",
    "everywhere": "everywhere",
    "everywhere_returns": "everywhere_returns",
    "thin": "thin",
}
#: Tables whose index is a column of the file.
_INDEXED = {
    "factor_returns": "date",
    "net_returns": "date",
    "market_returns": "date",
    "correlation": "factor",
    "everywhere_returns": "date",
}


def study_key(asset_class: str, factor: str) -> str:
    """Name of one factor among one class's assets in every wide table: ``equity momentum``."""
    return f"{asset_class} {factor}"


def _empty() -> Any:
    return field(default_factory=pd.DataFrame)


@dataclass(frozen=True, eq=False)
class FactorResults:
    """One factor study. A *key* is `study_key` of an asset class and a factor's column.

    Every column of every table is defined in docs/factor_study.md. A table without rows means
    that the data had nothing to say: a class too thin, or no second class.

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
        One row a key and decision on a cross-section broad enough.
    quantiles : DataFrame
        One row a key and quantile (1..Q, ``spread``).
    summary : DataFrame
        One row a key.
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
    net_returns : DataFrame
        As `factor_returns`, after commissions and slippage.
    market_returns : DataFrame
        Index date; session returns of the equally weighted assets of each class.
    score_correlation, decay, fama_macbeth, regimes, spanning, frontier, sleeve_test : DataFrame
        Research on the same scores and returns.
    universes : DataFrame
        The study with and without the floors of ``data.investable``, side by side.
    everywhere, everywhere_returns : DataFrame
        Value and momentum in every class, and over all of them.
    command : str
        The command that gives these results again.
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
    net_returns: pd.DataFrame = _empty()
    market_returns: pd.DataFrame = _empty()
    score_correlation: pd.DataFrame = _empty()
    decay: pd.DataFrame = _empty()
    fama_macbeth: pd.DataFrame = _empty()
    regimes: pd.DataFrame = _empty()
    spanning: pd.DataFrame = _empty()
    frontier: pd.DataFrame = _empty()
    sleeve_test: pd.DataFrame = _empty()
    universes: pd.DataFrame = _empty()
    everywhere: pd.DataFrame = _empty()
    everywhere_returns: pd.DataFrame = _empty()
    command: str = ""

    def tables(self) -> dict[str, pd.DataFrame]:
        """File name without its ending to the table as written; tables without rows are absent."""
        found = {}
        for name, file in TABLES.items():
            table = getattr(self, name)
            if len(table) or name in ("factor_returns", "ic", "quantiles", "summary"):
                index = _INDEXED.get(name)
                found[file] = table.rename_axis(index).reset_index() if index else table
        return found

    def to_bytes(self) -> bytes:
        """The pickle that `save` writes (plain pandas objects, protocol 5)."""
        return pickle.dumps(self, protocol=5)

    def save(self, path: Path) -> None:
        """Pickle the results to `path`."""
        Path(path).write_bytes(self.to_bytes())

    def check_complete(self, path: Path) -> None:
        """Refuse results that an earlier version of this program saved to `path`.

        Raises
        ------
        DataError
            Naming a table that the results lack.
        """
        absent = [item.name for item in fields(self) if item.name not in self.__dict__]
        if absent:
            raise DataError(
                f"{path}: saved by an earlier version, without {absent[0]}",
                "run python -m runs.factors again",
            )

    @classmethod
    def load(cls, path: Path) -> FactorResults:
        """Read results that this program wrote.

        A pickle runs code when it is read: load only files that you wrote yourself.

        Raises
        ------
        DataError
            If `path` is missing, is not a saved factor study, or is one of an earlier version.
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
        found.check_complete(path)
        return found
