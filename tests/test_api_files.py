"""Files that are replaced, damaged, odd or gone beneath the endpoint."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from feeds.atomic import replacing_folder
from runs.api_answers import Answers
from runs.api_folders import Damaged, Outputs
from tests.api_case import Server, serving, signals, write_outputs, write_run

api_app = pytest.importorskip("runs.api_app")
PIECE = api_app._PIECE


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_outputs(tmp_path_factory.mktemp("api") / "outputs")


@pytest.fixture(scope="module")
def server(outputs: Path) -> Iterator[Server]:
    with serving(outputs) as running:
        yield running


def test_a_run_that_is_replaced_is_served_anew(server: Server, outputs: Path) -> None:
    write_run(outputs / "again")
    before = server.ask("/v1/runs/again/values")
    assert "last-modified" not in before.headers  # another change in this second would share it
    shutil.rmtree(outputs / "again")
    write_run(outputs / "again", values="date,value,cash,long,short,margin\n2021-03-01,1,1,0,0,0\n")
    after = server.ask("/v1/runs/again/values", {"If-None-Match": before.headers["etag"]})
    assert (after.status, after.json["total"]) == (200, 1)
    shutil.rmtree(outputs / "again")
    assert server.ask("/v1/runs/again/values").status == 404


def test_a_folder_swapped_all_the_time_is_served_old_or_new(server: Server, outputs: Path) -> None:
    # Of the second version every table has one row less; a mixture would have another number.
    header = "date,value,cash,long,short,margin\n"
    versions = {
        rows: "".join(f"2021-03-{day + 1:02d},{rows},0,0,0,0\n" for day in range(rows))
        for rows in (3, 20)
    }
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for rows in versions.values():
                with replacing_folder(outputs / "swapped") as building:
                    building.rmdir()
                    write_run(building, values=header + rows)

    write_run(outputs / "swapped", values=header + versions[3])
    writer = threading.Thread(target=swap)
    writer.start()
    seen: dict[str, set[int]] = {}
    try:
        for _ in range(300):
            reply = server.ask("/v1/runs/swapped/values")
            assert reply.status == 200, reply.body
            total = reply.json["total"]
            assert {row["value"] for row in reply.json["items"]} == {total}
            seen.setdefault(reply.headers["etag"], set()).add(total)
    finally:
        stop.set()
        writer.join()
    shutil.rmtree(outputs / "swapped")
    assert sorted(seen.values()) == [{3}, {20}]  # one tag a version, and both were seen


def test_outputs_that_are_gone_are_503(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    answers = Answers(Outputs(tmp_path / "outputs"))
    (tmp_path / "outputs").rmdir()
    for ask in (lambda: answers.runs(10, 0), lambda: answers.metrics("small")):
        with pytest.raises(Damaged, match="^the folder of outputs cannot be read$"):
            ask()


DAMAGES = {
    "cut off": ("values", "date,value,cash,long,short,margin\n2021-03-01,1,1,0,0,1"),
    "empty": ("values", ""),
    "another file": ("values", "<html>\n"),
    "a column too few": ("values", "date,value,cash,long,short\n2021-03-01,1,1,0,0\n"),
    "a column too many": (
        "values",
        "date,value,cash,long,short,margin,x\n2021-03-01,1,1,0,0,1,1\n",
    ),
    "a cell too few": ("values", "date,value,cash,long,short,margin\n2021-03-01,1,1,0,0\n"),
    "no number": ("values", "date,value,cash,long,short,margin\n2021-03-01,1,1,0,0,x\n"),
    "not finite": ("values", "date,value,cash,long,short,margin\n2021-03-01,1,1,0,0,inf\n"),
    "a number missing": ("values", "date,value,cash,long,short,margin\n2021-03-01,,1,0,0,1\n"),
    "no date": ("values", "date,value,cash,long,short,margin\n2021-3-1,1,1,0,0,1\n"),
    "impossible date": ("values", "date,value,cash,long,short,margin\n2021-02-30,1,1,0,0,1\n"),
    "dates out of order": (
        "factor_returns",
        "date,a\n2021-03-02,1\n2021-03-01,1\n",
    ),
    "no symbol": ("positions", "date,symbol,size,shares,close,value\n2021-03-01,,1,1,1,1\n"),
}

OF_LINE_2 = (
    "a cell too few",
    "no number",
    "not finite",
    "a number missing",
    "impossible date",
    "no symbol",
)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_table_is_503_and_names_the_file(
    server: Server, outputs: Path, damage: str
) -> None:
    table, text = DAMAGES[damage]
    write_run(outputs / "damaged", **{table: text})
    try:
        reply = server.ask(f"/v1/runs/damaged/{table}")
        assert reply.status == 503
        assert reply.json["detail"].startswith(f"{table}.csv")
        # The first line is the header.
        assert ("line 2" in reply.json["detail"]) == (damage in OF_LINE_2)
        assert str(outputs) not in reply.json["detail"]
        assert server.ask("/v1/runs").status == 200
    finally:
        shutil.rmtree(outputs / "damaged")


BAD_JSON = {
    "cut off": b'{"cagr": 0.',
    "not an object": b"[]",
    "not text": b"\xff\xfe{}",
    "NaN": b'{"cagr": NaN}',
    "beyond every number": b'{"cagr": 1e999}',
    "digits without end": b'{"cagr": ' + b"9" * 5000 + b"}",
    "nested without end": b'{"a":' * 100_000,
    "nested values": b'{"cagr": {"a": 1}}',
}


@pytest.mark.parametrize("damage", BAD_JSON)
def test_a_damaged_document_is_503_and_the_lists_go_on(
    server: Server, outputs: Path, damage: str
) -> None:
    write_run(outputs / "damaged")
    (outputs / "damaged" / "metrics.json").write_bytes(BAD_JSON[damage])
    folder = outputs / "signals" / "damaged"
    folder.mkdir()
    (folder / "signals.json").write_bytes(BAD_JSON[damage])
    try:
        for path in ("/v1/runs/damaged/metrics", "/v1/signals/damaged/latest"):
            reply = server.ask(path)
            assert reply.status == 503
            assert str(outputs) not in reply.json["detail"]
        listed = server.ask("/v1/runs").json["items"]
        assert {row["name"]: row["sharpe"] for row in listed} == {"damaged": None, "small": 0.5}
        listed = server.ask("/v1/signals").json["items"]
        assert {row["name"]: row["as_of"] for row in listed} == {
            "damaged": None,
            "hourly": "2021-03-04T15:00Z",
            "small": "2021-03-04",
        }
    finally:
        shutil.rmtree(outputs / "damaged")
        shutil.rmtree(folder)


@pytest.mark.parametrize("damage", ["NaN", "beyond every number", "digits without end"])
def test_a_manifest_with_what_json_does_not_have_is_503(
    server: Server, outputs: Path, damage: str
) -> None:
    write_run(outputs / "damaged")
    (outputs / "damaged" / "manifest.json").write_bytes(BAD_JSON[damage])
    try:
        assert server.ask("/v1/runs/damaged/manifest").status == 503
    finally:
        shutil.rmtree(outputs / "damaged")


def test_a_file_of_two_folders_is_answered_for_each(server: Server, outputs: Path) -> None:
    (outputs / "twin").mkdir()
    for path in (outputs / "small").iterdir():
        os.link(path, outputs / "twin" / path.name)
    for document in ("metrics", "manifest"):
        for name in ("small", "twin"):
            assert server.ask(f"/v1/runs/{name}/{document}").json["name"] == name
    shutil.rmtree(outputs / "twin")


@pytest.mark.parametrize("length", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 1_000_000])
def test_an_answer_in_pieces_is_whole_and_ends(length: int) -> None:
    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    content = bytes(number % 251 for number in range(length))
    asyncio.run(api_app.Pieces(content)({"type": "http"}, None, send))
    start, *pieces = sent
    assert b"".join(piece["body"] for piece in pieces) == content
    ends = [piece["more_body"] for piece in pieces]
    assert ends == [True] * (len(pieces) - 1) + [False]
    # No more than 128 KiB wait for a client at a time, in as few pieces as that takes.
    assert all(len(piece["body"]) <= 131_072 for piece in pieces)
    assert len(pieces) == max(1, -(-length // 131_072))
    assert dict(start["headers"])[b"content-length"] == str(length).encode()


def test_a_later_version_of_a_file_is_503(server: Server, outputs: Path) -> None:
    folder = outputs / "signals" / "later"
    folder.mkdir()
    (folder / "signals.json").write_text(json.dumps({**signals(), "schema": 2}))
    reply = server.ask("/v1/signals/later/latest")
    assert (reply.status, "later version" in reply.json["detail"]) == (503, True)
    shutil.rmtree(folder)


def test_what_is_no_plain_file_is_not_opened(server: Server, outputs: Path) -> None:
    write_run(outputs / "odd")
    folder, secret = outputs / "odd", outputs.parent / "secret.txt"
    for name in ("metrics.json", "fills.csv", "weights.csv", "carry.csv"):
        (folder / name).unlink()
    os.symlink(secret, folder / "metrics.json")
    os.symlink(folder / "values.csv", folder / "fills.csv")
    os.mkfifo(folder / "weights.csv")  # the open of which would wait for a writer
    (folder / "carry.csv").mkdir()
    os.symlink(outputs.parent, outputs / "link")
    os.symlink(folder, outputs / "alias")
    statuses = {
        name: server.ask(f"/v1/runs/odd/{name}").status
        for name in ("metrics", "fills", "weights", "carry", "values")
    }
    assert statuses == {"metrics": 404, "fills": 404, "weights": 503, "carry": 503, "values": 200}
    assert server.ask("/v1/runs/alias/values").status == 404
    assert [row["name"] for row in server.ask("/v1/runs").json["items"]] == ["odd", "small"]
    for path in (outputs / "link", outputs / "alias"):
        path.unlink()
    shutil.rmtree(folder)


def test_hidden_folders_do_not_exist(server: Server, outputs: Path) -> None:
    write_run(outputs / ".small.building-1")
    assert server.ask("/v1/runs/.small.building-1/values").status == 404
    assert server.ask("/v1/runs").json["total"] == 1
    shutil.rmtree(outputs / ".small.building-1")


def test_names_are_text_of_any_script(server: Server, outputs: Path) -> None:
    write_run(outputs / "été 50%")
    assert server.ask("/v1/runs/%C3%A9t%C3%A9%2050%25/metrics").json["name"] == "été 50%"
    shutil.rmtree(outputs / "été 50%")


def test_no_pickle_was_loaded(server: Server, outputs: Path) -> None:
    assert not list(outputs.rglob("unpickled"))
    assert "Traceback" not in server.log.read_text()
