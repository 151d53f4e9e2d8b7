"""What the ways of an ingest have in common: rules, filings, membership, and the manifest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from feeds.cleaning.rules import CleaningRules, load_rules
from feeds.delistings import read_delistings
from feeds.errors import ConfigError
from feeds.figures_file import DailyFigures, read_daily_files
from feeds.label_checks import Closes, read_reference
from feeds.membership import read_membership
from feeds.pipeline import Filings, Members, SetPlan
from feeds.sectors import read_sectors

if TYPE_CHECKING:
    import argparse

__all__ = ["make_plan", "option_pairs"]


def make_plan(
    arguments: argparse.Namespace, interval: str, manifest: Callable[[], Mapping[str, Any]]
) -> SetPlan:
    """What is to be made, by the command's arguments.

    Parameters
    ----------
    arguments : Namespace
    interval : {"1d", "1h"}
    manifest : callable
        Gives what the way itself knows of its sources, once everything was read.
    """
    name = arguments.out.absolute().name
    return SetPlan(
        name=name,
        manifest=manifest,
        rules=load_rules(arguments.cleaning) if arguments.cleaning else CleaningRules(),
        start=_day(arguments.start),
        end=_day(arguments.end),
        known=np.datetime64(dt.datetime.now(dt.timezone.utc).replace(tzinfo=None), "s"),
        form=arguments.format,
        interval=interval,
        filings=_filings(arguments) if arguments.fundamentals else None,
        membership=_membership(arguments.membership) if arguments.membership else None,
        references=_references(arguments.reference),
        figures=_figures(arguments, interval),
        sectors=_sectors(arguments),
        delistings=read_delistings(arguments.delistings) if arguments.delistings else None,
    )


def _membership(path: Path) -> Members:
    """The file of members, looked through at once."""
    read_membership(path)
    return lambda symbols, span, later: read_membership(path, symbols, span=span, later=later)


def _filings(arguments: argparse.Namespace) -> Filings:
    """The file of filings, read at once: a fault in it is told before anything is fetched."""
    from feeds.filings.options import parse_filing_options
    from feeds.filings.read import read_filings
    from feeds.filings.table import filings_table

    options = parse_filing_options(option_pairs(arguments.filing_option, "--filing-option"))
    read = read_filings(arguments.fundamentals, options)
    return lambda kinds, bars, later: filings_table(read, options, kinds, bars, later)


def _figures(arguments: argparse.Namespace, interval: str) -> DailyFigures | None:
    """The files of daily figures, read at once as the filings are."""
    if not arguments.figures:
        return None
    if interval != "1d":
        raise ConfigError("figures are daily, bars of an hour are not", "leave --figures out")
    return read_daily_files(arguments.figures, option_pairs(arguments.figure, "--figure"))


def _sectors(arguments: argparse.Namespace) -> dict[str, str]:
    if arguments.sectors:
        return read_sectors(arguments.sectors)
    found: dict[str, str] = {}
    for path in (arguments.symbols_file, arguments.membership):
        found |= read_sectors(path, needed=False) if path else {}
    return found


def _references(given: list[str]) -> dict[str, Closes]:
    """``SYMBOL=PATH`` texts, each file read at once."""
    found = {}
    for text in given:
        symbol, mark, path = text.partition("=")
        if not mark or not symbol or not path:
            raise ConfigError(f"--reference {text!r} is not SYMBOL=PATH", "write BTC=btc.csv")
        found[symbol] = read_reference(symbol, Path(path))
    return found


def option_pairs(given: list[str], name_of: str = "--option") -> dict[str, str]:
    """``NAME=VALUE`` texts; of a name given twice the last counts, and columns add up."""
    pairs: dict[str, str] = {}
    for text in given:
        name, mark, value = text.partition("=")
        if not mark:
            raise ConfigError(f"{name_of} {text!r} is not NAME=VALUE", "put = between the two")
        joined = name == "columns" and name in pairs
        pairs[name] = f"{pairs[name]},{value}" if joined else value
    return pairs


def _day(day: dt.date | None) -> np.datetime64 | None:
    return None if day is None else np.datetime64(day, "D")
