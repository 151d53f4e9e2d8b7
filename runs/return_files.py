"""Reading series of returns: our CSV files, a run's folder, saved results, French's files.

Units are said, never guessed: decimals unless ``percent`` is asked for, and a return below
-100 % is refused.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from feeds.errors import DataError

__all__ = ["UNITS", "load_factors", "load_returns", "read_table"]

UNITS = ("decimal", "percent")
#: What French's library writes where nothing is known, in percent.
_MISSING = (-99.99, -999.0)
_DATES = {10: "%Y-%m-%d", 8: "%Y%m%d", 6: "%Y%m"}
_FORM = "give a CSV with a date column (2020-01-31, 20200131 or 202001) and columns of numbers"
_FACTOR_FILES = ("factor_returns.csv", "published_monthly.csv", "results.pkl")


def load_returns(
    path: Path, *, column: str | None = None, prices: bool = False, units: str = "decimal"
) -> pd.Series:
    """One series of returns, decimals, by date.

    Parameters
    ----------
    path : Path
        A run's folder (or its ``values.csv``), or a CSV with a date column.
    column : str, optional
        Which column, where the file has several.
    prices : bool
        The column holds prices or values: returns are their changes, missing ones skipped.
    units : str
        ``decimal`` or ``percent``; prices have none.

    Raises
    ------
    DataError
        If the file is missing or is no such table, or the column has to be named.
    """
    path = Path(path)
    if path.is_dir() or path.name == "values.csv" and column is None:
        return _run_returns(path if path.is_dir() else path.parent)
    table = read_table(path, "decimal" if prices else units, returns=not prices)
    if column is None and table.shape[1] > 1:
        raise DataError(
            f"{path}: which of its columns {_listed(table)} is the return?", "name it with --column"
        )
    name = table.columns[0] if column is None else column
    if name not in table:
        raise DataError(f"{path}: no column {name}", f"it has {_listed(table)}")
    found = table[name].dropna()
    if not prices:
        return found.rename(name)
    if not (found > 0.0).all():
        wrong = found[~(found > 0.0)]
        raise DataError(
            f"{path}: {name} on {wrong.index[0]:%Y-%m-%d} is {wrong.iloc[0]:g}, not a price",
            "leave --prices out for a file of returns",
        )
    return found.pct_change().iloc[1:].rename(name)


def load_factors(path: Path, *, units: str = "decimal") -> tuple[pd.DataFrame, dict[str, str]]:
    """Factor returns by date, decimals, and labels of the columns that have one.

    Parameters
    ----------
    path : Path
        A CSV (``factor_returns.csv``, ``published_monthly.csv``, a file of Kenneth French's
        library as downloaded), a saved ``results.pkl``, or a folder that holds one of them. A
        pickle runs code when it is read.
    units : str
        ``decimal`` or ``percent``, of a CSV.

    Raises
    ------
    DataError
        If nothing of the kind is there.
    """
    path = Path(path)
    if path.is_dir():
        inside = [path / name for name in _FACTOR_FILES if (path / name).is_file()]
        if not inside:
            raise DataError(
                f"{path}: holds no factor returns", f"it should hold {', '.join(_FACTOR_FILES)}"
            )
        path = inside[0]
    if path.suffix.lower() != ".pkl":
        return read_table(path, units).dropna(axis=1, how="all"), {}
    from runs.export_plots import load_input

    found = load_input(path)
    returns = getattr(found, "factor_returns", None)
    if not isinstance(returns, pd.DataFrame) or returns.empty:
        raise DataError(f"{path}: holds no factor returns", "give the results.pkl of runs.factors")
    labels = {name: str(found.labels.get(name, name)) for name in returns}
    return returns.dropna(axis=1, how="all"), labels


def read_table(path: Path, units: str = "decimal", *, returns: bool = True) -> pd.DataFrame:
    """A CSV of numbers by date.

    The table begins at the first line whose first cell is empty or ``date`` and ends at the
    first empty line: French's files have text above and annual figures below.

    Parameters
    ----------
    units : str
        ``percent`` is divided by 100, and -99.99 and -999 are then missing values.
    returns : bool
        Refuse numbers below -1, which no return is.

    Returns
    -------
    DataFrame
        Index date (months by their last day), float64; an empty cell is NaN.

    Raises
    ------
    DataError
        If the file is missing or no such table: dates must be ISO or 20200131 or 202001 and
        increase, cells must be numbers.
    """
    header, rows = _table_rows(Path(path))
    dates = _dates(Path(path), [row[0] for row in rows])
    table = pd.DataFrame([row[1:] for row in rows], columns=header, index=dates)
    numbers = table.apply(lambda side: pd.to_numeric(side.where(side != ""), errors="coerce"))
    bad = (table != "") & ~np.isfinite(numbers.to_numpy(dtype=float))
    if bad.to_numpy().any():
        row, place = np.argwhere(bad.to_numpy())[0]
        raise DataError(
            f"{path}: {header[place]} on {dates[row]:%Y-%m-%d} is {table.iloc[row, place]!r}, "
            "not a number",
            "correct it, or leave the cell empty",
        )
    numbers = numbers.astype(float)
    if units == "percent":
        numbers = numbers.where(~numbers.isin(_MISSING)) / 100.0
    if returns:
        _check_returns(Path(path), numbers, units)
    return numbers


def _check_returns(path: Path, numbers: pd.DataFrame, units: str) -> None:
    lost = (numbers < -1.0).to_numpy()
    if not lost.any():
        return
    row, place = np.argwhere(lost)[0]
    value = numbers.iloc[row, place]
    raise DataError(
        f"{path}: {numbers.columns[place]} on {numbers.index[row]:%Y-%m-%d} is {value:g} "
        f"read as {units}s, below -100 %",
        "say percent, if that is its unit (--returns-in, --factors-in), or --prices for prices",
    )


def _table_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Names of the columns, and the cells of the first block of rows."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file", _FORM) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error})"[:200], _FORM) from None
    lines = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines())]
    starts = [
        k
        for k, row in enumerate(lines)
        if len(row) > 1 and row[0].lower() in ("", "date") and row[1]
    ]
    if not starts:
        raise DataError(f"{path}: no line names its columns after a date", _FORM)
    header, rows = lines[starts[0]][1:], []
    for number, row in enumerate(lines[starts[0] + 1 :], starts[0] + 2):
        if not any(row):
            break
        if len(row) != len(header) + 1:
            raise DataError(
                f"{path}: line {number} has {len(row)} cells, its header {len(header) + 1}", _FORM
            )
        rows.append(row)
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice or not rows:
        raise DataError(
            f"{path}: {twice[0]!r} stands twice" if twice else f"{path}: no rows", _FORM
        )
    return header, rows


def _dates(path: Path, cells: Sequence[str]) -> pd.DatetimeIndex:
    form = _DATES.get(len(cells[0]), "%Y-%m-%d")
    dates = pd.to_datetime(pd.Series(cells), format=form, errors="coerce")
    # A month's returns stand at its last day.
    dates = dates + pd.offsets.MonthEnd(0) if form == "%Y%m" else dates
    late = np.array(dates.diff() > pd.Timedelta(0))
    late[:1] = True
    wrong = np.flatnonzero(dates.isna().to_numpy() | ~late)
    if len(wrong):
        raise DataError(
            f"{path}: row {wrong[0] + 1}, {cells[wrong[0]]!r}: dates must be of one form and "
            "increase",
            _FORM,
        )
    return pd.DatetimeIndex(dates, name="date")


def _run_returns(folder: Path) -> pd.Series:
    """Session returns of a run, the first against its starting cash."""
    values, metrics = folder / "values.csv", folder / "metrics.json"
    if not values.is_file() or not metrics.is_file():
        raise DataError(
            f"{folder}: holds no values.csv and metrics.json", "name a folder of runs.backtest"
        )
    table = read_table(values, returns=False)
    try:
        cash = float(json.loads(metrics.read_text(encoding="utf-8"))["starting_cash"])
        value = table["value"]
    except (KeyError, TypeError, ValueError):
        raise DataError(f"{folder}: its tables are not those of a run", "run it again") from None
    before = np.concatenate([[cash], value.to_numpy()[:-1]])
    return pd.Series(value.to_numpy() / before - 1.0, index=value.index, name=folder.name)


def _listed(table: pd.DataFrame) -> str:
    names = ", ".join(map(str, table.columns[:6]))
    return names + (", ..." if table.shape[1] > 6 else "")
