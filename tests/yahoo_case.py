"""Small charts as Yahoo sends them, and a source that asks a server of ours for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feeds.sources.request import SymbolRequest
from feeds.sources.yahoo import Yahoo
from tests.yahoo_server import ChartFixture, YahooServer

__all__ = [
    "ACME", "DAYS", "LATER", "OPENS", "UTC", "SourceMaker", "ask", "changed", "row",
    "running_server", "stamp",
]  # fmt: skip

UTC = dt.timezone.utc
LATER = dt.datetime(2020, 12, 1, tzinfo=UTC)


def stamp(text: str, zone: str = "America/New_York") -> int:
    """Seconds of a local time."""
    return int(pd.Timestamp(text, tz=zone).timestamp())


def meta(kind: str, zone: str, currency: str, start: str, end: str) -> dict[str, Any]:
    """What the client and we read of a chart's meta; start and end of the session, local."""
    regular = {"start": stamp(start, zone), "end": stamp(end, zone)}
    hours = {**regular, "timezone": "EDT", "gmtoffset": -14400}
    return {
        "instrumentType": kind,
        "exchangeTimezoneName": zone,
        "currency": currency,
        "validRanges": ["1d", "max"],
        "currentTradingPeriod": {"pre": hours, "regular": hours, "post": hours},
    }


def float32(value: float) -> float:
    """A price as Yahoo writes it: 50.1 becomes 50.099998474121094."""
    return float(np.float32(value))


def row(when: int, close: float, adjclose: float, volume: int | None) -> tuple[Any, ...]:
    """Open 0.1 below, high 0.2 above, low 0.2 below the close."""
    prices = [float32(round(close + step, 4)) for step in (-0.1, 0.2, -0.2)]
    return (when, *prices, float32(close), adjclose, volume)


# Printed: closes 400, 404, 102, 104, 53; 4 for 1 on 31 August, 2 for 1 on 2 September; 1.60
# paid on 28 August, 0.50 on 1 September. Yahoo divides what comes before a split by its ratio:
# 400/8 = 50, 404/8 = 50.5, 102/2 = 51, 104/2 = 52, 53; 1.60/8 = 0.20, 0.50/2 = 0.25.
DAYS = ["2020-08-27", "2020-08-28", "2020-08-31", "2020-09-01", "2020-09-02"]
OPENS = [stamp(f"{day} 09:30") for day in DAYS]
# Adjusted closes: times 1 - 0.25/51 before 1 September, times 1 - 0.20/50 before 28 August.
F2 = 1 - 0.25 / 51
F1 = F2 * (1 - 0.20 / 50)
ACME = ChartFixture(
    rows=[
        row(OPENS[0], 50.0, 50.0 * F1, 8000),
        row(OPENS[1], 50.5, 50.5 * F2, 8800),
        row(OPENS[2], 51.0, 51.0 * F2, 10000),
        row(OPENS[3], 52.0, 52.0, 10400),
        row(OPENS[4], 53.0, 53.0, 9000),
    ],
    meta=meta("EQUITY", "America/New_York", "USD", "2020-09-02 09:30", "2020-09-02 16:00"),
    dividends=[{"date": OPENS[1], "amount": 0.20}, {"date": OPENS[3], "amount": 0.25}],
    splits=[
        {"date": OPENS[2], "numerator": 4, "denominator": 1, "splitRatio": "4:1"},
        {"date": OPENS[4], "numerator": 2, "denominator": 1, "splitRatio": "2:1"},
    ],
)
COIN = ChartFixture(
    # The last row is the running day, with the time of the last trade.
    rows=[
        row(stamp("2020-11-28", "UTC"), 17717.4, 17717.4, 32_601_040_734),
        row(stamp("2020-11-29", "UTC"), 18177.5, 18177.5, None),
        row(stamp("2020-11-30 18:30", "UTC"), 19625.8, 19625.8, 47_728_480_399),
    ],
    meta=meta("CRYPTOCURRENCY", "UTC", "USD", "2020-11-30", "2020-11-30 23:59"),
)
INDEX = ChartFixture(
    rows=[row(OPENS[3], 3526.65, 3526.65, 4_083_110_000)],
    meta=meta("INDEX", "America/New_York", "USD", "2020-09-01 09:30", "2020-09-01 16:00"),
)
HOURS = [stamp(f"2020-08-28 {hour}:30") for hour in ("14", "15")]
HOURS += [stamp(f"2020-08-31 {hour}:30") for hour in ("09", "10")]
PERIODS = [
    [
        {
            "start": stamp(f"{day} 09:30"),
            "end": stamp(f"{day} 16:00"),
            "timezone": "EDT",
            "gmtoffset": -14400,
        }
    ]
    for day in ("2020-08-28", "2020-08-31")
]
HOURLY = ChartFixture(
    rows=[row(when, 50.0 + i, 50.0 + i, 4000) for i, when in enumerate(HOURS)],
    meta={**ACME.meta, "tradingPeriods": PERIODS},
    splits=[{"date": HOURS[2], "numerator": 4, "denominator": 1, "splitRatio": "4:1"}],
)


class SourceMaker:
    """Makes sources whose session asks the server instead of Yahoo."""

    def __init__(self, server: YahooServer) -> None:
        self._server = server

    def __call__(self, now: dt.datetime = LATER, timeout: float = 5.0) -> Yahoo:
        """A source at the time `now`."""
        from curl_cffi.requests import Session

        server = self._server.url

        class Redirected(Session):
            def request(self, method: str, url: str, **options: Any) -> Any:
                path = "/" + url.partition("://")[2].partition("/")[2]
                return super().request(method, server + path, **options)

        return Yahoo(timeout=timeout, session=Redirected(), now=lambda: now)


@contextmanager
def running_server(folder: Path) -> Iterator[YahooServer]:
    """A server, and a client without a past that keeps its notes in `folder`."""
    import yfinance
    from yfinance.cache import get_tz_cache
    from yfinance.data import SingletonMeta

    yfinance.set_tz_cache_location(str(folder))
    SingletonMeta._instances.clear()
    charts = {"ACME": ACME, "BTC-USD": COIN, "^GSPC": INDEX, "HOURLY": HOURLY}
    for symbol in charts:
        # Only the first folder of a process counts: time zones outlive a test.
        get_tz_cache().store(symbol, None)
    with YahooServer(charts) as running:
        yield running


def ask(symbol: str = "ACME", asset_class: str = "equity", **more: Any) -> SymbolRequest:
    """A row of a symbols file."""
    return SymbolRequest(symbol.partition("-")[0], asset_class, "yahoo", symbol, **more)


def changed(**parts: Any) -> ChartFixture:
    """The stock with other parts."""
    return ChartFixture(**{**vars(ACME), **parts})
