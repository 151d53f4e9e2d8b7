"""What trading says of a leap in price: volume against its recent median, and split ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from feeds.cleaning.batch import Batch

__all__ = ["SPLITS", "Trading", "power_of_ten", "split_between"]

#: Ratios of splits; their inverses are those of reverse splits.
SPLITS = (1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 25.0, 30.0, 50.0, 100.0)
#: How far open, close and range may be off the ratio, as logs: no ratio is near two, and a half
#: more is little more than a bad day.
_NEAR, _NEAR_TWO, _NEAR_SMALL = (0.05, 0.15, 0.25), (0.08, 0.12, 0.20), (0.04, 0.10, 0.14)
#: The traded value of an ordinary day over its median: a crash has more, a wrong print less.
_ORDINARY = (0.5, 3.0)
#: Bars whose volume must be known for a median to count as evidence of a split.
_ENOUGH = 3
#: A split is a leap of this many ordinary days: warrants halve of themselves.
_ORDINARY_DAYS = 12
_TEN_PERCENT = math.log10(1.1)


@dataclass(frozen=True)
class Trading:
    """Units and value of a bar over their medians before; NaN where one is not known.

    `thin` says that half of the bars before had no volume at all.
    """

    units: float
    value: float
    bars: int
    thin: bool

    @classmethod
    def of(cls, batch: Batch, row: int, last: int, first: int, unit: str) -> Trading:
        """Bar `row` against the window that ends with `last`; `first` begins the series."""
        columns = batch.table.columns
        begin = max(first, last + 1 - batch.limits.volume_window)
        volume = columns["volume"][begin : last + 1]
        closes = columns["close"][begin : last + 1]
        known = volume >= 0
        own, close = columns["volume"][row], columns["close"][row]
        if not known.any() or not own >= 0:
            return cls(math.nan, math.nan, 0, False)
        volume, closes = volume[known], closes[known]
        value, units = (volume * closes, volume) if unit == "units" else (volume, volume / closes)
        own_value, own_units = (own * close, own) if unit == "units" else (own, own / close)
        middle_units, middle_value = _middle(units), _middle(value)
        if middle_units <= 0:
            return cls(math.nan, math.nan, len(volume), True)
        return cls(own_units / middle_units, own_value / middle_value, len(volume), False)

    def proves(self, ratio: float, batch: Batch) -> bool:
        """Whether a price that became `ratio` times the one before was traded to there.

        A rise is borne out by more units, a fall by more value: a print, a split or another
        security's price shows the opposite.
        """
        if ratio > 1:
            return self.units >= batch.limits.rise_volume
        return self.value >= batch.limits.fall_volume

    def is_ordinary(self) -> bool | None:
        """Whether the value that was traded is that of an ordinary day; None where not known."""
        if self.bars < _ENOUGH or self.thin:
            return None
        return _ORDINARY[0] <= self.value <= _ORDINARY[1]


def split_between(batch: Batch, last: int, row: int, first: int) -> float | None:
    """The split ratio that the prices of `row` show since row `last`; None without.

    Open, close and the whole range, as far as they are known, stand at the new level, and a
    change of close on an ordinary day is far smaller.
    """
    columns = batch.table.columns
    before = columns["close"][last]
    logs = [math.log(columns[name][row] / before) for name in ("open", "close", "high", "low")]
    opened = logs[0] if math.isfinite(logs[0]) else logs[1]
    sign = -1.0 if opened < 0 else 1.0
    ratio = min(SPLITS, key=lambda n: abs(math.log(n) - sign * opened))
    slack = {1.5: _NEAR_SMALL, 2.0: _NEAR_TWO}.get(ratio, _NEAR)
    off = [abs(log - sign * math.log(ratio)) for log in (opened, *logs[1:])]
    if off[0] > slack[0] or off[1] > slack[1] or any(value > slack[2] for value in off):
        return None
    begin = max(first, last + 1 - batch.limits.volume_window)
    moves = np.abs(np.diff(np.log(columns["close"][begin : last + 1])))
    if not len(moves) or math.log(ratio) < _ORDINARY_DAYS * float(np.mean(moves)):
        return None
    return ratio if sign < 0 else 1 / ratio


def _middle(values: np.ndarray) -> float:
    """The median, many times faster than NumPy's for a few values."""
    in_order = np.sort(values)
    half = len(values) // 2
    return float(in_order[half] + in_order[half - 1 + len(values) % 2]) / 2


def power_of_ten(ratio: float) -> bool:
    """Whether a ratio is within ten percent of 10, 100, ... or 1/10, 1/100, ..."""
    digits = math.log10(ratio)
    return round(digits) != 0 and abs(digits - round(digits)) <= _TEN_PERCENT
