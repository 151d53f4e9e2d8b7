"""From raw files and a recipe to the files of a data set: clean, repair, join, enter."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from feeds.blocks import REFERENCE_CLASSES
from feeds.clean import Finding
from feeds.errors import DataError
from feeds.recipe import Recipe, Series
from feeds.series import Build, Cleaned, clean_series, compare_witnesses
from feeds.sources.files import Raw
from feeds.store import UNIVERSE_COLUMNS
from feeds.write import adjusted_closes, price_rows, table_bytes

__all__ = ["Built", "build_dataset"]

#: Published tables carry the return of a whole month; these are its columns.
_PUBLISHED = ["mkt_rf", "smb", "hml", "mom", "rf"]


@dataclass
class Built:
    """A data set before it is written: files by name, the manifest, and what was found."""

    files: dict[str, bytes]
    manifest: dict[str, Any]
    universe: pd.DataFrame
    findings: list[Finding] = field(default_factory=list)


def build_dataset(
    recipe: Recipe,
    raw: Raw,
    start: dt.date | None = None,
    end: dt.date | None = None,
    strict: bool = True,
) -> Built:
    """Make the files of a data set.

    Parameters
    ----------
    recipe : Recipe
        What to make.
    raw : Raw
        The raw bars, read up to `end`.
    start, end : date, optional
        Narrower bounds than the recipe's.
    strict : bool
        Whether sources that disagree are an error; otherwise the report says so.

    Raises
    ------
    DataError
        If a symbol is missing or twice, a check or a join fails, or nothing is left.
    """
    first = max(recipe.start, start or recipe.start)
    last = min(recipe.end, end or recipe.end)
    if last < first:
        raise DataError(f"the range {first}..{last} is empty", "give an --end after the --start")
    build = Build(recipe, raw, first, last, strict)
    cleaned = clean_series(build)
    findings = cleaned.findings + compare_witnesses(build, cleaned.bars)
    entries, more = _entries(recipe, raw, cleaned.owners)
    universe = _universe(recipe, cleaned, entries)
    if all(frame.empty for frame in cleaned.bars.values()):
        raise DataError(f"no symbol has a bar in {first}..{last}", "widen --start and --end")
    files = _files(cleaned, universe)
    if recipe.published is not None:
        files["published_monthly.csv"] = _published(recipe, raw, first, last)
    findings += more
    manifest = _manifest(recipe, raw, universe, findings, (first, last))
    return Built(files, manifest, universe, findings)


def _entries(
    recipe: Recipe, raw: Raw, owners: dict[str, Series]
) -> tuple[dict[str, tuple[str, str]], list[Finding]]:
    """Entry date and name of each equity, by the constituents file and the recipe.

    Rows that left before the recipe's start belong to an earlier company; of the others the
    latest entry counts. Without a row the symbol never enters.
    """
    if recipe.universe.source is None:
        return {}, []
    table = raw.tables[recipe.universe.source]
    opted_out = pd.to_datetime(table["opt-out"].replace("", None))
    table = table[~(opted_out < pd.Timestamp(recipe.start)).to_numpy()]
    table = table.sort_values("opt-in", kind="stable").drop_duplicates("symbol", keep="last")
    rows = table.set_index("symbol")
    entries, findings = {}, []
    for symbol, series in owners.items():
        if series.asset_class != "equity":
            continue
        listed = recipe.universe.renamed.get(symbol, symbol)
        override = recipe.universe.entries.get(symbol)
        name = str(rows.at[listed, "name"]) if listed in rows.index else ""
        start = str(rows.at[listed, "opt-in"].date()) if listed in rows.index else ""
        if override is not None:
            start = str(override.start) if override.start else ""
            findings.append(Finding(symbol, (start,) * bool(start), "entry", override.reason))
        if not start:
            reason = "no entry date up to the end of the data: it is never in the universe"
            findings.append(Finding(symbol, (), "never_enters", reason))
        entries[symbol] = (start, name)
    return entries, findings


def _universe(
    recipe: Recipe, cleaned: Cleaned, entries: dict[str, tuple[str, str]]
) -> pd.DataFrame:
    truncated = {
        symbol: (str(repair.dates[0]), repair.end_reason)
        for repair in recipe.repairs
        if repair.action == "truncate"
        for symbol in repair.symbols
    }
    rows = []
    for symbol, series in cleaned.owners.items():
        index = cleaned.bars[symbol].index
        first, last = (str(index[0].date()), str(index[-1].date())) if len(index) else ("", "")
        start, name = entries.get(symbol, (first, ""))
        end, reason = truncated.get(symbol, (last, "data_end"))
        # A build that stops before the truncation does not know of it.
        if not last or last < end:
            end, reason = last, "data_end"
        rows.append(
            (symbol, series.asset_class, series.names.get(symbol, name) or symbol, start, end)
            + (reason, series.volume_unit, series.price_kind)
        )
    return pd.DataFrame(rows, columns=list(UNIVERSE_COLUMNS))


def _files(cleaned: Cleaned, universe: pd.DataFrame) -> dict[str, bytes]:
    owners = cleaned.owners
    crypto = {s: bars for s, bars in cleaned.bars.items() if owners[s].asset_class == "crypto"}
    others = {s: bars for s, bars in cleaned.bars.items() if s not in crypto}
    files = {}
    if others:
        files["prices_equities.csv"] = price_rows(others, universe)
    if crypto:
        files["prices_crypto.csv"] = price_rows(crypto, universe)
    files["universe.csv"] = table_bytes(universe)
    files["clean_prices.csv"] = adjusted_closes(cleaned.bars)
    return files


def _published(recipe: Recipe, raw: Raw, first: dt.date, last: dt.date) -> bytes:
    table = raw.tables[recipe.published.source]
    # The file stamps a month with its first day; its return is known at the end of it.
    ends = table.iloc[:, 0] + pd.offsets.MonthEnd(0)
    columns = {ours: table[theirs] for theirs, ours in recipe.published.columns.items()}
    out = pd.DataFrame(columns)[_PUBLISHED].assign(date=ends.dt.strftime("%Y-%m-%d"))
    inside = (ends >= pd.Timestamp(first)) & (ends <= pd.Timestamp(last))
    return table_bytes(out[inside.to_numpy()][["date", *_PUBLISHED]])


def _manifest(
    recipe: Recipe,
    raw: Raw,
    universe: pd.DataFrame,
    findings: list[Finding],
    covers: tuple[dt.date, dt.date],
) -> dict[str, Any]:
    classes = universe["asset_class"]
    sources = [
        {
            "file": item.path,
            "sha256": raw.sha256[item.path],
            "expected_sha256": item.sha256,
            "package": item.package,
            "licence": item.licence,
            "origin": item.origin,
        }
        for item in recipe.raw.values()
    ]
    return {
        "name": recipe.name,
        "title": recipe.title,
        "source": "files",
        "fetch_time": None,
        "start": str(covers[0]),
        "end": str(covers[1]),
        "symbols": {name: int((classes == name).sum()) for name in dict.fromkeys(classes)},
        "tradable": int((~classes.isin(REFERENCE_CLASSES)).sum()),
        "raw": sources,
        "repairs": [finding.as_dict() for finding in findings],
        "limits": list(recipe.limits),
    }
