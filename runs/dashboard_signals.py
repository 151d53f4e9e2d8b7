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

__all__ = [
    "Signal",
    "bars_of",
    "live_facts",
    "live_state",
    "read_signal",
    "spoken",
    "stamps_of",
]

_FIRST = ("rank", "symbol", "weight", "held_weight", "change", "asset_class", "why", "score")
_LAST = ("price", "price_date", "age_sessions", "eligible")
_ORDERS = ("symbol", "side", "shares", "price", "value", "fill", "decided", "reason")
_SOURCES = ("source", "asset_class", "symbols", "newest", "oldest", "age_sessions", "behind")
_NEEDED = ("as_of", "decided", "next_decision", "account", "assets", "orders", "staleness")
#: Sessions without a bar after which a source is called old.
_OLD = 5
#: After this a live session whose next poll is overdue is taken for dead.
_OVERDUE = dt.timedelta(minutes=5)
#: So is one whose poll, with all its retries, has not ended after this.
_LONGEST_POLL = dt.timedelta(minutes=30)


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


def stamps_of(bars: pd.Series) -> pd.Series:
    """Bars of days (ISO dates) and of hours (stamps in UTC) as dates without a zone."""
    return pd.to_datetime(bars, utc=True, format="ISO8601").dt.tz_localize(None)


def spoken(bar: object) -> str:
    """A bar or a moment as people read it: a date, with hours and minutes of UTC if it has some."""
    text = str(bar)
    return f"{text[:10]} {text[11:16]} UTC" if "T" in text else text


def live_state(status: Mapping[str, Any], now: dt.datetime) -> tuple[str, str]:
    """How a live session fares by its ``status.json``: a level and a sentence.

    Returns
    -------
    (str, str)
        ``good`` (at work), ``rest`` (stopped on purpose), ``warning`` (a poll failed, and it tries
        again) or ``error`` (killed, or it hangs).
    """
    state, updated = str(status.get("state")), spoken(status.get("updated") or "a time not noted")
    if state == "stopped":
        return "rest", f"Stopped at {updated}: nothing is polled until it is started again."
    due, written = (_moment(status.get(key)) for key in ("next_poll", "updated"))
    if due is not None and due + _OVERDUE < now:
        return "error", (
            f"Its next poll was due at {spoken(status['next_poll'])}: the session was killed or "
            "hangs. Start it again; it goes on after the last bar."
        )
    if state == "polling" and written is not None and written + _LONGEST_POLL < now:
        return "error", (
            f"Its poll of {updated} did not end: the session was killed or hangs. Start it again; "
            "it goes on after the last bar."
        )
    if state == "fault":
        again = f" at {spoken(status['next_poll'])}" if due is not None else ""
        last = str((status.get("faults") or {}).get("last") or "no reason was noted")
        return "warning", f"Its last poll failed, and it will try again{again}. {last}"
    if state == "polling":
        return "good", f"At work: it polls since {updated}."
    if state == "waiting" and due is not None:
        return "good", f"At work: its next poll is due at {spoken(status['next_poll'])}."
    return "warning", f"Its state is {state}, which this version does not know."


def live_facts(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The figures of a ``status.json`` that are known, as they are shown."""
    faults, drifted = status.get("faults") or {}, status.get("neutrality") or {}
    bands = drifted.get("bands") or {}
    facts = [("Last bar", spoken(status.get("last_bar") or "none yet"))]
    if isinstance(status.get("value"), (int, float)):
        facts.append(("Value", f"{status['value']:,.0f}"))
    if drifted:
        facts += [
            (label, f"{drifted[key]:+{form}} of ±{bands[key]:{form}}")
            for label, key, form in (
                ("Net, of its band", "dollar", ".2%"),
                ("Beta, of its band", "beta", ".3f"),
            )
            if key in drifted and key in bands
        ]
        facts.append(("Within its bands", "yes" if drifted.get("within") else "no"))
        facts.append(("Brought back by this bar", "yes" if drifted.get("forced") else "no"))
    behind = status.get("behind") or []
    facts.append(("Waits for bars of", ", ".join(map(str, behind)) or "none"))
    facts.append(
        ("Faults", f"{faults.get('in_a_row', 0)} in a row, {faults.get('total', 0)} in all")
    )
    return facts


def _moment(text: object) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or dt.UTC)


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
