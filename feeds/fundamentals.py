"""Filed fundamentals as they were known on each date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from feeds.errors import DataError
from feeds.figures import carried_array

__all__ = ["FUNDAMENTAL_COLUMNS", "align_filed", "align_fundamentals", "check_fundamentals"]

FUNDAMENTAL_COLUMNS = (
    "symbol", "period_end", "known_from", "book_equity", "shares", "shares_as_of",
)  # fmt: skip

#: Days between the periods of two assets where all are in one order; more than any span of dates.
_FAR = 10_000_000


def check_fundamentals(path: Path, table: pd.DataFrame, universe: pd.DataFrame) -> pd.DataFrame:
    """Filings with dates as datetime64, in the order in which they became known.

    Parameters
    ----------
    path : Path
        The file, for messages.
    table : DataFrame
        FUNDAMENTAL_COLUMNS, dates as ISO text; book_equity and shares NaN where not filed.
    universe : DataFrame
        universe.csv.

    Raises
    ------
    DataError
        If a symbol is not in the universe, a date is none, a filing was known before its
        period ended, a share count has no date, or belongs to prices that are not as printed.
    """
    table = table.copy()
    kinds = dict(zip(universe["symbol"], universe["price_kind"]))
    for column in ("period_end", "known_from", "shares_as_of"):
        table[column] = pd.to_datetime(table[column], errors="coerce", format="%Y-%m-%d")
    counted = table["shares"].notna()
    faults = {
        "a symbol that universe.csv lacks": ~table["symbol"].isin(list(kinds)),
        "no date in period_end or known_from": table[["period_end", "known_from"]]
        .isna()
        .any(axis=1),
        "a filing known before its period ended": table["known_from"] < table["period_end"],
        "a share count without shares_as_of": counted & table["shares_as_of"].isna(),
        "a share count of prices that are not as printed": counted
        & (table["symbol"].map(kinds) != "traded"),
        "a share count that is not positive": counted & ~(table["shares"] > 0),
    }
    for what, rows in faults.items():
        if rows.any():
            at = int(rows.to_numpy().argmax())
            raise DataError(
                f"{path}, line {at + 2}: {table['symbol'].iloc[at]} has {what}",
                "correct the row or leave it out",
            )
    return table.sort_values(["known_from", "period_end"], kind="stable", ignore_index=True)


def align_fundamentals(
    filings: pd.DataFrame, assets: Sequence[str], dates: np.ndarray, split_factor: np.ndarray
) -> dict[str, np.ndarray]:
    """Book equity and share counts known on each session.

    The rule is that of :func:`align_filed`. Share counts are multiplied by the splits since
    their ``shares_as_of``.

    Parameters
    ----------
    filings : DataFrame
        As `check_fundamentals` returns it.
    assets : sequence of str
        N symbols.
    dates : (T,) datetime64[D] array
        Sessions.
    split_factor : (T, N) float64 array
        Cumulative, 1 at the first bar.

    Returns
    -------
    dict of (T, N) float64 arrays
        ``book_equity`` in currency and ``shares`` as printed; NaN means not known.
    """
    known = _known(filings, assets, dates)
    counted = np.searchsorted(dates, _days(filings["shares_as_of"])[known.row], side="right")
    base = np.ones(len(known.row))
    since = counted > 0
    base[since] = split_factor[counted[since] - 1, known.column[since]]
    shares = _numbers(filings, "shares")[known.row]
    has_count = np.isfinite(shares)
    out = {"book_equity": known.spread(_numbers(filings, "book_equity")[known.row])}
    out["shares"] = known.spread(shares, has_count)
    out["shares"] *= split_factor
    out["shares"] /= known.spread(base, has_count)
    return out


def align_filed(
    filings: pd.DataFrame, columns: Sequence[str], assets: Sequence[str], dates: np.ndarray
) -> dict[str, np.ndarray]:
    """Filed figures known on each session.

    On a session counts the filing of the latest period among those whose ``known_from`` has
    come; an amendment of that period replaces it from its own ``known_from`` on, and one of an
    earlier period changes nothing. What was known before is never rewritten. A figure that the
    latest filing does not give stays as the filings before it had it.

    Parameters
    ----------
    filings : DataFrame
        As `check_fundamentals` returns it.
    columns : sequence of str
        Columns with numbers.
    assets : sequence of str
        N symbols; filings of others are left out.
    dates : (T,) datetime64[D] array
        Sessions.

    Returns
    -------
    dict of (T, N) float64 arrays
        One a column, in the unit of the filing; NaN means not known.

    Raises
    ------
    DataError
        If the filings lack a column, or it does not hold numbers.
    """
    known = _known(filings, assets, dates)
    return {name: known.spread(_numbers(filings, name)[known.row]) for name in columns}


@dataclass(frozen=True)
class _Known:
    """Filings that become the latest known: by column, and then in the order they came.

    Parameters
    ----------
    row : (K,) int array
        Position in the filings.
    column : (K,) int array
        Asset.
    first : (K,) int array
        First session on which the filing is known.
    shape : (int, int)
        Sessions and assets.
    """

    row: np.ndarray
    column: np.ndarray
    first: np.ndarray
    shape: tuple[int, int]

    def spread(self, values: np.ndarray, counts: np.ndarray | None = None) -> np.ndarray:
        """(T, N) values from their sessions on; those that do not count (NaN) change nothing."""
        counts = np.isfinite(values) if counts is None else counts
        return carried_array(self.first[counts], self.column[counts], values[counts], self.shape)


def _known(filings: pd.DataFrame, assets: Sequence[str], dates: np.ndarray) -> _Known:
    column = pd.Index(list(assets)).get_indexer(filings["symbol"])
    period = _days(filings["period_end"])
    first = np.searchsorted(dates, _days(filings["known_from"]))
    row = np.flatnonzero((column >= 0) & ~np.isnat(period))
    row = row[np.lexsort((first[row], column[row]))]
    # One running maximum serves all assets: each begins far above the one before.
    ranked = column[row] * _FAR + period[row].astype("int64")
    row = row[ranked >= np.maximum.accumulate(ranked)] if len(row) else row
    row = row[first[row] < len(dates)]
    return _Known(row, column[row], first[row], (len(dates), len(assets)))


def _days(column: pd.Series) -> np.ndarray:
    return column.to_numpy().astype("datetime64[D]")


def _numbers(filings: pd.DataFrame, name: str) -> np.ndarray:
    if name not in filings.columns:
        raise DataError(
            f"the filings have no column {name}", f"use one of {', '.join(filings.columns)}"
        )
    try:
        return filings[name].to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"column {name} of the filings does not hold numbers: {error}", "name another"
        ) from None
