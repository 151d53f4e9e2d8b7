"""Live sessions through the endpoint: bars of an hour by their names."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from runs.api_bars import BAR_PATTERN, bar_file, check_day, filed_bar, is_within
from tests.account_case import write_hourly_ledger
from tests.api_case import Ask, Reply, asking, write_hourly, write_signals
from tests.live_case import READY, events, market, poll_hours

pytest.importorskip("runs.api_app")

BARS = ["2021-03-04T15:00Z", "2021-03-04T14:00Z", "2021-03-04T00:00Z"]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outputs = tmp_path_factory.mktemp("live") / "outputs"
    write_hourly(outputs)
    write_signals(outputs)
    write_hourly_ledger(outputs / "live.db")
    return outputs


@pytest.fixture(scope="module")
def ask(outputs: Path) -> Ask:
    return asking(outputs, outputs / "live.db")


def dates(reply: Reply, key: str) -> list[str]:
    assert reply.status == 200, reply.body
    return [row[key] for row in reply.json["items"]]


def test_hours_are_listed_under_the_names_that_address_them(ask: Ask) -> None:
    found = ask("/v1/signals/hourly/history").json
    assert [row["as_of"] for row in found["items"]] == BARS
    assert found["items"][0] == {
        "as_of": "2021-03-04T15:00Z",
        "decided": True,
        "next_decision": "2021-03-05T00:00Z",
    }
    for bar in BARS:
        past = ask(f"/v1/signals/hourly/history/{bar}").json
        assert (past["as_of"], past["next_decision"]) == (bar, "2021-03-05T00:00Z")
        assert {past["staleness"][0]["newest"], past["orders"][0]["decided"]} == {bar}
        assert {row["price_date"] for row in past["assets"]["items"]} == {bar}
        assert ask(f"/v1/signals/hourly/history/{bar.replace(':', '%3A')}").json == past
    assert ask("/v1/signals/hourly/latest").json["as_of"] == BARS[0]
    listed = {row["name"]: row["as_of"] for row in ask("/v1/signals").json["items"]}
    assert listed == {"hourly": BARS[0], "small": "2021-03-04"}


def test_hours_have_pages_and_tags_as_days_do(ask: Ask) -> None:
    first = ask("/v1/signals/hourly/history?limit=2").json
    rest = ask(f"/v1/signals/hourly/history?limit=2&offset={first['next_offset']}").json
    assert [row["as_of"] for row in first["items"] + rest["items"]] == BARS
    assert (first["total"], rest["next_offset"]) == (3, None)
    for path in ("history", f"history/{BARS[1]}", "status"):
        reply = ask(f"/v1/signals/hourly/{path}")
        again = ask(f"/v1/signals/hourly/{path}", {"If-None-Match": reply.headers["etag"]})
        assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("start=2021-03-04T14:00Z", BARS[:2]),
        ("end=2021-03-04T14:00Z", BARS[1:]),
        ("start=2021-03-04T01:00Z&end=2021-03-04T14:00Z", BARS[1:2]),
        ("start=2021-03-04&end=2021-03-04", BARS),  # a day is all of its hours
        ("end=2021-03-03", []),
        ("start=2021-03-05", []),
        ("end=2021-02-30", []),  # before all of them, whatever it is
        ("start=2021-03-04T14%3A00Z&limit=1&offset=1", BARS[1:2]),
    ],
)
def test_a_history_is_cut_by_hours_and_days(ask: Ask, asked: str, found: list[str]) -> None:
    assert dates(ask(f"/v1/signals/hourly/history?{asked}"), "as_of") == found


def test_a_history_of_days_is_cut_likewise(ask: Ask) -> None:
    path = "/v1/signals/small/history?"
    assert dates(ask(f"{path}end=2021-03-03"), "as_of") == ["2021-02-26"]
    assert dates(ask(f"{path}start=2021-02-27"), "as_of") == ["2021-03-04"]
    assert dates(ask(f"{path}end=2021-03-04"), "as_of") == ["2021-03-04", "2021-02-26"]


@pytest.mark.parametrize(
    ("bar", "status"),
    [
        ("2021-03-04", 404),  # a session of hours has no bar of a day
        ("2021-03-04T13:00Z", 404),
        ("2021-02-31T14:00Z", 404),
        ("0000-01-01T00:00Z", 404),
        ("2021-03-04T1400Z", 422),  # its file's name, which is nobody's business
        ("2021-03-04T14:00", 422),
        ("2021-03-04T14:30Z", 422),
        ("2021-03-04T24:00Z", 422),
        ("2021-03-04T14:00z", 422),
        ("2021-03-04T14:00+00:00", 422),
        ("2021-03-04%2014:00Z", 422),
        ("2021-03-04T14:00Z%0a", 422),
        ("2021-03-04T14:00Z%00", 422),
        ("2021-13-04T14:00Z", 422),
        ("%D9%A2021-03-04T14:00Z", 422),  # an Arabic two
        ("2021-03-04T14:00Z.json", 422),
        ("..%2f2021-03-04T14:00Z", 404),  # no such address
    ],
)
def test_a_bar_that_is_not_there_or_not_written_so(ask: Ask, bar: str, status: int) -> None:
    reply = ask(f"/v1/signals/hourly/history/{bar}")
    assert reply.status == status
    assert set(reply.json) == {"detail"}
    if status == 422:
        for route in ("signals/hourly/history", "portfolio/values"):
            for name in ("start", "end"):
                refused = ask(f"/v1/{route}?{name}={bar.replace('+', '%2B')}")
                assert refused.status == 422
                assert refused.json["detail"] == (
                    f"'{name}': not a bar as 2024-05-31 or 2024-05-31T14:00Z"
                )


def test_damaged_and_foreign_files_of_a_history(ask: Ask, outputs: Path) -> None:
    folder = outputs / "signals" / "odd"
    shutil.copytree(outputs / "signals" / "hourly", folder)
    (folder / "history" / "2021-03-04T1400Z.json").write_text('{"schema": 1, "as_of"')
    wrong = (folder / "history" / "2021-03-04T0000Z.json").read_text()
    (folder / "history" / "2021-03-03T2300Z.json").write_text(wrong)
    strange = wrong.replace("2021-03-04T00:00Z", "2021-02-30T00:00Z")
    (folder / "signals.json").write_text(strange)
    for foreign in ("notes.json", "2021-02-30.json", "2021-03-04T1460Z.json", "2021-03-04.txt"):
        (folder / "history" / foreign).write_text(wrong)
    try:
        assert ask("/v1/signals/odd/latest").status == 503
        listed = ask("/v1/signals/odd/history").json["items"]
        assert [row["as_of"] for row in listed] == [*BARS, "2021-03-03T23:00Z"]
        assert listed[1] == {"as_of": BARS[1], "decided": None, "next_decision": None}
        for bar, problem in ((BARS[1], "is damaged"), ("2021-03-03T23:00Z", "of another bar")):
            reply = ask(f"/v1/signals/odd/history/{bar}")
            assert (reply.status, problem in reply.json["detail"]) == (503, True)
    finally:
        shutil.rmtree(folder)


def test_an_account_of_hours_is_served_bar_by_bar(ask: Ask) -> None:
    assert ask("/v1/portfolio").json["as_of"] == "2021-03-05T01:00Z"
    values = "/v1/portfolio/values"
    every = dates(ask(values), "date")
    assert every == [f"2021-03-0{at}:00Z" for at in ("4T22", "4T23", "5T00", "5T01")]
    assert dates(ask(f"{values}?end=2021-03-04"), "date") == every[:2]
    assert dates(ask(f"{values}?start=2021-03-04T23:00Z&limit=2"), "date") == every[1:3]
    assert ask(f"{values}?start=2021-03-05&limit=1").json["next_offset"] == 1
    tags = {ask(f"{values}?end={bar}").headers["etag"] for bar in every}
    assert len(tags) == 4


def test_names_of_files_and_bars_match_both_ways() -> None:
    for bar in ("2021-03-04", "2021-03-04T00:00Z", "2024-02-29T23:00Z"):
        assert re.match(BAR_PATTERN, bar)
        assert filed_bar(bar_file(bar)) == bar == check_day(bar)
    assert bar_file("2026-01-05T14:00Z") == "2026-01-05T1400Z.json"
    for file in ("2026-01-05T14:00Z.json", "2026-01-05T1400Z", "2026-01-05.json.json", ".json"):
        assert filed_bar(file) is None
    assert is_within("2021-03-04T14:00Z", None, "2021-03-04")
    assert not is_within("2021-03-04", "2021-03-04T00:00Z", None)


def test_the_description_has_the_pattern_of_a_bar(ask: Ask) -> None:
    described = ask("/v1/openapi.json").json
    routes = described["paths"]
    given = routes["/v1/signals/{name}/history/{as_of}"]["get"]["parameters"]
    found = {item["name"]: item["schema"] for item in given}
    assert found["as_of"]["pattern"] == BAR_PATTERN
    shape = described["components"]["schemas"]["PortfolioValue"]["properties"]["date"]
    assert shape["pattern"] == BAR_PATTERN
    state = described["components"]["schemas"]["Status"]["properties"]["state"]
    assert state["enum"] == ["polling", "waiting", "fault", "stopped"]
    for route in ("/v1/signals/{name}/history", "/v1/portfolio/values"):
        names = [item["name"] for item in routes[route]["get"]["parameters"]]
        assert names[-4:] == ["limit", "offset", "start", "end"]


@pytest.mark.slow
def test_a_real_session_is_served_while_it_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "signals"  # in which the session writes a folder of the same name
    ask = asking(tmp_path, place / "paper.db")
    seen: list[tuple[str, str]] = []

    def look(hour: int) -> None:
        # The session polls, and holds its ledger.
        status = ask("/v1/signals/signals/status").json
        seen.append((status["state"], status["last_bar"]))
        assert ask("/v1/portfolio").json["as_of"] == status["last_bar"]

    with market(place, monkeypatch) as session:
        poll_hours(session, range(READY + 1, READY + 4), look)
        booked = events(session)
    # 120 candles from the first of January on, and one more at each poll.
    bars = ["2026-01-05T23:00Z", *(f"2026-01-06T0{hour}:00Z" for hour in range(3))]
    assert seen == [("polling", bar) for bar in bars[:3]]
    assert dates(ask("/v1/signals/signals/history"), "as_of") == bars[::-1]
    for bar in bars:
        assert ask(f"/v1/signals/signals/history/{bar}").json["as_of"] == bar
    closes = [e for e in booked if e.kind == "note" and e.payload["note"] == "close"]
    rows = ask("/v1/portfolio/values").json["items"]
    assert [(row["date"], row["value"]) for row in rows] == [
        (event.bar, event.payload["value"]) for event in closes
    ]
    account = ask("/v1/portfolio").json
    assert account["positions"] and account["as_of"] == bars[-1]
    assert {row["price_date"] for row in account["positions"]} == {bars[-1]}
    assert account["ledger_head"] == ask("/v1/signals/signals/latest").json["ledger_head"]
    told = json.loads((place / "signals" / "status.json").read_text())
    assert ask("/v1/signals/signals/status").json == {
        name: value for name, value in told.items() if name != "schema"
    }
    assert told["state"] == "stopped"
