"""Ticks: fill prices are whole steps of the printed price, rounded against the trader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from feeds.errors import ConfigError
from feeds.panel import Panel

__all__ = ["Ticks", "make_ticks"]

#: Ticks by which a price may be off a whole number of them and still count as one: rounding.
_NEAR = 1e-6
#: About how many sessions are looked at to tell a usual price.
_SESSIONS = 100


@dataclass(frozen=True, eq=False)
class Ticks:
    """The smallest steps of printed prices.

    Parameters
    ----------
    panel : Panel
        T rows, N assets.
    step : (N,) float array
        In currency a printed share; NaN where an asset has none.
    """

    panel: Panel
    step: np.ndarray

    def rounded(
        self, price: np.ndarray, size: np.ndarray, column: np.ndarray, row: int | np.ndarray
    ) -> np.ndarray:
        """(k,) prices of an adjusted unit: up to a whole tick to buy, down to one to sell.

        The step is that of the price printed on the row itself: after a 2-for-1 split, a unit is
        two printed shares, and its price moves in two ticks. A price below one tick stays as it
        is: rounded, a sale would bring nothing.

        Parameters
        ----------
        price, size : (k,) float arrays
            Fill prices, slippage included, and signed units.
        column : (k,) int array
        row : int or (k,) int array
            The fill session.
        """
        step = self.step[column] * self.panel.adjustment_at(row, column)
        with np.errstate(invalid="ignore"):
            ticks = price / step
            near = np.rint(ticks)
            against = np.where(size > 0, np.ceil(ticks), np.floor(ticks))
            whole = np.where(np.abs(ticks - near) <= _NEAR, near, against)
            return np.where((whole >= 1) & (size != 0), whole * step, price)


def make_ticks(panel: Panel, ticks: Mapping[str, float], data: str) -> Ticks | None:
    """Ticks of every asset with printed prices, from steps by class; None where there are none.

    Raises
    ------
    ConfigError
        If a class has no printed prices, or a step is above its usual price.
    """
    step = np.full(panel.shape[1], np.nan)
    for name, tick in sorted(ticks.items()):
        of_class = panel.asset_class == name
        if not of_class.any():
            continue
        printed = np.flatnonzero(of_class & (panel.price_kind == "traded"))
        if not len(printed):
            raise ConfigError(
                f"execution.ticks.{name}: {data} has adjusted or index prices of {name} only",
                "leave it out: a tick is a step of the printed price",
            )
        _check_step(panel, name, tick, printed)
        step[printed] = tick
    return Ticks(panel, step) if np.isfinite(step).any() else None


def _check_step(panel: Panel, name: str, tick: float, columns: np.ndarray) -> None:
    """Refuse a step that half of a class's prices do not reach: some hundred sessions tell."""
    some = slice(None, None, max(panel.shape[0] // _SESSIONS, 1))
    factors = panel.split_factor[some, columns] * panel.dividend_factor[some, columns]
    raw = panel.close[some, columns] / factors
    usual = float(np.median(raw[np.isfinite(raw)])) if np.isfinite(raw).any() else np.inf
    if tick > usual:
        raise ConfigError(
            f"execution.ticks.{name} {tick:g} is above the median printed close of {name}, "
            f"{usual:g}",
            f"choose a step well below it, such as {10.0 ** np.floor(np.log10(usual) - 3):g}",
        )
