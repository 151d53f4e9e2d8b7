"""A market-neutral book on bars of an hour: its drift, and bars booked within bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from configs.schema import BacktestConfig
from feeds.bar_labels import bar_label
from runs.decisions import fillable_row
from runs.live_study import LiveStudy, bars_hash, only_rows
from strategies.execution.account_state import columns_of
from strategies.execution.gaps import GapRules, hedge_gap
from strategies.execution.ledger import Event
from strategies.execution.paper import PaperSetup, booked_bar
from strategies.execution.replay import PaperBook
from strategies.hedge import is_past
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
        return is_past(asdict(self), limits)


def drift(live: LiveStudy, book: PaperBook, row: int) -> Drift:
    """How far an account has drifted at the close of a row that is scored.

    Betas are those that the target of the row would be made neutral with, and of holdings that
    are not eligible, for want of a bar say, those to the same market. Nothing after the row is
    read.
    """
    asks_beta = live.setup.portfolio.neutral.beta is not None
    if not book.held or book.value <= 0:
        return Drift(0.0, 0.0 if asks_beta else None)
    panel = live.study.panel
    held = sorted(book.held)
    columns = columns_of(panel, held)
    shares = np.array([book.held[name] for name in held])
    raw = panel.mark_at(row, columns) / panel.adjustment_at(row, columns)
    weights = shares * raw / book.value
    dollar = float(np.add.reduce(weights))
    if not asks_beta:
        return Drift(dollar, None)
    return Drift(dollar, float(np.add.reduce(weights * _betas(live, row, columns))))


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
    before it leaves its band. Where not all of it trades at the next one, what does hedges it
    (:func:`~strategies.execution.gaps.hedge_gap`). While a holding has no bar nothing is ranked:
    what drifts is hedged, and the first bar at which all have one, or the one ``live.max_age``
    bars later, decides in place of the schedule's. So it does where a rebalance of the schedule
    was void. A note of every bar says how far the book has drifted.

    Parameters
    ----------
    live : LiveStudy
        Every row from this one on is scored, and so is the one before, unless the book begins.
    book : PaperBook
        At the close of the bar before; it is not changed.
    row, decided_with, preface
        As :func:`~strategies.execution.paper.booked_bar` takes them.
    """
    config = live.study.config
    # Of the bars so far: a bar that is caught up was decided on no others.
    seen = {"data_hash": bars_hash(live.study.panel.as_of(row))}
    given = {
        "decided_with": {**decided_with, **seen},
        "preface": preface,
        "before_fills": lambda account, at: hedge_gap(account, at, _gap_rules(live, book, at - 1)),
    }
    waited = _waited(live, row, sorted(book.held))
    scheduled = bool(live.scheduled[_number(live, row)])
    decides = scheduled and not waited
    events = booked_bar(_deciding(live, row, decides), book, row, **given)
    found = drift(live, _after(book, events), row)
    put_off = None if decides else _put_off(live, book, events, waited if scheduled else None)
    drifted = found.past(_midpoints(config))
    taken_up = False
    if put_off is not None:
        late = waited or _waited(live, row, put_off[1])
        # Of many coins some may lack a bar at any hour: it is not waited for ever.
        taken_up = not late or put_off[0] >= config.live.max_age
    again = not decides and fillable_row(live.study.panel, row)
    if again := again and (taken_up or drifted and not waited):
        events = booked_bar(_deciding(live, row, True), book, row, **given)
    told = {
        "note": "neutrality",
        **asdict(found),
        "within": not found.past(config.live.bands.model_dump()),
        "forced": bool(again and drifted),
    }
    if drifted and not (decides or again):
        told["hedge"] = True
    if put_off is not None and not again:
        told["put_off"] = {"bars": put_off[0], "for": list(put_off[1])}
    return _noted(events, told)


def _number(live: LiveStudy, row: int) -> int:
    """Which of the rows that are scored one is."""
    number = np.flatnonzero(live.study.signals.rows == row)
    if not len(number):
        # Another row's betas would do in silence, those of a later one among them.
        raise ValueError(f"row {row} is not scored")
    return int(number[0])


def _deciding(live: LiveStudy, row: int, decides: bool) -> PaperSetup:
    """The setup in which a row decides, or does not, whatever the schedule says of it."""
    number = _number(live, row)
    if bool(live.scheduled[number]) == decides:
        return live.setup
    kept = live.scheduled.copy()
    kept[number] = decides
    # Targets are kept by number, and numbers have changed.
    return replace(live.setup, signals=only_rows(live.study.signals, kept), targets={})


def _betas(live: LiveStudy, row: int, columns: np.ndarray) -> np.ndarray:
    """(k,) betas of some assets as of a row that is scored, 1 where not known."""
    maker = TargetMaker(live.study.panel, live.study.signals, live.setup.portfolio)
    return np.nan_to_num(maker.betas(_number(live, row), columns), nan=1.0)


def _gap_rules(live: LiveStudy, book: PaperBook, row: int) -> GapRules:
    portfolio, neutral = live.setup.portfolio, live.study.config.portfolio.neutral
    return GapRules(
        neutral={"dollar": neutral.dollar, "beta": neutral.beta},
        drifted=_midpoints(live.study.config),
        max_weight=portfolio.max_weight,
        orders=live.setup.orders,
        betas=lambda columns: _betas(live, row, columns),
        due=book.neutrality.get("hedge", False),
    )


def _put_off(
    live: LiveStudy, book: PaperBook, events: Sequence[Event], waited: tuple[str, ...] | None
) -> tuple[int, tuple[str, ...]] | None:
    """For how many bars a decision of the schedule is put off, and whose bars it waits for.

    None where none is; `waited` are the holdings that one of this very bar waits for.
    """
    if waited is not None:
        return 0, waited
    for event in events:
        if event.kind == "note" and event.payload["note"] == "hedged":
            told = event.payload
            rows = live.study.signals.rows[live.scheduled]
            if told["rebalance"] in [bar_label(day) for day in live.study.panel.dates[rows]]:
                return 0, tuple(name for name in told["missing"] if name in told["asked"])
    before = book.neutrality.get("put_off")
    return None if before is None else (before["bars"] + 1, tuple(before["for"]))


def _waited(live: LiveStudy, row: int, names: Sequence[str]) -> tuple[str, ...]:
    """Those of some symbols that have had no bar for a while, and may soon have one again."""
    panel = live.study.panel
    known = [name for name in names if name in panel.assets]
    ages = panel.ages(row, row + 1, columns_of(panel, known))[0]
    late = (ages > 0) & (ages <= live.study.config.live.max_age)
    return tuple(name for name, waits in zip(known, late.tolist(), strict=True) if waits)


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
