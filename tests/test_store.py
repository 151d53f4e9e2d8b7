"""The store: what is written is read back, and damage is noticed."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feeds.errors import DataError
from feeds.store import load_dataset
from feeds.write import write_folder
from tests.little_set import MANIFEST, files, refuse


@pytest.fixture
def folder(tmp_path) -> Path:
    write_folder(tmp_path / "made", files(), MANIFEST)
    return tmp_path / "made"


class TestLoading:
    def test_raw_prices_volumes_and_returns_come_back(self, folder):
        panel = load_dataset(folder).panel
        assert panel.assets.tolist() == ["NA", "TRUE", "BTC"]
        np.testing.assert_allclose(panel.raw_close[:, 0], [100, 102, 51, 51, 52, 53, 54])
        # 102, then 51 x 2 = 102, then 51 x 2 x 1.01: 0 % and +1 %.
        np.testing.assert_allclose(panel.close[1:4, 0], [102.0, 102.0, 103.02])
        assert panel.volume[0].tolist()[:2] == [1000.0, 5e6]
        np.testing.assert_allclose(panel.dollar_volume[2, :2], [51_000.0, 5e6])

    def test_the_weekend_folds_into_monday(self, folder):
        panel = load_dataset(folder).panel
        monday = 5
        assert str(panel.dates[monday]) == "2021-01-11"
        # 40 on Friday, 30, 20, 25 on Monday; lows 38, 28, 18, 23; Monday's open 26.
        assert panel.close[monday, 2] == 25.0 and panel.close[monday - 1, 2] == 40.0
        assert (panel.low[monday, 2], panel.high[monday, 2]) == (18.0, 32.0)
        assert panel.open[monday, 2] == 26.0 and panel.volume[monday, 2] == 3.0

    def test_what_describes_the_assets(self, folder):
        data = load_dataset(folder)
        assert data.panel.close_only.tolist() == [False, True, False]
        assert data.panel.volume_unit.tolist() == ["units", "currency", "units"]
        assert data.panel.end_reason.tolist() == ["data_end", "bankruptcy", "data_end"]
        assert data.panel.member[:, 1].tolist() == [True] * 4 + [False] * 3
        assert data.panel.member[:, 0].tolist() == [False] + [True] * 6
        assert str(data.panel.next_session) == "2021-01-13"
        assert data.limits == ("It is small.",) and data.name == "made"
        assert set(data.hashes) == set(files())

    def test_references_and_published_factors(self, folder):
        data = load_dataset(folder)
        assert data.reference.columns.tolist() == ["IDX"]
        assert data.reference["IDX"].iloc[[0, -1]].tolist() == [3700.0, 3800.0]
        assert data.published["mkt_rf"].tolist() == [0.01, -0.02]

    def test_every_day(self, folder):
        panel = load_dataset(folder, calendar="24/7").panel
        assert panel.shape == (9, 3) and panel.close[5, 2] == 30.0
        assert panel.tradable[5].tolist() == [False, False, True]

    def test_the_arrays_are_read_only_cold_and_warm(self, folder):
        for _ in range(2):
            panel = load_dataset(folder).panel
            with pytest.raises(ValueError, match="read-only"):
                panel.close[0, 0] = 1.0

    def test_warm_equals_cold(self, folder):
        assert_same(load_dataset(folder).panel, load_dataset(folder).panel)

    @pytest.mark.parametrize("calendar", ["XNYS", "24/7"])
    @pytest.mark.parametrize("end", ["2021-01-05", "2021-01-07", "2021-01-09", "2021-01-11"])
    def test_the_end_cuts(self, folder, calendar, end):
        whole = load_dataset(folder, calendar=calendar).panel
        cut = load_dataset(folder, calendar=calendar, end=dt.date.fromisoformat(end))
        rows = int((whole.dates <= np.datetime64(end)).sum())
        assert cut.panel.shape[0] == rows == len(cut.reference)
        np.testing.assert_array_equal(cut.panel.close, whole.close[:rows])
        assert cut.panel.next_session == whole.dates[rows]
        assert len(cut.published) == 1
        assert cut.panel.end_reason[1] == ("data_end" if end < "2021-01-07" else "bankruptcy")

    def test_an_end_before_the_data(self, folder):
        with pytest.raises(DataError, match="starts on 2021-01-04"):
            load_dataset(folder, end=dt.date(2020, 1, 1))

    def test_prices_as_parquet(self, folder):
        table = pd.read_csv(folder / "prices_crypto.csv")
        (folder / "prices_crypto.csv").unlink()
        table.to_parquet(folder / "prices_crypto.parquet")
        rehash(folder, "prices_crypto.csv", "prices_crypto.parquet")
        assert load_dataset(folder).panel.close[5, 2] == 25.0


class TestCleanPrices:
    def test_it_holds_the_adjusted_closes_of_all_days(self, folder):
        table = pd.read_csv(folder / "clean_prices.csv", index_col=0, keep_default_na=False)
        assert table.columns.tolist() == ["NA", "TRUE", "IDX", "BTC"]
        assert table.at["2021-01-07", "NA"] == "103.02"
        assert table.at["2021-01-09", "NA"] == "" and table.at["2021-01-09", "BTC"] == "30"


class TestCache:
    def test_a_damaged_cache_is_built_again(self, folder):
        whole = load_dataset(folder).panel
        for path in (folder / ".cache").glob("*/close.npy"):
            # A new file: the old one is what the panel in hand is mapped from.
            content = path.read_bytes()
            path.unlink()
            path.write_bytes(content[:100])
        assert_same(load_dataset(folder).panel, whole)
        assert_same(load_dataset(folder).panel, whole)

    def test_new_content_is_never_served_from_an_old_cache(self, folder):
        load_dataset(folder)
        content = (folder / "prices_crypto.csv").read_text().replace(",26,", ",27,")
        (folder / "prices_crypto.csv").write_text(content)
        rehash(folder, "prices_crypto.csv", "prices_crypto.csv")
        assert load_dataset(folder).panel.close[6, 2] == 27.0
        assert len(list((folder / ".cache").iterdir())) == 1

    def test_a_folder_that_cannot_be_written_serves_all_the_same(self, folder, monkeypatch):
        monkeypatch.setattr(Path, "mkdir", refuse)
        assert load_dataset(folder).panel.shape == (7, 3)
        assert not (folder / ".cache").exists()

    def test_a_warm_load_imports_nothing_heavy(self, folder):
        load_dataset(folder)
        code = (
            "import sys; import pandas; before = set(sys.modules)\n"
            "from feeds.store import load_dataset\n"
            f"load_dataset({str(folder)!r})\n"
            "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
            "print(sorted(new & {'exchange_calendars', 'scipy', 'sklearn', 'statsmodels', "
            "'pydantic', 'yaml', 'rich', 'matplotlib'}))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stdout.strip() == "[]", done.stderr


class TestDamage:
    @pytest.mark.parametrize("name", sorted(files()))
    @pytest.mark.parametrize("damage", ["cut", "html", "gone", "byte"])
    def test_every_file_is_watched(self, folder, name, damage):
        load_dataset(folder)
        path = folder / name
        content = path.read_bytes()
        if damage == "gone":
            path.unlink()
        elif damage == "cut":
            path.write_bytes(content[:-3])
        elif damage == "html":
            path.write_bytes(b"<html>503</html>")
        else:
            path.write_bytes(content.replace(b"1", b"2", 1))
        with pytest.raises(DataError, match=name) as caught:
            load_dataset(folder)
        assert "runs.ingest" in caught.value.remedy

    def test_a_folder_without_a_manifest(self, tmp_path):
        with pytest.raises(DataError, match="no manifest.json"):
            load_dataset(tmp_path)

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "x"}', "<html>"])
    def test_a_manifest_that_is_none(self, folder, text):
        (folder / "manifest.json").write_text(text)
        with pytest.raises(DataError, match="manifest"):
            load_dataset(folder)

    @pytest.mark.parametrize(
        ("name", "old", "new", "problem"),
        [
            ("prices_crypto.csv", "volume", "amount", "lacks the column volume"),
            ("universe.csv", "end_reason", "reason", "lacks the column end_reason"),
            ("universe.csv", "TRUE,equity", "NA,equity", "has NA twice"),
            ("prices_crypto.csv", ",30,", ",thirty,", "does not read as a table"),
            ("prices_crypto.csv", "2021-01-10", "2021-01-08", "dates of BTC are not increasing"),
            ("prices_crypto.csv", ",30,", ",-30,", "BTC: close -30"),
        ],
        ids=["column", "universe column", "twice", "number", "order", "negative"],
    )
    def test_content_is_checked_even_where_the_manifest_agrees(
        self, folder, name, old, new, problem
    ):
        path = folder / name
        path.write_text(path.read_text().replace(old, new))
        rehash(folder, name, name)
        with pytest.raises(DataError, match=problem):
            load_dataset(folder, calendar="24/7")

    def test_an_unknown_calendar(self, folder):
        with pytest.raises(DataError, match="'LSE'"):
            load_dataset(folder, calendar="LSE")


def assert_same(one, two) -> None:
    for name in ("dates", "open", "high", "low", "close", "volume", "tradable", "member"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
    for name in ("split_factor", "dividend_factor", "assets", "end_reason", "close_only"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


def rehash(folder: Path, old: str, new: str) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    entry = manifest["files"].pop(old)
    digest = hashlib.sha256((folder / new).read_bytes()).hexdigest()
    manifest["files"][new] = {**entry, "sha256": digest}
    (folder / "manifest.json").write_text(json.dumps(manifest))
