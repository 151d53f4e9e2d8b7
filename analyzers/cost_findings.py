"""What a cost study found, in sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analyzers.cost_break_even import BREAKS_EVEN, NOTHING_PAID
from analyzers.cost_page_tables import rate
from analyzers.cost_sources import COST_KINDS
from analyzers.cost_study import CostStudy
from analyzers.study_labels import number_text, short_label
from analyzers.style import amount

__all__ = ["cost_findings"]


def cost_findings(study: CostStudy) -> list[str]:
    """The answers in short: what was kept, what can be borne, how much money, and how surely."""
    own = study.scales[study.scales["method"] == "re-priced"].set_index("scale")
    return [
        _kept(own.loc[1.0], own.loc[0.0]),
        *_break_even(study),
        *_grid(study),
        *_capacity(study),
        *_sources(study),
        *_bands(study),
    ]


def _kept(own: pd.Series, free: pd.Series) -> str:
    bps = {name: own[f"{name}_bps"] for name in COST_KINDS}
    text = {name: number_text(abs(value), 1) for name, value in bps.items()}
    if bps["carry"] >= 0:
        parts = ", ".join(f"{name} {text[name]}" for name in COST_KINDS)
        said = f"Costs took {number_text(own['drag_bps'], 1)} basis points of NAV a year ({parts})."
    else:
        said = (
            f"Commission took {text['commission']} and slippage {text['slippage']} basis points "
            f"of NAV a year; carry, interest on cash in it, brought {text['carry']}."
        )
    return (
        f"{said} The CAGR was {rate(own['cagr'])} after them, and would have been "
        f"{rate(free['cagr'])} without commission and slippage."
    )


def _break_even(study: CostStudy) -> list[str]:
    own = study.break_even.iloc[0]
    if own["verdict"] != BREAKS_EVEN:
        why = "it paid nothing" if own["verdict"] == NOTHING_PAID else f"it {own['verdict']}"
        return [f"The strategy has no break-even cost: {why}."]
    said = (
        f"The same fills may cost {own['scale']:,.1f} times as much, "
        f"{number_text(own['bps'], 0)} basis points of traded value in place of "
        f"{number_text(own['realised_bps'], 1)}, before they earn no more than cash"
    )
    again = study.break_even[study.break_even["method"] == "re-run"]
    if len(again) and np.isfinite(again["scale"].iloc[0]):
        said += f"; run again under such costs, {again['scale'].iloc[0]:,.1f} times"
    return [f"{said}."]


def _grid(study: CostStudy) -> list[str]:
    part = study.grid[study.grid["scale"] == 1.0].dropna(subset=["sharpe"])
    if len(part) < 2:
        return []
    best, worst = (part.loc[part["sharpe"].agg(which)] for which in ("idxmax", "idxmin"))
    cells = [
        f"{number_text(row['sharpe'], 2)} (commission {row['commission']}, slippage "
        f"{row['slippage']})"
        for row in (worst, best)
    ]
    return [f"Over the grid the Sharpe ratio lies between {cells[0]} and {cells[1]}."]


def _capacity(study: CostStudy) -> list[str]:
    said = []
    for model, part in study.capacity_limits.groupby("model", sort=False):
        half, whole = part.to_dict("records")
        if not np.isfinite(half["level"]):
            said.append(f"Capacity, {model}: the run {half['note']}.")
            continue
        most = study.capacity.loc[study.capacity["model"] == model, "capital"].max()
        said.append(f"Capacity, {model}: {_ends(half, whole, most)}.")
    return said


def _ends(half: dict, whole: dict, most: float) -> str:
    """At which capital half of the return over cash is gone, and all of it."""
    largest = f"at {amount(most)}, the largest capital shown"
    if half["note"].startswith("above"):
        return f"more than half of the return over cash is left {largest}"
    ends = []
    for row in (half, whole):
        known = np.isfinite(row["capital"])
        ends.append(f"at {amount(row['capital'])}" if known else row["note"])
    text = f"half of the return over cash is gone {ends[0]}"
    if whole["note"].startswith("above"):
        return f"{text}, and some of it is left {largest}"
    return f"{text}, and all of it {ends[1]}"


def _sources(study: CostStudy) -> list[str]:
    if not study.sources["total"].abs().max() > 0:
        return []
    said = []
    for dimension, by in (
        ("side and action", "by side and action"),
        ("asset class", "by asset class"),
        ("factor, by change of score", "by the changes of score that led to trades"),
    ):
        part = study.sources[study.sources["dimension"] == dimension]
        if len(part):
            top = part.loc[part["total"].idxmax()]
            said.append(f"{short_label(str(top['part']))} ({rate(top['share'], 0)}) {by}")
    return [f"The largest parts of the cost: {'; '.join(said)}."] if said else []


def _bands(study: CostStudy) -> list[str]:
    said = []
    for row in study.outcomes[study.outcomes["metric"] == "sharpe"].to_dict("records"):
        if np.isfinite(row["p5"]):
            said.append(
                f"{number_text(row['p5'], 3)} to {number_text(row['p95'], 3)} ({row['noise']})"
            )
    if not said:
        return []
    text = f"Under sampled slippage nine in ten of {study.paths:,} paths have a Sharpe ratio of "
    return [f"{text}{', or '.join(said)}."]
