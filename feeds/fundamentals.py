"""Filed fundamentals as they were known on each date."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from feeds.errors import DataError

__all__ = ["FUNDAMENTAL_COLUMNS", "align_fundamentals", "check_fundamentals"]

FUNDAMENTAL_COLUMNS = (
    "symbol", "period_end", "known_from", "book_equity", "shares", "shares_as_of",
)  # fmt: skip


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
    filings: pd.DataFrame, assets: list[str], dates: np.ndarray, split_factor: np.ndarray
) -> dict[str, np.ndarray]:
    """Book equity and share counts known on each session.

    On a session counts the filing of the latest period among those whose ``known_from`` has
    come; an amendment of that period replaces it from its own ``known_from`` on, and one of an
    earlier period changes nothing. What was known before is never rewritten. Share counts are
    multiplied by the splits since their ``shares_as_of``.

    Parameters
    ----------
    filings : DataFrame
        As `check_fundamentals` returns it.
    assets : list of str
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
    out = {name: np.full(split_factor.shape, np.nan) for name in ("book_equity", "shares")}
    columns = {symbol: column for column, symbol in enumerate(assets)}
    for symbol, own in filings.groupby("symbol", sort=True):
        if symbol not in columns:
            continue
        column = columns[symbol]
        latest = own["period_end"] >= own["period_end"].cummax()
        for filing in own[latest].itertuples(index=False):
            first = np.searchsorted(dates, np.datetime64(filing.known_from, "D"))
            if np.isfinite(filing.book_equity):
                out["book_equity"][first:, column] = filing.book_equity
            if np.isfinite(filing.shares):
                since = split_factor[:, column]
                counted = np.searchsorted(
                    dates, np.datetime64(filing.shares_as_of, "D"), side="right"
                )
                base = since[counted - 1] if counted else 1.0
                out["shares"][first:, column] = filing.shares * since[first:] / base
    return out
