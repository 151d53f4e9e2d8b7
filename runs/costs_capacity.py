"""A strategy's capacity: run again with more and more money, its trades moving prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analyzers.cost_break_even import COST_FIGURES
from analyzers.cost_capacity import PARTICIPATION, capacity_limits, participation
from feeds.errors import ConfigError
from runs.assemble import Study
from runs.costs_variants import Progress, figures_of, run_again, with_capital, with_costs
from strategies.execution.market import Market

__all__ = ["CAPITAL_MULTIPLES", "Capacity", "capacity_curve", "impact_models"]

#: Multiples of the starting capital, half a decade apart.
CAPITAL_MULTIPLES = tuple(10.0 ** (step / 2) for step in range(-2, 7))
_QUICK_MULTIPLES = tuple(10.0**step for step in range(-1, 4))
#: Models of impact, added to the configured slippage: name to entry and participation cap.
_MODELS: dict[str, tuple[dict[str, Any], float | None]] = {
    "square root": ({"scheme": "square_root"}, None),
    "square root, at most 10 % of volume": ({"scheme": "square_root"}, 0.1),
    "Almgren et al.": ({"scheme": "almgren", "liquidity_factor": False}, None),
}
#: What a curve's rows hold, also where there are none.
CURVE_COLUMNS = (
    "model",
    "capital",
    *COST_FIGURES,
    *(f"participation_{name}" for name in PARTICIPATION),
)


@dataclass(frozen=True, eq=False)
class Capacity:
    """The curve, where it ends, and what the data did not allow."""

    curve: pd.DataFrame
    limits: pd.DataFrame
    notes: tuple[str, ...]


def impact_models(study: Study) -> tuple[dict[str, dict[str, Mapping[str, Any]]], list[str]]:
    """Slippage by class of each model of impact that the data bear, and what they do not.

    Impact is added to the class's configured slippage. A class without volume keeps its
    configured slippage alone, and a model that no class can use is left out.
    """
    config, panel = study.config, study.panel
    classes = sorted(set(panel.asset_class.tolist()))
    models: dict[str, dict[str, Mapping[str, Any]]] = {}
    notes: list[str] = []
    for name, (impact, _) in _MODELS.items():
        entries, used = {}, False
        for label in classes:
            own = config.costs.slippage.get(label, {"scheme": "none"})
            entries[label] = _with_impact(own, impact)
            members = panel.select(panel.asset_class == label)
            alone = replace(study, panel=members)
            try:
                with_costs(alone, {}, {label: entries[label]})
                used = True
            except ConfigError as error:
                entries[label] = own
                reason = error.problem.removeprefix(f"costs.slippage.{label}: ")
                notes.append(f"Capacity, {name}: {label} trades without impact; {reason}.")
        if used:
            models[name] = entries
    return models, notes


def capacity_curve(study: Study, free: float, quick: bool, tell: Progress) -> Capacity:
    """Performance at each multiple of the starting capital, under each model of impact.

    A row a model and capital: model, capital, the figures of a run, and the participation of
    its tickets in the average volume of the 63 days before.

    Parameters
    ----------
    study : Study
    free : float
        Return over cash a year of the configured run, without impact.
    quick : bool
        One model and fewer capitals.
    tell : callable
        Told of each step.
    """
    models, notes = impact_models(study)
    if quick:
        models = dict(list(models.items())[:1])
    multiples = _QUICK_MULTIPLES if quick else CAPITAL_MULTIPLES
    market = study.costs.market
    if market is None:
        market = Market(study.panel, study.config.data.dir)
    rows, done = [], 0
    for name, entries in models.items():
        variant = with_costs(study, study.config.costs.commission, entries)
        cap = _MODELS[name][1]
        for multiple in multiples:
            enlarged = with_capital(variant, multiple * study.config.execution.starting_cash)
            if cap is not None:
                enlarged = _capped(enlarged, cap)
            rows.append(_row(name, enlarged, market))
            done += 1
            tell("capacity", done, len(models) * len(multiples))
    if not rows:
        notes.append("No class of the data set has volumes: capacity is not known.")
    curve = pd.DataFrame(rows, columns=list(CURVE_COLUMNS))
    return Capacity(curve, capacity_limits(curve, free), tuple(notes))


def _with_impact(own: Mapping[str, Any], impact: Mapping[str, Any]) -> dict[str, Any]:
    """An entry that adds impact to what is configured."""
    if own.get("scheme", "none") == "none":
        return dict(impact)
    return {"scheme": "sum", "of": [dict(own), dict(impact)]}


def _capped(study: Study, rate: float) -> Study:
    """The study under a participation cap, unless its own is tighter."""
    config = study.config
    own = config.execution.participation_rate
    if isinstance(own, dict):
        classes = sorted(set(study.panel.asset_class.tolist()))
        rate = {name: min(own.get(name, rate), rate) for name in classes}
    else:
        rate = rate if own is None else min(own, rate)
    execution = config.execution.model_copy(update={"participation_rate": rate})
    return replace(study, config=config.model_copy(update={"execution": execution}))


def _row(model: str, study: Study, market: Market) -> dict[str, Any]:
    capital = study.config.execution.starting_cash
    tables = run_again(study)
    shares = dict.fromkeys(PARTICIPATION, np.nan)
    if tables is not None:
        shares = participation(tables["fills"], _traded_before(study, tables["fills"], market))
    named = {f"participation_{name}": value for name, value in shares.items()}
    return {"model": model, "capital": capital, **figures_of(study, tables), **named}


def _traded_before(study: Study, fills: pd.DataFrame, market: Market) -> np.ndarray:
    """(F,) average traded value a day of each fill's asset, as known before it."""
    panel = study.panel
    rows = np.searchsorted(panel.dates, fills["date"].to_numpy().astype("datetime64[D]"))
    places = {name: place for place, name in enumerate(panel.assets.tolist())}
    columns = np.array([places[name] for name in fills["symbol"].tolist()], dtype=np.intp)
    volume = market.estimate("average_volume", rows, columns)
    price = fills["reference_price"].to_numpy(dtype=float)
    return np.where(market.in_currency[columns], volume, volume * price)
