"""Which factors and sleeves a run's costs are put to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analyzers.cost_sources import (
    FACTOR_DIMENSIONS,
    charges_of,
    cost_sources,
    factor_shares,
    waterfall,
)
from runs.assemble import Execution, Study

__all__ = ["sources_part"]


def sources_part(study: Study, execution: Execution) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Costs of a run by part of each dimension, and the steps from gross to net profit."""
    tables, panel = execution.tables, study.panel
    contributions, thin = _contributions(study), _thin(study, execution)
    changes = np.diff(contributions, axis=1, prepend=0.0)
    names = [study.scores.labels[column] for column in study.scores.columns]
    parts = [*names, f"thin sleeve: {study.config.portfolio.thin_sleeve}", "never ranked"]
    # A factor without weight ranks nothing, and is left out by its share of zero.
    shares = {
        dimension: (parts, factor_shares(part, thin))
        for dimension, part in zip(FACTOR_DIMENSIONS, (contributions, changes))
    }
    found = cost_sources(
        charges_of(tables["fills"], tables["carry"]),
        dict(zip(panel.assets.tolist(), panel.asset_class.tolist(), strict=True)),
        decisions=panel.dates[study.signals.rows].astype("datetime64[ns]"),
        symbols=panel.assets.tolist(),
        shares=shares,
    )
    final = float(tables["values"]["value"].iloc[-1])
    start = study.config.execution.starting_cash
    return found, waterfall(final, start, tables["fills"], tables["carry"])


def _contributions(study: Study) -> np.ndarray:
    """(K, R, N) what each factor adds to the composite score; 0 where it adds nothing.

    The composite is the sum of weight x score over the sum of the known factors' weights, and
    these are its summands.
    """
    scaled = study.scores.scaled
    weight = np.array([entry.weight for entry in study.config.factors.values()])[:, None, None]
    known = np.isfinite(scaled) & (weight != 0) & np.isfinite(study.scores.composite)[None]
    total = np.where(known, np.abs(weight), 0.0).sum(axis=0)
    parts = np.where(known, weight * np.nan_to_num(scaled), 0.0)
    return np.divide(parts, total, out=np.zeros(parts.shape), where=total > 0)


def _thin(study: Study, execution: Execution) -> np.ndarray:
    """(R, N) assets in a sleeve that was too thin to be ranked, by the decisions' reports."""
    panel = study.panel
    thin = np.zeros((len(study.signals.rows), panel.shape[1]), dtype=bool)
    number_of = {int(row): number for number, row in enumerate(study.signals.rows)}
    for decision in execution.decisions:
        for name, kind, _ in decision.reports:
            if kind == "thin sleeve":
                members = panel.asset_class == name if name else slice(None)
                thin[number_of[decision.row], members] = True
    return thin
