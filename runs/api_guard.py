"""What stands before every route: who may ask, what may be asked, and what no answer lacks."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any

__all__ = ["OPEN_PATHS", "SECURITY_HEADERS", "Guard"]

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Sent with every answer, unless the answer has one of its own.
SECURITY_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
#: Need no token: they hold nothing of the user's.
OPEN_PATHS = ("/", "/v1/health", "/v1/openapi.json")
_LONGEST_TARGET, _LONGEST_HEADERS = 2048, 8192
_REALM = {"www-authenticate": 'Bearer realm="factor-api"'}
# A name, or an address in brackets; and a port.
_HOST = re.compile(r"(?:\[([^\]]*)\]|([^:\[\]]*))(?::\d*)?")
_LOGGER = logging.getLogger(__name__)


class Guard:
    """An ASGI application around another: refuses what must not reach it, and tells nothing.

    Methods other than GET and HEAD are answered by 405, a strange Host by 421 (a page elsewhere
    could have its name point here), a long address by 414, long headers by 431, a request with a
    body by 413, a missing or wrong token by 401, and an error of the program by 500, without its
    text.

    Parameters
    ----------
    app : ASGI application
    token : str or None
        What ``Authorization: Bearer`` must carry.
    hosts : collection of str or None
        Names by which the server may be called, lower case, without port; None for any.
    origins : collection of str
        Of the pages whose scripts may read: `app` answers their preflight requests, and they
        may read refusals, too.
    """

    def __init__(
        self,
        app: App,
        token: str | None = None,
        hosts: Collection[str] | None = None,
        origins: Collection[str] = (),
    ) -> None:
        self._app, self._hosts, self._origins = app, hosts, frozenset(origins)
        self._token = None if token is None else _digest(f"bearer {token}".encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = _Answer(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            status, detail, headers = refusal
            await answer.problem(status, detail, {**headers, **self._shared(scope)})
            return
        if scope["method"] == "HEAD":
            # The server leaves the body out by itself.
            scope = {**scope, "method": "GET"}
        try:
            await self._app(scope, receive, answer)
        except Exception:
            _LOGGER.exception("a request failed")
            if not answer.started:
                await answer.problem(500, "the server failed; its log says why")

    def _refusal(self, scope: Scope) -> tuple[int, str, Mapping[str, str]] | None:
        headers = dict(scope["headers"])
        if len(scope["raw_path"]) + len(scope["query_string"]) > _LONGEST_TARGET:
            return 414, f"the address is longer than {_LONGEST_TARGET} bytes", _CLOSE
        if sum(len(name) + len(value) for name, value in scope["headers"]) > _LONGEST_HEADERS:
            return 431, f"the headers are longer than {_LONGEST_HEADERS} bytes", _CLOSE
        if not self._is_called_by_name(headers.get(b"host", b"")):
            return 421, "this server does not go by the name in the Host header", {}
        if scope["method"] not in ("GET", "HEAD"):
            if self._origins and _is_preflight(scope["method"], headers):
                return None
            return 405, "the endpoint is read-only: GET and HEAD", {"allow": "GET, HEAD", **_CLOSE}
        if headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers:
            return 413, "a request to read has no body", _CLOSE
        if not self._may_ask(scope["path"], headers):
            return 401, "a bearer token is needed", _REALM
        return None

    def _shared(self, scope: Scope) -> Mapping[str, str]:
        """What lets a page of another origin read why it was refused, where it is one of ours."""
        if not self._origins:
            return {}
        origin = dict(scope["headers"]).get(b"origin", b"").decode("latin-1")
        allowed = {"access-control-allow-origin": origin} if origin in self._origins else {}
        return {"vary": "Origin", **allowed}

    def _is_called_by_name(self, host: bytes) -> bool:
        if self._hosts is None:
            return True
        found = _HOST.fullmatch(host.decode("latin-1").lower())
        return found is not None and (found[1] or found[2]) in self._hosts

    def _may_ask(self, path: str, headers: Mapping[bytes, bytes]) -> bool:
        if self._token is None or path in OPEN_PATHS:
            return True
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        shown = _digest(scheme.lower() + b" " + given.strip())
        return hmac.compare_digest(shown, self._token)


class _Answer:
    """Sends an answer with the headers that none may lack."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            own = {name.lower() for name, _ in message["headers"]}
            further = [item for item in _SECURITY if item[0] not in own]
            message = {**message, "headers": [*message["headers"], *further]}
        await self._send(message)

    async def problem(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """A whole answer that says why there is none."""
        body = json.dumps({"detail": detail}).encode()
        given = {"content-type": "application/json", "content-length": str(len(body))}
        sent = [
            (name.encode(), value.encode()) for name, value in {**given, **(headers or {})}.items()
        ]
        await self({"type": "http.response.start", "status": status, "headers": sent})
        await self({"type": "http.response.body", "body": body})


_CLOSE = {"connection": "close"}
_SECURITY = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


def _is_preflight(method: str, headers: Mapping[bytes, bytes]) -> bool:
    return method == "OPTIONS" and {b"origin", b"access-control-request-method"} <= set(headers)


def _digest(text: bytes) -> bytes:
    """Of one length whatever the text's, so that a comparison tells nothing of it."""
    return hashlib.sha256(text).digest()
