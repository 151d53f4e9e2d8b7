"""Fundamentals enter when they became public, and the factors that need them run."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from feeds.calendars import sessions
from feeds.errors import DataError
from feeds.fundamentals import align_fundamentals
from feeds.store import load_dataset
from feeds.write import adjusted_closes, price_rows, table_bytes, write_folder
from runs.backtest import main
from tests.little_set import MANIFEST, UNIVERSE, files, frame

HEADER = "symbol,period_end,known_from,book_equity,shares,shares_as_of\n"
NAN = float("nan")


def little(tmp_path, rows: str):
    """The little set with filings: NA splits 2 for 1 on the 6th and pays 0.51 on the 7th."""
    write_folder(tmp_path, {**files(), "fundamentals.csv": (HEADER + rows).encode()}, MANIFEST)
    return load_dataset(tmp_path).panel


def column(panel, name: str) -> list[float]:
    at = panel.assets.tolist().index("NA")
    return getattr(panel, name)[:, at].tolist()


def test_a_filing_counts_from_the_day_it_is_known(tmp_path):
    panel = little(tmp_path / "set", "NA,2020-12-31,2021-01-06,900,,\n")
    assert column(panel, "book_equity") == pytest.approx([NAN, NAN] + [900.0] * 5, nan_ok=True)
    assert panel.shares is None and panel.market_cap is None


def test_shares_follow_splits_and_caps_follow_raw_closes(tmp_path):
    """10 shares on the 4th are 20 from the split on; raw closes 102, 51, 51, 52, 53, 54."""
    panel = little(tmp_path / "set", "NA,2020-12-31,2021-01-05,900,10,2021-01-04\n")
    assert column(panel, "shares") == pytest.approx([NAN, 10, 20, 20, 20, 20, 20], nan_ok=True)
    caps = [NAN, 1020, 1020, 1020, 1040, 1060, 1080]
    assert column(panel, "market_cap") == pytest.approx(caps, nan_ok=True)


def test_shares_counted_after_the_split_are_not_split_again(tmp_path):
    panel = little(tmp_path / "set", "NA,2020-12-31,2021-01-08,900,20,2021-01-06\n")
    assert column(panel, "shares") == pytest.approx([NAN] * 4 + [20.0] * 3, nan_ok=True)


def test_amendments_and_late_filings_never_rewrite_the_past(tmp_path):
    rows = (
        "NA,2020-12-31,2021-01-05,900,,\n"  # the year
        "NA,2020-12-31,2021-01-07,950,,\n"  # amended: from its own day on
        "NA,2020-09-30,2021-01-08,100,,\n"  # an earlier quarter, filed late: changes nothing
    )
    panel = little(tmp_path / "set", rows)
    expected = [NAN, 900, 900, 950, 950, 950, 950]
    assert column(panel, "book_equity") == pytest.approx(expected, nan_ok=True)


def test_a_filing_on_a_weekend_enters_on_the_next_session():
    filings = pd.DataFrame(
        {
            "symbol": ["A"],
            "period_end": pd.to_datetime(["2020-12-31"]),
            "known_from": pd.to_datetime(["2021-01-09"]),
            "book_equity": [5.0],
            "shares": [NAN],
            "shares_as_of": pd.to_datetime([None]),
        }
    )
    dates = np.array(["2021-01-08", "2021-01-11"], dtype="datetime64[D]")
    found = align_fundamentals(filings, ["A"], dates, np.ones((2, 1)))
    assert found["book_equity"][:, 0].tolist() == pytest.approx([NAN, 5.0], nan_ok=True)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("XX,2020-12-31,2021-01-05,900,,", "a symbol that universe.csv lacks"),
        ("NA,2020-12-31,,900,,", "no date in period_end or known_from"),
        ("NA,2020-12-31,2020-12-30,900,,", "known before its period ended"),
        ("NA,2020-12-31,2021-01-05,900,10,", "without shares_as_of"),
        ("NA,2020-12-31,2021-01-05,900,0,2021-01-04", "not positive"),
        ("IDX,2020-12-31,2021-01-05,900,10,2021-01-04", "not as printed"),
    ],
)
def test_rows_that_cannot_be_true_are_refused_with_their_line(tmp_path, row, fault):
    good = "NA,2020-09-30,2021-01-04,900,,\n"
    with pytest.raises(DataError, match=f"fundamentals.csv, line 3: .*{fault}"):
        little(tmp_path / "set", good + row + "\n")


def test_later_filings_change_no_earlier_row(tmp_path):
    rows = "NA,2020-12-31,2021-01-05,900,10,2021-01-04\n"
    later = rows + "NA,2021-01-01,2021-01-08,700,30,2021-01-08\n"
    before, after = little(tmp_path / "one", rows), little(tmp_path / "two", later)
    for name in ("book_equity", "shares", "market_cap"):
        np.testing.assert_array_equal(column(before, name)[:4], column(after, name)[:4])
        assert column(before, name)[4:] != column(after, name)[4:]


def test_caps_of_the_vendor_come_first(tmp_path):
    contents = files()
    lines = contents["prices_equities.csv"].decode().splitlines()
    lines = [lines[0] + ",market_cap"] + [
        line + (",5000" if ",NA," in line else ",") for line in lines[1:]
    ]
    contents["prices_equities.csv"] = ("\n".join(lines) + "\n").encode()
    write_folder(tmp_path / "set", contents, MANIFEST)
    panel = load_dataset(tmp_path / "set").panel
    assert column(panel, "market_cap") == [5000.0] * 7


CONFIG = """
name: books
data: {dir: DIR, start: 2020-02-03, end: 2020-06-30}
benchmark: equal_weight
factors: {value: {}, size: {}}
preprocess: {neutralize: asset_class, min_factors: 2}
portfolio: {side: long_only, select: {top: 2}, sleeves: {equity: 1.0}, rebalance: monthly}
execution: {starting_cash: 100000}
costs: {commission: {equity: {scheme: per_share, rate: 0.01, minimum: 1}}}
"""


def test_book_to_market_and_cap_run_from_a_store_to_fills(tmp_path):
    """Eight flat names of 100 a share; the cheapest by book are also the smallest by cap."""
    span = np.datetime64("2020-01-02"), np.datetime64("2020-06-30")
    days = pd.DatetimeIndex(sessions("XNYS", *span))
    names = [f"N{number}" for number in range(8)]
    bars = {name: frame(days, 100.0, volume=1e6) for name in names}
    universe = pd.DataFrame(
        [
            (n, "equity", n, "2020-01-02", "2020-06-30", "data_end", "units", "traded")
            for n in names
        ],
        columns=UNIVERSE.columns,
    )
    filings = HEADER + "".join(
        f"{name},2019-12-31,2020-01-15,{1000 * (8 - number)},{10 * (number + 1)},2020-01-10\n"
        for number, name in enumerate(names)
    )
    contents = {
        "prices_equities.csv": price_rows(bars, universe),
        "universe.csv": table_bytes(universe),
        "clean_prices.csv": adjusted_closes(bars),
        "fundamentals.csv": filings.encode(),
    }
    write_folder(tmp_path / "data", contents, {**MANIFEST, "end": "2020-06-30"})
    config = tmp_path / "books.yaml"
    config.write_text(CONFIG.replace("DIR", str(tmp_path / "data")))
    out = tmp_path / "run"
    assert main(["--config", str(config), "--out", str(out), "--no-tearsheet", "--quiet"]) == 0
    fills = pd.read_csv(out / "fills.csv")
    assert sorted(fills["symbol"].unique()) == ["N0", "N1"]
    # Half of 100,000 in shares of 100, one factor leaving room for the fees of 0.01 a share.
    assert fills["shares"].between(499, 500).all()
    assert fills["commission"].to_numpy() == pytest.approx(0.01 * fills["shares"].to_numpy())
    weights = pd.read_csv(out / "weights.csv").query("symbol == 'N0'")
    # Book 8,000 over cap 10 x 100 = 1,000; size is minus the log of the cap.
    assert weights["value"].iloc[0] == pytest.approx(8.0)
    assert weights["size"].iloc[0] == pytest.approx(-np.log(1000.0))
    assert json.loads((out / "metrics.json").read_text())["final_value"] < 100_000
