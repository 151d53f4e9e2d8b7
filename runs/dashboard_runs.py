"""Runs, made ready to be held against one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from runs.dashboard_exposures import by_class, classes_of_set
from runs.dashboard_files import read_document, read_table

__all__ = [
    "METRICS",
    "Run",
    "compared",
    "cut_to_common",
    "metrics_table",
    "outcomes",
    "read_run",
    "sleeves",
]

_VALUES = ("value", "cash", "long", "short")
#: Metric to the label shown and how it is written.
METRICS = {
    "start": ("Start", "text"),
    "end": ("End", "text"),
    "cagr": ("CAGR", "percent"),
    "volatility": ("Volatility", "percent"),
    "sharpe": ("Sharpe", "number"),
    "sortino": ("Sortino", "number"),
    "max_drawdown": ("Max drawdown", "percent"),
    "max_drawdown_days": ("Drawdown days", "whole"),
    "beta": ("Beta", "number"),
    "turnover_traded_annual": ("Traded / value, a year", "number"),
    "commission_annual": ("Commission, a year", "percent"),
    "slippage_annual": ("Slippage, a year", "percent"),
    "carry_annual": ("Carry, a year", "percent"),
    "gross_mean": ("Mean gross", "percent"),
    "net_mean": ("Mean net", "percent"),
    "final_value": ("Final value", "money"),
}


@dataclass(frozen=True, eq=False)
class Run:
    """One run's tables.

    Parameters
    ----------
    values : DataFrame
        Index date; value, cash, long and short in currency.
    costs : DataFrame
        Index date (those of `values`); commission, slippage and carry of the session as
        fractions of the account value, costs positive.
    metrics : mapping
    """

    values: pd.DataFrame
    costs: pd.DataFrame
    metrics: Mapping[str, Any]


def read_run(folder: Path) -> Run:
    """Read a run's folder; its pickle is left alone.

    Raises
    ------
    DataError
        If a table is missing or damaged.
    """
    values = read_table(folder / "values.csv", _VALUES, dates=["date"]).set_index("date")
    fills = read_table(folder / "fills.csv", ["commission", "slippage"], dates=["date"])
    carry = read_table(folder / "carry.csv", ["amount"], dates=["date"])
    paid = fills.groupby("date")[["commission", "slippage"]].sum()
    paid = paid.join(-carry.groupby("date")["amount"].sum().rename("carry"), how="outer")
    paid = paid.reindex(values.index).fillna(0.0).astype(float)
    return Run(values, paid.div(values["value"], axis=0), read_document(folder / "metrics.json"))


def cut_to_common(runs: Mapping[str, Run]) -> dict[str, Run]:
    """The runs between the latest of their starts and the earliest of their ends.

    Runs without a day in common are returned as they are.
    """
    first = max(run.values.index[0] for run in runs.values())
    last = min(run.values.index[-1] for run in runs.values())
    if first >= last:
        return dict(runs)
    return {
        name: Run(run.values.loc[first:last], run.costs.loc[first:last], run.metrics)
        for name, run in runs.items()
    }


def compared(runs: Mapping[str, Run]) -> pd.DataFrame:
    """Every series that is drawn, one row a run, measure and session.

    Returns
    -------
    DataFrame
        date, run, measure, value. ``growth`` of 1 from the first session, ``drawdown`` (zero or
        less), ``gross`` and ``net`` over value, ``commission``, ``slippage``, ``carry`` and
        ``cost`` added up since the start as fractions of each day's value.
    """
    parts = [_series(run).assign(run=name) for name, run in runs.items()]
    columns = ["date", "run", "measure", "value"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _series(run: Run) -> pd.DataFrame:
    return _measures(run).reset_index().melt("date", var_name="measure", value_name="value")


def _measures(run: Run) -> pd.DataFrame:
    """One column a measure, index date."""
    values = run.values
    value = values["value"].to_numpy()
    growth = value / value[0]
    added = run.costs.cumsum()
    return pd.DataFrame(
        {
            "growth": growth,
            "drawdown": growth / np.maximum.accumulate(growth) - 1.0,
            "gross": (values["long"] - values["short"]).to_numpy() / value,
            "net": (values["long"] + values["short"]).to_numpy() / value,
            **{name: added[name].to_numpy() for name in added},
            "cost": added.sum(axis=1).to_numpy(),
        },
        index=values.index,
    )


def outcomes(runs: Mapping[str, Run]) -> pd.DataFrame:
    """One row a run: what became of it over its days.

    Returns
    -------
    DataFrame
        run; return (since the first day), drawdown (the worst), cost and its parts
        (added up), gross and net (means), as fractions.
    """
    rows = []
    for name, run in runs.items():
        wide = _measures(run)
        last, mean = wide.iloc[-1], wide.mean()
        told = {"return": last["growth"] - 1.0, "drawdown": wide["drawdown"].min()}
        told |= {key: last[key] for key in ("cost", "commission", "slippage", "carry")}
        rows.append({"run": name, **told, "gross": mean["gross"], "net": mean["net"]})
    return pd.DataFrame(rows)


def sleeves(folder: Path, run: Run, data: Path) -> pd.DataFrame:
    """Exposure by asset class on the days of `run`, from the fills and prices of its folder.

    Parameters
    ----------
    folder : Path
        Of the run.
    run : Run
        Whose days and values are taken: whole or cut.
    data : Path
        Folder of data sets, where the run's own says what class a symbol is of.

    Returns
    -------
    DataFrame
        As :func:`runs.dashboard_exposures.by_class` has it; empty where the data set or the
        prices are not there.
    """
    if not all((folder / name).is_file() for name in ("prices.csv", "manifest.json")):
        return by_class(pd.DataFrame(index=run.values.index), run.values["value"], {})
    told = read_document(folder / "manifest.json").get("data") or {}
    classes = classes_of_set(data, Path(str(told.get("dir", ""))).name)
    if not classes:
        return by_class(pd.DataFrame(index=run.values.index), run.values["value"], {})
    fills = read_table(folder / "fills.csv", ["symbol", "size"], dates=["date"])
    prices = read_table(folder / "prices.csv", dates=["date"]).set_index("date")
    bought = fills.pivot_table(index="date", columns="symbol", values="size", aggfunc="sum")
    held = bought.reindex(prices.index).fillna(0.0).cumsum()
    # What is left of a position that was closed is rounding.
    held = held.where(held.abs() > 1e-9 * bought.abs().sum(), 0.0)
    marked = (held * prices.reindex(columns=held.columns)).reindex(run.values.index)
    return by_class(marked, run.values["value"], classes)


def metrics_table(runs: Mapping[str, Run]) -> pd.DataFrame:
    """One row a run with its headline metrics; what a run does not know is NaN or empty."""
    rows = [
        {"run": name, **{key: run.metrics.get(key) for key in METRICS}}
        for name, run in runs.items()
    ]
    table = pd.DataFrame(rows, columns=["run", *METRICS])
    numbers = [key for key, (_, form) in METRICS.items() if form != "text"]
    table[numbers] = table[numbers].apply(pd.to_numeric, errors="coerce")
    return table
