"""Crypto exchanges through ccxt: daily and hourly candles of any spot market, with its steps."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from feeds.errors import ConfigError
from feeds.sources.exchange_faults import Answers, to_fetch_error
from feeds.sources.exchange_pages import DAY_MS, Row, Window, collect, to_bars
from feeds.sources.request import FetchError, RawSeries, SymbolRequest
from feeds.suggestions import remedy_for

__all__ = ["Exchange"]

_LOG = logging.getLogger(__name__)
_STEPS = {"1d": DAY_MS, "1h": DAY_MS // 24}

#: Where the history of a market begins that does not say since when it is listed.
_NO_EXCHANGE_BEFORE = dt.date(2010, 1, 1)

#: Candles on a page where ccxt does not know: every exchange gives this many.
_SMALL_PAGE = 100

#: The largest list of markets is some 20 MB.
_MOST_BYTES = 100_000_000


@dataclass
class _Venue:
    """One exchange's client; its requests go one after the other, as its rate limit asks."""

    client: Any
    answers: Answers
    lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self, where: str, function: Callable[..., Any], *args: Any) -> Any:
        with self.lock:
            self.answers.clear()
            try:
                return function(*args)
            except Exception as error:
                # ccxt fails in any way on JSON of an unexpected shape; nothing is swallowed.
                _LOG.debug("%s: %r", where, error)
                raise to_fetch_error(error, self.answers, where) from error


class Exchange:
    """Candles of spot markets from the exchange that the request names.

    Prices are those traded, volume is in coins, days begin at 00:00 UTC, and the candle in
    the making is left out, by the clocks of the machine and of the exchange's answer. Requests to
    one exchange keep its rate limit, also from several threads. Every answer is bounded in time
    and size.

    Parameters
    ----------
    now : callable, optional
        The time, with its zone; by default that of the machine.
    timeout : float
        Seconds for a connection and for an answer.
    address : str, optional
        Scheme and host that take the place of the exchange's own, for tests and mirrors.
    settings : mapping, optional
        Further settings of the ccxt client, such as ``rateLimit`` in ms between requests.

    Notes
    -----
    An exchange that gives only its latest candles (Kraken: 720) has an incomplete history;
    `RawSeries.notes` then says what is missing.
    """

    def __init__(
        self,
        *,
        now: Callable[[], dt.datetime] | None = None,
        timeout: float = 20.0,
        address: str | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._now = now or (lambda: dt.datetime.now(dt.timezone.utc))
        self._timeout, self._address = timeout, address
        self._settings = dict(settings or {})
        self._venues: dict[str, _Venue] = {}
        self._lock = threading.Lock()

    def fetch(self, request: SymbolRequest) -> RawSeries:
        """One attempt to fetch all closed candles from `start` to `end`.

        Without `start` from the listing, without `end` up to now. Values that the exchange
        leaves out are NaN.

        Raises
        ------
        ConfigError
            If there is no such exchange, or it has no candles of this length.
        FetchError
            Saying what kind of failure it is.
        """
        venue = self._venue(request)
        where = f"{request.symbol} at {request.exchange}"
        market = self._market(venue, request, where)
        window = self._window(venue.client, market, request, where)

        def ask(since: int) -> Any:
            return venue.call(
                where,
                venue.client.fetch_ohlcv,
                market["symbol"],
                request.interval,
                since,
                window.size,
            )

        found, notes = collect(ask, window, where)
        bars = to_bars(_closed(found, window, venue.answers.sent_ms), window)
        if bars.empty:
            raise FetchError("no_data", f"{where}: no bars in the days asked for")
        lot, tick = (_step(venue.client, market, name) for name in ("amount", "price"))
        return RawSeries(
            request=request,
            bars=bars,
            volume_unit="units",
            price_kind="traded",
            currency=market["quote"] or "",
            timezone="UTC",
            vendor=f"ccxt {_ccxt().__version__}, {request.exchange}",
            licence=f"terms of {request.exchange} for its public market data",
            lot=lot,
            tick=tick,
            notes=notes + _market_notes(market, request, lot, str(bars.index[-1].date())),
        )

    def _venue(self, request: SymbolRequest) -> _Venue:
        name = request.exchange
        with self._lock:
            if name not in self._venues:
                self._venues[name] = self._open(request)
        venue = self._venues[name]
        offered = venue.client.timeframes or {}
        if not venue.client.has.get("fetchOHLCV") or request.interval not in offered:
            raise ConfigError(
                f"{request.symbol}: {name} offers no candles of {request.interval}",
                "take another exchange or another interval",
            )
        return venue

    def _open(self, request: SymbolRequest) -> _Venue:
        ccxt, name = _ccxt(), request.exchange
        if not name:
            raise ConfigError(
                f"{request.symbol}: no exchange is given", "name it in the column exchange"
            )
        if name not in ccxt.exchanges:
            raise ConfigError(
                f"{request.symbol}: unknown exchange {name!r}", remedy_for(name, ccxt.exchanges)
            )
        given = {"enableRateLimit": True, "timeout": int(self._timeout * 1000)}
        client = getattr(ccxt, name)({**given, **self._settings})
        _only_spot(client)
        if self._address is not None:
            client.urls["api"] = _moved(client.urls["api"], self._address)
        from feeds.sources.http_bounds import BoundedAdapter

        for scheme in ("http://", "https://"):
            client.session.mount(scheme, BoundedAdapter(self._timeout, _MOST_BYTES))
        return _Venue(client, Answers(client))

    def _market(self, venue: _Venue, request: SymbolRequest, where: str) -> dict[str, Any]:
        client = venue.client
        markets = venue.call(where, client.load_markets)
        if not markets:
            raise FetchError("malformed", f"{where}: the list of markets is empty", "try again")
        wanted = request.source_symbol or request.symbol
        try:
            market = venue.call(where, client.market, wanted)
        except FetchError:
            known = sorted(markets)
            raise FetchError(
                "unknown_symbol",
                f"{where}: no market {wanted!r} there",
                remedy_for(wanted, known),
            ) from None
        if not market.get("spot"):
            raise FetchError(
                "refused",
                f"{where}: {wanted!r} is no spot market, so its volume is not in coins",
                "name the spot market, such as BTC/USDT",
            )
        return market

    def _window(
        self, client: Any, market: dict[str, Any], request: SymbolRequest, where: str
    ) -> Window:
        step = _STEPS[request.interval]
        now = int(self._now().timestamp() * 1000)
        newest = (now // step - 1) * step
        last = newest
        if request.end is not None:
            last = min(newest, _ms(request.end) + DAY_MS - step)
        first = _ms(request.start or _NO_EXCHANGE_BEFORE)
        if request.start is None and market.get("created"):
            first = int(market["created"]) // DAY_MS * DAY_MS
        if first > last:
            raise FetchError(
                "no_data", f"{where}: no closed bar from {request.start} on", "ask for earlier days"
            )
        size = client.feature_value(market["symbol"], "fetchOHLCV", "limit") or _SMALL_PAGE
        active = market.get("active") is not False
        return Window(first, last, step, int(size), active, last == newest)


def _ccxt() -> ModuleType:
    """Some hundred exchanges are loaded by this import: 4.6 s, 91 MB."""
    import ccxt

    return ccxt


def _closed(found: dict[int, Row], window: Window, sent_ms: int | None) -> dict[int, Row]:
    """The candles that were over when the exchange answered, by its own clock.

    Where the machine's clock is ahead, the window reaches a candle in the making.
    """
    if sent_ms is None:
        return found
    return {start: row for start, row in found.items() if start + window.step <= sent_ms}


def _only_spot(client: Any) -> None:
    """Ask only for the list of spot markets where an exchange has several."""
    client.options["defaultType"] = "spot"
    listed = client.options.get("fetchMarkets")
    types = listed.get("types") if isinstance(listed, dict) else None
    if isinstance(types, list) and "spot" in types:
        client.options["fetchMarkets"] = {**listed, "types": ["spot"]}


def _moved(urls: Any, address: str) -> Any:
    """The addresses `urls`, however nested, with the scheme and host of `address`."""
    if isinstance(urls, dict):
        return {name: _moved(url, address) for name, url in urls.items()}
    if not isinstance(urls, str):
        return urls
    return address.rstrip("/") + urlsplit(urls).path


def _step(client: Any, market: dict[str, Any], name: str) -> float | None:
    """Smallest step of ``amount`` or ``price``; exchanges count in steps or in decimals."""
    value = market["precision"].get(name)
    if value is None:
        return None
    modes = _ccxt()
    if client.precisionMode == modes.TICK_SIZE:
        return float(value) if value > 0 else None
    return float(f"1e{-int(value)}") if client.precisionMode == modes.DECIMAL_PLACES else None


def _market_notes(
    market: dict[str, Any], request: SymbolRequest, lot: float | None, last: str
) -> tuple[str, ...]:
    notes = []
    if market.get("active") is False:
        notes.append(f"{request.exchange} lists {market['symbol']} as not trading; last bar {last}")
    quote = market["quote"]
    if request.currency and quote != request.currency:
        notes.append(f"quoted in {quote}, not in {request.currency} as the symbols file says")
    smallest = (market["limits"].get("amount") or {}).get("min")
    if smallest is not None and lot is not None and smallest > lot:
        notes.append(f"the smallest order is {smallest:.12g}, in steps of {lot:.12g}")
    return tuple(notes)


def _ms(day: dt.date) -> int:
    return (day - dt.date(1970, 1, 1)).days * DAY_MS
