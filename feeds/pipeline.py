"""From parts of raw bars to the files of a data set: clean, write, count."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feeds.bar_table import BarTable
from feeds.calendars import sessions
from feeds.cleaning.clean import Cleaned, clean_table
from feeds.cleaning.rules import CleaningRules, changed_rules
from feeds.delistings import end_reasons
from feeds.errors import DataError
from feeds.figures_file import DailyFigures
from feeds.filings.table import FilingReport
from feeds.label_checks import Closes, check_references
from feeds.membership import Membership
from feeds.reused_tickers import Later, later_series
from feeds.sectors import SECTOR_LIMIT
from feeds.series_info import SeriesInfo
from feeds.set_limits import check_currencies, looks_like_survivors, set_limits
from feeds.set_report import IngestReport
from feeds.set_tables import FIGURES_FILE
from feeds.store_writer import SetWriter

__all__ = ["Part", "SetPlan", "write_set"]

#: All bars of some symbols, and what is known of these.
Part = tuple[BarTable, Mapping[str, SeriesInfo]]

#: From price kinds by symbol, the set's bars, and the later series of reused tickers.
Filings = Callable[
    [Mapping[str, str], Iterable[BarTable], Later], tuple[pd.DataFrame, FilingReport]
]
#: From the set's symbols, its first and last day, and the later series of reused tickers.
Members = Callable[[Collection[str], tuple[np.datetime64, np.datetime64], Later], Membership]

#: Sessions (days for coins) without a bar after which a series has ended. Holdings are closed
#: after as many (`execution.stale_after`), so that a later end of the data changes no reason.
_ENDED_AFTER = 10
#: Cells of daily figures up to which they are plain text.
_MOST_PLAIN_CELLS = 100_000


@dataclass(frozen=True)
class SetPlan:
    """What a data set is to be.

    Parameters
    ----------
    name : str
        Of the set.
    manifest : callable
        Asked once all parts were read: what the manifest is to say of their sources.
    rules : CleaningRules
        What is done about each fault.
    start, end : datetime64[D], optional
        Rows outside are cut before anything looks at them.
    known : datetime64[s], optional
        The time of the ingest in UTC; bars that were not closed then are dropped.
    form : {"auto", "csv", "parquet"}
        Of the price tables.
    interval : {"1d", "1h"}
        Length of a bar.
    tables : dict of str to DataFrame
        Further tables by file name.
    filings : callable, optional
        Gives fundamentals.csv and its report.
    membership : callable, optional
        Gives the dated membership of an index: stocks that it does not name are never in the
        universe, coins always.
    references : dict of str to (days, closes)
        Series that are trusted, by symbol: labels of the set's are held against them.
    delistings : DataFrame, optional
        As :func:`feeds.delistings.read_delistings` gives them: why series ended.
    figures : DailyFigures, optional
        Figures of days, such as on-chain counts.
    sectors : dict of str to str
        By symbol, those that are known.
    asked_to : dict of str to datetime64[D]
        Last day that was asked for, by symbol: a series that reaches it has not ended.
    """

    name: str
    manifest: Callable[[], Mapping[str, Any]]
    rules: CleaningRules
    start: np.datetime64 | None = None
    end: np.datetime64 | None = None
    known: np.datetime64 | None = None
    form: str = "auto"
    interval: str = "1d"
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    filings: Filings | None = None
    membership: Members | None = None
    references: dict[str, Closes] = field(default_factory=dict)
    delistings: pd.DataFrame | None = None
    figures: DailyFigures | None = None
    sectors: dict[str, str] = field(default_factory=dict)
    asked_to: dict[str, np.datetime64] = field(default_factory=dict)


def write_set(
    folder: Path, parts: Iterable[Part], plan: SetPlan, report: IngestReport
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Clean and write every part; returns the manifest and the content of report.json.

    Parameters
    ----------
    folder : Path
        Where the files are written; it is nobody's data set yet.
    parts : iterable of Part
        No symbol in two of them.
    plan : SetPlan
        What to make.
    report : IngestReport
        Filled in as parts come.

    Raises
    ------
    DataError
        If no bar is left, or a source or a rule refuses.
    """
    writer = SetWriter(folder, plan.form, plan.interval)
    currencies: dict[str, str] = {}
    for table, infos in parts:
        check_currencies(currencies, infos)
        table = _cut(table, plan)
        if not table.symbols:
            continue
        cleaned = clean_table(table, infos, plan.rules, known=plan.known)
        _count(report, cleaned, infos)
        if len(cleaned.table):
            writer.add(cleaned.table, cleaned.infos)
    if not writer.rows:
        raise DataError(*_nothing_left(report))
    report.rows_out = writer.rows
    universe = writer.universe()
    spans = zip(universe["start"].tolist(), universe["end"].tolist())
    report.spans = dict(zip(universe["symbol"].tolist(), spans))
    last = plan.end if plan.end is not None else np.datetime64(universe["end"].max())
    reasons = _reasons(universe, last, plan, report.parents)
    limits, never = _further_tables(plan, writer, universe, report)
    manifest = _manifest(plan, report, universe, reasons, limits)
    told = report.as_dict()
    whole = writer.finish(
        manifest, report.log, told, plan.tables, reasons, never, last, plan.sectors
    )
    _give_back()
    return whole, told


def _give_back() -> None:
    """Return to the system what parts left behind in the allocator: a load that follows in the
    same process would come on top of it (glibc; elsewhere nothing happens)."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return


def _further_tables(
    plan: SetPlan, writer: SetWriter, universe: pd.DataFrame, report: IngestReport
) -> tuple[list[str], list[str]]:
    """Add membership and fundamentals to the plan's tables.

    Returns what a user must know of them, and the stocks that are members on no day.
    """
    limits: list[str] = []
    never: list[str] = []
    writer.close()
    later = later_series(report.parents, dict(zip(universe["symbol"], universe["start"])))
    if plan.references:
        classes = dict(zip(universe["symbol"], universe["asset_class"]))
        report.day_labels = check_references(writer.bars(), plan.references, classes)
        for symbol, told in report.day_labels.items():
            limits += [f"{symbol}: {text}." for text in told["findings"]]
    if plan.membership is not None:
        span = np.datetime64(universe["start"].min()), np.datetime64(universe["end"].max())
        members = plan.membership(universe["symbol"].tolist(), span, later)
        plan.tables["membership.csv"] = members.table
        report.membership = members.findings
        stocks = universe["symbol"][universe["asset_class"] == "equity"]
        never = stocks[~stocks.isin(members.table["symbol"])].tolist()
        if never:
            limits.append(f"{len(never)} stocks are on no day in the list of members.")
        limits += members.limits()
    if plan.filings is not None:
        kinds = dict(zip(universe["symbol"], universe["price_kind"]))
        plan.tables["fundamentals.csv"], report.filings = plan.filings(kinds, writer.bars(), later)
        plan.tables["filing_repairs.csv"] = report.filings.log.table()
        limits += report.filings.limits()
    if plan.figures is not None:
        _add_figures(plan, plan.figures, universe, report, later)
    if any(name in plan.sectors for name in universe["symbol"]):
        limits.append(SECTOR_LIMIT)
    return limits, never


def _add_figures(
    plan: SetPlan,
    given: DailyFigures,
    universe: pd.DataFrame,
    report: IngestReport,
    later: Later,
) -> None:
    filed = plan.tables.get("fundamentals.csv", pd.DataFrame()).columns
    twice = [name for name in given.names if name in filed]
    if twice:
        raise DataError(
            f"{given.files[0]}: {twice[0]} is a figure of the filings too",
            f"give it another name: --figure daily_{twice[0]}=<its column>",
        )
    table, report.figures = given.of_set(universe["symbol"], plan.start, plan.end, later)
    large = table.size > _MOST_PLAIN_CELLS
    plan.tables[f"{FIGURES_FILE}.csv{'.gz' if large else ''}"] = table


def _manifest(
    plan: SetPlan,
    report: IngestReport,
    universe: pd.DataFrame,
    reasons: Mapping[str, str],
    further: list[str],
) -> dict[str, Any]:
    given = dict(plan.manifest())
    if "universe_kind" not in given and looks_like_survivors(universe, reasons):
        given["universe_kind"] = "todays_list"
    if "membership.csv" in plan.tables:
        given.pop("universe_kind", None)
    limits = [*set_limits(universe, reasons, plan.tables), *further]
    head = {"name": plan.name, "title": plan.name.replace("_", " ")}
    changed = changed_rules(plan.rules)
    rules = {"cleaning": changed} if changed else {}
    return {**head, **given, **rules, "repairs": report.faults(), "limits": limits}


def _cut(table: BarTable, plan: SetPlan) -> BarTable:
    """The rows in the range asked for; symbols that have none there are not asked for."""
    days = table.time.astype("datetime64[D]")
    inside = np.ones(len(days), dtype=bool)
    if plan.start is not None:
        inside &= days >= plan.start
    if plan.end is not None:
        inside &= days <= plan.end
    return table if inside.all() else table.take(inside).compact()


def _count(report: IngestReport, cleaned: Cleaned, infos: Mapping[str, SeriesInfo]) -> None:
    report.log.extend([cleaned.log])
    report.rows_in |= cleaned.rows_in
    report.refused |= cleaned.refused
    new = [name for name in cleaned.infos if name not in infos]
    report.parents |= {name: name.rpartition(".")[0] for name in new}
    report.notes |= {name: info.notes for name, info in cleaned.infos.items() if info.notes}


def _nothing_left(report: IngestReport) -> tuple[str, str]:
    if report.refused:
        symbol, reason = next(iter(report.refused.items()))
        return f"every symbol was refused; the first, {symbol}: {reason}", "mend the source"
    return "there is no bar in the range asked for", "widen --start and --end, or name other files"


def _reasons(
    universe: pd.DataFrame, last: np.datetime64, plan: SetPlan, parents: Mapping[str, str]
) -> dict[str, str]:
    """Why series ended: as given, or ``unknown`` where the others go on for long enough."""
    ends = universe["end"].to_numpy(dtype="datetime64[D]")
    asked = [plan.asked_to.get(name, last) for name in universe["symbol"]]
    until = np.minimum(np.array(asked, dtype="datetime64[D]"), last)
    open_days = sessions("XNYS", ends.min(), last)
    after = np.searchsorted(open_days, until, "right") - np.searchsorted(open_days, ends, "right")
    coin = (universe["asset_class"] == "crypto").to_numpy()
    after = np.where(coin, (until - ends).astype(int), after)
    found = {
        name: "unknown"
        for name, gone, reason in zip(universe["symbol"], after, universe["end_reason"])
        if gone >= _ENDED_AFTER and reason == "data_end"
    }
    if plan.delistings is None:
        return found
    last_bars = dict(zip(universe["symbol"], universe["end"]))
    return found | end_reasons(plan.delistings, last_bars, parents=parents)
