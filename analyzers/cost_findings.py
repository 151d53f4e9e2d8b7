"""What a cost study found, in sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analyzers.cost_break_even import BREAKS_EVEN, NOTHING_PAID
from analyzers.cost_page_tables import rate
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
    parts = ", ".join(
        f"{name} {number_text(own[f'{name}_bps'], 1)}"
        for name in ("commission", "slippage", "carry")
    )
    return (
        f"Costs took {number_text(own['drag_bps'], 1)} basis points of NAV a year ({parts}). The "
        f"CAGR was {rate(own['cagr'])} after them, and would have been {rate(free['cagr'])} "
        "without commission and slippage."
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
        ends = [_end(half, "half", most), _end(whole, "all", most)]
        said.append(f"Capacity, {model}: of the return over cash {ends[0]}, and {ends[1]}.")
    return said


def _end(row: dict, what: str, most: float) -> str:
    if np.isfinite(row["capital"]):
        return f"{what} is gone at a capital of {amount(row['capital'])}"
    if row["note"].startswith("above"):
        return f"{what} is not gone at {amount(most)}, the largest capital shown"
    return f"{what} is gone {row['note']}"


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
            name = short_label(str(top["part"])).replace(",", ":")
            said.append(f"{by} {name} ({rate(top['share'], 0)})")
    return [f"The largest part of the cost is {'; '.join(said)}."] if said else []


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
