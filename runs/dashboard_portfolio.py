"""The page of the paper account: value, exposures, holdings and fills."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from feeds.errors import DataError
from runs import dashboard_charts as charts
from runs import dashboard_view as view
from runs.dashboard_account import PaperAccount, read_account
from runs.dashboard_exposures import by_class, classes_of_set, factor_exposures
from runs.dashboard_files import Places
from runs.dashboard_signals import read_signal, spoken

__all__ = ["account_page", "classes_of_account"]

_SHOWN = 25
#: The ledger that is written unless another one is named.
_USUAL = "paper.db"
_SIDES = ("long", "short", "net")


def account_page(places: Places) -> None:
    """The paper account: value, exposures, holdings and fills."""
    view.heading("Portfolio", "The paper account, replayed from its ledger and checked on the way.")
    ledgers = places.ledgers()
    if not ledgers:
        view.absent(
            f"There is no ledger at {places.ledger or places.outputs / 'paper.db'}.",
            "python -m runs.signals --config configs/large_caps_bitcoin.yaml --offline",
        )
        return
    name = _USUAL if _USUAL in ledgers else next(iter(ledgers))
    if len(ledgers) > 1:
        name = view.choose("Ledger", list(ledgers), "ledger", name)
    account = read_account(ledgers[name])
    signals = signals_of(places, account.name)
    _account_facts(account)
    _value(account)
    _exposures(account, classes_of_account(places, account, signals))
    _factors(account, signals)
    _holdings(account)
    _record(account)


def signals_of(places: Places, name: str) -> Path | None:
    """The folder of signals of a configuration; None where there is none that can be read."""
    folders = places.signals()
    # By default a folder has the name of its configuration.
    for one in sorted(folders, key=lambda folder: folder != name):
        try:
            if read_signal(folders[one]).told.get("name") == name:
                return folders[one]
        except DataError:
            # The page of signals tells.
            continue
    return None


def classes_of_account(
    places: Places, account: PaperAccount, signals: Path | None
) -> dict[str, str]:
    """Symbol to asset class: by the data set of the ledger, and by its signals where they say."""
    known = classes_of_set(places.data, account.data)
    if signals is not None:
        assets = read_signal(signals).assets
        known |= dict(zip(assets["symbol"], assets["asset_class"], strict=True))
    return known


def _account_facts(account: PaperAccount) -> None:
    values = account.values
    last, first = values.iloc[-1], values.iloc[0]
    worst = (values["value"] / values["value"].cummax() - 1).min()
    view.facts(
        [
            ("Account", account.name),
            ("Last bar", spoken(account.bar)),
            ("Value", f"{last['value']:,.0f}"),
            ("Since the start", f"{last['value'] / first['value'] - 1:+.1%}"),
            ("Max drawdown", f"{worst:.1%}"),
            ("Cash", f"{last['cash']:,.0f}"),
            ("Gross", f"{last['gross']:.1%}"),
            ("Net", f"{last['net']:.1%}"),
        ]
    )


def _hours(account: PaperAccount) -> str:
    return " Times are UTC." if "T" in account.bar else ""


def _value(account: PaperAccount) -> None:
    view.section("Value", f"In the account's currency.{_hours(account)}")
    shown = account.values.reset_index().assign(what="value")
    drawn = charts.lines(shown, "date", "value", "what", form=",.0f", axis_form="~s")
    view.chart(drawn, "Account value", f"value-{account.name}")


def _exposures(account: PaperAccount, classes: dict[str, str]) -> None:
    """Of the whole book, then of each class where there are several."""
    table = by_class(account.marked, account.values["value"], classes)
    kinds = list(dict.fromkeys(table["asset_class"]))
    whole = f" All of it {kinds[0]}." if len(kinds) == 1 else ""
    view.section("Exposure", f"Holdings over account value; short is below zero.{whole}")
    values = account.values
    total = values[["long", "short"]].div(values["value"], axis=0).assign(net=values["net"])
    _sides(total.reset_index(), "Exposure", f"exposure-{account.name}", 260)
    if len(kinds) > 1:
        for kind, column in zip(kinds, view.columns(len(kinds)), strict=True):
            with column:
                view.section(f"Exposure, {kind}")
                part = table[table["asset_class"] == kind]
                _sides(part, f"Exposure, {kind}", f"exposure-{kind}-{account.name}", 200)
    if len(table):
        with view.fold("Exposure by asset class as a table"):
            named = dict(zip(values.index, values["bar"], strict=True))
            told = table[::-1].assign(date=table["date"].map(named))
            percent = dict.fromkeys((*_SIDES, "gross"), "percent")
            file = f"exposure-{account.name}.csv"
            view.table(told, file, formats=percent, pinned=("date",))


def _sides(table: pd.DataFrame, title: str, file: str, height: int) -> None:
    # Without shorts the net is the long side, and would hide it.
    long = _long(table, _SIDES if (table["short"] != 0).any() else _SIDES[:1])
    drawn = charts.lines(
        long, "date", "amount", "what", form=".1%", axis_form=".0%", zero=True, height=height
    )
    view.chart(drawn, title, file)


def _long(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    return table.melt("date", value_vars=list(columns), var_name="what", value_name="amount")


def _factors(account: PaperAccount, signals: Path | None) -> None:
    """Where the account's signals have scores."""
    try:
        table = pd.DataFrame() if signals is None else factor_exposures(signals)
    except DataError as error:
        view.problem(error)
        return
    if table.empty:
        return
    view.section(
        "Exposure to factors",
        "Weight times rank by the factor, added up. Assets of a class are ranked from -1 (lowest) "
        "to 1 (highest): 1 is the most that a book of gross 1 can reach, 0 is no tilt.",
    )
    last = table[table["bar"] == table["bar"].iloc[-1]]
    several = table["asset_class"].nunique() > 1
    names = last["asset_class"] + " " + last["factor"] if several else last["factor"]
    shown = last.assign(name=names).melt(
        "name", value_vars=["wanted", "held"], var_name="what", value_name="exposure"
    )
    order = {name: place for place, name in enumerate(names)}
    shown = shown.sort_values("name", key=lambda column: column.map(order), kind="stable")
    bar = str(last["bar"].iloc[0])
    drawn = charts.bars(shown, "name", "exposure", series="what", form="+.2f")
    view.tell(f"On {spoken(bar)}.")
    view.chart(drawn, f"Exposure to factors on {spoken(bar)}", f"factors-{account.name}")
    if table["bar"].nunique() > 1:
        held = table.groupby(["date", "factor"], sort=False)["held"].sum().reset_index()
        view.tell("What was held at each bar of which there is a signal, all classes together.")
        drawn = charts.lines(held, "date", "held", "factor", form="+.2f", zero=True, height=200)
        view.chart(drawn, "Exposure to factors of what is held", f"factors-held-{account.name}")
    with view.fold("Exposure to factors as a table"):
        view.table(
            table[::-1].drop(columns="date"),
            f"factors-{account.name}.csv",
            formats={"held": "fine", "wanted": "fine"},
            pinned=("bar",),
        )


def _holdings(account: PaperAccount) -> None:
    count = len(account.positions)
    most = f" The {_SHOWN} largest of {count:,} are drawn." if count > _SHOWN else ""
    view.section("Holdings", f"Printed shares at raw closes.{most}")
    if account.positions.empty:
        view.tell("Nothing is held.")
    else:
        drawn = charts.bars(account.positions.head(_SHOWN), "symbol", "weight", axis_form=".0%")
        view.chart(drawn, "Holdings over account value", f"holdings-{account.name}")
        formats = {"weight": "percent", "value": "money", "price": "number", "shares": "shares"}
        file = f"positions-{account.name}.csv"
        view.table(account.positions, file, formats=formats, pinned=("symbol",))
    if len(account.waiting):
        view.section("Orders that wait", "They fill at the next bar at which they can.")
        file, formats = f"waiting-{account.name}.csv", {"shares": "shares"}
        view.table(account.waiting, file, formats=formats, pinned=("symbol",))


def _record(account: PaperAccount) -> None:
    view.section(
        "Track record", f"{account.events:,} events in the ledger, each chained to the last."
    )
    view.table(
        account.values[::-1],
        f"values-{account.name}.csv",
        formats=dict.fromkeys(("value", "cash", "long", "short", "margin"), "money")
        | {"gross": "percent", "net": "percent"},
        pinned=("bar",),
    )
    units = dict.fromkeys(("shares", "held", "price", "reference"), "shares")
    units |= dict.fromkeys(("commission", "paid", "slippage", "amount"), "money")
    parts = {"fills": account.fills, "carry": account.carry, "notes": account.notes}
    for title, table in parts.items():
        if len(table):
            with view.fold(f"{title.capitalize()} ({len(table):,})"):
                formats = {name: form for name, form in units.items() if name in table}
                file = f"{title}-{account.name}.csv"
                view.table(table, file, formats=formats, pinned=("date", "symbol"))
