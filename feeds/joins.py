"""Two sources of one series: joined, or one as the witness of the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from feeds.clean import Finding
from feeds.errors import DataError
from feeds.recipe import Join, Witness

__all__ = ["Overlap", "compare_bars", "join_bars", "witness_bars"]

#: Fewer common days say nothing.
_LEAST_DAYS = 10
#: Fewer common days are reported, and refuse nothing: a bad week would outweigh the rest.
_DECIDING_DAYS = 250


@dataclass(frozen=True)
class Overlap:
    """How two series agree on the days both have.

    Parameters
    ----------
    days : DatetimeIndex
        The common days.
    ratio : float
        Mean of second close / first close.
    gap : float
        Largest abs(ratio of closes - 1).
    correlation : float
        Of log returns between consecutive common days; NaN with fewer than three days.
    """

    days: pd.DatetimeIndex
    ratio: float
    gap: float
    correlation: float


def compare_bars(one: pd.DataFrame, two: pd.DataFrame) -> Overlap:
    """Compare the closes of two series on their common days."""
    days = one.index.intersection(two.index)
    if len(days) < 3:
        return Overlap(days, np.nan, np.nan, np.nan)
    first, second = one.loc[days, "close"], two.loc[days, "close"]
    ratio = second / first
    moves = np.diff(np.log(first)), np.diff(np.log(second))
    correlation = float(np.corrcoef(*moves)[0, 1])
    return Overlap(days, float(ratio.mean()), float((ratio - 1.0).abs().max()), correlation)


def witness_bars(
    symbol: str,
    bars: pd.DataFrame,
    second: pd.DataFrame,
    witness: Witness,
    strict: bool = True,
) -> list[Finding]:
    """Compare a series with its witness and report; nothing is changed.

    Unless `strict`, or on fewer than 250 common days, a disagreement is reported as
    ``disagrees`` and is no error.

    Raises
    ------
    DataError
        If daily returns correlate less than the recipe demands.
    """
    overlap = compare_bars(bars, second)
    if len(overlap.days) < _LEAST_DAYS:
        return []
    agrees = overlap.correlation >= witness.min_correlation
    if strict and not agrees and len(overlap.days) >= _DECIDING_DAYS:
        raise DataError(
            f"{symbol}: daily returns correlate {overlap.correlation:.4f} with {witness.source} "
            f"on {len(overlap.days)} common days, less than {witness.min_correlation:g}",
            "look at both series, then repair one or lower min_correlation in the recipe",
        )
    reason = (
        f"checked against {witness.source}: daily returns correlate {overlap.correlation:.4f} "
        f"on {_spell(overlap.days)}"
    )
    return [Finding(symbol, (), "witness" if agrees else "disagrees", reason)]


def join_bars(
    symbol: str, bars: pd.DataFrame, second: pd.DataFrame, join: Join, strict: bool = True
) -> tuple[pd.DataFrame, list[Finding]]:
    """Go on with a second series from `join.first`, checked on the days both have.

    Levels are spliced as printed, never rescaled: both are prices in the same currency.
    Unless `strict`, a disagreement shows in the report and is no error.

    Raises
    ------
    DataError
        If closes or returns of the two disagree on the overlap by more than the join allows.
    """
    first = pd.Timestamp(join.first)
    rest = second[second.index >= first]
    if rest.empty:
        return bars, []
    overlap = compare_bars(bars, second)
    both = overlap.days
    if strict and len(both) < join.min_overlap:
        raise DataError(
            f"{symbol}: {join.source} shares {len(both)} days with the series before it, "
            f"fewer than min_overlap {join.min_overlap}",
            "drop the join, or lower min_overlap in the recipe",
        )
    agrees = overlap.gap <= join.max_gap and overlap.correlation >= join.min_correlation
    if strict and not agrees:
        raise DataError(
            f"{symbol}: on {len(both)} common days {join.source} differs by up to "
            f"{overlap.gap:.4f} (max_gap {join.max_gap:g}), return correlation "
            f"{overlap.correlation:.4f} (min_correlation {join.min_correlation:g})",
            "choose another source or another date in the recipe",
        )
    note = ""
    if join.volume == "dollars_to_units":
        rest = rest.assign(volume=rest["volume"] / rest["close"])
        coins = second.loc[both, "volume"] / second.loc[both, "close"]
        ratio = float((coins / bars.loc[both, "volume"]).median())
        note = f"; its dollar volume / close is {ratio:.0f} times the volume before it"
    elif join.volume == "none":
        rest = rest.assign(volume=np.nan)
    joined = pd.concat([bars[bars.index < first], rest])
    reason = (
        f"joined with {join.source} from {first.date()}: on {_spell(both)} the ratio of closes is "
        f"{overlap.ratio:.4f} on average and within {overlap.gap:.4f} of 1, "
        f"the correlation of daily returns {overlap.correlation:.4f}{note}"
    )
    return joined, [Finding(symbol, (str(first.date()),), "join", reason)]


def _spell(days: pd.DatetimeIndex) -> str:
    span = f" {days[0].date()}..{days[-1].date()}" if len(days) else ""
    return f"{len(days)} common days{span}"
