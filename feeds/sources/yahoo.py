"""Yahoo Finance through yfinance: stocks, funds, indices and coins, by day or by hour."""

from __future__ import annotations

import datetime as dt
import logging
import re
import warnings
from collections.abc import Callable
from typing import Any

import pandas as pd

from feeds.sources.request import FetchError, RawSeries, SymbolRequest
from feeds.sources.yahoo_chart import Chart, closed, printed_bars, read_chart
from feeds.sources.yahoo_wire import Attempt, Wire, fault_of_reply

__all__ = ["Yahoo"]

_LICENCE = "Yahoo terms of service: personal use, not to be passed on"
#: What Yahoo may call the instruments of a class; any for other classes.
_KINDS = {
    "equity": ("EQUITY", "ETF", "MUTUALFUND"),
    "crypto": ("CRYPTOCURRENCY",),
    "index": ("INDEX",),
}
_SYMBOL = re.compile(r"[A-Za-z0-9.^=&_-]{1,32}")
#: How far back hours go, as Yahoo says.
_HOURLY_DAYS = 730


class Yahoo:
    """Fetch from Yahoo Finance; one attempt a call.

    One object serves several threads; several objects at a time get into each other's way,
    because yfinance has one session a process, the last one given.

    Prices come back as printed (see :mod:`feeds.sources.yahoo_chart`): Yahoo adjusts for every
    split up to today, so each fetch goes up to today and is cut afterwards. Share counts and
    fundamentals of today are not asked for. Volume is in shares, for coins in currency.

    Parameters
    ----------
    timeout : float
        Seconds for one symbol, all of its HTTP requests together.
    session : curl_cffi.requests.Session, optional
        Opened at the first fetch where not given.
    now : callable, optional
        The time, with a time zone; bars that are not complete then are left out.
    """

    def __init__(
        self,
        timeout: float = 30.0,
        session: Any = None,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.timezone.utc),
    ) -> None:
        self.timeout, self._now = timeout, now
        self._wire = Wire(session)

    def fetch(self, request: SymbolRequest) -> RawSeries:
        """One attempt to fetch one symbol.

        Parameters
        ----------
        request : SymbolRequest
            Days are the exchange's for daily bars and UTC's for hours; hours go back 730 days.

        Returns
        -------
        RawSeries
            At least one bar; NaN where Yahoo has nothing.

        Raises
        ------
        FetchError
            ``unknown_symbol`` (none of that name, or another kind of instrument or currency
            than asked for), ``no_data``, ``refused``, ``rate_limited`` (with ``retry_after``
            where Yahoo says it), ``unavailable`` or ``malformed``.
        """
        place = f"{request.symbol}: Yahoo's {request.source_symbol!r}"
        if not _SYMBOL.fullmatch(request.source_symbol):
            raise FetchError(
                "unknown_symbol", f"{place} is no Yahoo symbol", "as in BRK-B, ^GSPC or BTC-USD"
            )
        client = _client()
        attempt = Attempt(self.timeout)
        now = pd.Timestamp(self._now()).tz_convert("UTC")
        with self._wire.attempt(attempt) as session:
            try:
                frame = _history(client, request, session)
                chart = read_chart(attempt.text, request.interval == "1d")
                bars, notes = printed_bars(chart, frame, now)
                done = closed(chart, bars.index, now)
                currency = str(chart.meta.get("currency") or "")
                answered = str(chart.meta["symbol"])
            # The client lets everything through that an odd reply can cause in it.
            except Exception as error:
                raise fault_of_reply(attempt, place, error) from None
        _check_identity(place, request, chart, currency, answered)
        bars, more = _cut(place, request, bars, done)
        return RawSeries(
            request=request,
            bars=bars,
            volume_unit="currency" if chart.around_the_clock else "units",
            price_kind="index" if chart.kind == "INDEX" else "traded",
            currency=currency,
            timezone=chart.zone,
            vendor=f"yfinance {client.__version__}",
            licence=_LICENCE,
            notes=notes + more,
        )


def _client() -> Any:
    """yfinance, told to raise what it would swallow. Importing it takes seconds: no one's time."""
    import yfinance

    # Else failures become empty tables, and its warnings break into our progress display.
    yfinance.config.debug.hide_exceptions = False
    logging.getLogger("yfinance").setLevel(logging.CRITICAL)
    # What it will have to change for later versions of pandas is not our users' business.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"yfinance\b")
    return yfinance


def _history(client: Any, request: SymbolRequest, session: Any) -> pd.DataFrame:
    """The client's table up to today."""
    from yfinance.data import YfData

    # It remembers replies, errors among them.
    YfData.cache_get.cache_clear()
    span: dict[str, Any] = {"period": "max"}
    if request.start is not None:
        # An hour's day is UTC's, and an exchange in the east is a day ahead.
        early = dt.timedelta(days=0 if request.interval == "1d" else 1)
        span = {"start": request.start - early}
    return client.Ticker(request.source_symbol, session=session).history(
        interval=request.interval, auto_adjust=False, actions=True, timeout=None, **span
    )


def _check_identity(
    place: str, request: SymbolRequest, chart: Chart, currency: str, answered: str
) -> None:
    """Refuse what answers to the name and is something else."""
    kinds = _KINDS.get(request.asset_class, (chart.kind,))
    if answered.upper() != request.source_symbol.upper():
        raise FetchError("malformed", f"{place} was answered with {answered!r}", "run again later")
    if chart.kind not in kinds:
        raise FetchError(
            "unknown_symbol",
            f"{place} is of kind {chart.kind}, the symbols file says {request.asset_class}",
            "correct asset_class or source_symbol (coins are named like BTC-USD)",
        )
    if request.currency and currency != request.currency:
        raise FetchError(
            "unknown_symbol",
            f"{place} is quoted in {currency or 'no currency'}, the symbols file says "
            f"{request.currency}",
            "correct currency (GBp is pence) or source_symbol",
        )


def _cut(
    place: str, request: SymbolRequest, bars: pd.DataFrame, done: Any
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The closed bars in the range asked for."""
    notes = ()
    if not done.all():
        notes = (f"left out {int((~done).sum())} bars that were not closed yet",)
    days = bars.index.normalize()
    wanted = done.copy()
    if request.start is not None:
        wanted &= days >= pd.Timestamp(request.start)
    if request.end is not None:
        wanted &= days <= pd.Timestamp(request.end)
    if not wanted.any():
        hours = f"; hours go back {_HOURLY_DAYS} days" if request.interval == "1h" else ""
        raise FetchError(
            "no_data",
            f"{place} has no closed bars from {request.start or 'its first day'} to "
            f"{request.end or 'now'}",
            f"correct start and end, or drop the symbol{hours}",
        )
    return bars[wanted], notes
