"""The computations of a cost study: a strategy run again, re-priced, enlarged and sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analyzers.cost_break_even import (
    BREAKS_EVEN,
    NOT_FOUND,
    UNTRADED,
    BreakEven,
    CostBasis,
    break_even,
    reprice_figures,
    root_scale,
)
from analyzers.cost_study import CostStudy
from analyzers.costs import SCALES
from runs.assemble import Execution, Study, execute
from runs.costs_capacity import capacity_curve
from runs.costs_grid import CONFIGURED, CostGrid
from runs.costs_sampling import sampled_part
from runs.costs_sources import sources_part
from runs.costs_variants import (
    TABLES,
    Progress,
    cost_basis,
    figures_of,
    run_again,
    with_costs,
)

__all__ = ["StudySize", "study_costs"]

#: Return over cash a year that counts as none in a strategy that is run again.
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class StudySize:
    """How much is computed.

    Parameters
    ----------
    paths : int
        Sampled paths.
    seed : int
        Of the paths.
    quick : bool
        One scale in the grid, a coarser capacity curve, no search by full runs.
    """

    paths: int
    seed: int
    quick: bool = False


def study_costs(
    study: Study,
    grid: CostGrid,
    size: StudySize,
    command: str,
    progress: Progress | None = None,
) -> CostStudy:
    """Run the strategy under every scheme and scale, and ask what is left.

    Parameters
    ----------
    study : Study
        As prepared; its targets are shared by every run where the account is not asked.
    grid : CostGrid
    size : StudySize
    command : str
    progress : callable, optional
        Told of each stage: its name, steps done and steps in all.

    Raises
    ------
    ConfigError
        If nothing was ever traded under the configured costs.
    """
    tell = progress or _silent
    base = execute(study, 1.0, TABLES)
    tables, config = base.tables, study.config
    basis = cost_basis(study, tables["values"].index)
    own = figures_of(study, tables)
    cells, found = _grid_runs(study, grid, size, tell)
    if not size.quick:
        found = pd.concat([found, _again(study, found, tell)], ignore_index=True)
    capacity = capacity_curve(study, own["return_over_cash"], size.quick, tell)
    sources, steps = sources_part(study, base)
    sampled = sampled_part(study, base, basis, size.paths, size.seed, size.quick, tell)
    sessions = tables["values"].index
    return CostStudy(
        name=config.name,
        command=command,
        seed=size.seed,
        paths=size.paths,
        start=f"{sessions[0]:%Y-%m-%d}",
        end=f"{sessions[-1]:%Y-%m-%d}",
        sessions=len(sessions),
        periods_per_year=basis.periods_per_year,
        starting_cash=basis.starting_cash,
        cash_value=basis.cash_value,
        notes=(*study.data.limits, *capacity.notes, *sampled.notes),
        grid=cells,
        schemes=_scheme_table(grid),
        left_out=pd.DataFrame(
            list(grid.left_out), columns=["kind", "scheme", "asset_class", "reason"]
        ),
        scales=_scales(base, cells, basis),
        break_even=found,
        capacity=capacity.curve,
        capacity_limits=capacity.limits,
        sources=sources,
        waterfall=steps,
        bands=sampled.bands,
        outcomes=sampled.outcomes,
        sampled_paths=sampled.paths,
        sampled_check=sampled.check,
    )


def _grid_runs(
    study: Study, grid: CostGrid, size: StudySize, tell: Progress
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each cell at each scale, run again, and each cell's break-even; a scale of 0 is one run."""
    scales = (0.0, 1.0) if size.quick else SCALES
    cells = [(one, other) for one in grid.commission for other in grid.slippage]
    total = len(cells) * (len(scales) - 1) + 1
    nothing = figures_of(study, run_again(study, 0.0))
    tell("grid", 1, total)
    rows, evens, done = [], [], 1
    for commission, slippage in cells:
        variant = with_costs(study, commission.entries, slippage.entries)
        label = {"commission": commission.name, "slippage": slippage.name}
        for scale in scales:
            figures = nothing
            if scale > 0:
                tables = run_again(variant, scale)
                figures, done = figures_of(study, tables), done + 1
                tell("grid", done, total)
                # Here, so that no cell's tables are kept beside those of the next.
                evens += [label | _break_even(study, tables)] if scale == 1.0 else []
            lost = 1e4 * (nothing["cagr"] - figures["cagr"])
            rows.append({**label, "scale": scale, **figures, "cagr_lost_bps": lost})
    return pd.DataFrame(rows), pd.DataFrame(evens)


def _scales(base: Execution, grid: pd.DataFrame, basis: CostBasis) -> pd.DataFrame:
    """The configured schemes at each scale: the very same fills, and the strategy run again."""
    values, fills, carry = (base.tables[name] for name in TABLES)
    rows = [
        {"method": "re-priced", "scale": scale}
        | reprice_figures(values, fills, carry, scale, basis)
        for scale in SCALES
    ]
    own = grid[(grid["commission"] == CONFIGURED) & (grid["slippage"] == CONFIGURED)]
    names = ["scale", *rows[0].keys() - {"method", "scale"}]
    again = own[[name for name in own.columns if name in names]].assign(method="re-run")
    return pd.concat([pd.DataFrame(rows), again], ignore_index=True)[list(rows[0])]


def _break_even(study: Study, tables: Mapping[str, Any] | None) -> dict[str, Any]:
    """The same fills at other prices; ``return_over_cash`` has the break-even put back in."""
    even, left = BreakEven(np.nan, np.nan, np.nan, UNTRADED), np.nan
    if tables is not None:
        values, fills, carry = (tables[name] for name in TABLES)
        basis = cost_basis(study, values.index)
        even = break_even(values, fills, basis)
        if even.verdict == BREAKS_EVEN:
            figures = reprice_figures(values, fills, carry, even.scale, basis)
            left = figures["return_over_cash"]
    return {
        "method": "re-priced",
        "scale": even.scale,
        "bps": even.bps,
        "realised_bps": even.realised_bps,
        "return_over_cash": left,
        "verdict": even.verdict,
    }


def _again(study: Study, found: pd.DataFrame, tell: Progress) -> pd.DataFrame:
    """The break-even of the configured schemes with the strategy run again at each guess."""
    own = found[(found["commission"] == CONFIGURED) & (found["slippage"] == CONFIGURED)].iloc[0]
    row = own.to_dict() | {"method": "re-run"}
    if own["verdict"] != BREAKS_EVEN:
        return pd.DataFrame([row])
    calls = 0

    def excess(scale: float) -> float:
        nonlocal calls
        calls += 1
        tell("break-even", calls, 24)
        return figures_of(study, run_again(study, scale))["return_over_cash"]

    scale, left = root_scale(excess, own["scale"], _TOLERANCE)
    row |= {"scale": scale, "bps": scale * own["realised_bps"], "return_over_cash": left}
    if np.isnan(scale):
        row["verdict"] = NOT_FOUND
    return pd.DataFrame([row])


def _scheme_table(grid: CostGrid) -> pd.DataFrame:
    rows = [
        (kind, schemes.name, label, _entry_text(entry))
        for kind in ("commission", "slippage")
        for schemes in getattr(grid, kind)
        for label, entry in sorted(schemes.entries.items())
    ]
    return pd.DataFrame(rows, columns=["kind", "scheme", "asset_class", "entry"])


def _entry_text(entry: Any) -> str:
    """An entry as it would be written in YAML, on one line."""
    if isinstance(entry, dict):
        return "{" + ", ".join(f"{key}: {_entry_text(part)}" for key, part in entry.items()) + "}"
    if isinstance(entry, (list, tuple)):
        return "[" + ", ".join(_entry_text(part) for part in entry) + "]"
    return f"{entry:g}" if isinstance(entry, float) else str(entry)


def _silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""
