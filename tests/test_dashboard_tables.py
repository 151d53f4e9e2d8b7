"""What the dashboard draws, against numbers worked out by hand."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pandas as pd
import pytest

from feeds.errors import DataError
from runs.dashboard_account import read_account
from runs.dashboard_files import Places, data_sets, factor_studies, read_document, read_table
from runs.dashboard_runs import compared, cut_to_common, metrics_table, read_run
from runs.dashboard_sets import read_set
from runs.dashboard_signals import bars_of, live_facts, live_state, read_signal
from tests.dashboard_case import write_all, write_ledger, write_set


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_all(tmp_path_factory.mktemp("tables") / "outputs")


def test_what_is_there_is_found_by_name(outputs):
    places = Places(outputs, outputs.parent / "data")
    assert list(places.runs()) == ["other", "small"]
    assert list(places.signals()) == ["small"]
    assert list(places.costs()) == ["small"]
    assert list(places.ledgers()) == ["paper.db"]
    assert list(factor_studies(outputs)) == ["outputs"]
    assert list(data_sets(places.data)) == list(data_sets(places.data / "little")) == ["little"]
    nowhere = Places(outputs / "no", outputs / "no", outputs / "no.db")
    assert not (nowhere.runs() or nowhere.signals() or nowhere.ledgers())


def test_series_of_a_run(outputs):
    found = compared({"small": read_run(outputs / "small")})
    wide = found.pivot(index="date", columns="measure", values="value")
    first, second, last = wide.to_dict("records")
    assert last["growth"] == pytest.approx(990.25 / 1000.5)
    assert (first["drawdown"], second["drawdown"]) == (0, 0)
    assert last["drawdown"] == pytest.approx(990.25 / 1010 - 1)
    # 500 long and 100 short of 1000.5.
    assert first["gross"] == pytest.approx(600 / 1000.5)
    assert first["net"] == pytest.approx(400 / 1000.5)
    # Commission 0.5 + 0.2, slippage 0.5 + 0.02; then 0.25 of borrow less 0.125 of interest.
    assert first["cost"] == pytest.approx(1.22 / 1000.5)
    assert second["carry"] == pytest.approx(0.125 / 1010)
    assert last["cost"] == pytest.approx(1.22 / 1000.5 + 0.125 / 1010)
    assert list(wide.index.strftime("%d")) == ["01", "02", "04"]


def test_runs_are_cut_to_their_common_days(outputs):
    run = read_run(outputs / "small")
    short = type(run)(run.values.iloc[1:], run.costs.iloc[1:], run.metrics)
    cut = cut_to_common({"a": run, "b": short})
    assert [len(one.values) for one in cut.values()] == [2, 2]
    growth = compared(cut).query("measure == 'growth' and run == 'a'")["value"].tolist()
    assert growth == pytest.approx([1.0, 990.25 / 1010])
    # No day in common: each as it is.
    early = type(run)(run.values.iloc[:1], run.costs.iloc[:1], run.metrics)
    assert len(cut_to_common({"a": early, "b": short})["b"].values) == 2


def test_metrics_that_are_not_known_are_empty(outputs):
    row = metrics_table({"small": read_run(outputs / "small")}).iloc[0]
    assert (row["run"], row["start"], row["cagr"]) == ("small", "2021-03-01", 0.1)
    assert pd.isna(row["beta"]) and pd.isna(row["sortino"])


def test_the_paper_account(outputs):
    account = read_account(outputs / "paper.db")
    assert (account.name, account.bar, account.events) == ("paper", "2021-03-02", 6)
    assert account.values["value"].tolist() == [999.5, 1009.75]
    assert account.values["gross"].iloc[-1] == pytest.approx(510 / 1009.75)
    row = account.positions.iloc[0].to_dict()
    assert (row["symbol"], row["shares"], row["price"], row["value"]) == ("A", 10, 51, 510)
    assert row["weight"] == pytest.approx(510 / 1009.75)
    assert account.waiting[["symbol", "shares"]].to_numpy().tolist() == [["A", -4], ["B", 3]]
    assert account.fills.iloc[0]["slippage"] == pytest.approx(10 * 0.05)
    assert account.carry.to_numpy().tolist() == [["2021-03-02", "", "interest", 0.25]]
    assert account.notes.to_numpy().tolist() == [["2021-03-02", "", "scaled", "by 0.9"]]


def test_gaps_are_sessions_of_the_class_alone(outputs):
    found = read_set(outputs.parent / "data" / "little")
    table = found.symbols.set_index("symbol")
    # On the 3rd B and C of three have a bar: a session, which A lacks. On the 4th only B has:
    # none. On the 6th no stock has, and the coin has all its days.
    assert table["missing"].to_dict() == {"A": 1, "B": 0, "BTC": 0, "C": 0}
    assert table["longest_gap"].to_dict() == {"A": 1, "B": 0, "BTC": 0, "C": 0}
    assert table.loc["C", ["first", "last", "bars"]].tolist() == ["2021-03-02", "2021-03-05", 3]
    classes = found.classes.set_index("asset_class")
    assert classes.loc["crypto", "newest"] == "2021-03-06"
    assert classes.loc["equity", ["symbols", "behind", "missing"]].tolist() == [3, 0, 1]
    repair = found.repairs.iloc[0]
    assert (repair["dates"], repair["first"], repair["last"]) == (2, "2021-03-03", "2021-03-04")
    assert found.coverage.set_index("asset_class").loc["equity", "symbols"] == 3


def test_half_of_the_living_series_make_a_session(tmp_path):
    folder = tmp_path / "two"
    write_set(folder)
    # On the 2nd one of two has a bar.
    (folder / "clean_prices.csv").write_text(
        "date,A,B\n2021-03-01,1,1\n2021-03-02,,1\n2021-03-03,1,1\n"
    )
    rows = (folder / "universe.csv").read_text().splitlines(keepends=True)
    (folder / "universe.csv").write_text("".join(rows[:3]))
    assert read_set(folder).symbols.set_index("symbol")["missing"].to_dict() == {"A": 1, "B": 0}


NOW = dt.datetime(2026, 1, 5, 14, 30, tzinfo=dt.UTC)
LIVE = {
    "state": "waiting",
    "last_bar": "2026-01-05T13:00Z",
    "updated": "2026-01-05T14:20:05Z",
    "next_poll": "2026-01-05T14:26:00Z",
    "value": 98072.83,
    "neutrality": {"dollar": 0.0125, "beta": -0.5, "within": False, "forced": True}
    | {"bands": {"dollar": 0.02, "beta": 0.25}},
    "behind": ["A", "B"],
    "faults": {"in_a_row": 2, "total": 5, "last": "binance: no answer"},
}


@pytest.mark.parametrize(
    "level, told, changed",
    [
        ("good", "due at 2026-01-05 14:26 UTC", {}),
        # Due four minutes ago: a poll may take a while. Six minutes ago: it is dead.
        ("error", "14:24 UTC: the session was killed", {"next_poll": "2026-01-05T14:24:00Z"}),
        ("good", "polls since 2026-01-05 14:20", {"state": "polling", "next_poll": None}),
        ("error", "did not end", {"state": "polling", "next_poll": None}
         | {"updated": "2026-01-05T13:59:00Z"}),
        ("warning", "again at 2026-01-05 14:26 UTC. binance: no answer", {"state": "fault"}),
        ("warning", "no reason", {"state": "fault", "next_poll": None, "faults": None}),
        ("rest", "Stopped at 2026-01-05 14:20 UTC", {"state": "stopped", "next_poll": None}),
        ("rest", "Stopped", {"state": "stopped", "next_poll": "2020-01-01T00:00:00Z"}),
        ("warning", "dancing", {"state": "dancing"}),
        ("warning", "None", {"state": None, "next_poll": None, "updated": None}),
    ],
)  # fmt: skip
def test_the_state_of_a_live_session(level, told, changed):
    found = live_state({**LIVE, **changed}, NOW)
    assert found[0] == level and told in found[1]


def test_the_figures_of_a_live_session():
    assert dict(live_facts(LIVE)) == {
        "Last bar": "2026-01-05 13:00 UTC",
        "Value": "98,073",
        "Net, of its band": "+1.25% of ±2.00%",
        "Beta, of its band": "-0.500 of ±0.250",
        "Within its bands": "no",
        "Brought back by this bar": "yes",
        "Waits for bars of": "A, B",
        "Faults": "2 in a row, 5 in all",
    }
    facts = dict(live_facts({"state": "polling", "neutrality": None, "behind": []}))
    assert facts["Waits for bars of"] == "none" and "Within its bands" not in facts


def test_signals_and_their_filter(outputs):
    folder = outputs / "signals" / "small"
    assert bars_of(folder) == ["2021-03-04", "2021-02-26"]
    signal = read_signal(folder)
    assert signal.factors == ["value", "size", "momentum"]
    assert len(signal.filtered(None, "", False)) == 30
    # Every tenth is a coin: S0009, S0019 and S0029.
    assert signal.filtered("crypto", "", False)["symbol"].tolist() == ["S0009", "S0019", "S0029"]
    assert signal.filtered("crypto", "19", True)["symbol"].tolist() == ["S0019"]
    assert signal.filtered(None, "(", False).empty
    assert signal.warnings == []
    assert read_signal(folder, "2021-02-26").told["as_of"] == "2021-02-26"


def test_an_old_source_and_a_late_decision_are_told(outputs, tmp_path):
    told = json.loads((outputs / "signals" / "small" / "signals.json").read_text())
    told["staleness"][0]["age_sessions"] = 6
    (tmp_path / "signals.json").write_text(json.dumps({**told, "late": True}))
    old, late = read_signal(tmp_path).warnings
    assert "6 sessions" in old and "late" in late


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"schema": 2}', '{"schema": 1}', '{"schema": 1, "assets": [{}]}']
)
def test_damaged_signals_are_refused(tmp_path, text):
    (tmp_path / "signals.json").write_text(text)
    with pytest.raises(DataError, match="signals.json"):
        read_signal(tmp_path)


def test_damaged_tables_are_refused(tmp_path):
    path = tmp_path / "values.csv"
    path.write_text("date,value\n2021-03-01,1\n")
    with pytest.raises(DataError, match="no column 'cash'"):
        read_table(path, ["cash"])
    with pytest.raises(DataError, match="damaged"):
        path.write_text("date,value\nyesterday,1\n")
        read_table(path, dates=["date"])
    with pytest.raises(DataError, match="damaged"):
        path.write_text("")
        read_table(path)
    with pytest.raises(DataError, match="No such file"):
        read_document(tmp_path / "absent.json")


def test_a_file_is_read_again_when_it_changes(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("symbol,x\nNA,1\n")
    first = read_table(path)
    first["x"] = 5
    assert read_table(path).to_numpy().tolist() == [["NA", 1]]
    path.write_text("symbol,x\nNA,2\nTRUE,3\n")
    assert read_table(path).to_numpy().tolist() == [["NA", 2], ["TRUE", 3]]


def test_a_ledger_that_was_changed_is_refused(outputs, tmp_path):
    import sqlite3

    write_ledger(tmp_path / "paper.db")
    with sqlite3.connect(tmp_path / "paper.db") as connection:
        connection.execute("PRAGMA ignore_check_constraints=1")
        names = connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall()
        for (name,) in names:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE events SET payload = '{}' WHERE kind = 'fill'")
    connection.close()
    with pytest.raises(DataError, match="not what was written"):
        read_account(tmp_path / "paper.db")
