"""Deliberate faults in baskets, the cap, schemes of cost, carry and the strategy.

Each is (what goes wrong, file, text that it has once, text in its place, tests that notice).
"""

from __future__ import annotations

__all__ = ["FAULTS"]

BASKET = "strategies/execution/basket.py"
CAPACITY = "strategies/execution/capacity.py"
COSTS = "strategies/execution/costs.py"
CARRY = "strategies/execution/carry.py"
SCHEDULES = "strategies/execution/carry_schedules.py"
MARKET = "strategies/execution/market.py"
TRADED = "strategies/execution/traded_value.py"
TIERED = "strategies/execution/tiered.py"
REGULATORY = "strategies/execution/regulatory.py"
ESTIMATED = "strategies/execution/estimated.py"
IMPACT = "strategies/execution/impact.py"
DRAWS = "strategies/execution/draws.py"
COMMISSION = "strategies/execution/commission.py"
SLIPPAGE = "strategies/execution/slippage.py"
STRATEGY = "strategies/factor_rebalance.py"
OPENS = "strategies/opens.py"

#: See `tests/mutations.py`.
FAULTS: tuple[tuple[str, ...], ...] = (
    (
        "a basket that cannot be paid is not scaled",
        BASKET,
        "if not after.is_clear(asked, price, commission):",
        "if not basket.whole:",
        "test_basket",
    ),
    (
        "short proceeds are spent",
        BASKET,
        "free_cash = cash + short - self",
        "free_cash = cash - self",
        "test_basket",
    ),
    (
        "short proceeds pass for clear room",
        BASKET,
        "free_cash = cash - (gross - net) / 2 - self",
        "free_cash = cash - self",
        "test_basket",
    ),
    (
        "the margin is not checked at the fill",
        BASKET,
        "min(free_cash, margin) + _SLACK",
        "free_cash + _SLACK",
        "test_basket",
    ),
    (
        "lots are rounded up",
        BASKET,
        "np.trunc(lots)",
        "np.ceil(lots)",
        "test_basket",
    ),
    (
        "reductions are scaled, too",
        BASKET,
        "size = basket.reduce + whole_lots(",
        "size = scale * basket.reduce + whole_lots(",
        "test_basket",
    ),
    (
        "a change of side opens the whole change",
        BASKET,
        "whole_lots(np.where(crosses, target, change), lot)",
        "whole_lots(change, lot)",
        "test_basket",
    ),
    (
        "the cash buffer is spent",
        BASKET,
        "free_cash = cash + short - self.limits.cash_buffer * nav",
        "free_cash = cash + short",
        "test_basket",
    ),
    (
        "the session's volume does not cap",
        CAPACITY,
        "1.0, rate) * np.maximum(volume, 0.0)",
        "1.0, 1.0) * np.maximum(volume, 0.0)",
        "test_participation",
    ),
    (
        "reduction and increase each get the whole cap",
        CAPACITY,
        "capacity - np.abs(reduce), 0.0)",
        "capacity, 0.0)",
        "test_participation",
    ),
    (
        "slippage helps",
        SLIPPAGE,
        "1.0 + np.sign(tickets.size)",
        "1.0 - np.sign(tickets.size)",
        "test_slippage",
    ),
    (
        "the minimum fee is charged on top",
        COMMISSION,
        "np.maximum(cost, self.minimum)",
        "cost + self.minimum",
        "test_commission",
    ),
    (
        "short proceeds earn interest",
        CARRY,
        "(cash - short) * rate * share",
        "(cash + short) * rate * share",
        "test_carry",
    ),
    (
        "a mixed basket pays the costs of its first asset",
        COSTS,
        "if (group == first).all():",
        "if len(group):",
        "test_account_corners",
    ),
    (
        "the borrow fee is received",
        CARRY,
        '"borrow": -self.borrow_annual',
        '"borrow": self.borrow_annual',
        "test_carry",
    ),
    (
        "an asset pays the costs of another",
        COSTS,
        "group = self.group[column]",
        "group = self.group[: len(column)]",
        "test_account_corners",
    ),
    (
        "targets are sized by cash instead of value",
        STRATEGY,
        "weight * account.value / price",
        "weight * account.cash / price",
        "test_factor_rebalance",
    ),
    (
        "targets are sized by tomorrow's close",
        STRATEGY,
        "price = panel.mark_at(row, column)",
        "price = panel.mark_at(row + 1, column)",
        "test_factor_rebalance",
    ),
    (
        "what is no longer wanted is kept",
        STRATEGY,
        "traded = (weights != 0) | (account.position != 0)",
        "traded = weights != 0",
        "test_factor_rebalance",
    ),
    (
        "two classes fill at the open",
        STRATEGY,
        "if (classes != classes[0]).any():",
        "if classes is None:",
        "test_factor_rebalance",
    ),
    (
        "an open of tomorrow decides on the instant",
        OPENS,
        "self._given(row, row + 1, unknown)[0]",
        "self._given(row + 1, row + 2, unknown)[0]",
        "test_traded_opens",
    ),
    (
        "the fill session counts among the days before it",
        MARKET,
        "stop = int(np.searchsorted(sessions, row))",
        "stop = int(np.searchsorted(sessions, row)) + 1",
        "test_market",
    ),
    (
        "a coin's estimates know the day of the fill",
        MARKET,
        "- (0 if own else 1)",
        "- 0",
        "test_market",
    ),
    (
        "fills of the day itself move the tier",
        TRADED,
        "if self._days[at] < today and",
        "if self._days[at] <= today and",
        "test_market",
    ),
    (
        "makers pay what takers pay",
        TIERED,
        "maker_share * maker + (1.0 - maker_share) * taker",
        "taker",
        "test_commission_tiers",
    ),
    (
        "the fees of a sale are charged for purchases",
        REGULATORY,
        "np.maximum(-tickets.size, 0.0) * tickets.price",
        "np.abs(tickets.size) * tickets.price",
        "test_commission_tiers",
    ),
    (
        "what is not known costs nothing",
        ESTIMATED,
        "self.fallback_bps / 1e4, np.minimum",
        "0.0, np.minimum",
        "test_slippage_estimates",
    ),
    (
        "the peak of the impact is charged",
        IMPACT,
        "(2.0 / 3.0) * self.coefficient",
        "self.coefficient",
        "test_slippage_estimates",
    ),
    (
        "all assets of a day have one draw",
        DRAWS,
        "for key in (first, second):",
        "for key in (first,):",
        "test_market",
    ),
    (
        "a step of the rate holds a night early",
        SCHEDULES,
        'self._days[self._before], side="right"',
        'self._days, side="right"',
        "test_carry_schedules",
    ),
)
