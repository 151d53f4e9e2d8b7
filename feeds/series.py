"""The series of a recipe, each cut, checked, joined, repaired and looked through for gaps."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from feeds.calendars import sessions
from feeds.clean import Finding, check_bars, repair_bars
from feeds.errors import DataError
from feeds.joins import join_bars, witness_bars
from feeds.recipe import Recipe, Series
from feeds.sources.files import Raw

__all__ = ["Build", "Cleaned", "clean_series", "compare_witnesses"]


@dataclass(frozen=True)
class Build:
    """What one build works with: the recipe, the raw bars, first and last day, strictness."""

    recipe: Recipe
    raw: Raw
    first: dt.date
    last: dt.date
    strict: bool = True

    def bars(self, source: str, name: str) -> pd.DataFrame:
        """Raw bars of one symbol between the first and the last day."""
        given = self.raw.bars[source]
        if name not in given:
            raise DataError(f"{source} has no symbol {name}", "correct the recipe")
        days = given[name].index
        return given[name][(days >= pd.Timestamp(self.first)) & (days <= pd.Timestamp(self.last))]


@dataclass
class Cleaned:
    """Clean bars and the recipe's series they belong to, by symbol, and what was found."""

    bars: dict[str, pd.DataFrame]
    owners: dict[str, Series]
    findings: list[Finding]


def clean_series(build: Build) -> Cleaned:
    """Clean every series of the recipe, in its order.

    Raises
    ------
    DataError
        If a symbol is missing or in two series, or a check, join or repair fails.
    """
    out = Cleaned({}, {}, [])
    recipe = build.recipe
    days = sessions("XNYS", np.datetime64(recipe.start), np.datetime64(recipe.end))
    for series in recipe.series:
        for name, symbol in _symbols(series, build).items():
            if symbol in out.bars:
                raise DataError(f"{symbol} is in two series of the recipe", "exclude one")
            frame, found = _clean_one(build, series, name, symbol, days)
            # These vendors adjust their prices or have nothing to adjust for.
            out.bars[symbol] = frame.assign(split_ratio=1.0, dividend=0.0)
            out.owners[symbol] = series
            out.findings += found
        out.findings += [Finding(name, (), "exclude", why) for name, why in series.exclude.items()]
    return out


def compare_witnesses(build: Build, bars: dict[str, pd.DataFrame]) -> list[Finding]:
    """Compare the series with their witnesses.

    Raises
    ------
    DataError
        If a symbol is missing, or disagrees with its witness and the build is strict.
    """
    findings = []
    for witness in build.recipe.witnesses:
        for symbol, name in witness.symbols.items():
            if symbol not in bars:
                raise DataError(f"witnesses: the recipe has no {symbol}", "correct the recipe")
            second, _ = check_bars(symbol, build.bars(witness.source, name), zero_volume="drop")
            findings += witness_bars(symbol, bars[symbol], second, witness, build.strict)
    return findings


def _symbols(series: Series, build: Build) -> dict[str, str]:
    if series.symbols == "all":
        return {name: name for name in build.raw.bars[series.source] if name not in series.exclude}
    return dict(series.symbols)


def _clean_one(
    build: Build, series: Series, name: str, symbol: str, days: np.ndarray
) -> tuple[pd.DataFrame, list[Finding]]:
    frame = build.bars(series.source, name)
    if series.volume_source:
        volume = build.bars(series.volume_source, name)["volume"]
        frame = frame.assign(volume=volume.reindex(frame.index))
    last = pd.Timestamp(series.last) if series.last else None
    limits = days if series.listed else None
    frame, findings = check_bars(
        symbol, frame, zero_volume=series.zero_volume, last=last, sessions=limits
    )
    if series.join is not None:
        second = build.bars(series.join.source, series.join.symbol)
        second, found = check_bars(symbol, second, sessions=limits)
        frame, joined = join_bars(symbol, frame, second, series.join, build.strict)
        findings += found + joined
    frame, repaired = repair_bars(symbol, frame, build.recipe.repairs)
    findings += repaired
    told = {day for item in findings if item.action in ("drop", "void") for day in item.dates}
    return frame, findings + _missing_days(symbol, frame, series, days, told)


def _missing_days(
    symbol: str, frame: pd.DataFrame, series: Series, days: np.ndarray, told: set[str]
) -> list[Finding]:
    """Days inside the series that have no bar and no finding yet: reported, never filled."""
    if frame.empty:
        return []
    own = frame.index.to_numpy().astype("datetime64[D]")
    expected = days if series.listed else np.arange(own[0], own[-1] + 1)
    inside = expected[(expected >= own[0]) & (expected <= own[-1])]
    gone = tuple(day for day in map(str, np.setdiff1d(inside, own)) if day not in told)
    if not gone:
        return []
    return [Finding(symbol, gone, "missing", "the set has no bar on these days")]
