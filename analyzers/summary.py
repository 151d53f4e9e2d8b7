"""The one-page report of a run: `summary.html`, complete in itself."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analyzers.presentation import (
    benchmark_label,
    cost_table,
    event_counts,
    format_metric,
    format_score,
    headline_table,
    rank_groups,
    trading_table,
)
from analyzers.result import RunResult
from analyzers.risk_gaps import exposure_label, gap_table
from feeds.errors import OutputError

__all__ = ["write_summary"]

_TEMPLATES = Path(__file__).parent / "templates"

#: Figure, heading and caption, in the order of the page.
_CAPTIONS = (
    (
        "cumulative_returns",
        "Growth of 1",
        "What one unit of currency became. The portfolio is after commissions, slippage and "
        "carry; the benchmark, the universe and each factor's own long-short portfolio are "
        "without costs.",
    ),
    (
        "drawdown",
        "Drawdown",
        "Loss from the highest account value so far; the deepest point is marked.",
    ),
    (
        "monthly_returns",
        "Monthly returns",
        "Compounded return of each calendar month in per cent, after costs. The first and the "
        "last month may be incomplete.",
    ),
    (
        "exposure",
        "Value and exposure",
        "Account value, and what was held long and short as shares of it. Gross is the sum of "
        "the absolute holdings, net their signed sum.",
    ),
    (
        "sleeve_weights",
        "Target weights by sleeve",
        "What each rebalance asked for, by asset class, longs above zero and shorts below.",
    ),
    (
        "turnover",
        "Turnover",
        "Traded value over account value at each rebalance, buys and sells both counted.",
    ),
    (
        "risk_contributions",
        "Contributions to risk",
        "Realised shares of the book's variance by factor portfolio and sleeve over a moving "
        "window, the residual and the costs included, against their budgets; below, the same "
        "factors and sleeves weighed equally.",
    ),
    (
        "cost_sensitivity",
        "Performance against cost",
        "The same fills with commission and slippage multiplied (re-priced), and the whole "
        "strategy run again under the multiplied costs (re-run).",
    ),
    (
        "factor_correlation",
        "Factor correlation",
        "Correlation of session returns of the factor portfolios with each other, the "
        "portfolio and the benchmark.",
    ),
    (
        "rolling_exposures",
        "Rolling exposures",
        "Slopes and alpha of a regression over a moving window of months. They describe the "
        "past and are known only at each window's end.",
    ),
    (
        "alpha_attribution",
        "Alpha attribution",
        "The return since the start, split into slope times factor, alpha and residual by one "
        "regression of monthly returns over the whole run. Each part is earned on the wealth "
        "before it, so that the parts add up to the total.",
    ),
)

_FILES = (
    ("tearsheet.html", "QuantStats report of the same returns"),
    ("metrics.json", "every metric, flat"),
    ("values.csv", "account value, cash, long, short and margin of each session"),
    ("fills.csv", "every fill, with its price, commission and slippage"),
    ("carry.csv", "borrow fees, funding, interest and rebates"),
    ("weights.csv", "scores and target weights of every eligible asset at each decision"),
    ("positions.csv", "holdings after each rebalance"),
    ("prices.csv", "the prices that marked the book"),
    ("factor_returns.csv", "each factor's own long-short portfolio, without costs"),
    ("risk_contributions.csv", "shares of risk by exposure: budgeted, held and realised"),
    ("plots", "every figure as PNG and SVG"),
    ("config.yaml", "the resolved configuration"),
    ("environment.txt", "versions of the packages"),
    ("manifest.json", "data hashes, seed, versions and command"),
    ("results.pkl", "everything above for Python"),
)


def write_summary(result: RunResult, folder: Path, has_tearsheet: bool) -> Path:
    """Write `folder`/summary.html: one file that opens offline and can be sent on its own.

    Figures are taken from `folder`/plots/*.svg and placed inside the page; one that is not
    there is left out. The page loads nothing and runs no script.

    Parameters
    ----------
    has_tearsheet : bool
        Whether tearsheet.html is, or will be, beside the page.

    Raises
    ------
    OutputError
        If the page cannot be written.
    """
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    path = Path(folder) / "summary.html"
    page = environment.get_template("summary.html.j2").render(
        **_context(result, Path(folder), has_tearsheet)
    )
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror})", "choose another --out folder"
        ) from None
    return path


def _context(result: RunResult, folder: Path, has_tearsheet: bool) -> dict[str, Any]:
    metrics = result.metrics
    return {
        "name": result.name,
        "start": metrics.get("start"),
        "end": metrics.get("end"),
        "sessions": metrics.get("sessions"),
        "warm_up": result.warm_up,
        "benchmark": benchmark_label(result),
        "tiles": _tiles(metrics),
        "notes": result.notes,
        "headlines": headline_table(result),
        "trading": trading_table(result),
        "costs": cost_table(result.cost_sensitivity),
        "figures": _figures(folder),
        "events": event_counts(result.events),
        "delistings": _delistings(result),
        "ranks": _ranks(result),
        "risk": _risk(result),
        "files": _files(folder, has_tearsheet, result.risk_contributions is not None),
        "has_tearsheet": has_tearsheet,
        "command": result.manifest.get("command", ""),
    }


def _tiles(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    chosen = (
        ("final_value", "Final value", "money"),
        ("cagr", "CAGR", "percent"),
        ("volatility", "Volatility", "percent"),
        ("sharpe", "Sharpe ratio", "ratio"),
        ("max_drawdown", "Max drawdown", "percent"),
    )
    return [(label, format_metric(metrics.get(key), kind)) for key, label, kind in chosen]


def _figures(folder: Path) -> list[dict[str, str]]:
    figures = []
    for name, heading, caption in _CAPTIONS:
        path = folder / "plots" / f"{name}.svg"
        if path.exists():
            data = base64.b64encode(path.read_bytes()).decode("ascii")
            figures.append({"name": name, "heading": heading, "caption": caption, "data": data})
    return figures


def _risk(result: RunResult) -> list[list[str]]:
    """A row an exposure: budget, then contribution and mean gap of both books, as text."""
    if result.risk_contributions is None:
        return []
    table = gap_table(result.risk_contributions)
    return [
        [exposure_label(name, result.labels), *(format_metric(v, "percent") for v in row)]
        for name, row in zip(table.index, table.to_numpy(dtype=float))
    ]


def _files(folder: Path, has_tearsheet: bool, has_risk: bool) -> list[tuple[str, str]]:
    """Files of the folder; those written after this page are promised by the run itself."""
    return [
        (name, text)
        for name, text in _FILES
        if has_tearsheet or name != "tearsheet.html"
        if has_risk or name != "risk_contributions.csv"
        if name != "plots" or os.path.isdir(folder / name)
    ]


def _delistings(result: RunResult, limit: int = 20) -> dict[str, Any]:
    rows = result.events[result.events["kind"] == "delisting"]
    shown = [
        (f"{pd.Timestamp(row.date):%Y-%m-%d}", row.symbol, row.detail)
        for row in rows.head(limit).itertuples()
    ]
    return {"rows": shown, "hidden": len(rows) - len(shown)}


def _ranks(result: RunResult) -> dict[str, Any]:
    ranks = result.ranks
    factors = [name for name in result.labels if name in ranks]
    decided = result.weights["decision_date"]
    return {
        "heads": [result.labels[name] for name in factors],
        "groups": [_rank_rows(part, factors) for part in rank_groups(ranks)],
        "count": int(ranks["rank"].notna().sum()),
        "decided": f"{pd.Timestamp(decided.max()):%Y-%m-%d}" if len(decided) else "",
    }


def _rank_rows(part: pd.DataFrame, factors: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "rank": f"{row['rank']:.0f}" if np.isfinite(row["rank"]) else "\u2013",
            "symbol": row["symbol"],
            "asset_class": row["asset_class"],
            "scores": [format_score(row[name]) for name in [*factors, "score"]],
            "side": row["side"] if isinstance(row["side"], str) else "",
            "weight": format_metric(row["target_weight"], "percent"),
            "price": f"{row['price']:,.2f}",
        }
        for row in part.to_dict("records")
    ]
