"""A run's folder: every file of it, written at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from analyzers.result import RunResult
from feeds.atomic import check_replaceable

__all__ = [
    "PAPER_FILES",
    "RUN_FILES",
    "check_run_folder",
    "write_csv",
    "write_pages",
    "write_tables",
]

#: Everything a run's folder may hold.
RUN_FILES = (
    "carry.csv",
    "config.yaml",
    "environment.txt",
    "factor_returns.csv",
    "fills.csv",
    "manifest.json",
    "metrics.json",
    "plots",
    "positions.csv",
    "prices.csv",
    "results.pkl",
    "risk_contributions.csv",
    "summary.html",
    "tearsheet.html",
    "values.csv",
    "weights.csv",
)

#: What the folder of a paper account holds besides.
PAPER_FILES = ("ledger.csv", "parity.csv", "parity.json")


def check_run_folder(folder: Path) -> None:
    """Refuse a place for a run that cannot be written or holds anything else.

    Raises
    ------
    OutputError
        Naming what is in the way.
    """
    check_replaceable(folder, (*RUN_FILES, *PAPER_FILES), "run")


def write_pages(
    result: RunResult, folder: Path, lap: Callable[[str], None] = lambda stage: None
) -> None:
    """Write the plots, the tearsheet and the summary of `result`; `lap` is told each stage."""
    from analyzers.figures import build_figures, save_figures
    from analyzers.summary import write_summary
    from analyzers.tearsheet import write_tearsheet

    save_figures(build_figures(result), folder / "plots")
    lap("plots")
    write_tearsheet(result, folder / "tearsheet.html")
    lap("tearsheet")
    write_summary(result, folder, has_tearsheet=True)
    lap("summary")


def write_tables(
    result: RunResult,
    folder: Path,
    *,
    config_text: str,
    environment: str,
    timings: dict[str, float],
) -> None:
    """Write every file of `result` but its pages and plots.

    Numbers are written with as many digits as it takes to read the same ones back. `timings`,
    seconds by stage, are the one part that differs between two runs; they stand in
    ``manifest.json`` alone.
    """
    tables = {
        "values.csv": result.values.reset_index(),
        "fills.csv": result.fills,
        "carry.csv": result.carry,
        "weights.csv": result.weights,
        "positions.csv": result.positions,
        "prices.csv": result.prices.reset_index(),
        "factor_returns.csv": result.factor_returns.rename_axis("date").reset_index(),
    }
    if result.risk_contributions is not None:
        tables["risk_contributions.csv"] = result.risk_contributions
    for name, table in tables.items():
        write_csv(table, folder / name)
    _write_json(folder / "metrics.json", result.metrics)
    _write_json(folder / "manifest.json", {**result.manifest, "timings": timings})
    (folder / "config.yaml").write_text(config_text, encoding="utf-8")
    (folder / "environment.txt").write_text(environment, encoding="utf-8")
    result.save(folder / "results.pkl")


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV: ISO dates, shortest exact numbers, missing values left empty.

    Many times faster than ``DataFrame.to_csv``, which formats value by value.
    """
    import pyarrow
    from pyarrow import csv

    names = [str(name) for name in table.columns]
    columns = pyarrow.table([_column(table[name]) for name in table.columns], names=names)
    with open(path, "wb") as stream:
        stream.write((",".join(names) + "\n").encode())
        options = csv.WriteOptions(include_header=False, quoting_style="none")
        csv.write_csv(columns, stream, options)


def _column(values: pd.Series):
    import pyarrow

    if values.dtype.kind == "M":
        return pyarrow.array(values.to_numpy().astype("datetime64[D]"))
    if values.dtype.kind == "f":
        return pyarrow.array(values.to_numpy(), from_pandas=True)
    return pyarrow.array(values.astype("str"))


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
