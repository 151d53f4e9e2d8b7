"""The factor tear sheet: one page of a factor study, complete in itself."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from analyzers import study_page_tables as tables
from analyzers.drawing import svg_text
from analyzers.factor_results import FactorResults
from analyzers.figures_study import build_study_figures
from analyzers.study_findings import findings
from analyzers.study_labels import classes_of, proxies_of

__all__ = ["factor_sheet"]

_TEMPLATES = Path(__file__).parent / "templates"


class Section(NamedTuple):
    """A heading with figures (by the start of their names), a table and words about both."""

    heading: str
    figures: tuple[str, ...]
    table: Callable[[FactorResults], tables.PageTable] | None
    needs: str
    text: str
    missing: str


_SECTIONS = (
    Section(
        "What each factor earned", ("factor_growth", "costs_"), tables.earned_table, "summary",
        "Each factor's own portfolio: the best share of scores long and the worst short, half of "
        "capital on each side, equally weighted. Means, cost and turnover are a year; t is by "
        "Newey-West errors. Net figures are after commission and slippage; the borrow fee on "
        "shorts stands beside them. Break-even is the one-way cost of traded value that leaves "
        "nothing.",
        "No class had enough assets to rank.",
    ),
    Section(
        "Quantiles", ("quantile_returns", "quantile_turnover"), tables.quantile_means, "quantiles",
        "Mean return a year of equally weighted quantiles before costs. The spread is the best "
        "less the worst, on full capital each.",
        "No cross-section was broad enough for quantiles.",
    ),
    Section(
        "How well scores rank", ("information_coefficients", "rank_autocorrelation", "breadth"),
        tables.ranked_table, "summary",
        "IC is the correlation of scores with the returns that follow, from the session after "
        "the decision, and untraded from its own close. Rank corr. is that of the scores of "
        "neighbouring decisions.",
        "Nothing was ranked.",
    ),
    Section(
        "How long scores last", ("ic_decay",), tables.decay_table, "decay",
        "Mean rank IC by sessions ahead, t in brackets. The half-life is the number of sessions "
        "after which the coefficient of a later month is half that of the first.",
        "Nothing was ranked.",
    ),
    Section(
        "Fama-MacBeth slopes", ("fama_macbeth_",), tables.slope_table, "fama_macbeth",
        "One regression of later returns on ranks within (-1/2, 1/2) a decision; slopes averaged "
        "over time, a year. Joint slopes are what a factor adds to the others.",
        "No decision had enough assets for a regression.",
    ),
    Section(
        "Correlation", ("factor_correlation", "score_correlation_"), None, "correlation",
        "Of returns within and across asset classes, and of scores within each class.",
        "A correlation needs two factors or more.",
    ),
    Section(
        "Regimes", ("regimes_",), tables.regime_table, "regimes",
        "Mean return a year by the market of the class before: its return over half a year, its "
        "volatility over a quarter against the median until then. Both are known at the close "
        "before. The market is the equally weighted assets of the class.",
        "There is too little history for regimes.",
    ),
    Section(
        "What a factor adds to others", ("spanning",), tables.spanning_table, "spanning",
        "Alpha of weekly returns on the other factors of the class and its market, and on all "
        "factors and the market of another class. Newey-West errors; p is two-sided.",
        "There is nothing to hold a factor against.",
    ),
    Section(
        "What a sleeve of another class does", ("frontier",), tables.sleeve_table, "sleeve_test",
        "Largest Sharpe ratios of mixes of factors and markets, on the weeks that all know. In "
        "sample every ratio is too good; out of sample weights come from earlier weeks. GRS is "
        "the test of Gibbons, Ross and Shanken, HAC that of Ledoit and Wolf.",
        "The study has one asset class: there is no sleeve to add.",
    ),
    Section(
        "Full against investable universe", ("universes_",), tables.universe_table, "universes",
        "The same study without and with the floors of the configuration; without them on all "
        "decisions, and on those on which enough assets reach the floors.",
        "No floors are configured; --investable min_dollar_volume=1000000 compares.",
    ),
    Section(
        "Value and momentum everywhere", ("everywhere",), tables.everywhere_table, "everywhere",
        "Rank-weighted portfolios of value and momentum in each class, one unit long and one "
        "short, both in equal parts, and where two classes rank them all at equal past risk "
        "(Asness, Moskowitz and Pedersen 2013). Before costs.",
        "This needs a value and a momentum factor that are broad enough.",
    ),
)  # fmt: skip


def factor_sheet(results: FactorResults) -> str:
    """The page as text: figures inside it as SVG, no script, nothing loaded.

    The same results give the same text.
    """
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    images = {name: _image(figure) for name, figure in build_study_figures(results).items()}
    dates = results.factor_returns.index
    return environment.get_template("factor_sheet.html.j2").render(
        name=results.name,
        start=f"{dates[0]:%Y-%m-%d}" if len(dates) else "",
        end=f"{dates[-1]:%Y-%m-%d}" if len(dates) else "",
        sessions=len(dates),
        decisions=int(results.ic["decision_date"].nunique()) if len(results.ic) else 0,
        classes=classes_of(results),
        findings=findings(results),
        notes=results.notes,
        proxies=proxies_of(results),
        sections=[_section(results, section, images) for section in _SECTIONS],
        files=[f"{name}.csv" for name in results.tables()],
        command=results.command,
    )


def _section(results: FactorResults, section: Section, images: Mapping[str, str]) -> dict[str, Any]:
    """What the template needs of a section; without numbers, the sentence that says so."""
    known = len(getattr(results, section.needs)) > 0
    chosen = [
        name
        for start in section.figures
        for name in images
        if name == start or (start.endswith("_") and name.startswith(start))
    ]
    return {
        "heading": section.heading,
        "text": section.text if known else section.missing,
        "table": section.table(results) if known and section.table else None,
        "figures": [{"name": name, "data": images[name]} for name in chosen] if known else [],
    }


def _image(figure: Any) -> str:
    return base64.b64encode(svg_text(figure).encode()).decode("ascii")
