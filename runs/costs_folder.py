"""The folder of a cost study, written at once or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from analyzers.cost_study import CostStudy
from feeds.atomic import check_replaceable, replacing_folder
from runs.assemble import Study
from runs.environment import provenance

__all__ = ["COST_FILES", "check_costs_folder", "write_costs_folder"]

PAGE = "costs.html"
#: Everything that the folder of a cost study may hold.
COST_FILES = (
    "bands.csv",
    "break_even.csv",
    "capacity.csv",
    "capacity_limits.csv",
    "config.yaml",
    PAGE,
    "grid.csv",
    "left_out.csv",
    "manifest.json",
    "outcomes.csv",
    "plots",
    "sampled_check.csv",
    "sampled_paths.csv",
    "scales.csv",
    "schemes.csv",
    "sources.csv",
    "waterfall.csv",
)


def check_costs_folder(folder: Path) -> None:
    """Refuse a place that cannot be written, or that holds anything else.

    Raises
    ------
    OutputError
        Naming what is in the way.
    """
    check_replaceable(folder, COST_FILES, "cost study")


def write_costs_folder(found: CostStudy, study: Study, folder: Path, config_text: str) -> None:
    """Write page, tables, plots, configuration and manifest of a cost study.

    Raises
    ------
    OutputError
        If anything cannot be written; an earlier study is then untouched.
    """
    from analyzers.cost_figures import build_cost_figures
    from analyzers.cost_page import cost_page
    from analyzers.figures import save_figures

    figures = build_cost_figures(found)
    with replacing_folder(folder) as building:
        for name, table in found.tables().items():
            text = table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
            (building / f"{name}.csv").write_text(text, encoding="utf-8")
        save_figures(figures, building / "plots")
        (building / PAGE).write_text(cost_page(found, figures), encoding="utf-8")
        (building / "config.yaml").write_text(config_text, encoding="utf-8")
        manifest = json.dumps(_manifest(found, study), indent=2, ensure_ascii=False)
        (building / "manifest.json").write_text(f"{manifest}\n", encoding="utf-8")


def _manifest(found: CostStudy, study: Study) -> dict[str, Any]:
    return {
        "name": found.name,
        "command": found.command,
        "seed": found.seed,
        "paths": found.paths,
        **provenance(study),
    }
