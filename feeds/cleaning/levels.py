"""Leaps in price: prints, crashes, splits that nobody told, new levels, reused tickers.

Each bar is judged by the last bar that was accepted, never by a later one. A bar that nothing
leads to is held back, which is to say dropped; where the next traded bar stands by it, that one
is accepted with the new level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from feeds.cleaning.batch import Batch
from feeds.cleaning.proof import Trading, power_of_ten, split_between

__all__ = ["Found", "find_leaps"]

#: A split this small does not part the range from the close before by more than `connect`.
_SMALL_SPLIT = 1.28
#: A leap that events explain to within this factor is none.
_EXPLAINED = math.log(1.25)
#: Of a coin's price less often seen than this, a fall by a power of ten says nothing.
_SHORT_HISTORY = 5
#: So much more than the usual value is traded in a plunge that no wrong print shows it.
_PLUNGE = 3.0
#: A step of the events below this explains no leap: the rounding of an adjusted close.
_UNTOLD = 0.01
#: A cap within this factor went on.
_SAME_CAP = 3.0


@dataclass
class Found:
    """Rows by what was found, and the split ratios that go with them; `leaps` begin it all."""

    leaps: list[int] = field(default_factory=list)
    spikes: list[int] = field(default_factory=list)
    real: list[int] = field(default_factory=list)
    reused: list[int] = field(default_factory=list)
    changes: list[tuple[int, str, int, float]] = field(default_factory=list)
    doubts: list[tuple[int, float]] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class _View:
    """The columns that are looked at row by row."""

    batch: Batch
    numbers: np.ndarray
    unit: str
    closes: np.ndarray
    highs: np.ndarray
    lows: np.ndarray
    first: np.ndarray

    def leap(self, last: int, row: int) -> tuple[float, float]:
        """Ratio of the closes, and what to multiply prices of `row` by, as events explain best."""
        ratio = float(self.closes[row] / self.closes[last])
        told = float(self.batch.factor[row] - self.batch.factor[last])
        scale = math.exp(told) if abs(told) > _UNTOLD else 1.0
        if abs(math.log(ratio * scale)) < abs(math.log(ratio)):
            return ratio * scale, scale
        return ratio, 1.0

    def trading(self, last: int, row: int) -> Trading:
        return Trading.of(self.batch, row, last, int(self.first[row]), self.unit)

    def split(self, last: int, row: int) -> tuple[float | None, bool | None]:
        """The split ratio that prices show, and whether volume bears it out."""
        split = split_between(self.batch, last, row, int(self.first[row]))
        return split, None if split is None else self.trading(last, row).is_ordinary()

    def traded(self, row: int) -> bool:
        return self.batch.table["volume"][row] != 0


def find_leaps(batch: Batch, numbers: np.ndarray, units: list[str]) -> Found:
    """Look through all bars.

    Parameters
    ----------
    batch : Batch
        Settled: no row of it is gone.
    numbers : (M,) int array
        Sessions counted from a common start.
    units : list of str
        Volume unit of each symbol.

    Returns
    -------
    Found
        Nothing is changed yet.
    """
    columns = batch.table.columns
    closes = columns["close"]
    with np.errstate(invalid="ignore"):
        highs = np.fmax(columns["high"], closes)
        lows = np.fmin(columns["low"], closes)
    starts = batch.starts()
    rows = _candidates(batch, numbers, closes, highs, lows, starts)
    found = Found()
    if not len(rows):
        return found
    first = np.maximum.accumulate(np.where(starts, np.arange(len(closes)), 0))
    ends = np.append(np.flatnonzero(starts)[1:], len(closes))
    stops = ends[np.searchsorted(ends, rows, side="right")]
    next_free = 0
    for row, stop in zip(rows.tolist(), stops.tolist()):
        if row >= next_free:
            unit = units[batch.table.code[row]]
            view = _View(batch, numbers, unit, closes, highs, lows, first)
            next_free = _follow(view, row, stop, found)
    return found


def _candidates(
    batch: Batch,
    numbers: np.ndarray,
    closes: np.ndarray,
    highs: np.ndarray,
    lows: np.ndarray,
    starts: np.ndarray,
) -> np.ndarray:
    """Rows that may be more than the next bar of their series: few."""
    limits = batch.limits
    before, now = closes[:-1], closes[1:]
    apart = (highs[1:] * _SMALL_SPLIT < before) | (lows[1:] > _SMALL_SPLIT * before)
    apart |= (now > limits.spike_up * before) | (now * limits.spike_down < before)
    late = (numbers[1:] - np.maximum(numbers[:-1], batch.seen[1:])) > limits.reuse_gap
    rows = np.flatnonzero((apart | late) & ~starts[1:]) + 1
    # Most leaps are splits that the source tells of.
    ratio = np.log(closes[rows] / closes[rows - 1])
    told = batch.factor[rows] - batch.factor[rows - 1]
    explained = (np.abs(told) > _EXPLAINED) & (np.abs(ratio + told) < _EXPLAINED)
    return rows[~explained | late[rows - 1]]


def _follow(view: _View, row: int, stop: int, found: Found) -> int:
    """Judge `row`, and where it is held back those after it; the next row to look at."""
    last, held = row - 1, None
    for now in range(row, stop):
        verdict, ratio = _judge(view, last, now)
        if now == row and verdict in ("held", "real"):
            found.leaps.append(row)
        if verdict == "held" and held is not None and _stands_by(view, last, held, now):
            _take_level(view, last, held, now, found)
            return now + 1
        if verdict == "held":
            found.spikes.append(now)
            if view.traded(now):
                held = now
            continue
        if verdict == "real":
            found.real.append(now)
        elif verdict == "new":
            found.reused.append(now)
        elif verdict == "fine" and ratio != 1.0:
            found.doubts.append((now, ratio))
        elif verdict == "split":
            found.changes.append((now, "unadjusted_split", last, ratio))
        return now + 1
    return stop


def _judge(view: _View, last: int, row: int) -> tuple[str, float]:
    """What `row` is after `last`: fine, real, a new series, a split, or held back."""
    limits, batch = view.batch.limits, view.batch
    if batch.accepted[row]:
        return "fine", 1.0
    ratio, scale = view.leap(last, row)
    before = float(view.closes[last])
    missing = int(view.numbers[row] - max(view.numbers[last], batch.seen[row])) - 1
    other_level = not 1 / limits.connect <= ratio <= limits.connect
    if missing > limits.reuse_gap_any or (missing > limits.reuse_gap and other_level):
        return ("new" if view.traded(row) else "held"), 1.0
    near = view.highs[row] * scale * limits.connect >= before
    near = near and view.lows[row] * scale <= limits.connect * before
    within = 1 / limits.spike_down <= ratio <= limits.spike_up
    untold = scale == 1.0 and abs(math.log(ratio)) > math.log(_SMALL_SPLIT)
    # A coin's powers of ten are no splits, but new units.
    untold = untold and (batch.listed or not power_of_ten(ratio))
    doubt = 1.0
    if untold and batch.action("unadjusted_split") != "off" and missing <= limits.max_gap:
        split, ordinary = view.split(last, row)
        if split is not None and ordinary:
            return "split", split
        if split is not None and ordinary is None:
            doubt = split
    if near and within:
        return "fine", doubt
    trading = view.trading(last, row)
    proven = trading.proves(ratio, batch)
    if near:
        real = ratio <= limits.rise_most and proven if ratio > 1 else 1 / ratio <= limits.fall_most
        return ("real" if real else "held"), 1.0
    plunge = ratio < 1 and trading.value >= _PLUNGE and 1 / ratio <= limits.fall_most
    real = within and (proven or trading.thin) or plunge
    return ("real" if view.traded(row) and real else "held"), 1.0


def _stands_by(view: _View, last: int, held: int, row: int) -> bool:
    """Whether a traded `row` confirms the level of the row held back, or falls further."""
    if not view.traded(row):
        return False
    ratio, _ = view.leap(held, row)
    falls = view.closes[held] < view.closes[last]
    connect = view.batch.limits.connect
    return ratio <= connect and (ratio >= 1 / connect or bool(falls))


def _take_level(view: _View, last: int, held: int, row: int, found: Found) -> None:
    """Accept `row` with the level of `held`, and say what kind of change it is."""
    batch = view.batch
    level, _ = view.leap(last, held)
    trading = view.trading(last, held), view.trading(last, row)
    split, ordinary = view.split(last, row)
    units = not batch.listed and power_of_ten(level)
    if split is not None and ordinary and not units and batch.action("unadjusted_split") != "off":
        found.changes.append((row, "unadjusted_split", last, split))
    elif any(item.proves(level, batch) for item in trading) and not _is_listing(view, last, level):
        found.real.append(row)
        found.accepted.append(row)
    else:
        fault = _kind_of_change(view, last, row, level)
        bridge = float(view.closes[last] / view.closes[held])
        if fault in ("redenomination", "lost_zeros") and power_of_ten(level):
            bridge = 10.0 ** round(math.log10(bridge))
        found.changes.append((row, fault, last, bridge))


def _is_listing(view: _View, last: int, level: float) -> bool:
    """Whether it is the first trade rather than a rise: large, or after a few odd prices."""
    few = last - view.first[last] + 1 < view.batch.limits.volume_window
    return level > (view.batch.limits.spike_up if few else view.batch.limits.rise_most)


def _kind_of_change(view: _View, last: int, row: int, level: float) -> str:
    # A coin that is worth thirty times as much a bar later is another coin under its name.
    if not view.batch.listed and level > view.batch.limits.rise_most:
        return "redenomination"
    if view.batch.listed or not power_of_ten(level):
        return "level_change"
    if level > 1:
        return "redenomination"
    caps = view.batch.table.columns.get("market_cap")
    if caps is not None and caps[last] > 0 and caps[row] > 0:
        if 1 / _SAME_CAP <= caps[row] / caps[last] <= _SAME_CAP:
            return "redenomination"
    return "lost_zeros" if last - view.first[row] + 1 >= _SHORT_HISTORY else "level_change"
