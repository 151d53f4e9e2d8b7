"""``runs.ingest`` as it is typed: vendor files and symbols files become a set, with its report."""

import csv
import gzip
import json

import numpy as np
import pandas as pd
import pytest

from feeds.calendars import sessions
from feeds.store import load_dataset
from runs.ingest import main

DAYS = sessions("XNYS", np.datetime64("2020-01-02"), np.datetime64("2020-03-31"))


def walk(seed, count=len(DAYS), start=50.0):
    steps = np.random.default_rng(seed).normal(0, 0.01, count)
    return np.round(start * np.exp(np.cumsum(steps)), 2)


def lines(symbol, days, closes):
    return [
        f"{symbol},{day},{close},{close + 0.5:.2f},{close - 0.5:.2f},{close},10000"
        for day, close in zip(days, closes)
    ]


def faulty_file(path):
    """Five symbols; what is wrong stands beside it."""
    rows = ["symbol,date,open,high,low,close,volume"]
    good = walk(1)
    rows += lines("NA", DAYS, good)
    twice = lines("TWICE", DAYS, walk(2))
    rows += [*twice[:11], twice[10], *twice[11:]]
    print_100x = walk(3)
    print_100x[20] *= 100
    rows += lines("SPIKE", DAYS, print_100x)
    holiday = lines("HOLIDAY", DAYS, walk(4))
    # Martin Luther King's day.
    rows += [*holiday[:12], "HOLIDAY,2020-01-20,50,51,49,50,100", *holiday[12:]]
    conflict = lines("CONFLICT", DAYS, walk(5))
    rows += [*conflict[:6], conflict[5].replace(",10000", ",20000"), *conflict[6:]]
    gap = lines("GAP", DAYS, walk(6))
    rows += [*gap[:30], *gap[33:]]
    path.write_text("\n".join(rows) + "\n")
    return rows


def ingest(*arguments):
    return main([*map(str, arguments), "--quiet"])


def table(path):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ingest")
    rows = faulty_file(folder / "bars.csv")
    code = ingest(
        "--source", "files", "--raw", folder / "bars.csv", "--asset-class", "equity",
        "--out", folder / "set",
    )  # fmt: skip
    assert code == 0
    return folder / "set", rows, json.loads((folder / "set" / "report.json").read_text())


def test_rows_in_are_rows_out_and_rows_reported(made):
    folder, rows, report = made
    totals = report["totals"]
    assert totals["rows_in"] == len(rows) - 1
    kept = table(folder / "prices_equities.csv")
    assert totals["rows_out"] == len(kept)
    dropped = [row for row in table(folder / "repairs.csv") if row["action"] == "drop"]
    refused = [row for row in rows if row.startswith("CONFLICT,")]
    assert totals["rows_in"] == len(kept) + len(dropped) + len(refused)
    assert (totals["rows_dropped"], totals["rows_refused"]) == (len(dropped), len(refused))
    assert list(report["symbols"]["CONFLICT"]["faults"]) == ["conflict"]
    assert "conflict on 2020-01-09" in report["symbols"]["CONFLICT"]["refused"]


def test_every_dropped_row_is_the_one_that_the_report_names(made):
    folder, rows, _ = made
    dropped = [row for row in table(folder / "repairs.csv") if row["action"] == "drop"]
    assert {(row["symbol"], row["date"], row["fault"]) for row in dropped} == {
        ("TWICE", "2020-01-16", "duplicate"),
        ("SPIKE", "2020-01-31", "spike"),
        ("HOLIDAY", "2020-01-20", "closed_day"),
    }
    for row in dropped:
        assert rows[int(row["line"]) - 1].startswith(f"{row['symbol']},{row['date']},")
        assert row["file"].endswith("bars.csv")


def test_each_session_of_a_series_has_a_bar_or_a_line_in_the_report(made):
    folder, _, _ = made
    told = {(row["symbol"], row["date"]) for row in table(folder / "repairs.csv")}
    kept = {(row["symbol"], row["date"]) for row in table(folder / "prices_equities.csv")}
    for symbol in ("NA", "TWICE", "SPIKE", "HOLIDAY", "GAP"):
        days = {day for name, day in kept if name == symbol}
        assert days <= set(map(str, DAYS))
        assert all((symbol, str(day)) in kept | told for day in DAYS)
    missing = [row for row in table(folder / "repairs.csv") if row["action"] == "missing"]
    assert {(row["symbol"], row["date"]) for row in missing} == {
        ("GAP", str(day)) for day in DAYS[30:33]
    }


def test_the_set_loads_and_keeps_its_prices(made):
    folder, _, _ = made
    panel = load_dataset(folder).panel
    assert panel.assets.tolist() == ["NA", "TWICE", "SPIKE", "HOLIDAY", "GAP"]
    assert panel.close[:, 0].tolist() == walk(1).tolist()
    assert panel.tradable.sum(axis=0).tolist() == [62, 62, 61, 62, 59]


def test_a_set_that_is_ingested_again_is_the_same_to_the_byte(made, tmp_path):
    folder, _, _ = made
    code = ingest(
        "--source", "files", "--raw", folder.parent / "bars.csv", "--asset-class", "equity",
        "--out", tmp_path / "set",
    )  # fmt: skip
    assert code == 0
    for path in sorted(folder.iterdir()):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "set" / path.name).read_bytes(), path.name


def test_what_came_out_goes_in_again_without_a_finding(made, tmp_path):
    folder, _, _ = made
    arguments = ["--raw", folder / "prices_equities.csv", "--asset-class", "equity"]
    assert ingest("--source", "files", *arguments, "--out", tmp_path / "set") == 0
    again = (tmp_path / "set" / "prices_equities.csv").read_bytes()
    assert again == (folder / "prices_equities.csv").read_bytes()
    actions = {row["action"] for row in table(tmp_path / "set" / "repairs.csv")}
    assert actions == {"missing"}


def test_cutting_at_the_end_leaves_what_stood_before(made, tmp_path):
    folder, _, _ = made
    arguments = ["--raw", folder.parent / "bars.csv", "--asset-class", "equity"]
    end = ["--end", "2020-02-14", "--out", tmp_path / "set"]
    assert ingest("--source", "files", *arguments, *end) == 0
    whole = load_dataset(folder).panel
    cut = load_dataset(tmp_path / "set").panel
    rows = len(cut.dates)
    assert cut.dates[-1] == np.datetime64("2020-02-14")
    np.testing.assert_array_equal(cut.close, whole.close[:rows])


def test_symbols_of_a_list_come_from_files_and_keep_their_raw_bars(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "\n".join(row.split(",", 1)[1] for row in lines("X", DAYS, walk(1)))
    (tmp_path / "x.csv").write_text(f"date,open,high,low,close,volume\n{text}\n")
    (tmp_path / "symbols.csv").write_text(
        "symbol,asset_class,source,source_symbol,currency\n"
        "ON,equity,files,x.csv,USD\nTRUE,equity,files,none.csv,USD\n"
    )
    # One of the two is missing: stored, and not a success.
    assert ingest("--symbols-file", "symbols.csv", "--out", "set") == 1
    report = json.loads((tmp_path / "set" / "report.json").read_text())
    assert report["symbols"]["TRUE"]["fetch"]["status"] == "failed"
    assert "none.csv" in report["symbols"]["TRUE"]["fetch"]["problem"]
    assert report["symbols"]["ON"]["rows"] == len(DAYS)
    index = json.loads((tmp_path / "set" / "raw" / "index.json").read_text())
    assert "ON" in json.dumps(index)
    data = load_dataset(tmp_path / "set")
    assert data.panel.assets.tolist() == ["ON"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set", "symbols.csv", "x.csv"]


@pytest.mark.parametrize(
    "arguments, told",
    [
        ([], "no bars to ingest"),
        (["--raw", "bars.csv", "--symbols-file", "s.csv"], "two ways"),
        (["--raw", "none.csv", "--asset-class", "equity"], "none.csv"),
        (["--raw", "bars.csv"], "stocks or coins"),
        (["--raw", "bars.csv", "--asset-class", "equity", "--option", "x"], "NAME=VALUE"),
        (["--raw", "bars.csv", "--asset-class", "equity", "--option", "frm=x"], "frm"),
        (["--raw", "bars.csv", "--asset-class", "equity", "--cleaning", "no.yaml"], "no.yaml"),
        (["--raw", "bars.csv", "--asset-class", "equity", "--end", "2019-01-01"], "no bar"),
        (["--symbols-file", "s.csv"], "s.csv"),
        (["--symbols-file", "s.csv", "--jobs", "0"], "s.csv"),
    ],
)
def test_a_mistake_is_told_in_three_lines_and_leaves_nothing(
    tmp_path, monkeypatch, capsys, arguments, told
):
    monkeypatch.chdir(tmp_path)
    faulty_file(tmp_path / "bars.csv")
    assert main(["--out", "set", *arguments]) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) <= 3 and told in errors[0]
    assert [path.name for path in tmp_path.iterdir()] == ["bars.csv"]


def test_the_screen_tells_what_was_read_done_and_left_out(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    faulty_file(tmp_path / "bars.csv")
    assert main(["--raw", "bars.csv", "--asset-class", "equity", "--out", "set"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    # Six times 62 sessions, one row more for three of them and three less for one.
    assert "372 bars in = 306 kept + 3 dropped + 63 of refused symbols" in told
    assert "read bars.csv as long" in told and "separator ','" in told
    assert "refused CONFLICT: conflict on 2020-01-09 (bars.csv, line" in told
    for fault in ("closed_day", "duplicate", "missing_day", "spike"):
        assert f"│ {fault} │" in told
    assert "every bar of these is in set/repairs.csv" in told


def test_two_currencies_are_no_set(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = "\n".join(row.split(",", 1)[1] for row in lines("X", DAYS, walk(1)))
    (tmp_path / "x.csv").write_text(f"date,open,high,low,close,volume\n{text}\n")
    (tmp_path / "symbols.csv").write_text(
        "symbol,asset_class,source,source_symbol,currency\n"
        "A,equity,files,x.csv,USD\nB,equity,files,x.csv,GBp\n"
    )
    assert ingest("--symbols-file", "symbols.csv", "--out", "set") == 2
    assert "A is in USD and B in GBp" in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def test_stocks_of_which_none_ended_are_called_todays_list(tmp_path):
    days = sessions("XNYS", np.datetime64("2010-01-04"), np.datetime64("2014-12-31"))
    rows = ["symbol,date,open,high,low,close,volume"]
    for number in range(12):
        rows += lines(f"S{number}", days, walk(number, len(days)))
    (tmp_path / "bars.csv").write_text("\n".join(rows) + "\n")
    arguments = ["--raw", tmp_path / "bars.csv", "--asset-class", "equity"]
    assert ingest("--source", "files", *arguments, "--out", tmp_path / "set") == 0
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text())
    assert manifest["universe_kind"] == "todays_list"
    # One that left: the list is none of survivors, and says why it ended as far as it is known.
    frame = pd.read_csv(tmp_path / "bars.csv", dtype=str)
    left = frame[(frame["symbol"] != "S3") | (frame["date"] < "2013-01-01")]
    left.to_csv(tmp_path / "bars.csv", index=False)
    assert ingest("--source", "files", *arguments, "--out", tmp_path / "set") == 0
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text())
    assert "universe_kind" not in manifest
    reasons = {r["symbol"]: r["end_reason"] for r in table(tmp_path / "set" / "universe.csv")}
    assert reasons["S3"] == "unknown" and reasons["S4"] == "data_end"


def test_members_enter_and_leave_and_delistings_have_their_reason(tmp_path):
    rows = ["symbol,date,open,high,low,close,volume"]
    for place, name in enumerate(["IN", "OUT", "GONE"]):
        rows += lines(name, DAYS[:30] if name == "GONE" else DAYS, walk(place))
    (tmp_path / "bars.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "members.csv").write_text(
        f"symbol,opt-in,opt-out\nIN,1999-01-01,{DAYS[5]}\nIN,{DAYS[10]},\n"
        "GONE,2020-01-01,\nELSE,2020-01-01,\n"
    )
    (tmp_path / "events.csv").write_text(
        f"symbol,date,event,reason\nGONE,{DAYS[31]},delisting,bankruptcy\n"
    )
    code = ingest(
        "--source", "files", "--raw", tmp_path / "bars.csv", "--asset-class", "equity",
        "--membership", tmp_path / "members.csv", "--delistings", tmp_path / "events.csv",
        "--out", tmp_path / "set",
    )  # fmt: skip
    assert code == 0
    data = load_dataset(tmp_path / "set")
    member = data.panel.member
    # The day of exit is the first one out.
    assert np.flatnonzero(~member[:, 0]).tolist() == [5, 6, 7, 8, 9]
    assert not member[:, 1].any()
    assert member[:30, 2].all()
    universe = data.universe.set_index("symbol")
    assert universe["end_reason"].tolist() == ["data_end", "data_end", "bankruptcy"]
    assert any("1 of the 3 names" in limit and "ELSE" in limit for limit in data.limits)


def test_filings_are_known_from_the_session_after_their_day(tmp_path):
    (tmp_path / "bars.csv").write_text(
        "\n".join(["symbol,date,open,high,low,close,volume", *lines("A", DAYS, walk(1))]) + "\n"
    )
    (tmp_path / "filings.csv").write_text(
        "symbol,period_end,filed,book_equity,shares\n"
        "A,2019-12-31,2020-01-10,5000000000,100000000\nB,2019-12-31,2020-01-10,1,1\n"
    )
    code = ingest(
        "--source", "files", "--raw", tmp_path / "bars.csv", "--asset-class", "equity",
        "--fundamentals", tmp_path / "filings.csv", "--out", tmp_path / "set",
    )  # fmt: skip
    assert code == 0
    panel = load_dataset(tmp_path / "set").panel
    # Friday the 10th: known on Monday the 13th.
    row = int(np.searchsorted(panel.dates, np.datetime64("2020-01-13")))
    assert np.isnan(panel.book_equity[:row, 0]).all()
    assert panel.book_equity[row, 0] == 5e9
    assert panel.market_cap[row, 0] == pytest.approx(1e8 * panel.raw_close[row, 0], rel=1e-12)
    report = json.loads((tmp_path / "set" / "report.json").read_text())
    assert report["filings"]["faults"] == {"unknown_symbol": {"drop": 1}}
    told = table(tmp_path / "set" / "filing_repairs.csv")
    assert [(row["symbol"], row["line"]) for row in told] == [("B", "3")]


@pytest.mark.parametrize("shift, off", [(0, False), (1, True)])
def test_day_labels_are_held_against_a_reference(tmp_path, shift, off):
    days = np.arange("2020-01-01", "2020-12-31", dtype="datetime64[D]")
    closes = walk(3, len(days))
    head = "date,open,high,low,close,volume"
    for name, own in (("right.csv", days), ("BTC.csv", days + shift)):
        rows = [row.split(",", 1)[1] for row in lines("BTC", own, closes)]
        (tmp_path / name).write_text("\n".join([head, *rows]) + "\n")
    code = ingest(
        "--raw", tmp_path / "BTC.csv", "--asset-class", "crypto", "--out", tmp_path / "set",
        "--reference", f"BTC={tmp_path / 'right.csv'}",
    )  # fmt: skip
    assert code == 0
    told = json.loads((tmp_path / "set" / "report.json").read_text())["day_labels"]["BTC"]
    assert (told["is_off"], told["lag"]) == (off, shift)
    limits = " ".join(load_dataset(tmp_path / "set", calendar="24/7").limits)
    assert ("BTC" in limits) == off
