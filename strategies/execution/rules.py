"""What an account starts with and must keep to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from strategies.execution.basket import Limits

__all__ = ["AccountRules"]


@dataclass(frozen=True)
class AccountRules:
    """Starting cash, limits at the fill, and how ended series are closed.

    Parameters
    ----------
    starting_cash : float
        In currency.
    limits : Limits
        What must hold after every fill.
    stale_after : int
        Sessions without a bar after which a holding is closed.
    delisting_return : mapping
        ``end_reason`` to the return on the last mark, in [-1, 0].
    participation_rate : float or (N,) array, optional
        Share of a session's volume that a ticket may fill, in (0, 1]; None or NaN for no cap.
    together : bool
        Whether a rebalance waits until all of its assets have a bar, so that what is neutral as
        a whole is not traded in halves.
    """

    starting_cash: float
    limits: Limits
    stale_after: int
    delisting_return: Mapping[str, float]
    participation_rate: float | np.ndarray | None = None
    together: bool = False
