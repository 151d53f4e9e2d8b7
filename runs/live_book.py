"""A market-neutral book on bars of an hour: its drift, and bars booked within bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from configs.schema import BacktestConfig
from runs.decisions import fillable_row
from runs.live_study import LiveStudy, bars_hash, only_rows
from strategies.execution.account_state import columns_of
from strategies.execution.ledger import Event
from strategies.execution.paper import booked_bar
from strategies.execution.replay import PaperBook
from strategies.targets import TargetMaker

__all__ = ["Drift", "drift", "neutral_bar"]


@dataclass(frozen=True)
class Drift:
    """How far what is held is from neutral, as signed shares of NAV.

    Parameters
    ----------
    dollar : float
        Net weight.
    beta : float or None
        Sum of weight x beta; an asset whose beta is not known counts with 1. None where no
        beta is asked for.
    """

    dollar: float
    beta: float | None

    def past(self, limits: Mapping[str, float | None]) -> bool:
        """Whether any of the two is beyond its limit."""
        told = asdict(self)
        return any(
            limit is not None and abs(told[name] or 0.0) > limit for name, limit in limits.items()
        )


def drift(live: LiveStudy, book: PaperBook, row: int) -> Drift:
    """How far an account has drifted at the close of a row that is scored.

    Betas are those that the target of the row would be made neutral with; nothing after the
    row is read.
    """
    asks_beta = live.setup.portfolio.neutral.beta is not None
    if not book.held or book.value <= 0:
        return Drift(0.0, 0.0 if asks_beta else None)
    panel, signals = live.study.panel, live.study.signals
    held = sorted(book.held)
    columns = columns_of(panel, held)
    shares = np.array([book.held[name] for name in held])
    raw = panel.mark_at(row, columns) / panel.adjustment_at(row, columns)
    weights = shares * raw / book.value
    dollar = float(np.add.reduce(weights))
    if not asks_beta:
        return Drift(dollar, None)
    number = int(np.searchsorted(signals.rows, row))
    section = TargetMaker(panel, signals, live.setup.portfolio).section(number)
    beta = np.nan_to_num(section.beta[columns], nan=1.0)
    return Drift(dollar, float(np.add.reduce(weights * beta)))


def neutral_bar(
    live: LiveStudy,
    book: PaperBook,
    row: int,
    decided_with: Mapping[str, Any],
    preface: Sequence[Mapping[str, Any]],
) -> list[Event]:
    """The events of a bar: a decision besides those of the schedule where the book has drifted.

    What is held at the close is past the midpoint between the tolerance of the targets and the
    band of the configuration: then this bar decides, too, and the next one brings the book back,
    before it leaves its band. A note of every bar says how far it has drifted.

    Parameters
    ----------
    live : LiveStudy
        Every row from this one on is scored.
    book : PaperBook
        At the close of the bar before; it is not changed.
    row, decided_with, preface
        As :func:`~strategies.execution.paper.booked_bar` takes them.
    """
    config = live.study.config
    # Of the bars so far: a bar that is caught up was decided on no others.
    seen = {"data_hash": bars_hash(live.study.panel.as_of(row))}
    given = {"decided_with": {**decided_with, **seen}, "preface": preface}
    events = booked_bar(live.setup, book, row, **given)
    found = drift(live, _after(book, events), row)
    decided = any(event.kind == "decision" for event in events)
    bands = config.live.bands.model_dump()
    forced = not decided and found.past(_midpoints(config)) and fillable_row(live.study.panel, row)
    if forced:
        kept = live.scheduled | (live.study.signals.rows == row)
        signals = only_rows(live.study.signals, kept)
        # Targets are kept by number, and numbers have changed.
        setup = replace(live.setup, signals=signals, targets={})
        events = booked_bar(setup, book, row, **given)
    told = {"note": "neutrality", **asdict(found), "within": not found.past(bands)}
    return _noted(events, {**told, "forced": bool(forced)})


def _midpoints(config: BacktestConfig) -> dict[str, float | None]:
    bands, neutral = config.live.bands, config.portfolio.neutral
    return {
        name: None if band is None else (band + getattr(neutral, name)) / 2
        for name, band in (("dollar", bands.dollar), ("beta", bands.beta))
    }


def _after(book: PaperBook, events: Sequence[Event]) -> PaperBook:
    """The book after some events; the one before stays as it is."""
    own = replace(
        book,
        held=dict(book.held),
        recent=list(book.recent),
        marks=dict(book.marks),
        revisions=dict(book.revisions),
    )
    for event in events:
        own.apply(event)
    return own


def _noted(events: list[Event], told: Mapping[str, Any]) -> list[Event]:
    """The events with a further note of the account before that of the close."""
    *before, close = events
    number = 1 + sum(event.kind == "note" and not event.symbol for event in before)
    return [*before, Event(close.bar, "note", "", number, told), close]
