"""Answers as bytes, with what tells their versions apart."""

from __future__ import annotations

import email.utils
import hashlib
import json
from dataclasses import dataclass
from typing import Any

__all__ = ["Body", "body_of", "page_of"]


@dataclass(frozen=True)
class Body:
    """A response's bytes and what tells its versions apart.

    `modified` is in seconds since 1970, None where the answer is of several files.
    """

    content: bytes
    etag: str
    modified: float | None = None

    @property
    def last_modified(self) -> str | None:
        """`modified` as an HTTP date, whole seconds."""
        if self.modified is None:
            return None
        return email.utils.formatdate(int(self.modified), usegmt=True)


def page_of(total: int, limit: int, offset: int, items: list[Any]) -> dict[str, Any]:
    following = offset + len(items)
    return {
        "total": total,
        "limit": limit,
        "offset": offset,
        "next_offset": following if items and following < total else None,
        "items": items,
    }


def body_of(answer: dict[str, Any], modified: float | None = None) -> Body:
    text = json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    content = text.encode("utf-8", "replace")
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return Body(content, etag, modified)
