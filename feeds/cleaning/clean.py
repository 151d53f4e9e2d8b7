"""Clean a table of bars: every fault by its rule, each in the log, nothing in silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from feeds.bar_table import BarTable
from feeds.cleaning.batch import Batch
from feeds.cleaning.finish import assemble
from feeds.cleaning.rules import CleaningRules
from feeds.cleaning.stages import clean_batch
from feeds.repairs import RepairLog
from feeds.series_info import SeriesInfo

__all__ = ["Cleaned", "clean_table"]


@dataclass(frozen=True)
class Cleaned:
    """What cleaning left.

    Parameters
    ----------
    table : BarTable
        Sorted by symbol and time, times unique, closes finite and positive, low <= open, close
        <= high where they are given. No ``adjusted``: its events are in ``split_ratio`` and
        ``dividend``.
    infos : dict of str to SeriesInfo
        Those of the table's symbols, with the new ones where a ticker was reused.
    log : RepairLog
        Under the symbols that the rows came with.
    refused : dict of str to str
        Symbol to reason and remedy; no row of it is in `table`.
    rows_in, rows_out : dict of str to int
        By the symbols that the rows came with.
    """

    table: BarTable
    infos: dict[str, SeriesInfo]
    log: RepairLog
    refused: dict[str, str]
    rows_in: dict[str, int]
    rows_out: dict[str, int]


def clean_table(
    table: BarTable,
    infos: Mapping[str, SeriesInfo],
    rules: CleaningRules | None = None,
    *,
    known: np.datetime64 | None = None,
) -> Cleaned:
    """Look through all bars of some symbols, and mend, drop or refuse what is faulty.

    Nothing that is done to a row depends on later rows: cut after any day, the table gives the
    same rows up to it, and the same log. Two things are decided by a whole series, and only
    ever take it away altogether: a refusal (a loss of too many rows, a fault that cannot be
    mended), and stamps that share a time of day. Cleaning what was cleaned changes nothing.

    Parameters
    ----------
    table : BarTable
        All rows of its symbols. Not changed.
    infos : mapping of str to SeriesInfo
        One a symbol.
    rules : CleaningRules, optional
        The defaults where not given.
    known : datetime64, optional
        When the data were fetched, UTC; later bars, and the one that was not complete, go.

    Returns
    -------
    Cleaned
        For each symbol, rows in = rows out + rows logged with action ``drop``; of a refused one
        no row is out, and none is logged as dropped.
    """
    rules = rules or CleaningRules()
    batches = [clean_batch(b, infos, known) for b in _batches(table, infos, rules)]
    return Cleaned(*assemble(table, batches, infos))


def _batches(table: BarTable, infos: Mapping[str, SeriesInfo], rules: CleaningRules) -> list[Batch]:
    """One for each asset class and interval, in the order in which they come up."""
    kinds = [(infos[name].asset_class, infos[name].interval) for name in table.symbols]
    found = []
    for kind in dict.fromkeys(kinds):
        own = np.array([one == kind for one in kinds])
        part = table if own.all() else table.take(own[table.code])
        listed = any(infos[s].listed for s, one in zip(table.symbols, kinds) if one == kind)
        found.append(Batch(part, kind[0], rules, listed, kind[1] == "1d"))
    return found
