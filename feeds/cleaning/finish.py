"""The cleaned batches put together: one table, one log, and the symbols that are refused."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from feeds.bar_table import BarTable
from feeds.cleaning.batch import Batch
from feeds.repairs import RepairLog
from feeds.series_info import SeriesInfo

__all__ = ["assemble"]


def assemble(table: BarTable, batches: Sequence[Batch], infos: Mapping[str, SeriesInfo]) -> tuple[
    BarTable,
    dict[str, SeriesInfo],
    RepairLog,
    dict[str, str],
    dict[str, int],
    dict[str, int],
]:
    """Table, infos, log, refused, rows in and rows out of a cleaning."""
    rows_in = np.bincount(table.code, minlength=len(table.symbols))
    for batch in batches:
        _refuse_losses(batch, rows_in)
        _refuse_mixtures(batch)
    refused: dict[str, str] = {}
    for batch in batches:
        refused.update(batch.refused)
    left = np.zeros(len(table.symbols), dtype=np.int64)
    for batch in batches:
        left += np.bincount(batch.table.code, minlength=len(left))
    for name, given, kept in zip(table.symbols, rows_in.tolist(), left.tolist()):
        if not kept and name not in refused:
            refused[name] = _nothing_left(given)
    log = RepairLog()
    for batch in batches:
        _extend(log, batch.log, refused)
    parts, found = _with_series(batches, table, infos, refused)
    names = tuple(table.symbols)
    rows_out = {n: 0 if n in refused else int(k) for n, k in zip(names, left)}
    return parts, found, log, refused, dict(zip(names, rows_in.tolist())), rows_out


def _nothing_left(given: int) -> str:
    if not given:
        return "no row; correct the symbol or its dates"
    return f"none of its {given} rows is a bar that traded; mend the rows, or drop the symbol"


def _refuse_losses(batch: Batch, rows_in: np.ndarray) -> None:
    """Refuse symbols that lost more faulty rows than the budget."""
    limits = batch.limits
    over = (batch.lost > limits.max_loss * rows_in) & (batch.lost >= limits.min_loss)
    for code in np.flatnonzero(over):
        rows = np.flatnonzero(batch.table.code == code)
        if batch.action("loss") == "flag":
            lost = np.array([batch.lost[code]], dtype=float)
            if len(rows):
                batch.log.add(batch.table, rows[-1:], "loss", "flag", "rows", lost)
            continue
        batch.refused.setdefault(
            batch.table.symbols[code],
            f"loss: {batch.lost[code]} of {rows_in[code]} rows are faulty, more than max_loss "
            f"{limits.max_loss:g}; mend the file, or raise max_loss",
        )


def _refuse_mixtures(batch: Batch) -> None:
    """Refuse symbols whose price leaps so often that it cannot be that of one security."""
    most = batch.limits.max_leaps
    action = batch.action("mixed_series")
    for name, stamps in sorted(batch.leaps.items()):
        if len(stamps) <= most or action == "off":
            continue
        if action == "refuse":
            first = np.datetime64(min(stamps), "s").astype("datetime64[D]")
            batch.refused.setdefault(
                name,
                f"mixed_series: {len(stamps)} leaps in price from {first} on, more than max_leaps "
                f"{most}; drop the symbol, or raise max_leaps",
            )
            continue
        rows = np.flatnonzero(batch.table.code == batch.table.symbols.index(name))
        if len(rows):
            count = np.array([float(len(stamps))])
            batch.log.add(batch.table, rows[-1:], "mixed_series", "flag", "leaps", after=count)


def _extend(log: RepairLog, own: RepairLog, refused: Mapping[str, str]) -> None:
    """Take over a log; what was done to symbols that are refused in the end was only seen."""
    for part in own.parts:
        if part.action == "flag" or not refused:
            log.parts.append(part)
            continue
        seen = np.array([name in refused for name in part.symbol.tolist()])
        if not seen.all():
            log.parts.append(part.take(~seen) if seen.any() else part)
        if seen.any():
            log.parts.append(part.take(seen, action="flag"))


def _with_series(
    batches: list[Batch],
    table: BarTable,
    infos: Mapping[str, SeriesInfo],
    refused: Mapping[str, str],
) -> tuple[BarTable, dict[str, SeriesInfo]]:
    """One sorted table whose symbols are series: a reused ticker's later ones have a number."""
    symbols = table.symbols
    pieces, owners, firsts = [], [], []
    for at, batch in enumerate(batches):
        batch = batches[at] = _without(batch, refused)
        begin = np.flatnonzero(batch.starts())
        pieces.append((batch, np.cumsum(batch.starts()) - 1 if len(begin) else batch.series))
        owners.append(batch.table.code[begin])
        firsts.append(batch.table.time[begin])
    accepted = _accepted(batches)
    taken, names, found, codes = set(symbols), [], {}, []
    order: dict[int, list[tuple[int, int]]] = {}
    for at, own in enumerate(owners):
        for place, code in enumerate(own.tolist()):
            order.setdefault(code, []).append((at, place))
        codes.append(np.zeros(len(own), dtype=np.int32))
    for code in sorted(order):
        base = symbols[code]
        for number, (at, place) in enumerate(order[code], start=1):
            name = base if number == 1 else _free(base, number, taken)
            codes[at][place] = len(names)
            names.append(name)
            info = infos[base]
            if number > 1:
                since = str(firsts[at][place])[:10]
                note = f"the ticker {base} was reused: this series begins on {since}"
                info = replace(info, symbol=name, notes=(*info.notes, note))
            if code in accepted:
                info = replace(info, accepted=tuple(sorted({*info.accepted, *accepted[code]})))
            found[name] = info
    tables = [
        replace(b.table, symbols=tuple(names), code=codes[at][place].astype(np.int32))
        for at, (b, place) in enumerate(pieces)
    ]
    if not tables:
        return _without_adjusted(table), found
    return _joined([_without_adjusted(t) for t in tables], tuple(names)), found


def _without(batch: Batch, refused: Mapping[str, str]) -> Batch:
    """The rows of symbols that are not refused, and of each what a series needs."""
    kept = np.array([name not in refused for name in batch.table.symbols], dtype=bool)
    if kept.all() or not len(batch.table):
        return batch
    rows = kept[batch.table.code]
    light = copy.copy(batch)
    light.table, light.series = batch.table.take(rows), batch.series[rows]
    light.accepted = batch.accepted[rows]
    light.factor = light.bridge = light.doubt = light.seen = np.zeros(0)
    return light


def _accepted(batches: Sequence[Batch]) -> dict[int, set[str]]:
    """The stamps of leaps that are known to be real, by symbol, for the next cleaning."""
    found: dict[int, set[str]] = {}
    for batch in batches:
        for row in np.flatnonzero(batch.accepted).tolist():
            found.setdefault(int(batch.table.code[row]), set()).add(batch.day(row))
    return found


def _free(base: str, number: int, taken: set[str]) -> str:
    while (name := f"{base}.{number}") in taken:
        number += 1
    taken.add(name)
    return name


def _without_adjusted(table: BarTable) -> BarTable:
    kept = {name: values for name, values in table.columns.items() if name != "adjusted"}
    return replace(table, columns=kept)


def _joined(tables: list[BarTable], names: tuple[str, ...]) -> BarTable:
    if len(tables) == 1:
        return tables[0]
    first = tables[0]
    joined = replace(
        first,
        code=np.concatenate([t.code for t in tables]),
        time=np.concatenate([t.time for t in tables]),
        columns={n: np.concatenate([t[n] for t in tables]) for n in first.columns},
        file=np.concatenate([t.file for t in tables]),
        line=np.concatenate([t.line for t in tables]),
    )
    return joined.sorted()
