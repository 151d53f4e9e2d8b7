"""The participation cap: how much of a ticket one session's volume lets through."""

from __future__ import annotations

import numpy as np

from feeds.errors import ConfigError
from feeds.panel import Panel
from strategies.execution.basket import Basket, whole_lots

__all__ = ["ParticipationCap", "check_participation", "cut_basket"]

#: Classes that trade every day, also between two sessions of an exchange.
_EVERY_DAY = ("crypto",)


class ParticipationCap:
    """Largest tickets of a session: a share of its printed volume, in adjusted units.

    Volume in ``units`` counts printed shares: divided by the printed shares per adjusted unit.
    Volume in ``currency`` is divided by the reference price. A coin's bar on an exchange's
    calendar folds all days since the bar before it: its volume is divided by their number, so
    that the cap is that of its average native day.

    Parameters
    ----------
    panel : Panel
        T rows, N assets.
    rate : float or (N,) float array
        Share of the volume that a ticket may be, in (0, 1]; NaN or inf: an asset without a cap.
    """

    def __init__(self, panel: Panel, rate: float | np.ndarray) -> None:
        rates = np.broadcast_to(np.asarray(rate, dtype=float), panel.shape[1:])
        self._panel, self._rate = panel, np.where(np.isnan(rates), np.inf, rates)
        self._in_currency = panel.volume_unit == "currency"
        self._folded = np.isin(panel.asset_class, _EVERY_DAY) & (panel.calendar != "24/7")

    def units(self, row: int, column: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """(k,) largest tickets of a row in adjusted units; 0 without volume or a bar.

        An asset without a cap has no largest ticket: inf, where it has a bar.

        Parameters
        ----------
        reference : (k,) float array
            Prices at the instant of the fill; NaN where the asset has no bar.
        """
        panel = self._panel
        # What is not known lets nothing through.
        volume = np.nan_to_num(panel.volume[row, column], nan=0.0, posinf=0.0)
        per_unit = np.where(self._in_currency[column], reference, panel.adjustment_at(row, column))
        rate = self._rate[column]
        capped = np.where(np.isinf(rate), 1.0, rate) * np.maximum(volume, 0.0) / per_unit
        units = np.where(panel.tradable[row, column], np.where(np.isinf(rate), rate, capped), 0.0)
        folded = np.flatnonzero(self._folded[column])
        if len(folded):
            units[folded] /= self._days(row, column[folded])
        return units

    def why(self, row: int, column: int) -> str:
        """Why a ticket was cut on a row."""
        volume = self._panel.volume[row, column]
        if volume > 0:
            return f"more than {self._rate[column]:g} of the session's volume, the rest waits"
        return f"{'volume not known' if np.isnan(volume) else 'no volume'}, the ticket waits"

    def _days(self, row: int, column: np.ndarray) -> np.ndarray:
        """Calendar days that bars of `row` cover: those since the bar or else the row before."""
        panel = self._panel
        before = panel.last_bar(row - 1, column)
        before = np.where(before < 0, max(row - 1, 0), before)
        days = (panel.dates[row] - panel.dates[before]).astype("timedelta64[D]").astype("int64")
        return np.maximum(days, 1)


def cut_basket(basket: Basket, capacity: np.ndarray) -> tuple[Basket, Basket]:
    """The part of each ticket within its capacity, and what is left of it.

    The reduction has the first claim, the increase the rest. A part that ends at the capacity
    is cut to whole lots; a reduction that fits is whole whatever its size.

    Parameters
    ----------
    capacity : (k,) float array
        Largest tickets, in units, >= 0.

    Returns
    -------
    now, left : Basket
        All tickets, also those of which nothing is in it; they add up to `basket`.
    """
    reduce = _within(basket.reduce, capacity, basket.lot)
    rest = np.where(reduce == basket.reduce, capacity - np.abs(reduce), 0.0)
    increase = _within(basket.increase, rest, basket.lot)
    now = Basket(basket.column, reduce, increase, basket.lot)
    left = Basket(basket.column, basket.reduce - reduce, basket.increase - increase, basket.lot)
    return now, left


def check_participation(panel: Panel, rate: float | None, data: str) -> None:
    """Refuse a cap on volumes that a data set does not have.

    Raises
    ------
    ConfigError
        If no volume is known of a whole asset class.
    """
    if rate is None:
        return
    for name in sorted(set(panel.asset_class.tolist())):
        of_class = np.flatnonzero(panel.asset_class == name)
        if not np.isfinite(panel.volume[:, of_class]).any():
            raise ConfigError(
                f"execution.participation_rate {rate:g} needs volume, which {data} lacks for "
                f"{name}",
                "set it to null, or choose a data set that has it",
            )


def _within(quantity: np.ndarray, capacity: np.ndarray, lot: np.ndarray) -> np.ndarray:
    size = np.abs(quantity)
    # Cut to the size first: nothing is a whole number of lots of a capacity without end.
    cut = np.minimum(whole_lots(np.minimum(capacity, size), lot), size)
    return np.where(size <= capacity, quantity, np.copysign(cut, quantity))
