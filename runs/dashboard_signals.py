"""Signals as they are drawn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from feeds.errors import DataError
from runs.dashboard_files import read_document

__all__ = ["Signal", "bars_of", "live_facts", "live_warning", "read_signal"]

_FIRST = ("rank", "symbol", "asset_class", "weight", "held_weight", "change", "why", "score")
_LAST = ("price", "price_date", "age_sessions", "eligible")
_ORDERS = ("symbol", "side", "shares", "price", "value", "fill", "decided", "reason")
_SOURCES = ("source", "asset_class", "symbols", "newest", "oldest", "age_sessions", "behind")
_NEEDED = ("as_of", "decided", "next_decision", "account", "assets", "orders", "staleness")
#: Sessions without a bar after which a source is called old.
_OLD = 5
#: After this a live session whose next poll is overdue is taken for dead.
_OVERDUE = dt.timedelta(minutes=5)


@dataclass(frozen=True, eq=False)
class Signal:
    """One bar's signals.

    Parameters
    ----------
    told : mapping
        The whole of ``signals.json``.
    assets, orders, sources, reports : DataFrame
        Its lists, as tables; factors are columns of `assets`.
    factors : list of str
    warnings : list of str
        What is stale or late, a sentence each.
    """

    told: Mapping[str, Any]
    assets: pd.DataFrame
    orders: pd.DataFrame
    sources: pd.DataFrame
    reports: pd.DataFrame
    factors: list[str]
    warnings: list[str]

    def filtered(self, asset_class: str | None, typed: str, only_held: bool) -> pd.DataFrame:
        """Assets of a class, whose symbol contains `typed`, that are held or wanted."""
        shown = self.assets
        if asset_class is not None:
            shown = shown[shown["asset_class"] == asset_class]
        if typed:
            shown = shown[shown["symbol"].str.lower().str.contains(typed, regex=False)]
        if only_held:
            shown = shown[shown[["weight", "held_weight"]].fillna(0.0).ne(0.0).any(axis=1)]
        return shown.reset_index(drop=True)

    @staticmethod
    def weights(assets: pd.DataFrame) -> pd.DataFrame:
        """symbol, what (held, wanted), weight: assets with either, largest wanted first."""
        both = assets.fillna({"weight": 0.0, "held_weight": 0.0})
        both = both[(both["weight"] != 0) | (both["held_weight"] != 0)]
        both = both.sort_values("weight", ascending=False, kind="stable")
        named = both.rename(columns={"weight": "wanted", "held_weight": "held"})
        long = named.melt("symbol", ["wanted", "held"], "what", "weight")
        order = {symbol: k for k, symbol in enumerate(named["symbol"])}
        return long.sort_values("symbol", key=lambda s: s.map(order), kind="stable")


def bars_of(folder: Path) -> list[str]:
    """ISO dates of the bars of which signals were kept, the latest first."""
    return sorted((path.stem for path in (folder / "history").glob("*.json")), reverse=True)


def read_signal(folder: Path, bar: str | None = None) -> Signal:
    """The latest signals of a folder, or those of an earlier bar.

    Raises
    ------
    DataError
        If the file is missing, damaged or of a later version.
    """
    path = folder / "history" / f"{bar}.json" if bar else folder / "signals.json"
    told = read_document(path)
    if told.get("schema") != 1:
        raise DataError(
            f"{path}: schema {told.get('schema')!r}, and 1 is known", "update the program"
        )
    try:
        absent = [name for name in _NEEDED if name not in told]
        if absent:
            raise KeyError(absent[0])
        factors = list(told["assets"][0]["factors"]) if told["assets"] else []
        rows = [{**asset, **asset["factors"]} for asset in told["assets"]]
        return Signal(
            told,
            _table(rows, (*_FIRST, *factors, *_LAST)),
            _table(told["orders"], _ORDERS),
            _table(_joined(told["staleness"]), _SOURCES),
            pd.DataFrame(told.get("reports", []), columns=["symbol", "kind", "detail"]),
            factors,
            _warnings(told),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: damaged (no {error})", "run python -m runs.signals again"
        ) from None


def live_warning(status: Mapping[str, Any], now: dt.datetime) -> str | None:
    """What is wrong with a live session, by its ``status.json``; None where nothing is."""
    if status.get("state") == "stopped":
        return None
    try:
        due = dt.datetime.fromisoformat(str(status["next_poll"]))
    except (KeyError, ValueError):
        due = None
    if due is not None and due.replace(tzinfo=due.tzinfo or dt.UTC) + _OVERDUE < now:
        return f"Its next poll was due at {status['next_poll']}: the session was killed or hangs."
    if status.get("state") == "fault":
        return "Its last poll failed, and it will try again."
    return None


def live_facts(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every figure of a ``status.json`` with its name, those of its parts after the rest."""
    plain = [(key, _short(value)) for key, value in status.items() if not isinstance(value, dict)]
    parts = [value for value in status.values() if isinstance(value, dict)]
    return plain + [pair for part in parts for pair in live_facts(part)]


def _short(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame([[row[name] for name in columns] for row in rows], columns=list(columns))


def _joined(sources: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**source, "behind": ", ".join(source["behind"])} for source in sources]


def _warnings(told: Mapping[str, Any]) -> list[str]:
    lines = []
    for source in told["staleness"]:
        age, kind = source["age_sessions"], source["asset_class"]
        if age is not None and age > _OLD:
            lines.append(
                f"The newest {kind} bar of {source['source']} is of {source['newest']}, "
                f"{age} sessions before the signal: refresh the data set."
            )
    if told.get("late"):
        lines.append("Later bars were there already when this bar was decided: it is marked late.")
    return lines
