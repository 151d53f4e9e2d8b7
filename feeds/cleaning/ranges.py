"""Open, high and low against each other and the close; volume by itself."""

from __future__ import annotations

import numpy as np

from feeds.cleaning.batch import Batch

__all__ = ["check_ranges", "check_volume"]

#: Prices that differ by less are the same: vendors round in single precision.
_ROUNDING = 1e-6
#: A close off its range by less may be one in the last digit; by more, one of the two is wrong.
_OFF = 0.01


def check_ranges(batch: Batch) -> None:
    """Blank ranges that contradict themselves; drop a close that its own range contradicts.

    A close outside its range is wrong itself where the range goes on from the close before,
    and is dropped with its row; otherwise the close stays and the range goes. Only rows before
    are looked at. Within rounding, highs and lows are widened to hold open and close.
    """
    columns = batch.table.columns
    opens, highs, lows, closes = (columns[name] for name in ("open", "high", "low", "close"))
    top, bottom = np.fmax(opens, closes), np.fmin(opens, closes)
    with np.errstate(invalid="ignore"):
        fine = (lows > 0) & (lows <= bottom) & (top <= highs) & (highs < np.inf) & (opens > 0)
    rest = np.flatnonzero(~fine & ~batch.gone)
    if not len(rest):
        return
    given = np.isfinite(np.array([opens[rest], highs[rest], lows[rest]]))
    given |= np.isinf(np.array([opens[rest], highs[rest], lows[rest]]))
    rest, given = rest[given.any(axis=0)], given[:, given.any(axis=0)]
    if not len(rest):
        return
    highs, lows, opens = highs.copy(), lows.copy(), opens.copy()
    wrong = _wrong(rest, opens, highs, lows, closes) | ~given.all(axis=0)
    kept = rest[~wrong]
    highs[kept] = np.fmax(highs[kept], top[kept])
    lows[kept] = np.fmin(lows[kept], bottom[kept])
    batch.table = batch.table.with_columns(open=opens, high=highs, low=lows)
    rest = rest[wrong]
    off = _close_is_off(batch, rest)
    action = batch.find("close_outside_range", rest[off], "close", before=closes[rest[off]])
    blank = rest[~off] if action != "repair" else rest
    action = batch.find("bad_range", rest[~off], "high", before=highs[rest[~off]])
    if action in ("repair", "off") and len(blank):
        opens[blank] = highs[blank] = lows[blank] = np.nan


def _wrong(
    rows: np.ndarray, opens: np.ndarray, highs: np.ndarray, lows: np.ndarray, closes: np.ndarray
) -> np.ndarray:
    """Whether more than rounding is wrong with each row."""
    o, h, low, c = opens[rows], highs[rows], lows[rows], closes[rows]
    slack = _ROUNDING * c
    with np.errstate(invalid="ignore"):
        good = (o > 0) & (h > 0) & (low > 0) & (h < np.inf) & (o < np.inf) & (h >= low - slack)
        good &= (np.fmax(o, c) <= h + slack) & (np.fmin(o, c) >= low - slack)
    return ~good


def _close_is_off(batch: Batch, rows: np.ndarray) -> np.ndarray:
    """Whether it is the close that is wrong: the range is sound and follows the close before."""
    columns = batch.table.columns
    opens, highs, lows, closes = (columns[name] for name in ("open", "high", "low", "close"))
    first = batch.starts()[rows]
    before = np.maximum(rows - 1, 0)
    with np.errstate(all="ignore"):
        sound = (lows[rows] > 0) & (highs[rows] >= lows[rows]) & (highs[rows] < np.inf)
        sound &= (opens[rows] >= lows[rows] * (1 - _ROUNDING)) & (
            opens[rows] <= highs[rows] * (1 + _ROUNDING)
        )
        # A close before that is off as well stands for the range it should be in.
        last = np.fmax(np.fmin(closes[before], highs[before]), lows[before])
        near = np.fmax(np.log(last / highs[rows]), np.log(lows[rows] / last))
        far = np.fmax(np.log(closes[rows] / highs[rows]), np.log(lows[rows] / closes[rows]))
        return sound & ~first & (far > _OFF) & (far > 2 * np.fmax(near, 0.0))


def check_volume(batch: Batch) -> None:
    """Blank volumes that cannot be; treat zeros as the rules say."""
    volume = batch.table["volume"]
    with np.errstate(invalid="ignore"):
        bad = np.flatnonzero(((volume < 0) | (volume == np.inf)) & ~batch.gone)
    blank = (
        bad if batch.find("bad_volume", bad, "volume", before=volume[bad]) == "repair" else bad[:0]
    )
    if batch.action("zero_volume") != "off":
        zero = np.flatnonzero((volume == 0) & ~batch.gone)
        if batch.find("zero_volume", zero, "volume", before=volume[zero]) == "repair":
            blank = np.concatenate([blank, zero])
    if len(blank):
        volume = volume.copy()
        volume[blank] = np.nan
        batch.table = batch.table.with_columns(volume=volume)
