"""Time to answer of the endpoint beside a bare FastAPI route, measured in one run.

python -m benchmarks.api [--assets 1000] [--requests 500] [--json]

Two servers on the loopback: the endpoint over a folder with signals of so many assets, and a
FastAPI application on uvicorn with two routes and nothing else, one that returns a few bytes and
one that returns the same signals from memory. One client with a connection to each asks them in
turns, so that a busy machine slows all alike. The medians are compared; the first tenth of the
requests is not counted.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Median of the latest signals: milliseconds, and over that of the bare route.
LIMITS = {"milliseconds": 5.0, "ratio": 3.0}
_BARE = """
import json, socket, sys
import uvicorn
from fastapi import FastAPI
app = FastAPI()
document = json.load(open(sys.argv[1]))
@app.get("/small")
async def small():
    return {"status": "ok"}
@app.get("/signals")
async def signals():
    return document
given = {"http": "h11", "loop": "asyncio", "log_level": "error", "access_log": False}
# The protocol by name: asyncio then sends at once, and the route is not slowed by 40 ms.
listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listening.bind(("127.0.0.1", 0))
print(f":{listening.getsockname()[1]}/", flush=True)
uvicorn.Server(uvicorn.Config(app, **given)).run(sockets=[listening])
"""


def made_up_signals(assets: int) -> dict[str, Any]:
    """Signals of as many assets, of the size that real ones have."""
    rows = [
        {
            "symbol": f"SYM{number:04d}",
            "asset_class": "equity",
            "eligible": True,
            "why": "",
            "factors": {name: number / 7 for name in ("value", "size", "momentum")},
            "score": number / 11,
            "rank": number + 1,
            "weight": number / 13,
            "held_weight": number / 17,
            "change": number / 19,
            "price": number / 23,
            "price_date": "2024-05-31",
            "age_sessions": 0,
        }
        for number in range(assets)
    ]
    head = {"schema": 1, "name": "made-up", "as_of": "2024-05-31", "decided": True}
    lists = {"staleness": [], "orders": [], "reports": []}
    hashes = {"data_hash": "d" * 64, "config_hash": "c" * 64}
    return {**head, "next_decision": "2024-06-28", **hashes, **lists, "assets": rows}


def measure(assets: int, requests: int) -> dict[str, list[float]]:
    """Seconds of every request, by route, all routes taking turns."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "signals" / "made-up"
        folder.mkdir(parents=True)
        document = folder / "signals.json"
        document.write_text(json.dumps(made_up_signals(assets)))
        ours = ["-m", "runs.api", "--outputs", place, "--port", "0"]
        with _served(ours) as endpoint, _served(["-c", _BARE, str(document)]) as bare:
            latest = f"/v1/signals/made-up/latest?limit={assets}"
            tag = _ask(endpoint, latest)[1]
            routes = {
                "latest signals": (endpoint, latest, {}),
                "latest signals, unchanged": (endpoint, latest, {"If-None-Match": tag}),
                "health": (endpoint, "/v1/health", {}),
                "bare route": (bare, "/small", {}),
                "bare route, the same signals": (bare, "/signals", {}),
            }
            times: dict[str, list[float]] = {name: [] for name in routes}
            for turn in range(requests + requests // 10):
                for name, route in routes.items():
                    seconds, _ = _ask(*route)
                    if turn >= requests // 10:
                        times[name].append(seconds)
            return times


def summary(times: dict[str, list[float]]) -> dict[str, Any]:
    """Percentiles in milliseconds by route, and the two figures that have a limit."""
    table = {
        name: {
            f"p{percent}": round(1000 * sorted(seconds)[len(seconds) * percent // 100], 3)
            for percent in (50, 90, 99)
        }
        for name, seconds in times.items()
    }
    median = {name: statistics.median(seconds) for name, seconds in times.items()}
    found = {
        "milliseconds": 1000 * median["latest signals"],
        "ratio": median["latest signals"] / median["bare route"],
    }
    return {"percentiles_ms": table, "found": found, "limits": LIMITS}


@contextmanager
def _served(arguments: list[str]) -> Iterator[http.client.HTTPConnection]:
    """A connection to a server that prints where it listens."""
    environment = {key: text for key, text in os.environ.items() if key != "FACTOR_API_TOKEN"}
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        port = re.search(r":(\d+)/", process.stdout.readline())[1]
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=30)
        yield connection
        connection.close()
    finally:
        process.terminate()
        process.wait()


def _ask(
    connection: http.client.HTTPConnection, path: str, headers: dict[str, str] | None = None
) -> tuple[float, str]:
    """Seconds until the whole answer was read, and its tag."""
    began = time.perf_counter()
    connection.request("GET", path, headers=headers or {})
    response = connection.getresponse()
    response.read()
    seconds = time.perf_counter() - began
    if response.status not in (200, 304):
        raise SystemExit(f"{path} answers {response.status}")
    return seconds, response.getheader("etag") or ""


def main() -> int:
    """Measure and print; the exit code says whether both limits hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assets", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    found = summary(measure(arguments.assets, arguments.requests))
    if arguments.json:
        print(json.dumps(found))
    else:
        for name, row in found["percentiles_ms"].items():
            print(f"{name:<30} " + "  ".join(f"{key} {ms:7.2f} ms" for key, ms in row.items()))
        for name, value in found["found"].items():
            print(f"{name:<30} {value:11.2f}  (at most {LIMITS[name]})")
    return 0 if all(found["found"][name] <= limit for name, limit in LIMITS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
