"""Sources by name: each module of this package fetches from one kind of vendor.

A user's own vendor is a module that registers itself::

    from feeds.sources.registry import source

    @source("acme")
    class Acme:
        def fetch(self, request): ...   # one attempt: a RawSeries, or a FetchError
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Callable
from typing import Any, TypeVar

from feeds.errors import ConfigError
from feeds.sources.request import RawSeries, Source, SymbolRequest
from feeds.suggestions import remedy_for

__all__ = [
    "SOURCES",
    "SYMBOL_SOURCES",
    "get_source",
    "known_symbol_sources",
    "open_source",
    "register_source",
    "source",
]

#: Name on the command line: module and the function in it that fetches.
SOURCES: dict[str, tuple[str, str]] = {"files": ("feeds.sources.files", "fetch")}

#: Sources that fetch one symbol at a time, as a symbols file names them: module and class.
SYMBOL_SOURCES: dict[str, tuple[str, str]] = {
    "exchange": ("feeds.sources.exchange", "Exchange"),
    "files": ("feeds.sources.local_files", "LocalFiles"),
    "yahoo": ("feeds.sources.yahoo", "Yahoo"),
}

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_REGISTERED: dict[str, Callable[..., Any]] = {}
_Made = TypeVar("_Made", bound=Callable[..., Any])


class _Function:
    """A source that is a plain function."""

    def __init__(self, function: Callable[[SymbolRequest], RawSeries]) -> None:
        self.fetch = function


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


def source(name: str) -> Callable[[_Made], _Made]:
    """Register a class without parameters, or a function, as the source `name`.

    Parameters
    ----------
    name : str
        Small letters, digits and ``_``: what the column `source` of a symbols file holds.

    Raises
    ------
    ConfigError
        If the name cannot be one or is taken, or what it stands for cannot fetch.
    """

    def register(made: _Made) -> _Made:
        register_source(name, made)
        return made

    return register


def register_source(name: str, made: Callable[..., Any]) -> None:
    """What :func:`source` does, as a plain call."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(
            f"source {name!r} cannot be a name", "use small letters, digits and _, at most 40"
        )
    before = _REGISTERED.get(name)
    if name in SYMBOL_SOURCES or (before and not _same(before, made)):
        raise ConfigError(f"source {name!r} exists already", "give it another name")
    fetch = getattr(made, "fetch", None) if inspect.isclass(made) else made
    if not callable(fetch):
        raise ConfigError(
            f"source {name!r} has no method fetch",
            "give the class fetch(self, request), which returns a RawSeries",
        )
    _REGISTERED[name] = made
    open_source.cache_clear()


def known_symbol_sources() -> tuple[str, ...]:
    """What the column `source` of a symbols file may hold, in alphabetical order."""
    return tuple(sorted({*SYMBOL_SOURCES, *_REGISTERED}))


@functools.cache
def open_source(name: str) -> Source:
    """The source `name`, imported and made once a process.

    Clients keep connections, cookies and rate limits: a second one would not know of them.

    Raises
    ------
    ConfigError
        If there is no such source, or a user's own cannot be made.
    """
    if name in _REGISTERED:
        return _made(name, _REGISTERED[name])
    if name not in SYMBOL_SOURCES:
        known = known_symbol_sources()
        raise ConfigError(f"unknown source {name!r}", remedy_for(name, known))
    module, kind = SYMBOL_SOURCES[name]
    return getattr(importlib.import_module(module), kind)()


def _made(name: str, made: Callable[..., Any]) -> Source:
    if not inspect.isclass(made):
        return _Function(made)
    try:
        return made()
    except Exception as error:
        raise ConfigError(
            f"source {name!r} cannot be made: {type(error).__name__}: {error}",
            "its class is called without arguments",
        ) from error


def _same(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    """Whether a module that is run a second time gives the same again."""
    return (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)
