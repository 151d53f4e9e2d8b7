"""Price files in any form and order give the same panel, or are refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import feeds.price_files as price_files
from benchmarks import data_store
from feeds.bar_table import concatenate
from feeds.errors import DataError
from feeds.price_files import read_tables, scan
from feeds.store import load_dataset, read_native
from feeds.write import write_folder
from tests.little_set import MANIFEST, files

FIELDS = ("open", "high", "low", "close", "volume", "split_factor", "dividend_factor")


class TestFiles:
    """The same bars in any form give the same panel."""

    @pytest.fixture
    def folder(self, tmp_path) -> Path:
        write_folder(tmp_path / "made", files(), MANIFEST)
        return tmp_path / "made"

    def replaced(self, folder: Path, old: str, new: str, write) -> Path:
        """The folder with a price file rewritten by `write(table, path)`."""
        table = pd.read_csv(folder / old, keep_default_na=False, na_values={"open": [""]})
        numbers = table.columns.drop(["date", "symbol"])
        table[numbers] = table[numbers].apply(pd.to_numeric, errors="coerce")
        (folder / old).unlink()
        write(table, folder / new)
        manifest = json.loads((folder / "manifest.json").read_text())
        del manifest["files"][old]
        digest = hashlib.sha256((folder / new).read_bytes()).hexdigest()
        manifest["files"][new] = {"sha256": digest}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return folder

    @pytest.mark.parametrize("size", [1, 2, 5, 1000])
    def test_batches_of_any_size(self, folder, size, monkeypatch):
        whole = load_dataset(folder).panel
        remove_cache(folder)
        monkeypatch.setattr(price_files, "_ROWS", size)
        monkeypatch.setattr(price_files, "_BLOCK_BYTES", 200)
        assert_same(load_dataset(folder).panel, whole)

    def test_tables_hold_whole_symbols_and_few_rows(self, folder, monkeypatch):
        monkeypatch.setattr(price_files, "_ROWS", 4)
        monkeypatch.setattr(price_files, "_BLOCK_BYTES", 200)
        path = folder / "prices_equities.csv"
        found = [
            [table.symbols[code] for code in np.unique(table.code)]
            for table in read_tables(path, scan(path))
        ]
        assert found == [["NA"], ["TRUE"], ["IDX"]]

    def test_rows_by_date_as_well_as_by_symbol(self, folder):
        whole = load_dataset(folder).panel
        name = "prices_equities.csv"
        made = self.replaced(
            folder, name, name, lambda table, path: by_date(table).to_csv(path, index=False)
        )
        assert not scan(folder / name).together
        assert_same(load_dataset(made).panel, whole)

    @pytest.mark.parametrize("kind", ["text", "dictionary", "date32", "us", "ns", "utc", "s"])
    def test_dates_and_symbols_of_parquet_in_any_type(self, folder, kind):
        whole = load_dataset(folder).panel

        def write(table: pd.DataFrame, path: Path) -> None:
            made = pa.Table.from_pandas(table, preserve_index=False)
            days = pa.array(pd.to_datetime(table["date"]).dt.as_unit("s"))
            types = {"date32": pa.date32(), "us": pa.timestamp("us"), "ns": pa.timestamp("ns")}
            if kind in types:
                made = made.set_column(0, "date", days.cast(types[kind]))
            elif kind == "utc":
                made = made.set_column(0, "date", days.cast(pa.timestamp("ms", "UTC")))
            elif kind == "s":
                made = made.set_column(0, "date", days)
            elif kind == "dictionary":
                for place, name in enumerate(("date", "symbol")):
                    made = made.set_column(
                        place, name, made[name].cast(pa.string()).dictionary_encode()
                    )
            pq.write_table(made, path, row_group_size=5)

        made = self.replaced(folder, "prices_equities.csv", "prices_equities.parquet", write)
        assert_same(load_dataset(made).panel, whole)

    def test_compressed_and_with_columns_of_its_own(self, folder):
        whole = load_dataset(folder).panel

        def write(table: pd.DataFrame, path: Path) -> None:
            table.assign(note="a,b\n", extra=1)[table.columns[::-1].tolist() + ["note"]].to_csv(
                path, index=False
            )

        made = self.replaced(folder, "prices_crypto.csv", "prices_crypto.csv.gz", write)
        assert_same(load_dataset(made).panel, whole)

    def test_a_file_without_a_row(self, folder):
        made = self.replaced(
            folder, "prices_crypto.csv", "prices_crypto.csv",
            lambda table, path: table.iloc[:0].to_csv(path, index=False),
        )  # fmt: skip
        panel = load_dataset(made).panel
        assert not panel.tradable[:, 2].any() and panel.tradable[:, 0].all()

    @pytest.mark.parametrize("form", ["csv", "parquet"])
    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            (lambda table: table.drop(columns="low"), "lacks the column low"),
            (lambda table: table.astype({"close": object}).assign(close="x"), "read as a table"),
            (lambda table: table.assign(date="2021-13-01"), "read as a table"),
            (lambda table: pd.concat([table, table.iloc[-1:]]), "row 6: the dates of BTC are not"),
            (lambda table: pd.concat([table, table.iloc[:1]]), "row 6: the dates of BTC are not"),
            (lambda table: table.assign(symbol="NA"), "has bars of NA, and so has prices_eq"),
            (lambda table: table.assign(close=-1.0), "BTC: close -1.0 on 2021-01-08 is not"),
            (lambda table: table.assign(close=np.nan), "BTC: close nan on 2021-01-08 is not"),
        ],
        ids="column number date twice order both negative nan".split(),
    )
    def test_what_is_no_table_of_bars_is_refused(self, folder, form, change, problem):
        def write(table: pd.DataFrame, path: Path) -> None:
            made = change(table)
            if form == "csv":
                made.to_csv(path, index=False)
            else:
                made.to_parquet(path, index=False)

        made = self.replaced(folder, "prices_crypto.csv", f"prices_crypto.{form}", write)
        with pytest.raises(DataError, match=problem) as caught:
            load_dataset(made)
        assert len(str(caught.value).splitlines()) <= 3
        assert not list((folder / ".cache").glob("*"))

    @pytest.mark.parametrize("column", ["date", "symbol"])
    def test_a_row_without_a_date_or_symbol(self, folder, column):
        def write(table: pd.DataFrame, path: Path) -> None:
            table[column] = table[column].astype(object)
            table.loc[2, column] = None
            table.to_parquet(path, index=False)

        made = self.replaced(folder, "prices_crypto.csv", "prices_crypto.parquet", write)
        with pytest.raises(DataError, match=f"without a {column}"):
            load_dataset(made)

    def test_numbers_are_read_to_the_last_bit(self, folder):
        # 17 digits name a double; 0.1 + 0.2 is not 0.3.
        path = folder / "prices_crypto.csv"
        rows = path.read_text().replace(",30,", f",{0.1 + 0.2!r},").replace(",25,", ",1e23,")
        path.write_text(rows)
        table = concatenate(list(read_tables(path, scan(path))))
        assert table["close"].tolist()[1:4] == [0.30000000000000004, 20.0, 1e23]


class TestNative:
    def test_bars_come_as_stored(self, tmp_path):
        write_folder(tmp_path / "made", files(), MANIFEST)
        table = read_native(tmp_path / "made", ["BTC", "NA"])
        coin = table.frame("BTC")
        assert coin["close"].tolist() == [40.0, 30.0, 20.0, 25.0, 26.0]  # the weekend included
        assert coin.index[1] == pd.Timestamp("2021-01-09")
        assert table.frame("NA")["split_ratio"].tolist() == [1, 1, 2, 1, 1, 1, 1]
        held = np.unique(table.code)
        assert {table.symbols[code] for code in held} == {"BTC", "NA"}
        assert table.line[table.code == table.symbols.index("BTC")].tolist() == [1, 2, 3, 4, 5]
        assert table.is_sorted()

    def test_all_symbols_or_none(self, tmp_path):
        write_folder(tmp_path / "made", files(), MANIFEST)
        assert len(read_native(tmp_path / "made")) == 7 + 4 + 7 + 5
        assert len(read_native(tmp_path / "made", ["NONE"])) == 0


class TestBenchmark:
    def test_its_set_is_one(self, tmp_path):
        data_store.write_set(tmp_path / "set", assets=20, count=33)
        panel = load_dataset(tmp_path / "set").panel
        assert panel.shape == (33, 20) and panel.tradable.all()
        # 2 for 1 of every tenth in the middle, dividends of every fifth.
        assert (panel.split_factor[-1] == 2.0).sum() == 2 and panel.split_factor[15, 0] == 1.0
        assert (panel.dividend_factor[-1] > 1.0).sum() == 4

    @pytest.mark.slow
    def test_it_runs(self, capsys):
        options = ["--assets", "30", "--sessions", "20", "--repeats", "1", "--json"]
        data_store.main(options)
        found = json.loads(capsys.readouterr().out)
        assert set(found) == {
            "first_cpu", "first_peak_mb", "open_ms", "open_peak_mb", "private_mb",
        }  # fmt: skip
        assert found["private_mb"] < 1.0


def by_date(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(["date", "symbol"], kind="stable")


def remove_cache(folder: Path) -> None:
    for path in sorted((folder / ".cache").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


def assert_same(one, two) -> None:
    for name in (*FIELDS, "dates", "tradable", "member", "close_only"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
