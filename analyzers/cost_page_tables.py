"""The tables of a cost study as text, for its page and the terminal."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analyzers.cost_break_even import BREAKS_EVEN
from analyzers.cost_study import CostStudy
from analyzers.study_labels import number_text, short_label
from analyzers.study_page_tables import PageTable

__all__ = [
    "break_even_table",
    "capacity_matrix",
    "capacity_table",
    "check_table",
    "grid_matrix",
    "grid_table",
    "left_out_table",
    "limits_table",
    "money",
    "outcome_table",
    "rate",
    "scale_grid_table",
    "scale_table",
    "scheme_table",
    "sources_table",
]

#: Column, heading and kind of number of a row of performance and cost.
_COLUMNS = (
    ("cagr", "CAGR", "rate"),
    ("sharpe", "Sharpe", "ratio"),
    ("max_drawdown", "Drawdown", "rate"),
    ("turnover_traded_annual", "Traded", "times"),
    ("commission_bps", "Commission", "bps"),
    ("slippage_bps", "Slippage", "bps"),
    ("carry_bps", "Carry", "bps"),
    ("drag_bps", "Drag, bps", "bps"),
)
_NONE = "\u2013"


def rate(value: float, digits: int = 2) -> str:
    """A fraction in per cent; a dash where it is not known."""
    text = number_text(100 * value, digits)
    return text if text == _NONE else f"{text} %"


def money(value: float) -> str:
    """Currency without decimals; a dash where it is not known."""
    return number_text(value, 0)


def _text(value: float, kind: str) -> str:
    if kind == "rate":
        return rate(value)
    if kind == "percent":
        return number_text(100 * value, 2)
    if kind == "times":
        text = number_text(value, 1)
        return text if text == _NONE else f"{text}\u00d7"
    return number_text(value, {"ratio": 2, "bps": 1, "money": 0}[kind])


def _figures(row: dict) -> list[str]:
    return [_text(row[name], kind) for name, _, kind in _COLUMNS]


def _heads() -> list[str]:
    return [head for _, head, _ in _COLUMNS]


def grid_table(study: CostStudy) -> PageTable:
    """Every cell at the costs that its schemes ask for."""
    part = study.grid[study.grid["scale"] == 1.0]
    rows = [[row["commission"], row["slippage"], *_figures(row)] for row in part.to_dict("records")]
    return PageTable(["Commission", "Slippage", *_heads()], rows, 2)


def grid_matrix(study: CostStudy, column: str, name: str, kind: str) -> PageTable:
    """One figure of every cell: commissions down, slippages across; `name` heads the first."""
    part = study.grid[study.grid["scale"] == 1.0]
    rows, columns = (list(dict.fromkeys(part[key])) for key in ("commission", "slippage"))
    wide = part.pivot(index="commission", columns="slippage", values=column)
    texts = [[one, *(_text(wide.loc[one, other], kind) for other in columns)] for one in rows]
    return PageTable([name, *columns], texts)


def scale_grid_table(study: CostStudy, column: str, kind: str) -> PageTable:
    """One figure of every cell at every scale of its costs."""
    scales = sorted(study.grid["scale"].unique().tolist())
    heads = ["Commission", "Slippage", *(f"{scale:g}\u00d7" for scale in scales)]
    rows = []
    for (one, other), part in study.grid.groupby(["commission", "slippage"], sort=False):
        by_scale = part.set_index("scale")[column]
        rows.append([one, other, *(_text(by_scale[scale], kind) for scale in scales)])
    return PageTable(heads, rows, 2)


def scale_table(study: CostStudy) -> PageTable:
    """The configured schemes at multiples of their cost, by both methods."""
    rows = [
        [row["method"], f"{row['scale']:g}\u00d7", *_figures(row)]
        for row in study.scales.to_dict("records")
    ]
    return PageTable(["Method", "Scale", *_heads()], rows, 2)


def break_even_table(study: CostStudy) -> PageTable:
    """Where each cell earns what cash does, or why nowhere."""
    heads = ["Commission", "Slippage", "Method", "", "Paid, bps", "Break-even, bps", "Multiple"]
    rows = []
    for row in study.break_even.to_dict("records"):
        said = "" if row["verdict"] == BREAKS_EVEN else row["verdict"]
        numbers = [number_text(row["realised_bps"], 1), number_text(row["bps"], 1)]
        multiple = f"{row['scale']:,.2f}\u00d7" if np.isfinite(row["scale"]) else _NONE
        words = [row["commission"], row["slippage"], row["method"], said]
        rows.append([*words, *numbers, multiple])
    return PageTable([*heads, "Left over cash"], _with_left(study, rows), 4)


def _with_left(study: CostStudy, rows: list[list[str]]) -> list[list[str]]:
    left = study.break_even["return_over_cash"].tolist()
    return [
        [*row, f"{value:.0e}" if np.isfinite(value) and value else "0" if value == 0 else _NONE]
        for row, value in zip(rows, left)
    ]


def capacity_table(study: CostStudy) -> PageTable:
    """Performance and participation at each capital."""
    heads = ["Model", "Capital", "Return over cash", "Sharpe", "Slippage, bps", "Drag, bps"]
    heads += ["Median share of a day", "95th percentile", "Above a tenth"]
    rows = []
    for row in study.capacity.to_dict("records"):
        rows.append(
            [
                row["model"],
                money(row["capital"]),
                rate(row["return_over_cash"]),
                number_text(row["sharpe"], 2),
                number_text(row["slippage_bps"], 1),
                number_text(row["drag_bps"], 1),
                *(rate(row[f"participation_{name}"]) for name in ("median", "p95", "over_tenth")),
            ]
        )
    return PageTable(heads, rows)


def limits_table(study: CostStudy) -> PageTable:
    """Capital at which half of the return over cash, and all of it, is gone."""
    rows = [
        [row["model"], row["meaning"], row["note"], rate(row["level"]), money(row["capital"])]
        for row in study.capacity_limits.to_dict("records")
    ]
    return PageTable(["Model", "Until", "How", "Return over cash", "Capital"], rows, 3)


def capacity_matrix(study: CostStudy) -> PageTable:
    """The capital at which half and all of the return over cash is gone, a row a model."""
    most = study.capacity.groupby("model")["capital"].max()
    rows = []
    for model, part in study.capacity_limits.groupby("model", sort=False):
        ends = []
        for row in part.to_dict("records"):
            above = row["note"].startswith("above")
            ends.append(f">{money(most[model])}" if above else money(row["capital"]))
        rows.append([str(model), *ends])
    return PageTable(["Capacity under impact", "half is left", "nothing is left"], rows)


def sources_table(study: CostStudy) -> PageTable:
    """Costs by part of each dimension, in currency."""
    heads = ["By", "Part", "Commission", "Slippage", "Carry", "Total", "Share"]
    rows, before = [], ""
    for row in study.sources.to_dict("records"):
        amounts = [money(row[name]) for name in ("commission", "slippage", "carry", "total")]
        name = row["dimension"] if row["dimension"] != before else ""
        before = row["dimension"]
        rows.append([name, short_label(str(row["part"])), *amounts, rate(row["share"], 1)])
    return PageTable(heads, rows, 2)


def outcome_table(study: CostStudy) -> PageTable:
    """Percentiles of what the sampled paths came to."""
    names = {
        "final_value": ("Final value", money),
        "cagr": ("CAGR", rate),
        "sharpe": ("Sharpe ratio", lambda value: number_text(value, 3)),
        "slippage": ("Slippage paid", money),
    }
    levels = [name for name in study.outcomes if name.startswith("p")]
    heads = ["Noise", "", "As configured", "Mean", *(f"{name[1:]} %" for name in levels)]
    rows = []
    for row in study.outcomes.to_dict("records"):
        label, form = names[row["metric"]]
        numbers = [form(row[name]) for name in ("configured", "mean", *levels)]
        rows.append([row["noise"], label, *numbers])
    return PageTable(heads, rows, 2)


def check_table(study: CostStudy) -> PageTable:
    """Full runs under sampled slippage beside the same draws on the configured fills."""
    heads = ["Seed", "Method", "Final value", "CAGR", "Sharpe", "Slippage paid"]
    rows = []
    for row in study.sampled_check.to_dict("records"):
        numbers = [money(row["final_value"]), rate(row["cagr"], 3), number_text(row["sharpe"], 3)]
        rows.append([str(row["seed"]), row["method"], *numbers, money(row["slippage"])])
    return PageTable(heads, rows, 2)


def scheme_table(study: CostStudy) -> PageTable:
    """What the names of the grid stand for."""
    return _words(study.schemes, ["Kind", "Scheme", "Class", "Entry"])


def left_out_table(study: CostStudy) -> PageTable:
    """Schemes that the data cannot bear."""
    return _words(study.left_out, ["Kind", "Scheme", "Class", "Why left out"])


def _words(table: pd.DataFrame, heads: list[str]) -> PageTable:
    return PageTable(heads, table.astype(str).to_numpy().tolist(), len(heads))
