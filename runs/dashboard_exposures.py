"""What is held, by asset class and by factor."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feeds.errors import DataError
from runs.dashboard_files import data_sets, read_document, read_table, signature
from runs.dashboard_signals import stamps_of

__all__ = ["UNKNOWN", "by_class", "by_factor", "classes_of_set", "factor_exposures"]

#: Class of a symbol that no file knows.
UNKNOWN = "unknown class"
#: Bars of a history of signals that are read.
_BARS = 250
_COLUMNS = ("asset_class", "factor", "held", "wanted")


def by_class(marked: pd.DataFrame, value: pd.Series, classes: Mapping[str, str]) -> pd.DataFrame:
    """Holdings by asset class over account value.

    Parameters
    ----------
    marked : DataFrame
        Index date, a column a symbol: signed value held, in currency; 0 or NaN where not held.
    value : Series
        Of the account on the same dates.
    classes : mapping
        Symbol to class; symbols that it lacks are of :data:`UNKNOWN`.

    Returns
    -------
    DataFrame
        date, asset_class, long (>= 0), short (<= 0), net and gross, as fractions; only classes
        that were ever held.
    """
    held = marked.loc[:, (marked.fillna(0.0) != 0).any()]
    kinds = np.array([classes.get(str(symbol)) or UNKNOWN for symbol in held.columns], dtype=str)
    parts = []
    for kind in sorted(set(kinds)):
        part = held.loc[:, kinds == kind]
        long = part.clip(lower=0.0).sum(axis=1) / value
        short = part.clip(upper=0.0).sum(axis=1) / value
        told = {"long": long, "short": short, "net": long + short, "gross": long - short}
        parts.append(pd.DataFrame({"asset_class": kind, **told}))
    columns = ["date", "asset_class", "long", "short", "net", "gross"]
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts).rename_axis("date").reset_index()[columns]


def by_factor(assets: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Exposure to each factor: weight times rank, added up over the assets of a class.

    Eligible assets of a class are ranked by a factor from -1 (lowest) over 0 (middle) to 1
    (highest), ties sharing their mean rank; one asset alone is in the middle. So a book of gross
    1, half of it long the best and half short the worst, comes near 1.

    Parameters
    ----------
    assets : sequence of mapping
        Those of a ``signals.json``: symbol, asset_class, eligible, factors, weight, held_weight.
        What is missing, as a factor or a weight, adds nothing.

    Returns
    -------
    DataFrame
        asset_class, factor, held (by what is held at the bar's close), wanted (by targets).
    """
    told = pd.DataFrame(
        [[one[name] for name in ("asset_class", "eligible", "weight", "held_weight")]
         for one in assets],
        columns=["asset_class", "eligible", "weight", "held_weight"],
    )  # fmt: skip
    weights = told[["weight", "held_weight"]].astype(float).fillna(0.0)
    names = list(dict.fromkeys(name for one in assets for name in one["factors"]))
    rows = []
    for kind in sorted(set(told["asset_class"])):
        inside = (told["asset_class"] == kind).to_numpy()
        for name in names:
            scores = pd.Series([one["factors"].get(name) for one in assets], dtype=float)
            ranked = _ranked(scores.where(told["eligible"].astype(bool) & inside))
            if ranked.notna().any():
                held, wanted = ((weights[key] * ranked).sum() for key in ("held_weight", "weight"))
                rows.append((kind, name, float(held), float(wanted)))
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _ranked(scores: pd.Series) -> pd.Series:
    """Ranks from -1 to 1; NaN stays."""
    count = int(scores.notna().sum())
    if count < 2:
        return scores * 0.0
    return (scores.rank(method="average") - (count + 1) / 2) / ((count - 1) / 2)


def factor_exposures(folder: Path) -> pd.DataFrame:
    """Exposures to factors at the bars of a folder of signals, the last 250 of them.

    Returns
    -------
    DataFrame
        date, bar, asset_class, factor, held, wanted, earliest first.

    Raises
    ------
    DataError
        If a file is damaged.
    """
    paths = sorted((folder / "history").glob("*.json"))[-_BARS:]
    parts = [_of_file(path, signature(path)) for path in paths]
    if not parts:
        return pd.DataFrame(columns=["date", "bar", *_COLUMNS])
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "date", stamps_of(table["bar"]))
    return table


@functools.lru_cache(maxsize=1024)
def _of_file(path: Path, _: tuple[int, ...]) -> pd.DataFrame:
    told = read_document(path)
    try:
        table = by_factor(told["assets"])
        table.insert(0, "bar", str(told["as_of"]))
        stamps_of(table["bar"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{path}: damaged (no {error})", "run python -m runs.signals again"
        ) from None
    return table


def classes_of_set(data: Path, name: str) -> dict[str, str]:
    """Symbol to asset class by the universe of a data set; empty where it is not there."""
    folder = data_sets(data).get(name)
    if folder is None:
        return {}
    universe = read_table(folder / "universe.csv", ["symbol", "asset_class"])
    return dict(zip(universe["symbol"], universe["asset_class"].astype(str), strict=True))
