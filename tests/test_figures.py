from __future__ import annotations

import dataclasses
import io
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from analyzers import style
from analyzers.drawing import png_bytes, svg_text
from analyzers.figures import build_figures, build_price_figures, save_figures
from analyzers.figures_book import plot_exposure, plot_sleeve_weights, plot_turnover
from analyzers.figures_factors import (
    plot_attribution,
    plot_factor_correlation,
    plot_latest_ranks,
    plot_rolling_exposures,
)
from analyzers.figures_performance import (
    plot_cost_sensitivity,
    plot_drawdown,
    plot_growth,
    plot_monthly_returns,
)
from feeds.errors import OutputError
from tests.synthetic_run import published_factors, synthetic_run

NAMES = [
    "alpha_attribution",
    "cost_sensitivity",
    "cumulative_returns",
    "drawdown",
    "exposure",
    "factor_correlation",
    "latest_ranks",
    "monthly_returns",
    "rolling_exposures",
    "sleeve_weights",
    "turnover",
]
LOOKS = {"A": ("#000000", "-"), "B": ("#111111", "--")}


@pytest.fixture(scope="module")
def figures():
    return build_figures(synthetic_run())


def words(figure) -> list[str]:
    """Every piece of text in a figure, with plain spaces."""
    found = figure.findobj(lambda artist: hasattr(artist, "get_text"))
    return [text.get_text().replace("\u00a0", " ").replace("\u202f", " ") for text in found]


def lines(figure, axes: int = 0) -> list[np.ndarray]:
    return [line.get_ydata() for line in figure.axes[axes].lines]


def test_every_figure_is_there_in_the_order_of_names(figures):
    assert list(figures) == NAMES


def test_saving_writes_both_formats_900_pixels_wide(figures, tmp_path):
    paths = save_figures(figures, tmp_path / "plots")
    assert [path.name for path in paths] == [
        f"{name}.{kind}" for name in NAMES for kind in ("png", "svg")
    ]
    for path in paths[::2]:
        assert Image.open(path).size[0] == 900


def test_svg_is_well_formed_keeps_its_text_and_asks_for_nothing(figures):
    for figure in figures.values():
        page = svg_text(figure)
        root = ElementTree.fromstring(page)
        assert root.findall(".//{http://www.w3.org/2000/svg}text")
        assert 'href="http' not in page and "url(http" not in page and "<dc:date>" not in page


@pytest.mark.slow
def test_same_bytes_whatever_hash_seed_and_time_zone(tmp_path):
    code = (
        "import hashlib\n"
        "from tests.synthetic_run import synthetic_run\n"
        "from analyzers.figures import build_figures, save_figures\n"
        "from analyzers.summary import write_summary\n"
        "from pathlib import Path\n"
        f"folder = Path({str(tmp_path)!r}); run = synthetic_run(years=4)\n"
        "paths = save_figures(build_figures(run), folder / 'plots')\n"
        "paths.append(write_summary(run, folder, True))\n"
        "print(hashlib.sha256(b''.join(path.read_bytes() for path in paths)).hexdigest())\n"
    )
    digests = set()
    for seed, zone in (("0", "UTC"), ("4242", "Asia/Tokyo")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": "."}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def test_settings_of_other_libraries_change_no_picture():
    table = pd.DataFrame({"a": [0.1, -0.2, 0.3]}, index=pd.bdate_range("2020-01-01", periods=3))
    plain = png_bytes(plot_growth(table, {"a": ("#0072b2", "-")}, "Growth"))
    others = {"lines.solid_capstyle": "butt", "axes.axisbelow": False, "axes.linewidth": 3.0,
              "grid.linewidth": 4.0, "xtick.major.size": 9.0, "font.size": 20.0}  # fmt: skip
    with mpl.rc_context(others):
        assert png_bytes(plot_growth(table, {"a": ("#0072b2", "-")}, "Growth")) == plain


def test_growth_starts_at_one_before_the_first_session():
    returns = pd.DataFrame(
        {"A": [0.1, -0.5], "B": [np.nan, 1.0]}, index=pd.to_datetime(["2020-01-02", "2020-01-03"])
    )
    figure = plot_growth(returns, LOOKS)
    drawn = lines(figure)[:2]
    # A: 1, 1.1, 1.1 x 0.5 = 0.55; B: not known at first, then doubles. The lead is drawn last.
    np.testing.assert_allclose(drawn[1], [1.0, 1.1, 0.55])
    np.testing.assert_allclose(drawn[0], [1.0, 2.0])
    assert {"0.55\u00d7 A", "2.00\u00d7 B"} <= set(words(figure))


def test_growth_takes_a_log_scale_only_for_a_wide_range():
    index = pd.bdate_range("2020-01-01", periods=3)
    wide = plot_growth(pd.DataFrame({"A": [1.0, 1.0, 0.0]}, index=index), LOOKS)
    narrow = plot_growth(pd.DataFrame({"A": [0.1, 0.0, 0.0]}, index=index), LOOKS)
    ruined = plot_growth(pd.DataFrame({"A": [9.0, -1.0, 0.0]}, index=index), LOOKS)
    scales = [figure.axes[0].get_yscale() for figure in (wide, narrow, ruined)]
    assert scales == ["log", "linear", "linear"]


def test_drawdown_names_its_deepest_point():
    index = pd.to_datetime(["2020-01-02", "2020-01-03", "2020-01-06"])
    figure = plot_drawdown(pd.DataFrame({"A": [0.0, -0.25, -0.1]}, index=index), LOOKS)
    assert any("deepest \u221225.0 % on 2020-01-03" in text for text in words(figure))


def test_monthly_table_shows_its_numbers_and_leaves_unknown_months_white():
    table = pd.DataFrame(np.nan, index=[2020], columns=[*range(1, 13), "Year"])
    table.loc[2020, [1, 2, "Year"]] = [0.0123, -0.2, -0.1902]
    figure = plot_monthly_returns(table)
    rows = [text.split() for text in words(figure)]
    assert ["1.2", "\u221220.0"] in rows and ["\u221219.0"] in rows
    assert figure.axes[0].collections[0].get_array().mask.sum() == 10
    # Colours are centred at zero and reach as far on either side: the largest is 20 %.
    assert figure.axes[0].collections[0].get_clim() == (-0.2, 0.2)


def test_correlation_draws_the_lower_triangle():
    matrix = pd.DataFrame([[1.0, -0.004], [-0.004, 1.0]], index=["a", "b"], columns=["a", "b"])
    assert [text for text in words(plot_factor_correlation(matrix)) if "." in text] == [
        "1.00",
        "0.00",
        "1.00",
    ]


def test_costs_draw_both_methods_and_leave_out_unknown_numbers():
    table = synthetic_run(1).cost_sensitivity
    table.loc[table["scale"] == 4.0, "sharpe"] = None
    figure = plot_cost_sensitivity(table)
    text = " ".join(words(figure))
    assert "re-priced" in text and "re-run" in text
    np.testing.assert_allclose(lines(figure)[0], [0.06, 0.054, 0.048, 0.036, 0.012])
    assert np.isnan(lines(figure, 1)[0][-1])


def test_turnover_leaves_the_first_build_out_of_its_mean():
    dates = pd.to_datetime(["2020-01-31", "2020-02-28", "2020-03-31"])
    # Mean of 0.2 and 0.3; with the build of 1.0 it would be 50 %.
    figure = plot_turnover(pd.Series([1.0, 0.2, 0.3], index=dates))
    assert "Mean after the first: 25.0 %" in words(figure)


def test_sleeves_are_stacked_longs_up_and_shorts_down():
    dates = pd.to_datetime(["2020-01-31", "2020-02-28"])
    sleeves = pd.DataFrame(
        {"equity_long": 0.4, "equity_short": -0.3, "crypto_long": 0.1, "cash": 0.8}, index=dates
    )
    stacks = plot_sleeve_weights(sleeves).axes[0].collections
    heights = [stack.get_paths()[0].vertices[:, 1] for stack in stacks[:3]]
    spans = [(heights.min(), heights.max()) for heights in heights]
    np.testing.assert_allclose(spans, [(0.0, 0.4), (0.4, 0.5), (-0.3, 0.0)])


def test_latest_ranks_show_both_ends_with_proxies_marked():
    run = synthetic_run(1)
    figure = plot_latest_ranks(run.ranks, list(run.labels)[:3], run.labels)
    rows = [text.split() for text in words(figure)]
    ranks = [int(row[0]) for row in rows if row and row[0].isdigit()]
    assert ranks == [*range(1, 13), *range(50, 62)]
    assert any("(proxy:" in text for text in words(figure))


def test_few_ranks_are_shown_once():
    run = synthetic_run(1)
    figure = plot_latest_ranks(run.ranks.head(14), list(run.labels), run.labels)
    rows = [text.split() for text in words(figure)]
    assert [int(row[0]) for row in rows if row and row[0].isdigit()] == list(range(1, 15))


def test_what_has_no_data_says_so():
    nothing = pd.DataFrame()
    empty = [
        plot_growth(nothing, LOOKS),
        plot_drawdown(nothing, LOOKS),
        plot_monthly_returns(nothing),
        plot_cost_sensitivity(nothing),
        plot_exposure(nothing),
        plot_sleeve_weights(nothing),
        plot_turnover(pd.Series(dtype=float)),
        plot_factor_correlation(nothing),
        plot_rolling_exposures(nothing, {}),
        plot_attribution(nothing, {}),
        plot_latest_ranks(nothing, [], {}),
    ]
    for figure in empty:
        assert not figure.axes and len(words(figure)) == 2 and words(figure)[1].endswith(".")


@pytest.mark.parametrize("sessions", [1, 2, 25, 60])
def test_short_runs_have_every_figure(sessions, tmp_path):
    run = synthetic_run(1)
    cut = run.returns.index[:sessions]
    short = dataclasses.replace(
        run,
        values=run.values.loc[cut],
        returns=run.returns.loc[cut],
        benchmark=run.benchmark.loc[cut],
        universe=run.universe.loc[cut],
        factor_returns=run.factor_returns.loc[cut],
        sleeves=run.sleeves.loc[run.sleeves.index <= cut[-1]],
        fills=run.fills[run.fills["date"] <= cut[-1]],
    )
    assert len(save_figures(build_figures(short), tmp_path)) == 2 * len(NAMES)


def test_published_factors_lead_only_where_they_cover_the_run():
    run = synthetic_run()
    run.published = published_factors(run)
    covered = " ".join(words(build_figures(run)["alpha_attribution"]))
    assert "published" in covered and "UMD, momentum" in covered
    run.published = run.published.head(40)
    assert "our own" in " ".join(words(build_figures(run)["rolling_exposures"]))


def test_a_benchmark_that_is_not_the_universe_is_a_line_of_its_own():
    texts = " ".join(words(build_figures(synthetic_run(benchmark="SPX"))["cumulative_returns"]))
    assert "SPX (benchmark)" in texts and "Equal-weighted universe" in texts
    texts = " ".join(words(build_figures(synthetic_run(benchmark="cash"))["cumulative_returns"]))
    assert "1.00\u00d7 Cash (benchmark)" in texts


def test_names_with_markup_are_text(tmp_path):
    run = synthetic_run(1)
    run.name = "$\\alpha$ & <b>"
    for path in save_figures(build_figures(run), tmp_path)[1::2]:
        ElementTree.fromstring(path.read_text(encoding="utf-8"))
    assert "$\\alpha$ &amp; &lt;b&gt;" in (tmp_path / "cumulative_returns.svg").read_text("utf-8")


def test_drawing_looks_as_matplotlib_draws(figures):
    for name in ("drawdown", "latest_ranks", "monthly_returns"):
        figure = figures[name]
        ours = np.asarray(Image.open(io.BytesIO(png_bytes(figure))), dtype=float)
        canvas = FigureCanvasAgg(figure)
        style.styled(canvas.draw)()
        theirs = np.asarray(canvas.buffer_rgba(), dtype=float)[..., :3]
        # Strings start on whole pixels: letters move by half a pixel, and nothing else does.
        blurred = [
            np.add.reduceat(
                np.add.reduceat(a, range(0, a.shape[0], 10), 0), range(0, a.shape[1], 10), 1
            )
            / 100
            for a in (ours, theirs)
        ]
        assert np.abs(blurred[0] - blurred[1]).max() < 40
        assert np.abs(ours.mean() - theirs.mean()) < 0.3


def test_matplotlib_settings_are_left_alone(figures):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    svg_text(build_figures(synthetic_run(1))["drawdown"])
    assert dict(mpl.rcParams) == before


def test_a_folder_that_is_a_file_is_a_user_error(figures, tmp_path):
    (tmp_path / "plots").write_text("in the way")
    with pytest.raises(OutputError, match="plots: cannot write plots"):
        save_figures({"drawdown": figures["drawdown"]}, tmp_path / "plots")


def test_prices_alone_give_four_figures():
    prices = pd.DataFrame(
        {"A": [100.0, 110.0, 110.0], "B": [np.nan, 50.0, 25.0]},
        index=pd.to_datetime(["2020-01-30", "2020-01-31", "2020-02-03"]),
    )
    figures = build_price_figures(prices, "p.csv")
    assert list(figures) == sorted(figures)
    # Equal weights: +10 % (A alone is known), then (0 - 50 %) / 2 = -25 %: 1.1 x 0.75 = 0.825.
    assert any(
        "0.82\u00d7" in text or "0.83\u00d7" in text
        for text in words(figures["cumulative_returns"])
    )


def test_ticks_are_round_and_inside():
    # A quarter of 0.28 is 0.07: the next round step is 0.1.
    ticks = style.number_ticks(-0.07, 0.21, style.short_percent, 4)
    assert [label.replace("\u202f", " ") for _, label in ticks] == ["0 %", "10 %", "20 %"]
    halves = [label for _, label in style.number_ticks(-0.5, 0.6, style.short, 5)]
    assert halves == ["\u22120.5", "\u22120.25", "0", "0.25", "0.5"]
    assert [label for _, label in style.log_ticks(0.6, 2.4, style.times)] == [
        "0.7\u00d7",
        "1\u00d7",
        "1.5\u00d7",
        "2\u00d7",
    ]
    span = style.days(pd.to_datetime(["2010-03-05", "2016-12-30"]))
    assert [label for _, label in style.date_ticks(span)] == [str(y) for y in range(2011, 2017)]
    assert style.date_ticks(span)[0][0] == 14975  # 2011-01-01 is day 14975 since 1970


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 300), min_size=1, max_size=12))
def test_end_labels_never_overlap(heights):
    placed = style._spread(sorted(heights), 17, 300)
    assert all(later - earlier >= 17 - 1e-9 for earlier, later in zip(placed, placed[1:]))
    # Twelve labels of 17 fit into 300, so none leaves the panel on either side.
    assert placed[0] >= 8.5 - 1e-9 and placed[-1] <= 300 - 8.5 + 1e-9


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(0, 20000), st.integers(0, 15000))
def test_date_ticks_are_ordered_and_inside(first, span):
    ticks = [place for place, _ in style.date_ticks(np.array([first, first + span], dtype=float))]
    assert ticks == sorted(set(ticks)) and 1 <= len(ticks) <= 13
    assert first <= ticks[0] and ticks[-1] <= first + span


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.1234, 0, "12"), (-0.0004, 1, "0"), (-0.5, 0, "\u221250"), (12.0, 0, "1,200")],
)
def test_percent(value, digits, text):
    assert style.percent(value, digits) == f"{text}\u202f%"


def test_amount():
    assert [style.amount(x) for x in (1.25e6, -2500.0, 3e9, 12.0)] == [
        "1.25M",
        "\u22122.5k",
        "3B",
        "12",
    ]
