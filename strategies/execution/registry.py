"""Schemes of commission and slippage by the name that a configuration gives them.

A user adds one by a decorated frozen dataclass in a module named under ``plugins``::

    @commission("stamp_duty")
    @dataclass(frozen=True)
    class StampDuty:
        bps: float

        def charge(self, tickets):
            bought = np.maximum(tickets.size, 0.0)
            return bought * tickets.price * self.bps / 1e4
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeVar

from feeds.errors import ConfigError
from feeds.plugin_modules import restore_on_failure
from strategies.execution.commission import (
    FixedCommission,
    NoCommission,
    PercentCommission,
    PerShareCommission,
)
from strategies.execution.impact import (
    AlmgrenSlippage,
    SquareRootSlippage,
    VolumeShareSlippage,
)
from strategies.execution.presets_brokers import (
    CommerceBankCommission,
    IbkrProFixedCommission,
    IbkrProTieredCommission,
    ZeroCommission,
)
from strategies.execution.presets_exchanges import (
    BinanceSpotCommission,
    CoinbaseExchangeCommission,
    KrakenProCommission,
)
from strategies.execution.sampled import SampledSlippage
from strategies.execution.slippage import BpsSlippage, NoSlippage, SumSlippage
from strategies.execution.spread_slippage import HalfSpreadSlippage
from strategies.execution.tiered import BySizeCommission, TieredCommission

__all__ = ["COMMISSIONS", "SLIPPAGES", "commission", "slippage"]

Kind = TypeVar("Kind", bound=type)

#: Scheme name in the configuration to its class.
COMMISSIONS: dict[str, type] = {
    "binance_spot": BinanceSpotCommission,
    "by_size": BySizeCommission,
    "coinbase_exchange": CoinbaseExchangeCommission,
    "commerce_bank": CommerceBankCommission,
    "fixed": FixedCommission,
    "ibkr_pro_fixed": IbkrProFixedCommission,
    "ibkr_pro_tiered": IbkrProTieredCommission,
    "kraken_pro": KrakenProCommission,
    "none": NoCommission,
    "per_share": PerShareCommission,
    "percent": PercentCommission,
    "tiered": TieredCommission,
    "zero_commission": ZeroCommission,
}
SLIPPAGES: dict[str, type] = {
    "almgren": AlmgrenSlippage,
    "bps": BpsSlippage,
    "half_spread": HalfSpreadSlippage,
    "none": NoSlippage,
    "sampled": SampledSlippage,
    "square_root": SquareRootSlippage,
    "sum": SumSlippage,
    "volume_share": VolumeShareSlippage,
}
restore_on_failure(lambda: COMMISSIONS)
restore_on_failure(lambda: SLIPPAGES)


def commission(name: str) -> Callable[[Kind], Kind]:
    """Register a frozen dataclass with a method ``charge(tickets)`` as a scheme of commission.

    Parameters
    ----------
    name : str
        What a configuration gives as ``scheme``.

    Raises
    ------
    ConfigError
        If the name is taken, or the class is not a frozen dataclass with that method.
    """
    return _registering(COMMISSIONS, "commission", "charge", name)


def slippage(name: str) -> Callable[[Kind], Kind]:
    """Register a frozen dataclass with a method ``fill_price(tickets)`` as a scheme of slippage.

    Parameters and errors are those of :func:`commission`.
    """
    return _registering(SLIPPAGES, "slippage", "fill_price", name)


def _registering(
    registry: dict[str, type], kind: str, method: str, name: str
) -> Callable[[Kind], Kind]:
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(
            f"a scheme of {kind} has the name {name!r}", f'write @{kind}("a name of its own")'
        )
    if name in registry:
        raise ConfigError(
            f"a scheme of {kind} named {name} exists already", "choose another name for it"
        )

    def register(scheme: Kind) -> Kind:
        made = dataclasses.is_dataclass(scheme) and scheme.__dataclass_params__.frozen
        if not made or not callable(getattr(scheme, method, None)):
            raise ConfigError(
                f"scheme {name} of {kind} is not a frozen dataclass with a method "
                f"{method}(tickets)",
                f"write @{kind} above @dataclass(frozen=True) above the class",
            )
        if not hasattr(scheme, "fields"):
            scheme.fields = ()
        registry[name] = scheme
        return scheme

    return register
