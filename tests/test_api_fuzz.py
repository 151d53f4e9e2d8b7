"""Ten thousand requests that nobody would send, and schemathesis: no 5xx, no traceback, no path."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.account_case import write_hourly_ledger
from tests.api_case import ROOT, Server, serving, write_outputs, write_run

pytest.importorskip("runs.api_app")

SCHEMATHESIS = ROOT / ".venv-peers" / "bin" / "schemathesis"
REQUESTS = 12_000
#: Texts that an answer must not hold: of the machine, of the program, of a file outside.
FORBIDDEN = [
    text.encode()
    for text in (
        "Traceback",
        'File "',
        ".py",
        "site-packages",
        tempfile.gettempdir() + "/",
        str(ROOT),
        "/home/",
        "root:x:0:0",
        "Internal Server Error",
        "unpickled",
    )
]
NASTY = [
    "../",
    "..\\",
    "%2e%2e%2f",
    "%252e%252e%252f",
    "..%c0%af",
    "%00",
    "\u202e",
    "\u2025\uff0f",
    "small",
    "secret.txt",
    "results.pkl",
    "manifest.json",
    "hourly",
    "status",
    "2021-03-04T14:00Z",
    "2021-03-04T1400Z.json",
    "etc/passwd",
    "/",
    "//",
    ".",
    "%",
    "%zz",
    ";",
    "?",
    "#",
    "~",
    "'",
    '"',
    "<script>",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "%0d%0aX-Injected:%201",
    "\ud7ff",
    "nan",
    "-1",
    "1e999",
    "9" * 40,
    "2021-03-01",
    "0000-00-00",
    "9999-12-31",
    "\U0001f4a9",
    "NA",
    "a" * 300,
    "CON",
    "signals",
    ".small",
]
METHODS = (
    ["GET"] * 12 + ["HEAD"] * 3 + ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "G\u00c9T", "get"]
)
HEADERS = [
    "If-None-Match",
    "If-Modified-Since",
    "If-Match",
    "Range",
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Cookie",
    "Content-Type",
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "Expect",
    "Upgrade",
    "Origin",
    "Access-Control-Request-Method",
    "X-Forwarded-For",
    "X-HTTP-Method-Override",
    "Host",
]
VALUES = ["", "*", '"', 'W/"x"', "bytes=0-1", "chunked", "close", "keep-alive", "websocket", "h2c"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    outputs = write_outputs(tmp_path_factory.mktemp("fuzz") / "outputs", 50)
    write_hourly_ledger(outputs / "paper.db")
    write_run(outputs / "hourly")  # so that one name leads to something on every route
    with serving(outputs) as running:
        yield running


def address(rng: random.Random, routes: list[str]) -> str:
    """A route of the description with nonsense in its places, or nonsense."""
    path = rng.choice([*routes, "/v1/runs/{name}/results.pkl", "/{name}", "/v1/{name}"])
    for place in ("{name}", "{as_of}"):
        names = ["small", "hourly"] if place == "{name}" else ["2021-02-26", "2021-03-04T14:00Z"]
        kept = rng.choice(names)
        nonsense = "".join(rng.choices(NASTY, k=rng.randint(1, 4)))
        if rng.random() < 0.5:
            nonsense = quote(nonsense, safe="")
        path = path.replace(place, kept if rng.random() < 0.5 else nonsense)
    pairs = []
    for _ in range(rng.choice([0, 0, 1, 2, 5])):
        name = rng.choice(["limit", "offset", "start", "end", "as_of", rng.choice(NASTY)])
        value = rng.choice(
            [
                rng.choice(NASTY),
                str(rng.randint(-5, 6000)),
                f"2021-03-0{rng.randint(0, 9)}",
                f"2021-03-04T{rng.randint(0, 30):02d}:00Z",
            ]
        )
        pairs.append(f"{quote(name)}={quote(value) if rng.random() < 0.8 else value}")
    return path + ("?" + "&".join(pairs) if pairs else "")


def fuzzed(rng: random.Random, routes: list[str]) -> bytes:
    """A request: mostly HTTP, with a method, an address and headers that need not be."""
    lines = [f"{rng.choice(METHODS)} {address(rng, routes)} HTTP/1.{rng.choice('11110')}"]
    lines.append("Host: " + rng.choice(["localhost"] * 9 + ["evil.example"]))
    for name in rng.sample(HEADERS, rng.choice([0, 0, 1, 2, 4])):
        value = rng.choice([*VALUES, rng.choice(NASTY), str(rng.randint(0, 9))])
        lines.append(f"{name}: {value}")
    request = ("\r\n".join(lines) + "\r\nConnection: close\r\n\r\n").encode("utf-8", "replace")
    if rng.random() < 0.1:
        at, length = rng.randrange(len(request)), rng.randint(1, 8)
        request = request[:at] + rng.randbytes(length) + request[at + rng.randint(0, length) :]
    if rng.random() < 0.05:
        request += rng.randbytes(rng.randint(1, 300))
    return request


def reply_to(server: Server, request: bytes) -> bytes:
    """Everything that comes back; nothing where the server waits for the rest of a request."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=0.5) as connection:
        found = b""
        try:
            connection.sendall(request)
            while part := connection.recv(65536):
                found += part
        except (TimeoutError, ConnectionError):
            pass
        return found


def check(reply: bytes, request: bytes, statuses: Counter[int]) -> None:
    """No 5xx, nothing told, and the headers that none may lack."""
    if not reply:
        statuses[0] += 1
        return
    status = int(reply.split(None, 2)[1])
    statuses[status] += 1
    assert status < 500, request
    head, _, body = reply.partition(b"\r\n\r\n")
    for text in FORBIDDEN:
        # What was asked for by name may be in the name of a parameter that is refused.
        assert text not in reply or text in request, (text, request)
    if status != 100:
        assert b"x-content-type-options: nosniff" in head, request
        assert b"\r\nx-injected" not in head.lower(), request
    if status >= 400 and body:
        assert set(json.loads(body[: body.rindex(b"}") + 1])) == {"detail"} or body.startswith(b"[")


@pytest.mark.exhaustive
def test_twelve_thousand_fuzzed_requests(server: Server) -> None:
    rng = random.Random(20210301)
    routes = list(server.ask("/v1/openapi.json").json["paths"])
    statuses: Counter[int] = Counter()
    for _ in range(REQUESTS):
        request = fuzzed(rng, routes)
        check(reply_to(server, request), request, statuses)
    print(dict(sorted(statuses.items())))  # shown by pytest -s
    assert sum(statuses.values()) - statuses[0] >= 10_000
    # It was not all refused at the door.
    assert {200, 304, 400, 404, 405, 413, 421, 422} <= set(statuses)
    assert statuses[200] > 500
    assert "Traceback" not in server.log.read_text()
    assert server.ask("/v1/health").status == 200


#: An address that is too long is refused by 414, which is no less of a refusal; and names that
#: exist lead schemathesis to what stands behind them.
CONFIGURATION = """
[checks]
negative_data_rejection.expected-statuses = [400, 404, 414, 422, 431]
"""
EXISTING = """
[parameters]
name = "hourly"
as_of = "2021-03-04T14:00Z"
"""


@pytest.mark.slow
@pytest.mark.parametrize("existing", [False, pytest.param(True, marks=pytest.mark.exhaustive)])
def test_schemathesis_finds_nothing(server: Server, existing: bool, tmp_path: Path) -> None:
    if not SCHEMATHESIS.exists():
        pytest.skip("schemathesis is installed by scripts/install_peers.sh")
    found = run_schemathesis(SCHEMATHESIS, server, existing, tmp_path)
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]


def run_schemathesis(
    command: Path, server: Server, existing: bool, place: Path
) -> subprocess.CompletedProcess[str]:
    """All its checks, on every route of the description."""
    (place / "schemathesis.toml").write_text(CONFIGURATION + (EXISTING if existing else ""))
    given = ["--checks", "all", "--max-examples", "60", "--seed", "1", "--no-color"]
    return subprocess.run(
        [str(command), "run", f"http://127.0.0.1:{server.port}/v1/openapi.json", *given],
        cwd=place,
        capture_output=True,
        text=True,
        env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(place / "hypothesis")},
    )


@pytest.mark.parametrize("make", [address, fuzzed])
def test_the_same_seed_makes_the_same_requests(make: Callable[..., object]) -> None:
    twice = [[make(random.Random(7), ["/v1/runs"]) for _ in range(5)] for _ in range(2)]
    assert twice[0] == twice[1]
