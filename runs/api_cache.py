"""A cache in memory that never grows beyond its bound."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["BoundedCache"]

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """Values by key, the least recently used leaving first. Safe between threads.

    Parameters
    ----------
    limit : int
        Bytes that all values together may take. A value larger than a quarter of it is not kept:
        it would push out everything else.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._values: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def held(self) -> int:
        """Bytes held now."""
        return self._held

    def get(self, key: Hashable) -> Value | None:
        """The value of `key`, or None."""
        with self._lock:
            entry = self._values.get(key)
            if entry is None:
                return None
            self._values.move_to_end(key)
            return entry[0]

    def put(self, key: Hashable, value: Value, size: int) -> None:
        """Keep `value`, of `size` bytes, for as long as there is room."""
        if size > self._limit // 4:
            return
        with self._lock:
            self._forget(key)
            self._values[key] = (value, size)
            self._held += size
            while self._held > self._limit:
                self._forget(next(iter(self._values)))

    def _forget(self, key: Hashable) -> None:
        _, size = self._values.pop(key, (None, 0))
        self._held -= size
