"""The track record of a live session: tables, metrics and parity by the hour, from its ledger."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analyzers.costs import value_returns
from analyzers.factor_performance import drifted_returns, equal_weights
from analyzers.metrics import compute_metrics
from analyzers.recorder import journal_tables
from analyzers.run_folder import check_run_folder, write_csv
from configs.load import dump_config
from configs.schema import BacktestConfig
from feeds.atomic import replacing_folder
from feeds.bar_labels import bar_label
from feeds.errors import DataError
from feeds.store import load_dataset
from runs.live_bars import universe
from runs.live_parity import COLUMNS, live_parity
from runs.live_study import LiveStudy, live_study
from runs.paper_account import check_same
from runs.paper_record import in_todays_units, ledger_journal, write_events
from strategies.execution.account_state import row_of
from strategies.execution.ledger import Event
from strategies.execution.replay import PaperBook

__all__ = ["LiveRecord", "live_record", "write_live_record"]

_NEUTRALITY = {"dollar": float, "beta": float, "within": bool, "forced": bool}


@dataclass(frozen=True, eq=False)
class LiveRecord:
    """What a ledger of hours holds.

    Parameters
    ----------
    tables : dict of str to DataFrame
        values, fills, carry, weights, positions and prices, with the columns of a run's files;
        dates are names of bars. Values have `dollar`, `beta`, `within` and `forced` besides.
    metrics : dict
        As a run's, of hours (8760 a year), against the equally weighted universe; with
        ``bars_outside_bands``, ``decisions``, ``forced_decisions`` and ``hedges``.
    differences, parity : list of tuple, dict
        As :func:`~runs.live_parity.live_parity` gives them.
    """

    tables: dict[str, pd.DataFrame]
    metrics: dict[str, Any]
    differences: list[tuple[Any, ...]]
    parity: dict[str, Any]


def live_record(
    config: BacktestConfig, ledger: Path, book: PaperBook, events: Sequence[Event]
) -> LiveRecord:
    """The track record of a ledger of hours, on the data set as it is stored.

    Raises
    ------
    UserError
        If configuration or data set are not those of the ledger, or nothing was filled yet.
    """
    data = load_dataset(config.data.dir, calendar=config.data.calendar, interval="1h")
    panel = universe(data.panel, config.data.universe)
    rows, first = row_of(panel, book.bar) + 1, row_of(panel, events[0].bar)
    day = panel.dates[-1].astype(dt.datetime).date()
    live = live_study(config, day, interval="1h", rows=rows, latest=rows - first)
    check_same(ledger, book, live)
    journal = ledger_journal(live.setup.panel, in_todays_units(events))
    if not journal.started:
        raise DataError("the ledger has no fill yet", "let the session go on for some bars")
    tables = journal_tables(journal, live.setup.panel)
    del tables["events"]
    tables["weights"] = _weights(events)
    metrics = _metrics(live, tables, events)
    differences, parity = live_parity(live, events)
    return LiveRecord(_by_bar(tables, events), metrics, differences, parity)


def write_live_record(
    config: BacktestConfig, ledger: Path, book: PaperBook, events: Sequence[Event], folder: Path
) -> LiveRecord:
    """Write the track record of a ledger of hours as a folder, at once or not at all.

    Raises
    ------
    UserError
        If ledger, configuration, data set or folder will not do.
    """
    check_run_folder(folder)
    record = live_record(config, ledger, book, events)
    with replacing_folder(folder) as building:
        for name, table in record.tables.items():
            write_csv(table, building / f"{name}.csv")
        for name, told in (("metrics", record.metrics), ("parity", record.parity)):
            text = json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False)
            (building / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        _write_rows(building / "parity.csv", COLUMNS, record.differences)
        write_events(events, building / "ledger.csv")
        (building / "config.yaml").write_text(dump_config(config), encoding="utf-8")
    return record


def _metrics(
    live: LiveStudy, tables: dict[str, pd.DataFrame], events: Sequence[Event]
) -> dict[str, Any]:
    panel, signals, config = live.setup.panel, live.setup.signals, live.study.config
    values = tables["values"]
    at = np.searchsorted(panel.dates, values.index.to_numpy().astype("datetime64[h]"))
    market = drifted_returns(panel.mark, signals.rows, equal_weights(signals.eligible))
    metrics = compute_metrics(
        values,
        tables["fills"],
        tables["carry"],
        tables["weights"],
        value_returns(values["value"], config.execution.starting_cash),
        pd.Series(market[at], index=values.index, name="equal_weight"),
        starting_cash=config.execution.starting_cash,
        periods_per_year=panel.periods_per_year,
        cash_annual=live.study.carry.cash_annual,
    )
    names = [bar_label(panel.dates[at[place]]) for place in (0, -1)]
    notes = [event.payload for event in events if event.kind == "note"]
    drifts = [told for told in notes if told["note"] == "neutrality"]
    return {
        **metrics,
        "start": names[0],
        "end": names[1],
        "bars_outside_bands": sum(not told["within"] for told in drifts),
        "decisions": sum(event.kind == "decision" for event in events),
        "forced_decisions": sum(told["forced"] for told in drifts),
        "hedges": sum(told["note"] == "hedged" for told in notes),
    }


def _weights(events: Sequence[Event]) -> pd.DataFrame:
    """What decisions wanted, those that were forced included."""
    rows = [
        (event.bar, symbol, weight)
        for event in events
        if event.kind == "decision"
        for symbol, weight in sorted(event.payload["weights"].items())
    ]
    return pd.DataFrame(rows, columns=["decision_date", "symbol", "target_weight"])


def _by_bar(tables: dict[str, pd.DataFrame], events: Sequence[Event]) -> dict[str, pd.DataFrame]:
    """The tables with names of bars for dates, and values with how neutral the book was."""
    drifts = {
        event.bar: event.payload
        for event in events
        if event.kind == "note" and event.payload["note"] == "neutrality"
    }
    found = {}
    for name, table in tables.items():
        table = table.reset_index() if table.index.name == "date" else table.copy()
        for column in ("date", "decision_date"):
            if column in table and table[column].dtype.kind == "M":
                table[column] = [_bar(stamp) for stamp in table[column]]
        if name == "values":
            for part, kind in _NEUTRALITY.items():
                told = [drifts[bar][part] for bar in table["date"]]
                table[part] = pd.Series(told, index=table.index, dtype=kind)
        found[name] = table
    return found


def _bar(stamp: pd.Timestamp) -> str:
    return "" if pd.isna(stamp) else bar_label(stamp.to_datetime64().astype("datetime64[h]"))


def _write_rows(path: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
