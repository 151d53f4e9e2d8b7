"""The paper account over HTTP: what its ledger replays to."""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from runs import api_portfolio
from runs.api_answers import Answers
from runs.api_folders import Damaged, Outputs
from runs.api_portfolio import read_portfolio
from tests.account_case import OPENED, SECOND, close, write_ledger
from tests.api_case import Server, asked_of, documented, serving

make_app = pytest.importorskip("runs.api_app").make_app
ledgers = pytest.importorskip("strategies.execution.ledger")
pytest.importorskip("strategies.execution.replay")


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


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        ('"A":50.0', '"A":60.0'),  # a price that no sum speaks of: its hash does
        ('"margin":145.0', '"margin":NaN'),
        ('"margin":145.0', '"margin":1e999'),
        ('"closes"', '"clothes"'),
    ],
)
def test_a_ledger_that_was_changed_is_503(tmp_path: Path, was: str, is_now: str) -> None:
    path = write_ledger(tmp_path / "paper.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER events_are_not_changed")
        changed = connection.execute(
            "UPDATE events SET payload = replace(payload, ?, ?) WHERE payload LIKE ?",
            (was, is_now, f"%{was}%"),
        )
        assert changed.rowcount == 1
    for ask in (Answers(Outputs(tmp_path), path).portfolio, lambda: read_portfolio(path)):
        with pytest.raises(Damaged, match="^the ledger is damaged"):
            ask()


def test_numbers_that_json_does_not_have_are_refused_though_the_hashes_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "canonical_json", json.dumps)
    path = write_ledger(tmp_path / "paper.db", close("2021-03-02", {**SECOND, "margin": math.nan}))
    with pytest.raises(Damaged):
        Answers(Outputs(tmp_path), path).portfolio_values(10, 0)


@pytest.mark.parametrize("bar", ["2021-03-02T14:30Z", "2021-03-02 evening", "2021-03-02\n"])
def test_a_ledger_with_a_bar_of_another_name_is_503(tmp_path: Path, bar: str) -> None:
    further = [close(bar, SECOND), close("2021-03-03", SECOND)]
    path = write_ledger(tmp_path / "paper.db", *further)
    with pytest.raises(Damaged, match="^the ledger is damaged"):
        Answers(Outputs(tmp_path), path).portfolio_values(10, 0)


def test_an_account_without_a_name_of_text_is_503(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OPENED, "name", 5)
    path = write_ledger(tmp_path / "paper.db")
    with pytest.raises(Damaged, match="^the ledger is damaged"):
        Answers(Outputs(tmp_path), path).portfolio()


def test_a_locked_ledger_is_503_and_not_waited_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strategies.execution.ledger_schema.PATIENCE", 0.05)
    path = write_ledger(tmp_path / "paper.db")
    clock, looked = [100.0], []
    monkeypatch.setattr(api_portfolio, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    answers = Answers(Outputs(tmp_path), path)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        holder.execute("CREATE TABLE another (a)")
        with pytest.raises(Damaged, match="^the ledger is locked"):
            answers.portfolio()
        monkeypatch.setattr(api_portfolio, "read_portfolio", lambda place: looked.append(place))
        with pytest.raises(Damaged, match="^the ledger is locked"):
            answers.portfolio_values(10, 0)
        assert looked == []
        clock[0] += 5
        monkeypatch.setattr(api_portfolio, "read_portfolio", read_portfolio)
        with pytest.raises(Damaged, match="^the ledger is locked"):
            answers.portfolio()
    # Let go of, its files are others, and nobody waits for the seconds to pass.
    assert json.loads(answers.portfolio().content)["events"] == 4


def test_who_waits_for_the_ledger_keeps_nobody_else_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_ledger(tmp_path / "paper.db")
    free, waiting = threading.Event(), threading.Event()

    def slow(place: Path) -> object:
        waiting.set()
        free.wait(20)
        return read_portfolio(place)

    monkeypatch.setattr(api_portfolio, "read_portfolio", slow)
    app = make_app(Answers(Outputs(tmp_path), path))

    async def many() -> list[int]:
        held = [
            asyncio.create_task(asked_of(app, f"/v1/portfolio/values?offset={number}"))
            for number in range(100)
        ]
        while not waiting.is_set():
            await asyncio.sleep(0.01)
        other = await asyncio.wait_for(asked_of(app, "/v1/runs"), 10)
        assert not any(task.done() for task in held)
        free.set()
        return [other.status, *(reply.status for reply in await asyncio.gather(*held))]

    try:
        assert asyncio.run(many()) == [200] * 101
    finally:
        free.set()
