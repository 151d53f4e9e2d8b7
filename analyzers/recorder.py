"""Recorder: the analyzer that turns the account's journal into a run's tables."""

from __future__ import annotations

from collections.abc import Collection

import backtrader as bt
import numpy as np
import pandas as pd

from feeds.panel import Panel
from strategies.execution.journal import Journal

__all__ = ["Recorder", "daily_positions", "journal_tables"]

_FILL_COLUMNS = ("column", "size", "price", "reference_price", "commission")


class Recorder(bt.Analyzer):
    """What the account did, as plain tables; read once, after the run.

    ``get_analysis()`` returns a dict of DataFrames: ``values``, ``fills``, ``carry``,
    ``positions``, ``prices``, ``events``, with the columns, signs and units of the run's CSV
    files (see `docs/outputs.md`).
    """

    def get_analysis(self) -> dict[str, pd.DataFrame]:
        broker = self.strategy.broker
        return journal_tables(broker.account.journal, broker.account.panel)


def journal_tables(
    journal: Journal, panel: Panel, names: Collection[str] | None = None
) -> dict[str, pd.DataFrame]:
    """Tables of a journal over its panel, dates and symbols in place of rows and columns.

    `names` are the tables wanted; all unless given.
    """
    dates = panel.dates.astype("datetime64[ns]")
    makers = {
        "values": _values,
        "fills": _fills,
        "carry": _carry,
        "positions": _positions,
        "prices": _prices,
        "events": _events,
    }
    wanted = makers if names is None else names
    return {name: make(journal, panel, dates) for name, make in makers.items() if name in wanted}


def _values(journal: Journal, panel: Panel, dates: np.ndarray) -> pd.DataFrame:
    row, *columns = (_joined([entry[at] for entry in journal.values]) for at in range(6))
    index = pd.DatetimeIndex(dates[row.astype(int)], name="date")
    names = ["value", "cash", "long", "short", "margin"]
    return pd.DataFrame(dict(zip(names, columns, strict=True)), index=index)


def _fills(journal: Journal, panel: Panel, dates: np.ndarray) -> pd.DataFrame:
    lengths = [len(entry[3]) for entry in journal.fills]
    row = np.repeat([entry[0] for entry in journal.fills], lengths).astype(int)
    decided = np.repeat([entry[1] for entry in journal.fills], lengths).astype(int)
    reason = np.repeat(np.array([entry[2] for entry in journal.fills], dtype=str), lengths)
    column, size, price, reference, commission = (
        _joined([entry[position] for entry in journal.fills])
        for position in range(3, 3 + len(_FILL_COLUMNS))
    )
    column = column.astype(int)
    shares = size * panel.adjustment_at(row, column)
    # A delisting is no trade: the loss on it is a return, not a cost.
    slippage = np.where(reason == "delisting", 0.0, np.abs(size) * np.abs(price - reference))
    return pd.DataFrame(
        {
            "date": dates[row],
            "decision_date": np.where(decided >= 0, dates[decided], np.datetime64("NaT")),
            "symbol": panel.assets[column],
            "reason": reason,
            "size": size,
            "price": price,
            "reference_price": reference,
            "commission": commission,
            "slippage": slippage,
            "shares": np.where(panel.price_kind[column] == "traded", shares, np.nan),
        }
    )


def _carry(journal: Journal, panel: Panel, dates: np.ndarray) -> pd.DataFrame:
    row = _joined([entry[0] for entry in journal.carry]).astype(int)
    column = _joined([entry[2] for entry in journal.carry]).astype(int)
    lengths = [len(entry[0]) for entry in journal.carry]
    kind = np.repeat(np.array([entry[1] for entry in journal.carry], dtype=str), lengths)
    amount = _joined([entry[3] for entry in journal.carry])
    # Rows settled together stand kind by kind; by date they read as the account moved.
    order = np.argsort(row, kind="stable")
    return pd.DataFrame(
        {
            "date": dates[row[order]],
            "symbol": _symbols(panel, column[order]),
            "kind": kind[order],
            "amount": amount[order],
        }
    )


def daily_positions(journal: Journal, panel: Panel) -> pd.DataFrame:
    """What was held at the close of every session since the first fill.

    The same columns as the table of positions after each rebalance.
    """
    rows = _joined([entry[0] for entry in journal.values]).astype(int)
    column = _joined([entry[3] for entry in journal.fills]).astype(int)
    held, place = np.unique(column, return_inverse=True)
    row = np.repeat([entry[0] for entry in journal.fills], [len(e[3]) for e in journal.fills])
    sizes = np.zeros((panel.shape[0], len(held)))
    np.add.at(sizes, (row.astype(int), place), _joined([entry[4] for entry in journal.fills]))
    largest = np.abs(sizes).max(axis=0, initial=0.0)
    sizes = sizes.cumsum(axis=0)[rows]
    # Sums of fills that close a position leave rounding behind, not units.
    at, of = np.nonzero(np.abs(sizes) > 1e-12 * largest)
    dates = panel.dates.astype("datetime64[ns]")
    return _position_table(panel, dates, rows[at], held[of], sizes[at, of])


def _positions(journal: Journal, panel: Panel, dates: np.ndarray) -> pd.DataFrame:
    lengths = [len(entry[1]) for entry in journal.positions]
    row = np.repeat([entry[0] for entry in journal.positions], lengths).astype(int)
    column = _joined([entry[1] for entry in journal.positions]).astype(int)
    size = _joined([entry[2] for entry in journal.positions])
    return _position_table(panel, dates, row, column, size)


def _position_table(
    panel: Panel, dates: np.ndarray, row: np.ndarray, column: np.ndarray, size: np.ndarray
) -> pd.DataFrame:
    close = _marks_of(panel, row, column)
    shares = size * panel.adjustment_at(row, column)
    return pd.DataFrame(
        {
            "date": dates[row],
            "symbol": panel.assets[column],
            "size": size,
            "shares": np.where(panel.price_kind[column] == "traded", shares, np.nan),
            "close": close,
            "value": size * close,
        }
    )


def _prices(journal: Journal, panel: Panel, dates: np.ndarray) -> pd.DataFrame:
    """Marks of every asset ever held, on the sessions of the values."""
    rows = _joined([entry[0] for entry in journal.values]).astype(int)
    held = np.unique(_joined([entry[3] for entry in journal.fills]).astype(int))
    index = pd.DatetimeIndex(dates[rows], name="date")
    marks = panel.marks(rows[0], rows[-1] + 1, held) if len(rows) else np.zeros((0, len(held)))
    return pd.DataFrame(marks, index=index, columns=panel.assets[held])


def _events(journal: Journal, panel: Panel, dates: np.ndarray) -> pd.DataFrame:
    row = np.array([entry[0] for entry in journal.events], dtype=int)
    column = np.array([entry[1] for entry in journal.events], dtype=int)
    return pd.DataFrame(
        {
            "date": dates[row],
            "symbol": _symbols(panel, column),
            "kind": np.array([entry[2] for entry in journal.events], dtype=str),
            "detail": np.array([entry[3] for entry in journal.events], dtype=str),
        }
    )


def _marks_of(panel: Panel, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """The mark of each asset on a row of its own, rows in increasing order."""
    close = panel.close[row, column]
    gaps = np.flatnonzero(np.isnan(close))
    for at in np.unique(row[gaps]).tolist():
        here = gaps[row[gaps] == at]
        close[here] = panel.mark_at(at, column[here])
    return close


def _symbols(panel: Panel, column: np.ndarray) -> np.ndarray:
    """Symbols of columns; the empty text for column -1, which is no asset."""
    return np.where(column >= 0, panel.assets[column], "")


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.zeros(0)
