"""A vendor of our own and a plain writer, for the tests of ingestion."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from feeds.atomic import replacing_folder
from feeds.ingestion import Collected, CollectOptions, collect
from feeds.sources.request import FetchError, RawSeries, SymbolRequest
from feeds.sources.retry import RetryPolicy

__all__ = ["NOW", "Vendor", "coin", "contents", "fetch_and_write", "options", "write_set"]

NOW = dt.datetime(2024, 3, 10, 12, 30, tzinfo=dt.timezone.utc)
LISTED = pd.Timestamp("2024-01-01")


def coin(symbol: str, **given: object) -> SymbolRequest:
    """A row of a symbols file."""
    return SymbolRequest(**{**dict.fromkeys(("symbol", "source_symbol"), symbol), **_ROW, **given})


_ROW = {"asset_class": "crypto", "source": "vendor"}


@dataclass
class Vendor:
    """Bars that are a plain function of symbol and day, and what goes wrong with them.

    The n-th day from 2024-01-01 on closes at 100 + n plus the sum of the symbol's letters over
    1000. `change` is applied to the whole history before the range asked for is cut from it.
    """

    now: dt.datetime = NOW
    faults: dict[str, list[Exception]] = field(default_factory=dict)
    change: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = field(default_factory=dict)
    gives_latest: int | None = None
    said: dict[str, object] = field(default_factory=dict)
    asked: list[SymbolRequest] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, name: str) -> Vendor:
        """As a registry of one vendor."""
        return self

    def history(self, request: SymbolRequest) -> pd.DataFrame:
        """All closed bars."""
        step = pd.Timedelta(1, "D" if request.interval == "1d" else "h")
        last = pd.Timestamp(self.now.replace(tzinfo=None)).floor(step) - step
        index = pd.date_range(LISTED, last, freq=step, name="date").as_unit("s")
        close = 100.0 + np.arange(len(index)) + sum(map(ord, request.symbol)) / 1000.0
        columns = {"open": close - 0.1, "high": close + 1 / 3, "low": close - 0.7, "close": close}
        volume = 1000.0 * (1 + np.arange(len(index)))
        bars = pd.DataFrame(
            {**columns, "volume": volume, "split_ratio": 1.0, "dividend": 0.0}, index=index
        )
        return self.change.get(request.symbol, lambda table: table)(bars)

    def fetch(self, request: SymbolRequest) -> RawSeries:
        """One attempt."""
        with self.lock:
            self.asked.append(request)
            self.running += 1
            self.most_running = max(self.running, self.most_running)
        try:
            return self._answer(request)
        finally:
            with self.lock:
                self.running -= 1

    def _answer(self, request: SymbolRequest) -> RawSeries:
        faults = self.faults.get(request.symbol, [])
        if faults:
            raise faults.pop(0)
        bars = self.history(request)
        days = bars.index.normalize()
        if request.start is not None:
            bars = bars[days >= pd.Timestamp(request.start)]
        if request.end is not None:
            bars = bars[bars.index.normalize() <= pd.Timestamp(request.end)]
        if self.gives_latest is not None:
            bars = bars.iloc[-self.gives_latest :]
        if bars.empty:
            raise FetchError("no_data", f"{request.symbol}: no bars in this range", "correct it")
        said = {"currency": "USD", "timezone": "UTC", "vendor": "vendor 1", "licence": "none"}
        return RawSeries(
            request, bars, "units", "traded", **{**said, **self.said}, notes=("made for a test",)
        )


def options(**given: object) -> CollectOptions:
    """Options whose pauses take no time and whose clock stands at :data:`NOW`."""
    policy = RetryPolicy(attempts=3, sleep=lambda seconds: None)
    return replace(
        CollectOptions(jobs=2, deadline=60.0, grace=1.0, policy=policy, now=lambda: NOW), **given
    )


def write_set(out: Path, collected: Collected) -> None:
    """A writer as plain as can be: closes of all symbols, and the raw bars."""
    closes = []
    for info, table in collected.series():
        closes += [
            f"{info.symbol},{time},{close!r}"
            for time, close in zip(table.time.astype(str), table["close"].tolist())
        ]
    with replacing_folder(out) as building:
        collected.place_raw(building)
        (building / "closes.csv").write_text("\n".join(closes) + "\n")
        (building / "manifest.json").write_text('{"name": "made"}\n')


def fetch_and_write(
    requests: Sequence[SymbolRequest], out: Path, vendor: Vendor, given: CollectOptions
) -> Collected:
    """What a command does."""
    with collect(requests, out, given, vendor) as collected:
        write_set(out, collected)
    return collected


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
