"""Cleaning of 7,072 real symbols: the report is right about those that were looked up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feeds.bar_table import BarTable
from feeds.cleaning import Cleaned, clean_table
from feeds.series_info import SeriesInfo

SHARED = Path("../shared/data/us_equities_prices.parquet")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("cleaning us"),
    pytest.mark.skipif(not SHARED.exists(), reason="needs the shared data"),
]


@pytest.fixture(scope="module")
def raw() -> BarTable:
    """All rows, as a vendor with an adjusted close gives them."""
    bars = pd.read_parquet(SHARED).sort_values(["symbol", "date"], ignore_index=True)
    codes, names = pd.factorize(bars["symbol"])
    columns = {name: bars[name].to_numpy("float64") for name in ("open", "high", "low", "close")}
    columns["volume"] = bars["volume"].to_numpy("float64")
    columns |= {"split_ratio": np.ones(len(bars)), "dividend": np.zeros(len(bars))}
    columns["adjusted"] = bars["adj_close"].to_numpy("float64")
    times = bars["date"].to_numpy().astype("datetime64[s]")
    place = np.zeros(len(bars), np.int32), np.arange(1, len(bars) + 1)
    return BarTable(tuple(names), codes.astype(np.int32), times, columns, ("us.parquet",), *place)


@pytest.fixture(scope="module")
def cleaned(raw) -> list[Cleaned]:
    """In parts of 800 symbols."""
    bounds, parts = raw.bounds(), []
    for first in range(0, len(raw.symbols), 800):
        last = min(first + 800, len(raw.symbols))
        part = raw.take(slice(bounds[first], bounds[last]))
        part = replace(part, symbols=raw.symbols[first:last], code=part.code - np.int32(first))
        parts.append(clean_table(part, {n: SeriesInfo(n, "equity") for n in part.symbols}))
    return parts


@pytest.fixture(scope="module")
def log(cleaned) -> pd.DataFrame:
    return pd.concat([part.log.table() for part in cleaned], ignore_index=True)


def _found(log: pd.DataFrame, symbol: str, fault: str) -> list[str]:
    rows = log[(log["symbol"] == symbol) & (log["fault"] == fault)]
    return [str(day)[:10] for day in rows["date"]]


def _bars(cleaned: list[Cleaned], symbol: str) -> pd.DataFrame:
    part = next(part for part in cleaned if symbol in part.infos)
    return part.table.frame(symbol)


def test_rows_in_are_rows_out_and_rows_reported(raw, cleaned, log):
    drops = log[log["action"] == "drop"].groupby("symbol").size()
    for part in cleaned:
        for symbol, rows in part.rows_in.items():
            left = part.rows_out[symbol] + drops.get(symbol, 0)
            assert rows == (rows if symbol in part.refused else left)
    assert sum(sum(part.rows_in.values()) for part in cleaned) == len(raw) == 3_099_739


def test_few_symbols_are_refused_and_each_is_beyond_use(cleaned):
    refused = {name for part in cleaned for name in part.refused}
    # Two securities under one name (CJ, GALTU, PMV, UREE), or never traded.
    assert refused == {"CJ", "GALTU", "PMV", "UREE", "CBDE", "HMU", "LPHI", "MAPI"}


@pytest.mark.parametrize(
    ("symbol", "day"),
    [
        ("DTV", "2016-10-21"),  # DirecTV, taken over in July 2015; then another issue
        ("COUP", "2016-10-06"),  # Coupons.com became QUOT; Coupa Software's first day
        ("TAL", "2016-12-01"),  # TAL International merged; TAL Education took the ticker
        ("MAG", "2016-06-24"),  # Magnetek taken over; MAG Silver took the ticker
        ("BLVD", "2015-11-17"),  # Boulevard Acquisition became AgroFresh; its second company
        ("EXXI", "2017-02-28"),  # shares cancelled in bankruptcy; the new ones
        ("SD", "2016-10-10"), ("HERO", "2015-11-10"), ("KEG", "2016-12-16"),
    ],
)  # fmt: skip
def test_a_reused_ticker_is_two_series(cleaned, log, symbol, day):
    assert _found(log, symbol, "ticker_reuse") == [day]
    assert str(_bars(cleaned, f"{symbol}.2").index[0])[:10] == day
    assert _bars(cleaned, symbol).index[-1] < pd.Timestamp(day)


def test_only_gaps_make_reused_tickers(log):
    assert (log["fault"] == "ticker_reuse").sum() == 19


@pytest.mark.parametrize("symbol", ["APFH", "JHB", "LN", "NGHCN", "QCP", "DWLV"])
def test_the_tenth_of_the_price_on_one_day_of_2016_goes(cleaned, log, symbol):
    assert _found(log, symbol, "spike") == ["2016-11-10"]
    assert pd.Timestamp("2016-11-11") in _bars(cleaned, symbol).index


@pytest.mark.parametrize("symbol", ["SHAK", "TCON", "SPNE", "HIFR"])
def test_the_tenth_of_the_price_on_one_day_of_2015_goes(log, symbol):
    assert _found(log, symbol, "spike") == ["2015-09-04"]


@pytest.mark.parametrize(
    ("symbol", "day", "ratio"),
    [("SJI", "2015-05-08", 2.0), ("CF", "2015-06-18", 5.0), ("BIP", "2016-09-15", 1.5),
     ("GOGL", "2016-08-01", 0.2), ("DRYS", "2016-11-01", 1 / 15), ("XGTI", "2016-06-22", 0.1),
     ("EXPO", "2015-06-05", 2.0), ("IART", "2017-01-04", 2.0)],
)  # fmt: skip
def test_real_splits_that_the_vendor_missed_are_found(cleaned, log, symbol, day, ratio):
    assert _found(log, symbol, "unadjusted_split") == [day]
    assert _bars(cleaned, symbol).loc[day, "split_ratio"] == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("symbol", "day", "ratio"),
    [("AA", "2016-10-06", 1 / 3), ("NKE", "2015-12-24", 2.0), ("SBUX", "2015-04-09", 2.0),
     ("BOFI", "2015-11-18", 4.0), ("AEZS", "2015-11-20", 0.01), ("CMCSA", "2017-02-21", 2.0)],
)  # fmt: skip
def test_splits_of_the_adjusted_close_are_exact(cleaned, symbol, day, ratio):
    assert _bars(cleaned, symbol).loc[day, "split_ratio"] == pytest.approx(ratio, rel=1e-12)


def test_quarterly_dividends_of_a_large_company(cleaned):
    """Johnson & Johnson paid 0.75 a quarter from May 2015 on, and 0.80 from May 2016.

    What reproduces the vendor's adjusted close is off by the return of the ex-date: -3 % on
    2015-08-21.
    """
    paid = _bars(cleaned, "JNJ")["dividend"]
    paid = paid[paid > 0]
    days = [str(day)[:10] for day in paid.index]
    assert days[:3] == ["2015-05-21", "2015-08-21", "2015-11-20"] and len(paid) == 8
    assert paid.to_numpy() == pytest.approx([0.75] * 4 + [0.8] * 4, rel=0.04)


@pytest.mark.parametrize(
    ("symbol", "day"),
    [("OPHT", "2016-12-12"), ("CLVS", "2015-11-16"), ("TTPH", "2015-09-09"), ("NVAX", "2016-09-16"),
     ("SPHS", "2015-11-10"), ("KBIO", "2015-11-20"), ("SRPT", "2016-01-15"),
     ("EXXI", "2016-04-14")],
)  # fmt: skip
def test_real_crashes_and_rises_stay_and_are_told(log, symbol, day):
    assert _found(log, symbol, "real_move") == [day]
    assert _found(log, symbol, "level_change") == []


@pytest.mark.parametrize("symbol", ["AAAP", "ADAP", "ARD", "CTZ", "NK", "OPP", "MB", "THW"])
def test_placeholder_prices_before_a_listing_make_no_return(cleaned, symbol):
    """Prices of 0.01 to 0.85 before first days at 12 to 38."""
    for name in (symbol, f"{symbol}.2"):
        if any(name in part.infos for part in cleaned):
            bars = _bars(cleaned, name)
            paid = bars["split_ratio"] * (1 + bars["dividend"] / bars["close"])
            ratio = (bars["close"] / bars["close"].shift() * paid).dropna()
            assert ratio.between(0.4, 2.5).all()


@pytest.mark.parametrize("symbol", ["NAN", "ON", "TRUE"])
def test_symbols_that_look_like_values_are_symbols(cleaned, log, symbol):
    assert len(_bars(cleaned, symbol)) > 400
    drops = log[(log["symbol"] == symbol) & (log["action"] == "drop")]
    # ON has a row on Good Friday of 2015.
    assert set(drops["fault"]) <= {"closed_day"}


def test_returns_of_more_than_threefold_are_told_or_traded(cleaned, log):
    """What is left over twice in either direction went through its range, or is in the log."""
    told = set(zip(*(log[log["fault"] == "real_move"][n] for n in ("symbol", "date"))))
    for part in cleaned:
        table, closes = part.table, part.table["close"]
        paid = table["split_ratio"] * (1 + table["dividend"] / closes)
        ratio = closes[1:] / closes[:-1] * paid[1:]
        inside = table.code[1:] == table.code[:-1]
        for row in np.flatnonzero(inside & ((ratio > 3) | (ratio < 1 / 3))) + 1:
            near = (
                table["low"][row] <= 2 * closes[row - 1]
                and table["high"][row] * 2 >= closes[row - 1]
            )
            name = table.symbols[table.code[row]].removesuffix(".2")
            assert near or (name, pd.Timestamp(table.time[row])) in told


def test_days_without_a_session_go(log):
    days = log[(log["fault"] == "closed_day") & (log["action"] == "drop")]["date"]
    assert {"2015-04-03", "2015-07-03", "2016-12-26"} <= set(days.dt.strftime("%Y-%m-%d"))
    assert len(days) == 164


def test_our_total_returns_are_the_vendors_but_for_what_is_told(raw, cleaned, log):
    told = set(zip(*(log[log["fault"] == "adjustment_differs"][n] for n in ("symbol", "date"))))
    assert len(told) < 250
    table = cleaned[0].table
    adjusted = dict(zip(raw.line.tolist(), raw["adjusted"].tolist()))
    theirs = np.array([adjusted[line] for line in table.line.tolist()])
    closes = table["close"]
    ours = closes[1:] / closes[:-1] * table["split_ratio"][1:]
    ours = ours * (1 + table["dividend"][1:] / closes[1:])
    off = np.abs(np.log(ours / (theirs[1:] / theirs[:-1]))) > 1.1e-3
    off &= table.code[1:] == table.code[:-1]
    for row in np.flatnonzero(off) + 1:
        assert (table.symbols[table.code[row]], pd.Timestamp(table.time[row])) in told


def test_cleaning_it_again_changes_nothing(cleaned):
    for part in cleaned:
        again = clean_table(part.table, part.infos)
        assert {action for _, action in again.log.counts()} <= {"flag", "missing"}
        for name in part.table.columns:
            assert again.table[name].tobytes() == part.table[name].tobytes()
