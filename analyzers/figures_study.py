"""Figures of each factor of a study, one small panel a factor and class."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyzers.factor_results import FactorResults, study_key
from analyzers.figures_layout import blank, few_ticks, frame, panel_grid, write_marks
from analyzers.figures_research import build_research_figures
from analyzers.study_labels import places_of
from analyzers.style import (
    AREA,
    LINE,
    NEGATIVE,
    NEUTRAL,
    PORTFOLIO,
    date_ticks,
    days,
    empty_figure,
    percent,
    short,
    short_percent,
    styled,
    times,
)

__all__ = [
    "build_study_figures",
    "plot_breadth",
    "plot_factor_growth",
    "plot_ic_decay",
    "plot_information_coefficients",
    "plot_quantile_returns",
    "plot_quantile_turnover",
    "plot_rank_autocorrelation",
]

_ROLLING = 12
#: Standard errors of an interval of 95 %.
WIDE = 1.96

Draw = Callable[[Axes, str], None]


def build_study_figures(results: FactorResults) -> dict[str, Figure]:
    """Every figure of a factor study by name, in the order of names.

    What the study has no numbers for has no figure.
    """
    if not len(results.summary):
        reason = "No class had enough assets to rank."
        return {"factor_growth": empty_figure("Growth of 1", reason)}
    figures = {
        "breadth": plot_breadth(results),
        "factor_growth": plot_factor_growth(results),
        "information_coefficients": plot_information_coefficients(results),
        "quantile_returns": plot_quantile_returns(results),
        "quantile_turnover": plot_quantile_turnover(results),
        "rank_autocorrelation": plot_rank_autocorrelation(results),
        **build_research_figures(results),
    }
    if len(results.decay):
        figures["ic_decay"] = plot_ic_decay(results)
    return dict(sorted(figures.items()))


@styled
def plot_factor_growth(results: FactorResults) -> Figure:
    """Growth of 1 of each factor's own long-short portfolio, before and after costs."""
    looks = {"before costs": PORTFOLIO, "after costs": NEGATIVE}
    tables = {"before costs": results.factor_returns, "after costs": results.net_returns}

    def draw(ax: Axes, key: str) -> None:
        shown = []
        for name, table in tables.items():
            if key in table:
                known = table[key].dropna()
                x = days(known.index)
                grown = (1.0 + known).cumprod().to_numpy()
                ax.plot(x, grown, color=looks[name], linewidth=1.4)
                shown.append(grown)
        ticks = few_ticks(date_ticks(x))
        frame(ax, (x[0], max(x[-1], x[0] + 1)), np.concatenate(shown), ticks, times, level=1.0)

    figure = _grid(
        results,
        "Growth of 1: each factor's own long-short portfolio",
        "Best less worst scores, half of capital on each side; scales differ",
        draw,
    )
    write_marks(figure, [(LINE, name, colour) for name, colour in looks.items()])
    return figure


@styled
def plot_information_coefficients(results: FactorResults) -> Figure:
    """Rank correlation of score and later return at each decision, and its mean over twelve."""
    table = results.ic.set_index([_keys(results.ic), "decision_date"])["ic"]

    def draw(ax: Axes, key: str) -> None:
        known = table.loc[key].dropna()
        if len(known) < 2:
            blank(ax, "fewer than two decisions with a return after them")
            return
        x, values = days(known.index), known.to_numpy()
        ax.vlines(x, 0.0, values, color=NEUTRAL, linewidth=1.0)
        smooth = known.rolling(_ROLLING, min_periods=_ROLLING).mean().to_numpy()
        ax.plot(x, smooth, color=PORTFOLIO, linewidth=1.8)
        frame(ax, (x[0], x[-1]), values, few_ticks(date_ticks(x)), short)

    figure = _grid(
        results,
        "Information coefficients",
        f"Spearman correlation of score and the return of the next {results.horizon} sessions",
        draw,
    )
    mean = (LINE, f"mean of {_ROLLING} decisions", PORTFOLIO)
    write_marks(figure, [(AREA, "one decision", NEUTRAL), mean])
    return figure


@styled
def plot_ic_decay(results: FactorResults) -> Figure:
    """Mean information coefficient by horizon, with intervals of 95 %."""
    keyed = results.decay.set_index(_keys(results.decay))

    def draw(ax: Axes, key: str) -> None:
        part = keyed.loc[[key]]
        x = np.arange(len(part), dtype=float)
        mean = part["ic_mean"].to_numpy(dtype=float)
        error = WIDE * np.abs(mean / part["ic_t"].to_numpy(dtype=float))
        ax.vlines(x, mean - error, mean + error, color=PORTFOLIO, linewidth=1.6)
        ax.plot(x, mean, "o", color=PORTFOLIO, ms=5)
        ticks = [(place, str(days)) for place, days in zip(x.tolist(), part["horizon"])]
        bounds = np.concatenate([mean, mean - error, mean + error])
        frame(ax, (-0.5, len(part) - 0.5), bounds, ticks, short)

    return _grid(
        results,
        "Decay of the information coefficient",
        "Mean by sessions ahead, from the session after the decision; bars are intervals of 95 %",
        draw,
        head=60,
    )


@styled
def plot_quantile_returns(results: FactorResults) -> Figure:
    """Mean return a year of each quantile before and after costs, worst score first."""
    looks = (AREA, "before costs", PORTFOLIO), ("\u25cf", "after costs", NEGATIVE)
    means = _by_quantile(results, "mean_annual")
    net = _by_quantile(results, "net_mean_annual")

    def draw(ax: Axes, key: str) -> None:
        values = means.loc[key].to_numpy(dtype=float)
        after = net.loc[key].to_numpy(dtype=float)
        x = np.arange(1.0, len(values) + 1)
        ax.bar(x, values, color=PORTFOLIO, width=0.62, alpha=0.75)
        ax.plot(x, after, "o", color=NEGATIVE, ms=5)
        ticks = _quantile_ticks(len(values))
        frame(ax, (0.4, len(values) + 0.6), np.append(values, after), ticks, short_percent)

    figure = _grid(
        results,
        "Return by quantile",
        "Mean return a year of equally weighted quantiles, Q1 the worst scores",
        draw,
    )
    write_marks(figure, looks)
    return figure


@styled
def plot_quantile_turnover(results: FactorResults) -> Figure:
    """Turnover a year of each quantile, and of the factor's own portfolio as a line."""
    turnover = _by_quantile(results, "turnover_half_annual")
    own = results.summary.set_index(_keys(results.summary))["turnover_half_annual"]

    def draw(ax: Axes, key: str) -> None:
        values = turnover.loc[key].to_numpy(dtype=float)
        x = np.arange(1.0, len(values) + 1)
        ax.bar(x, values, color=PORTFOLIO, width=0.62, alpha=0.75)
        level = float(own.loc[key])
        ax.plot([0.4, len(values) + 0.6], [level, level], color=NEGATIVE, linewidth=1.6)
        ticks = _quantile_ticks(len(values))
        frame(ax, (0.4, len(values) + 0.6), np.append(values, level), ticks, percent)

    figure = _grid(
        results,
        "Turnover by quantile",
        "A year: half the sum of absolute weight changes at each entry, over the portfolio's value",
        draw,
    )
    marks = (AREA, "quantile", PORTFOLIO), (LINE, "the factor's long-short portfolio", NEGATIVE)
    write_marks(figure, marks)
    return figure


@styled
def plot_breadth(results: FactorResults) -> Figure:
    """Assets with a score at each decision."""
    table = results.ic.set_index([_keys(results.ic), "decision_date"])["ranked"]

    def draw(ax: Axes, key: str) -> None:
        known = table.loc[key]
        x = days(known.index)
        values = known.to_numpy(dtype=float)
        ax.fill_between(x, values, 0.0, color=PORTFOLIO, alpha=0.22, linewidth=0)
        ax.plot(x, values, color=PORTFOLIO, linewidth=1.4)
        frame(ax, (x[0], max(x[-1], x[0] + 1)), values, few_ticks(date_ticks(x)), short)

    return _grid(results, "Breadth", "Assets ranked at each decision", draw, head=60)


@styled
def plot_rank_autocorrelation(results: FactorResults) -> Figure:
    """Rank correlation of the scores of each decision with those of the one before."""
    table = results.ic.set_index([_keys(results.ic), "decision_date"])["rank_autocorrelation"]

    def draw(ax: Axes, key: str) -> None:
        known = table.loc[key].dropna()
        if len(known) < 2:
            blank(ax, "fewer than three decisions that rank the same assets")
            return
        x, values = days(known.index), known.to_numpy()
        ax.plot(x, values, color=PORTFOLIO, linewidth=1.4)
        frame(ax, (x[0], x[-1]), np.append(values, 1.0), few_ticks(date_ticks(x)), short)

    title = "Rank autocorrelation"
    subtitle = "Correlation of the ranks at each decision with those at the one before"
    return _grid(results, title, subtitle, draw, head=60)


def _grid(results: FactorResults, title: str, subtitle: str, draw: Draw, head: int = 84) -> Figure:
    """One panel a factor and class; a place too thin says so."""
    places, columns = places_of(results)
    figure, axes = panel_grid(
        title, subtitle, [place.title for place in places], columns, head=head
    )
    for ax, place in zip(axes, places):
        if place.reason:
            blank(ax, place.reason)
        else:
            draw(ax, place.key)
    return figure


def _keys(table: pd.DataFrame) -> pd.Index:
    pairs = zip(table["asset_class"], table["factor"])
    return pd.Index([study_key(*pair) for pair in pairs], name="key", dtype=object)


def _by_quantile(results: FactorResults, column: str) -> pd.DataFrame:
    """One row a key and one column a quantile, the spread left out."""
    table = results.quantiles[results.quantiles["quantile"] != "spread"]
    order = [str(q) for q in sorted(table["quantile"].astype(int).unique())]
    keyed = table.assign(key=_keys(table))
    return keyed.pivot(index="key", columns="quantile", values=column)[order]


def _quantile_ticks(count: int) -> list[tuple[float, str]]:
    return [(float(number), f"Q{number}") for number in range(1, count + 1)]
