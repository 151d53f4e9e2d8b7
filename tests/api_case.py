"""Outputs made by hand, a server over them, and a client that says exactly what it is told."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from runs import signal_files
from runs.live_status import write_status

ROOT = Path(__file__).parents[1]

_FILLS = "date,decision_date,symbol,reason,size,price,reference_price,commission,slippage,shares\n"
TABLES = {
    "values.csv": """date,value,cash,long,short,margin
2021-03-01,1000.5,600.5,500,-100,150
2021-03-02,1010,600.5,509.5,-100,152.375
2021-03-04,990.25,600.5,489.75,-100,147.4375
""",
    "fills.csv": f"""{_FILLS}2021-03-01,2021-02-26,NA,rebalance,10,50,49.95,0.5,0.5,10
2021-03-01,2021-02-26,BTC,rebalance,-0.002,50000,50010,0.2,0.02,
2021-03-04,,NA,delisting,-10,25,50,0,0,-10
""",
    "carry.csv": """date,symbol,kind,amount
2021-03-02,BTC,borrow,-0.25
2021-03-02,,interest,0.125
""",
    "weights.csv": """decision_date,symbol,score,size_proxy,momentum,target_weight
2021-02-26,NA,0.5,-19.25,0.125,0.5
2021-02-26,BTC,,-20.5,,-0.1
""",
    "positions.csv": """date,symbol,size,shares,close,value
2021-03-01,NA,10,10,50,500
2021-03-01,BTC,-0.002,,50000,-100
""",
    "factor_returns.csv": """date,size_proxy,momentum
2021-03-01,0.01,
2021-03-02,-0.005,0.002
""",
}
METRICS = {
    "cagr": 0.1,
    "volatility": 0.2,
    "sharpe": 0.5,
    "max_drawdown": -0.25,
    "beta": None,
    "sessions": 3,
    "start": "2021-03-01",
    "end": "2021-03-04",
    "final_value": 990.25,
}
MANIFEST = {
    "name": "small",
    "command": "python -m runs.backtest --config /home/someone/my place/small.yaml",
    "seed": 7,
    "data": {"dir": "data/small", "files": {"prices.csv": "ab12"}},
    "timings": {"prepare": 0.5},
}


#: Of a live session that waits for its next poll, after a fault that told of a path.
STATUS = {
    "schema": 1,
    "name": "hourly",
    "state": "waiting",
    "last_bar": "2021-03-04T15:00Z",
    "updated": "2021-03-04T16:01:07Z",
    "next_poll": "2021-03-04T16:02:07Z",
    "value": 1010.0,
    "neutrality": {
        "dollar": 0.015,
        "beta": -0.004,
        "within": True,
        "forced": False,
        "bands": {"dollar": 0.02, "beta": None},
    },
    "behind": ["S0001"],
    "faults": {"in_a_row": 0, "total": 1, "last": "/home/someone/my place/hours: disk full"},
}


def signals(
    name: str = "small",
    as_of: str = "2021-03-04",
    assets: int = 2,
    following: str = "2021-03-31",
) -> dict[str, Any]:
    """A ``signals.json`` with as many assets as wanted, made by rule."""
    rows = [
        {
            "symbol": f"S{number:04d}",
            "asset_class": "crypto" if number % 10 == 9 else "equity",
            "eligible": number % 7 != 6,
            "why": "no bar yet" if number % 7 == 6 else "",
            "factors": {"value": number / 8, "size": -number / 4, "momentum": None},
            "score": 1 - number / assets,
            "rank": number + 1,
            "weight": 1 / assets,
            "held_weight": 0.0,
            "change": 1 / assets,
            "price": 10.5 + number,
            "price_date": as_of,
            "age_sessions": 0,
        }
        for number in range(assets)
    ]
    return {
        "schema": 1,
        "name": name,
        "as_of": as_of,
        "decided": True,
        "next_decision": following,
        "data_hash": "d1",
        "config_hash": "c1",
        "late": False,
        "ledger_head": "e" * 64,
        "account": {"value": 1010.0, "cash": 600.5, "gross": 0.5, "net": 0.25},
        "staleness": [
            {
                "source": "vendor",
                "asset_class": "equity",
                "symbols": 2,
                "newest": as_of,
                "oldest": as_of if "T" in as_of else "2021-02-26",
                "age_sessions": 0,
                "behind": ["S0001"],
            }
        ],
        "assets": rows,
        "orders": [
            {
                "symbol": "S0000",
                "side": "buy",
                "shares": 10,
                "reduce": 0,
                "increase": 10,
                "fill": "next_close",
                "decided": as_of,
                "reason": "rebalance",
                "price": 10.5,
                "value": 105,
            }
        ],
        "reports": [{"symbol": "crypto", "kind": "thin sleeve", "detail": "1 asset < 6: trend"}],
    }


def write_run(folder: Path, **replaced: str) -> None:
    """A run's folder; `replaced` gives other texts by the name of a table."""
    folder.mkdir(parents=True)
    for file, text in TABLES.items():
        (folder / file).write_text(replaced.get(file.removesuffix(".csv"), text))
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    (folder / "results.pkl").write_bytes(b"cposix\nsystem\n(S'touch unpickled'\ntR.")


def write_signals(outputs: Path, name: str = "small", assets: int = 2) -> None:
    """Signals of two bars, the latest in their place and both in the history."""
    folder = outputs / "signals" / name
    (folder / "history").mkdir(parents=True)
    for bar in ("2021-02-26", "2021-03-04"):
        text = json.dumps(signals(name, bar, assets))
        (folder / "history" / f"{bar}.json").write_text(text)
    (folder / "signals.json").write_text(text)


def write_hourly(outputs: Path) -> Path:
    """Signals of a live session ``hourly``, as it writes them: three bars of an hour, a status."""
    folder = outputs / "signals" / "hourly"
    for bar in ("2021-03-04T00:00Z", "2021-03-04T14:00Z", "2021-03-04T15:00Z"):
        record = signals("hourly", bar, 2, "2021-03-05T00:00Z")
        signal_files.write_signals({**record, "printed": True, "limits": []}, folder)
    write_status(folder, STATUS)
    return folder


def write_outputs(outputs: Path, assets: int = 2) -> Path:
    """A run ``small``, its signals, those of a live session, and a file that nobody may read."""
    write_run(outputs / "small")
    write_signals(outputs, assets=assets)
    write_hourly(outputs)
    (outputs.parent / "secret.txt").write_text("root:x:0:0")
    # Long ago, so that a time of change says something.
    for path in outputs.rglob("*.*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    return outputs


def documented() -> dict[str, tuple[str, Any]]:
    """By route, the request that `docs/api.md` shows and the answer beside it."""
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    pattern = r"^### GET (\S+)$.*?^`GET (\S+)`$\s+```json\n(.*?)```"
    found = re.findall(pattern, text, re.MULTILINE | re.DOTALL)
    return {route: (asked, json.loads(answer)) for route, asked, answer in found}


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Ask = Callable[..., Reply]


@dataclass(frozen=True)
class Server:
    """A server that runs; its standard error goes to `log`."""

    port: int
    process: subprocess.Popen[str]
    log: Path

    def ask(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        body: bytes | None = None,
    ) -> Reply:
        """One request on a connection of its own; the path goes out as it is written."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, found, response.read())
        finally:
            connection.close()


def ask_app(
    app: Any, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> Reply:
    """One request to an application, without a server or a connection."""
    return asyncio.run(asked_of(app, path, headers, method))


async def asked_of(
    app: Any, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> Reply:
    """One request among others at the same time."""
    target, _, query = path.partition("?")
    given = {"host": "localhost", **(headers or {})}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(target),
        "raw_path": target.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), text.encode()) for name, text in given.items()],
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    found = {name.decode().lower(): text.decode() for name, text in sent[0]["headers"]}
    return Reply(sent[0]["status"], found, b"".join(part["body"] for part in sent[1:]))


def asking(outputs: Path, ledger: Path | None = None) -> Ask:
    """Asks an endpoint over a folder, without a server."""
    from runs.api_answers import Answers
    from runs.api_app import make_app
    from runs.api_folders import Outputs

    app = make_app(Answers(Outputs(outputs), ledger))
    return lambda path, *given, **named: ask_app(app, path, *given, **named)


@contextmanager
def serving(
    outputs: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """``python -m runs.api`` on a port that is free."""
    log = outputs.parent / f"{outputs.name}.log"
    command = [sys.executable, "-m", "runs.api", "--outputs", str(outputs), "--port", "0"]
    inherited = {name: value for name, value in os.environ.items() if name != "FACTOR_API_TOKEN"}
    with open(log, "w") as stream:
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            env={**inherited, **(environment or {})},
        )
    try:
        said = process.stdout.readline()
        found = re.search(r":(\d+)/", said)
        assert found, said + log.read_text()
        yield Server(int(found[1]), process, log)
    finally:
        # Ctrl-C has a test of its own; started in the background, a process may ignore it.
        process.terminate()
        process.communicate(timeout=20)
