"""The data sets that come with the project, against values read off the raw files by hand."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feeds.store import load_dataset, read_universe
from runs.ingest import main

DATA = Path("data")
PACKAGES = Path("../shared/data/packages")
needs_raw = pytest.mark.skipif(not PACKAGES.is_dir(), reason="the raw vendor files are not here")


@pytest.fixture(scope="module")
def sp500():
    return load_dataset(DATA / "sp500_crypto")


@pytest.fixture(scope="module")
def large_caps():
    return load_dataset(DATA / "large_caps_bitcoin")


def at(data, day: str, symbol: str, field: str = "close") -> float:
    panel = data.panel
    row = int(np.searchsorted(panel.dates, np.datetime64(day)))
    assert panel.dates[row] == np.datetime64(day)
    return float(getattr(panel, field)[row, panel.assets.tolist().index(symbol)])


class TestSp500Crypto:
    def test_shape_and_classes(self, sp500):
        panel = sp500.panel
        assert panel.shape == (2518, 432)
        assert [str(panel.dates[0]), str(panel.dates[-1])] == ["2007-01-03", "2016-12-30"]
        assert panel.next_session == np.datetime64("2017-01-03")
        assert panel.assets[-2:].tolist() == ["BTC", "ETH"]
        assert (panel.asset_class == "equity").sum() == 430
        assert panel.close_only[:430].all() and not panel.close_only[430:].any()
        assert sp500.reference.columns.tolist() == ["SP500"]

    def test_apple_after_two_returns(self, sp500):
        # returns.csv.gz: 2.220e-02 and -7.121e-03; 100 x 1.0222 x 0.992879 = 101.4920914
        assert at(sp500, "2007-01-05", "AAPL") == pytest.approx(101.4920914, rel=1e-7)
        # volumes.csv.gz has 3361237318 dollars on the first day; six digits are kept.
        assert at(sp500, "2007-01-03", "AAPL", "dollar_volume") == 3_361_240_000

    def test_entries(self, sp500):
        panel = sp500.panel
        member = panel.member & panel.tradable
        assert member[0].sum() == 317
        assert member[-1].sum() == 426
        symbols = panel.assets.tolist()
        first = {s: str(panel.dates[panel.member[:, symbols.index(s)]][0]) for s in ("OI", "FSLR")}
        assert first == {"OI": "2008-12-31", "FSLR": "2009-10-16"}
        never = {s for s, inside in zip(symbols, panel.member.any(axis=0)) if not inside}
        assert never == {"IR", "SRE", "TROW", "FOX", "FOXA"}
        assert "CBS" not in symbols and "USDOLLAR" not in symbols

    def test_chubb_ends_with_its_sale(self, sp500):
        column = sp500.panel.assets.tolist().index("CB")
        inside = sp500.panel.tradable[:, column]
        assert str(sp500.panel.dates[inside][-1]) == "2016-01-14"
        assert sp500.panel.end_reason[column] == "merger"
        assert not sp500.panel.member[-1, column]

    @pytest.mark.parametrize(
        ("symbol", "before", "day", "after"),
        [
            ("MRO", "2011-06-30", "2011-07-01", "2011-07-05"),
            ("CAG", "2016-11-09", "2016-11-10", "2016-11-11"),
            ("COP", "2012-04-30", "2012-05-01", "2012-05-02"),
        ],
    )
    def test_false_returns_are_void(self, sp500, symbol, before, day, after):
        assert np.isnan(at(sp500, day, symbol))
        step = at(sp500, after, symbol) / at(sp500, before, symbol) - 1
        assert abs(step) < 0.05

    def test_a_real_jump_stays(self, sp500):
        # Vertex rose 61.9 % on 2013-04-19, on 26 times its usual volume.
        step = at(sp500, "2013-04-19", "VRTX") / at(sp500, "2013-04-18", "VRTX") - 1
        assert step == pytest.approx(0.6191, abs=1e-4)

    def test_no_bar_repeats_a_later_one(self, sp500):
        panel = sp500.panel
        for day in ("2014-07-17", "2014-08-01"):
            row = int(np.searchsorted(panel.dates, np.datetime64(day)))
            repeats = panel.close[row] == panel.close[row + 1]
            assert repeats.sum() <= 10

    def test_coins_on_their_own_days(self):
        panel = load_dataset(DATA / "sp500_crypto", calendar="24/7").panel
        assert panel.shape == (3651, 432)  # 2007-01-03 to 2016-12-31
        btc = panel.assets.tolist().index("BTC")
        first = panel.dates[panel.tradable[:, btc]][0]
        assert str(first) == "2014-11-28" and panel.close[panel.tradable[:, btc], btc][0] == 376.28

    def test_a_weekend_of_bitcoin_by_hand(self, sp500):
        # bitstamp, 2014-11-28: 376.28; the 29th, 30th and 1 December: lows 372.25, 373.32,
        # 373.03, highs 386.60, 381.99, 382.31, volumes 7245.19 + 3046.33 + 6660.56.
        assert at(sp500, "2014-12-01", "BTC", "high") == 386.60
        assert at(sp500, "2014-12-01", "BTC", "low") == 372.25
        assert at(sp500, "2014-12-01", "BTC", "open") == 376.40
        assert at(sp500, "2014-12-01", "BTC", "close") == 378.39
        assert at(sp500, "2014-12-01", "BTC", "volume") == pytest.approx(16952.08)

    def test_an_exchange_that_was_closed_made_no_bars(self, sp500):
        # Bitstamp was shut from 2015-01-06 to the 11th after a theft.
        assert np.isnan(at(sp500, "2015-01-07", "BTC"))
        assert at(sp500, "2015-01-12", "BTC") == 268.16

    def test_published_factors(self, sp500):
        table = sp500.published
        assert len(table) == 120 and str(table.index[0].date()) == "2007-01-31"
        # Kenneth French's December 2008: market +1.74 %, momentum -5.05 %.
        assert table.loc["2008-12-31", "mkt_rf"] == pytest.approx(0.0174)
        assert table.loc["2008-12-31", "mom"] == pytest.approx(-0.0505, abs=5e-4)

    def test_the_universe_follows_the_published_market(self, sp500):
        panel = sp500.panel
        equity = panel.asset_class == "equity"
        close = pd.DataFrame(panel.mark[:, equity], index=pd.DatetimeIndex(panel.dates))
        monthly = close.resample("ME").last().pct_change(fill_method=None).iloc[1:].mean(axis=1)
        market = sp500.published["mkt_rf"].iloc[1:] + sp500.published["rf"].iloc[1:]
        assert np.corrcoef(monthly, market)[0, 1] > 0.97


class TestLargeCapsBitcoin:
    def test_shape_and_classes(self, large_caps):
        panel = large_caps.panel
        assert panel.shape == (2267, 28)
        assert [str(panel.dates[0]), str(panel.dates[-1])] == ["2013-01-02", "2021-12-31"]
        assert panel.assets[-3:].tolist() == ["BTC", "ETH", "LTC"]
        assert panel.close_only.sum() == 19
        assert large_caps.published is None
        columns = ["SP500", "MTUM", "QUAL", "SIZE", "USMV", "VLUE"]
        assert large_caps.reference.columns.tolist() == columns

    def test_values_from_the_files(self, large_caps):
        # stocks_daily.csv, META 2013-01-03: 27.88, 28.47, 27.59, 27.77, 63140600 shares.
        assert at(large_caps, "2013-01-03", "META", "open") == pytest.approx(27.88, rel=1e-6)
        assert at(large_caps, "2013-01-03", "META", "high") == pytest.approx(28.47, rel=1e-6)
        dollars = 63_140_600 * 27.770000457763672
        assert at(large_caps, "2013-01-03", "META", "dollar_volume") == pytest.approx(dollars, 1e-5)
        assert large_caps.reference.loc["2021-12-31", "SP500"] == 4766.18

    @pytest.mark.parametrize(
        ("coin", "first", "last", "close"),
        [
            ("BTC", "2014-11-28", "2021-10-27", 59016.667969),
            ("ETH", "2016-05-27", "2020-01-16", 163.93),
            ("LTC", "2017-06-26", "2020-01-16", 57.72),  # the 25th was a Sunday
        ],
    )
    def test_coins(self, large_caps, coin, first, last, close):
        panel = large_caps.panel
        column = panel.assets.tolist().index(coin)
        days = panel.dates[panel.tradable[:, column]]
        assert [str(days[0]), str(days[-1])] == [first, last]
        assert at(large_caps, last, coin) == close
        assert panel.end_reason[column] == "data_end" and panel.member[-1, column]

    def test_the_join(self, large_caps):
        # Bitstamp's 8710.15 on Thursday, Yahoo's 8929.038086 on Friday.
        assert at(large_caps, "2020-01-16", "BTC") == 8710.15
        assert at(large_caps, "2020-01-17", "BTC") == 8929.038086
        coins = 36372.14e6 / 8929.04
        assert at(large_caps, "2020-01-17", "BTC", "volume") == pytest.approx(coins, rel=1e-3)

    def test_the_hole_of_2019(self, large_caps):
        panel = large_caps.panel
        hole = (panel.dates >= np.datetime64("2019-03-20")) & (
            panel.dates <= np.datetime64("2019-03-31")
        )
        assert hole.sum() == 8 and not panel.tradable[hole][:, -3:].any()


@pytest.mark.parametrize("name", ["sp500_crypto", "large_caps_bitcoin"])
class TestBoth:
    def test_the_end_leaves_the_beginning(self, name):
        whole = load_dataset(DATA / name).panel
        cut = load_dataset(DATA / name, end=dt.date(2015, 6, 30)).panel
        rows = len(cut.dates)
        assert str(cut.dates[-1]) == "2015-06-30" and str(cut.next_session) == "2015-07-01"
        np.testing.assert_array_equal(cut.close, whole.close[:rows])

    def test_the_clean_prices_are_the_panel_s(self, name):
        data = load_dataset(DATA / name, calendar="24/7")
        path = next((DATA / name).glob("clean_prices.csv*"))
        table = pd.read_csv(path, index_col="date", na_values=[""], keep_default_na=False)
        days = pd.DatetimeIndex(data.panel.dates).strftime("%Y-%m-%d")
        table = table.reindex(days)[data.panel.assets.tolist()]
        np.testing.assert_allclose(table.to_numpy(), data.panel.close, rtol=5.1e-7)

    def test_every_row_of_the_universe_is_complete(self, name):
        table = read_universe(DATA / name)
        assert (table["name"] != "").all() and table["symbol"].is_unique
        assert set(table["end_reason"]) <= {"data_end", "merger"}
        assert set(table["price_kind"]) <= {"adjusted", "traded", "index"}

    def test_the_manifest_says_where_it_is_from(self, name):
        manifest = json.loads((DATA / name / "manifest.json").read_text())
        assert all(item["licence"] and item["origin"] for item in manifest["raw"])
        assert all(item["sha256"] == item["expected_sha256"] for item in manifest["raw"])
        assert all(len(item["reason"]) > 8 for item in manifest["repairs"])


def rebuild(name: str, out: Path, *more: str) -> None:
    recipe = f"configs/recipes/{name}.yaml"
    arguments = ["--recipe", recipe, "--raw", str(PACKAGES), "--out", str(out), "--quiet"]
    assert main([*arguments, *more]) == 0


@needs_raw
@pytest.mark.parametrize(
    "name", ["large_caps_bitcoin", pytest.param("sp500_crypto", marks=pytest.mark.slow)]
)
def test_the_sets_are_rebuilt_to_the_byte(name, tmp_path):
    rebuild(name, tmp_path / name)
    built = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
    assert set(built) == {path.name for path in (DATA / name).iterdir()} - {".cache"}
    for path, content in built.items():
        assert content == (DATA / name / path).read_bytes(), path


@needs_raw
@pytest.mark.slow
@pytest.mark.parametrize(
    "end",
    [
        "2008-10-10",
        pytest.param("2014-08-01", marks=pytest.mark.exhaustive),
        pytest.param("2015-03-07", marks=pytest.mark.exhaustive),
        pytest.param("2016-01-14", marks=pytest.mark.exhaustive),
    ],
)
def test_a_set_ingested_up_to_a_day_is_the_beginning_of_the_whole(end, tmp_path):
    rebuild("sp500_crypto", tmp_path / "cut", "--end", end)
    for calendar in ("XNYS", "24/7"):
        one = load_dataset(tmp_path / "cut", calendar=calendar).panel
        day = dt.date.fromisoformat(end)
        two = load_dataset(DATA / "sp500_crypto", calendar=calendar, end=day).panel
        for name in ("dates", "close", "volume", "tradable", "member", "end_reason", "assets"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
        assert one.next_session == two.next_session
