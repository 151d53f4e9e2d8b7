"""A local exchange: the public endpoints of Binance and Kraken as ccxt asks for them.

Candles are a plain function of their number, so that a test knows each of them: the n-th one
(from 0) opens at 100 + n, reaches 2 above and 1 below, closes at 100.5 + n and trades 10 + n
coins. Both pages are as the exchanges': Binance gives at most 1000 candles from `startTime`
onward, Kraken its latest 720 after `since`.
"""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

DAY = 86_400_000
HOUR = DAY // 24
_STEPS = {"1d": DAY, "1h": HOUR, "1440": DAY, "60": HOUR}


@dataclass
class Listing:
    """One market: the start of its first candle, and of its last where it was delisted, in ms."""

    base: str
    quote: str
    first: int
    last: int | None = None
    status: str = "TRADING"
    lot: str = "0.00001000"
    tick: str = "0.01000000"
    #: Candles that were recorded, oldest first, in place of those that are a function.
    recorded: list[list[float]] | None = None


@dataclass
class Fault:
    """What to answer to requests for `path`: after `skip` good ones, `times` bad ones."""

    kind: str
    path: str
    skip: int = 0
    times: int = 1_000_000


@dataclass
class LocalExchange:
    """What is listed, what goes wrong, and what was asked."""

    now: int
    markets: dict[str, Listing] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    address: str = ""

    def candles(self, market: Listing, step: int, since: int) -> list[list[float]]:
        """All from `since` to now, or to the last one; the last may be in the making."""
        if market.recorded is not None:
            return [self._made(row, step) for row in market.recorded if since <= row[0] <= self.now]
        last = self.now if market.last is None else market.last
        begin = max(0, -((market.first - since) // step))
        return [
            [market.first + n * step, 100.0 + n, 102.0 + n, 99.0 + n, 100.5 + n, 10.0 + n]
            for n in range(begin, (last - market.first) // step + 1)
        ]

    def _made(self, row: list[float], step: int) -> list[float]:
        """A recorded candle; one in the making has wild prices that it does not close at."""
        if row[0] + step <= self.now:
            return row
        start, opened, *_, volume = row
        return [start, opened, 3.0 * opened, opened / 3.0, 2.0 * opened, volume / 10.0]

    def fault(self, path: str) -> str | None:
        """The misbehaviour that is due now."""
        for fault in self.faults:
            if path.endswith(fault.path):
                if fault.skip:
                    fault.skip -= 1
                elif fault.times:
                    fault.times -= 1
                    return fault.kind
        return None

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, object]:
        routes = {
            "/api/v3/exchangeInfo": self._exchange_info,
            "/api/v3/klines": self._klines,
            "/0/public/Assets": self._assets,
            "/0/public/AssetPairs": self._pairs,
            "/0/public/OHLC": self._ohlc,
        }
        return routes[path](query) if path in routes else (404, {"msg": "no such path"})

    def _exchange_info(self, query: dict[str, str]) -> tuple[int, object]:
        symbols = [
            {
                "symbol": name,
                "status": market.status,
                "baseAsset": market.base,
                "quoteAsset": market.quote,
                "baseAssetPrecision": 8,
                "quotePrecision": 8,
                "isSpotTradingAllowed": True,
                "permissions": [],
                "filters": [
                    {
                        "filterType": "PRICE_FILTER",
                        "minPrice": market.tick,
                        "maxPrice": "1000000.00000000",
                        "tickSize": market.tick,
                    },
                    {
                        "filterType": "LOT_SIZE",
                        "minQty": "0.00010000",
                        "maxQty": "9000.00000000",
                        "stepSize": market.lot,
                    },
                ],
            }
            for name, market in self.markets.items()
        ]
        return 200, {"timezone": "UTC", "serverTime": self.now, "symbols": symbols}

    def _klines(self, query: dict[str, str]) -> tuple[int, object]:
        market = self.markets.get(query["symbol"])
        if market is None:
            return 400, {"code": -1121, "msg": "Invalid symbol."}
        step = _STEPS[query["interval"]]
        since, until = int(query.get("startTime", 0)), int(query.get("endTime", self.now))
        rows = [row for row in self.candles(market, step, since) if row[0] <= until]
        rows = rows[: min(int(query.get("limit", 500)), 1000)]
        return 200, [
            [row[0], *(f"{value:.8f}" for value in row[1:]), row[0] + step - 1, "0", 1, "0", "0"]
            for row in rows
        ]

    def _assets(self, query: dict[str, str]) -> tuple[int, object]:
        names = {name for market in self.markets.values() for name in (market.base, market.quote)}
        assets = {
            name: {"aclass": "currency", "altname": name, "decimals": 10, "display_decimals": 5}
            for name in sorted(names)
        }
        return 200, {"error": [], "result": assets}

    def _pairs(self, query: dict[str, str]) -> tuple[int, object]:
        pairs = {
            name: {
                "altname": name,
                "wsname": f"{market.base}/{market.quote}",
                "base": market.base,
                "quote": market.quote,
                "pair_decimals": 1,
                "lot_decimals": 8,
                "lot_multiplier": 1,
                "leverage_buy": [],
                "fees": [[0, 0.4]],
                "fees_maker": [[0, 0.25]],
                "ordermin": "0.00005",
                "status": "online" if market.status == "TRADING" else "cancel_only",
            }
            for name, market in self.markets.items()
        }
        return 200, {"error": [], "result": pairs}

    def _ohlc(self, query: dict[str, str]) -> tuple[int, object]:
        market = self.markets.get(query["pair"])
        if market is None:
            return 200, {"error": ["EQuery:Unknown asset pair"]}
        after = 1000 * int(query.get("since", 0)) + 1
        rows = self.candles(market, _STEPS[query["interval"]], after)[-720:]
        prices = [
            [row[0] // 1000, *(f"{value:.1f}" for value in row[1:5]), "0.0", f"{row[5]:.8f}", 1]
            for row in rows
        ]
        return 200, {"error": [], "result": {query["pair"]: prices, "last": self.now // 1000}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Nothing: the test's output is its own."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The exchange's own time, which need not be the machine's."""
        return super().date_time_string(self.server.exchange.now / 1000)

    def do_GET(self) -> None:
        exchange: LocalExchange = self.server.exchange
        parts = urlsplit(self.path)
        exchange.asked.append(self.path)
        exchange.times.append(time.monotonic())
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, content = exchange.answer(parts.path, query)
        body = json.dumps(content).encode()
        kind = exchange.fault(parts.path)
        try:
            if kind is None:
                self._send_packed(status, body)
            else:
                getattr(self, "_" + kind.partition(" ")[0])(kind.partition(" ")[2], body)
        except OSError:
            self.close_connection = True

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", headers.pop("kind", "application/json"))
        self.send_header("Content-Length", headers.pop("length", str(len(body))))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _send_packed(self, status: int, body: bytes) -> None:
        """As exchanges do: compressed, and in chunks that end anywhere."""
        packed = gzip.compress(body, mtime=0)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(packed), 999):
            piece = packed[start : start + 999]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _status(self, code: str, body: bytes) -> None:
        """``status 429 7``: the code, and what Retry-After says if anything."""
        code, _, wait = code.partition(" ")
        headers = {"Retry_After": wait} if wait else {}
        page = b"<html><body>\n<h1>sorry</h1>\n</body></html>"
        self._send(int(code), page, kind="text/html", **headers)

    def _html(self, _: str, body: bytes) -> None:
        self._send(200, b"<html><body>We'll be right back</body></html>", kind="text/html")

    def _empty(self, _: str, body: bytes) -> None:
        kraken = self.path.startswith("/0/")
        self._send(200, b'{"error":[],"result":{}}' if kraken else b"[]")

    def _json(self, text: str, body: bytes) -> None:
        self._send(200, text.encode())

    def _cut(self, _: str, body: bytes) -> None:
        """Half of the body, in an answer that says it is whole."""
        self._send(200, body[: len(body) // 2])

    def _truncated(self, _: str, body: bytes) -> None:
        """Half of the body, and the connection ends."""
        self._send(200, body[: len(body) // 2], length=str(len(body)))
        self.close_connection = True

    def _reset(self, _: str, body: bytes) -> None:
        # Closing with a linger of 0 sends RST instead of FIN.
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.shutdown(socket.SHUT_RD)
        self.close_connection = True

    def _slow(self, _: str, body: bytes) -> None:
        self.server.exchange.stopping.wait(10)
        self.close_connection = True

    def _endless(self, pause: str, body: bytes) -> None:
        """A body without end, in pieces: of a byte where a pause in seconds is given."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        piece = b" " if pause else b" " * 65536
        while not self.server.exchange.stopping.wait(float(pause or 0)):
            self.wfile.write(piece)


@contextmanager
def serve(now: int) -> Iterator[LocalExchange]:
    """A local exchange on 127.0.0.1 whose clock stands at `now`, in ms."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads, server.block_on_close = True, False
    server.exchange = LocalExchange(now)
    server.exchange.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.exchange
    finally:
        server.exchange.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
