"""The page of a cost study: `costs.html`, complete in itself."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from analyzers import cost_page_tables as tables
from analyzers.cost_findings import cost_findings
from analyzers.cost_study import CostStudy
from analyzers.drawing import svg_text
from analyzers.study_labels import number_text
from analyzers.study_page_tables import PageTable

__all__ = ["cost_page"]

_TEMPLATES = Path(__file__).parent / "templates"


class _Section(NamedTuple):
    """A heading with words, figures and tables; tables with a title are folded under it."""

    heading: str
    figures: tuple[str, ...]
    tables: tuple[tuple[str, Callable[[CostStudy], PageTable]], ...]
    text: str


def _cagr_by_scale(study: CostStudy) -> PageTable:
    return tables.scale_grid_table(study, "cagr", "rate")


_SECTIONS = (
    _Section(
        "Under other schemes",
        ("grid_cagr", "grid_sharpe", "grid_drag"),
        (
            ("Every combination", tables.grid_table),
            ("CAGR of every combination, both costs multiplied", _cagr_by_scale),
            ("What the names stand for", tables.scheme_table),
            ("", tables.left_out_table),
        ),
        "The strategy run again under each commission and slippage. Rates are a year; traded is "
        "the value bought and sold over NAV; commission, slippage and carry are basis points of "
        "mean NAV a year and add up to the drag, which is the gross less the net profit over mean "
        "NAV. Schemes that the data cannot bear are listed with the reason.",
    ),
    _Section(
        "Scales and break-even",
        ("cost_scales", "break_even"),
        (("", tables.scale_table), ("Break-even of every combination", tables.break_even_table)),
        "Re-priced: the same fills at other costs; the final value is then linear in the scale, "
        "and where it equals that of idle cash follows without a search. Re-run: the strategy run "
        "again, so that its sizes follow; the scale is then searched for. Basis points are of "
        "traded value, one way. The last column is the return over cash a year with the "
        "break-even put back.",
    ),
    _Section(
        "Capacity",
        ("capacity",),
        (("", tables.limits_table), ("Every capital", tables.capacity_table)),
        "Run again with more money while its own trades move prices: impact is added to the "
        "configured slippage, from the average volume and the volatility of the days before. It "
        "assumes that volumes stay what they were, that nobody else trades the same names, and "
        "that impact is gone by the next trade. Half is of the return over cash of the configured "
        "run, without impact. The smallest accounts hold another book, since they buy whole lots, "
        "and under a cap tickets wait: what they earn or miss meanwhile is luck more than impact. "
        "Shares of a day are a ticket's value over the average traded value of a day.",
    ),
    _Section(
        "Where costs come from",
        ("waterfall", "sources"),
        (("Every part of every list", tables.sources_table),),
        "Every commission, slippage and carry of the configured run, put to one part of each "
        "list: each adds up to the total. A factor's share of a trade is that of its part in the "
        "asset's score at the decision, or in the change of the score since the decision before. "
        "Carry that was received is negative.",
    ),
    _Section(
        "Sampled slippage",
        ("sampled_values", "sampled_outcomes"),
        (("", tables.outcome_table), ("Full runs beside re-pricing", tables.check_table)),
        "The same fills with random slippage: what was charged times a lognormal noise of mean 1, "
        "of each fill alone (standard deviation 1), or with a factor besides that all fills of a "
        "day share (likewise 1). Then full runs under such slippage beside the very "
        "same draws on the configured fills: what re-pricing leaves out is the difference.",
    ),
)


def cost_page(study: CostStudy, figures: Mapping[str, Figure]) -> str:
    """The page as text: figures inside it as SVG, no script, nothing loaded.

    The same study gives the same text.
    """
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("costs.html.j2").render(
        name=study.name,
        start=study.start,
        end=study.end,
        sessions=f"{study.sessions:,}",
        cells=int((study.grid["scale"] == 1.0).sum()),
        paths=f"{study.paths:,}",
        seed=study.seed,
        tiles=_tiles(study),
        findings=cost_findings(study),
        notes=study.notes,
        sections=[_section(study, section, figures) for section in _SECTIONS],
        files=[*(f"{name}.csv" for name in study.tables()), "config.yaml", "manifest.json"],
        command=study.command,
    )


def _section(study: CostStudy, section: _Section, figures: Mapping[str, Figure]) -> dict[str, Any]:
    made = [(title, table(study)) for title, table in section.tables]
    return {
        "heading": section.heading,
        "text": section.text,
        "tables": [(title, table) for title, table in made if table.rows],
        "figures": [
            {"name": name, "alt": section.heading, "data": _image(figures[name])}
            for name in section.figures
        ],
    }


def _tiles(study: CostStudy) -> list[tuple[str, str]]:
    own = study.scales[(study.scales["method"] == "re-priced") & (study.scales["scale"] == 1.0)]
    row, even = own.iloc[0], study.break_even.iloc[0]
    multiple = f"{even['scale']:,.1f}\u00d7" if np.isfinite(even["scale"]) else "none"
    return [
        ("CAGR", tables.rate(row["cagr"])),
        ("Sharpe ratio", number_text(row["sharpe"], 2)),
        ("Cost drag, bps a year", number_text(row["drag_bps"], 0)),
        ("Break-even cost", multiple),
        ("Traded, a year", f"{number_text(row['turnover_traded_annual'], 1)}\u00d7"),
    ]


def _image(figure: Figure) -> str:
    return base64.b64encode(svg_text(figure).encode()).decode("ascii")
