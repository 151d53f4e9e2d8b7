"""Who belongs to the universe on each date: dated spells, or entry and exit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from feeds.errors import DataError

__all__ = ["MEMBERSHIP_COLUMNS", "check_spells", "membership"]

MEMBERSHIP_COLUMNS = ("symbol", "start", "end")
_NEVER = np.datetime64("9999-12-31")


def check_spells(path: Path, table: pd.DataFrame, universe: pd.DataFrame) -> pd.DataFrame:
    """Spells of membership with dates as datetime64[D], in the file's order.

    Parameters
    ----------
    path : Path
        The file, for messages.
    table : DataFrame
        MEMBERSHIP_COLUMNS as text, one row a spell: first and last day, both included; an empty
        end is a spell that still lasts.
    universe : DataFrame
        universe.csv.

    Raises
    ------
    DataError
        If a symbol is not in the universe, a start is no date, an end is none or is earlier
        than its start, or two spells of a symbol share a day.
    """
    start, end = _days(table["start"]), _days(table["end"])
    open_ended = (table["end"] == "").to_numpy()
    _refuse(path, table, ~table["symbol"].isin(universe["symbol"]), "is not in universe.csv")
    _refuse(path, table, np.isnat(start), "has a start that is no date such as 2016-12-30")
    _refuse(path, table, np.isnat(end) & ~open_ended, "has an end that is no date")
    last = np.where(open_ended, _NEVER, end)
    _refuse(path, table, last < start, "has a spell that ends before it starts")
    code = pd.factorize(table["symbol"])[0]
    order = np.lexsort((start.astype("int64"), code))
    shared = (np.diff(code[order]) == 0) & (start[order][1:] <= last[order][:-1])
    overlap = np.zeros(len(table), dtype=bool)
    overlap[order[1:][shared]] = True
    _refuse(path, table, overlap, "has a spell that overlaps another of its own")
    return pd.DataFrame({"symbol": table["symbol"].tolist(), "start": start, "end": last})


def membership(
    assets: pd.DataFrame, dates: np.ndarray, spells: pd.DataFrame | None = None
) -> np.ndarray:
    """(T, N) bool array: whether each asset belongs to the universe on each date.

    Parameters
    ----------
    assets : DataFrame
        N rows of universe.csv, its index counting the file's rows. Entry is `start`, empty for
        never; exit is `end`, except that a series which is still running (``data_end``) has no
        exit yet, whatever its last bar.
    dates : (T,) datetime64 array
        The panel's rows.
    spells : DataFrame, optional
        As :func:`check_spells` returns it. A symbol that it names belongs to the universe within
        its spells and at no other time.

    Raises
    ------
    DataError
        If an entry or exit is no date.
    """
    days = dates.astype("datetime64[D]")
    entered = (assets["start"] != "").to_numpy()
    if spells is not None:
        entered = entered & ~assets["symbol"].isin(spells["symbol"]).to_numpy()
    ended = ((assets["end"] != "") & (assets["end_reason"] != "data_end")).to_numpy()
    start, end = _days(assets["start"]), _days(assets["end"])
    for name, wrong in (("start", entered & np.isnat(start)), ("end", ended & np.isnat(end))):
        _refuse(Path("universe.csv"), assets, wrong, f"has a {name} that is no date")
    inside = (days[:, None] >= np.where(entered, start, _NEVER)) & (
        days[:, None] <= np.where(ended, end, _NEVER)
    )
    if spells is not None:
        columns = {symbol: column for column, symbol in enumerate(assets["symbol"])}
        firsts = np.searchsorted(days, spells["start"].to_numpy("datetime64[D]"))
        stops = np.searchsorted(days, spells["end"].to_numpy("datetime64[D]"), side="right")
        for symbol, first, stop in zip(spells["symbol"], firsts, stops):
            if symbol in columns:
                inside[first:stop, columns[symbol]] = True
    return inside


def _days(texts: pd.Series) -> np.ndarray:
    """(K,) datetime64[D]; NaT where the text is empty or no date."""
    days = pd.to_datetime(texts, format="%Y-%m-%d", errors="coerce")
    return days.to_numpy().astype("datetime64[D]")


def _refuse(path: Path, table: pd.DataFrame, wrong: np.ndarray | pd.Series, what: str) -> None:
    wrong = np.asarray(wrong, dtype=bool)
    if wrong.any():
        at = int(wrong.argmax())
        raise DataError(
            # The index of a table counts its rows in the file, also where some were left out.
            f"{path}, line {table.index[at] + 2}: {table['symbol'].iloc[at]} {what}",
            "correct the row or leave it out",
        )
