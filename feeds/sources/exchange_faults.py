"""What became of a request to an exchange, from ccxt's exception and the answer behind it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from feeds.sources.request import FetchError

__all__ = ["Answers", "NotJson", "to_fetch_error"]

#: Exceptions of ccxt by name, the special before the general: ccxt is not imported for them.
_FAULTS = (
    ("BadSymbol", "unknown_symbol"),
    ("RateLimitExceeded", "rate_limited"),
    ("DDoSProtection", "rate_limited"),
    ("RestrictedLocation", "refused"),
    ("BadResponse", "malformed"),
    ("NetworkError", "unavailable"),
    ("OperationFailed", "unavailable"),
    ("BaseError", "refused"),
)
_REMEDIES = {
    "unknown_symbol": "see the exchange's list of markets",
    "refused": "take another exchange or another network: trying again does not help",
    "rate_limited": "wait, and fetch fewer symbols at once",
    "unavailable": "run again later: what was fetched is kept",
    "malformed": "run again later: what was fetched is kept",
}
_FORBIDDEN = (403, 451)


class NotJson(Exception):
    """An answer called a success that is no JSON: a page of HTML, or cut off."""


class Answers:
    """Looks at every answer before ccxt does, which takes what is no JSON for an empty page.

    Parameters
    ----------
    client : ccxt.Exchange
        Its two hooks are wrapped.

    Attributes
    ----------
    status : int or None
        Of the last answer; None where there was none.
    retry_after : float or None
        Seconds that it asks to wait.
    forbidden : int
        Answers 403 and 451 in a row.
    sent_ms : int or None
        When the server says that its last dated answer was sent, in ms since 1970.
    """

    def __init__(self, client: Any) -> None:
        self._hooks = client.on_rest_response, client.parse_json
        client.on_rest_response, client.parse_json = self._note, self._parse
        self.status: int | None = None
        self.retry_after: float | None = None
        self.forbidden = 0
        self.sent_ms: int | None = None

    def clear(self) -> None:
        """Forget the last answer, before the next request."""
        self.status = self.retry_after = None

    def _note(self, *answer: Any) -> str:
        self.status, headers = answer[0], answer[4]
        self.forbidden = self.forbidden + 1 if self.status in _FORBIDDEN else 0
        self.retry_after = _seconds(headers)
        self.sent_ms = _sent(headers) or self.sent_ms
        return self._hooks[0](*answer)

    def _parse(self, text: str) -> Any:
        value = self._hooks[1](text)
        if value is None and self.status is not None and self.status < 400:
            raise NotJson(" ".join(text[:40].split()))
        return value


def to_fetch_error(error: Exception, answers: Answers, where: str) -> FetchError:
    """The failure `error` of a request, classified.

    A first 403 or 451 counts as ``unavailable``, since firewalls send it for too many
    requests too; the second in a row as ``refused``.

    Parameters
    ----------
    where : str
        Symbol and exchange, for the message.
    """
    if isinstance(error, NotJson):
        text = f"{where}: the answer is no JSON: {error}" if str(error) else f"{where}: no answer"
        return FetchError("malformed", text, _REMEDIES["malformed"])
    kinds = {kind.__name__ for kind in type(error).__mro__}
    fault = next((fault for name, fault in _FAULTS if name in kinds), "malformed")
    if fault == "refused" and _broken_off(error):
        # ccxt calls a broken TLS connection or body an error of the exchange.
        fault = "unavailable"
    if answers.status in _FORBIDDEN:
        fault = "refused" if answers.forbidden > 1 else "unavailable"
    problem = f"{where}: {_told(error, answers)}"
    asked = answers.retry_after if fault in ("rate_limited", "unavailable") else None
    return FetchError(fault, problem, _REMEDIES[fault], asked)


def _told(error: Exception, answers: Answers) -> str:
    """One line; a body is left out where it may be a page of HTML."""
    name = type(error).__name__
    if answers.status is not None and answers.status >= 400:
        return f"HTTP {answers.status} ({name})"
    if answers.status is None or _broken_off(error):
        return f"no complete answer ({name})"
    return f"{name}: {' '.join(str(error).split())[:120]}"


def _broken_off(error: Exception) -> bool:
    """Whether it is the transport that failed, before there was a whole answer."""
    cause = {kind.__name__ for kind in type(error.__cause__).__mro__}
    return "RequestException" in cause and "HTTPError" not in cause


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Of Retry-After, given as a number or as a date against the answer's own Date."""
    wait = headers.get("Retry-After")
    if wait is None:
        return None
    try:
        seconds = float(wait)
    except ValueError:
        seconds = _until(wait, headers.get("Date"))
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _sent(headers: Mapping[str, str]) -> int | None:
    """Of Date, in ms since 1970; None without one that reads."""
    try:
        sent = parsedate_to_datetime(headers.get("Date") or "")
        return int(sent.replace(tzinfo=sent.tzinfo or dt.timezone.utc).timestamp()) * 1000
    except (TypeError, ValueError):
        return None


def _until(wait: str, sent: str | None) -> float:
    try:
        until, since = (parsedate_to_datetime(text or "") for text in (wait, sent))
        return (until - since) / dt.timedelta(seconds=1)
    except (TypeError, ValueError):
        return math.nan
