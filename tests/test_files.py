"""Raw vendor files: forms, checksums, and the cut before anything else."""

from __future__ import annotations

import bz2
import gzip
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feeds.errors import ConfigError, DataError
from feeds.recipe import RawFile, Recipe, load_recipe
from feeds.sources.files import fetch, read_raw
from feeds.sources.registry import get_source

FAR = pd.Timestamp("2100-01-01")


def raw(form: str, content: bytes, path: str = "p-1/f.csv", **options: str) -> RawFile:
    return RawFile(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        form=form,
        package="p 1",
        licence="MIT",
        origin="made up",
        options=options,
    )


def read(form: str, text: str, end: pd.Timestamp = FAR, **options: str):
    return read_raw(raw(form, text.encode(), **options), text.encode(), end)


class TestForms:
    def test_returns_are_chained_from_the_base(self):
        # 100 x 1.1 = 110, x 0.9 = 99.
        out = read(
            "wide_returns",
            "Date,AAA,NA\n2021-01-05,0.1,0\n2021-01-06,-1e-1,0.5\n",
            base="100",
            base_date="2021-01-04",
        )
        np.testing.assert_allclose(out["AAA"]["close"], [100.0, 110.0, 99.0])
        np.testing.assert_allclose(out["NA"]["close"], [100.0, 100.0, 150.0])
        assert str(out["AAA"].index[0].date()) == "2021-01-04"
        assert out["AAA"][["open", "high", "low", "volume"]].isna().all(axis=None)

    def test_an_unknown_return_is_no_bar_and_the_level_goes_on(self):
        out = read(
            "wide_returns",
            "Date,A\n2021-01-05,\n2021-01-06,0.5\n",
            base="10",
            base_date="2021-01-04",
        )
        np.testing.assert_array_equal(out["A"]["close"], [10.0, np.nan, 15.0])

    def test_wide_closes(self):
        out = read("wide_close", "Date,A,TRUE\n2021-01-04,1.5,2\n2021-01-05,,3\n")
        np.testing.assert_array_equal(out["A"]["close"], [1.5, np.nan])
        assert out["TRUE"]["close"].tolist() == [2.0, 3.0]

    def test_wide_volumes(self):
        out = read("wide_volume", "Date,A\n2021-01-04,123456789\n")
        assert out["A"]["volume"].tolist() == [123456789.0]

    def test_prefixed_bars_start_with_the_first_quote(self):
        out = read(
            "wide_ohlcv",
            ",X:open,X:high,X:low,X:close,X:volume,Y:open,Y:high,Y:low,Y:close,Y:volume\n"
            "2021-01-04,1,2,0.5,1.5,9,,,,,\n2021-01-05,1,2,0.5,1.5,9,5,6,4,5.5,8\n",
        )
        assert len(out["X"]) == 2 and out["Y"].iloc[0].tolist() == [5.0, 6.0, 4.0, 5.5, 8.0]

    def test_long_bars_are_scaled_to_the_adjusted_close(self):
        # adjusted / close = 0.5: the range halves; dollars are 100 shares x 10.
        out = read(
            "long_ohlcv",
            "symbol,date,open,high,low,close,volume,adjusted\nNA,2021-01-04,8,12,6,10,100,5\n",
        )
        assert out["NA"].iloc[0].tolist() == [4.0, 6.0, 3.0, 5.0, 1000.0]

    def test_yahoo_form(self):
        out = read(
            "yahoo",
            "Date,Open,High,Low,Close,Adj Close,Volume\n2021-01-04,1,3,1,2,2,7\n2021-01-05,,,,,,\n",
            symbol="BTC",
        )
        assert out["BTC"].iloc[0].tolist() == [1.0, 3.0, 1.0, 2.0, 7.0]
        assert out["BTC"].iloc[1].isna().all()

    def test_constituents_keep_their_text_and_lose_their_byte_order_mark(self):
        text = (
            "\ufeffsymbol,name,opt-in,opt-out\nNA,Nano,2020-01-02,\nON,On,2020-01-03,2021-01-04\n"
        )
        out = read("constituents", text)
        assert out["symbol"].tolist() == ["NA", "ON"]
        assert out["opt-out"].tolist() == ["", "2021-01-04"]

    @pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
    def test_compressed(self, suffix, pack):
        content = pack(b"Date,A\n2021-01-04,1\n")
        item = raw("wide_close", content, path="p-1/f.csv" + suffix)
        assert read_raw(item, content, FAR)["A"]["close"].tolist() == [1.0]

    def test_digits_survive(self):
        out = read("wide_close", "Date,A\n2021-01-04,0.1000000000000000055\n")
        assert out["A"]["close"].iloc[0] == 0.1


class TestCut:
    def test_rows_after_the_end_are_never_looked_at(self):
        text = "Date,A\n2021-01-04,1\n2021-01-05,nonsense\n"
        out = read("wide_close", text, pd.Timestamp("2021-01-04"))
        assert out["A"]["close"].tolist() == [1.0]

    def test_a_later_entry_is_not_known(self):
        text = "symbol,name,opt-in,opt-out\nA,A,2020-01-02,\nA,A,2021-01-03,\n"
        assert len(read("constituents", text, pd.Timestamp("2020-12-31"))) == 1


class TestFaults:
    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b"<!DOCTYPE html><html>404</html>", "HTML"),
            (b"", "wide_close"),
            (b"Date,A\nyesterday,1\n", "wide_close"),
            (b'Date,A\n2021-01-04,"1\n', "wide_close"),
        ],
        ids=["html", "empty", "date", "quote"],
    )
    def test_what_is_no_table_is_refused(self, content, problem):
        with pytest.raises(DataError, match=problem):
            read_raw(raw("wide_close", content), content, FAR)

    def test_a_missing_column_is_named(self):
        with pytest.raises(DataError, match="adjusted"):
            read("long_ohlcv", "symbol,date,open,high,low,close,volume\nA,2021-01-04,1,1,1,1,1\n")

    def test_a_cut_archive_is_refused(self):
        content = gzip.compress(b"Date,A\n2021-01-04,1\n" * 50)[:-9]
        with pytest.raises(DataError, match="does not read as wide_close"):
            read_raw(raw("wide_close", content, path="p-1/f.csv.gz"), content, FAR)


class TestFetch:
    CONTENT = b"Date,A\n2021-01-04,1\n"

    def recipe(self, content: bytes = CONTENT) -> Recipe:
        series = {"source": "x", "asset_class": "equity", "symbols": "all"}
        series |= {"volume_unit": "units", "price_kind": "traded"}
        return Recipe.model_validate(
            {
                "name": "n",
                "title": "t",
                "start": "2021-01-04",
                "end": "2021-01-31",
                "raw": {"x": raw("wide_close", content)},
                "series": [series],
                "limits": ["none"],
            }
        )

    def place(self, folder: Path, content: bytes) -> Path:
        (folder / "p-1").mkdir()
        (folder / "p-1/f.csv").write_bytes(content)
        return folder

    def test_files_are_found_by_source(self, tmp_path):
        found = get_source("files")(self.recipe(), self.place(tmp_path, self.CONTENT), FAR)
        assert list(found.bars) == ["x"]
        assert found.sha256["p-1/f.csv"] == hashlib.sha256(self.CONTENT).hexdigest()

    def test_another_content_is_refused_unless_trusted(self, tmp_path):
        folder = self.place(tmp_path, self.CONTENT + b"2021-01-05,2\n")
        with pytest.raises(DataError, match="the recipe expects") as caught:
            fetch(self.recipe(), folder, FAR)
        assert "--trust-raw" in caught.value.remedy
        assert len(fetch(self.recipe(), folder, FAR, trust=True).bars["x"]["A"]) == 2

    def test_a_missing_file_names_its_package(self, tmp_path):
        with pytest.raises(DataError, match="cannot read") as caught:
            fetch(self.recipe(), tmp_path, FAR)
        assert "p 1" in caught.value.remedy

    def test_an_unknown_source_is_refused(self):
        with pytest.raises(ConfigError, match="'nasdaq'"):
            get_source("nasdaq")


class TestRecipes:
    BASE = "name: n\ntitle: t\nstart: 2021-01-04\nend: 2021-01-31\nraw: {}\nlimits: [none]\n"

    def load(self, tmp_path: Path, text: str) -> Recipe:
        (tmp_path / "r.yaml").write_text(text)
        return load_recipe(tmp_path / "r.yaml")

    def test_symbols_that_yaml_takes_for_something_else(self, tmp_path):
        text = self.BASE + "series: []\nuniverse: {renamed: {ON: NO, TRUE: NULL, 'Y': 1e5}}\n"
        renamed = self.load(tmp_path, text).universe.renamed
        assert renamed == {"ON": "NO", "TRUE": "NULL", "Y": "1e5"}

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            (BASE + "series: []\nlimitz: []\n", "limitz"),
            (BASE + "series: []\nname: m\n", "'name' is given twice"),
            (BASE, "series"),
            (BASE + "series: [", "not a valid recipe"),
            (
                BASE + "series:\n- {source: q, asset_class: equity, symbols: all, "
                "volume_unit: units, price_kind: index}\n",
                "'q' is not one of raw",
            ),
            (
                BASE + "series: []\nrepairs:\n- {action: truncate, symbols: [A], "
                "dates: [2021-01-05], reason: because of it}\n",
                "end_reason",
            ),
        ],
        ids=["unknown key", "key twice", "missing key", "no yaml", "no source", "truncate"],
    )
    def test_mistakes_are_named(self, tmp_path, text, problem):
        with pytest.raises(ConfigError, match=problem) as caught:
            self.load(tmp_path, text)
        assert len(str(caught.value).splitlines()) <= 3

    def test_a_missing_recipe(self, tmp_path):
        with pytest.raises(ConfigError, match="cannot read the recipe"):
            load_recipe(tmp_path / "none.yaml")

    @pytest.mark.parametrize("path", sorted(Path("configs/recipes").glob("*.yaml")), ids=str)
    def test_the_committed_recipes_are_complete(self, path):
        recipe = load_recipe(path)
        assert recipe.name == path.stem
        for item in recipe.raw.values():
            assert item.licence and item.origin and item.package
