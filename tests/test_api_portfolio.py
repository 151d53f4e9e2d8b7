"""The paper account over HTTP: what its ledger replays to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from runs.api_answers import Answers
from runs.api_folders import Damaged, Outputs
from tests.api_case import Server, documented, serving

pytest.importorskip("runs.api_app")
ledgers = pytest.importorskip("strategies.execution.ledger")
pytest.importorskip("strategies.execution.replay")

OPENED = {"note": "opened", "name": "paper", "starting_cash": 1000.0, "config": {}}
#: 10 shares at 50 with 0.5 of commission leave 1000 - 500.5 = 499.5; two shares of B are sold
#: short at 40 for 80: 579.5. At 51 and 39: 579.5 + 510 - 78 = 1011.5.
FIRST = {
    "cash": 579.5,
    "long": 500.0,
    "short": -80.0,
    "value": 999.5,
    "margin": 145.0,
    "closes": {"A": 50.0, "B": 40.0},
}
SECOND = {
    "cash": 579.5,
    "long": 510.0,
    "short": -80.0,
    "value": 1009.5,
    "margin": 147.5,
    "closes": {"A": 51.0},
}


def close(bar: str, noted: dict) -> ledgers.Event:
    rest = {"steps": {}, "digest": "", "pending": [], "lots": {}, "spread": None, "stops": None}
    return ledgers.Event(bar, "note", "", 0, {"note": "close", **noted, **rest})


def fill(symbol: str, shares: float, price: float, paid: float) -> ledgers.Event:
    told = {"shares": shares, "price": price, "paid": paid, "held": shares}
    return ledgers.Event(
        "2021-03-01", "fill", symbol, 0, {"decided": "2021-02-26", "reason": "rebalance", **told}
    )


def write_ledger(path: Path, *further: ledgers.Event) -> Path:
    """A ledger of one bar, and what comes after it."""
    opened = ledgers.Event("2021-03-01", "note", "", 1, {**OPENED, "config_hash": "c"})
    filled = [fill("A", 10, 50, 500.5), fill("B", -2, 40, -80)]
    with ledgers.writing_ledger(path) as ledger:
        ledger.append([opened, *filled, close("2021-03-01", FIRST), *further])
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    outputs = tmp_path_factory.mktemp("paper") / "outputs"
    outputs.mkdir()
    path = write_ledger(outputs / "paper.db")
    with serving(outputs) as running:
        yield running, path


def test_the_account_is_served_as_its_ledger_replays(served: tuple[Server, Path]) -> None:
    server, path = served
    found = server.ask("/v1/portfolio")
    assert found.status == 200
    assert (found.json["as_of"], found.json["cash"], found.json["value"]) == (
        "2021-03-01",
        579.5,
        999.5,
    )
    assert (found.json["name"], found.json["events"]) == ("paper", 4)
    with ledgers.writing_ledger(path) as ledger:
        ledger.append([close("2021-03-02", SECOND)])
    # The second bar knows no close of B: its price is that of the first.
    later = server.ask("/v1/portfolio", {"If-None-Match": found.headers["etag"]})
    assert later.status == 200
    assert later.json["positions"] == [
        {"symbol": "A", "shares": 10, "price": 51, "price_date": "2021-03-02", "value": 510},
        {"symbol": "B", "shares": -2, "price": 40, "price_date": "2021-03-01", "value": -80},
    ]
    again = server.ask("/v1/portfolio", {"If-None-Match": later.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    values = server.ask("/v1/portfolio/values?offset=1").json
    assert values["total"] == 2
    assert values["items"] == [
        {
            "date": "2021-03-02",
            "value": 1009.5,
            "cash": 579.5,
            "long": 510,
            "short": -80,
            "margin": 147.5,
        }
    ]


def test_the_page_shows_what_is_answered(tmp_path: Path) -> None:
    path = write_ledger(tmp_path / "paper.db", close("2021-03-02", SECOND))
    answers = Answers(Outputs(tmp_path), path)
    shown = documented()
    assert json.loads(answers.portfolio().content) == shown["/v1/portfolio"][1]
    asked, answer = shown["/v1/portfolio/values"]
    assert asked.endswith("?offset=1")
    assert json.loads(answers.portfolio_values(1000, 1).content) == answer


def test_reading_changes_nothing_and_stops_no_writer(served: tuple[Server, Path]) -> None:
    server, path = served
    before = path.read_bytes()
    known = server.ask("/v1/portfolio").json["events"]
    with ledgers.writing_ledger(path) as ledger:
        ledger.append([close("2021-03-03", SECOND)])
        # Booked, and in the log beside the file only.
        assert path.read_bytes() == before
        assert server.ask("/v1/portfolio").json["events"] == known + 1


@pytest.mark.parametrize("damage", [b"", b"<html>", b"SQLite format 3\0" + b"\1" * 5000])
def test_a_damaged_ledger_is_503_without_its_path(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "paper.db").write_bytes(damage)
    with pytest.raises(Damaged) as refused:
        Answers(Outputs(tmp_path), tmp_path / "paper.db").portfolio()
    assert str(tmp_path) not in str(refused.value)
