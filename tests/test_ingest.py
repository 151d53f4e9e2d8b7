"""The command: fetch, clean, align, store; and that nothing before a day knows the days after."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from feeds.store import load_dataset
from runs.ingest import main

SYMBOLS = ["AAA", "NA", "ON", "TRUE", "OLD"]
DAYS = pd.bdate_range("2021-01-04", "2021-03-31")
HOLIDAYS = pd.DatetimeIndex(["2021-01-18", "2021-02-15"])
DATES = DAYS.difference(HOLIDAYS)
COIN_DAYS = pd.date_range("2021-01-10", "2021-03-31")


def csv(table: pd.DataFrame) -> bytes:
    return table.to_csv().encode()


def raw_files() -> dict[str, bytes]:
    rng = np.random.default_rng(11)
    returns = rng.normal(0, 0.02, (len(DATES), len(SYMBOLS))).round(5)
    returns[20, 0] = 0.5  # a spin-off that was adjusted for twice
    volumes = rng.integers(1_000_000, 9_000_000, returns.shape)
    walk = 30_000 * np.exp(np.cumsum(rng.normal(0, 0.04, len(COIN_DAYS))))
    coin = pd.DataFrame({"BTC:open": walk}, index=COIN_DAYS).round(2)
    coin["BTC:high"], coin["BTC:low"] = coin["BTC:open"] * 1.02, coin["BTC:open"] * 0.98
    coin["BTC:close"] = (coin["BTC:open"] * rng.uniform(0.985, 1.015, len(walk))).round(2)
    coin["BTC:volume"] = rng.uniform(10, 99, len(walk)).round(3)
    usd = pd.DataFrame(
        {name: coin[f"BTC:{name.lower()}"] for name in ("Open", "High", "Low", "Close")}
    )
    usd = (usd * 1.001).assign(Volume=1e9)
    members = "symbol,name,opt-in,opt-out\nAAA,Triple A,2021-02-01,\nNB,Nano,1999-01-01,\n"
    members += "ON,Early,1980-01-01,1999-01-01\nON,On,2021-03-10,\nTRUE,True,2022-01-01,\n"
    members += "OLD,Old,2010-01-01,2021-03-01\n"
    return {
        "v/returns.csv": csv(pd.DataFrame(returns, DATES, SYMBOLS)),
        "v/volumes.csv": csv(pd.DataFrame(volumes, DATES, SYMBOLS)),
        "v/coin.csv": csv(coin.loc[:"2021-03-10"]),
        "v/usd.csv": usd.rename_axis("Date").to_csv().encode(),
        "v/members.csv": members.encode(),
        "v/french.csv": b"m,MktRF,SMB,HML,Mom,RF\n2021-01-01,.01,0,0,0,.001\n"
        b"2021-02-01,.02,0,0,0,.001\n2021-03-01,.03,0,0,0,.001\n",
    }


def recipe(files: dict[str, bytes]) -> dict:
    forms = {
        "returns": {"form": "wide_returns", "options": {"base": 100, "base_date": "2020-12-31"}},
        "volumes": {"form": "wide_volume"},
        "coin": {"form": "wide_ohlcv"},
        "usd": {"form": "yahoo", "options": {"symbol": "BTC"}},
        "members": {"form": "constituents"},
        "french": {"form": "monthly_factors"},
    }
    raw = {}
    for name, form in forms.items():
        path = f"v/{name}.csv"
        digest = hashlib.sha256(files[path]).hexdigest()
        source = {"path": path, "sha256": digest, "package": "v", "licence": "MIT", "origin": "v"}
        raw[name] = source | form
    stocks = {"source": "returns", "asset_class": "equity", "symbols": "all"}
    stocks |= {"volume_source": "volumes", "volume_unit": "currency", "price_kind": "adjusted"}
    coin = {"source": "coin", "asset_class": "crypto", "symbols": {"BTC": "BTC"}}
    coin |= {"volume_unit": "units", "price_kind": "traded", "listed": False}
    coin["join"] = {"source": "usd", "symbol": "BTC", "first": "2021-03-11"}
    coin["join"]["volume"] = "dollars_to_units"
    why = "adjusted for twice"
    columns = {"MktRF": "mkt_rf", "SMB": "smb", "HML": "hml", "Mom": "mom", "RF": "rf"}
    return {
        "name": "little",
        "title": "A little set",
        "start": "2020-12-31",
        "end": "2021-03-31",
        "raw": raw,
        "series": [stocks, coin],
        "universe": {"source": "members", "renamed": {"NA": "NB"}},
        "repairs": [
            {
                "action": "void",
                "symbols": ["AAA"],
                "dates": [str(DATES[20].date())],
                "reason": why,
            },
            {
                "action": "truncate",
                "symbols": ["OLD"],
                "dates": ["2021-03-01"],
                "end_reason": "merger",
                "reason": "bought by another",
            },
        ],
        "published": {"source": "french", "columns": columns},
        "limits": ["It is little."],
    }


@pytest.fixture
def raw(tmp_path) -> Path:
    files = raw_files()
    (tmp_path / "raw/v").mkdir(parents=True)
    for name, content in files.items():
        (tmp_path / "raw" / name).write_bytes(content)
    (tmp_path / "little.yaml").write_text(yaml.safe_dump(recipe(files)))
    return tmp_path


def ingest(folder: Path, out: str, *more: str) -> int:
    arguments = ["--source", "files", "--recipe", str(folder / "little.yaml")]
    arguments += ["--raw", str(folder / "raw"), "--out", str(folder / out), "--quiet"]
    return main([*arguments, *more])


def same_panels(one, two) -> None:
    for item in dataclasses.fields(one):
        first, second = getattr(one, item.name), getattr(two, item.name)
        if isinstance(first, np.ndarray):
            np.testing.assert_array_equal(first, second, err_msg=item.name)
        else:
            assert first == second, item.name


class TestWhatIsMade:
    def test_the_set(self, raw):
        assert ingest(raw, "out") == 0
        data = load_dataset(raw / "out")
        panel = data.panel
        assert panel.assets.tolist() == [*SYMBOLS, "BTC"]
        assert panel.shape == (1 + len(DATES), 6)
        assert panel.member.sum(axis=0)[3] == 0  # enters in 2022: never
        assert panel.dates[panel.member[:, 2]][0] == np.datetime64("2021-03-10")
        assert panel.dates[panel.member[:, 4]][-1] == np.datetime64("2021-03-01")
        assert panel.end_reason.tolist() == ["data_end"] * 4 + ["merger", "data_end"]
        assert data.published["mkt_rf"].tolist() == [0.01, 0.02, 0.03]
        assert str(data.published.index[0].date()) == "2021-01-31"

    def test_the_false_return_is_gone_and_the_others_are_there(self, raw):
        ingest(raw, "out")
        close = load_dataset(raw / "out").panel.close[:, 0]
        given = pd.read_csv(raw / "raw/v/returns.csv", index_col=0)["AAA"].to_numpy()
        assert np.isnan(close[21])
        kept = np.delete(given, 20)
        np.testing.assert_allclose(np.delete(close, 21)[1:], 100 * np.cumprod(1 + kept), rtol=1e-6)

    def test_every_repair_is_in_the_manifest(self, raw):
        ingest(raw, "out")
        manifest = json.loads((raw / "out/manifest.json").read_text())
        found = {(item["action"], item["symbol"]) for item in manifest["repairs"]}
        assert found == {
            ("void", "AAA"),
            ("truncate", "OLD"),
            ("join", "BTC"),
            ("never_enters", "TRUE"),
        }
        assert manifest["fetch_time"] is None
        rows = {name: item["rows"] for name, item in manifest["files"].items()}
        assert rows["universe.csv"] == 6 and rows["published_monthly.csv"] == 3

    def test_twice_is_the_same_to_the_byte(self, raw):
        ingest(raw, "one")
        ingest(raw, "two")
        names = sorted(path.name for path in (raw / "one").iterdir())
        assert names == sorted(path.name for path in (raw / "two").iterdir())
        for name in names:
            assert (raw / "one" / name).read_bytes() == (raw / "two" / name).read_bytes()

    def test_the_report(self, raw, capsys):
        arguments = ["--recipe", str(raw / "little.yaml"), "--raw", str(raw / "raw")]
        assert main([*arguments, "--out", str(raw / "out")]) == 0
        shown = capsys.readouterr().out
        for text in ("A little set", "adjusted for twice", "bought by another", "It is little."):
            assert text in shown
        assert max(map(len, shown.splitlines())) <= 100

    def test_quiet_prints_nothing(self, raw, capsys):
        ingest(raw, "out")
        assert capsys.readouterr().out == ""


class TestNoLookAhead:
    # Before the coin, in a weekend, before and after the void, the join and the truncation.
    ENDS = ("2021-01-08", "2021-02-02", "2021-02-06", "2021-02-26", "2021-03-05", "2021-03-15")

    @pytest.mark.parametrize("calendar", ["XNYS", "24/7"])
    def test_a_set_that_ends_early_is_the_beginning_of_the_whole(self, raw, calendar):
        ingest(raw, "whole")
        for end in self.ENDS:
            assert ingest(raw, "cut", "--end", end) == 0
            day = dt.date.fromisoformat(end)
            whole = load_dataset(raw / "whole", calendar=calendar, end=day)
            cut = load_dataset(raw / "cut", calendar=calendar)
            same_panels(whole.panel, cut.panel)
            pd.testing.assert_frame_equal(whole.published, cut.published)

    def test_scrambling_what_comes_later_changes_nothing_before(self, raw):
        ingest(raw, "whole")
        for end in self.ENDS[::2]:
            self.scramble(raw / "raw", end)
            assert ingest(raw, "scrambled", "--trust-raw") == 0
            day = dt.date.fromisoformat(end)
            one = load_dataset(raw / "whole", end=day).panel
            same_panels(one, load_dataset(raw / "scrambled", end=day).panel)
            assert ingest(raw, "cut", "--trust-raw", "--end", end) == 0
            same_panels(one, load_dataset(raw / "cut").panel)

    def scramble(self, folder: Path, end: str) -> None:
        rng = np.random.default_rng(5)
        for name, content in raw_files().items():
            head, *rows = content.decode().splitlines()
            if name in ("v/members.csv", "v/french.csv"):
                continue
            for index, row in enumerate(rows):
                if row[:10] > end:
                    day, *values = row.split(",")
                    factor = rng.uniform(0.3, 3.0)
                    rows[index] = ",".join([day, *(str(float(v) * factor) for v in values)])
            (folder / name).write_text("\n".join([head, *rows]) + "\n")

    def test_start_and_end_narrow_the_set(self, raw):
        ingest(raw, "out", "--start", "2021-02-01", "--end", "2021-02-26")
        dates = load_dataset(raw / "out").panel.dates
        assert [str(dates[0]), str(dates[-1])] == ["2021-02-01", "2021-02-26"]


class TestMistakes:
    @pytest.mark.parametrize(
        ("more", "problem"),
        [
            (("--end", "2019-01-01"), "is empty"),
            (("--start", "2022-01-01"), "is empty"),
            (("--raw", "nowhere"), "cannot read"),
            (("--recipe", "nowhere.yaml"), "cannot read the recipe"),
        ],
    )
    def test_they_exit_2_in_three_lines(self, raw, capsys, more, problem):
        assert ingest(raw, "out", *more) == 2
        told = capsys.readouterr().err
        assert problem in told and len(told.splitlines()) <= 3 and "Traceback" not in told
        assert not (raw / "out").exists()

    def test_a_raw_file_that_changed(self, raw, capsys):
        path = raw / "raw/v/coin.csv"
        path.write_bytes(path.read_bytes() + b"2021-04-01,1,1,1,1,1\n")
        assert ingest(raw, "out") == 2
        assert "sha256" in capsys.readouterr().err

    def test_a_folder_of_something_else_is_left_alone(self, raw, capsys):
        assert ingest(raw, "raw") == 2
        assert "holds no data set" in capsys.readouterr().err
        assert len(list((raw / "raw/v").iterdir())) == 6

    def test_a_bad_date_is_refused_by_the_parser(self, raw):
        with pytest.raises(SystemExit) as caught:
            ingest(raw, "out", "--end", "31.12.2020")
        assert caught.value.code == 2

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_read_only_place(self, raw, capsys):
        (raw / "closed").mkdir(mode=0o500)
        assert ingest(raw, "closed/out") == 2
        assert "cannot write" in capsys.readouterr().err

    def test_a_place_below_a_file(self, raw, capsys):
        assert ingest(raw, "little.yaml/out") == 2
        assert "cannot write" in capsys.readouterr().err
