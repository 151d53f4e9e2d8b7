"""Sampled slippage: another scheme's, times noise of mean 1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from feeds.errors import ConfigError
from strategies.execution.slippage import (
    BpsSlippage,
    Remark,
    Slippage,
    positive,
    remarks_of,
    smallest_volume_limit,
)
from strategies.execution.tickets import Tickets

__all__ = ["SampledSlippage"]


@dataclass(frozen=True)
class SampledSlippage:
    """``reference + m x (price of the scheme - reference)``, m drawn with a mean of 1.

    A draw depends on the seed, the day of the fill and the asset alone: neither on the order of
    tickets nor on what else is traded. Tickets of one asset on one day have the same m.

    Parameters
    ----------
    of : Slippage, optional
        The scheme whose slippage is multiplied.
    mean_bps : float, optional
        Basis points in its place; give one of the two.
    distribution : {"lognormal", "gamma"}
        ``lognormal``: m = exp(s z - s^2 / 2), s^2 = log(1 + dispersion^2), z standard normal.
        ``gamma``: of shape 1 / dispersion^2 and scale dispersion^2.
    dispersion : float
        Standard deviation of m, above 0.
    seed : int
        The run's own unless given.
    """

    of: Slippage | None = None
    mean_bps: float | None = None
    distribution: Literal["lognormal", "gamma"] = "lognormal"
    dispersion: float = 1.0
    seed: int = 7

    def __post_init__(self) -> None:
        if (self.of is None) == (self.mean_bps is None):
            raise ConfigError(
                "sampled slippage needs one mean: a scheme or basis points",
                "give either of: {scheme: ...} or mean_bps: ...",
            )
        if not self.dispersion > 0:
            raise ConfigError(
                f"dispersion {self.dispersion:g} leaves nothing to sample",
                "give a standard deviation above 0",
            )
        if self.of is None:
            BpsSlippage(self.mean_bps)

    @property
    def fields(self) -> tuple[str, ...]:
        """Those of the scheme that is sampled."""
        return tuple(self._mean.fields)

    @property
    def volume_limit(self) -> float | None:
        """That of the scheme that is sampled."""
        return smallest_volume_limit([self._mean])

    def fill_price(self, tickets: Tickets) -> np.ndarray:
        away = self._mean.fill_price(tickets) - tickets.reference
        return positive(tickets.reference + self.multipliers(tickets) * away, tickets.reference)

    def remarks(self, tickets: Tickets) -> list[Remark]:
        """Those of the scheme that is sampled."""
        return remarks_of(self._mean, tickets)

    def multipliers(self, tickets: Tickets) -> np.ndarray:
        """(k,) draws of m."""
        if self.distribution == "lognormal":
            variance = math.log1p(self.dispersion**2)
            return np.exp(math.sqrt(variance) * tickets.normal(self.seed) - variance / 2.0)
        # Only here, since importing it costs more than a run.
        from scipy.special import gammaincinv

        shape = self.dispersion**-2
        return gammaincinv(shape, tickets.uniform(self.seed)) / shape

    @property
    def _mean(self) -> Slippage:
        return BpsSlippage(self.mean_bps) if self.of is None else self.of
