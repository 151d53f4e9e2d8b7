"""From a configuration to a factor study: what is studied, on which prices, at which costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from analyzers.factor_results import FactorResults
    from analyzers.study_part import StudyRules
    from configs.schema import BacktestConfig
    from runs.assemble import Study

__all__ = ["study"]

#: Sides of a factor's portfolio where the configuration selects a number, not a share.
_QUANTILE = 0.2


def study(
    config: BacktestConfig,
    factors: Sequence[str] | None = None,
    horizon: int | None = None,
    command: str = "",
) -> FactorResults:
    """Study factors of a configuration.

    Parameters
    ----------
    config : BacktestConfig
        Its data, decision dates, eligible assets, quantile, min_breadth, costs and delisting
        returns are used. Where it has floors of an investable universe, the study is of that
        universe, and the table ``universes`` has the full one beside it.
    factors : sequence of str, optional
        Names; one that the configuration lacks is computed with its defaults.
    horizon : int, optional
        Sessions; a twelfth of a year unless given.
    command : str
        Kept in the results.

    Raises
    ------
    UserError
        If the data, a factor or its fields are missing.
    """
    from analyzers.factor_study import study_factors, summarize_factors
    from analyzers.study_universes import same_decisions, side_by_side
    from configs.load import to_plain
    from runs.assemble import prepare
    from runs.scoring import studied_scores

    chosen = _chosen(config, factors)
    prepared = prepare(chosen)
    rules = _rules(chosen, prepared, horizon)
    eligible = prepared.signals.eligible
    given = _inputs(prepared, rules, studied_scores(chosen, prepared.scores, eligible))
    found = study_factors(
        **given,
        cash_annual=prepared.carry.cash_annual,
        seed=chosen.seed,
        name=f"Factors of {chosen.name}",
        config=to_plain(chosen),
        notes=_notes(prepared, rules),
        command=command,
    )
    if chosen.data.investable is None:
        return found
    from dataclasses import replace

    wide = _inputs(prepared, rules, _scores_of_all(prepared))
    same = same_decisions(wide["scores"], given["scores"], given["groups"], rules.min_breadth)
    summaries = {
        "full": summarize_factors(**wide),
        "full, same dates": summarize_factors(**{**wide, "scores": same}),
        "investable": found.summary,
    }
    return replace(found, universes=side_by_side(summaries))


def _inputs(prepared: Study, rules: StudyRules, scores: dict[str, np.ndarray]) -> dict:
    """Arguments of `study_factors` and `summarize_factors` for the (R, N) scores of a universe."""
    from analyzers.study_costs import SchemeCharge
    from factors.holdings import series_endings

    config, panel = prepared.config, prepared.panel
    return {
        "scores": scores,
        "groups": _groups(prepared),
        "close_marks": panel.mark,
        "dates": panel.dates,
        "rows": prepared.signals.rows,
        "rules": rules,
        "labels": prepared.scores.labels,
        "ends": series_endings(
            panel,
            config.delisting_return.model_dump(),
            stale_after=config.execution.stale_after,
        ),
        "charge": SchemeCharge(
            panel, prepared.costs, prepared.carry.borrow_annual, config.execution.starting_cash
        ),
    }


def _scores_of_all(prepared: Study) -> dict[str, np.ndarray]:
    """Scores among all that the data set lets be held, whatever the floors."""
    from feeds.universe import eligible_assets
    from runs.scoring import make_factors, score, studied_scores

    config, panel, rows = prepared.config, prepared.panel, prepared.signals.rows
    everyone = eligible_assets(panel)
    scores = score(config, panel, make_factors(config, panel), everyone, rows)
    return studied_scores(config, scores, everyone[rows])


def _groups(prepared: Study) -> dict[str, np.ndarray]:
    panel = prepared.panel
    classes = sorted(set(panel.asset_class.tolist()))
    groups = {name: panel.asset_class == name for name in classes}
    if not prepared.config.preprocess.by_class and len(classes) > 1:
        groups["all"] = np.ones(panel.shape[1], dtype=bool)
    return groups


def _rules(config: BacktestConfig, prepared: Study, horizon: int | None) -> StudyRules:
    from analyzers.study_part import StudyRules

    periods = prepared.panel.periods_per_year
    return StudyRules(
        quantile=config.portfolio.select.quantile or _QUANTILE,
        min_breadth=config.portfolio.min_breadth.long_short,
        horizon=max(1, periods // 12) if horizon is None else horizon,
        periods_per_year=periods,
    )


def _chosen(config: BacktestConfig, factors: Sequence[str] | None) -> BacktestConfig:
    """The configuration with the factors that were asked for, each standing for itself."""
    from configs.schema import FactorConfig
    from runs.scoring import characteristics

    entries = config.factors
    if factors is not None:
        entries = {name: entries.get(name, FactorConfig()) for name in factors}
    entries = {name: entry.model_copy(update={"weight": 1.0}) for name, entry in entries.items()}
    # What those are neutral to stays as it is configured, without being studied.
    for name in characteristics(config.model_copy(update={"factors": entries})):
        if name in config.factors and name not in entries:
            entries[name] = config.factors[name].model_copy(update={"weight": 0.0})
    preprocess = config.preprocess.model_copy(update={"min_factors": 1})
    return config.model_copy(update={"factors": entries, "preprocess": preprocess})


def _notes(prepared: Study, rules: StudyRules) -> list[str]:
    """What the data set lacks and what the study assumes, in sentences."""
    config = prepared.config
    share = f"{100 * rules.quantile:g} %"
    lost = {name: value for name, value in config.delisting_return if value}
    lost_text = ", ".join(f"{name} {100 * value:g} %" for name, value in lost.items()) or "none"
    return [
        *prepared.data.limits,
        f"A factor's portfolio is long the best and short the worst {share} of the ranked "
        "assets, equally weighted, entered at the close of the session after the decision.",
        "Net figures pay the configured commission and slippage on every trade of a book of "
        f"{config.execution.starting_cash:,.0f}; borrow fees are shown apart, and no cap on "
        "participation is applied.",
        f"The information coefficient is the rank correlation with the return of {rules.horizon} "
        "sessions from the session after the decision; the untraded one starts a session earlier.",
        f"A series that ends is closed {config.execution.stale_after} sessions after its last "
        f"bar at its delisting return ({lost_text}).",
        *_altered(config),
        "Factors, horizons, regimes and tests are many: some t-statistics beyond 2 are luck.",
    ]


def _altered(config: BacktestConfig) -> list[str]:
    """Which factors are not studied as they were measured."""
    names = [
        name
        for name, entry in config.factors.items()
        if entry.weight and (entry.preprocess or config.preprocess).reorders
    ]
    if not names:
        return []
    return [f"Studied as their steps of preprocessing leave them: {', '.join(names)}."]
