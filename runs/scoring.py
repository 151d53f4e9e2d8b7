"""Scores as a configuration asks for them: its factors, their steps and what those look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from configs.schema import BacktestConfig
from configs.scoring import ScalingConfig
from factors.composite import Scores, composite_scores
from factors.registry import (
    Factor,
    check_fields,
    check_parameters,
    get_factor,
    known_factors,
)
from factors.sections import GROUPINGS
from factors.steps import (
    Gaussian,
    Lag,
    Neutralize,
    Rank,
    Step,
    Winsorize,
    ZScore,
    usual_steps,
)
from feeds.errors import ConfigError
from feeds.panel import Panel
from feeds.suggestions import remedy_for

__all__ = [
    "characteristics",
    "make_exposures",
    "make_factors",
    "make_steps",
    "score",
    "studied_scores",
]

Entry = tuple[Factor, float, Mapping[str, Any]]
Exposures = dict[str, tuple[Factor, Mapping[str, Any]]]
_KINDS = {"rank": Rank, "zscore": ZScore, "gaussian": Gaussian}


def score(
    config: BacktestConfig,
    panel: Panel,
    factors: Sequence[Entry],
    eligible: np.ndarray,
    rows: np.ndarray,
) -> Scores:
    """Score the decision rows as the configuration says.

    Parameters
    ----------
    config : BacktestConfig
    panel : Panel
    factors : sequence of (Factor, weight, parameters)
        As :func:`make_factors` gives them.
    eligible : (T, N) bool array
    rows : (R,) int array
        Decision rows.

    Raises
    ------
    ConfigError
        If scores are to be neutral to what the data set does not have, of any asset or of the
        assets of one class.
    """
    exposures = make_exposures(config, panel)
    steps = {
        entry.column: _without_itself(make_steps(_block(config, entry.name)), entry.name)
        for entry, _, _ in factors
    }
    scores = composite_scores(
        panel,
        eligible,
        factors,
        rows=rows,
        min_factors=config.preprocess.min_factors,
        steps=steps,
        exposures=exposures,
    )
    _check_neutral(config, panel, scores, eligible[rows], steps)
    return scores


def make_factors(
    config: BacktestConfig, panel: Panel
) -> list[tuple[Factor, float, dict[str, Any]]]:
    """The configuration's factors with weight and parameters, checked against the panel."""
    made = []
    for name, entry in config.factors.items():
        factor = get_factor(name, entry.proxy)
        check_fields(factor, panel, config.data.dir)
        check_parameters(factor, entry.parameters)
        made.append((factor, entry.weight, entry.parameters))
    return made


def make_steps(config: ScalingConfig) -> tuple[Step, ...]:
    """The steps of a block ``preprocess``, in order."""
    if config.steps is None:
        return usual_steps(config.winsorize, config.scale, config.neutralize or ())
    return tuple(_step(entry.name, getattr(entry, entry.name)) for entry in config.steps)


def make_exposures(config: BacktestConfig, panel: Panel) -> Exposures:
    """What scores are to be neutral to, by name, checked against the panel.

    A name means the factor as it is configured under ``factors``, with its proxy and its
    parameters, and otherwise the registered factor with its defaults.

    Raises
    ------
    ConfigError
        If there is no such factor, or the data set lacks its fields, or has no sectors.
    """
    found: Exposures = {}
    for place, scaling in _blocks(config):
        for step in make_steps(scaling):
            _check_sectors(place, step, panel, config.data.dir)
            for name in _named(step):
                if name not in found:
                    found[name] = _exposure(place, name, config, panel)
    return found


def characteristics(config: BacktestConfig) -> tuple[str, ...]:
    """Names of the factors that scores are to be neutral to, as the configuration has them."""
    found: dict[str, None] = {}
    for _, scaling in _blocks(config):
        for step in make_steps(scaling):
            found.update(dict.fromkeys(_named(step)))
    return tuple(found)


def studied_scores(
    config: BacktestConfig, scores: Scores, eligible: np.ndarray
) -> dict[str, np.ndarray]:
    """What a study of the factors ranks assets by: the scores that a run would trade.

    Parameters
    ----------
    config : BacktestConfig
    scores : Scores
        Of :func:`score`, with the same configuration.
    eligible : (R, N) bool array

    Returns
    -------
    dict of str to (R, N) float64 array
        Column to scores, of the factors with a weight: as measured, where preprocessing leaves
        assets in the factor's own order, and as its steps leave them otherwise. NaN where not
        eligible.
    """
    found = {}
    blocks = zip(config.factors.items(), scores.columns, scores.raw, scores.scaled, strict=True)
    for (name, entry), column, raw, scaled in blocks:
        if entry.weight:
            altered = _block(config, name).reorders
            found[column] = scaled if altered else np.where(eligible, raw, np.nan)
    return found


def _block(config: BacktestConfig, name: str) -> ScalingConfig:
    return config.factors[name].preprocess or config.preprocess


def _without_itself(steps: Sequence[Step], name: str) -> tuple[Step, ...]:
    """The steps, none of them making the factor neutral to itself: nothing would be left."""
    kept = []
    for step in steps:
        if name in _named(step):
            step = replace(step, by=tuple(other for other in step.by if other != name))
            if not step.by:
                continue
        kept.append(step)
    return tuple(kept)


def _named(step: Step) -> tuple[str, ...]:
    return step.characteristics if isinstance(step, Neutralize) else ()


def _blocks(config: BacktestConfig) -> Iterator[tuple[str, ScalingConfig]]:
    """Each block of preprocessing that a factor goes through, with its place."""
    for name, entry in config.factors.items():
        if entry.preprocess is not None:
            yield f"factors.{name}.preprocess", entry.preprocess
        else:
            yield "preprocess", config.preprocess


def _step(name: str, given: Any) -> Step:
    if name == "lag":
        return Lag(given)
    if name == "winsorize":
        return Winsorize(given.fraction or 0.0, given.deviations, given.within)
    if name == "neutralize":
        return Neutralize(given.by, given.within)
    return _KINDS[name](given.within)


def _check_sectors(place: str, step: Step, panel: Panel, data_set: str) -> None:
    asked = step.groupings if isinstance(step, Neutralize) else getattr(step, "within", ())
    if "sector" in asked and panel.sector is None:
        raise ConfigError(
            f"{place}: scores within each sector need sectors, which {data_set} lacks",
            "leave sector out, or give the data set sectors: runs.ingest --sectors",
        )


def _exposure(
    place: str, name: str, config: BacktestConfig, panel: Panel
) -> tuple[Factor, Mapping[str, Any]]:
    entry = config.factors.get(name)
    names = sorted({factor.name for factor in known_factors()})
    if name not in names:
        raise ConfigError(
            f"{place}: {name[:60]!r} is nothing to neutralise to",
            remedy_for(name, [*GROUPINGS, *names]),
        )
    proxy = None if entry is None else entry.proxy
    parameters = {} if entry is None else entry.parameters
    try:
        factor = get_factor(name, proxy)
        check_fields(factor, panel, config.data.dir)
        check_parameters(factor, parameters)
    except ConfigError as error:
        remedy = error.remedy.replace(
            f"ask for a proxy: factors.{name}.proxy: ", f"set factors.{name}: {{weight: 0, proxy: "
        )
        closed = remedy if remedy == error.remedy else f"{remedy}}}"
        closed = closed.replace(f"remove factors.{name}", f"leave {name} out")
        raise ConfigError(f"{place}, neutral to {name}: {error.problem}", closed) from None
    return factor, parameters


def _check_neutral(
    config: BacktestConfig,
    panel: Panel,
    scores: Scores,
    eligible: np.ndarray,
    steps: Mapping[str, Sequence[Step]],
) -> None:
    """Refuse a class that a characteristic is never known of: none of it would be ranked."""
    for column, raw, scaled in zip(scores.columns, scores.raw, scores.scaled, strict=True):
        names = [name for step in steps[column] for name in _named(step)]
        for label in np.unique(panel.asset_class) if names else ():
            members = panel.asset_class == label
            known = (np.isfinite(raw) & eligible)[:, members]
            if known.any() and not np.isfinite(scaled[:, members]).any():
                raise ConfigError(
                    f"preprocess: {' and '.join(names)} {'is' if len(names) == 1 else 'are'} known "
                    f"for no {label} asset of {config.data.dir} on any decision date, so that "
                    f"{column} cannot be neutral to it",
                    "leave that out, shorten its windows, or name a proxy that every class has",
                )
