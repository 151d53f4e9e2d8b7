"""The endpoint's answers over HTTP: what stands in the files, in pages, and only if it is new."""

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
from runs import api_models as models
from runs.api_answers import Answers
from runs.api_folders import Damaged, Outputs
from runs.api_guard import SECURITY_HEADERS
from tests.api_case import METRICS, Server, serving, signals, write_outputs, write_run

api_app = pytest.importorskip("runs.api_app")
PIECE = api_app._PIECE


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_outputs(tmp_path_factory.mktemp("api") / "outputs", assets=1000)


@pytest.fixture(scope="module")
def server(outputs: Path) -> Iterator[Server]:
    with serving(outputs) as running:
        yield running


def page(items: list, total: int | None = None, limit: int = 1000, offset: int = 0) -> dict:
    """What a page of `items` looks like."""
    total = len(items) if total is None else total
    following = offset + len(items)
    return {
        "total": total,
        "limit": limit,
        "offset": offset,
        "next_offset": following if items and following < total else None,
        "items": items,
    }


def test_health_says_that_it_answers(server: Server) -> None:
    assert server.ask("/v1/health").json == {"status": "ok", "version": "0.1.0"}


def test_runs_are_listed_with_their_headlines(server: Server) -> None:
    shown = {key: METRICS[key] for key in METRICS if key != "beta"}
    assert server.ask("/v1/runs").json == page([{"name": "small", **shown}], limit=100)


def test_metrics_are_those_of_the_file(server: Server) -> None:
    assert server.ask("/v1/runs/small/metrics").json == {"name": "small", "metrics": METRICS}


def test_a_manifest_shows_no_path(server: Server) -> None:
    manifest = server.ask("/v1/runs/small/manifest").json["manifest"]
    assert manifest["command"] == "python -m runs.backtest --config small.yaml"
    assert manifest["data"] == {"dir": "data/small", "files": {"prices.csv": "ab12"}}


def test_tables_have_the_values_of_their_files(server: Server) -> None:
    found = {
        name: server.ask(f"/v1/runs/small/{name}").json
        for name in ("values", "fills", "carry", "weights", "positions", "factor_returns")
    }
    assert found["values"]["items"][2] == {
        "date": "2021-03-04",
        "value": 990.25,
        "cash": 600.5,
        "long": 489.75,
        "short": -100,
        "margin": 147.4375,
    }
    # NA is a symbol; what is missing is null and never zero.
    assert [row["symbol"] for row in found["fills"]["items"]] == ["NA", "BTC", "NA"]
    assert [row["shares"] for row in found["fills"]["items"]] == [10, None, -10]
    assert found["fills"]["items"][2]["decision_date"] is None
    assert found["carry"] == page(
        [
            {"date": "2021-03-02", "symbol": "BTC", "kind": "borrow", "amount": -0.25},
            {"date": "2021-03-02", "symbol": "", "kind": "interest", "amount": 0.125},
        ]
    )
    assert found["weights"]["items"][1] == {
        "decision_date": "2021-02-26",
        "symbol": "BTC",
        "score": None,
        "factors": {"size_proxy": -20.5, "momentum": None},
        "target_weight": -0.1,
    }
    assert found["positions"]["items"][1]["value"] == -100
    assert found["factor_returns"]["items"] == [
        {"date": "2021-03-01", "factors": {"size_proxy": 0.01, "momentum": None}},
        {"date": "2021-03-02", "factors": {"size_proxy": -0.005, "momentum": 0.002}},
    ]


@pytest.mark.parametrize(
    ("asked", "dates", "total", "following"),
    [
        ("limit=2", ["2021-03-01", "2021-03-02"], 3, 2),
        ("limit=2&offset=2", ["2021-03-04"], 3, None),
        ("offset=3", [], 3, None),
        ("offset=2147483647", [], 3, None),
        ("start=2021-03-02", ["2021-03-02", "2021-03-04"], 2, None),
        ("start=2021-03-03&end=2021-03-03", [], 0, None),
        ("end=2021-03-02", ["2021-03-01", "2021-03-02"], 2, None),
        ("start=2021-03-02&end=2021-03-02", ["2021-03-02"], 1, None),
        ("end=2021-03-03&limit=1", ["2021-03-01"], 2, 1),
        ("end=2021-03-03&limit=5&offset=1", ["2021-03-02"], 2, None),
        ("start=2021-03-04&end=2021-03-01", [], 0, None),
    ],
)
def test_pages_are_cut_by_number_and_date(
    server: Server, asked: str, dates: list[str], total: int, following: int | None
) -> None:
    found = server.ask(f"/v1/runs/small/values?{asked}").json
    assert [row["date"] for row in found["items"]] == dates
    assert (found["total"], found["next_offset"]) == (total, following)


def test_pages_one_after_the_other_are_the_whole(server: Server) -> None:
    found, offset = [], 0
    while offset is not None:
        answer = server.ask(f"/v1/signals/small/latest?limit=300&offset={offset}").json
        found += answer["assets"]["items"]
        offset = answer["assets"]["next_offset"]
    assert found == signals(assets=1000)["assets"]


def test_the_latest_signals_are_those_of_the_file(server: Server) -> None:
    answer = server.ask("/v1/signals/small/latest").json
    expected = signals(assets=1000)
    assert answer.pop("assets") == page(expected.pop("assets"))
    del expected["schema"]
    assert answer == expected


def test_signals_are_listed_by_name_and_by_bar(server: Server) -> None:
    bar = {"as_of": "2021-03-04", "decided": True, "next_decision": "2021-03-31"}
    assert server.ask("/v1/signals").json == page([{**bar, "name": "small"}], limit=100)
    bars = server.ask("/v1/signals/small/history").json
    assert [row["as_of"] for row in bars["items"]] == ["2021-03-04", "2021-02-26"]
    earlier = server.ask("/v1/signals/small/history/2021-02-26?limit=1").json
    assert (earlier["as_of"], earlier["assets"]["total"]) == ("2021-02-26", 1000)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/runs/other/values",
        "/v1/runs/signals/values",
        "/v1/runs/small/results.pkl",
        "/v1/runs/small/prices",
        "/v1/signals/other/latest",
        "/v1/signals/other/history",
        "/v1/signals/small/history/2021-03-01",
        "/v1/portfolio",
        "/v1/portfolio/values",
        "/v2/runs",
        "/v1/runs/",
        "/v1/",
        "/docs",
        "/openapi.json",
    ],
)
def test_what_is_not_there_is_404_and_a_sentence(server: Server, path: str) -> None:
    reply = server.ask(path)
    assert reply.status == 404
    assert set(reply.json) == {"detail"}


@pytest.mark.parametrize(
    "asked",
    [
        "limit=0",
        "limit=5001",
        "limit=-1",
        "limit=ten",
        "limit=1e3",
        "limit=",
        "offset=-1",
        "offset=2147483648",
        "offset=99999999999999999999999",
        "start=2021-13-01",
        "start=0",
        "start=2021-03-01T00:00:00",
        "start=%D9%A2021-03-01",
        "end=yesterday",
        "lmit=5",
    ],
)
def test_parameters_out_of_bounds_or_misspelt_are_refused_by_name(
    server: Server, asked: str
) -> None:
    reply = server.ask(f"/v1/runs/small/values?{asked}")
    assert reply.status == 422
    assert asked.partition("=")[0] in reply.json["detail"]


def test_an_unchanged_answer_is_304_without_a_body(server: Server) -> None:
    first = server.ask("/v1/signals/small/latest")
    tag = first.headers["etag"]
    assert first.headers["last-modified"] == "Sun, 13 Sep 2020 12:26:40 GMT"  # 1,600,000,000 s
    for headers in (
        {"If-None-Match": tag},
        {"If-None-Match": f'"other", W/{tag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": first.headers["last-modified"]},
    ):
        reply = server.ask("/v1/signals/small/latest", headers)
        assert (reply.status, reply.body) == (304, b"")
        assert reply.headers["etag"] == tag
    for headers in (
        {"If-None-Match": '"other"'},
        {"If-None-Match": tag.strip('"')},
        {"If-None-Match": '"other"', "If-Modified-Since": first.headers["last-modified"]},
        {"If-Modified-Since": "Sun, 13 Sep 2020 12:26:39 GMT"},
        {"If-Modified-Since": "nonsense"},
    ):
        assert server.ask("/v1/signals/small/latest", headers).status == 200


def test_each_page_has_a_tag_of_its_own(server: Server) -> None:
    paths = ["/v1/runs", "/v1/runs/small/values", "/v1/runs/small/values?limit=1"]
    assert len({server.ask(path).headers["etag"] for path in paths}) == 3


def test_head_is_get_without_the_body(server: Server) -> None:
    for path in ("/v1/health", "/v1/runs/small/values", "/v1/signals/small/latest", "/nowhere"):
        whole, head = server.ask(path), server.ask(path, method="HEAD")
        assert (head.status, head.body) == (whole.status, b"")
        assert {**head.headers, "date": ""} == {**whole.headers, "date": ""}


def test_every_answer_has_the_security_headers(server: Server) -> None:
    for path in ("/", "/v1/runs", "/v1/runs/small/values", "/nowhere", "/v1/runs?limit=0"):
        headers = server.ask(path).headers
        for name, value in SECURITY_HEADERS.items():
            if name not in ("cache-control", "content-security-policy"):
                assert headers[name] == value
        assert headers["content-security-policy"].startswith("default-src 'none'; ")
        assert "server" not in headers
        assert not [name for name in headers if name.startswith("access-control")]
    assert server.ask("/v1/runs").headers["cache-control"] == "private, no-cache"
    assert server.ask("/nowhere").headers["cache-control"] == "no-store"


def test_answers_have_the_described_shape(server: Server) -> None:
    described = server.ask("/v1/openapi.json").json["paths"]
    given = {"{name}": "small", "{as_of}": "2021-02-26"}
    checked = 0
    for path, methods in described.items():
        assert list(methods) == ["get"]
        answers = methods["get"]["responses"]
        shape = answers["200"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        assert {"401", "405", "422"} <= set(answers)
        for name, value in given.items():
            path = path.replace(name, value)
        reply = server.ask(path)
        if reply.status == 200:
            model = getattr(models, shape)
            sent = model.model_validate_json(reply.body).model_dump(mode="json")
            assert sent == reply.json
            checked += 1
    assert checked == len(described) - 2  # there is no ledger here


def test_the_page_describes_every_route_and_loads_nothing(server: Server) -> None:
    reply = server.ask("/")
    text = reply.body.decode()
    for path in server.ask("/v1/openapi.json").json["paths"]:
        assert f"GET {path}" in text
    for outside in ("http:", "https:", "<script", "<img", "<link", " src=", "@import", "url("):
        assert outside not in text


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


@pytest.mark.parametrize("length", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
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
