"""The pages of signals, of the paper account and of data sets."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from feeds.errors import DataError
from runs import dashboard_charts as charts
from runs import dashboard_view as view
from runs.dashboard_account import PaperAccount, read_account
from runs.dashboard_files import Places, data_sets, read_document
from runs.dashboard_sets import DataSet, read_set
from runs.dashboard_signals import Signal, bars_of, live_facts, live_warning, read_signal

__all__ = ["account_page", "data_page", "signals_page"]

_SHOWN = 25
_LATEST = "latest"


def signals_page(places: Places) -> None:
    """What to hold, why, and what was ordered."""
    view.heading("Signals", "Ranks, target weights and orders off the latest closed bar.")
    folders = places.signals()
    if not folders:
        view.absent(
            f"{places.outputs / 'signals'} holds no signals yet.",
            "python -m runs.signals --config configs/large_caps_bitcoin.yaml --offline",
        )
        return
    with view.row():
        name = view.choose("Configuration", list(folders), "signals name")
        bar = view.choose("Bar", [_LATEST, *bars_of(folders[name])], f"signals bar {name}")
    signal = read_signal(folders[name], None if bar == _LATEST else bar)
    _signal_facts(signal)
    if bar == _LATEST:
        _live_status(folders[name])
    _ranks(signal, name)
    _orders(signal, name)


def _signal_facts(signal: Signal) -> None:
    told = signal.told
    account = told["account"]
    view.facts(
        [
            ("As of", told["as_of"]),
            ("Decided on it", "yes" if told["decided"] else "no"),
            ("Next decision", told["next_decision"] or "not known"),
            ("Account value", f"{account['value']:,.0f}"),
            ("Gross", f"{account['gross']:.1%}"),
            ("Net", f"{account['net']:.1%}"),
        ]
    )
    for line in signal.warnings:
        view.warn(line)


def _live_status(folder: Path) -> None:
    """What the live mode says of itself, where one is or was at work."""
    if not (folder / "status.json").is_file():
        return
    status = read_document(folder / "status.json")
    view.section("Live mode", "As its process wrote it last.")
    warning = live_warning(status, dt.datetime.now(dt.UTC))
    if warning:
        view.warn(warning)
    view.facts([(key.replace("_", " "), value) for key, value in live_facts(status)])


def _ranks(signal: Signal, name: str) -> None:
    view.section("Ranks and reasons", "Best score first. Click a column to sort by it.")
    assets = signal.assets
    classes = ["all", *sorted(assets["asset_class"].unique())]
    with view.row():
        kind = view.choose("Asset class", classes, f"class {name}")
        typed = view.search_text("Symbols that contain", f"symbol {name}")
    only = view.switch("Held or wanted only", f"held {name}")
    shown = signal.filtered(None if kind == "all" else kind, typed, only)
    if shown.empty:
        view.tell("No asset is like that: change the filter.")
        return
    percent = dict.fromkeys(("weight", "held_weight", "change"), "percent")
    fine = dict.fromkeys((*signal.factors, "score"), "fine")
    view.table(
        shown,
        f"signals-{name}-{signal.told['as_of']}.csv",
        labels={"held_weight": "held", "why": "why not", "age_sessions": "price age"},
        formats=percent | fine | {"price": "number", "rank": "whole", "age_sessions": "whole"},
    )
    weights = signal.weights(shown).head(2 * _SHOWN)
    if len(weights):
        view.section("Held and wanted", "Signed value over account value.")
        drawn = charts.bars(weights, "symbol", "weight", series="what")
        view.chart(drawn, "Held and wanted", f"weights-{name}-{signal.told['as_of']}")


def _orders(signal: Signal, name: str) -> None:
    view.section("Orders that wait", "They fill at the next bar, at its open or its close.")
    if signal.orders.empty:
        view.tell("None: nothing was decided on this bar, or nothing has to change.")
    else:
        view.table(
            signal.orders,
            f"orders-{name}-{signal.told['as_of']}.csv",
            formats={"price": "number", "value": "money", "shares": "shares"},
        )
    view.section("Sources")
    view.table(signal.sources, f"sources-{name}-{signal.told['as_of']}.csv")
    if len(signal.reports):
        view.section("Reports")
        view.table(signal.reports, f"reports-{name}-{signal.told['as_of']}.csv")
    view.tell(
        f"Data {signal.told['data_hash'][:12]}, configuration {signal.told['config_hash'][:12]}."
    )


def account_page(places: Places) -> None:
    """The paper account: value, exposure, holdings and fills."""
    view.heading("Portfolio", "The paper account, replayed from its ledger and checked on the way.")
    ledgers = places.ledgers()
    if not ledgers:
        view.absent(
            f"There is no ledger at {places.ledger or places.outputs / 'paper.db'}.",
            "python -m runs.signals --config configs/large_caps_bitcoin.yaml --offline",
        )
        return
    chosen = view.choose("Ledger", list(ledgers), "ledger") if len(ledgers) > 1 else None
    account = read_account(ledgers[chosen or next(iter(ledgers))])
    _account_facts(account)
    _account_charts(account)
    _holdings(account)
    _record(account)


def _account_facts(account: PaperAccount) -> None:
    values = account.values
    last, first = values.iloc[-1], values.iloc[0]
    worst = (values["value"] / values["value"].cummax() - 1).min()
    view.facts(
        [
            ("Account", account.name),
            ("Last bar", account.bar),
            ("Value", f"{last['value']:,.0f}"),
            ("Since the start", f"{last['value'] / first['value'] - 1:+.1%}"),
            ("Cash", f"{last['cash']:,.0f}"),
            ("Gross", f"{last['gross']:.1%}"),
            ("Net", f"{last['net']:.1%}"),
            ("Max drawdown", f"{worst:.1%}"),
        ]
    )


def _account_charts(account: PaperAccount) -> None:
    values = account.values.reset_index()
    view.section("Value and cash", "In the account's currency.")
    drawn = charts.lines(_long(values, ["value", "cash"]), "date", "amount", "what", form="~s")
    view.chart(drawn, "Value and cash", f"value-{account.name}")
    view.section("Exposure", "Gross and net holdings over value.")
    drawn = charts.lines(_long(values, ["gross", "net"]), "date", "amount", "what", form=".0%")
    view.chart(drawn, "Exposure", f"exposure-{account.name}")


def _long(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return table.melt("date", value_vars=columns, var_name="what", value_name="amount")


def _holdings(account: PaperAccount) -> None:
    view.section("Holdings", "Printed shares at raw closes.")
    if account.positions.empty:
        view.tell("Nothing is held.")
    else:
        drawn = charts.bars(account.positions.head(_SHOWN), "symbol", "weight")
        view.chart(drawn, "Holdings over account value", f"holdings-{account.name}")
        formats = {"weight": "percent", "value": "money", "price": "number", "shares": "shares"}
        view.table(account.positions, f"positions-{account.name}.csv", formats=formats)
    if len(account.waiting):
        view.section("Orders that wait")
        view.table(account.waiting, f"waiting-{account.name}.csv", formats={"shares": "shares"})


def _record(account: PaperAccount) -> None:
    view.section(
        "Track record", f"{account.events:,} events in the ledger, each chained to the last."
    )
    view.table(
        account.values[::-1],
        f"values-{account.name}.csv",
        formats=dict.fromkeys(("value", "cash", "long", "short", "margin"), "money")
        | {"gross": "percent", "net": "percent"},
    )
    units = dict.fromkeys(("shares", "held", "price", "reference"), "shares")
    units |= dict.fromkeys(("commission", "paid", "slippage", "amount"), "money")
    parts = {"fills": account.fills, "carry": account.carry, "notes": account.notes}
    for title, table in parts.items():
        if len(table):
            with view.fold(f"{title.capitalize()} ({len(table):,})"):
                formats = {name: form for name, form in units.items() if name in table}
                view.table(table, f"{title}-{account.name}.csv", formats=formats)


def data_page(places: Places, today: dt.date | None = None) -> None:
    """Freshness, gaps and repairs of the data sets."""
    view.heading("Data", "How fresh each data set is, what it lacks, and what was repaired.")
    sets = data_sets(places.data)
    if not sets:
        view.absent(
            f"{places.data} holds no data set.",
            "python -m runs.ingest --symbols-file configs/symbols.csv --out data/mine",
        )
        return
    name = view.choose("Data set", list(sets), "set")
    found = read_set(sets[name])
    view.tell(str(found.manifest.get("title", name)))
    _set_facts(found, today or dt.datetime.now(dt.UTC).date())
    _gaps(found, name)
    view.section("Repairs", "What cleaning changed or dropped, and why.")
    if found.repairs.empty:
        view.tell("Nothing had to be repaired.")
    else:
        view.table(found.repairs, f"repairs-{name}.csv", formats={"dates": "whole"})
    limits = [str(line) for line in found.manifest.get("limits", ())]
    if limits:
        view.section("What the set cannot show")
        for line in limits:
            view.tell(f"· {line}")


def _set_facts(found: DataSet, today: dt.date) -> None:
    newest = found.symbols["last"].dropna().max()
    if not isinstance(newest, str):
        raise DataError("the set holds no bar", "run python -m runs.ingest again")
    age = (today - dt.date.fromisoformat(newest)).days
    view.facts(
        [
            ("Newest bar", newest),
            ("Its age", f"{age:,} days"),
            ("Fetched", str(found.manifest.get("fetch_time") or "from files")[:10]),
            ("Symbols", f"{len(found.symbols):,}"),
            ("Missing bars", f"{found.symbols['missing'].sum():,}"),
            ("Repairs", f"{len(found.repairs):,}"),
        ]
    )
    view.section(
        "Freshness", "Last bars by class; behind counts series that end before the newest."
    )
    view.table(found.classes, "freshness.csv")


def _gaps(found: DataSet, name: str) -> None:
    view.section("Coverage", "Symbols with a bar, by month.")
    drawn = charts.lines(found.coverage, "month", "symbols", "asset_class", form=",.0f")
    view.chart(drawn, "Symbols with a bar, by month", f"coverage-{name}")
    view.section(
        "Gaps",
        "Sessions of its class, between a symbol's first and last bar, that have no bar of it. A "
        "session is a day on which at least half of the class's living series have one.",
    )
    typed = view.search_text("Symbols that contain", f"gap {name}")
    shown = found.symbols
    if typed:
        shown = shown[shown["symbol"].str.lower().str.contains(typed, regex=False)]
    view.table(shown, f"symbols-{name}.csv")
