"""Answers that must end: a body that drips or never ends is cut off by time and by size.

The timeouts of requests hold for each piece of a body, so that one byte a second is never too
slow for them. Imported only by the sources that speak through requests, and lazily.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError, ReadTimeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

__all__ = ["BoundedAdapter"]

_PIECE = 65536


class BoundedAdapter(HTTPAdapter):
    """A transport that reads a whole body within bounds before anybody sees the answer.

    Parameters
    ----------
    seconds : float
        From the end of the headers to the end of the body.
    most_bytes : int
        Size of the body, decompressed.
    clock : callable
        ``time.monotonic``; tests put in their own.

    Raises
    ------
    requests.exceptions.ReadTimeout
        While sending, where the body takes longer.
    requests.exceptions.ConnectionError
        While sending, where the body is larger, breaks off, or does not decompress.
    """

    def __init__(
        self, seconds: float, most_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._seconds, self._most_bytes, self._clock = seconds, most_bytes, clock

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Send, and read the answer to its end."""
        response = super().send(request, *args, **options)
        try:
            # What requests itself would keep here once it had read the body.
            response._content = self._body(response)
            response._content_consumed = True
        except BaseException:
            response.close()
            raise
        return response

    def _body(self, response: Response) -> bytes:
        ends, pieces, size = self._clock() + self._seconds, [], 0
        try:
            while piece := response.raw.read1(_PIECE, decode_content=True):
                pieces.append(piece)
                size += len(piece)
                if size > self._most_bytes:
                    raise ConnectionError(f"the answer is longer than {self._most_bytes} bytes")
                if self._clock() > ends:
                    raise ReadTimeout(f"the answer takes longer than {self._seconds:g} s")
        except ReadTimeoutError as error:
            raise ReadTimeout(str(error)) from error
        except (HTTPError, OSError) as error:
            if isinstance(error, (ConnectionError, ReadTimeout)):
                raise
            raise ConnectionError(f"Connection broken: {error}") from error
        return b"".join(pieces)
