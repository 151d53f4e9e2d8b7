"""From a symbols file to raw bars on disk: fetched, updated, resumed, and safe from a kill."""

from __future__ import annotations

from feeds.ingestion.outcome import SymbolOutcome
from feeds.ingestion.run import Collected, CollectOptions, collect, narrowed
from feeds.lock import writer_lock

__all__ = [
    "CollectOptions",
    "Collected",
    "SymbolOutcome",
    "collect",
    "narrowed",
    "writer_lock",
]
