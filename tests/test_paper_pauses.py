"""A series that pauses and resumes: closed by what was known, and the difference has its reason."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from runs.paper import paper
from strategies.execution.ledger import Event, reading_ledger
from tests import paper_case
from tests.paper_case import DAYS, run_to, write_config, write_set

FIRST, LAST = 22, 60
#: No bar on these sessions; after four without one a holding is closed.
PAUSE = range(32, 44)
CLOSED, RESUMED = 35, 44


def closings(ledger: Path) -> dict[str, str]:
    """Bar and reason of what was closed, by symbol."""
    with reading_ledger(ledger) as opened:
        events = opened.events("note")
    return {one.symbol: told(one) for one in events if one.payload["note"] == "delisting"}


def told(event: Event) -> str:
    return f"{event.bar} {event.payload['detail'].rpartition(' as ')[2]}"


def traded(folder: Path, name: str, *days: int):
    """A ledger that was brought up to each of some sessions, on the set as it was then."""
    for last in days:
        config = write_config(folder, write_set(folder / "set", last, pause={name: PAUSE}))
        run_to(folder / "paper.db", config, DAYS[last], since=DAYS[FIRST])
    ledger = folder / "paper.db"
    return paper(str(config), ledger=ledger, out=str(folder / "out"), pages=False)[1]


@pytest.mark.parametrize("name", [pytest.param("AA", marks=pytest.mark.slow), "EE"])
def test_a_pause_that_was_taken_for_an_end_is_the_reason_of_what_differs(tmp_path, name):
    """Closed at -30 % for a reason not known, on the bar itself; the backtest loses nothing."""
    parity = traded(tmp_path, name, CLOSED, LAST)
    assert closings(tmp_path / "paper.db")[name] == f"{DAYS[CLOSED]} unknown"
    reason = f"{name} was closed on {DAYS[CLOSED]} as unknown and resumed on {DAYS[RESUMED]}"
    assert parity.summary["closed_otherwise"] == [reason]
    assert parity.summary["differences"] > 50 and parity.summary["unexplained"] == 0
    assert parity.differences["reason"].str.contains(reason, regex=False).all()
    assert parity.differences["date"].min() == pd.Timestamp(DAYS[CLOSED])
    first = parity.differences[parity.differences["what"] == "fill"].iloc[0]
    assert first["symbol"] == name
    assert first["paper"] == pytest.approx(0.7 * first["backtest"])


@pytest.mark.parametrize("name", [pytest.param("AA", marks=pytest.mark.slow), "EE"])
def test_bars_that_are_caught_up_do_not_know_how_a_series_ends_later(tmp_path, name):
    """EE goes bankrupt after its pause: it is not worth nothing when it pauses."""
    parity = traded(tmp_path, name, LAST)
    assert closings(tmp_path / "paper.db")[name] == f"{DAYS[CLOSED]} data_end"
    assert (parity.summary["differences"], parity.summary["closed_otherwise"]) == (0, [])


def test_a_reason_that_becomes_known_later_is_told(tmp_path, monkeypatch):
    """EE ends for a reason that is not known; the next day its bankruptcy is in the set."""
    known = paper_case._universe
    with monkeypatch.context() as context:
        unknown = {"bankruptcy": "unknown"}
        context.setattr(paper_case, "_universe", lambda *given: known(*given).replace(unknown))
        config = write_config(tmp_path, write_set(tmp_path / "set", 48))
    run_to(tmp_path / "paper.db", config, DAYS[48], since=DAYS[FIRST])
    write_set(tmp_path / "set", LAST)
    run_to(tmp_path / "paper.db", config, DAYS[LAST])
    ledger, out = tmp_path / "paper.db", str(tmp_path / "out")
    _, parity, _ = paper(str(config), ledger=ledger, out=out, pages=False)
    reason = f"EE was closed on {DAYS[48]} as unknown, which is bankruptcy now"
    assert parity.summary["closed_otherwise"] == [reason]
    assert parity.summary["differences"] > 10 and parity.summary["unexplained"] == 0
