"""Reading a file of published factor returns, daily, weekly or monthly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from feeds.errors import DataError

__all__ = ["PERIODS", "read_published_file"]

#: Periods a year by frequency.
PERIODS = {"daily": 252, "weekly": 52, "monthly": 12}

_FORM = "give a CSV with a date column and mkt_rf, smb, hml, umd, rmw, cma, rf as decimals"
_SAME = {"mkt-rf": "mkt_rf", "mktrf": "mkt_rf", "mom": "umd", "wml": "umd"}
#: Codes of a missing return in files of published factors.
_MISSING = (-99.99, -999.0)
#: Median of absolute returns from which they must be in percent.
_PERCENT = 0.2


def read_published_file(path: Path, *, percent: bool = False) -> tuple[pd.DataFrame, str]:
    """Published returns as decimals, and their frequency.

    Parameters
    ----------
    path : Path
        A CSV whose first column is ``date`` (ISO, or yyyymmdd), or the label of a week
        (``yyww`` or ``week``: year and week as 201401). Names of columns are taken in small
        letters; ``Mkt-RF`` is ``mkt_rf``, ``mom`` and ``wml`` are ``umd``. Empty cells, -99.99 and
        -999 are not known.
    percent : bool
        Whether returns are in percent, as in files of Kenneth French's library.

    Returns
    -------
    table : DataFrame
        Index: dates, or weeks as whole numbers; increasing.
    frequency : {"daily", "weekly", "monthly"}
        Weekly where the first column labels weeks; else by the usual distance of dates.

    Raises
    ------
    DataError
        If the file is not such a table, dates are doubled or out of order, or returns are so
        large that they are in percent.
    """
    try:
        cells = pd.read_csv(path, dtype=str, keep_default_na=False)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}", _FORM) from None
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a CSV ({str(error).splitlines()[0]})", _FORM) from None
    cells.columns = [_SAME.get(name.strip().lower(), name.strip().lower()) for name in cells]
    if cells.columns[0] not in ("date", "yyww", "week") or len(cells.columns) < 2 or cells.empty:
        raise DataError(f"{path}: its first column is {cells.columns[0]!r}, not date", _FORM)
    weekly = cells.columns[0] != "date"
    index = _weeks(path, cells) if weekly else _dates(path, cells)
    table = _numbers(path, cells.iloc[:, 1:], percent).set_index(index)
    if not table.index.is_monotonic_increasing or not table.index.is_unique:
        raise DataError(f"{path}: its periods are doubled or out of order", "sort the file")
    if weekly:
        return table, "weekly"
    usual = table.index.to_series().diff().median() if len(table) > 1 else pd.Timedelta(1, "D")
    return table, "monthly" if usual > pd.Timedelta(20, "D") else "daily"


def _dates(path: Path, cells: pd.DataFrame) -> pd.DatetimeIndex:
    texts = cells["date"].str.strip().str.replace("-", "", regex=False)
    dates = pd.to_datetime(texts, format="%Y%m%d", errors="coerce")
    if dates.isna().any():
        line = int(dates.isna().to_numpy().argmax())
        raise DataError(f"{path}, line {line + 2}: {cells['date'].iloc[line]!r} is no date", _FORM)
    return pd.DatetimeIndex(dates.to_numpy().astype("datetime64[ns]"), name="date")


def _weeks(path: Path, cells: pd.DataFrame) -> pd.Index:
    weeks = pd.to_numeric(cells.iloc[:, 0], errors="coerce")
    number = weeks % 100
    wrong = ~((number >= 1) & (number <= 52) & (weeks >= 190001) & (weeks <= 299952)).to_numpy()
    if wrong.any():
        line = int(wrong.argmax())
        raise DataError(
            f"{path}, line {line + 2}: {cells.iloc[line, 0]!r} is no week",
            "write year and week, 1 to 52, as 201401",
        )
    return pd.Index(weeks.astype("int64"), name="week")


def _numbers(path: Path, cells: pd.DataFrame, percent: bool) -> pd.DataFrame:
    texts = cells.apply(lambda column: column.str.strip())
    numbers = texts.apply(pd.to_numeric, errors="coerce").astype(float)
    odd = (numbers.isna() & (texts != "")).to_numpy()
    if odd.any():
        line, column = np.argwhere(odd)[0]
        raise DataError(
            f"{path}, line {line + 2}: {cells.columns[column]} is {texts.iat[line, column]!r}",
            "write a number, or leave the cell empty",
        )
    numbers = numbers.mask(numbers.isin(_MISSING))
    numbers = numbers / 100.0 if percent else numbers
    usual = numbers.abs().median().max()
    if usual >= _PERCENT:
        raise DataError(
            f"{path}: returns of {usual:.2g} a period are no decimals",
            "pass --percent for a file in percent",
        )
    return numbers
