"""Who follows bars and orders: what nobody reads is not made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import backtrader as bt

__all__ = ["follows_bars", "hears_orders", "wake_rows"]

_ORDER_HOOKS = ("notify_order", "notify_trade", "_notify_order", "_notify_trade")
_BAR_HOOKS = (
    "next",
    "prenext",
    "nextstart",
    "notify_cashvalue",
    "notify_fund",
    "_next",
    "_prenext",
    "_nextstart",
    "_notify_cashvalue",
    "_notify_fund",
)


_STRATEGY_HOOKS = (
    *_ORDER_HOOKS[:2],
    *_BAR_HOOKS[:5],
    "next_open",
    "prenext_open",
    "nextstart_open",
    "notify_data",
    "notify_store",
    "notify_timer",
)


def hears_orders(strategies: Iterable[bt.Strategy]) -> bool:
    """Whether a strategy, analyzer or observer is told of orders or trades."""
    return any(
        _overrides(type(strategy), bt.Strategy, _ORDER_HOOKS)
        or list(strategy.observers)
        or any(_overrides(type(one), bt.Analyzer, _ORDER_HOOKS) for one in _analyzers(strategy))
        for strategy in strategies
    )


def follows_bars(strategies: Iterable[bt.Strategy]) -> bool:
    """Whether anything has to happen at every bar.

    A strategy that says when it wants to be woken (``wake_rows``, not None) does not follow
    bars, unless a subclass adds a hook of its own, or an indicator, an observer, or an analyzer
    that does is attached to it. Who is told of orders is told on their day.
    """
    return hears_orders(strategies) or any(
        not _sleeps(strategy)
        or strategy.getindicators()
        or any(_overrides(type(one), bt.Analyzer, _BAR_HOOKS) for one in _analyzers(strategy))
        for strategy in strategies
    )


def wake_rows(strategies: Iterable[bt.Strategy]) -> set[int]:
    """Every row in which a strategy wants to be woken."""
    return {row for strategy in strategies for row in strategy.wake_rows}


def _sleeps(strategy: bt.Strategy) -> bool:
    if getattr(strategy, "wake_rows", None) is None:
        return False
    own = type(strategy)
    # Who declares the rows knows its own hooks; a subclass may add one.
    declares = next((one for one in own.__mro__ if "wake_rows" in vars(one)), own)
    return not _overrides(own, declares, _STRATEGY_HOOKS)


def _analyzers(strategy: bt.Strategy) -> Iterator[Any]:
    """The analyzers of a strategy, and theirs."""
    waiting = [*strategy.analyzers, *strategy._slave_analyzers]
    while waiting:
        analyzer = waiting.pop()
        waiting.extend(analyzer._children)
        yield analyzer


def _overrides(own: type, base: type, hooks: Iterable[str]) -> bool:
    return any(getattr(own, hook, None) is not getattr(base, hook, None) for hook in hooks)
