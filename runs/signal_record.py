"""What to hold after the latest bar, asset by asset: plain data, the same whenever it is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from feeds.bar_labels import bar_label
from feeds.store import read_manifest
from runs.decisions import next_decision
from runs.live_study import LiveStudy, plain_config
from runs.paper_account import changed_keys
from strategies.execution.ledger import Event
from strategies.execution.replay import PaperBook
from strategies.targets import TargetMaker

__all__ = ["SCHEMA", "signal_record"]

#: Of signals.json.
SCHEMA = 1
#: What a revision is of.
_READ = {"closes": "closes", "steps": "splits or dividends", "digest": "the data set's closes"}
#: Characters of a changed value.
_LONGEST_VALUE = 40


def signal_record(
    live: LiveStudy, book: PaperBook, events: Sequence[Event], head: str
) -> dict[str, Any]:
    """The signal of the latest bar.

    Weights are those of the decision in the ledger where the bar decides, and otherwise what
    would be decided if it did.

    Parameters
    ----------
    live : LiveStudy
    book : PaperBook
        At the close of the latest bar.
    events : sequence of Event
        Of the ledger: those of the latest bar and all revisions at least.
    head : str
        Hash of its last event.

    Returns
    -------
    dict
        As described in `docs/signals.md`; nothing in it depends on the clock.
    """
    panel = live.study.panel
    decided = book.decision_bar == live.bar
    held = _held_weights(live, book)
    if decided:
        weights = np.array([book.decision["weights"].get(name, 0.0) for name in panel.assets])
        reports = [tuple(report) for report in book.decision["reports"]]
    else:
        maker = TargetMaker(panel, live.study.signals, live.setup.portfolio)
        target = maker.target(len(live.study.signals.rows) - 1, held)
        weights, reports = target.weights, target.reports
    following = next_decision(live.study.config, panel)
    return {
        "schema": SCHEMA,
        "name": live.study.config.name,
        "as_of": live.bar,
        "decided": decided,
        "late": bool(decided and book.decision["late"]),
        "next_decision": None if following is None else bar_label(following),
        "data_hash": live.data_hash,
        "config_hash": live.config_hash,
        "ledger_head": head,
        "account": _account(book),
        "printed": bool((panel.price_kind == "traded").all()),
        "limits": list(live.study.data.limits),
        "staleness": _staleness(live),
        "assets": _assets(live, weights, held),
        "orders": _orders(live, book),
        "reports": [*_told(reports), *_noted(events, live.bar), *_changed(live, book)],
    }


def _account(book: PaperBook) -> dict[str, float]:
    gross = (book.long - book.short) / book.value if book.value > 0 else 0.0
    net = (book.long + book.short) / book.value if book.value > 0 else 0.0
    return {"value": book.value, "cash": book.cash, "gross": gross, "net": net}


def _held_weights(live: LiveStudy, book: PaperBook) -> np.ndarray:
    """(N,) signed weights of what is held, on the last marks."""
    panel = live.study.panel
    row, every = panel.shape[0] - 1, np.arange(panel.shape[1])
    shares = np.array([book.held.get(name, 0.0) for name in panel.assets.tolist()])
    if book.value <= 0 or not shares.any():
        return np.zeros(len(shares))
    raw = panel.mark_at(row, every) / panel.adjustment_at(row, every)
    return np.where(shares != 0, shares * raw / book.value, 0.0)


def _assets(live: LiveStudy, weights: np.ndarray, held: np.ndarray) -> list[dict[str, Any]]:
    """Every asset of the universe, best score first, those without one by name."""
    study, panel = live.study, live.study.panel
    row, every = panel.shape[0] - 1, np.arange(panel.shape[1])
    bars, score = panel.last_bar(row, every), study.scores.composite[-1]
    prices = panel.mark_at(row, every) / panel.adjustment_at(row, every)
    ranks = _ranks(live, score)
    factors = {name: raw[-1] for name, raw in zip(study.scores.columns, study.scores.raw)}
    names = panel.assets.tolist()
    order = sorted(
        every.tolist(), key=lambda at: (-np.nan_to_num(score[at], nan=-np.inf), names[at])
    )
    return [
        {
            "symbol": names[at],
            "asset_class": str(panel.asset_class[at]),
            "eligible": bool(study.signals.eligible[-1, at]),
            "why": _why(live, at, int(bars[at])),
            "factors": {name: _number(values[at]) for name, values in factors.items()},
            "score": _number(score[at]),
            "rank": None if np.isnan(ranks[at]) else int(ranks[at]),
            "weight": float(weights[at]),
            "held_weight": float(held[at]),
            "change": float(weights[at] - held[at]),
            "price": _number(prices[at]),
            "price_date": bar_label(panel.dates[bars[at]]) if bars[at] >= 0 else None,
            "age_sessions": row - int(bars[at]) if bars[at] >= 0 else None,
        }
        for at in order
    ]


def _ranks(live: LiveStudy, score: np.ndarray) -> np.ndarray:
    """(N,) rank from the best, 1, within the class where classes have sleeves, else among all."""
    by_class = live.study.config.portfolio.sleeves is not None
    pool = live.study.panel.asset_class if by_class else np.zeros(len(score))
    known = np.where(live.study.signals.eligible[-1], score, np.nan)
    return pd.Series(-known).groupby(pool).rank(method="min").to_numpy()


def _why(live: LiveStudy, at: int, bar: int) -> str:
    """Why an asset is not eligible, or is not ranked; empty where it is."""
    study, panel = live.study, live.study.panel
    row = panel.shape[0] - 1
    if bar < 0:
        return "no bar yet"
    if not panel.member[row, at]:
        return "not in the universe on this date"
    if bar < row:
        return f"no bar since {bar_label(panel.dates[bar])}"
    if not study.signals.eligible[-1, at]:
        return "below a floor of data.investable"
    if np.isfinite(study.scores.composite[-1, at]):
        return ""
    unknown = [
        name
        for name, raw in zip(study.scores.columns, study.scores.raw)
        if not np.isfinite(raw[-1, at])
    ]
    needed = study.config.preprocess.min_factors
    if unknown:
        return f"not known: {', '.join(unknown)}; preprocess.min_factors is {needed}"
    return "no score after preprocessing"


def _orders(live: LiveStudy, book: PaperBook) -> list[dict[str, Any]]:
    """Tickets that wait for the next bar, in printed shares, by name."""
    panel = live.study.panel
    row, found = panel.shape[0] - 1, []
    for plan in book.close["pending"]:
        for name, (reduce, increase, _) in sorted(plan["tickets"].items()):
            column = np.flatnonzero(panel.assets == name)
            price = float(panel.mark_at(row, column)[0] / panel.adjustment_at(row, column)[0])
            shares = reduce + increase
            found.append(
                {
                    "symbol": name,
                    "side": "buy" if shares > 0 else "sell",
                    "shares": shares,
                    "reduce": reduce,
                    "increase": increase,
                    "fill": f"next_{plan['instant']}",
                    "decided": plan["decided"],
                    "reason": plan["reason"],
                    "price": price,
                    "value": shares * price,
                }
            )
    return found


def _staleness(live: LiveStudy) -> list[dict[str, Any]]:
    """By source and asset class, how old the newest bars are, and who has none today."""
    panel = live.study.panel
    manifest = read_manifest(live.study.data.folder)
    series = manifest.get("series", {})
    row, every = panel.shape[0] - 1, np.arange(panel.shape[1])
    bars = panel.last_bar(row, every)
    groups: dict[tuple[str, str], list[int]] = {}
    for at in np.flatnonzero(panel.member[row] & (bars >= 0)).tolist():
        name = str(panel.assets[at])
        source = series.get(name, {}).get("source", manifest.get("source", ""))
        groups.setdefault((str(source), str(panel.asset_class[at])), []).append(at)
    found = []
    for (source, asset_class), columns in sorted(groups.items()):
        of_group = bars[columns]
        behind = sorted(str(panel.assets[at]) for at in columns if bars[at] < row)
        found.append(
            {
                "source": source,
                "asset_class": asset_class,
                "symbols": len(columns),
                "newest": bar_label(panel.dates[of_group.max()]),
                "oldest": bar_label(panel.dates[of_group.min()]),
                "age_sessions": row - int(of_group.max()),
                "behind": behind,
            }
        )
    return found


def _told(reports: Sequence[tuple[str, str, str]]) -> list[dict[str, str]]:
    return [{"symbol": symbol, "kind": kind, "detail": detail} for symbol, kind, detail in reports]


def _noted(events: Sequence[Event], bar: str) -> list[dict[str, str]]:
    """What the ledger notes of the bar itself, and of revisions that were found at it."""
    found = []
    for event in events:
        told = event.payload
        if event.kind in ("revision", "correction"):
            if told["found"] == bar:
                detail = told.get("why") or (
                    f"{_READ[told['column']]} of {len(told['changes'])} used bars read otherwise "
                    "now; what was traded stands"
                )
                found.append({"symbol": event.symbol, "kind": event.kind, "detail": detail})
        elif event.bar == bar and event.kind == "note":
            if "detail" in told:
                detail = told["detail"]
            elif told["note"] == "epoch":
                detail = f"the configuration has changed: {_told_changes(told['changed'])}"
            else:
                continue
            found.append({"symbol": event.symbol, "kind": told["note"], "detail": detail})
    return found


def _changed(live: LiveStudy, book: PaperBook) -> list[dict[str, str]]:
    """A bar that is booked stays as it is: another configuration begins with the next one."""
    if book.config_hash == live.config_hash:
        return []
    keys = changed_keys(book.config, plain_config(live.study.config))
    detail = f"counts from the next bar on: {_told_changes(keys)}"
    return [{"symbol": "", "kind": "configuration", "detail": detail}]


def _told_changes(changed: Mapping[str, Sequence[Any]]) -> str:
    """Keys and what they were and are, in the words of the configuration."""
    return ", ".join(
        f"{key} {_told_value(before)} -> {_told_value(after)}"
        for key, (before, after) in changed.items()
    )


def _told_value(value: Any) -> str:
    text = "nothing" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
