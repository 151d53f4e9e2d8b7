"""A run's folder: every file of it, written at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analyzers.result import RunResult
from feeds.atomic import check_replaceable

__all__ = ["RUN_FILES", "check_run_folder", "csv_text", "write_tables"]

#: Everything a run's folder may hold.
RUN_FILES = (
    "carry.csv",
    "config.yaml",
    "environment.txt",
    "fills.csv",
    "manifest.json",
    "metrics.json",
    "plots",
    "positions.csv",
    "prices.csv",
    "results.pkl",
    "summary.html",
    "tearsheet.html",
    "values.csv",
    "weights.csv",
)


def check_run_folder(folder: Path) -> None:
    """Refuse a place for a run that cannot be written or holds anything else.

    Raises
    ------
    OutputError
        Naming what is in the way.
    """
    check_replaceable(folder, RUN_FILES, "run")


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
    }
    for name, table in tables.items():
        (folder / name).write_text(csv_text(table), encoding="utf-8")
    _write_json(folder / "metrics.json", result.metrics)
    _write_json(folder / "manifest.json", {**result.manifest, "timings": timings})
    (folder / "config.yaml").write_text(config_text, encoding="utf-8")
    (folder / "environment.txt").write_text(environment, encoding="utf-8")
    result.save(folder / "results.pkl")


def csv_text(table: pd.DataFrame) -> str:
    """A table as CSV: ISO dates, shortest exact numbers, missing values left empty.

    Several times faster than ``DataFrame.to_csv``, which formats value by value.
    """
    columns = [_texts(table[name].to_numpy()) for name in table.columns]
    lines = [",".join(map(str, table.columns)), *map(",".join, zip(*columns, strict=True))]
    return "\n".join(lines) + "\n"


def _texts(values: np.ndarray) -> Sequence[str]:
    if values.dtype.kind == "M":
        days = values.astype("datetime64[D]").astype(str)
        return np.where(np.isnat(values), "", days).tolist()
    if values.dtype.kind == "f":
        missing = np.isnan(values)
        texts = list(map(repr, values.tolist()))
        for position in np.flatnonzero(missing).tolist():
            texts[position] = ""
        return texts
    return list(map(str, values.tolist()))


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
