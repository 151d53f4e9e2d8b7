"""A paper account beside the backtest of its configuration: each difference, and why it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from feeds.bar_labels import bar_label
from feeds.panel import Panel
from runs.assemble import Execution, execute
from runs.live_study import LiveStudy, plain_config
from runs.paper_account import changed_keys
from runs.paper_record import Record
from strategies.execution.account_state import row_of
from strategies.execution.ledger import Event

__all__ = ["COLUMNS", "Parity", "Reasons", "compare_with_backtest"]

#: Of the table of differences.
COLUMNS = ("date", "what", "symbol", "paper", "backtest", "difference", "reason")
#: Money that differs by less is the same, in currency; weights, as a share of NAV.
_CENT = 0.005
_SAME_WEIGHT = 1e-12
_KEYS = ["date", "decision_date", "symbol", "reason"]


@dataclass(frozen=True, eq=False)
class Parity:
    """What a comparison has found.

    Parameters
    ----------
    differences : DataFrame
        Columns :data:`COLUMNS`, in order of time. ``what`` is weight, fill (signed money paid
        for assets and commission), carry or value.
    summary : dict
        Counts of what was compared and of what differs, the largest differences, and what can
        make a difference at all.
    """

    differences: pd.DataFrame
    summary: dict[str, Any]


def compare_with_backtest(live: LiveStudy, record: Record, events: Sequence[Event]) -> Parity:
    """Backtest the configuration over the dates of a ledger, on the data of today, and compare.

    Parameters
    ----------
    live : LiveStudy
        Up to the ledger's last bar.
    record : Record
        Of the ledger.
    events : sequence of Event

    Returns
    -------
    Parity
        A difference that nothing in the ledger accounts for has the reason ``unexplained``.
    """
    backtest = execute(record.study, only=("values", "fills", "carry"))
    reasons = Reasons(live, events)
    parts = [
        _weights(record, backtest),
        _fills(record.execution, backtest),
        _carry(record.execution, backtest),
        _values(record.execution, backtest),
    ]
    found = pd.concat([part for part in parts if len(part)] or [_rows([])], ignore_index=True)
    found = found.sort_values("date", kind="stable", ignore_index=True)
    found["reason"] = [
        reasons.of(str(pd.Timestamp(date).date()), what, symbol)
        for date, what, symbol in zip(found["date"], found["what"], found["symbol"], strict=True)
    ]
    return Parity(found[list(COLUMNS)], _summary(record, backtest, found, reasons))


class Reasons:
    """What can make a ledger differ from a backtest of today's data and configuration."""

    def __init__(self, live: LiveStudy, events: Sequence[Event]) -> None:
        self.late = {
            event.bar for event in events if event.kind == "decision" and event.payload["late"]
        }
        #: First revised bar by symbol.
        self.revised: dict[str, str] = {}
        self.corrected = {event.symbol for event in events if event.kind == "correction"}
        #: What was closed as ended for a reason that today's data do not give: first bar, and why.
        self.closed = _closed_otherwise(live.setup.panel, events)
        #: Keys that have changed, by what they are, since the account began.
        self.changed: dict[str, set[str]] = {}
        config: Mapping[str, Any] = {}
        for event in events:
            told = event.payload
            if event.kind == "revision":
                first = min(told["changes"])
                self.revised[event.symbol] = min(first, self.revised.get(event.symbol, first))
            if told.get("note") == "epoch":
                self._change(told["changed"])
            config = told.get("config", config)
        self._change(changed_keys(config, plain_config(live.config)))

    def _change(self, keys: Iterable[str]) -> None:
        for key in keys:
            kind = "costs changed" if key.split(".")[0] == "costs" else "configuration changed"
            self.changed.setdefault(kind, set()).add(key)

    def of(self, date: str, what: str, symbol: str) -> str:
        """What accounts for a difference on a date; several joined by a semicolon."""
        found = [
            f"{kind}: {', '.join(sorted(keys))}" for kind, keys in sorted(self.changed.items())
        ]
        first = self.revised.get(symbol) if symbol else None
        if first is None and self.revised:
            # One price moves the ranks of all, and the value.
            symbol, first = "", min(self.revised.values())
        if first is not None and date >= first:
            found.append(f"revision{f' of {symbol}' if symbol else ''} from {first}")
        # The money is another from that day on, and with it every order and value.
        found += [told for bar, told in self.closed if date >= bar]
        if symbol in self.corrected or (what == "value" and self.corrected):
            found.append("correction")
        if not found and date in self.late:
            found.append("late decision")
        return "; ".join(found) or "unexplained"


def _closed_otherwise(panel: Panel, events: Sequence[Event]) -> list[tuple[str, str]]:
    """Holdings closed as ended whose series went on, or has another reason now: bar and text."""
    found, column_of = [], {name: at for at, name in enumerate(panel.assets.tolist())}
    for event in events:
        if event.payload.get("note") != "delisting" or event.symbol not in column_of:
            continue
        was = event.payload["detail"].rpartition(" as ")[2]
        column, row = column_of[event.symbol], row_of(panel, event.bar)
        later = np.flatnonzero(panel.tradable[row + 1 :, column])
        now = "data_end" if len(later) else str(panel.end_reason[column])
        if was == now:
            continue
        told = f"{event.symbol} was closed on {event.bar} as {was}"
        if len(later):
            told += f" and resumed on {bar_label(panel.dates[row + 1 + later[0]])}"
        else:
            told += f", which is {now} now"
        found.append((event.bar, told))
    return found


def _weights(record: Record, backtest: Execution) -> pd.DataFrame:
    panel, rows = record.study.panel, []
    for paper, other in zip(record.execution.decisions, backtest.decisions, strict=True):
        differ = np.flatnonzero(np.abs(paper.weights - other.weights) > _SAME_WEIGHT)
        date = panel.dates[paper.row].astype("datetime64[ns]")
        for at in differ.tolist():
            one, two = float(paper.weights[at]), float(other.weights[at])
            rows.append((date, "weight", str(panel.assets[at]), one, two))
    return _rows(rows)


def _fills(paper: Execution, backtest: Execution) -> pd.DataFrame:
    sums = [_paid(execution.tables["fills"]) for execution in (paper, backtest)]
    both = pd.concat(sums, axis=1, keys=["paper", "backtest"]).fillna(0.0)
    both = both[(both["paper"] - both["backtest"]).abs() > _CENT]
    return _rows(
        [(key[0], "fill", key[2], one, two) for key, one, two in both.itertuples(name=None)]
    )


def _paid(fills: pd.DataFrame) -> pd.Series:
    """Money by fill: paid for assets and commission is positive."""
    worth = fills["size"] * fills["price"] + fills["commission"]
    never = pd.Timestamp("1900-01-01")
    keys = [fills[name].fillna(never) if name == "decision_date" else fills[name] for name in _KEYS]
    return worth.groupby(keys, sort=True).sum()


def _carry(paper: Execution, backtest: Execution) -> pd.DataFrame:
    sums = [
        execution.tables["carry"].groupby(["date", "symbol"])["amount"].sum()
        for execution in (paper, backtest)
    ]
    both = pd.concat(sums, axis=1, keys=["paper", "backtest"]).fillna(0.0)
    both = both[(both["paper"] - both["backtest"]).abs() > _CENT]
    return _rows(
        [(key[0], "carry", key[1], one, two) for key, one, two in both.itertuples(name=None)]
    )


def _values(paper: Execution, backtest: Execution) -> pd.DataFrame:
    both = pd.concat(
        [execution.tables["values"]["value"] for execution in (paper, backtest)],
        axis=1,
        keys=["paper", "backtest"],
    )
    differ = ~((both["paper"] - both["backtest"]).abs() <= _CENT)
    return _rows(
        [(date, "value", "", one, two) for date, one, two in both[differ].itertuples(name=None)]
    )


def _rows(rows: list[tuple]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["date", "what", "symbol", "paper", "backtest"])
    table["date"] = pd.to_datetime(table["date"])
    table["difference"] = table["paper"].astype(float) - table["backtest"].astype(float)
    return table


def _summary(
    record: Record, backtest: Execution, found: pd.DataFrame, reasons: Reasons
) -> dict[str, Any]:
    largest = found["difference"].abs().groupby(found["what"]).max()
    values = record.execution.tables["values"]["value"]
    decisions = record.execution.decisions
    return {
        "start": str(values.index[0].date()),
        "end": str(values.index[-1].date()),
        "decisions": len(decisions),
        "late_decisions": len(reasons.late),
        "fills": len(record.execution.tables["fills"]),
        "backtest_fills": len(backtest.tables["fills"]),
        "sessions": len(values),
        "differences": len(found),
        "unexplained": int((found["reason"] == "unexplained").sum()),
        "largest": {str(name): float(value) for name, value in largest.items()},
        "final_value": float(values.iloc[-1]),
        "backtest_final_value": float(backtest.tables["values"]["value"].iloc[-1]),
        "revised_symbols": sorted(reasons.revised),
        "corrected_symbols": sorted(reasons.corrected),
        "closed_otherwise": [told for _, told in reasons.closed],
        "configuration_changes": sorted(set().union(*reasons.changed.values())),
        "dividends": "reinvested at the close of the ex-date, as in the backtest",
    }
