"""The paper account: one bar after the other, by the backtest's own account, into a ledger.

Each bar starts from the ledger alone: an account is put back to the close of the bar before,
steps over the new one, the strategy decides, and what happened becomes events in printed shares
and raw prices. So it does not matter in how many processes the bars are worked through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from feeds.bar_labels import bar_label
from feeds.panel import Panel
from strategies.cross_section import Target
from strategies.execution.account import Account
from strategies.execution.account_state import restored_account, row_of, waiting_plans
from strategies.execution.costs import Carry, TradingCosts
from strategies.execution.ledger import Event
from strategies.execution.replay import PaperBook
from strategies.execution.revisions import marks_of
from strategies.execution.rules import AccountRules
from strategies.portfolio_rules import PortfolioRules
from strategies.stops import StopRules
from strategies.targets import Signals
from strategies.trading import OrderRules

__all__ = ["PaperSetup", "booked_bar"]


@dataclass(frozen=True, eq=False)
class PaperSetup:
    """What a backtest of the same configuration would be made of.

    Parameters
    ----------
    panel : Panel
        The universe's bars, up to the latest that is closed.
    data : Panel
        Those of the whole data set, on the same dates.
    signals : Signals
        Of the scheduled decisions alone.
    costs, carry, rules, portfolio, orders, stops
        As the configuration says.
    targets : dict of int to Target
        Targets by number of decision, kept for the bars after.
    """

    panel: Panel
    data: Panel
    signals: Signals
    costs: TradingCosts
    carry: Carry
    rules: AccountRules
    portfolio: PortfolioRules
    orders: OrderRules
    stops: StopRules | None = None
    targets: dict[int, Target] = field(default_factory=dict)


def booked_bar(
    setup: PaperSetup,
    book: PaperBook,
    row: int,
    *,
    decided_with: Mapping[str, Any],
    preface: Sequence[Mapping[str, Any]] = (),
    before_fills: Callable[[Account, int], Mapping[str, Any] | None] | None = None,
) -> list[Event]:
    """The events of the bar after the book's last one: to be written in one transaction.

    Parameters
    ----------
    setup : PaperSetup
    book : PaperBook
        As replayed; it is not changed.
    row : int
        The bar, the one after the book's last, or any for a book that has not begun.
    decided_with : mapping
        Noted with a decision: hashes, and whether it came late.
    preface : sequence of mapping
        Notes that come first: how the account began, or a new epoch.
    before_fills : callable, optional
        Given the account at the close before and the row: may submit another plan in place of
        what waits, and gives the note of it, or None.

    Returns
    -------
    list of Event
        Splits and dividends of what is held, carry, fills, what a user should know, the
        decision with its orders, and the note of the close.

    Notes
    -----
    Dividends are reinvested at the close of the ex-date without cost, exactly as adjusted
    units do: shares grow and cash does not move. Only rows up to `row` are looked at.
    """
    panel = _known_at(setup.panel, row)
    account = restored_account(panel, setup.costs, setup.carry, setup.rules, book)
    before, known = account.position.copy(), len(account.journal.fills)
    changed = None if before_fills is None else before_fills(account, row)
    strategy = _run(setup, panel, account, book)
    events = _Numbered(bar_label(panel.dates[row]))
    for told in [*preface, *([] if changed is None else [changed])]:
        events.add("note", "", told)
    _add_actions(events, panel, row, before)
    _add_carry(events, account)
    touched = _add_fills(events, account, row, before, account.journal.fills[known:])
    for _, column, kind, detail in account.journal.events:
        events.add("note", _name(panel, column), {"note": kind, "detail": detail})
    _add_decision(events, panel, strategy.decisions, decided_with)
    waiting = waiting_plans(account, row)
    _add_orders(events, panel, row, waiting["pending"], book)
    touched |= (before != 0) | (account.position != 0)
    touched[account.waiting] = True
    closing = {
        "note": "close",
        **_values(account),
        **marks_of(setup.data, row, panel.assets[touched].tolist()),
        **waiting,
        **strategy.remembered(),
    }
    return [*events.found, Event(events.bar, "note", "", 0, closing)]


def _known_at(panel: Panel, row: int) -> Panel:
    """What was known at the close of a row, the ends of series that go on later left out."""
    last, every = panel.shape[0] - 1, np.arange(panel.shape[1])
    goes_on = panel.last_bar(last, every) > row
    reasons = np.where(goes_on, "data_end", panel.end_reason)
    return replace(panel.as_of(row), end_reason=reasons, checked=True)


class _Numbered:
    """Events of a bar, numbered by kind and symbol; the first note of the account is the close."""

    def __init__(self, bar: str) -> None:
        self.bar = bar
        self.found: list[Event] = []
        self._counts: dict[tuple[str, str], int] = {("note", ""): 1}

    def add(self, kind: str, symbol: str, payload: Mapping[str, Any]) -> None:
        number = self._counts.get((kind, symbol), 0)
        self._counts[kind, symbol] = number + 1
        self.found.append(Event(self.bar, kind, symbol, number, payload))


def _run(setup: PaperSetup, panel: Panel, account: Account, book: PaperBook):
    """The strategy, once it has seen the last row of the panel."""
    # Imported here: Backtrader is not needed to read a ledger.
    from strategies.execution.cerebro import PanelCerebro
    from strategies.resumed_rebalance import ResumedRebalance

    cerebro = PanelCerebro(panel, account)
    cerebro.addstrategy(
        ResumedRebalance,
        panel=panel,
        signals=setup.signals,
        portfolio=setup.portfolio,
        orders=setup.orders,
        stops=setup.stops,
        targets=setup.targets,
        resumed=book.close if book.bar else None,
        before=row_of(panel, book.bar) if book.bar else -1,
    )
    return cerebro.run()[0]


def _add_actions(events: _Numbered, panel: Panel, row: int, before: np.ndarray) -> None:
    """Splits, and dividends that are reinvested, of what was held at the close before."""
    held = before.nonzero()[0]
    if row < 1 or not len(held):
        return
    split, paid = panel.split_factor, panel.dividend_factor
    ratio, growth = (factor[row, held] / factor[row - 1, held] for factor in (split, paid))
    shares = before[held] * panel.adjustment_at(row - 1, held)
    after = before[held] * panel.adjustment_at(row, held)
    for at in ((ratio != 1.0) | (growth != 1.0)).nonzero()[0].tolist():
        symbol, owned = str(panel.assets[held[at]]), float(shares[at])
        splits, pays = ratio[at] != 1.0, growth[at] != 1.0
        if splits:
            new = float(owned * ratio[at] if pays else after[at])
            told = {"ratio": float(ratio[at]), "before": owned, "held": new}
            events.add("split", symbol, told)
            owned = new
        if pays:
            price = _raw_close(panel, row, int(held[at]))
            cash = float(growth[at] - 1.0) * price
            told = {
                "per_share": cash,
                "amount": cash * owned,
                "price": price,
                "shares": float(after[at]) - owned,
                "held": float(after[at]),
            }
            events.add("dividend", symbol, told)


def _raw_close(panel: Panel, row: int, column: int) -> float:
    """The last close as printed; on a bar of its own, that of the row."""
    column = np.array([column])
    return float(panel.mark_at(row, column)[0] / panel.adjustment_at(row, column)[0])


def _add_carry(events: _Numbered, account: Account) -> None:
    for _, kind, column, amount in account.journal.carry:
        for at, value in zip(column.tolist(), amount.tolist(), strict=True):
            events.add("carry", _name(account.panel, at), {"carry": kind, "amount": value})


def _add_fills(
    events: _Numbered, account: Account, row: int, before: np.ndarray, fills: list[tuple]
) -> np.ndarray:
    """Fills in their order; (N,) bool, what was filled."""
    panel, position = account.panel, before.copy()
    touched = np.zeros(len(position), dtype=bool)
    for _, decided, reason, column, size, price, reference, commission in fills:
        adjustment = panel.adjustment_at(row, column)
        position[column] += size
        touched[column] = True
        numbers = {
            "shares": size * adjustment,
            "price": price / adjustment,
            "reference": reference / adjustment,
            "commission": commission,
            # What cash was moved by, to the last bit.
            "paid": size * price + commission,
            "held": position[column] * adjustment,
        }
        told = {
            "decided": bar_label(panel.dates[decided]) if decided >= 0 else None,
            "reason": reason,
        }
        for at, name in enumerate(panel.assets[column].tolist()):
            values = {key: float(part[at]) for key, part in numbers.items()}
            events.add("fill", name, {**told, **values})
    return touched


def _add_decision(
    events: _Numbered, panel: Panel, decisions: list, decided_with: Mapping[str, Any]
) -> None:
    for decision in decisions:
        wanted = decision.weights.nonzero()[0]
        names, weights = panel.assets[wanted].tolist(), decision.weights[wanted].tolist()
        told = {
            **decided_with,
            "weights": dict(zip(names, weights, strict=True)),
            "reports": [list(report) for report in decision.reports],
        }
        events.add("decision", "", told)


def _add_orders(
    events: _Numbered,
    panel: Panel,
    row: int,
    pending: list[dict[str, Any]],
    book: PaperBook,
) -> None:
    """The tickets of the plans that were not there at the close before."""
    waited = {_key(plan) for plan in book.close["pending"]} if book.bar else set()
    for plan in pending:
        if _key(plan) in waited:
            continue
        told = {name: plan[name] for name in ("decided", "instant", "reason", "part")}
        for name, (reduce, increase, lot) in plan["tickets"].items():
            column = int(np.flatnonzero(panel.assets == name)[0])
            price = _raw_close(panel, row, column)
            ticket = {"reduce": reduce, "increase": increase, "lot": lot, "price": price}
            events.add("order", name, {**told, **ticket})


def _key(plan: Mapping[str, Any]) -> tuple[str, str, int]:
    return plan["decided"], plan["reason"], plan["part"]


def _values(account: Account) -> dict[str, float]:
    names = ("value", "cash", "long", "short", "margin")
    if not account.journal.values:
        return dict(zip(names, (account.value, account.cash, 0.0, 0.0, 0.0), strict=True))
    _, *columns = account.journal.values[-1]
    return {name: float(part[-1]) for name, part in zip(names, columns, strict=True)}


def _name(panel: Panel, column: int) -> str:
    return str(panel.assets[column]) if column >= 0 else ""
