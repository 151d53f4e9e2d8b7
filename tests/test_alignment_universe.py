"""Dated membership, universes with hindsight, and bars of an hour."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.load import load_config
from factors.momentum import momentum
from feeds.errors import DataError
from feeds.panel import Panel
from feeds.spells import check_spells, membership
from feeds.store import load_dataset, read_fundamentals, read_manifest, read_native
from feeds.write import write_folder
from runs.assemble import prepare
from tests.little_set import MANIFEST, UNIVERSE, files

DAYS = np.arange("2021-01-04", "2021-01-13", dtype="datetime64[D]")


@pytest.fixture
def folder(tmp_path) -> Path:
    write_folder(tmp_path / "made", files(), MANIFEST)
    return tmp_path / "made"


def put(folder: Path, name: str, content: str, **manifest: object) -> Path:
    """The folder with a file written and entries of its manifest changed."""
    (folder / name).write_text(content)
    known = json.loads((folder / "manifest.json").read_text())
    digest = hashlib.sha256(content.encode()).hexdigest()
    known["files"][name] = {"sha256": digest}
    (folder / "manifest.json").write_text(json.dumps({**known, **manifest}))
    return folder


class TestSpells:
    def test_members_are_inside_a_spell_and_nowhere_else(self, folder):
        put(
            folder, "membership.csv",
            "symbol,start,end\n"
            "NA,2021-01-11,\nNA,2021-01-04,2021-01-05\nBTC,2021-01-12,2021-01-31\n",
        )  # fmt: skip
        panel = load_dataset(folder).panel
        # Sessions: 4 5 6 7 8 11 12. universe.csv says NA from the 5th on.
        assert panel.member[:, 0].tolist() == [True, True, False, False, False, True, True]
        # TRUE is not named: as universe.csv says, to its bankruptcy on the 7th.
        assert panel.member[:, 1].tolist() == [True] * 4 + [False] * 3
        assert panel.member[:, 2].tolist() == [False] * 6 + [True]

    def test_a_session_between_two_spells_counts_by_its_day(self, folder):
        put(folder, "membership.csv", "symbol,start,end\nNA,2021-01-09,2021-01-10\n")
        # A weekend on the exchange's calendar holds no session.
        assert not load_dataset(folder).panel.member[:, 0].any()
        every_day = load_dataset(folder, calendar="24/7").panel
        assert every_day.member[:, 0].tolist() == [False] * 5 + [True] * 2 + [False] * 2

    def test_an_entry_to_come_is_not_seen_before(self, folder):
        put(folder, "membership.csv", "symbol,start,end\nNA,2021-01-11,\n")
        assert not load_dataset(folder, end=dt.date(2021, 1, 8)).panel.member[:, 0].any()

    @pytest.mark.parametrize(
        ("rows", "problem"),
        [
            ("NO,2021-01-04,\n", "line 2: NO is not in universe.csv"),
            ("NA,2021-01-04,2021-01-05\nNA,2021-01-05,\n", "line 3: NA has a spell that overlaps"),
            ("NA,2021-01-06,\nNA,2021-01-04,2021-01-06\n", "line 2: NA has a spell that overlaps"),
            ("NA,2021-01-04,\nNA,2021-01-08,\n", "line 3: NA has a spell that overlaps"),
            ("NA,2021-01-04,\nBTC,2021-01-05,2021-01-04\n", "line 3: BTC has a spell that ends"),
            ("NA,,\n", "line 2: NA has a start that is no date"),
            ("NA,2021-02-30,\n", "line 2: NA has a start that is no date"),
            ("NA,2021-01-04,soon\n", "line 2: NA has an end that is no date"),
            ("NA,01/04/2021,\n", "line 2: NA has a start that is no date"),
        ],
        ids="unknown shared shared-earlier two-open turned empty day word slashes".split(),
    )
    def test_what_cannot_be_is_refused_with_its_line(self, folder, rows, problem):
        put(folder, "membership.csv", f"symbol,start,end\n{rows}")
        with pytest.raises(DataError, match=problem) as caught:
            load_dataset(folder)
        assert "membership.csv" in str(caught.value)

    def test_a_column_is_missing(self, folder):
        put(folder, "membership.csv", "symbol,from,to\nNA,2021-01-04,\n")
        with pytest.raises(DataError, match="lacks the column start"):
            load_dataset(folder)

    def test_an_entry_in_the_universe_that_is_no_date(self, folder):
        text = (folder / "universe.csv").read_text().replace("2021-01-05", "5 January")
        put(folder, "universe.csv", text)
        with pytest.raises(DataError, match="universe.csv, line 2: NA has a start that is no date"):
            load_dataset(folder)

    @settings(derandomize=True, max_examples=80, deadline=None)
    @given(
        st.lists(
            st.tuples(st.sampled_from(["NA", "BTC"]), st.integers(0, 8), st.integers(0, 9)),
            max_size=5,
        )
    )
    def test_any_spells_against_a_day_by_day_count(self, drawn):
        # The 9th end stands for none.
        rows = [
            (name, str(DAYS[first]), str(DAYS[last]) if last < 9 else "")
            for name, first, last in drawn
        ]
        table = pd.DataFrame(rows, columns=["symbol", "start", "end"], dtype=str)
        held = [(name, set(range(first, min(last, 8) + 1))) for name, first, last in drawn]
        turned = any(last < first for _, first, last in drawn)
        shared = any(
            one[0] == two[0] and (one[1] & two[1])
            for place, one in enumerate(held)
            for two in held[:place]
        )
        if turned or shared:
            with pytest.raises(DataError):
                check_spells(Path("membership.csv"), table, UNIVERSE)
            return
        spells = check_spells(Path("membership.csv"), table, UNIVERSE)
        assets = UNIVERSE[UNIVERSE["asset_class"] != "index"]
        inside = membership(assets, DAYS, spells)
        plain = membership(assets, DAYS)
        for column, symbol in enumerate(assets["symbol"]):
            own = [days for name, days in held if name == symbol]
            expected = [any(day in days for days in own) for day in range(9)]
            np.testing.assert_array_equal(
                inside[:, column], expected if own else plain[:, column], err_msg=symbol
            )


class TestUniverse:
    def test_more_columns_do_no_harm(self, folder):
        lines = (folder / "universe.csv").read_text().splitlines()
        made = [f"{lines[0]},currency,exchange"] + [f"{line},USD,NYSE" for line in lines[1:]]
        put(folder, "universe.csv", "\n".join(made) + "\n")
        data = load_dataset(folder)
        assert data.panel.shape == (7, 3)
        assert data.universe["currency"].tolist() == ["USD"] * 4

    def test_a_list_drawn_up_with_hindsight_is_told_of(self, folder):
        name = "universe.csv"
        text = (folder / name).read_text()
        put(folder, name, text, universe_kind="todays_list")
        _, sentence = load_dataset(folder).limits
        assert "drawn up at the end of the data (2021-01-12) or later" in sentence
        given = {"universe_list": "S&P 500", "universe_date": "2021-02-01"}
        put(folder, name, text, universe_kind="todays_list", **given)
        first, sentence = load_dataset(folder).limits
        assert first == "It is small."
        assert sentence.startswith(
            "Survivors only: the universe is one list, drawn up from S&P 500 on 2021-02-01;"
        )

    def test_a_universe_with_dates_has_nothing_to_tell(self, folder):
        put(folder, "universe.csv", (folder / "universe.csv").read_text(), universe_kind="dated")
        assert load_dataset(folder).limits == ("It is small.",)


class TestFilings:
    def test_columns_beside_the_contract_are_numbers(self, folder):
        put(
            folder, "fundamentals.csv",
            "symbol,period_end,known_from,book_equity,shares,shares_as_of,net_income,months\n"
            "NA,2020-12-31,2021-01-06,5000,10,2020-12-31,-3.5,12\n"
            "NA,2021-01-05,2021-01-08,6000,,,,3\n",
        )  # fmt: skip
        filings = read_fundamentals(folder, read_manifest(folder))
        assert filings["net_income"].iloc[0] == -3.5 and np.isnan(filings["net_income"].iloc[1])
        assert filings["months"].tolist() == [12.0, 3.0]
        panel = load_dataset(folder).panel
        assert panel.book_equity[:, 0].tolist()[2:] == [5000.0, 5000.0, 6000.0, 6000.0, 6000.0]
        # 10 shares of the old kind are 20 after 2 for 1 on the 6th, at 51 each.
        assert panel.market_cap[2, 0] == 20 * 51.0

    def test_a_cap_that_was_given_goes_before_one_from_shares(self, folder):
        lines = (folder / "prices_equities.csv").read_text().splitlines()
        caps = ["market_cap", "", "", "777"] + [""] * (len(lines) - 4)
        text = "\n".join(f"{line},{cap}" for line, cap in zip(lines, caps, strict=True)) + "\n"
        put(folder, "prices_equities.csv", text)
        put(
            folder, "fundamentals.csv",
            "symbol,period_end,known_from,book_equity,shares,shares_as_of\n"
            "NA,2020-12-31,2021-01-05,5000,10,2020-12-31\n",
        )  # fmt: skip
        # Nothing is known on the 4th; 10 shares at 102 on the 5th; the vendor's on the 6th;
        # then 20 at 51. Read from memory at first, from the cache the second time.
        for _ in range(2):
            caps = load_dataset(folder).panel.market_cap[:, 0]
            np.testing.assert_array_equal(caps[:4], [np.nan, 1020.0, 777.0, 1020.0])


def hourly_set(folder: Path, hours: int = 24 * 40) -> Path:
    """Two coins by the hour; the second starts 30 hours later and misses an hour."""
    start = np.datetime64("2021-03-01T05", "h")
    rng = np.random.default_rng(5)
    rows = []
    for symbol, first in (("BTC", 0), ("ETH", 30)):
        closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, hours)))
        for hour in range(first, hours):
            if (symbol, hour) != ("ETH", 50):
                stamp = (start + hour).astype("datetime64[s]")
                price = f"{closes[hour]:.6f}"
                rows.append(f"{stamp},{symbol},{price},{price},{price},{price},10,1,0")
    days = [str((start + hour).astype("datetime64[D]")) for hour in (0, 30, hours - 1)]
    universe = UNIVERSE.iloc[:2].assign(
        symbol=["BTC", "ETH"], asset_class="crypto", name="", start=days[:2], end=days[2],
        end_reason="data_end", volume_unit="units", price_kind="traded",
    )  # fmt: skip
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({**MANIFEST, "files": {}, "end": days[2]}))
    head = "date,symbol,open,high,low,close,volume,split_ratio,dividend"
    put(folder, "prices_crypto.csv", "\n".join([head, *rows]) + "\n", interval="1h")
    return put(folder, "universe.csv", universe.to_csv(index=False))


class TestHours:
    @pytest.fixture
    def hourly(self, tmp_path) -> Path:
        return hourly_set(tmp_path / "hours")

    def load(self, folder: Path, **options) -> Panel:
        return load_dataset(folder, calendar="24/7", interval="1h", **options).panel

    def test_a_row_an_hour_from_the_first_bar_to_the_last(self, hourly):
        for _ in range(2):
            panel = self.load(hourly)
            assert panel.shape == (960, 2) and panel.dates.dtype == "datetime64[h]"
            assert str(panel.dates[0]) == "2021-03-01T05"
            assert np.all(np.diff(panel.dates).astype(int) == 1)
            assert panel.next_session == panel.dates[-1] + 1
            assert panel.tradable[:, 0].all()
            assert np.flatnonzero(~panel.tradable[:, 1]).tolist() == [*range(30), 50]

    def test_a_year_has_8760_hours(self, hourly):
        assert self.load(hourly).periods_per_year == 8760

    def test_members_enter_with_their_day(self, hourly):
        # 30 hours after 5:00 on the 1st is 11:00 on the 2nd; the day starts in row 19.
        member = self.load(hourly).member
        assert member[:, 0].all() and np.flatnonzero(member[:, 1])[0] == 19

    def test_an_end_takes_the_whole_day(self, hourly):
        panel = self.load(hourly, end=dt.date(2021, 3, 3))
        assert str(panel.dates[-1]) == "2021-03-03T23"
        assert panel.next_session == np.datetime64("2021-03-04T00")
        np.testing.assert_array_equal(panel.close, self.load(hourly).close[: len(panel.dates)])

    def test_a_reason_is_known_when_its_day_is_over(self, hourly):
        name = "universe.csv"
        text = (hourly / name).read_text().replace("2021-04-10,data_end", "2021-03-03,bankruptcy")
        put(hourly, name, text)
        assert "bankruptcy" in text
        panel = self.load(hourly)
        row = np.flatnonzero(panel.dates == np.datetime64("2021-03-03T23"))[0]
        whole = load_dataset(hourly, calendar="24/7", interval="1h", end=dt.date(2021, 3, 2))
        assert whole.panel.end_reason.tolist() == ["data_end", "data_end"]
        assert panel.end_reason[1] == "bankruptcy" and panel.member[row, 1]
        assert not panel.member[row + 1, 1]

    def test_factors_take_hours_as_they_take_days(self, hourly):
        panel = self.load(hourly)
        scores = momentum(panel, lookback=48, skip=2)
        expected = panel.close[98, 0] / panel.close[52, 0] - 1
        assert scores[100, 0] == pytest.approx(expected)

    def test_native_bars_keep_their_hours(self, hourly):
        table = read_native(hourly, ["ETH"])
        assert table.time[0] == np.datetime64("2021-03-02T11:00:00")
        assert len(table) == 960 - 31

    def test_the_exchange_has_no_hours(self, hourly):
        with pytest.raises(DataError, match="do not fit the calendar XNYS") as caught:
            load_dataset(hourly, interval="1h")
        assert caught.value.remedy == "use the calendar 24/7"

    def test_daily_work_on_hours_is_refused(self, hourly):
        with pytest.raises(DataError, match="holds bars of 1h: the backtest") as caught:
            load_dataset(hourly, calendar="24/7")
        assert "1d" in caught.value.remedy
        changes = [f"data.dir={hourly}", "data.calendar=24/7"]
        with pytest.raises(DataError, match="are daily"):
            prepare(load_config("configs/backtest.yaml", changes))

    def test_hourly_work_on_days_is_refused(self, folder):
        with pytest.raises(DataError, match="holds bars of 1d: not") as caught:
            load_dataset(folder, calendar="24/7", interval="1h")
        assert caught.value.remedy == "name a set of 1h bars"

    def test_an_interval_that_there_is_none_of(self, hourly):
        put(hourly, "universe.csv", (hourly / "universe.csv").read_text(), interval="5m")
        with pytest.raises(DataError, match="the interval is '5m'"):
            self.load(hourly)

    def test_the_same_files_as_days_are_another_panel(self, hourly):
        self.load(hourly)
        put(hourly, "universe.csv", (hourly / "universe.csv").read_text(), interval="1d")
        with pytest.raises(DataError, match="the dates of BTC are not increasing"):
            load_dataset(hourly, calendar="24/7")
