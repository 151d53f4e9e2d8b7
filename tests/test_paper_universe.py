"""Symbols that leave a paper account's universe or data set, and symbols that come to it."""

from __future__ import annotations

import pandas as pd
import pytest

from feeds.errors import DataError
from runs.paper import paper
from strategies.execution.ledger import reading_ledger
from strategies.execution.replay import replay
from tests.paper_case import DAYS, run_to, write_config, write_set

FIRST, MIDDLE, LAST = 22, 40, 48
SYMBOLS = ("AA", "BB", "CC", "DD", "EE", "NA", "TRUE", "COIN")


@pytest.fixture
def account(tmp_path):
    """A ledger up to a bar, its configuration, and a stock that was traded and is not held."""
    config = write_config(tmp_path, write_set(tmp_path / "set"))
    run_to(tmp_path / "paper.db", config, DAYS[MIDDLE], since=DAYS[FIRST])
    with reading_ledger(tmp_path / "paper.db") as ledger:
        events = ledger.events()
    book = replay(events)
    waiting = {name for plan in book.close["pending"] for name in plan["tickets"]}
    traded = {event.symbol for event in events if event.kind == "fill"} - {"COIN"}
    return tmp_path / "paper.db", config, sorted(traded - waiting - set(book.held))[0]


def remaining(gone: str) -> str:
    left = ", ".join(repr(name) for name in SYMBOLS if name != gone)
    return f"data.universe=[{left}]"


def test_what_is_sold_may_leave_the_universe(account, tmp_path):
    """The account goes on without it, and the record still has its fills."""
    ledger, config, gone = account
    assert len(run_to(ledger, config, DAYS[LAST], remaining(gone)).bars) == LAST - MIDDLE
    result, parity, out = paper(
        str(config), (remaining(gone),), ledger=ledger, out=str(tmp_path / "out"), pages=False
    )
    fills = pd.read_csv(out / "fills.csv", keep_default_na=False, dtype={"symbol": str})
    days = fills["date"][fills["symbol"] == gone]
    assert len(days) and days.max() <= str(DAYS[MIDDLE])
    assert f"no longer in data.universe: {gone}" in result.notes[1]
    assert parity.summary["unexplained"] == 0
    assert "data.universe" in parity.summary["configuration_changes"]


def test_what_is_sold_may_leave_the_data_set(account, tmp_path):
    """It is flagged once as a revision; a record lacks its prices and says so."""
    ledger, config, gone = account
    write_set(tmp_path / "set", without=(gone,))
    progress = run_to(ledger, config, DAYS[LAST])
    told = [event for event in progress.revisions if event.symbol == gone]
    assert [event.payload["column"] for event in told] == ["closes"]
    assert all(after is None for _, after in told[0].payload["changes"].values())
    assert {event.kind for event in progress.revisions} == {"revision"}
    assert run_to(ledger, config, DAYS[LAST]).revisions == ()
    with pytest.raises(DataError) as error:
        paper(str(config), ledger=ledger, out=str(tmp_path / "out"), pages=False)
    assert f"{gone} was traded by the ledger, and " in error.value.problem
    # It is back: its prices are those that were used.
    write_set(tmp_path / "set")
    run_to(ledger, config, DAYS[LAST])
    assert paper(str(config), ledger=ledger, out=str(tmp_path / "out"), pages=False)


def test_what_is_held_may_not_leave(account, tmp_path):
    ledger, config, _ = account
    with reading_ledger(ledger) as opened:
        before = opened.events()
    held = sorted(replay(before).held)[0]
    write_set(tmp_path / "set", without=(held,))
    with pytest.raises(DataError, match=f"{held} is held or waits in the ledger"):
        run_to(ledger, config, DAYS[LAST])
    with reading_ledger(ledger) as opened:
        assert opened.events() == before


def test_what_comes_to_the_set_is_ranked_from_the_next_bar_on(tmp_path):
    config = write_config(tmp_path, write_set(tmp_path / "set", without=("AA",)))
    run_to(tmp_path / "paper.db", config, DAYS[MIDDLE], since=DAYS[FIRST])
    write_set(tmp_path / "set")
    progress = run_to(tmp_path / "paper.db", config, DAYS[LAST])
    assert [(event.symbol, event.payload["column"]) for event in progress.revisions] == [
        ("", "digest")
    ]
    with reading_ledger(tmp_path / "paper.db") as opened:
        chosen = [one.bar for one in opened.events("decision") if "AA" in one.payload["weights"]]
    assert chosen and min(chosen) > str(DAYS[MIDDLE])
