"""The pages of factors and costs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from runs import dashboard_charts as charts
from runs import dashboard_view as view
from runs.dashboard_files import Places, factor_studies, read_table
from runs.dashboard_written import show_pages

__all__ = ["costs_page", "factors_page"]

_TWELVE = 12
_COEFFICIENTS = ("ic_mean", "ic_sd", "ic_untraded_mean", "ic_pearson_mean")
#: Column of a factor summary to its heading, where its name does not do.
_SUMMARY = {
    "ranked_mean": "assets ranked",
    "mean_annual": "mean return",
    "cagr": "CAGR",
    "return_t": "t of return",
    "cost_annual": "cost",
    "borrow_annual": "borrow",
    "net_mean_annual": "net mean return",
    "net_cagr": "net CAGR",
    "net_t": "t of net return",
    "break_even_bps": "break-even, bps",
    "ic_mean": "IC mean",
    "ic_sd": "IC deviation",
    "icir": "IC mean / deviation",
    "ic_t": "t of IC",
    "ic_lags": "IC lags",
    "ic_untraded_mean": "IC, untraded",
    "ic_pearson_mean": "IC, Pearson",
    "ic_pearson_t": "t of IC, Pearson",
    "spread_annual": "spread of quantiles",
    "net_spread_annual": "net spread",
    "turnover_half_annual": "turnover (half)",
    "rank_autocorrelation": "autocorrelation of ranks",
}
_OWN = "as configured"
_SHARES = ("cagr", "return_over_cash", "volatility", "max_drawdown", "gross_annual", "net_annual")
#: Bars of one chart.
_MOST = 30


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
        percent = dict.fromkeys(returns.columns, "percent")
        view.table(dated, f"factor-returns-{name}.csv", formats=percent, pinned=("date",))


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
        with view.fold("Correlations as a table"):
            fine = dict.fromkeys(kept, "fine")
            told = table.loc[kept, kept].reset_index()
            view.table(told, f"correlation-{name}.csv", formats=fine, pinned=("factor",))


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
    drawn = charts.lines(table, "date", "mean", "key", form=".3f", axis_form=".2f", zero=True)
    view.chart(drawn, "Information coefficient, mean of twelve decisions", f"ic-{name}")
    with view.fold("Coefficients as a table"):
        dated = table.assign(date=table["date"].dt.strftime("%Y-%m-%d"))
        kept = dated.drop(columns=["key", "mean"])
        view.table(kept, f"ic-{name}.csv", formats={"ic": "fine"}, pinned=("date",))


def _factor_summary(folder: Path, name: str) -> None:
    view.section("Summary", "t-statistics have Newey-West errors; returns and rates are a year's.")
    table = read_table(folder / "factor_summary.csv", ["asset_class", "factor"])
    rates = ("mean_annual", "cagr", "volatility", "max_drawdown", "cost_annual", "net_mean_annual",
             "net_cagr", "borrow_annual", "spread_annual", "net_spread_annual")  # fmt: skip
    formats = {key: "percent" for key in rates if key in table}
    formats |= {key: "whole" for key in ("decisions", "ic_lags") if key in table}
    formats |= {key: "fine" for key in _COEFFICIENTS if key in table}
    numbers = table.select_dtypes("number").columns.difference(list(formats))
    last = [key for key in ("label",) if key in table]
    told = ["factor", "asset_class", *last]
    view.table(
        table[["factor", "asset_class", *table.columns.difference(told, sort=False), *last]],
        f"factor-summary-{name}.csv",
        labels={key: label for key, label in _SUMMARY.items() if key in table},
        formats=formats | dict.fromkeys(numbers, "number"),
        pinned=("factor",),
    )
    page = folder / "factor_tearsheet.html"
    if page.is_file():
        view.section("Report")
        show_pages({page.name: page}, f"factors {name}")


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
        show_pages({"costs.html": folder / "costs.html"}, f"costs {name}")


def _grid(folder: Path, name: str) -> None:
    grid = read_table(folder / "grid.csv", ["commission", "slippage", "scale", "cagr", "sharpe"])
    scales = sorted(grid["scale"].unique())
    named = {f"{one:g}": one for one in scales}
    first = "1" if "1" in named else None
    chosen = view.choose("Costs multiplied by", list(named), f"scale {name}", first)
    part = grid[grid["scale"] == named[chosen]]
    wide = part.pivot_table(index="commission", columns="slippage", values="cagr", sort=False)
    low, high = wide.min().min(), wide.max().max()
    _grid_facts(part)
    view.section("Schemes", "Return a year of each commission (down) with each slippage (across).")
    drawn = charts.heat_map(wide, form=".1%", limits=(low, (low + high) / 2, high))
    view.chart(drawn, f"Return a year, costs times {chosen}", f"cost-grid-{name}")
    bps = ("drag_bps", "commission_bps", "slippage_bps", "carry_bps", "cagr_lost_bps")
    view.table(
        part.sort_values("cagr", ascending=False, kind="stable"),
        f"cost-grid-{name}.csv",
        labels={"cagr": "CAGR", "return_over_cash": "CAGR over cash"}
        | {"turnover_traded_annual": "traded / value, a year"}
        | {"gross_annual": "before costs, a year", "net_annual": "after costs, a year"}
        | {key: f"{key[:-4].replace('_', ' ').replace('cagr', 'CAGR')}, bps" for key in bps},
        formats=dict.fromkeys(_SHARES, "percent")
        | dict.fromkeys(("sharpe", "turnover_traded_annual", *bps), "number")
        | {"final_value": "money", "scale": "number"},
        pinned=("commission", "slippage"),
        hidden=("scale",),
    )


def _grid_facts(part: pd.DataFrame) -> None:
    """What the configured schemes leave, and the best and worst of the others."""
    own = part[(part["commission"] == _OWN) & (part["slippage"] == _OWN)]
    free = part[(part["commission"] == "none") & (part["slippage"] == "none")]
    cells = [("As configured", own), ("Neither commission nor slippage", free)]
    facts = [(label, f"{row['cagr'].iloc[0]:.2%} a year") for label, row in cells if len(row)]
    worst = part.sort_values("cagr", kind="stable").iloc[0]
    label = f"Dearest: {worst['commission']}, {worst['slippage']}"
    view.facts([*facts, (label, f"{worst['cagr']:.2%} a year")])


def _cost_parts(folder: Path, name: str) -> None:
    if (folder / "scales.csv").is_file():
        table = read_table(folder / "scales.csv", ["method", "scale", "cagr"])
        view.section(
            "Sensitivity",
            "Return a year with every cost multiplied: of the same fills priced again, and of the "
            "strategy run again.",
        )
        drawn = charts.lines(
            table, "scale", "cagr", "method", form=".2%", axis_form=".1~%",
            title_x="costs multiplied by", height=200,
        )  # fmt: skip
        view.chart(drawn, "Return a year, costs multiplied", f"cost-scales-{name}")
    if (folder / "sources.csv").is_file():
        table = read_table(folder / "sources.csv", ["dimension", "part", "total", "share"])
        view.section("Where costs come from", "Share of everything paid, by the part it came from.")
        kind = view.choose("By", list(table["dimension"].unique()), f"source {name}")
        part = table[table["dimension"] == kind]
        drawn = charts.bars(part.head(_MOST), "part", "share", axis_form=".0%")
        view.chart(drawn, f"Share of costs by {kind}", f"cost-sources-{name}")
        money = dict.fromkeys(("commission", "slippage", "carry", "total"), "money")
        view.table(
            part,
            f"cost-sources-{name}.csv",
            formats=money | {"share": "percent"},
            pinned=("part",),
            hidden=("dimension",),
        )


def _capacity(folder: Path, name: str) -> None:
    if not (folder / "capacity.csv").is_file():
        return
    table = read_table(folder / "capacity.csv", ["model", "capital", "cagr"])
    view.section("Capacity", "Return a year by starting capital, with impact that grows with size.")
    drawn = charts.lines(
        table, "capital", "cagr", "model", form=".2%", axis_form=".1~%",
        logarithmic_x=True, title_x="starting capital", height=220,
    )  # fmt: skip
    view.chart(drawn, "Return a year by starting capital", f"capacity-{name}")
    with view.fold("Capacity as a table"):
        shares = [key for key in table if key in _SHARES or key.startswith("participation")]
        others = table.select_dtypes("number").columns.difference(shares)
        formats = dict.fromkeys(shares, "percent") | dict.fromkeys(others, "number")
        file = f"capacity-{name}.csv"
        view.table(table, file, formats=formats, pinned=("model", "capital"))


def _break_even(folder: Path, name: str) -> None:
    if not (folder / "break_even.csv").is_file():
        return
    view.section(
        "Break-even",
        "By how much the costs of each pair of schemes can be multiplied until nothing over cash "
        "is left, and what one way of trading then costs in basis points.",
    )
    table = read_table(folder / "break_even.csv", ["commission", "slippage", "bps"])
    numbers = table.select_dtypes("number").columns
    labels = {"scale": "costs times", "bps": "break-even, bps", "realised_bps": "paid, bps"}
    view.table(
        table,
        f"break-even-{name}.csv",
        labels=labels | {"return_over_cash": "left over cash"},
        formats=dict.fromkeys(numbers, "number")
        | ({"return_over_cash": "percent"} if "return_over_cash" in table else {}),
        pinned=("commission", "slippage"),
        hidden=("method",) if "method" in table and table["method"].nunique() == 1 else (),
    )
