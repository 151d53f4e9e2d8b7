"""Splits and dividends out of a vendor's fully adjusted close, and a check against it."""

from __future__ import annotations

import numpy as np

from feeds.cleaning.batch import Batch
from feeds.cleaning.events import is_paid

__all__ = ["compare_adjusted", "take_events"]

#: A step of the adjustment below this is the rounding of single-precision closes.
_NOISE = 1e-4
#: A ratio this near a fraction is the fraction.
_EXACT = 5e-5
_LARGEST_PART = 20
#: n:m of more parts than this comes near any ratio by chance, unless it is (m + 1):m.
_SIMPLE_PART = 5
#: n:1 up to here may have a dividend on the same day, and differ by that.
_SMALL = 5
#: From here on the cash is what the vendor took off the close before, not what reproduces it.
_LARGE_PAYMENT = 1.5
#: A price that moves by less, as a log, needs no event; an event of more stands out of it.
_LEAP = np.log(1.5)
#: A ratio below one is a reverse split only from here on.
_LEAST_REVERSE = 0.97
#: Total returns that differ by more are told.
_TOLERANCE = 1e-3


def take_events(batch: Batch) -> None:
    """Set split_ratio and dividend of rows whose events are in an adjusted close, and of repairs.

    The adjusted close grows over a bar by ``paid`` times the close, where ``paid`` is the
    split ratio times 1 + dividend / close. A fraction that the price shows is a split; what is
    above 1 otherwise is a dividend of (paid - 1) x close, if a large one shows in the price; what
    is below 1 and no split is no payment. Only the step from the row before counts.

    Vendors make ``paid`` as close before / (close before - cash), which reinvests at a price
    that nobody paid (CRSP's total return does not); from half of the price on that matters, and
    the cash itself is taken.
    """
    table, closes = batch.table, batch.table["close"]
    splits, cash = table["split_ratio"].copy(), table["dividend"].copy()
    bridged = np.isfinite(batch.bridge)
    starts = batch.starts()
    steps = np.zeros(len(table))
    steps[1:] = np.diff(batch.factor)
    rows = np.flatnonzero((np.abs(steps) > _NOISE) & batch.adjusted & ~bridged & ~starts)
    splits[batch.adjusted], cash[batch.adjusted] = 1.0, 0.0
    _split_up(batch, rows, np.exp(steps[rows]), closes, splits, cash)
    own = bridged & ~starts
    splits[own] = batch.bridge[own]
    batch.table = table.with_columns(split_ratio=splits, dividend=cash)


def _split_up(
    batch: Batch,
    rows: np.ndarray,
    paid: np.ndarray,
    closes: np.ndarray,
    splits: np.ndarray,
    cash: np.ndarray,
) -> None:
    """Enter the event of each of `rows`."""
    moved = np.log(closes[rows] / closes[rows - 1] * paid)
    size = np.abs(np.log(paid))
    seen = np.abs(moved) <= 0.5 * size + np.where(size > _LEAP, 0.05, 0.0)
    fraction = _fraction(paid)
    split = np.isfinite(fraction) & seen
    splits[rows[split]] = fraction[split]
    # A dividend on the day of a split.
    rest = np.where(split, paid / fraction - 1, 0.0)
    both = rest > _NOISE
    cash[rows[both]] = rest[both] * closes[rows[both]]
    payment = (paid > 1) & ~split & is_paid(moved, size)
    cash[rows[payment]] = (paid[payment] - 1) * closes[rows[payment]]
    large = payment & (paid >= _LARGE_PAYMENT)
    cash[rows[large]] = (1 - 1 / paid[large]) * closes[rows[large] - 1]
    odd = (paid < _LEAST_REVERSE) & seen & ~split
    splits[rows[odd]] = paid[odd]
    batch.find("odd_split", rows[large], "dividend", after=paid[large])
    batch.find("odd_split", rows[odd], "split_ratio", after=paid[odd])
    void = ~split & ~payment & ~odd
    instead = _instead(closes[rows[void]] / closes[rows[void] - 1], paid[void])
    action = batch.find("unexplained_adjustment", rows[void], "adjusted", paid[void], instead)
    splits[rows[void]] = paid[void] if action == "flag" else instead


def _instead(ratio: np.ndarray, paid: np.ndarray) -> np.ndarray:
    """The split ratio in place of an adjustment that cannot be.

    None, but where the price leapt in its direction: some event there was, of unknown size, and
    the return is unknown.
    """
    leapt = (np.abs(np.log(ratio)) > _LEAP) & ((ratio < 1) == (paid > 1))
    return np.where(leapt, 1 / ratio, 1.0)


def _fraction(paid: np.ndarray) -> np.ndarray:
    """The ratio p/q that each of `paid` is, NaN where none: n:1, n:m, 1:n, (n + 1):n."""
    found = np.full(len(paid), np.nan)
    large = np.where(paid > 1, paid, 1 / paid)
    for part in range(_LARGEST_PART, 0, -1):
        whole = np.round(large * part)
        near = np.abs(large * part / whole - 1) < _EXACT
        # Small payments come near some fraction or other by chance; stock dividends are n + 1 : n.
        near &= (large >= 1.5) & (part <= _SIMPLE_PART) | (whole == part + 1)
        found[near] = (whole / part)[near]
    whole = np.round(large)
    near = np.isnan(found) & (whole >= 2) & (whole <= _SMALL) & (np.abs(large / whole - 1) < 0.01)
    found[near] = whole[near]
    return np.where(paid > 1, found, 1 / found)


def compare_adjusted(batch: Batch) -> None:
    """Tell where the total return of our prices is not that of the vendor's adjusted closes."""
    table, closes = batch.table, batch.table["close"]
    if "adjusted" not in table.columns:
        return
    given = table["adjusted"]
    with np.errstate(all="ignore"):
        theirs = (given[1:] / given[:-1]) / (closes[1:] / closes[:-1])
        ours = table["split_ratio"][1:] * (1 + table["dividend"][1:] / closes[1:])
        off = np.abs(np.log(theirs / ours)) > _TOLERANCE
    rows = np.flatnonzero(off & ~batch.starts()[1:]) + 1
    batch.find("adjustment_differs", rows, "adjusted", theirs[rows - 1], ours[rows - 1])
