"""FactorRebalance for one bar at a time: it remembers between bars what it would in a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from feeds.bar_labels import bar_label
from strategies.execution.account_state import columns_of, row_of
from strategies.factor_rebalance import FactorRebalance
from strategies.spread import SpreadPlan

__all__ = ["ResumedRebalance"]


class ResumedRebalance(FactorRebalance):
    """The strategy at the last row of its panel, gone on from the row before.

    Parameters
    ----------
    resumed : mapping, optional
        What :meth:`remembered` gave at the row before; None for a beginning.
    before : int
        That row; -1 for a beginning.
    """

    params = (("resumed", None), ("before", -1))

    def __init__(self) -> None:
        super().__init__()
        told = self.p.resumed
        if told is None:
            return
        if self._watch is not None:
            self._watch.restore(self._stops(told["stops"] or {}))
        if told["spread"] is not None and self.p.orders.spread_over > 1:
            self._spread = self._spread_plan(told["spread"])

    @property
    def wake_rows(self) -> list[int]:
        """The last row alone."""
        return [self.p.panel.shape[0] - 1]

    def remembered(self) -> dict[str, Any]:
        """What has to be known at the next row, in symbols, dates and printed shares.

        ``stops``: a mapping a holding, None where there are no stops; ``spread``: the rebalance
        under way, None where there is none.
        """
        return {"stops": self._told_stops(), "spread": self._told_spread()}

    def _told_stops(self) -> dict[str, Any] | None:
        if self._watch is None:
            return None
        panel, saved = self.p.panel, self._watch.saved()
        row, told = panel.shape[0] - 1, {}
        followed = (saved["size"] != 0) | (saved["stopped"] >= 0)
        for column in np.flatnonzero(followed).tolist():
            adjustment = float(panel.adjustment_at(row, np.array([column]))[0])
            stopped = int(saved["stopped"][column])
            told[str(panel.assets[column])] = {
                "size": float(saved["size"][column]) * adjustment,
                "entry": _number(saved["entry"][column] / adjustment),
                "best": _number(saved["best"][column] / adjustment),
                "stopped": bar_label(panel.dates[stopped]) if stopped >= 0 else None,
                "leaving": bool(saved["leaving"][column]),
            }
        return told

    def _stops(self, told: Mapping[str, Any]) -> dict[str, np.ndarray]:
        panel, saved = self.p.panel, self._watch.saved()
        names = sorted(set(told) & set(panel.assets.tolist()))
        columns = columns_of(panel, names)
        adjustment = panel.adjustment_at(self.p.before, columns)
        for name, column, factor in zip(names, columns.tolist(), adjustment.tolist(), strict=True):
            one = told[name]
            saved["size"][column] = one["size"] / factor
            for price in ("entry", "best"):
                saved[price][column] = np.nan if one[price] is None else one[price] * factor
            stopped = one["stopped"]
            saved["stopped"][column] = -1 if stopped is None else row_of(panel, stopped)
            saved["leaving"][column] = one["leaving"]
        return saved

    def _told_spread(self) -> dict[str, Any] | None:
        spread, panel = self._spread, self.p.panel
        if spread is None or not len(spread.column):
            return None
        start, goal, parts = spread.progress
        adjustment = panel.adjustment_at(panel.shape[0] - 1, spread.column)
        numbers = zip(
            (start * adjustment).tolist(), (goal * adjustment).tolist(), parts.tolist(), strict=True
        )
        names = panel.assets[spread.column].tolist()
        return {
            "decided": bar_label(panel.dates[spread.row]),
            "sessions": spread.sessions,
            "instant": spread.instant,
            "tickets": dict(zip(names, map(list, numbers), strict=True)),
        }

    def _spread_plan(self, told: Mapping[str, Any]) -> SpreadPlan:
        panel, names = self.p.panel, sorted(told["tickets"])
        columns = columns_of(panel, names)
        order = np.argsort(columns, kind="stable")
        columns = columns[order]
        tickets = np.array([told["tickets"][name] for name in names], dtype=float)[order]
        adjustment = panel.adjustment_at(self.p.before, columns)
        return SpreadPlan.resumed(
            row_of(panel, told["decided"]),
            columns,
            tickets[:, 0] / adjustment,
            tickets[:, 1] / adjustment,
            tickets[:, 2].astype(int),
            told["sessions"],
            told["instant"],
        )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
