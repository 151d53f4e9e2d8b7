"""From a symbols file to raw bars on disk: what is asked, what is kept, what is said."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feeds.errors import ConfigError, DataError
from feeds.ingestion import collect, narrowed
from feeds.sources.request import FetchError, SymbolRequest
from tests.ingestion_case import NOW, Vendor, coin, contents, fetch_and_write, options, write_set

BTC, ETH = coin("BTC"), coin("ETH")
#: 31 days of January, 29 of February, and the closed ones of March by the 10th at noon.
DAYS = 31 + 29 + 9


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "mine"


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


def down(symbol: str = "BTC", times: int = 9) -> list[Exception]:
    return [FetchError("unavailable", f"{symbol}: no answer", "run again") for _ in range(times)]


def days_later(vendor: Vendor, days: int, **given):
    """The options of a run some days later."""
    vendor.now = NOW + dt.timedelta(days=days)
    vendor.asked.clear()
    now = vendor.now
    return options(now=lambda: now, **given)


class TestTheFirstRun:
    def test_every_symbol_is_fetched_and_stored(self, out, vendor):
        made = fetch_and_write([BTC, ETH], out, vendor, options())
        assert [(o.symbol, o.status, o.rows, o.added) for o in made.outcomes] == [
            ("BTC", "new", DAYS, DAYS),
            ("ETH", "new", DAYS, DAYS),
        ]
        assert (made.outcomes[0].first, made.outcomes[0].last) == ("2024-01-01", "2024-03-09")
        assert sorted(contents(out)) == [
            "closes.csv",
            "manifest.json",
            "raw/BTC.csv",
            "raw/ETH.csv",
            "raw/index.json",
        ]
        assert [path.name for path in out.parent.iterdir()] == ["mine"]

    def test_bars_come_in_order_with_the_place_they_stand_at(self, out, vendor):
        with collect([ETH, BTC], out, options(), vendor) as made:
            write_set(out, made)
            pairs = list(made.series())
        assert [info.symbol for info, _ in pairs] == ["ETH", "BTC"]
        info, table = pairs[1]
        assert (info.asset_class, info.currency, info.vendor) == ("crypto", "USD", "vendor 1")
        assert table.files == ("raw/BTC.csv",) and table.line[0] == 2
        lines = (out / "raw" / "BTC.csv").read_text().splitlines()
        # B, T and C are 66, 84 and 67: the first close is 100.217.
        assert lines[table.line[0] - 1].split(",")[4] == repr(float(table["close"][0])) == "100.217"
        assert lines[table.line[-1] - 1].split(",")[4] == repr(float(table["close"][-1]))
        pd.testing.assert_frame_equal(table.frame("BTC"), vendor.history(BTC), check_freq=False)

    def test_parts_hold_whole_symbols(self, out, vendor):
        names = [coin(name) for name in "ABCDE"]
        with collect(names, out, options(), vendor) as made:
            parts = list(made.parts(rows=2 * DAYS))
        assert [list(infos) for infos, _ in parts] == [["A", "B"], ["C", "D"], ["E"]]
        assert [len(table) for _, table in parts] == [2 * DAYS, 2 * DAYS, DAYS]

    def test_it_is_the_same_whatever_comes_first(self, out, vendor, tmp_path):
        names = [coin(name) for name in "ABCDEF"]
        fetch_and_write(names, out, vendor, options(jobs=4))
        fetch_and_write(names, tmp_path / "again", Vendor(), options(jobs=1))
        assert contents(out) == contents(tmp_path / "again")

    def test_no_symbol_at_all_is_an_error_and_leaves_nothing(self, out, vendor):
        vendor.faults = {"BTC": down()}
        with pytest.raises(
            DataError, match="none of 1 symbols has bars; the first: BTC: no answer"
        ):
            fetch_and_write([BTC], out, vendor, options())
        assert list(out.parent.iterdir()) == []

    def test_two_requests_of_a_name_are_refused(self, out, vendor):
        with pytest.raises(DataError, match="twice"):
            fetch_and_write([BTC, BTC], out, vendor, options())
        assert vendor.asked == []

    def test_what_is_to_be_fetched_again_must_be_asked_for(self, out, vendor):
        with pytest.raises(ConfigError, match="--refetch BTX: no such symbol") as caught:
            fetch_and_write([BTC], out, vendor, options(refetch=frozenset(["BTX"])))
        assert caught.value.remedy == "did you mean BTC?"

    @pytest.mark.parametrize("given", [{"jobs": 0}, {"jobs": 65}, {"deadline": 0.0}])
    def test_options_out_of_bounds(self, out, vendor, given):
        with pytest.raises(ConfigError):
            fetch_and_write([BTC], out, vendor, options(**given))
        assert list(out.parent.iterdir()) == []


class TestTheNextRun:
    def test_nothing_is_asked_where_nothing_is_missing(self, out, vendor):
        fetch_and_write([BTC], out, vendor, options())
        before = contents(out)
        # 11 hours later it is still the 10th.
        given = days_later(vendor, 0)
        made = fetch_and_write([BTC], out, vendor, given)
        assert vendor.asked == [] and made.outcomes[0].status == "unchanged"
        assert not made.changed and contents(out) == before

    def test_only_the_end_is_fetched_with_an_overlap_of_ten(self, out, vendor):
        fetch_and_write([BTC], out, vendor, options())
        made = fetch_and_write([BTC], out, vendor, days_later(vendor, 3))
        # The last of 69 is the 9th of March; the eleventh from the end is the 28th of February.
        assert [request.start for request in vendor.asked] == [dt.date(2024, 2, 28)]
        outcome = made.outcomes[0]
        assert (outcome.status, outcome.rows, outcome.added) == ("updated", DAYS + 3, 3)
        assert made.changed and outcome.differences == ()

    def test_an_update_is_what_a_whole_fetch_gives(self, out, vendor, tmp_path):
        fetch_and_write([BTC], out, vendor, options())
        given = days_later(vendor, 4)
        fetch_and_write([BTC], out, vendor, given)
        fetch_and_write([BTC], tmp_path / "whole", vendor, given)
        assert contents(out) == contents(tmp_path / "whole")

    def test_what_is_gone_from_the_symbols_file_leaves_the_set(self, out, vendor):
        fetch_and_write([BTC, ETH], out, vendor, options())
        made = fetch_and_write([BTC], out, vendor, options())
        assert made.removed == ("ETH",) and made.changed
        assert sorted(path.name for path in (out / "raw").iterdir()) == ["BTC.csv", "index.json"]

    def test_an_earlier_start_fetches_all_of_it(self, out, vendor):
        late = replace(BTC, start=dt.date(2024, 2, 1))
        fetch_and_write([late], out, vendor, options())
        made = fetch_and_write([BTC], out, vendor, options())
        assert [request.start for request in vendor.asked] == [dt.date(2024, 2, 1), None]
        outcome = made.outcomes[0]
        assert (outcome.status, outcome.added) == ("updated", 31)
        assert outcome.why == "start was 2024-02-01 and is the first bar"

    def test_a_later_start_and_an_earlier_end_cut_without_asking(self, out, vendor, tmp_path):
        fetch_and_write([BTC], out, vendor, options())
        vendor.asked.clear()
        less = replace(BTC, start=dt.date(2024, 2, 1), end=dt.date(2024, 2, 29))
        made = fetch_and_write([less], out, vendor, options())
        outcome = made.outcomes[0]
        assert vendor.asked == [] and outcome.why == "fewer days are asked for"
        assert (outcome.status, outcome.rows, outcome.first) == ("updated", 29, "2024-02-01")
        fetch_and_write([less], tmp_path / "whole", vendor, options())
        assert contents(out) == contents(tmp_path / "whole")

    @pytest.mark.parametrize(
        "change",
        [{"source_symbol": "XBT"}, {"exchange": "kraken"}, {"interval": "1h"}, {"currency": "USD"}],
    )
    def test_another_series_is_fetched_as_a_whole(self, out, vendor, change):
        fetch_and_write([BTC], out, vendor, options())
        made = fetch_and_write([replace(BTC, **change)], out, vendor, options())
        assert vendor.asked[-1].start is None and len(vendor.asked) == 2
        outcome = made.outcomes[0]
        assert outcome.status == "updated" and outcome.why.startswith(next(iter(change)))

    def test_a_damaged_raw_file_is_fetched_again(self, out, vendor):
        fetch_and_write([BTC], out, vendor, options())
        before = contents(out)
        path = out / "raw" / "BTC.csv"
        path.write_bytes(path.read_bytes()[:-20])
        made = fetch_and_write([BTC], out, vendor, options())
        assert made.outcomes[0].why == "the stored raw file is damaged or gone"
        assert contents(out) == before

    def test_a_damaged_index_is_refused(self, out, vendor):
        fetch_and_write([BTC], out, vendor, options())
        (out / "raw" / "index.json").write_text('{"format": 1, "symbols"')
        with pytest.raises(DataError, match="no index of raw bars"):
            fetch_and_write([BTC], out, vendor, options())


class TestRevisions:
    def revised(self, table: pd.DataFrame) -> pd.DataFrame:
        table = table.copy()
        table.loc["2024-03-05", "close"] *= 1.01
        table.loc["2024-01-05", "low"] -= 1.0
        return table

    def test_a_revision_is_told_and_the_whole_history_replaced(self, out, vendor, tmp_path):
        fetch_and_write([BTC], out, vendor, options())
        old = (out / "raw" / "BTC.csv").read_bytes()
        vendor.change["BTC"] = self.revised
        given = days_later(vendor, 1)
        made = fetch_and_write([BTC], out, vendor, given)
        outcome = made.outcomes[0]
        assert outcome.status == "revised" and outcome.attempts == 2
        assert [request.start for request in vendor.asked] == [dt.date(2024, 2, 28), None]
        # The 5th of January closes 104.217 less 0.7; the 5th of March is the 65th day: 164.217.
        low, close = 104.217 - 0.7, 164.217
        assert [row[:2] for row in outcome.differences] == [
            ("2024-01-05", "low"),
            ("2024-03-05", "close"),
        ]
        assert [row[2:] for row in outcome.differences] == [
            (low, low - 1.0),
            (close, close * 1.01),
        ]
        assert made.revisions.to_numpy().tolist()[1][:3] == ["BTC", "2024-03-05", "close"]
        from hashlib import sha256

        assert outcome.replaced == sha256(old).hexdigest()
        fetch_and_write([BTC], tmp_path / "whole", vendor, given)
        assert (out / "raw/BTC.csv").read_bytes() == (tmp_path / "whole/raw/BTC.csv").read_bytes()

    def test_an_ordinary_dividend_and_split_are_none(self, out, vendor):
        fetch_and_write([BTC], out, vendor, options())

        def events(table: pd.DataFrame) -> pd.DataFrame:
            table = table.copy()
            table.loc["2024-03-10", "dividend"] = 0.5
            table.loc["2024-03-11", "split_ratio"] = 3.0
            # Printed prices reckoned back from a third, kept to 32 bits.
            old = table.index < pd.Timestamp("2024-03-11")
            back = (table.loc[old, "close"] / 3.0).astype("float32").astype("float64") * 3.0
            table.loc[old, "close"] = back
            return table

        vendor.change["BTC"] = events
        made = fetch_and_write([BTC], out, vendor, days_later(vendor, 2))
        outcome = made.outcomes[0]
        assert (outcome.status, outcome.added) == ("updated", 2) and len(vendor.asked) == 1
        stored = dict((info.symbol, table) for info, table in self.read(out, vendor))["BTC"]
        np.testing.assert_allclose(stored["close"][:69], 100.217 + np.arange(69), rtol=1e-14)
        assert stored["split_ratio"][-1] == 3.0 and stored["dividend"][-2] == 0.5

    def read(self, out: Path, vendor: Vendor):
        now = vendor.now
        with collect([BTC], out, options(now=lambda: now, offline=True), vendor) as made:
            return list(made.series())

    @pytest.mark.parametrize(
        ("column", "factor", "revised"),
        [
            ("close", 1.0 + 1e-10, False),
            ("close", 1.0 + 1e-8, True),
            ("open", 1.0 + 1e-8, True),
            ("volume", 1.04, False),
            ("volume", 1.06, True),
        ],
    )
    def test_tolerances(self, out, vendor, column, factor, revised):
        fetch_and_write([BTC], out, vendor, options())

        def changed(table: pd.DataFrame) -> pd.DataFrame:
            table = table.copy()
            table.loc["2024-03-05", column] *= factor
            return table

        vendor.change["BTC"] = changed
        made = fetch_and_write([BTC], out, vendor, days_later(vendor, 1))
        assert made.outcomes[0].status == ("revised" if revised else "updated")

    @pytest.mark.parametrize(
        ("factor", "status"), [(1.3, "updated"), (0.6, "updated"), (2.1, "revised")]
    )
    def test_the_last_volume_may_have_been_counted_too_early(self, out, vendor, factor, status):
        fetch_and_write([BTC], out, vendor, options())

        def changed(table: pd.DataFrame) -> pd.DataFrame:
            table = table.copy()
            table.loc["2024-03-09", "volume"] *= factor
            return table

        vendor.change["BTC"] = changed
        given = days_later(vendor, 1)
        outcome = fetch_and_write([BTC], out, vendor, given).outcomes[0]
        # The 69th day trades 69,000. Either way it is told that it was replaced.
        assert outcome.status == status and len(vendor.asked) == (1 if status == "updated" else 2)
        assert outcome.differences == (("2024-03-09", "volume", 69000.0, 69000.0 * factor),)
        line = (out / "raw" / "BTC.csv").read_text().splitlines()[69]
        assert line.split(",")[5] == repr(69000.0 * factor)

    @pytest.mark.parametrize("column", ["dividend", "split_ratio"])
    def test_an_event_on_a_stored_bar_is_one(self, out, vendor, column):
        fetch_and_write([BTC], out, vendor, options())

        def changed(table: pd.DataFrame) -> pd.DataFrame:
            table = table.copy()
            table.loc["2024-03-05", column] += 0.25
            return table

        vendor.change["BTC"] = changed
        outcome = fetch_and_write([BTC], out, vendor, days_later(vendor, 1)).outcomes[0]
        assert outcome.status == "revised"
        assert [row[:2] for row in outcome.differences] == [("2024-03-05", column)]

    @pytest.mark.parametrize("days", [-1, 1])
    def test_day_labels_that_moved(self, out, vendor, days):
        fetch_and_write([BTC], out, vendor, options())
        vendor.change["BTC"] = lambda table: table.set_axis(table.index + pd.Timedelta(days=days))
        outcome = fetch_and_write([BTC], out, vendor, days_later(vendor, 2)).outcomes[0]
        assert outcome.status == "revised"
        assert outcome.why == f"the vendor's day labels moved by {days:+d} day"
        assert outcome.first == ("2024-01-02" if days == 1 else "2023-12-31")

    def test_a_bar_that_came_and_one_that_went(self, out, vendor):
        vendor.change["BTC"] = lambda table: table.drop(pd.Timestamp("2024-03-04"))
        fetch_and_write([BTC], out, vendor, options())
        vendor.change["BTC"] = lambda table: table.drop(pd.Timestamp("2024-03-06"))
        outcome = fetch_and_write([BTC], out, vendor, days_later(vendor, 1)).outcomes[0]
        rows = [(day, column, str(a), str(b)) for day, column, a, b in outcome.differences]
        # The 4th is the 64th day and closes 163.217, the 6th 165.217.
        assert rows == [
            ("2024-03-04", "bar", "nan", "163.217"),
            ("2024-03-06", "bar", "165.217", "nan"),
        ]

    def test_adjusted_closes_that_are_adjusted_anew_are_none(self, out, vendor):
        vendor.change["BTC"] = lambda table: table.assign(adjusted=table["close"] * 0.9)
        fetch_and_write([BTC], out, vendor, options())
        given = days_later(vendor, 1)
        vendor.change["BTC"] = lambda table: table.assign(adjusted=table["close"] * 0.89)
        outcome = fetch_and_write([BTC], out, vendor, given).outcomes[0]
        assert (outcome.status, outcome.added) == ("updated", 1)
        assert outcome.why == "the vendor adjusted its earlier prices anew"
        # The new level does not continue the old one, so all of it was fetched.
        assert [request.start for request in vendor.asked] == [dt.date(2024, 2, 28), None]
        lines = (out / "raw" / "BTC.csv").read_text().splitlines()
        assert lines[0].endswith(",adjusted") and float(lines[1].split(",")[8]) == 100.217 * 0.89

    def test_another_unit_is_one(self, out, vendor):
        fetch_and_write([BTC], out, vendor, options())
        vendor.said = {"currency": "EUR"}
        outcome = fetch_and_write([BTC], out, vendor, days_later(vendor, 1)).outcomes[0]
        assert outcome.why == "the vendor's currency was USD and is EUR"
        assert len(vendor.asked) == 2

    def test_latest_bars_only_continue_what_is_stored(self, out, vendor):
        fetch_and_write([BTC], out, vendor, options())
        vendor.gives_latest = 40
        outcome = fetch_and_write(
            [replace(BTC, start=None)], out, vendor, days_later(vendor, 20)
        ).outcomes[0]
        assert (outcome.status, outcome.rows, outcome.added) == ("updated", DAYS + 20, 20)

    def test_latest_bars_do_not_bridge_a_gap(self, out, vendor):
        fetch_and_write([BTC], out, vendor, options())
        vendor.gives_latest = 40
        before = (out / "raw" / "BTC.csv").read_bytes()
        given = days_later(vendor, 60)
        outcome = fetch_and_write([BTC], out, vendor, given).outcomes[0]
        assert (outcome.status, outcome.fault, outcome.rows) == ("stale", "history", DAYS)
        assert "does not continue" in outcome.problem and "--refetch" in outcome.remedy
        assert (out / "raw" / "BTC.csv").read_bytes() == before
        forced = replace(given, refetch=frozenset(["BTC"]))
        outcome = fetch_and_write([BTC], out, vendor, forced).outcomes[0]
        assert (outcome.rows, outcome.first) == (40, "2024-03-30")

    def test_latest_bars_that_were_revised_do_not_replace_more(self, out, vendor):
        fetch_and_write([BTC], out, vendor, options())
        vendor.gives_latest = 40
        vendor.change["BTC"] = lambda table: table.assign(close=table["close"] * 1.5)
        outcome = fetch_and_write([BTC], out, vendor, days_later(vendor, 1)).outcomes[0]
        assert (outcome.status, outcome.rows) == ("stale", DAYS)


class TestFailures:
    def test_a_symbol_that_fails_keeps_its_bars_and_is_named(self, out, vendor):
        fetch_and_write([BTC, ETH], out, vendor, options())
        vendor.faults = {"BTC": down()}
        made = fetch_and_write([BTC, ETH], out, vendor, days_later(vendor, 1))
        stale, updated = made.outcomes
        assert (stale.status, stale.rows, stale.last) == ("stale", DAYS, "2024-03-09")
        assert (stale.fault, stale.problem, stale.remedy) == (
            "unavailable",
            "BTC: no answer",
            "run again",
        )
        assert stale.attempts == 3 and updated.status == "updated"
        # The next run asks for what is missing then.
        vendor.faults = {}
        made = fetch_and_write([BTC, ETH], out, vendor, days_later(vendor, 2))
        assert [(o.status, o.added) for o in made.outcomes] == [("updated", 2), ("updated", 1)]

    def test_a_symbol_without_bars_is_left_out(self, out, vendor):
        vendor.faults = {"BTC": down()}
        made = fetch_and_write([BTC, ETH], out, vendor, options())
        assert [o.status for o in made.outcomes] == ["failed", "new"]
        assert list(made.infos) == ["ETH"]

    def test_a_failure_does_not_pretend_that_more_is_stored(self, out, vendor):
        short = replace(BTC, start=dt.date(2024, 2, 1), end=dt.date(2024, 2, 10))
        fetch_and_write([short], out, vendor, options())
        vendor.faults = {"BTC": down(times=3)}
        fetch_and_write([BTC], out, vendor, options())
        vendor.asked.clear()
        outcome = fetch_and_write([BTC], out, vendor, options()).outcomes[0]
        assert vendor.asked[0].start is None and outcome.rows == DAYS

    def test_another_source_that_fails_leaves_the_bars_of_the_first(self, out, vendor):
        fetch_and_write([BTC], out, vendor, options())
        vendor.faults = {"BTC": down()}
        other = replace(BTC, source_symbol="XBT")
        made = fetch_and_write([other], out, vendor, options())
        assert made.outcomes[0].status == "stale"
        assert made.infos["BTC"].source_symbol == "BTC"

    def test_a_revision_that_cannot_be_fetched_changes_nothing(self, out, vendor):
        fetch_and_write([BTC], out, vendor, options())
        before = (out / "raw" / "BTC.csv").read_bytes()
        vendor.change["BTC"] = lambda table: table.assign(close=table["close"] * 1.5)
        real, vendor.faults = vendor.fetch, {}

        def first_only(request: SymbolRequest):
            if request.start is None:
                raise down()[0]
            return real(request)

        vendor.fetch = first_only
        outcome = fetch_and_write([BTC], out, vendor, days_later(vendor, 1)).outcomes[0]
        assert outcome.status == "stale" and "another history" in outcome.why
        assert (out / "raw" / "BTC.csv").read_bytes() == before

    def test_a_vanished_series_keeps_what_is_stored(self, out, vendor):
        fetch_and_write([BTC], out, vendor, options())
        vendor.change["BTC"] = lambda table: table.iloc[:30]
        vendor.change["ETH"] = lambda table: table
        outcome = fetch_and_write([BTC], out, vendor, days_later(vendor, 1)).outcomes[0]
        assert (outcome.status, outcome.fault) == ("stale", "no_data")


class TestOffline:
    def test_nobody_is_asked(self, out, vendor):
        fetch_and_write([BTC], out, vendor, options())
        made = fetch_and_write([BTC, ETH], out, vendor, days_later(vendor, 5, offline=True))
        assert vendor.asked == []
        assert [(o.status, o.fault) for o in made.outcomes] == [
            ("unchanged", ""),
            ("failed", "offline"),
        ]

    def test_bars_before_the_stored_ones_are_missing(self, out, vendor):
        fetch_and_write([replace(BTC, start=dt.date(2024, 2, 1))], out, vendor, options())
        made = fetch_and_write([BTC], out, vendor, options(offline=True))
        assert (made.outcomes[0].status, made.outcomes[0].fault) == ("stale", "offline")
        assert made.outcomes[0].problem == "BTC: start was 2024-02-01 and is the first bar"


class TestNarrowing:
    def test_the_later_start_and_the_earlier_end(self):
        asked = [
            replace(BTC, start=dt.date(2020, 1, 1)),
            replace(ETH, end=dt.date(2021, 12, 31)),
            coin("OLD", end=dt.date(2018, 1, 1)),
        ]
        start, end = dt.date(2019, 1, 1), dt.date(2022, 6, 30)
        kept, left = narrowed(asked, start, end, "1h")
        assert [(r.symbol, r.start, r.end, r.interval) for r in kept] == [
            ("BTC", dt.date(2020, 1, 1), end, "1h"),
            ("ETH", start, dt.date(2021, 12, 31), "1h"),
        ]
        assert left == ("OLD",)

    def test_nothing_left_is_an_error(self):
        with pytest.raises(DataError, match="no symbol has a day from 2025-01-01"):
            narrowed([replace(BTC, end=dt.date(2020, 1, 1))], dt.date(2025, 1, 1))
