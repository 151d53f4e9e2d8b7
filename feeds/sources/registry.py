"""Sources by name: each module of this package fetches from one kind of vendor."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from feeds.errors import ConfigError

__all__ = ["SOURCES", "get_source"]

#: Name on the command line: module and the function in it that fetches.
SOURCES: dict[str, tuple[str, str]] = {"files": ("feeds.sources.files", "fetch")}


def get_source(name: str) -> Callable[..., Any]:
    """The fetching function of the source `name`, imported only now.

    Raises
    ------
    ConfigError
        If there is no such source.
    """
    if name not in SOURCES:
        raise ConfigError(f"unknown source {name!r}", f"use one of {', '.join(sorted(SOURCES))}")
    module, function = SOURCES[name]
    return getattr(importlib.import_module(module), function)
