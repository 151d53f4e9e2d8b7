"""What filling one order of a stock does to cash and position, in Backtrader's arithmetic.

Backtrader's broker asks some twenty methods for one fill. For stock-like schemes that do not
override them (:func:`~strategies.execution.open_positions.is_ordinary`) the answers are known;
the operations here are the same, in the same sequence, so that no last bit differs.
"""

from __future__ import annotations

from typing import NamedTuple

import backtrader as bt

__all__ = ["StockFill", "fill_stock", "split_size"]


class StockFill(NamedTuple):
    """What closed and opened; cash after the closing part, and after all of it.

    ``cash`` below zero means that the opening part cannot be paid.
    """

    closed: float
    closed_value: float
    closed_commission: float
    cash_after_closing: float
    opened: float
    opened_value: float
    opened_commission: float
    cash: float


def split_size(held: float, size: float) -> tuple[float, float]:
    """How much of `size` opens and how much closes a position of `held` units."""
    after = held + size
    if not after:
        return 0, size
    if not held or (held > 0) == (size > 0):
        return size, 0
    if (held > 0) == (after > 0):
        return 0, size
    return after, -held


def fill_stock(
    scheme: bt.CommInfoBase,
    opened: float,
    closed: float,
    price: float,
    entry: float,
    profit: float,
    cash: float,
) -> StockFill:
    """Fill at `price` what closes a position entered at `entry`, then what opens one.

    Parameters
    ----------
    scheme : bt.CommInfoBase
        An ordinary one; asked for the commission and the leverage.
    opened, closed : float
        Signed units, as :func:`split_size` gives them.
    price, entry : float
        Of the fill, and of the position before it.
    profit : float
        Of the closing part.
    cash : float
        Before the fill.
    """
    leverage = scheme.p.leverage
    closed_value = closed_commission = opened_value = opened_commission = 0.0
    if closed:
        closed_value = -closed * entry
        cash += (closed_value / leverage if closed_value > 0 else closed_value) + profit
        closed_commission = scheme.getcommission(closed, price)
        cash -= closed_commission
    after_closing = cash
    if opened:
        opened_value = opened * price
        cash -= opened_value / leverage if opened_value > 0 else opened_value
        opened_commission = scheme.getcommission(opened, price)
        cash -= opened_commission
    return StockFill(
        closed,
        closed_value,
        closed_commission,
        after_closing,
        opened,
        opened_value,
        opened_commission,
        cash,
    )
