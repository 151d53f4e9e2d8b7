"""A server on 127.0.0.1 that speaks Yahoo's v8 chart from small fixtures, and can misbehave."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["CHART", "ChartFixture", "YahooServer"]

CHART = "/v8/finance/chart/"
_FIELDS = ("open", "high", "low", "close", "adjclose", "volume")


@dataclass
class ChartFixture:
    """What Yahoo has of one symbol: rows (stamp, open, high, low, close, adjclose, volume)."""

    rows: list[tuple[Any, ...]]
    meta: dict[str, Any]
    dividends: list[dict[str, Any]] = field(default_factory=list)
    splits: list[dict[str, Any]] = field(default_factory=list)
    gains: list[dict[str, Any]] = field(default_factory=list)

    def reply(self, symbol: str, first: int, last: int) -> dict[str, Any]:
        """The chart of the stamps from `first` to before `last`."""
        rows = [row for row in self.rows if first <= row[0] < last]
        result: dict[str, Any] = {"meta": {"symbol": symbol, **self.meta}}
        if rows:
            columns = dict(zip(_FIELDS, map(list, zip(*[row[1:] for row in rows]))))
            result["timestamp"] = [row[0] for row in rows]
            adjusted = columns.pop("adjclose")
            result["indicators"] = {"quote": [columns], "adjclose": [{"adjclose": adjusted}]}
        else:
            result["indicators"] = {"quote": [{}], "adjclose": [{}]}
        kinds = {"dividends": self.dividends, "splits": self.splits, "capitalGains": self.gains}
        events = {
            kind: {str(item["date"]): item for item in items if first <= item["date"] < last}
            for kind, items in kinds.items()
        }
        if any(events.values()):
            result["events"] = {kind: items for kind, items in events.items() if items}
        return {"chart": {"result": [result], "error": None}}


class YahooServer:
    """A context manager; `faults` by symbol (``cookies`` for what is no chart), `calls` by path.

    Faults: timeout, reset, slow, endless, truncated, broken (JSON cut off), html, down (500),
    busy (429 with Retry-After 7), busy_date (with a date), refused (403), law (451), range
    (422), other (answers with another symbol), ragged (columns of unequal length), no_ratio (a
    split of 4 to 0), empty.
    """

    def __init__(self, charts: dict[str, ChartFixture]) -> None:
        self.charts = charts
        self.faults: dict[str, str] = {}
        self.calls: list[str] = []
        self.stop = threading.Event()
        owner = self

        class Handler(_Handler):
            server_of_charts = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def chart_calls(self) -> list[str]:
        """The requests for charts."""
        return [path for path in self.calls if path.startswith(CHART)]

    def __enter__(self) -> YahooServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop.set()
        self._server.shutdown()
        self._thread.join()
        self._server.socket.close()


class _Handler(BaseHTTPRequestHandler):
    server_of_charts: YahooServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:  # the name is http.server's
        owner = self.server_of_charts
        owner.calls.append(self.path)
        parts = urlsplit(self.path)
        self.close_connection = True
        try:
            if not parts.path.startswith(CHART):
                self._side(parts.path, owner.faults.get("cookies", ""))
                return
            symbol = unquote(parts.path[len(CHART) :])
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            body = self._body(symbol, query)
            fault = owner.faults.get(symbol, "")
            getattr(self, f"_{fault}", self._good)(body)
        except (BrokenPipeError, ConnectionResetError):
            pass

    do_POST = do_GET

    def _side(self, path: str, fault: str) -> None:
        if fault:
            getattr(self, f"_{fault}")(b"{}")
        elif path == "/v1/test/getcrumb":
            self._send(200, b"crumb.of.tests", kind="text/plain")
        else:
            self._send(404, b"<html>nothing here</html>", kind="text/html")

    def _body(self, symbol: str, query: dict[str, str]) -> bytes:
        chart = self.server_of_charts.charts.get(symbol)
        if chart is None:
            return b""
        last = int(query.get("period2", 2**40))
        reply = chart.reply(symbol, int(query.get("period1", -(2**40))), last)
        return json.dumps(reply).encode()

    def _good(self, body: bytes) -> None:
        if body:
            self._send(200, body)
        else:
            self._error(404, "Not Found", "No data found, symbol may be delisted")

    def _error(self, status: int, code: str, description: str, **headers: str) -> None:
        error = {"code": code, "description": description}
        reply = {"chart": {"result": None, "error": error}}
        self._send(status, json.dumps(reply).encode(), **headers)

    def _send(
        self, status: int, body: bytes, kind: str = "application/json", **headers: str
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _timeout(self, body: bytes) -> None:
        self.server_of_charts.stop.wait(30)

    def _reset(self, body: bytes) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        # Two files stand on the socket: shutdown alone would end it in peace.
        self.rfile.close()
        self.wfile.close()
        self.connection.close()

    def _slow(self, body: bytes) -> None:
        self._start(len(body))
        for place in range(len(body)):
            if self.server_of_charts.stop.is_set():
                return
            self.wfile.write(body[place : place + 1])
            self.wfile.flush()
            time.sleep(0.05)

    def _endless(self, body: bytes) -> None:
        self._start(None)
        while not self.server_of_charts.stop.is_set():
            self.wfile.write(b" " * 2**20)

    def _truncated(self, body: bytes) -> None:
        self._start(len(body))
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()

    def _start(self, length: int | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _broken(self, body: bytes) -> None:
        self._send(200, body[: len(body) // 2])

    def _html(self, body: bytes) -> None:
        self._send(200, b"<!doctype html><html><body>Sorry</body></html>", kind="text/html")

    def _down(self, body: bytes) -> None:
        self._send(500, b"<html>oops</html>", kind="text/html")

    def _busy(self, body: bytes) -> None:
        self._error(429, "Too Many Requests", "slow down", Retry_After="7")

    def _busy_date(self, body: bytes) -> None:
        self._send(429, b"busy", kind="text/plain", Retry_After="Wed, 01 Jan 2020 00:00:00 GMT")

    def _refused(self, body: bytes) -> None:
        self._send(403, b"<html>no</html>", kind="text/html")

    def _law(self, body: bytes) -> None:
        self._send(451, b"<html>no</html>", kind="text/html")

    def _range(self, body: bytes) -> None:
        text = "1h data not available: the range must be within the last 730 days."
        self._error(422, "Unprocessable Entity", text)

    def _other(self, body: bytes) -> None:
        self._changed(body, "meta", "symbol", "OTHER")

    def _ragged(self, body: bytes) -> None:
        reply = json.loads(body)
        reply["chart"]["result"][0]["indicators"]["quote"][0]["close"].pop()
        self._send(200, json.dumps(reply).encode())

    def _no_ratio(self, body: bytes) -> None:
        split = {"date": 1598880600, "numerator": 4, "denominator": 0}
        self._changed(body, "events", "splits", {"1598880600": split})

    def _changed(self, body: bytes, part: str, name: str, value: object) -> None:
        reply = json.loads(body)
        reply["chart"]["result"][0].setdefault(part, {})[name] = value
        self._send(200, json.dumps(reply).encode())

    def _empty(self, body: bytes) -> None:
        reply = json.loads(body)
        symbol_meta = reply["chart"]["result"][0]["meta"]
        indicators = {"quote": [{}], "adjclose": [{}]}
        result = {"meta": symbol_meta, "indicators": indicators}
        self._send(200, json.dumps({"chart": {"result": [result], "error": None}}).encode())
