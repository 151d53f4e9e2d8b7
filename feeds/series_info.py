"""What is known of a series beside its bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["SeriesInfo"]


@dataclass(frozen=True)
class SeriesInfo:
    """One symbol of a data set.

    Parameters
    ----------
    symbol, asset_class : str
        As in a symbols file.
    volume_unit : {"units", "currency"}
        As the vendor documents it.
    price_kind : {"traded", "adjusted", "index"}
        Prices as printed, adjusted by the vendor, or of an index.
    interval : {"1d", "1h"}
        Length of a bar.
    source, source_symbol : str
        Where the series comes from, and what it is called there.
    name, exchange, currency, timezone : str
        Empty where not known.
    vendor, licence : str
        Client or file form with its version; terms under which the data may be used.
    end_reason : str
        Why the series ends: ``bankruptcy``, ``merger``, ``data_end`` or ``unknown``.
    lot, tick : float, optional
        Smallest steps of quantity and price.
    notes : tuple of str
        What a user should know of the series.
    accepted : tuple of str
        Stamps (ISO) of bars whose leap in price was judged: it is taken as it is.
    """

    symbol: str
    asset_class: str
    volume_unit: Literal["units", "currency"] = "units"
    price_kind: Literal["traded", "adjusted", "index"] = "traded"
    interval: Literal["1d", "1h"] = "1d"
    source: str = ""
    source_symbol: str = ""
    name: str = ""
    exchange: str = ""
    currency: str = ""
    timezone: str = ""
    vendor: str = ""
    licence: str = ""
    end_reason: str = "data_end"
    lot: float | None = None
    tick: float | None = None
    notes: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()

    @property
    def listed(self) -> bool:
        """Whether it trades on the exchange's sessions only; coins trade every day."""
        return self.asset_class in ("equity", "index")
