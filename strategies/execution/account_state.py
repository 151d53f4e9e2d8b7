"""An account put back to where it was, and read out again, in printed shares and symbols.

This module is part of :class:`Account`: what it sets and reads is the account's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from feeds.bar_labels import bar_label, bar_stamp
from feeds.errors import DataError
from feeds.panel import Panel
from strategies.execution.account import Account
from strategies.execution.basket import Basket
from strategies.execution.costs import Carry, TradingCosts
from strategies.execution.plan import Plan
from strategies.execution.replay import PaperBook
from strategies.execution.rules import AccountRules

__all__ = ["columns_of", "restored_account", "row_of", "waiting_plans"]


def restored_account(
    panel: Panel, costs: TradingCosts, carry: Carry, rules: AccountRules, book: PaperBook
) -> Account:
    """An account at the close of the book's last bar, as if it had traded over this panel.

    Positions are units: printed shares over the adjustment of that row. The journal holds the
    fills of the last 30 days, by which exchanges grade their fees, and nothing else.

    Raises
    ------
    DataError
        If the panel lacks the bar, or a symbol that is held or waits.
    """
    account = Account(panel, costs, carry, rules)
    if not book.bar:
        return account
    row = row_of(panel, book.bar)
    account._row = row
    account.cash, account.value = book.cash, book.value
    held = sorted(book.held)
    columns = columns_of(panel, held)
    shares = np.array([book.held[name] for name in held], dtype=float)
    account.position[columns] = shares / panel.adjustment_at(row, columns)
    if book.started:
        _restore_fills(account, panel, book)
    for told in book.close["pending"]:
        account._pending._plans += (_plan(panel, row, told),)
    # What was traded once may have left the universe since.
    column_of = {name: column for column, name in enumerate(panel.assets.tolist())}
    lots = book.close["lots"].items()
    account._lots = {column_of[name]: lot for name, lot in lots if name in column_of}
    account._cut = {column_of[name] for name in book.close["cut"] if name in column_of}
    return account


def waiting_plans(account: Account, row: int) -> dict[str, Any]:
    """What :func:`restored_account` needs of the tickets that wait, as plain data.

    ``pending``: a mapping a plan, its tickets symbol to [reduce, increase, lot] in printed
    shares at the close of `row`; ``lots``: the printed lots last used; ``cut``: symbols that
    were reported as cut to a cap.
    """
    panel, names = account.panel, account.panel.assets
    lots = {str(names[column]): lot for column, lot in account._lots.items()}
    return {
        "pending": [_told(plan, panel, row) for plan in account._pending._plans],
        "lots": dict(sorted(lots.items())),
        "cut": sorted(str(names[column]) for column in account._cut),
    }


def row_of(panel: Panel, bar: str) -> int:
    """The row of a bar, by its name.

    Raises
    ------
    DataError
        If the panel does not have it.
    """
    stamp, hours = bar_stamp(bar), panel.dates.dtype == "datetime64[h]"
    row = int(np.searchsorted(panel.dates, stamp))
    same = hours == (stamp.dtype == "datetime64[h]")
    if not same or row == len(panel.dates) or panel.dates[row] != stamp:
        raise DataError(
            f"the ledger has booked {bar}, which the data ({panel.dates[0]}..{panel.dates[-1]}, "
            f"{panel.calendar}) do not have",
            "name the data set that it was made from, or another ledger with --ledger",
        )
    return row


def columns_of(panel: Panel, names: list[str]) -> np.ndarray:
    """(k,) columns of some symbols.

    Raises
    ------
    DataError
        If the panel lacks one.
    """
    place = {name: column for column, name in enumerate(panel.assets.tolist())}
    missing = [name for name in names if name not in place]
    if missing:
        raise DataError(
            f"{missing[0]} is held or waits in the ledger, and is not in the universe",
            "put it back into data.universe or the data set, until it has been sold",
        )
    return np.array([place[name] for name in names], dtype=np.intp)


def _restore_fills(account: Account, panel: Panel, book: PaperBook) -> None:
    none, of_none = np.zeros(0), np.zeros(0, dtype=np.intp)
    # Without one, the account would take itself for one that has not traded yet.
    account.journal.fills.append((0, -1, "before", of_none, none, none, none, none))
    place = {name: column for column, name in enumerate(panel.assets.tolist())}
    for bar, reason, symbol, shares, price in book.recent:
        if symbol not in place:
            continue
        row = min(int(np.searchsorted(panel.dates, bar_stamp(bar))), len(panel.dates) - 1)
        column = np.array([place[symbol]], dtype=np.intp)
        adjustment = panel.adjustment_at(row, column)
        paid = np.array([price]) * adjustment
        size = np.array([shares]) / adjustment
        account.journal.fills.append((row, -1, reason, column, size, paid, paid, np.zeros(1)))


def _plan(panel: Panel, row: int, told: Mapping[str, Any]) -> Plan:
    names = sorted(told["tickets"])
    columns = columns_of(panel, names)
    order = np.argsort(columns, kind="stable")
    columns = columns[order]
    tickets = np.array([told["tickets"][name] for name in names], dtype=float)[order]
    units = tickets / panel.adjustment_at(row, columns)[:, None]
    # Contiguous, as the account makes them: sums must not depend on how arrays lie.
    reduce, increase, lot = (np.ascontiguousarray(units[:, at]) for at in range(3))
    basket = Basket(columns, reduce, increase, lot, told["whole"])
    decided = row_of(panel, told["decided"])
    return Plan(decided, basket, told["instant"], told["reason"], told["part"])


def _told(plan: Plan, panel: Panel, row: int) -> dict[str, Any]:
    basket = plan.basket
    adjustment = panel.adjustment_at(row, basket.column)
    parts = np.stack([basket.reduce, basket.increase, basket.lot], axis=1) * adjustment[:, None]
    names = panel.assets[basket.column].tolist()
    return {
        "decided": bar_label(panel.dates[plan.decision_row]),
        "instant": plan.instant,
        "reason": plan.reason,
        "part": plan.part,
        "whole": bool(basket.whole),
        "tickets": dict(zip(names, parts.tolist(), strict=True)),
    }
