"""What became of one symbol of a symbols file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["STATUSES", "Difference", "Status", "SymbolOutcome"]

#: ``new``: fetched as a whole, nothing was stored. ``updated``: bars were added (or cut, where
#: less is asked for). ``unchanged``: nothing was missing. ``revised``: the vendor tells another
#: history than the stored one, which was replaced. ``stale``: not fetched, the stored bars stay.
#: ``failed``: not fetched, and nothing is stored.
Status = Literal["new", "updated", "unchanged", "revised", "stale", "failed"]
STATUSES: tuple[Status, ...] = ("new", "updated", "unchanged", "revised", "stale", "failed")

#: Date, column (``bar`` where a bar came or went: its close), value before and after; NaN for
#: none.
Difference = tuple[str, str, float, float]


@dataclass(frozen=True)
class SymbolOutcome:
    """One symbol, for the report.

    Parameters
    ----------
    symbol, source : str
    status : str
        One of :data:`STATUSES`.
    rows, added : int
        Raw bars that the set has now, and how many of them it had not before.
    first, last : str
        Day or UTC stamp of the first and last bar; empty without bars.
    why : str
        Why the whole history was fetched, or the bars were cut; empty otherwise.
    fault, problem, remedy : str
        Of a failure (see :class:`~feeds.sources.request.FetchError`); empty otherwise.
    attempts : int
        Fetches of this run, 0 where nothing was asked.
    seconds : float
        They took, pauses included.
    replaced : str
        sha256 of the raw file that was replaced as revised.
    differences : tuple
        Every stored value that was replaced. Of a series that was only updated it can be the
        volume of the bar that was the last, counted anew.
    notes : tuple of str
        What a user should know of the series.
    """

    symbol: str
    source: str
    status: Status
    rows: int = 0
    added: int = 0
    first: str = ""
    last: str = ""
    why: str = ""
    fault: str = ""
    problem: str = ""
    remedy: str = ""
    attempts: int = 0
    seconds: float = 0.0
    replaced: str = ""
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()
