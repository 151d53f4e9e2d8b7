"""The pages of signals and of data sets."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from feeds.errors import DataError
from runs import dashboard_charts as charts
from runs import dashboard_view as view
from runs.dashboard_files import Places, data_sets, read_document
from runs.dashboard_sets import DataSet, read_set
from runs.dashboard_signals import Signal, bars_of, live_facts, live_state, read_signal, spoken

__all__ = ["data_page", "signals_page"]

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
            ("As of", spoken(told["as_of"])),
            ("Decided on it", "yes" if told["decided"] else "no"),
            ("Next decision", spoken(told["next_decision"] or "not known")),
            ("Orders that wait", f"{len(signal.orders):,}"),
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
    view.state(*live_state(status, dt.datetime.now(dt.UTC)))
    view.facts(live_facts(status))


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
    # Columns that say the same of every asset take room from those that do not.
    idle = {"why": shown["why"].eq("").all(), "eligible": shown["eligible"].all()}
    view.table(
        shown,
        f"signals-{name}-{signal.told['as_of']}.csv",
        labels={"weight": "wanted", "held_weight": "held", "why": "why not",
                "age_sessions": "price age"},
        formats=percent | fine | {"price": "number", "rank": "whole", "age_sessions": "whole"},
        pinned=("rank", "symbol"),
        hidden=[column for column, told in idle.items() if told],
    )  # fmt: skip
    weights = signal.weights(shown).head(2 * _SHOWN)
    if len(weights):
        count = weights["symbol"].nunique()
        most = f" The {_SHOWN} most wanted." if count == _SHOWN else ""
        view.section("Held and wanted", f"Signed value over account value.{most}")
        drawn = charts.bars(weights, "symbol", "weight", series="what", axis_form=".0%")
        view.chart(drawn, "Held and wanted", f"weights-{name}-{signal.told['as_of']}")


def _orders(signal: Signal, name: str) -> None:
    orders, bar = signal.orders, signal.told["as_of"]
    view.section("Orders that wait", "They fill at the next bar, at its open or its close.")
    if orders.empty:
        view.tell("None: nothing was decided on this bar, or nothing has to change.")
    else:
        value = orders["value"].astype(float)
        view.tell(
            f"{len(orders):,} orders: {value.clip(lower=0).sum():,.0f} to buy, "
            f"{-value.clip(upper=0).sum():,.0f} to sell at the last prices."
        )
        view.table(
            orders.assign(fill=orders["fill"].str.replace("_", " ")),
            f"orders-{name}-{bar}.csv",
            formats={"price": "number", "value": "money", "shares": "shares"},
            pinned=("symbol",),
        )
    view.section("Sources", "The newest and the oldest last bar of each, and who is behind.")
    labels = {"age_sessions": "age, sessions"}
    view.table(signal.sources, f"sources-{name}-{bar}.csv", labels=labels)
    if len(signal.reports):
        view.section("Reports", "What the strategy and the account have to say of this bar.")
        view.table(signal.reports, f"reports-{name}-{bar}.csv")
    view.tell(
        f"Data {signal.told['data_hash'][:12]}, configuration {signal.told['config_hash'][:12]}."
    )


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
    _set_facts(found, name, today or dt.datetime.now(dt.UTC).date())
    _gaps(found, name)
    view.section("Repairs", "What cleaning changed or dropped, and why.")
    if found.repairs.empty:
        view.tell("Nothing had to be repaired.")
    else:
        view.table(
            found.repairs, f"repairs-{name}.csv", formats={"dates": "whole"}, pinned=("symbol",)
        )
    limits = [str(line) for line in found.manifest.get("limits", ())]
    if limits:
        view.section("What the set cannot show")
        for line in limits:
            view.tell(f"· {line}")


def _set_facts(found: DataSet, name: str, today: dt.date) -> None:
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
    counts = dict.fromkeys(("symbols", "behind", "missing"), "whole")
    view.table(found.classes, f"freshness-{name}.csv", formats=counts, pinned=("asset_class",))


def _gaps(found: DataSet, name: str) -> None:
    view.section("Coverage", "Symbols with a bar, by month.")
    drawn = charts.lines(
        found.coverage, "month", "symbols", "asset_class", form=",.0f", zero=True, height=200
    )
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
    if shown.empty:
        view.tell("No symbol is like that: change the filter.")
        return
    counts = dict.fromkeys(("bars", "missing", "longest_gap"), "whole")
    view.table(shown, f"symbols-{name}.csv", formats=counts, pinned=("symbol",))
