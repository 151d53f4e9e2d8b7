"""Nobody gets in: methods, paths, names, tokens, origins and sizes, over a real connection."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runs.api_cache import BoundedCache
from runs.api_conditions import is_unchanged
from runs.api_documents import without_paths
from tests.api_case import Server, serving, write_outputs

pytest.importorskip("runs.api_app")

TOKEN = "a-long-random-text"
ORIGIN = "https://example.org"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(write_outputs(tmp_path_factory.mktemp("open") / "outputs")) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    outputs = write_outputs(tmp_path_factory.mktemp("guarded") / "outputs")
    given = ("--cors", ORIGIN, "--allow-host", "factors.example")
    with serving(outputs, *given, environment={"FACTOR_API_TOKEN": TOKEN}) as running:
        yield running


def said(server: Server, request: bytes) -> bytes:
    """What comes back on a connection of its own, until it ends."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        found = b""
        while part := connection.recv(65536):
            found += part
        return found


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"])
@pytest.mark.parametrize("path", ["/v1/runs", "/v1/runs/small/values", "/", "/nowhere"])
def test_only_reading_is_allowed(server: Server, method: str, path: str) -> None:
    reply = server.ask(path, method=method, body=b"x")
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")
    assert reply.headers["x-content-type-options"] == "nosniff"


TRAVERSALS = [
    "../secret.txt",
    "..%2fsecret.txt",
    "%2e%2e/secret.txt",
    "%2e%2e%2fsecret.txt",
    "%252e%252e%252fsecret.txt",
    "..%5csecret.txt",
    "..\\secret.txt",
    "%c0%ae%c0%ae%c0%afsecret.txt",
    "%e2%80%a5%ef%bc%8fsecret.txt",  # one character that looks like two dots, and a wide slash
    "%ef%bc%8e%ef%bc%8e%2fsecret.txt",
    "small%00.txt",
    "small%2f..%2f..%2fsecret.txt",
    "small/../../secret.txt",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "file:%2f%2f%2fetc%2fpasswd",
    "~root",
    ".",
    "..",
    "small%20",
    "SMALL",
    "sma%6cl%0d%0aSet-Cookie:%20a=b",
]


@pytest.mark.parametrize("name", TRAVERSALS)
@pytest.mark.parametrize(
    "route", ["/v1/runs/{}/values", "/v1/signals/{}/latest", "/v1/signals/small/history/{}", "/{}"]
)
def test_no_text_leads_out_of_the_outputs(server: Server, name: str, route: str) -> None:
    request = f"GET {route.format(name)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    reply = said(server, request.encode("latin-1"))
    assert reply.split()[1] in (b"404", b"422")
    assert b"root:" not in reply
    assert b"cookie" not in reply.lower()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\0\1\2\r\n\r\n",
        b"GET /v1/runs\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /" + b"a" * 20_000,  # h11 counts what it keeps while a head is not whole
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000,
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_not_http_is_400_in_the_same_shape(server: Server, request_bytes: bytes) -> None:
    head, _, body = said(server, request_bytes).partition(b"\r\n\r\n")
    assert head.split()[1] == b"400"
    assert set(json.loads(body)) == {"detail"}
    assert b"x-frame-options: DENY" in head


def test_long_addresses_and_bodies_are_refused(server: Server) -> None:
    assert server.ask("/v1/runs?limit=" + "1" * 2100).status == 414
    assert server.ask("/v1/runs", body=b"12345").status == 413
    chunked = b"GET /v1/runs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert said(server, chunked + b"0\r\n\r\n").split()[1] == b"413"
    assert server.ask("/v1/runs", {"X": "a" * 9000}).status == 431


def test_a_name_that_points_here_from_elsewhere_is_refused(server: Server) -> None:
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8000"):
        assert server.ask("/v1/runs", {"Host": host}).status == 200
    for host in (
        "evil.example",
        "localhost.evil.example",
        "",
        "127.0.0.1.evil.example:80",
        "localhost:80@evil.example",
        "[::1]evil.example",
        "[localhost",
    ):
        assert server.ask("/v1/runs", {"Host": host}).status == 421


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"],
)
def test_without_the_token_there_is_no_answer(guarded: Server, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for path in ("/v1/runs", "/v1/runs/small/values", "/nowhere", "/v1/portfolio", "//v1/health"):
        reply = guarded.ask(path, headers)
        assert (reply.status, reply.headers["www-authenticate"][:6]) == (401, "Bearer")


def test_with_the_token_and_for_what_is_no_secret_there_is(guarded: Server) -> None:
    for scheme in ("Bearer", "bearer"):
        assert guarded.ask("/v1/runs", {"Authorization": f"{scheme} {TOKEN}"}).status == 200
    for path in ("/", "/v1/health", "/v1/openapi.json"):
        assert guarded.ask(path).status == 200


def test_pages_of_other_origins_read_nothing_unless_named(server: Server, guarded: Server) -> None:
    assert "access-control-allow-origin" not in server.ask("/v1/runs", {"Origin": ORIGIN}).headers
    allowed = {"Origin": ORIGIN, "Authorization": f"Bearer {TOKEN}"}
    assert guarded.ask("/v1/runs", allowed).headers["access-control-allow-origin"] == ORIGIN
    other = guarded.ask("/v1/runs", {**allowed, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def test_a_page_that_is_named_may_read_why_it_was_refused(guarded: Server) -> None:
    asked = [("/v1/runs", "GET", 401), ("/v1/runs", "POST", 405), (f"/{'a' * 2100}", "GET", 414)]
    for path, method, status in asked:
        reply = guarded.ask(path, {"Origin": ORIGIN}, method)
        found = reply.headers["access-control-allow-origin"], reply.headers["vary"]
        assert (reply.status, *found) == (status, ORIGIN, "Origin")
        for origin in ("https://evil.example", "null", "*", ""):
            reply = guarded.ask(path, {"Origin": origin}, method)
            assert "access-control-allow-origin" not in reply.headers


def test_a_preflight_is_answered_where_origins_are_named(server: Server, guarded: Server) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    reply = guarded.ask("/v1/runs", asked, method="OPTIONS")
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert "POST" not in reply.headers["access-control-allow-methods"]
    assert reply.headers["x-frame-options"] == "DENY"
    evil = {**asked, "Origin": "https://evil.example"}
    assert guarded.ask("/v1/runs", evil, method="OPTIONS").status == 400
    assert guarded.ask("/v1/runs", method="OPTIONS").status == 405
    assert server.ask("/v1/runs", asked, method="OPTIONS").status == 405


def test_a_name_of_a_proxy_is_allowed_when_given(guarded: Server) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "Factors.example:443"}
    assert guarded.ask("/v1/runs", headers).status == 200


@pytest.mark.skipif(shutil.which("ss") is None, reason="ss is not installed")
def test_it_listens_on_this_machine_only(server: Server) -> None:
    listening = subprocess.run(
        ["ss", "-Hltn", f"sport = :{server.port}"], capture_output=True, text=True, check=True
    ).stdout.split("\n")
    assert [line.split()[3] for line in listening if line] == [f"127.0.0.1:{server.port}"]


def test_pipelined_requests_are_answered_in_their_order(server: Server) -> None:
    one = b"GET /v1/runs/small/values?limit=1&offset=%d HTTP/1.1\r\nHost: localhost\r\n"
    last = one % 2 + b"Connection: close\r\n"
    reply = said(server, b"\r\n".join([one % 0, one % 1, last, b""]))
    places = [reply.index(date) for date in (b'"2021-03-01"', b'"2021-03-02"', b'"2021-03-04"')]
    assert places == sorted(places)


def test_nothing_was_told_to_the_log_or_anybody(server: Server, guarded: Server) -> None:
    for running in (server, guarded):
        assert "Traceback" not in running.log.read_text()
        assert TOKEN not in running.log.read_text()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--config /home/someone/here.yaml", "--config here.yaml"),
        ("--out=/srv/runs/one", "--out=one"),
        ("see '/var/lib/x/y.csv', line 2", "see 'y.csv', line 2"),
        ("~/private/x.yaml", "x.yaml"),
        ("--config /a place/b.yaml --set data.dir=/c/d e/f", "--config b.yaml --set data.dir=f"),
        ("C:\\Users\\someone\\x.yaml", "x.yaml"),
        ("file:///home/someone/x", "file://x"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("data/sp500_crypto", "data/sp500_crypto"),
        ("BTC/USD and/or 1/2", "BTC/USD and/or 1/2"),
        ("the root /", "the root /"),
    ],
)
def test_of_a_path_the_last_part_is_shown(text: str, shown: str) -> None:
    assert without_paths({text: [text, 1, None]}) == {shown: [shown, 1, None]}


def test_the_cache_keeps_to_its_bound_and_forgets_the_oldest() -> None:
    cache: BoundedCache[str] = BoundedCache(100)
    for name in "abcd":
        cache.put(name, name, 25)
    assert cache.get("a") == "a"  # used: b is the oldest now
    cache.put("e", "e", 20)
    assert [cache.get(name) for name in "abcde"] == ["a", None, "c", "d", "e"]
    assert cache.held == 95
    cache.put("a", "again", 10)
    assert (cache.get("a"), cache.held) == ("again", 80)
    cache.put("large", "x", 26)  # more than a quarter
    assert cache.get("large") is None


def test_a_condition_without_a_date_of_change_is_never_met_by_a_date() -> None:
    assert not is_unchanged({"if-modified-since": "None"}, '"a"', None)
    assert not is_unchanged({}, '"a"', None)
    assert is_unchanged({"if-none-match": '"b", "a"'}, '"a"', None)


def test_a_refused_address_shows_no_path(tmp_path: Path) -> None:
    from runs.api_folders import Absent, Outputs

    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "values.csv").write_text("inside, but nobody's name")
    for place in (("..",), ("/etc",), ("a/b",), ("",), (".",), ("\0",), ("a\\b",)):
        with pytest.raises(Absent) as refused:
            Outputs(tmp_path).read(place, "values.csv", lambda file: file)
        assert str(tmp_path) not in str(refused.value)
