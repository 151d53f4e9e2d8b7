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
from collections.abc import Callable, Iterator, MutableMapping
from importlib import import_module
from typing import TypeVar

from feeds.errors import ConfigError
from feeds.plugin_modules import restore_on_failure

__all__ = ["COMMISSIONS", "SLIPPAGES", "SchemeRegistry", "commission", "slippage"]

Kind = TypeVar("Kind", bound=type)


class SchemeRegistry(MutableMapping[str, type]):
    """Schemes by name; the module of a built-in one is imported when the scheme is asked for.

    Most runs use two of two dozen schemes, and what is not imported costs them nothing.

    Parameters
    ----------
    modules : mapping of str to mapping of str to str
        Module within this package to its classes by scheme name.
    """

    def __init__(self, modules: dict[str, dict[str, str]]) -> None:
        self.entries: dict[str, type | tuple[str, str]] = {
            name: (f"{__package__}.{module}", kind)
            for module, kinds in modules.items()
            for name, kind in kinds.items()
        }

    def __getitem__(self, name: str) -> type:
        entry = self.entries[name]
        return getattr(import_module(entry[0]), entry[1]) if isinstance(entry, tuple) else entry

    def __setitem__(self, name: str, kind: type) -> None:
        self.entries[name] = kind

    def __delitem__(self, name: str) -> None:
        del self.entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


COMMISSIONS = SchemeRegistry(
    {
        "commission": {
            "fixed": "FixedCommission",
            "none": "NoCommission",
            "per_share": "PerShareCommission",
            "percent": "PercentCommission",
        },
        "presets_brokers": {
            "commerce_bank": "CommerceBankCommission",
            "ibkr_pro_fixed": "IbkrProFixedCommission",
            "ibkr_pro_tiered": "IbkrProTieredCommission",
            "zero_commission": "ZeroCommission",
        },
        "presets_exchanges": {
            "binance_spot": "BinanceSpotCommission",
            "coinbase_exchange": "CoinbaseExchangeCommission",
            "kraken_pro": "KrakenProCommission",
        },
        "tiered": {"by_size": "BySizeCommission", "tiered": "TieredCommission"},
    }
)
SLIPPAGES = SchemeRegistry(
    {
        "impact": {
            "almgren": "AlmgrenSlippage",
            "square_root": "SquareRootSlippage",
            "volume_share": "VolumeShareSlippage",
        },
        "sampled": {"sampled": "SampledSlippage"},
        "slippage": {"bps": "BpsSlippage", "none": "NoSlippage", "sum": "SumSlippage"},
        "spread_slippage": {"half_spread": "HalfSpreadSlippage"},
    }
)
restore_on_failure(lambda: COMMISSIONS.entries)
restore_on_failure(lambda: SLIPPAGES.entries)


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
    registry: SchemeRegistry, kind: str, method: str, name: str
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
