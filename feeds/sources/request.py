"""What is asked of a source for one symbol, and what it answers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, Protocol

import pandas as pd

from feeds.errors import DataError

__all__ = ["BAR_COLUMNS", "FetchError", "RawSeries", "Source", "SymbolRequest"]

#: The columns of raw bars, float64: prices as printed, volume in `volume_unit`, `split_ratio`
#: 1 and `dividend` (per printed share) 0 on ordinary bars.
BAR_COLUMNS = ("open", "high", "low", "close", "volume", "split_ratio", "dividend")

#: What can become of a fetch. Of these `rate_limited`, `unavailable` and `malformed` may pass
#: when it is tried again; the others are final.
Fault = Literal[
    "unknown_symbol", "no_data", "refused", "rate_limited", "unavailable", "malformed", "deadline"
]


@dataclass(frozen=True)
class SymbolRequest:
    """One row of a symbols file.

    Parameters
    ----------
    symbol : str
        Our name of it; text, also where it is ``NA`` or ``TRUE``.
    asset_class : str
        ``equity``, ``crypto``, ``index`` or ``reference``.
    source, source_symbol : str
        Where it is fetched, and what it is called there.
    exchange, currency : str
        Empty where not given.
    start, end : date, optional
        First and last day wanted, both included.
    interval : {"1d", "1h"}
        Length of a bar.
    """

    symbol: str
    asset_class: str
    source: str
    source_symbol: str
    exchange: str = ""
    currency: str = ""
    start: dt.date | None = None
    end: dt.date | None = None
    interval: Literal["1d", "1h"] = "1d"


@dataclass(frozen=True)
class RawSeries:
    """The bars of one symbol as a source gave them, before any cleaning.

    Parameters
    ----------
    request : SymbolRequest
    bars : DataFrame
        Index ``date``, datetime64[s], tz-naive, increasing: the session's day for daily bars,
        the start of the bar in UTC for shorter ones. Columns :data:`BAR_COLUMNS`; NaN where
        the source gave nothing. Bars that are not closed yet are left out.
    volume_unit : {"units", "currency"}
        As the vendor documents it; never guessed from size.
    price_kind : {"traded", "adjusted", "index"}
    currency, timezone : str
        As the vendor says; empty where it does not.
    vendor : str
        Name and version of the client, for the manifest.
    licence : str
        Under which the data may be used.
    lot, tick : float, optional
        Smallest quantity and price step, where the venue has them.
    notes : tuple of str
        What a user should know of this fetch.
    """

    request: SymbolRequest
    bars: pd.DataFrame
    volume_unit: Literal["units", "currency"]
    price_kind: Literal["traded", "adjusted", "index"]
    currency: str
    timezone: str
    vendor: str
    licence: str
    lot: float | None = None
    tick: float | None = None
    notes: tuple[str, ...] = ()


class FetchError(DataError):
    """One symbol could not be fetched.

    Parameters
    ----------
    fault : str
        The kind of failure.
    problem, remedy : str
        As for every error of the user's; `problem` names symbol and source.
    retry_after : float, optional
        Seconds the source asks to wait.
    """

    def __init__(
        self, fault: Fault, problem: str, remedy: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(problem, remedy)
        self.fault, self.retry_after = fault, retry_after

    @property
    def may_pass(self) -> bool:
        """Whether trying again can help."""
        return self.fault in ("rate_limited", "unavailable", "malformed")


class Source(Protocol):
    """A vendor: one module of this package, registered by name."""

    def fetch(self, request: SymbolRequest) -> RawSeries:
        """One attempt to fetch one symbol, with the timeouts of its own client.

        Raises
        ------
        FetchError
            Saying what kind of failure it is; whoever calls decides whether to try again.
        """
