"""The signal of a bar on the screen: what to hold, what to trade, and what is behind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feeds.bar_labels import bar_day

if TYPE_CHECKING:
    from rich.console import Console

    from runs.paper_account import Progress
    from strategies.execution.ledger import Event

__all__ = ["print_signals"]

#: Assets that are listed; all of them are in signals.csv.
_MOST_ASSETS = 40
_MOST_ORDERS = 20
_MOST_NAMES = 6
_MOST_PASSED = 10
#: Calendar days after which the data are old.
_OLD = 5


def print_signals(
    record: Mapping[str, Any],
    progress: Progress,
    folder: Path,
    ledger: Path,
    today: dt.date,
    console: Console,
) -> None:
    """Print a signal in at most 100 columns.

    Parameters
    ----------
    record : mapping
        As in signals.json.
    progress : Progress
        What was booked now.
    folder, ledger : Path
    today : date
        By which the data are called old.
    console : Console
    """
    from rich.text import Text

    console.print()
    console.print(Text(f"{record['name']}, close of {record['as_of']}", style="bold"))
    console.print(Text(_headline(record), style="dim"))
    account = record["account"]
    console.print(
        f"paper account {account['value']:,.2f}, cash {account['cash']:,.2f}, "
        f"gross {account['gross']:.1%}, net {account['net']:+.1%}"
    )
    for line in _warnings(record, progress.bars, today):
        console.print(Text(line, style="yellow"))
    _print_assets(record, console)
    _print_orders(record, console)
    _print_passed(progress.passed, console)
    for report in record["reports"]:
        about = f"{report['symbol']} " if report["symbol"] else ""
        console.print(Text(f"- {about}{report['kind']}: {report['detail']}"))
    console.print(Text(f"\nsignals {folder}"), soft_wrap=True)
    console.print(Text(f"ledger  {ledger}"), soft_wrap=True)


def _print_passed(passed: Sequence[Event], console: Console) -> None:
    """What happened on bars that were caught up: no file of signals tells it."""
    from rich.text import Text

    for event in passed[:_MOST_PASSED]:
        about = f"{event.symbol} " if event.symbol else ""
        console.print(
            Text(f"- {event.bar} {about}{event.payload['note']}: {event.payload['detail']}")
        )
    if len(passed) > _MOST_PASSED:
        console.print(f"- and {len(passed) - _MOST_PASSED} more on these bars", style="dim")


def _headline(record: Mapping[str, Any]) -> str:
    following = record["next_decision"] or "none"
    if record["decided"]:
        late = ", late: later bars were there already" if record["late"] else ""
        return f"decided at this close{late}; the next decision is due {following}"
    return f"no decision at this close: weights if it were; the next decision is due {following}"


def _warnings(record: Mapping[str, Any], bars: Sequence[str], today: dt.date) -> list[str]:
    lines = []
    age = (today - bar_day(record["as_of"])).days
    if age > _OLD:
        lines.append(f"the latest bar is {age} days old")
    for part in record["staleness"]:
        if part["behind"]:
            names, more = part["behind"][:_MOST_NAMES], len(part["behind"]) - _MOST_NAMES
            others = f" and {more} more" if more > 0 else ""
            lines.append(
                f"{part['source']} {part['asset_class']}: no bar of this session for "
                f"{', '.join(names)}{others}; the oldest is of {part['oldest']}"
            )
    if not record["printed"]:
        lines.append("prices are a vendor's adjusted ones: shares are units of these, not printed")
    if not bars:
        lines.append("this bar was booked already: nothing was traded again")
    elif len(bars) > 1:
        lines.append(f"{len(bars)} bars caught up, from {bars[0]}: their decisions are late")
    return lines


def _print_assets(record: Mapping[str, Any], console: Console) -> None:
    from rich import box
    from rich.table import Table

    wanted = [one for one in record["assets"] if one["weight"] or one["held_weight"]]
    shown = wanted or [one for one in record["assets"] if one["eligible"]]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in ("symbol", "class"):
        table.add_column(name, no_wrap=True)
    for name in ("rank", "score", "weight", "held", "change", "price", "of"):
        table.add_column(name, justify="right", no_wrap=True)
    if len(shown) > _MOST_ASSETS:
        # Longs lead and shorts trail.
        shown = [*shown[: _MOST_ASSETS // 2], *shown[-(_MOST_ASSETS // 2) :]]
    for one in shown:
        table.add_row(
            one["symbol"],
            one["asset_class"],
            "" if one["rank"] is None else str(one["rank"]),
            "" if one["score"] is None else f"{one['score']:.3f}",
            *(f"{one[name]:+.2%}" for name in ("weight", "held_weight", "change")),
            _price(one["price"]),
            one["price_date"] or "",
        )
    console.print(table)
    left = len(record["assets"]) - len(shown)
    if left:
        console.print(f"{left} more assets, with reasons, in signals.csv", style="dim")


def _price(price: float | None) -> str:
    """Cents, and for what costs less than ten of them its first four digits."""
    if price is None:
        return ""
    return f"{price:,.2f}" if abs(price) >= 0.1 else f"{price:.4g}"


def _print_orders(record: Mapping[str, Any], console: Console) -> None:
    orders = record["orders"]
    if not orders:
        console.print("no order waits")
        return
    fills = sorted({order["fill"].replace("_", " ") for order in orders})
    worth = sum(abs(order["value"]) for order in orders)
    noun = "order" if len(orders) == 1 else "orders"
    console.print(f"{len(orders)} {noun} for the {' and '.join(fills)}, worth {worth:,.0f}:")
    largest = sorted(orders, key=lambda order: (-abs(order["value"]), order["symbol"]))
    parts = [
        f"{order['side']} {abs(order['shares']):,.8g} {order['symbol']}"
        for order in largest[:_MOST_ORDERS]
    ]
    more = f"; and {len(orders) - _MOST_ORDERS} more" if len(orders) > _MOST_ORDERS else ""
    console.print(f"{'; '.join(parts)}{more}", style="dim")
