"""The track record of a paper account: the tables of a run, from its ledger alone."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from analyzers.recorder import journal_tables
from feeds.bar_labels import bar_label
from feeds.errors import DataError
from feeds.panel import Panel
from runs.assemble import Execution, Study
from runs.live_study import LiveStudy, only_rows
from strategies.cross_section import Target
from strategies.execution.account_state import columns_of, row_of
from strategies.execution.journal import Journal
from strategies.execution.ledger import Event, canonical_json
from strategies.factor_rebalance import Decision
from strategies.targets import TargetMaker

__all__ = [
    "Record",
    "in_todays_units",
    "ledger_journal",
    "paper_record",
    "study_of_record",
    "write_events",
]


@dataclass(frozen=True, eq=False)
class _Books:
    """Stands where a run has its account: what reports ask of one."""

    journal: Journal
    panel: Panel


@dataclass(frozen=True, eq=False)
class Record:
    """What a ledger holds, as if it were a run.

    Parameters
    ----------
    study : Study
        The decisions that the ledger has, and no others.
    execution : Execution
        Its tables, in adjusted units as a backtest's.
    """

    study: Study
    execution: Execution


def paper_record(live: LiveStudy, events: Sequence[Event]) -> Record:
    """The ledger as an execution of the study.

    Sizes are printed shares over the adjustment of their bar, so that they have the units of a
    backtest of the same data.

    Raises
    ------
    DataError
        If nothing was filled yet, or the data lack a bar or symbol of the ledger.
    """
    events = in_todays_units(events)
    journal = ledger_journal(live.setup.panel, events)
    if not journal.started:
        raise DataError(
            "the ledger has no fill yet", "run python -m runs.signals after the next bar"
        )
    made = {event.bar: event for event in events if event.kind == "decision"}
    study = study_of_record(live, made)
    bars = [bar_label(day) for day in study.panel.dates[study.signals.rows]]
    decisions = [_decision(study.panel, made[bar]) for bar in bars]
    tables = journal_tables(journal, study.panel)
    return Record(study, Execution(_Books(journal, study.panel), decisions, tables))


def study_of_record(live: LiveStudy, bars: Collection[str]) -> Study:
    """The study of a backtest that decides at some bars alone, those that are scheduled.

    Targets that do not depend on the account are made beforehand, from all decisions since
    ``data.start``: overlapping formations reach back before the first.

    Raises
    ------
    DataError
        If the schedule has none of the bars.
    """
    study, setup = live.study, live.setup
    every = [bar_label(day) for day in study.panel.dates[study.signals.rows]]
    kept = live.scheduled & np.isin(every, list(bars))
    if not kept.any():
        raise DataError(
            "the configuration's schedule has no decision of the ledger",
            "use the configuration that the ledger was made with",
        )
    targets: dict[int, Target] = {}
    if not setup.portfolio.needs_account:
        maker = TargetMaker(study.panel, setup.signals, setup.portfolio)
        numbers = np.flatnonzero(kept[live.scheduled]).tolist()
        targets = {place: maker.target(number) for place, number in enumerate(numbers)}
    return replace(_only(study, kept), targets=targets)


def in_todays_units(events: Sequence[Event]) -> list[Event]:
    """Fills before a correction in the shares that it counts in, as the data do today."""
    factors: dict[str, float] = {}
    found = []
    for event in reversed(events):
        if event.kind == "correction":
            factors[event.symbol] = factors.get(event.symbol, 1.0) * event.payload["factor"]
        if event.kind == "fill" and event.symbol in factors:
            factor, told = factors[event.symbol], dict(event.payload)
            told["shares"] *= factor
            for name in ("price", "reference"):
                told[name] /= factor
            event = replace(event, payload=told)
        found.append(event)
    return found[::-1]


def _only(study: Study, kept: np.ndarray) -> Study:
    """The study with some of its decisions, by a mask; its data begin with the first."""
    scores = study.scores
    signals = only_rows(study.signals, kept)
    first = study.panel.dates[signals.rows[0]].astype(object)
    config = study.config
    data = config.data.model_copy(update={"start": first})
    return replace(
        study,
        config=config.model_copy(update={"data": data}),
        signals=signals,
        scores=replace(
            scores,
            raw=scores.raw[:, kept],
            scaled=scores.scaled[:, kept],
            composite=scores.composite[kept],
            rows=scores.rows[kept],
        ),
        targets={},
        parity=None,
    )


def _decision(panel: Panel, event: Event) -> Decision:
    told = event.payload
    weights = np.zeros(panel.shape[1])
    names = sorted(told["weights"])
    weights[columns_of(panel, names)] = [told["weights"][name] for name in names]
    reports = tuple(tuple(report) for report in told["reports"])
    return Decision(row_of(panel, event.bar), weights, reports)


def ledger_journal(panel: Panel, events: Sequence[Event]) -> Journal:
    """What an account did, as its ledger tells it, in the adjusted units of a panel.

    Raises
    ------
    DataError
        If the panel lacks a bar or symbol of the ledger.
    """
    journal, started = Journal(), False
    for bar, group in groupby(events, key=lambda event: event.bar):
        row, of_bar = row_of(panel, bar), list(group)
        fills = [event for event in of_bar if event.kind == "fill"]
        _add_fills(journal, panel, row, fills)
        for event in of_bar:
            _add_other(journal, panel, row, event)
        started = started or bool(fills)
        close = next((one for one in of_bar if one.payload.get("note") == "close"), None)
        if started and close is not None:
            names = ("value", "cash", "long", "short", "margin")
            values = (np.array([close.payload[name]]) for name in names)
            journal.record_values(np.array([row]), *values)
    _add_positions(journal, panel)
    return journal


def _add_fills(journal: Journal, panel: Panel, row: int, fills: list[Event]) -> None:
    """A tuple a basket, as the account writes them."""

    def basket(event: Event) -> tuple[str, str]:
        return event.payload["decided"] or "", event.payload["reason"]

    for (decided, reason), group in groupby(fills, key=basket):
        told = list(group)
        column = columns_of(panel, [event.symbol for event in told])
        adjustment = panel.adjustment_at(row, column)
        numbers = {
            name: np.array([event.payload[name] for event in told], dtype=float)
            for name in ("shares", "price", "reference", "commission")
        }
        journal.record_fills(
            row,
            row_of(panel, decided) if decided else -1,
            reason,
            column,
            numbers["shares"] / adjustment,
            numbers["price"] * adjustment,
            numbers["reference"] * adjustment,
            numbers["commission"],
        )


def _add_other(journal: Journal, panel: Panel, row: int, event: Event) -> None:
    told: dict[str, Any] = dict(event.payload)
    if event.kind == "carry":
        amount = np.array([[told["amount"]]])
        journal.record_carry(np.array([row]), told["carry"], _column(panel, event), amount)
    elif event.kind == "note" and "detail" in told:
        column = int(_column(panel, event)[0])
        journal.record_event(row, column, told["note"], told["detail"])
    elif event.kind in ("revision", "correction"):
        detail = told.get("why") or f"{told['column']} of {len(told['changes'])} bars read anew"
        column = int(_column(panel, event)[0]) if event.symbol in panel.assets else -1
        journal.record_event(row, column, event.kind, detail)


def _add_positions(journal: Journal, panel: Panel) -> None:
    """What is held after each basket, from the fills."""
    position = np.zeros(panel.shape[1])
    largest = np.zeros(panel.shape[1])
    for row, _, reason, column, size, *_ in journal.fills:
        position[column] += size
        largest = np.maximum(largest, np.abs(position))
        position[np.abs(position) <= 1e-12 * largest] = 0.0
        if reason != "delisting":
            held = position.nonzero()[0]
            journal.record_positions(row, held, position[held])


def _column(panel: Panel, event: Event) -> np.ndarray:
    if not event.symbol:
        return np.array([-1], dtype=np.intp)
    return columns_of(panel, [event.symbol])


def write_events(events: Sequence[Event], path: Path) -> None:
    """The events of a ledger as a table: bar, kind, symbol, number, payload (JSON)."""
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["bar", "kind", "symbol", "number", "payload"])
        for event in events:
            payload = canonical_json(event.payload)
            writer.writerow([event.bar, event.kind, event.symbol, event.number, payload])
