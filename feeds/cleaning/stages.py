"""The stages that a batch goes through, in their order."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from feeds.cleaning.adjusted import compare_adjusted, take_events
from feeds.cleaning.batch import STATE, Batch
from feeds.cleaning.copies import check_copies
from feeds.cleaning.days import Days
from feeds.cleaning.events import carry_events, chain_events, mend_again, mend_events, with_adjusted
from feeds.cleaning.gaps import check_constant, check_gaps
from feeds.cleaning.idle import carried_rows, check_placeholders, check_stale, flat_rows
from feeds.cleaning.levels import Found, find_leaps
from feeds.cleaning.ranges import check_ranges, check_volume
from feeds.cleaning.rows import check_rows
from feeds.cleaning.times import check_duplicates, check_times, sort_rows
from feeds.series_info import SeriesInfo

__all__ = ["clean_batch"]


def clean_batch(
    batch: Batch, infos: Mapping[str, SeriesInfo], known: np.datetime64 | None
) -> Batch:
    """All stages; the batch that is left has no row that is gone."""
    batch = check_times(sort_rows(batch))
    check_rows(batch, known)
    batch = _settled(batch)
    check_duplicates(batch)
    batch = _settled(batch)
    check_ranges(batch)
    check_volume(batch)
    check_placeholders(batch, flat_rows(batch))
    batch = _settled(batch)
    mend_events(batch)
    batch.adjusted = with_adjusted(batch)
    chain_events(batch)
    _accept(batch, infos)
    days = Days(batch.table.time, batch.listed)
    batch = _until_nothing_goes(batch, days, infos)
    batch.accepted |= batch.seen > 0
    take_events(batch)
    compare_adjusted(batch)
    _tell(batch, days)
    return batch


def _settled(batch: Batch) -> Batch:
    """Without the rows that are gone, whose events the next rows take over."""
    _leave_refused(batch)
    if not batch.gone.any():
        return batch
    carry_events(batch)
    return batch.settle()


def _leave_refused(batch: Batch) -> None:
    """Let the rows of refused symbols go: what is in them need not make sense."""
    if batch.refused:
        names = batch.table.symbols
        batch.gone |= np.array([name in batch.refused for name in names])[batch.table.code]


def _accept(batch: Batch, infos: Mapping[str, SeriesInfo]) -> None:
    """Mark the leaps that the rules or an earlier cleaning say are real."""
    for code, name in enumerate(batch.table.symbols):
        days = (*infos[name].accepted, *batch.rules.accept.get(name, ()))
        if days:
            first, last = np.searchsorted(batch.table.code, [code, code + 1])
            stamps = np.array(days, dtype="datetime64[s]")
            batch.accepted[first:last] |= np.isin(batch.table.time[first:last], stamps)


def _until_nothing_goes(batch: Batch, days: Days, infos: Mapping[str, SeriesInfo]) -> Batch:
    """Look for prints, stale rows and copies again in symbols that lost a row, until none does.

    What is left is then the same when it is cleaned once more. Each round looks backward only,
    and changes nothing where a shorter table had none to change; so all of them together do.
    """
    units = [infos[name].volume_unit for name in batch.table.symbols]
    rows: np.ndarray | slice = slice(None)
    while True:
        part = batch.take(rows)
        _round(part, days, units)
        _write_back(batch, part, rows)
        del part
        _leave_refused(batch)
        touched = np.unique(batch.table.code[batch.gone])
        if not len(touched):
            return batch
        batch = _settled(batch)
        mend_again(batch)
        rows = np.flatnonzero(np.isin(batch.table.code, touched))


def _write_back(batch: Batch, part: Batch, rows: np.ndarray | slice) -> None:
    if not isinstance(rows, slice):
        breaks = np.zeros(len(batch.series), dtype=np.int32)
        fresh = part.starts() & ~batch.starts()[rows]
        breaks[rows[fresh]] = 1
        batch.series = batch.series + np.cumsum(breaks, dtype=np.int32)
    else:
        batch.series = part.series
    if part.bridged:
        columns = {name: batch.table[name].copy() for name in ("split_ratio", "dividend")}
        for name, values in columns.items():
            values[rows] = part.table[name]
        batch.table, batch.bridged = batch.table.with_columns(**columns), True
    for name in STATE[1:]:
        getattr(batch, name)[rows] = getattr(part, name)


def _round(batch: Batch, days: Days, units: list[str]) -> None:
    """Placeholders, leaps, stale rows, copies: each among the rows that are left."""
    flat = flat_rows(batch)
    check_placeholders(batch, flat)
    kept = np.flatnonzero(~batch.gone)
    part = batch.take(kept) if len(kept) < len(flat) else batch
    numbers = days.numbers(part.table.time)
    _apply(part, find_leaps(part, numbers, units))
    _remember(part, numbers, check_stale(part, carried_rows(part, flat[kept])))
    check_copies(part, part.table.time.view("int64") if not part.daily else numbers)
    if part is not batch:
        _write_back(batch, part, kept)


def _remember(batch: Batch, numbers: np.ndarray, stale: np.ndarray) -> None:
    """A series that only did not trade is not another one when it trades again."""
    kept = np.flatnonzero(~batch.gone)
    place = np.searchsorted(kept, stale)
    after, stale = kept[place[place < len(kept)]], stale[place < len(kept)]
    own = batch.series[after] == batch.series[stale]
    np.maximum.at(batch.seen, after[own], numbers[stale[own]])


def _apply(batch: Batch, found: Found) -> None:
    """Do about leaps what the rules say."""
    closes = batch.table["close"]
    for row in found.leaps:
        name = batch.table.symbols[batch.table.code[row]]
        batch.leaps.setdefault(name, set()).add(int(batch.table.time[row].astype(np.int64)))
    if found.doubts:
        rows, ratios = (np.array(values) for values in zip(*found.doubts))
        batch.doubt[rows] = ratios
    spikes = np.array(found.spikes, dtype=np.int64)
    batch.find("spike", spikes, "close", before=closes[spikes])
    batch.moved[found.real] = True
    batch.accepted[found.accepted] = True
    reused = np.array(found.reused, dtype=np.int64)
    if (
        batch.find("ticker_reuse", reused, "close", closes[reused - 1], closes[reused])
        == "new_series"
    ):
        breaks = np.zeros(len(batch.series), dtype=np.int32)
        breaks[reused] = 1
        batch.series = batch.series + np.cumsum(breaks, dtype=np.int32)
    ends = np.append(np.flatnonzero(batch.starts())[1:], len(closes))
    for row, fault, last, ratio in found.changes:
        at = np.array([row])
        step = batch.factor[row] - batch.factor[last]
        action = batch.find(fault, at, "split_ratio", np.exp([step]), np.array([ratio]))
        if action == "repair":
            stop = ends[np.searchsorted(ends, row, side="right")]
            batch.factor[row:stop] += np.log(ratio) - step
            _bridge(batch, row, ratio)
        # What is left of a leap is not judged again.
        batch.accepted[row] = True


def _bridge(batch: Batch, row: int, ratio: float) -> None:
    """Let the split ratio stand for all that happened over the bar of a row."""
    if batch.adjusted[row]:
        batch.bridge[row] = ratio
        return
    splits, cash = batch.table["split_ratio"].copy(), batch.table["dividend"].copy()
    splits[row], cash[row], batch.bridged = ratio, 0.0, True
    batch.table = batch.table.with_columns(split_ratio=splits, dividend=cash)


def _tell(batch: Batch, days: Days) -> None:
    """What is only noted: real leaps, carried prices, gaps, series of one price."""
    closes = batch.table["close"]
    rows = np.flatnonzero(batch.moved & ~batch.starts())
    batch.find("real_move", rows, "close", closes[rows - 1], closes[rows])
    # Without volume a split is only told, whatever is done about those that volume bears out.
    rows = np.flatnonzero((batch.doubt != 1) & ~batch.starts())
    batch.log.add(
        batch.table, rows, "unadjusted_split", "flag", "split_ratio", None, batch.doubt[rows]
    )
    carried = np.flatnonzero(carried_rows(batch, flat_rows(batch)))
    batch.find("carried", carried, "close", before=closes[carried])
    if batch.daily or not batch.listed:
        bars = days if batch.daily else Days(batch.table.time, False, hours=True)
        check_gaps(batch, bars, bars.numbers(batch.table.time), _dropped(batch, bars))
    check_constant(batch)


def _dropped(batch: Batch, days: Days) -> np.ndarray:
    """Symbol and session of each dropped row, as one number."""
    places = {name: code for code, name in enumerate(batch.table.symbols)}
    keys = []
    for part in batch.log.parts:
        if part.action == "drop":
            code = np.array([places[name] for name in part.symbol.tolist()], dtype=np.int64)
            inside = days.inside(part.date)
            keys.append(code[inside] * (1 << 32) + days.numbers(part.date[inside]))
    return np.concatenate(keys) if keys else np.zeros(0, dtype=np.int64)
