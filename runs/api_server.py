"""The server: connections, their time limits and their number. The only module with uvicorn."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from feeds.errors import UserError
from runs.api_guard import SECURITY_HEADERS, App

__all__ = ["bound_socket", "serve"]

#: Connections at once. The one that has kept the server waiting longest makes room for a new one.
MAX_CONNECTIONS = 512
#: Seconds in which a request must have arrived whole, and in which its answer must be taken.
REQUEST_SECONDS, ANSWER_SECONDS = 10.0, 60.0
#: Seconds that a connection may stay without a request.
IDLE_SECONDS = 5
#: Bytes of a request's head.
_LONGEST_HEAD = 16 << 10
_BACKLOG = 1024
#: Bytes of an answer that wait in the system's memory for a client to read (Linux takes twice as
#: much). It would take megabytes by itself, and five hundred who do not read hundreds of them.
_UNSENT = 128 << 10
#: Files that the process needs besides connections.
_OTHER_FILES = 128
# Who goes first when a connection must make room for another.
_READING, _IDLE, _ANSWERING = range(3)


def bound_socket(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises
    ------
    UserError
        If the address cannot be had.
    """
    listening = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # With the protocol by name: asyncio sends at once only on a socket that says TCP, and
        # an answer in two parts would otherwise wait 40 ms for the client's acknowledgement.
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Handed on to every connection.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNSENT)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        if listening is not None:
            listening.close()
        raise UserError(
            f"cannot listen on {host} port {port}: {(error.strerror or str(error)).lower()}",
            "name another with --port or --host, or end what listens there",
        ) from None
    return listening


def serve(app: App, listening: socket.socket, *, verbose: bool = False) -> None:
    """Serve `app` until the process is told to end.

    With `verbose` every request is logged.
    """
    if not verbose:
        # One line for each malformed request is what an attacker would fill a disk with.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=GuardedProtocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            access_log=verbose,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=5,
            h11_max_incomplete_event_size=_LONGEST_HEAD,
            backlog=_BACKLOG,
        )
    )
    server.run(sockets=[listening])


class GuardedProtocol(H11Protocol):
    """HTTP/1.1 that waits for nobody longer than its limits.

    A request must arrive whole in ``REQUEST_SECONDS`` and its answer be taken in
    ``ANSWER_SECONDS``, however many bytes trickle meanwhile; a further connection beyond
    ``MAX_CONNECTIONS`` closes the one that has been slowest, rather than being refused for the
    sake of those who say nothing.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._doing: tuple[int, int] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._note()
        if len(self.connections) > _room():
            others = [other for other in self.connections if other is not self]
            min(others, key=GuardedProtocol.patience).drop()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._note()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._note()

    def timeout_keep_alive_handler(self) -> None:
        # What a slow reader has left in the buffer would keep a closing connection for good.
        self.drop()

    def send_400_response(self, msg: str) -> None:
        """As the other answers look; what came is not HTTP, and the connection ends."""
        body = b'{"detail": "this is not an HTTP request"}'
        headers = {
            **SECURITY_HEADERS,
            "content-type": "application/json",
            "content-length": str(len(body)),
            "connection": "close",
        }
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        parts = [
            h11.Response(status_code=400, headers=sent, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ]
        for part in parts:
            self.transport.write(self.conn.send(part))
        self.transport.close()

    def patience(self) -> tuple[int, float]:
        """Orders connections: first who may be closed for the sake of another."""
        return (_READING if self._doing is None else self._doing[0]), self.since

    def drop(self) -> None:
        """Close at once, whatever is not sent yet."""
        self.transport.abort()

    def _note(self) -> None:
        """Start the clock anew if the connection has come to something else."""
        doing = self._now_doing()
        if doing == self._doing:
            return
        self._doing, self.since = doing, self.loop.time()
        if self._timer is not None:
            self._timer.cancel()
        limits = {_READING: REQUEST_SECONDS, _ANSWERING: ANSWER_SECONDS, _IDLE: ANSWER_SECONDS}
        self._timer = self.loop.call_later(limits[doing[0]], self.drop)

    def _now_doing(self) -> tuple[int, int]:
        """What the server waits for, and in which request."""
        request = id(self.cycle)
        if self.transport.is_closing():
            return _ANSWERING, 0
        if self.cycle is not None and not self.cycle.response_complete:
            return _ANSWERING, request
        if self.timeout_keep_alive_task is not None:
            return _IDLE, request
        return _READING, request


def _room() -> int:
    """Connections that there are files for."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(16, min(MAX_CONNECTIONS, files - _OTHER_FILES))
