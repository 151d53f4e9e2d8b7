"""Eight coins that an exchange on this machine serves hour by hour, and sessions of them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import runs.ingest_symbols
from configs.load import load_config
from feeds.ingestion import CollectOptions
from feeds.sources.exchange import Exchange
from feeds.sources.retry import RetryPolicy
from runs.ingest import main as ingest
from runs.live import LiveSession, Pace
from runs.refresh import refresh_dataset
from strategies.execution.ledger import Event, reading_ledger, writing_ledger
from tests.exchange_server import HOUR, Listing, LocalExchange, serve

COINS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH")
#: Start of the first candle, and how many hours are there when a session begins.
BEGAN = int(np.datetime64("2026-01-01T00", "ms").astype("int64"))
READY = 120
HOURS = 200
_NOTHING: Mapping[str, Any] = MappingProxyType({})
CONFIG = """
name: live-case
data: {dir: DIR, start: 2026-01-03, end: 2026-12-31, calendar: 24/7}
factors: {momentum: {weight: 1, lookback: 12, skip: 1}}
preprocess: {min_factors: 1, neutralize: null, scale: zscore}
portfolio:
  side: long_short
  select: {top: 3}
  gross: 1.0
  max_weight: 0.4
  min_breadth: {long_short: 4}
  rebalance: {every: 12}
  neutral: {dollar: 0.002, beta: 0.004}
  covariance: {lookback: 72, min_history: 24}
execution: {fill: next_close, starting_cash: 100000}
costs:
  commission: {crypto: {scheme: percent, bps: 10}}
  slippage: {crypto: {scheme: bps, bps: 5}}
live: {bands: {dollar: 0.02, beta: 0.03}, max_age: 2, poll_seconds: 60}
"""


def candles(
    seed: int = 11, missing: Mapping[str, Collection[int]] = _NOTHING
) -> dict[str, list[list[float]]]:
    """By coin: start in ms, open, high, low, close, volume; hourly moves of 0.6 and 0.5 %.

    `missing` are the hours in which a coin has no candle.
    """
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0, 0.006, HOURS)
    found = {}
    for place, name in enumerate(COINS):
        own = rng.normal(0.0, 0.005, HOURS)
        # In tens of cents, as a server writes them.
        close = np.round((50.0 + 25.0 * place) * np.exp(np.cumsum(0.6 * market + own)), 4)
        opened = np.concatenate([[50.0 + 25.0 * place], close[:-1]])
        high, low = np.maximum(opened, close), np.minimum(opened, close)
        stamps = (BEGAN + HOUR * np.arange(HOURS)).tolist()
        columns = (c.tolist() for c in (opened, high, low, close, np.full(HOURS, 1000.0)))
        rows = [list(row) for row in zip(stamps, *columns, strict=True)]
        found[name] = [row for at, row in enumerate(rows) if at not in missing.get(name, ())]
    return found


class Market:
    """The exchange, the clock of the machine, and a folder with the set of its candles."""

    def __init__(self, folder: Path, exchange: LocalExchange) -> None:
        self.folder, self.exchange = folder, exchange
        #: Hours by which the machine's clock is wrong.
        self.wrong = 0
        self.to(READY)

    def to(self, hour: int, minutes: int = 20) -> None:
        """So many candles are closed, and one is in the making."""
        self.exchange.now = BEGAN + hour * HOUR + minutes * 60_000

    def now(self) -> dt.datetime:
        seconds = self.exchange.now / 1000 + 3600 * self.wrong
        return dt.datetime.fromtimestamp(seconds, dt.timezone.utc)

    def write_set(self) -> Path:
        """Ingest what there is so far."""
        lines = ["symbol,asset_class,source,source_symbol,exchange,currency,start"]
        lines += [f"{c},crypto,exchange,{c}/USDT,binance,USDT,2026-01-01" for c in COINS]
        symbols = self.folder / "symbols.csv"
        symbols.write_text("\n".join(lines) + "\n")
        out = self.folder / "hours"
        given = ["--symbols-file", str(symbols), "--interval", "1h", "--out", str(out), "--quiet"]
        assert ingest(given) == 0
        return out


@contextmanager
def market(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    changes: Mapping[str, str] = _NOTHING,
    **series,
) -> Iterator[Market]:
    """A market of :func:`candles`, traded by the configuration with some of its text changed."""
    folder.mkdir(parents=True, exist_ok=True)
    with serve(BEGAN) as exchange:
        found = Market(folder, exchange)
        for name, rows in candles(**series).items():
            exchange.markets[f"{name}USDT"] = Listing(
                name, "USDT", BEGAN, tick="0.00010000", recorded=rows
            )
        source = Exchange(
            now=found.now, address=exchange.address, settings={"rateLimit": 1}, timeout=0.5
        )
        policy = RetryPolicy(attempts=2, first_pause=0.0, longest_pause=0.0)
        options = partial(CollectOptions, now=found.now, policy=policy)
        with monkeypatch.context() as patch:
            patch.setattr(runs.ingest_symbols, "open_source", {"exchange": source}.__getitem__)
            patch.setattr(runs.ingest_symbols, "CollectOptions", options)
            found.write_set()
            text = CONFIG.replace("DIR", str(folder / "hours"))
            for before, after in changes.items():
                assert before in text
                text = text.replace(before, after)
            (folder / "live.yaml").write_text(text)
            yield found


def poll_hours(
    place: Market, hours: Sequence[int], before=lambda hour: None, told: list | None = None
) -> None:
    """A session of a poll an hour; `before` may break something first."""
    due = iter(hours)

    def refresh() -> bool:
        hour = next(due)
        place.to(hour)
        before(hour)
        return refresh_dataset(place.folder / "hours", None, None)

    config = load_config(place.folder / "live.yaml", [])
    with writing_ledger(place.folder / "paper.db") as ledger:
        pace = Pace(lambda seconds: False, place.now)
        on_poll = None if told is None else told.append
        session = LiveSession(
            config, ledger, place.folder / "signals", refresh, pace, on_poll=on_poll
        )
        session._faults.policy = RetryPolicy(random=random.Random(0))
        session.run(len(hours))


def events(place: Market) -> list[Event]:
    with reading_ledger(place.folder / "paper.db") as ledger:
        ledger.check()
        return ledger.events()


def head(place: Market) -> str:
    """The hash that every event of the ledger is part of."""
    with reading_ledger(place.folder / "paper.db") as ledger:
        ledger.check()
        return ledger.head


def neutrality(found: list[Event]) -> list[dict]:
    return [e.payload for e in found if e.kind == "note" and e.payload["note"] == "neutrality"]
