"""Daily figures and sectors: from a file into a set, and from the set into a panel."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feeds.daily_figures import align_daily
from feeds.errors import DataError
from feeds.figures import Figures
from feeds.figures_file import read_daily_files
from feeds.sectors import read_sectors
from feeds.store import load_dataset
from runs.ingest import main

NAN = np.nan
#: Friday 8, Monday 11, Tuesday 12 January 2021.
SESSIONS = np.array(["2021-01-08", "2021-01-11", "2021-01-12"], dtype="datetime64[D]")


def daily(rows: list[tuple], *names: str) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["date", "symbol", *names])
    return table.assign(date=pd.to_datetime(table["date"]))


def aligned(table: pd.DataFrame, dates=SESSIONS, assets=("BTC", "ETH")) -> dict[str, np.ndarray]:
    events = align_daily(table, list(assets), dates)
    held = Figures.of(events, (len(dates), len(assets)))
    return {name: held.array(name) for name in held.names}


def test_the_days_of_a_weekend_fold_into_the_mean_of_monday() -> None:
    rows = [("2021-01-08", "BTC", 1.0), ("2021-01-09", "BTC", 2.0), ("2021-01-10", "BTC", 6.0)]
    rows += [("2021-01-11", "BTC", 7.0), ("2021-01-12", "ETH", 3.0)]
    found = aligned(daily(rows, "funding_rate"))["funding_rate"]
    # (2 + 6 + 7) / 3 = 5 on Monday; nothing of BTC on Tuesday is nothing, not Monday's.
    np.testing.assert_array_equal(found, [[1.0, NAN], [5.0, NAN], [NAN, 3.0]])


def test_every_day_is_its_own_on_a_calendar_of_days() -> None:
    rows = [("2021-01-09", "BTC", 2.0), ("2021-01-10", "BTC", 6.0)]
    dates = np.arange("2021-01-08", "2021-01-12", dtype="datetime64[D]")
    found = aligned(daily(rows, "count"), dates)["count"]
    np.testing.assert_array_equal(found[:, 0], [NAN, 2.0, 6.0, NAN])


def test_days_outside_and_unknown_ones_do_not_count() -> None:
    rows = [("2020-12-31", "BTC", 100.0), ("2021-01-08", "BTC", 1.0), ("2021-01-13", "BTC", 9.0)]
    rows += [("2021-01-09", "BTC", NAN), ("2021-01-10", "BTC", 4.0), ("2021-01-11", "BTC", 6.0)]
    rows += [("2021-01-11", "DOGE", 6.0)]
    found = aligned(daily(rows, "count"))["count"]
    # Monday: (4 + 6) / 2, for Saturday is not known. Wednesday waits for a session.
    np.testing.assert_array_equal(found[:, 0], [1.0, 5.0, NAN])
    assert np.isnan(found[:, 1]).all()


def test_no_session_knows_of_a_later_day() -> None:
    rng = np.random.default_rng(3)
    days = np.arange("2021-01-01", "2021-03-01", dtype="datetime64[D]")
    dates = days[np.is_busday(days)]
    table = daily([(day, "BTC", value) for day, value in zip(days, rng.normal(size=59))], "x")
    full = aligned(table, dates)["x"]
    for cut in range(1, len(dates)):
        part = table[table["date"] <= pd.Timestamp(dates[cut - 1])]
        np.testing.assert_array_equal(aligned(part, dates[:cut])["x"], full[:cut])


BARS = "date,symbol,open,high,low,close,volume\n" + "".join(
    f"2021-01-{day:02d},{symbol},{price},{price},{price},{price},5\n"
    for symbol, price in (("BTC", 100), ("ETH", 10))
    for day in range(4, 13)
)
CHAIN = (
    "date,asset,active_addresses,transfer_volume\n"
    "2021-01-08,BTC,10,1000.5\n2021-01-09,BTC,20,\n2021-01-10,BTC,30,\n2021-01-11,BTC,40,2000\n"
    "2021-01-11,DOGE,1,1\n2019-01-11,BTC,1,1\n2021-01-12,ETH,7,-3\n"
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("bars.csv").write_text(BARS)
    Path("chain.csv").write_text(CHAIN)
    return tmp_path


def ingest(*arguments: str, out: str = "set") -> int:
    raw = ["--raw", "bars.csv", "--asset-class", "crypto", "--out", out, "--quiet"]
    return main([*raw, "--start", "2021-01-04", *arguments])


def test_figures_of_a_file_reach_the_panel(place: Path) -> None:
    assert ingest("--figures", "chain.csv") == 0
    assert Path("set/figures.csv").read_text() == (
        "date,symbol,active_addresses,transfer_volume\n2021-01-08,BTC,10.0,1000.5\n"
        "2021-01-09,BTC,20.0,\n2021-01-10,BTC,30.0,\n2021-01-11,BTC,40.0,2000.0\n"
        "2021-01-12,ETH,7.0,-3.0\n"
    )
    assert "figures.csv" in json.loads(Path("set/manifest.json").read_text())["files"]
    assert json.loads(Path("set/report.json").read_text())["figures"] == {
        "files": ["chain.csv"],
        "figures": ["active_addresses", "transfer_volume"],
        "rows_in": 7,
        "rows_out": 5,
        "rows_of_other_symbols": 1,
        "rows_outside_the_range": 1,
        "symbols": 2,
    }
    for _ in ("built", "from the cache"):
        panel = load_dataset("set").panel
        assert panel.figures == ("active_addresses", "transfer_volume")
        found = panel.figure("active_addresses")[-3:]
        # (20 + 30 + 40) / 3 = 30 on Monday.
        np.testing.assert_array_equal(found, [[10.0, NAN], [30.0, NAN], [NAN, 7.0]])
    days = load_dataset("set", calendar="24/7").panel
    np.testing.assert_array_equal(days.figure("active_addresses")[-5:, 0], [10, 20, 30, 40, NAN])


def test_the_screen_says_what_was_taken(place: Path, capsys) -> None:
    arguments = ["--raw", "bars.csv", "--asset-class", "crypto", "--start", "2021-01-04"]
    assert main([*arguments, "--out", "set", "--figures", "chain.csv"]) == 0
    told = "figures active_addresses transfer_volume: 5 of 7 rows, 2 symbols"
    assert told in capsys.readouterr().out


def test_an_earlier_end_knows_no_later_figure(place: Path) -> None:
    assert ingest("--figures", "chain.csv") == 0
    panel = load_dataset("set", end=np.datetime64("2021-01-07").astype(object)).panel
    assert panel.figures == ()
    panel = load_dataset("set", end=np.datetime64("2021-01-10").astype(object)).panel
    assert panel.figures == ("active_addresses", "transfer_volume")
    np.testing.assert_array_equal(panel.figure("active_addresses")[-1], [10.0, NAN])


def test_rows_after_the_end_are_not_in_the_set(place: Path) -> None:
    assert ingest("--figures", "chain.csv", "--end", "2021-01-10") == 0
    kept = Path("set/figures.csv").read_text().splitlines()
    assert [line[:10] for line in kept[1:]] == ["2021-01-08", "2021-01-09", "2021-01-10"]


def test_columns_are_picked_and_renamed_from_several_files(place: Path) -> None:
    Path("rates.csv").write_text(
        "Timestamp,coin,Funding\n2021-01-11T00:00:00Z,ETH,-0.0001\n2021-01-08 00:00:00,BTC,0.0003\n"
    )
    arguments = ["--figures", "chain.csv", "--figures", "rates.csv"]
    arguments += ["--figure", "addresses=active_addresses", "--figure", "funding_rate=Funding"]
    assert ingest(*arguments) == 0
    panel = load_dataset("set").panel
    assert panel.figures == ("addresses", "funding_rate")
    np.testing.assert_array_equal(panel.figure("funding_rate")[-3:, 1], [NAN, -0.0001, NAN])


def test_parquet_gives_the_same_set(place: Path) -> None:
    table = pd.read_csv("chain.csv")
    table.assign(date=pd.to_datetime(table["date"])).to_parquet("chain.parquet")
    assert ingest("--figures", "chain.csv") == 0
    assert ingest("--figures", "chain.parquet", out="other") == 0
    assert Path("set/figures.csv").read_bytes() == Path("other/figures.csv").read_bytes()


def test_many_figures_are_packed_and_the_same_each_time(place: Path, monkeypatch) -> None:
    monkeypatch.setattr("feeds.pipeline._MOST_PLAIN_CELLS", 3)
    assert ingest("--figures", "chain.csv") == ingest("--figures", "chain.csv", out="two") == 0
    packed = Path("set/figures.csv.gz").read_bytes()
    assert packed[4:8] == bytes(4)  # no time of writing
    assert packed == Path("two/figures.csv.gz").read_bytes()
    found = load_dataset("set").panel.figure("active_addresses")[-2, 0]
    assert found == 30.0


@pytest.mark.parametrize(
    "text, problem",
    [
        ("date,symbol,x\n2021-01-08,BTC,1\n2021-01-08,BTC,2\n", "line 3: BTC has 2021-01-08 twice"),
        ("date,symbol,x\n2021-01-08,BTC,a\n", "line 2: x 'a' is no number"),
        ("date,symbol,x\n08.01.2021,BTC,1\n", "line 2: date '08.01.2021' is no date"),
        ("date,symbol,x\n2021-01-08,,1\n", "line 2: no symbol"),
        ("date,symbol\n2021-01-08,BTC\n", "line 1: no column holds a figure"),
        ("date,symbol,market_cap\n2021-01-08,BTC,1\n", "line 1: 'market_cap' means something"),
        ("date,symbol,NVT (90d)\n2021-01-08,BTC,1\n", "line 1: 'NVT (90d)' is no name"),
        ("day_of,symbol,x\n2021-01-08,BTC,1\n", "line 1: no column date is recognised"),
        ("date,symbol,x\n2021-01-08,DOGE,1\n", "no figure is of a symbol and a day of the set"),
    ],
)
def test_faults_name_file_line_and_remedy(place: Path, capsys, text: str, problem: str) -> None:
    Path("bad.csv").write_text(text)
    assert ingest("--figures", "bad.csv") == 2
    told = capsys.readouterr().err
    assert f"bad.csv: {problem}" in told or f"bad.csv, {problem}" in told
    assert len(told.strip().splitlines()) <= 3 and not Path("set").exists()


def test_a_figure_is_in_one_file_and_named_columns_are_there(place: Path) -> None:
    with pytest.raises(DataError, match="active_addresses is in another file too"):
        read_daily_files(["chain.csv", "chain.csv"])
    with pytest.raises(DataError, match="(?s)no column 'adresses', named for x.*"):
        read_daily_files(["chain.csv"], {"x": "adresses"})


def test_a_figure_of_the_filings_has_no_namesake(place: Path, capsys) -> None:
    Path("filings.csv").write_text(
        "symbol,period_end,filed,assets,cash\nBTC,2020-12-31,2021-01-05,5,1\n"
    )
    Path("cash.csv").write_text("date,symbol,cash\n2021-01-08,BTC,1\n")
    assert ingest("--fundamentals", "filings.csv", "--figures", "cash.csv") == 2
    assert "cash is a figure of the filings too" in capsys.readouterr().err


def test_sectors_reach_the_panel(place: Path) -> None:
    Path("sectors.csv").write_text("ticker,Sector\nETH,Platforms\nDOGE,Memes\n")
    assert ingest("--sectors", "sectors.csv") == 0
    for _ in ("built", "from the cache"):
        assert load_dataset("set").panel.sector.tolist() == ["", "Platforms"]
    limits = json.loads(Path("set/manifest.json").read_text())["limits"]
    assert any(text.startswith("Sectors are those of one list") for text in limits)
    assert ingest(out="none") == 0
    assert load_dataset("none").panel.sector is None
    assert "sector" not in Path("none/universe.csv").read_text().partition("\n")[0]


def test_sectors_of_a_list_of_members(place: Path) -> None:
    Path("members.csv").write_text(
        "symbol,start,end,sector\nBTC,2020-01-01,2020-06-01,Money\nBTC,2020-09-01,,Money\n"
    )
    assert ingest("--membership", "members.csv") == 0
    assert load_dataset("set").panel.sector.tolist() == ["Money", ""]
    Path("members.csv").write_text("symbol,start,end\nBTC,2020-01-01,\n")
    assert ingest("--membership", "members.csv") == 0
    assert load_dataset("set").panel.sector is None


def test_sectors_of_a_symbols_file(place: Path) -> None:
    Path("symbols.csv").write_text(
        "symbol,asset_class,source,source_symbol,sector\nBTC,crypto,files,bars.csv,Money\n"
    )
    Path("bars.csv").write_text("".join(BARS.splitlines(keepends=True)[:10]))
    assert main(["--symbols-file", "symbols.csv", "--out", "set", "--quiet"]) == 0
    assert load_dataset("set").panel.sector.tolist() == ["Money"]


def test_two_sectors_of_one_symbol_are_refused(place: Path) -> None:
    Path("sectors.csv").write_text("symbol,sector\nBTC,Money\nBTC,Gold\n")
    with pytest.raises(DataError, match="line 3: BTC has the sectors 'Money' and 'Gold'"):
        read_sectors("sectors.csv")


@pytest.mark.parametrize(
    "arguments, problem",
    [
        (["--figure", "x=y"], "--figure picks from no file"),
        (["--figures", "none.csv"], "cannot read none.csv"),
        (["--sectors", "bars.csv"], "no column sector is recognised"),
        (["--recipe", "r.yaml", "--figures", "chain.csv"], "a recipe takes no --figures"),
    ],
)
def test_arguments_that_do_not_go_together(place: Path, capsys, arguments, problem: str) -> None:
    assert ingest(*arguments) == 2
    assert problem in capsys.readouterr().err


def test_hours_take_no_figures(place: Path, capsys) -> None:
    hours = "date,symbol,open,high,low,close,volume\n" + "".join(
        f"2021-01-04 {hour:02d}:00:00,BTC,1,1,1,1,1\n" for hour in range(24)
    )
    Path("bars.csv").write_text(hours)
    assert ingest("--figures", "chain.csv") == 2
    assert "figures are daily" in capsys.readouterr().err
