"""The pages of runs, factors and costs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from runs import dashboard_charts as charts
from runs import dashboard_view as view
from runs.dashboard_files import Places, factor_studies, read_bytes, read_table
from runs.dashboard_runs import METRICS, Run, compared, cut_to_common, metrics_table, read_run

__all__ = ["costs_page", "factors_page", "runs_page"]

#: Measure of a comparison to its title, caption, d3 format and logarithmic scale.
_MEASURES = {
    "growth": ("Growth of 1", "After costs, from the first session shown.", ".2f"),
    "drawdown": ("Drawdown", "Loss from the highest value so far.", ".0%"),
    "cost": (
        "Costs",
        "Commission, slippage and carry paid, added up over each day's value.",
        ".1%",
    ),
    "gross": ("Gross exposure", "Long and short holdings over value.", ".0%"),
    "net": ("Net exposure", "Long less short holdings over value.", ".0%"),
}
_PAGES = ("summary.html", "tearsheet.html")
_TWELVE = 12
#: Bars of one chart.
_MOST = 30


def runs_page(places: Places) -> None:
    """Several runs held against one another."""
    view.heading("Runs", "Value, drawdown, exposure and costs of several runs, side by side.")
    folders = places.runs()
    if not folders:
        view.absent(
            f"{places.outputs} holds no run yet.",
            "python -m runs.backtest --config configs/backtest.yaml",
        )
        return
    names = view.choose_several("Runs", list(folders), list(folders)[:3], "runs")
    if not names:
        view.tell("Choose at least one run.")
        return
    runs = {name: read_run(folders[name]) for name in names}
    with view.row():
        common = view.switch("Start and end together", "common", on=True)
        logarithmic = view.switch("Logarithmic growth", "logarithmic")
    _draw_runs(cut_to_common(runs) if common else runs, logarithmic)
    _metrics(runs)
    _run_pages(folders)


def _draw_runs(runs: dict[str, Run], logarithmic: bool) -> None:
    series = compared(runs)
    for measure, (title, text, form) in _MEASURES.items():
        view.section(title, text)
        part = series[series["measure"] == measure]
        log = logarithmic and measure == "growth"
        height = 300 if measure == "growth" else 210
        drawn = charts.lines(
            part, "date", "value", "run", form=form, logarithmic=log, height=height
        )
        view.chart(drawn, title, f"runs-{measure}")
    dates = series["date"].dt.strftime("%Y-%m-%d")
    with view.fold("The series as a table"):
        wide = series.assign(date=dates).pivot(index=["run", "date"], columns="measure")["value"]
        view.table(wide.reset_index(), "runs-series.csv")


def _metrics(runs: dict[str, Run]) -> None:
    view.section("Metrics", "Of each whole run, as its metrics.json has them.")
    labels = {key: label for key, (label, _) in METRICS.items()}
    formats = {key: form for key, (_, form) in METRICS.items() if form != "text"}
    view.table(metrics_table(runs), "runs-metrics.csv", labels=labels, formats=formats)


def _run_pages(folders: dict[str, Path]) -> None:
    view.section("Report", "The pages that a run has written; they open offline.")
    written = {
        f"{name} · {page}": folder / page
        for name, folder in folders.items()
        for page in _PAGES
        if (folder / page).is_file()
    }
    if not written:
        view.tell("None: runs.backtest writes them unless told --no-tearsheet.")
        return
    _page_of(written, "report")


def _page_of(written: dict[str, Path], key: str) -> None:
    """A page that was written, to be saved or shown here: summaries refer to plots beside them."""
    chosen = view.choose("Page", list(written), f"{key} page")
    content = read_bytes(written[chosen])
    view.download("Save this page", content, chosen.replace(" · ", "-"), "text/html")
    if view.switch("Show it here", f"{key} shown"):
        view.document(content)


def factors_page(places: Places) -> None:
    """Returns, correlations and information coefficients of factors."""
    view.heading(
        "Factors", "What each factor's own long-short portfolio earned, and how it ranked."
    )
    studies = factor_studies(places.outputs)
    if not studies:
        view.absent(
            f"{places.outputs} holds no factor study yet.",
            "python -m runs.factors --config configs/backtest.yaml --out outputs/results.pkl",
        )
        return
    name = view.choose("Study", list(studies), "study") if len(studies) > 1 else next(iter(studies))
    folder = studies[name]
    returns = read_table(folder / "factor_returns.csv", dates=["date"]).set_index("date")
    chosen = view.choose_several("Factors", list(returns), list(returns), f"factors {name}")
    if not chosen:
        view.tell("Choose at least one factor.")
        return
    _factor_returns(folder, returns[chosen], name)
    _correlations(folder, chosen, name)
    _coefficients(folder, chosen, name)
    _factor_summary(folder, name)


def _factor_returns(folder: Path, returns: pd.DataFrame, name: str) -> None:
    net = (folder / "net_returns.csv").is_file() and view.switch("After costs", f"net {name}")
    if net:
        table = read_table(folder / "net_returns.csv", dates=["date"]).set_index("date")
        returns = table.reindex(columns=returns.columns)
    grown = (1.0 + returns.fillna(0.0)).cumprod().where(returns.notna().cummax())
    view.section(
        "Growth of 1", "Long the best, short the worst; " + ("net." if net else "before costs.")
    )
    long = grown.reset_index().melt("date", var_name="factor", value_name="growth")
    drawn = charts.lines(long, "date", "growth", "factor")
    view.chart(drawn, "Growth of 1 of factor portfolios", f"factor-growth-{name}")
    with view.fold("Returns as a table"):
        dated = returns.reset_index().assign(date=returns.index.strftime("%Y-%m-%d"))
        view.table(dated, f"factor-returns-{name}.csv")


def _correlations(folder: Path, chosen: list[str], name: str) -> None:
    path = folder / "correlation.csv"
    if not path.is_file():
        return
    table = read_table(path, ["factor"]).set_index("factor")
    kept = [key for key in chosen if key in table.index and key in table]
    if kept:
        view.section("Correlations", "Of session returns.")
        drawn = charts.heat_map(table.loc[kept, kept])
        view.chart(drawn, "Correlations of session returns", f"correlation-{name}")
        view.table(table.loc[kept, kept].reset_index(), f"correlation-{name}.csv")


def _coefficients(folder: Path, chosen: list[str], name: str) -> None:
    table = read_table(
        folder / "ic.csv", ["asset_class", "factor", "ic"], dates=["decision_date"]
    ).rename(columns={"decision_date": "date"})
    key = table["asset_class"] + " " + table["factor"]
    table = table.assign(key=key)[key.isin(chosen)]
    if table.empty:
        return
    rolled = table.groupby("key", sort=False)["ic"].rolling(_TWELVE).mean()
    table["mean"] = rolled.reset_index(level=0, drop=True)
    view.section("Information coefficient", "Spearman, mean of the last twelve decisions.")
    drawn = charts.lines(table, "date", "mean", "key", form=".3f")
    view.chart(drawn, "Information coefficient, mean of twelve decisions", f"ic-{name}")
    with view.fold("Coefficients as a table"):
        dated = table.assign(date=table["date"].dt.strftime("%Y-%m-%d"))
        view.table(dated.drop(columns=["key", "mean"]), f"ic-{name}.csv")


def _factor_summary(folder: Path, name: str) -> None:
    view.section("Summary", "t-statistics have Newey-West errors.")
    table = read_table(folder / "factor_summary.csv", ["asset_class", "factor"])
    rates = ("mean_annual", "cagr", "volatility", "max_drawdown", "cost_annual", "net_mean_annual",
             "net_cagr", "borrow_annual", "spread_annual", "net_spread_annual")  # fmt: skip
    formats = {key: "percent" for key in rates if key in table}
    numbers = table.select_dtypes("number").columns.difference(list(formats))
    view.table(
        table, f"factor-summary-{name}.csv", formats=formats | dict.fromkeys(numbers, "number")
    )
    page = folder / "factor_tearsheet.html"
    if page.is_file():
        _page_of({page.name: page}, f"factors {name}")


def costs_page(places: Places) -> None:
    """What is left after costs."""
    view.heading("Costs", "The same strategy under every commission and slippage.")
    studies = places.costs()
    if not studies:
        view.absent(
            f"{places.outputs / 'costs'} holds no cost study yet.",
            "python -m runs.costs --config configs/backtest.yaml",
        )
        return
    name = view.choose("Study", list(studies), "costs")
    folder = studies[name]
    _grid(folder, name)
    _cost_parts(folder, name)
    _capacity(folder, name)
    _break_even(folder, name)
    if (folder / "costs.html").is_file():
        view.section("Report")
        _page_of({"costs.html": folder / "costs.html"}, f"costs {name}")


def _grid(folder: Path, name: str) -> None:
    grid = read_table(folder / "grid.csv", ["commission", "slippage", "scale", "cagr", "sharpe"])
    view.section("Schemes", "Return a year of each commission (down) with each slippage (across).")
    scales = sorted(grid["scale"].unique())
    named = {f"{one:g}": one for one in scales}
    first = "1" if "1" in named else None
    chosen = view.choose("Costs multiplied by", list(named), f"scale {name}", first)
    part = grid[grid["scale"] == named[chosen]]
    wide = part.pivot_table(index="commission", columns="slippage", values="cagr", sort=False)
    low, high = wide.min().min(), wide.max().max()
    drawn = charts.heat_map(wide, form=".1%", limits=(low, (low + high) / 2, high))
    view.chart(drawn, f"Return a year, costs times {chosen}", f"cost-grid-{name}")
    view.table(
        part.sort_values("cagr", ascending=False, kind="stable"),
        f"cost-grid-{name}.csv",
        formats=dict.fromkeys(("cagr", "return_over_cash", "volatility", "max_drawdown"), "percent")
        | dict.fromkeys(("gross_annual", "net_annual"), "percent")
        | dict.fromkeys(("sharpe", "turnover_traded_annual", "drag_bps"), "number")
        | {"final_value": "money"},
    )


def _cost_parts(folder: Path, name: str) -> None:
    if (folder / "scales.csv").is_file():
        table = read_table(folder / "scales.csv", ["method", "scale", "cagr"])
        view.section("Sensitivity", "Return a year with every cost multiplied.")
        drawn = charts.lines(table, "scale", "cagr", "method", form=".1%")
        view.chart(drawn, "Return a year, costs multiplied", f"cost-scales-{name}")
    if (folder / "sources.csv").is_file():
        table = read_table(folder / "sources.csv", ["dimension", "part", "total", "share"])
        view.section("Where costs come from")
        kind = view.choose("By", list(table["dimension"].unique()), f"source {name}")
        part = table[table["dimension"] == kind]
        drawn = charts.bars(part.head(_MOST), "part", "share")
        view.chart(drawn, f"Share of costs by {kind}", f"cost-sources-{name}")
        money = dict.fromkeys(("commission", "slippage", "carry", "total"), "money")
        view.table(part, f"cost-sources-{name}.csv", formats=money | {"share": "percent"})


def _capacity(folder: Path, name: str) -> None:
    if not (folder / "capacity.csv").is_file():
        return
    table = read_table(folder / "capacity.csv", ["model", "capital", "cagr"])
    view.section("Capacity", "Return a year by starting capital, with impact that grows with size.")
    drawn = charts.lines(table, "capital", "cagr", "model", form=".1%", logarithmic_x=True)
    view.chart(drawn, "Return a year by starting capital", f"capacity-{name}")
    with view.fold("Capacity as a table"):
        view.table(table, f"capacity-{name}.csv")


def _break_even(folder: Path, name: str) -> None:
    if not (folder / "break_even.csv").is_file():
        return
    view.section(
        "Break-even", "The one-way cost in basis points at which nothing over cash is left."
    )
    table = read_table(folder / "break_even.csv", ["commission", "slippage", "bps"])
    numbers = table.select_dtypes("number").columns
    view.table(table, f"break-even-{name}.csv", formats=dict.fromkeys(numbers, "number"))
