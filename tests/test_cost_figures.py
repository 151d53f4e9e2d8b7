"""Figures of a cost study at their edges: nothing to show, missing numbers, extremes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analyzers.cost_capacity import capacity_limits
from analyzers.cost_figures import plot_capacity, plot_grid
from analyzers.cost_figures_paths import plot_outcomes, plot_value_bands
from analyzers.cost_figures_sources import plot_sources, plot_waterfall
from analyzers.drawing import png_bytes


def said(figure: Figure) -> str:
    texts = [text.get_text() for text in figure.texts]
    texts += [text.get_text() for ax in figure.axes for text in ax.texts]
    return "\n".join(texts)


def grid(values: list[float]) -> pd.DataFrame:
    pairs = [(one, other) for one in ("own", "dear") for other in ("own", "wide")]
    return pd.DataFrame(pairs, columns=["commission", "slippage"]).assign(sharpe=values)


def test_a_grid_shows_its_numbers_and_leaves_gaps_for_missing_ones() -> None:
    figure = plot_grid(grid([0.7, 0.5, np.nan, -0.1]), "sharpe", "T", "", lambda v: f"{v:.2f}")
    text = said(figure)
    assert all(number in text for number in ("0.70", "0.50", "-0.10")) and "nan" not in text
    assert png_bytes(figure) == png_bytes(figure)


def test_a_grid_without_numbers_says_so() -> None:
    figure = plot_grid(grid([np.nan] * 4), "sharpe", "T", "", str)
    assert "no number" in said(figure)


def test_capacity_is_named_beside_its_curve() -> None:
    curve = pd.DataFrame(
        {
            "model": ["square root"] * 3 + ["other"] * 3,
            "capital": [1e5, 1e6, 1e7] * 2,
            "return_over_cash": [0.04, 0.02, -5.0, 0.04, np.nan, np.nan],
            "sharpe": [1.0, 0.5, -3.0, 1.0, np.nan, np.nan],
        }
    )
    text = said(plot_capacity(curve, capacity_limits(curve, 0.04)))
    assert "square root: half gone at 1M; all gone at 1.01M" in text
    assert "other: half gone at 1M" in text
    assert "no volumes" in said(plot_capacity(curve[:0], capacity_limits(curve[:0], 0.04)))


@pytest.mark.parametrize("plot", [plot_sources, plot_waterfall])
def test_no_costs_are_said_to_be_none(plot) -> None:
    columns = ["dimension", "part", "commission", "slippage", "carry", "total", "share"]
    empty = pd.DataFrame(columns=[*columns, "step", "amount"])
    assert "othing" in said(plot(empty)) or "no run" in said(plot(empty))


def test_sources_show_received_carry_and_name_long_lists_by_number() -> None:
    rows = [
        ("asset class", "equity", 3.0, 2.0, -4.0),
        ("asset", "A", 1.0, 1.0, -4.0),
        ("asset", "the other 9", 2.0, 1.0, 0.0),
    ]
    table = pd.DataFrame(rows, columns=["dimension", "part", "commission", "slippage", "carry"])
    table["total"] = table[["commission", "slippage", "carry"]].sum(axis=1)
    table["share"] = table["total"]
    figure = plot_sources(table)
    assert "the other 9" in said(figure) and "300.0" in said(figure)
    left = min(bar.get_x() + min(bar.get_width(), 0) for ax in figure.axes for bar in ax.patches)
    assert left == -4.0
    assert max(bar.get_width() for bar in figure.axes[1].patches) == 1.0


def test_a_loss_before_costs_falls_further() -> None:
    steps = pd.DataFrame(
        {"step": ["gross profit", "commission", "net profit"], "amount": [-10.0, -5.0, -15.0]}
    )
    figure = plot_waterfall(steps)
    low, high = figure.axes[0].get_ylim()
    assert low < -15.0 and high >= 0.0 and "%" not in said(figure)


def test_bands_and_outcomes_without_paths_say_so() -> None:
    nothing = pd.DataFrame(columns=["noise"])
    assert "Nothing was sampled" in said(plot_value_bands(nothing, 0))
    assert "Nothing was sampled" in said(plot_outcomes(nothing, nothing))


def test_paths_that_are_all_alike_are_drawn() -> None:
    dates = pd.date_range("2020-01-01", periods=5)
    levels = {name: 100.0 for name in ("p5", "p25", "p50", "p75", "p95", "configured")}
    bands = pd.DataFrame({"noise": "a", "date": dates, **levels})
    png_bytes(plot_value_bands(bands, 3))
    paths = pd.DataFrame({"noise": "a", "cagr": [0.01] * 3, "sharpe": [np.nan] * 3})
    rows = [("a", "cagr", *[0.01] * 4), ("a", "sharpe", *[np.nan] * 4)]
    outcomes = pd.DataFrame(rows, columns=["noise", "metric", "configured", "p5", "p50", "p95"])
    png_bytes(plot_outcomes(paths, outcomes))
