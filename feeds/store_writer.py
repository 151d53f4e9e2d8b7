"""Writing a data set part by part: price tables, universe, adjusted closes, repairs, manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from feeds.adjustment import table_factors
from feeds.bar_table import BarTable
from feeds.calendars import UNITS
from feeds.price_files import read_tables, scan
from feeds.repairs import RepairLog
from feeds.series_info import SeriesInfo
from feeds.set_text import json_lines, write_csv, write_table
from feeds.store import PRICE_COLUMNS, UNIVERSE_COLUMNS

if TYPE_CHECKING:
    import pyarrow

__all__ = ["FORMATS", "SetWriter"]

#: How prices are kept: as text, or, where that would be slow to read, as Parquet.
FORMATS = ("auto", "csv", "parquet")
#: Bars up to which ``auto`` writes text.
_MOST_TEXT_ROWS = 1_000_000
#: Floats with their bytes side by side: half the time of a dictionary, and read as fast.
_FLOATS = ("open", "high", "low", "close", "volume", "market_cap")
_PARQUET: dict[str, Any] = {
    "compression": "lz4",
    "use_dictionary": ["date", "symbol", "split_ratio", "dividend"],
    "column_encoding": dict.fromkeys(_FLOATS, "BYTE_STREAM_SPLIT"),
    "write_statistics": False,
}
#: Dates of the table of closes that are written at a time.
_CLOSES_AT_ONCE = 1024
_SPECIAL = ',"\r\n'
_KINDS = ("prices_equities", "prices_crypto")


class SetWriter:
    """The files of one data set, in a folder that nobody reads yet.

    Parts are written as they come, so that memory holds one part and the adjusted closes, 8 bytes
    a symbol and date.

    Parameters
    ----------
    folder : Path
        Exists and is empty.
    form : {"auto", "csv", "parquet"}
        Of the price tables; ``auto`` is text up to a million bars.
    interval : {"1d", "1h"}
        Length of a bar: days have dates, hours have times in UTC.
    """

    def __init__(self, folder: Path, form: str = "auto", interval: str = "1d") -> None:
        self.folder, self._form, self._interval = folder, form, interval
        self._writers: dict[str, Any] = {}
        self._bars: dict[str, int] = {}
        self._universe: list[tuple[str, ...]] = []
        self._closes: list[tuple[np.ndarray, np.ndarray]] = []
        self._span = np.datetime64("9999-12-31", "s"), np.datetime64("0001-01-01", "s")
        self.rows: dict[str, int] = {}

    def add(self, table: BarTable, infos: Mapping[str, SeriesInfo]) -> None:
        """Write the bars of some symbols; no symbol may come twice.

        Parameters
        ----------
        table : BarTable
            Clean, sorted by symbol and time.
        infos : mapping of str to SeriesInfo
            Of every symbol of `table` that has a row.
        """
        bounds = table.bounds()
        for name, first, stop in zip(table.symbols, bounds[:-1], bounds[1:]):
            if stop > first:
                self._enter(infos[name], table.time[first], table.time[stop - 1])
                self.rows[name] = int(stop - first)
        times, closes = _adjusted_closes(table)
        self._closes.append((times, closes))
        self._span = min(self._span[0], times[0]), max(self._span[1], times[-1])
        is_coin = np.array(
            [name in infos and infos[name].asset_class == "crypto" for name in table.symbols]
        )[table.code]
        for kind, rows in zip(_KINDS, (~is_coin, is_coin)):
            if rows.all():
                self._write(kind, table)
            elif rows.any():
                self._write(kind, table.take(rows))

    def close(self) -> None:
        """No part comes any more."""
        for writer in self._writers.values():
            writer.close()

    def bars(self) -> Iterator[BarTable]:
        """What was written, part by part, until `finish`."""
        for kind in self._writers:
            path = self.folder / f"{kind}.parquet"
            yield from read_tables(path, scan(path), UNITS[self._interval])

    def finish(
        self,
        manifest: dict[str, Any],
        log: RepairLog,
        report: dict[str, Any],
        tables: Mapping[str, pd.DataFrame] | None = None,
        reasons: Mapping[str, str] | None = None,
        never: Collection[str] = (),
        end: np.datetime64 | None = None,
        sectors: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Write everything that needs all parts; returns the manifest as written.

        Parameters
        ----------
        manifest : dict
            What the set is made from; `files`, `start`, `end`, `symbols` are added.
        log : RepairLog
            For repairs.csv.
        report : dict
            For report.json.
        tables : mapping of str to DataFrame, optional
            Further small tables by file name.
        reasons : mapping of str to str, optional
            Why series ended, by symbol, for those that did.
        never : collection of str
            Symbols that are in the set and never in its universe: their start is empty.
        end : datetime64, optional
            Last day the set covers; by default that of its last bar.
        sectors : mapping of str to str, optional
            By symbol; where any is of the set, universe.csv has the column.
        """
        self.close()
        text = self._form == "csv" or (
            self._form == "auto" and sum(self.rows.values()) <= _MOST_TEXT_ROWS
        )
        self._write_closes(text)
        if text:
            for kind in self._writers:
                self._as_text(kind)
        universe = self.universe()
        given = dict(reasons or {})
        known = zip(universe["symbol"], universe["end_reason"])
        universe["end_reason"] = [given.get(name, reason) for name, reason in known]
        universe.loc[universe["symbol"].isin(list(never)), "start"] = ""
        if any(name in (sectors or {}) for name in universe["symbol"]):
            universe["sector"] = [(sectors or {}).get(name, "") for name in universe["symbol"]]
        write_table(self.folder / "universe.csv", universe)
        self._write_log(log)
        for name, table in (tables or {}).items():
            write_table(self.folder / name, table)
        (self.folder / "report.json").write_text(json_lines(report), encoding="utf-8")
        classes = universe["asset_class"]
        whole = {
            **manifest,
            "interval": self._interval,
            "start": str(self._span[0].astype("datetime64[D]")),
            "end": str(np.datetime64(end or self._span[1], "D")),
            "symbols": {name: int((classes == name).sum()) for name in dict.fromkeys(classes)},
            "files": self._entries(),
        }
        content = json.dumps(whole, indent=1, ensure_ascii=False)
        (self.folder / "manifest.json").write_text(content + "\n", encoding="utf-8")
        return whole

    def universe(self) -> pd.DataFrame:
        """universe.csv so far."""
        return pd.DataFrame(self._universe, columns=[*UNIVERSE_COLUMNS, "currency", "exchange"])

    def _enter(self, info: SeriesInfo, first: np.datetime64, last: np.datetime64) -> None:
        days = str(first.astype("datetime64[D]")), str(last.astype("datetime64[D]"))
        kept = info.end_reason, info.volume_unit, info.price_kind, info.currency, info.exchange
        self._universe.append(
            (info.symbol, info.asset_class, info.name or info.symbol, *days, *kept)
        )

    def _write(self, kind: str, table: BarTable) -> None:
        from pyarrow import parquet

        content = self._arrow(table)
        if kind not in self._writers:
            path = self.folder / f"{kind}.parquet"
            self._writers[kind] = parquet.ParquetWriter(path, content.schema, **_PARQUET)
        self._writers[kind].write_table(content, row_group_size=max(len(content), 1))
        self._bars[kind] = self._bars.get(kind, 0) + len(content)

    def _arrow(self, table: BarTable) -> pyarrow.Table:
        """One part as an Arrow table; NaN becomes null."""
        import pyarrow

        # Only symbols with a row: another table may hold the rest.
        table = table.compact()
        names = pyarrow.array(table.symbols, type=pyarrow.string())
        symbols = pyarrow.DictionaryArray.from_arrays(pyarrow.array(table.code), names)
        stamps = pyarrow.array(table.time)
        if self._interval == "1d":
            stamps = stamps.cast(pyarrow.date32())
        columns = {"date": stamps, "symbol": symbols}
        caps = ["market_cap"] if "market_cap" in table.columns else []
        for name in (*PRICE_COLUMNS[2:], *caps):
            columns[name] = pyarrow.array(table[name], from_pandas=True)
        return pyarrow.table(columns)

    def _as_text(self, kind: str) -> None:
        """Turn a table of prices into CSV, with the digits that read back as the same number."""
        from pyarrow import parquet

        path = self.folder / f"{kind}.parquet"
        table = parquet.read_table(path)
        path.unlink()
        if self._interval != "1d":
            import pyarrow.compute

            # Parquet keeps no seconds, only finer stamps: their zeros are not printed.
            stamps = table["date"].cast(pyarrow.timestamp("s"))
            stamps = pyarrow.compute.strftime(stamps, format="%Y-%m-%dT%H:%M:%S")
            table = table.set_column(0, "date", stamps)
        write_csv(self.folder / f"{kind}.csv", table)

    def _write_closes(self, text: bool) -> None:
        """clean_prices: a row a date, a column a symbol."""
        import pyarrow
        from pyarrow import parquet

        times = np.unique(np.concatenate([own for own, _ in self._closes]))
        columns = []
        for own, block in self._closes:
            rows = np.searchsorted(times, own)
            for closes in block:
                whole = closes
                if len(own) < len(times):
                    whole = np.full(len(times), np.nan)
                    whole[rows] = closes
                columns.append(pyarrow.array(whole, from_pandas=True))
        names = [row[0] for row in self._universe]
        stamps = times.astype("datetime64[D]") if self._interval == "1d" else times
        table = pyarrow.table([pyarrow.array(stamps.astype(str)), *columns], ["date", *names])
        if text:
            write_csv(self.folder / "clean_prices.csv", table)
        else:
            path = self.folder / "clean_prices.parquet"
            # In pieces: what is being written is held twice.
            options = {"use_dictionary": False, "write_statistics": False}
            parquet.write_table(table, path, row_group_size=_CLOSES_AT_ONCE, **options)
        # What comes after needs room of its own.
        self._closes.clear()

    def _write_log(self, log: RepairLog) -> None:
        import pyarrow

        rows = log.table()
        days = (
            rows["date"].to_numpy().astype("datetime64[D]" if self._interval == "1d" else "M8[s]")
        )
        rows = rows.assign(date=days.astype(str))
        table = pyarrow.Table.from_pandas(rows, preserve_index=False)
        quoted = any(set(name) & set(_SPECIAL) for name in rows["file"].unique())
        write_csv(self.folder / "repairs.csv", table, quoted)

    def _entries(self) -> dict[str, dict[str, Any]]:
        """Checksum of every table, and the rows of prices; raw bars have an index of their own."""
        entries = {}
        for path in sorted(self.folder.iterdir()):
            if path.is_file():
                with path.open("rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
                kind = path.name.partition(".")[0]
                rows = {"rows": self._bars[kind]} if kind in self._bars else {}
                entries[path.name] = {**rows, "sha256": digest}
        return entries


def _adjusted_closes(table: BarTable) -> tuple[np.ndarray, np.ndarray]:
    """(D,) times and (S, D) adjusted closes of the symbols of a table that have a row."""
    table = table.compact()
    split, payout = table_factors(table)
    times, column = np.unique(table.time, return_inverse=True)
    block = np.full((len(table.symbols), len(times)), np.nan)
    block[table.code, column] = table["close"] * split * payout
    return times, block
