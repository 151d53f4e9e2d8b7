"""The page of runs: several held against one another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from feeds.errors import DataError
from runs import dashboard_charts as charts
from runs import dashboard_view as view
from runs.dashboard_files import Places, signature
from runs.dashboard_runs import (
    METRICS,
    Run,
    compared,
    cut_to_common,
    metrics_table,
    outcomes,
    read_run,
    sleeves,
)
from runs.dashboard_written import show_pages

__all__ = ["runs_page"]

#: Measure of a comparison to its title, caption, d3 formats of figures and axis.
_MEASURES = {
    "growth": ("Growth of 1", "After costs, from the first session shown.", ".2f", ".2~f"),
    "drawdown": ("Drawdown", "Loss from the highest value so far.", ".1%", ".0%"),
    "cost": (
        "Costs",
        "Commission, slippage and carry paid, added up over each day's value.",
        ".2%",
        ".1~%",
    ),
    "gross": ("Gross exposure", "Long and short holdings over value.", ".1%", ".0%"),
    "net": ("Net exposure", "Long less short holdings over value.", ".1%", ".0%"),
}
_OUTCOMES = {
    "return": ("Return", "percent"),
    "drawdown": ("Max drawdown", "percent"),
    "cost": ("Costs", "percent"),
    "commission": ("Commission", "percent"),
    "slippage": ("Slippage", "percent"),
    "carry": ("Carry", "percent"),
    "gross": ("Mean gross", "percent"),
    "net": ("Mean net", "percent"),
}
_PAGES = ("summary.html", "tearsheet.html")
_FIRST = 3


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
    names = view.choose_several("Runs", list(folders), _newest(folders), "runs")
    if not names:
        view.tell("Choose at least one run.")
        return
    runs = _readable({name: folders[name] for name in names})
    if not runs:
        return
    with view.row():
        common = view.switch("Start and end together", "common", on=True)
        logarithmic = view.switch("Logarithmic growth", "logarithmic")
    shown = cut_to_common(runs) if common else runs
    _outcomes(shown)
    _draw_runs(shown, logarithmic)
    _sleeves({name: folders[name] for name in runs}, shown, places.data)
    _metrics(runs)
    _run_pages({name: folders[name] for name in names})


def _readable(folders: Mapping[str, Path]) -> dict[str, Run]:
    """The runs that can be read; what is wrong with the others is told."""
    runs = {}
    for name, folder in folders.items():
        try:
            runs[name] = read_run(folder)
        except DataError as error:
            view.problem(error)
    return runs


def _newest(folders: Mapping[str, Path]) -> list[str]:
    """Those that were written last, by name."""
    written = {name: signature(path / "values.csv")[-1] for name, path in folders.items()}
    return sorted(sorted(folders, key=lambda name: -written[name])[:_FIRST])


def _outcomes(runs: Mapping[str, Run]) -> None:
    spans = {tuple(one.values.index[[0, -1]].strftime("%Y-%m-%d")) for one in runs.values()}
    span = " to ".join(spans.pop()) if len(spans) == 1 else "each run's own days"
    view.section("Over the days shown", f"{span[0].upper()}{span[1:]}, after costs.")
    labels = {key: label for key, (label, _) in _OUTCOMES.items()}
    formats = {key: form for key, (_, form) in _OUTCOMES.items()}
    table = outcomes(runs)
    view.table(table, "runs-outcomes.csv", labels=labels, formats=formats, pinned=("run",))


def _draw_runs(runs: Mapping[str, Run], logarithmic: bool) -> None:
    series = compared(runs)
    for measure, (title, text, form, axis_form) in _MEASURES.items():
        view.section(title, text)
        growth = measure == "growth"
        drawn = charts.lines(
            series[series["measure"] == measure],
            "date",
            "value",
            "run",
            form=form,
            axis_form=axis_form,
            logarithmic=logarithmic and growth,
            zero=not growth,
            height=280 if growth else 190,
        )
        view.chart(drawn, title, f"runs-{measure}")
    dates = series["date"].dt.strftime("%Y-%m-%d")
    with view.fold("The series as a table"):
        wide = series.assign(date=dates).pivot(index=["run", "date"], columns="measure")["value"]
        formats = {name: "fine" if name == "growth" else "percent" for name in wide.columns}
        table = wide.reset_index()
        view.table(table, "runs-series.csv", formats=formats, pinned=("run", "date"))


def _sleeves(folders: Mapping[str, Path], runs: Mapping[str, Run], data: Path) -> None:
    """Exposure by asset class, where the data sets of the runs are at hand."""
    parts = [
        found.assign(run=name)
        for name, folder in folders.items()
        if len(found := sleeves(folder, runs[name], data))
    ]
    if not parts:
        return
    table = pd.concat(parts, ignore_index=True)
    view.section("Exposure by asset class", "Holdings of the class over the account's value.")
    with view.row():
        kind = view.choose("Asset class", sorted(table["asset_class"].unique()), "runs class")
        side = view.choose("Side", ["gross", "net", "long", "short"], "runs side")
    shown = table[table["asset_class"] == kind]
    drawn = charts.lines(
        shown, "date", side, "run", form=".1%", axis_form=".0%", zero=True, height=190
    )
    view.chart(drawn, f"{side.capitalize()} exposure, {kind}", f"runs-{kind}-{side}")
    without = [name for name in folders if name not in set(shown["run"])]
    if without:
        view.tell(f"Without {kind}, or without the data set that says so: {', '.join(without)}.")


def _metrics(runs: Mapping[str, Run]) -> None:
    view.section("Metrics", "Of each whole run, as its metrics.json has them.")
    labels = {key: label for key, (label, _) in METRICS.items()}
    formats = {key: form for key, (_, form) in METRICS.items() if form != "text"}
    table = metrics_table(runs)
    view.table(table, "runs-metrics.csv", labels=labels, formats=formats, pinned=("run",))


def _run_pages(folders: Mapping[str, Path]) -> None:
    view.section("Report", "Pages that runs have written. Links between them work in their folder.")
    written = {
        f"{name} · {page}": folder / page
        for name, folder in folders.items()
        for page in _PAGES
        if (folder / page).is_file()
    }
    if written:
        show_pages(written, "report")
    else:
        view.tell("None: runs.backtest writes them unless told --no-tearsheet.")
