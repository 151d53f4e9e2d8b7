"""Conditional requests: whether who asks has the answer already (RFC 9110, section 13)."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["is_unchanged"]


def is_unchanged(headers: Mapping[str, str], etag: str, last_modified: str | None) -> bool:
    """Whether 304 will do.

    ``If-None-Match`` decides where it is sent; tags are compared weakly. Else
    ``If-Modified-Since`` does, by equality: a file that was put back from a copy is older than
    the one it replaces, and has changed.

    Parameters
    ----------
    headers : mapping
        Of the request; looked up in lower case.
    etag : str
        Of the answer, in its quotes.
    last_modified : str or None
        Of the answer, as it is sent; None where it has none.
    """
    tags = headers.get("if-none-match")
    if tags is not None:
        shown = [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        return etag in shown or shown == ["*"]
    since = headers.get("if-modified-since")
    return since is not None and since.strip() == last_modified
