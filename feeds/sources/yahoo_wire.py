"""What goes over the wire to Yahoo: one deadline for all requests of a symbol, and the replies.

yfinance keeps neither the status nor Retry-After of a reply that it refuses, and gives its own
requests for cookies 30 seconds each; so the session is watched.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from feeds.sources.request import FetchError

__all__ = ["Attempt", "Wire", "fault_of_reply"]

_CHART = "/v8/finance/chart/"
#: Of an attempt's time, what cookies may take: charts are served without them too.
_SIDE_SHARE = 0.25
#: Seconds without cookies once they failed: the client asks for them one thread at a time, and
#: each would wait for all before it.
_SIDE_REST = 60.0
#: A century of days is 3 MB.
_MAX_BYTES = 64 * 2**20
_FILESIZE_EXCEEDED, _PARTIAL_FILE = 63, 18
_LATER = "run again later: what was fetched is kept"


class Attempt:
    """One attempt: until when, and the last thing that became of a request for a chart.

    Parameters
    ----------
    timeout : float
        Seconds for all requests together.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.until = time.monotonic() + timeout
        self.reply: Any = None
        self.error: Exception | None = None

    @property
    def text(self) -> str:
        """Body of the last reply; empty without one."""
        return "" if self.reply is None else str(self.reply.text)


class Wire:
    """A session whose every request is timed and kept, thread by thread.

    Parameters
    ----------
    session : curl_cffi.requests.Session, optional
        Made at the first attempt where not given.
    """

    def __init__(self, session: Any = None) -> None:
        self._session, self._local, self._lock = session, threading.local(), threading.Lock()
        self._send: Any = None
        self._side_rests_until = 0.0

    @contextmanager
    def attempt(self, attempt: Attempt) -> Iterator[Any]:
        """The watched session; this thread's requests belong to `attempt`."""
        with self._lock:
            if self._send is None:
                self._open()
        self._local.attempt = attempt
        try:
            yield self._session
        finally:
            del self._local.attempt

    def _open(self) -> None:
        from curl_cffi import CurlOpt
        from curl_cffi.requests import Session

        if self._session is None:
            self._session = Session(impersonate="chrome")
        self._session.curl_options[CurlOpt.MAXFILESIZE_LARGE] = _MAX_BYTES
        # get and post of a curl_cffi session both go through its request.
        self._send, self._session.request = self._session.request, self._request

    def _request(self, method: str, url: str, **options: Any) -> Any:
        attempt: Attempt | None = getattr(self._local, "attempt", None)
        if attempt is None:
            return self._send(method, url, **options)
        if _CHART in url:
            return self._ask_chart(attempt, method, url, options)
        if time.monotonic() < self._side_rests_until:
            raise TimeoutError("cookies failed a moment ago")
        left = attempt.until - time.monotonic()
        options["timeout"] = max(min(left, attempt.timeout * _SIDE_SHARE), 0.001)
        try:
            return self._send(method, url, **options)
        except OSError:
            self._side_rests_until = time.monotonic() + _SIDE_REST
            raise

    def _ask_chart(self, attempt: Attempt, method: str, url: str, options: dict[str, Any]) -> Any:
        attempt.reply = attempt.error = None
        options["timeout"] = attempt.until - time.monotonic()
        try:
            if options["timeout"] <= 0:
                raise TimeoutError("no time left in this attempt")
            attempt.reply = self._send(method, url, **options)
        except Exception as error:
            attempt.error = error
            raise
        return attempt.reply


def fault_of_reply(attempt: Attempt, place: str, error: Exception) -> FetchError:
    """What kind of failure `error` is, judged by what went over the wire.

    Parameters
    ----------
    attempt : Attempt
    place : str
        Symbol and source, the beginning of the message.
    error : Exception
        What the client raised; names the failure where the reply looks sound.
    """
    if attempt.error is not None:
        return _fault_of_error(attempt, place)
    if attempt.reply is None:
        return FetchError("unavailable", f"{place}: {_brief(error)}", _LATER)
    status = int(attempt.reply.status_code)
    if status == 429:
        asked = _retry_after(attempt.reply.headers.get("Retry-After"))
        return FetchError("rate_limited", f"{place}: too many requests (429)", _LATER, asked)
    if status in (401, 403, 451):
        return FetchError(
            "refused", f"{place}: Yahoo refuses to answer ({status})", "ask from another network"
        )
    if status >= 500:
        return FetchError("unavailable", f"{place}: Yahoo is out of order ({status})", _LATER)
    reason = _reason(attempt.text)
    if reason is not None:
        return _fault_of_reason(place, status, *reason)
    if attempt.text.lstrip()[:1] == "<" or "Will be right back" in attempt.text:
        problem = f"{place}: a web page instead of data ({status})"
        return FetchError("unavailable", problem, _LATER)
    if status >= 400:
        return FetchError("unavailable", f"{place}: no answer but status {status}", _LATER)
    if _is_empty(attempt.text):
        return FetchError("no_data", f"{place} has no bars in this range", "correct start or end")
    return FetchError(
        "malformed", f"{place}: the reply is damaged or of a new form: {_brief(error)}", _LATER
    )


def _fault_of_error(attempt: Attempt, place: str) -> FetchError:
    code = int(getattr(attempt.error, "code", 0))
    if code == _FILESIZE_EXCEEDED:
        problem = f"{place}: the reply is larger than {_MAX_BYTES // 2**20} MB"
        return FetchError("malformed", problem, _LATER)
    if code == _PARTIAL_FILE:
        return FetchError("malformed", f"{place}: the reply was cut off", _LATER)
    if isinstance(attempt.error, TimeoutError) or time.monotonic() >= attempt.until - 0.05:
        problem = f"{place}: no whole answer within {attempt.timeout:g} s"
        return FetchError("unavailable", problem, _LATER)
    problem = f"{place}: the connection failed: {_brief(attempt.error)}"
    return FetchError("unavailable", problem, "check the network, and run again")


def _fault_of_reason(place: str, status: int, code: str, description: str) -> FetchError:
    """By Yahoo's own words: an unknown symbol is Not Found, a bad range Bad Request or 422."""
    if code.lower() in ("too many requests", "unauthorized", "forbidden"):
        fault = "rate_limited" if code.lower().startswith("too") else "refused"
        return FetchError(fault, f"{place}: {description}", _LATER)
    if status == 404 or code.lower() == "not found":
        remedy = "correct source_symbol, or drop the row where it is delisted"
        return FetchError("unknown_symbol", f"{place}: {description}", remedy)
    if status >= 400:
        return FetchError("no_data", f"{place}: {description}", "correct start, end or interval")
    return FetchError("unavailable", f"{place}: {description}", _LATER)


def _reason(text: str) -> tuple[str, str] | None:
    """Code and description of the error that a reply holds."""
    try:
        error = json.loads(text)["chart"]["error"]
        return " ".join(str(error["code"]).split()), " ".join(str(error["description"]).split())
    except (ValueError, KeyError, TypeError):
        return None


def _is_empty(text: str) -> bool:
    """Whether a sound reply holds no quotes."""
    try:
        results = json.loads(text)["chart"]["result"]
        return not results or not results[0].get("timestamp") and "meta" in results[0]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return False


def _retry_after(header: str | None) -> float | None:
    """Seconds, from seconds or a date; None where it says neither."""
    text = (header or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.timezone.utc)
    return max((when - dt.datetime.now(dt.timezone.utc)).total_seconds(), 0.0)


def _brief(error: Exception | None) -> str:
    """One line of at most 120 characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 120 else text[:117] + "..."
