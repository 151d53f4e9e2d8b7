"""The endpoint's answers over HTTP: what stands in the files, in pages, and only if it is new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runs import api_models as models
from runs import api_signal_models as signal_models
from runs.api_guard import SECURITY_HEADERS
from tests.api_case import METRICS, Server, serving, signals, write_outputs

pytest.importorskip("runs.api_app")


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
    hour = {**bar, "as_of": "2021-03-04T15:00Z", "next_decision": "2021-03-05T00:00Z"}
    listed = [{**hour, "name": "hourly"}, {**bar, "name": "small"}]
    assert server.ask("/v1/signals").json == page(listed, limit=100)
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
        "/v1/signals/small/history/2021-03-04T00:00Z",
        "/v1/signals/small/history/2021-02-31",
        "/v1/signals/small/status",
        "/v1/signals/other/status",
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
    names = {"runs": "small", "signals": "hourly", "portfolio": ""}
    shapes = {**vars(models), **vars(signal_models)}
    checked = 0
    for path, methods in described.items():
        assert list(methods) == ["get"]
        answers = methods["get"]["responses"]
        shape = answers["200"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        assert {"401", "405", "422"} <= set(answers)
        path = path.replace("{as_of}", "2021-03-04T14:00Z")
        path = path.replace("{name}", names.get(path.split("/")[2], ""))
        reply = server.ask(path)
        if reply.status == 200:
            model = shapes[shape]
            sent = model.model_validate_json(reply.body).model_dump(mode="json")
            assert sent == reply.json
            checked += 1
    assert checked == len(described) - 2  # there is no ledger here


def test_the_page_describes_every_route_and_loads_nothing(server: Server) -> None:
    reply = server.ask("/")
    text = reply.body.decode()
    for path in server.ask("/v1/openapi.json").json["paths"]:
        assert f"GET {path}" in text
    assert "polling or waiting or fault or stopped" in text
    for outside in ("http:", "https:", "<script", "<img", "<link", " src=", "@import", "url("):
        assert outside not in text


def test_nothing_failed_meanwhile(server: Server) -> None:
    assert "Traceback" not in server.log.read_text()
