"""The sampled part of a cost study: bands of outcome, and full runs to check them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analyzers.cost_break_even import CostBasis
from analyzers.cost_sampling import PERCENTILES, Noise, sampled_bands
from runs.assemble import Execution, Study
from runs.costs_variants import Progress, figures_of, run_again, with_costs

__all__ = ["NOISES", "Sampled", "sampled_part"]

#: How slippage varies: each fill on its own, and with a shock that all fills of a day share.
NOISES = (
    Noise("each fill on its own", dispersion=1.0),
    Noise("with a common shock a day", dispersion=1.0, common=1.0),
)
_RERUNS, _QUICK_RERUNS = 5, 1
_METRICS = ("final_value", "cagr", "sharpe", "slippage")


@dataclass(frozen=True, eq=False)
class Sampled:
    """Tables of the sampled paths, and what they assume."""

    bands: pd.DataFrame
    outcomes: pd.DataFrame
    paths: pd.DataFrame
    check: pd.DataFrame
    notes: tuple[str, ...]


def sampled_part(
    study: Study,
    base: Execution,
    basis: CostBasis,
    paths: int,
    seed: int,
    quick: bool,
    tell: Progress,
) -> Sampled:
    """Bands under each noise, from the fills of the configured run.

    Parameters
    ----------
    base : Execution
        The configured run, with the tables of TABLES.
    paths, seed : int
    quick : bool
        One full run as a check in place of several.
    """
    values, fills = base.tables["values"], base.tables["fills"]
    bands, outcomes, drawn = [], [], []
    for number, noise in enumerate(NOISES):
        found = sampled_bands(values, fills, basis, noise, paths=paths, seed=seed)
        band = found.value.reset_index()
        band.insert(0, "noise", noise.name)
        bands.append(band.assign(configured=values["value"].to_numpy()))
        outcomes.append(_outcomes(study, noise, found.paths, base))
        table = found.paths
        table.insert(0, "noise", noise.name)
        drawn.append(table)
        tell("sampling", number + 1, len(NOISES))
    notes = []
    if not fills["slippage"].any():
        notes.append("The configured schemes have no slippage: every sampled path is the same.")
    check = _check(study, base, seed, _QUICK_RERUNS if quick else _RERUNS, tell)
    return Sampled(
        pd.concat(bands, ignore_index=True),
        pd.concat(outcomes, ignore_index=True),
        pd.concat(drawn, ignore_index=True),
        check,
        tuple(notes),
    )


def _outcomes(study: Study, noise: Noise, paths: pd.DataFrame, base: Execution) -> pd.DataFrame:
    """Percentiles of what the paths came to, beside the configured run."""
    figures = figures_of(study, base.tables)
    own = figures | {"slippage": float(base.tables["fills"]["slippage"].sum())}
    rows = []
    for metric in _METRICS:
        known = paths[metric].to_numpy(dtype=float)
        known = known[np.isfinite(known)]
        levels = np.percentile(known, PERCENTILES) if len(known) else [np.nan] * len(PERCENTILES)
        row: dict[str, Any] = {"noise": noise.name, "metric": metric, "configured": own[metric]}
        row["mean"] = known.mean() if len(known) else np.nan
        row |= {f"p{level}": value for level, value in zip(PERCENTILES, levels)}
        row["undefined"] = len(paths) - len(known)
        rows.append(row)
    return pd.DataFrame(rows)


def _check(study: Study, base: Execution, seed: int, count: int, tell: Progress) -> pd.DataFrame:
    """Full runs under the scheme ``sampled`` beside its very draws on the fills of the base."""
    columns = ["seed", "method", "final_value", "cagr", "sharpe", "slippage"]
    rows: list[dict[str, Any]] = []
    for number in range(count):
        entries = _sampled_entries(study, seed + number)
        variant = with_costs(study, study.config.costs.commission, entries)
        tables = run_again(variant)
        for method, part in (("re-run", tables), ("re-priced", _repriced(variant, base))):
            figures = figures_of(study, part)
            paid = {"slippage": np.nan if part is None else float(part["fills"]["slippage"].sum())}
            named = {name: figures[name] for name in columns[2:5]}
            rows.append({"seed": seed + number, "method": method, **named, **paid})
        tell("check", number + 1, count)
    return pd.DataFrame(rows, columns=columns)


def _sampled_entries(study: Study, seed: int) -> dict[str, Mapping[str, Any]]:
    """The configured slippage of each class under a noise of its own draws."""
    own = study.config.costs.slippage
    return {
        name: {"scheme": "sampled", "of": dict(entry), "seed": seed, "dispersion": 1.0}
        for name, entry in own.items()
        if entry.get("scheme") != "none"
    }


def _repriced(variant: Study, base: Execution) -> dict[str, pd.DataFrame]:
    """The tables of the base, its fills paying what the variant's slippage asks of them."""
    panel, tables = variant.panel, base.tables
    values, fills = tables["values"], tables["fills"]
    rows = np.searchsorted(panel.dates, fills["date"].to_numpy().astype("datetime64[D]"))
    places = {name: place for place, name in enumerate(panel.assets.tolist())}
    columns = np.array([places[name] for name in fills["symbol"].tolist()], dtype=np.intp)
    size, reference = (fills[name].to_numpy(dtype=float) for name in ("size", "reference_price"))
    price = variant.costs.fill_price(columns, size, reference, rows)
    traded = fills["reason"].to_numpy() != "delisting"
    paid = np.where(traded, np.abs(size) * np.abs(price - reference), 0.0)
    extra = pd.Series(paid - fills["slippage"].to_numpy(), index=fills["date"])
    so_far = extra.groupby(level=0).sum().reindex(values.index).fillna(0.0).cumsum()
    return {
        "values": values.assign(value=values["value"] - so_far),
        "fills": fills.assign(slippage=paid, price=np.where(traded, price, fills["price"])),
        "carry": tables["carry"],
    }
