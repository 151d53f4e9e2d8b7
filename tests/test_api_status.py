"""What a live session is doing, through the endpoint: its status, or that there is none."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from runs.api_documents import read_status
from runs.api_folders import Damaged
from runs.live_status import write_status
from tests.api_case import STATUS, Ask, asking, write_hourly, write_signals

pytest.importorskip("runs.api_app")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outputs = tmp_path_factory.mktemp("status") / "outputs"
    write_hourly(outputs)
    write_signals(outputs)
    return outputs


@pytest.fixture(scope="module")
def ask(outputs: Path) -> Ask:
    return asking(outputs)


def test_a_status_is_that_of_its_file_without_paths(ask: Ask) -> None:
    told = {name: value for name, value in STATUS.items() if name != "schema"}
    told["faults"] = {**told["faults"], "last": "hours: disk full"}
    assert ask("/v1/signals/hourly/status").json == told


def test_a_status_that_is_replaced_is_told_anew(outputs: Path) -> None:
    ask = asking(outputs)
    folder = outputs / "signals" / "hourly"
    before = ask("/v1/signals/hourly/status")
    stopped = {**STATUS, "state": "stopped", "next_poll": None, "neutrality": None}
    write_status(folder, stopped)
    try:
        after = ask("/v1/signals/hourly/status", {"If-None-Match": before.headers["etag"]})
        assert after.status == 200
        assert [after.json[key] for key in ("state", "next_poll", "neutrality")] == [
            "stopped",
            None,
            None,
        ]
    finally:
        write_status(folder, STATUS)


@pytest.mark.parametrize("name", ["small", "other", "..", "%2e%2e", "a%00", "a" * 255])
def test_without_a_session_there_is_no_status(ask: Ask, name: str) -> None:
    reply = ask(f"/v1/signals/{name}/status")
    assert reply.status == 404
    assert ("no live session" in reply.json["detail"]) == (name == "small")


def replaced(**given: Any) -> bytes:
    return json.dumps({**STATUS, **given}).encode()


DAMAGES = {
    "empty": b"",
    "not text": b"\xff\xfe{}",
    "another file": b"<html>",
    "a list": b"[]",
    "nothing in it": b"{}",
    "nested without end": b'{"a":' * 100_000,
    "too large": b"",
    "a later version": replaced(schema=2),
    "no version": replaced(schema=None),
    "another state": replaced(state="/home/someone"),
    "no bar": replaced(last_bar="yesterday"),
    "a time without a zone": replaced(updated="2021-03-04T16:01:07"),
    "no time": replaced(updated=5),
    "a value that is none": replaced(value="much"),
    "NaN": replaced(value=float("nan")),
    "neutrality of another kind": replaced(neutrality=[]),
    "faults of another kind": replaced(faults={"in_a_row": -1, "total": 0, "last": ""}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_status_is_none(ask: Ask, outputs: Path, damage: str) -> None:
    folder = outputs / "signals" / "damaged"
    shutil.copytree(outputs / "signals" / "hourly", folder)
    (folder / "status.json").write_bytes(DAMAGES[damage])
    if damage == "too large":
        os.truncate(folder / "status.json", 33 << 20)
    try:
        reply = ask("/v1/signals/damaged/status")
        assert reply.status == 404
        assert reply.json["detail"].startswith("there is no status to tell: status.json ")
        assert "/" not in reply.json["detail"]
        assert ("larger than" in reply.json["detail"]) == (damage == "too large")
        # What else there is of the session is served.
        assert ask("/v1/signals/damaged/latest").status == 200
    finally:
        shutil.rmtree(folder)


def test_half_a_status_is_none_wherever_it_ends() -> None:
    whole = json.dumps(STATUS, indent=1).encode()
    for end in range(len(whole)):
        with pytest.raises(Damaged):
            read_status(whole[:end])
    assert read_status(whole)["state"] == "waiting"


def test_a_status_that_is_no_file_is_none(ask: Ask, outputs: Path) -> None:
    path = outputs / "signals" / "small" / "status.json"
    secret = outputs.parent / "secret.json"
    secret.write_bytes(replaced(name="root:x:0:0"))
    makers = [
        lambda: path.symlink_to(secret),
        lambda: path.symlink_to("/dev/zero"),
        lambda: os.mkfifo(path),
        path.mkdir,
    ]
    for make in makers:
        make()
        reply = ask("/v1/signals/small/status")
        assert (reply.status, b"root" in reply.body) == (404, False)
        path.rmdir() if path.is_dir() else path.unlink()
