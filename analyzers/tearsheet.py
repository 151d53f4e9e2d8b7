"""The QuantStats tearsheet of a run: the only module that imports quantstats."""

from __future__ import annotations

import html
import io
import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import matplotlib as mpl
import pandas as pd

from analyzers.presentation import benchmark_label, cash_rate
from analyzers.result import RunResult
from analyzers.return_metrics import session_rate
from feeds.errors import OutputError

__all__ = ["write_tearsheet"]

# Fewer sessions than these leave several of its tables without a single number.
_LEAST_SESSIONS = 40
_NOTE_STYLE = (
    "background:#fff6e0;border-left:4px solid #e69f00;padding:10px 14px;margin:14px 0;"
    "font:14px/1.5 Arial,sans-serif"
)
# The look of QuantStats, given again for each report: it sets it once, on import.
_LOOK = {
    "font.family": "DejaVu Sans",
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.5,
    "text.color": "#333333",
    "xtick.color": "#666666",
    "ytick.color": "#666666",
}
_DIFFERENCES = (
    "QuantStats counts periods where we count days in CAGR, takes VaR from a normal "
    "distribution, and leaves its risk-adjusted return and information ratio without our "
    "annualisation; docs/metrics.md lists every difference."
)


def write_tearsheet(result: RunResult, path: Path) -> Path:
    """Write the QuantStats HTML report of `result`; it opens offline and loads nothing.

    Returns are over the configured cash rate, session by session; missing ones count as 0.
    A benchmark without variance (cash) is left out. The same result gives the same bytes. A
    run of fewer than 40 sessions gets a page that says so.

    Raises
    ------
    OutputError
        If `path` cannot be written.
    """
    page = _short_page(result) if len(result.returns) < _LEAST_SESSIONS else _report(result)
    path = Path(path)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror})", "choose another --out folder"
        ) from None
    return path


def _report(result: RunResult) -> str:
    rate = session_rate(cash_rate(result), result.periods_per_year)
    benchmark = result.benchmark.fillna(0.0) - rate
    varies = bool(benchmark.std() > 1e-12)
    label = benchmark_label(result) if varies else None
    with tempfile.TemporaryDirectory() as folder, _hermetic():
        import quantstats.reports
        import seaborn

        seaborn.set_theme(font_scale=1.1, rc=_LOOK)
        output = Path(folder) / "tearsheet.html"
        quantstats.reports.html(
            _as_returns(result.returns.fillna(0.0) - rate),
            benchmark=benchmark.rename(label) if varies else None,
            rf=0.0,
            title=html.escape(result.name),
            output=str(output),
            periods_per_year=result.periods_per_year,
            match_dates=False,
            benchmark_title=html.escape(label) if label else None,
            strategy_title="Portfolio",
        )
        page = output.read_text(encoding="utf-8")
    return _offline(page, _note(result, varies, rate))


def _as_returns(returns: pd.Series) -> pd.Series:
    """Returns that QuantStats cannot mistake for prices: it does where none is negative."""
    returns = returns.astype(float).rename("Portfolio")
    if returns.min() >= 0 and returns.max() > 1:
        returns.iloc[int(returns.argmin())] = -1e-300
    return returns


@contextmanager
def _hermetic() -> Iterator[None]:
    """No trace left and none taken: settings, figures, warnings, time and random ids."""
    from matplotlib import pyplot
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    before, epoch = set(pyplot.get_fignums()), os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    fonts = logging.getLogger("matplotlib.font_manager")
    level = fonts.level
    fonts.setLevel(logging.ERROR)
    # pyplot draws each figure once more after saving it, for a window that is not there.
    draw_idle = FigureCanvasAgg.draw_idle
    FigureCanvasAgg.draw_idle = lambda canvas, *arguments, **options: None
    try:
        with (
            mpl.rc_context({"svg.hashsalt": "tearsheet", "text.parse_math": False}),
            pd.plotting.plot_params.use("x_compat", True),
            warnings.catch_warnings(),
            redirect_stdout(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        fonts.setLevel(level)
        FigureCanvasAgg.draw_idle = draw_idle
        if epoch is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = epoch
        for number in sorted(set(pyplot.get_fignums()) - before):
            pyplot.close(number)


def _offline(page: str, note: str) -> str:
    """The page without its requests, its call of a script it lacks, and outward links."""
    page = re.sub(r"<link\b[^>]*>", '<link rel="icon" href="data:,">', page, count=1)
    page = re.sub(r"<link\b(?![^>]*data:,)[^>]*>", "", page)
    page = re.sub(r'<a href="https?://[^>]*>(.*?)</a>', r"\1", page)
    page = re.sub(r"<metadata>.*?</metadata>", "", page, flags=re.DOTALL)
    # A small per cent sign that hardly any font has.
    page = page.replace("\ufe6a", " %").replace(' onload="save()"', "")
    return re.sub(r"(</h4>\s*<hr>)", lambda found: found.group(1) + note, page, count=1)


def _note(result: RunResult, has_benchmark: bool, rate: float) -> str:
    parts = [
        'Our own summary leads: <a href="summary.html">summary.html</a>.',
        html.escape(_DIFFERENCES),
    ]
    if rate:
        parts.append(f"Returns here are over the cash rate of {cash_rate(result):.2%}.")
    if not has_benchmark:
        parts.append("The benchmark has no variance (cash), so nothing is compared with it.")
    return f'<p id="note" style="{_NOTE_STYLE}">{" ".join(parts)}</p>'


def _short_page(result: RunResult) -> str:
    title = html.escape(result.name)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>'
        f'{title}</title><link rel="icon" href="data:,"></head><body><h1>{title}</h1>'
        f'<p style="{_NOTE_STYLE}">The run has {len(result.returns)} sessions; a tearsheet '
        f'needs {_LEAST_SESSIONS}. See <a href="summary.html">summary.html</a>.</p>'
        "</body></html>\n"
    )
