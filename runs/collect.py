"""From one execution of a study to its RunResult."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analyzers.costs import SCALES, cost_row, cost_table, value_returns
from analyzers.factor_performance import drifted_returns, equal_weights, long_short_weights
from analyzers.metrics import compute_metrics
from analyzers.result import RunResult
from configs.load import to_plain
from feeds.errors import ConfigError
from runs.assemble import Execution, Study, execute
from runs.environment import provenance

__all__ = ["collect"]


def collect(study: Study, execution: Execution, command: str) -> RunResult:
    """Tables, benchmark, factor returns, metrics and notes of an execution.

    The strategy is run again at other multiples of the trading costs, for the table of
    performance against cost.
    """
    config, panel, tables = study.config, study.panel, execution.tables
    values = tables["values"]
    sessions = values.index
    window = np.searchsorted(panel.dates, sessions.to_numpy().astype("datetime64[D]"))
    weights, sleeves = _weights(study, execution), _sleeves(study, execution)
    returns = value_returns(values["value"], config.execution.starting_cash)
    universe = drifted_returns(
        panel.mark, study.signals.rows, equal_weights(study.signals.eligible)
    )
    universe = pd.Series(universe[window], index=sessions, name="equal_weight")
    benchmark = _benchmark(study, universe, window)
    metrics = compute_metrics(
        values,
        tables["fills"],
        tables["carry"],
        weights,
        returns,
        benchmark,
        starting_cash=config.execution.starting_cash,
        periods_per_year=panel.periods_per_year,
        cash_annual=study.carry.cash_annual,
        prices=tables["prices"],
    )
    if not isinstance(config.costs.carry.cash_annual, float):
        # Ratios over cash take the mean of a rate that changes, and have to name it.
        metrics["cash_annual"] = study.carry.cash_annual
    first = int(np.searchsorted(panel.dates, np.datetime64(config.data.start)))
    risk = None
    if study.parity is not None:
        from runs.risk_contributions import risk_contributions

        risk = risk_contributions(study, execution)
    return RunResult(
        name=config.name,
        config=to_plain(config),
        **{name: tables[name] for name in ("values", "fills", "carry", "positions", "prices")},
        weights=weights,
        returns=returns,
        benchmark=benchmark,
        universe=universe,
        factor_returns=_factor_returns(study, window, sessions),
        published=study.data.published,
        sleeves=sleeves,
        ranks=_ranks(study, execution),
        labels=dict(study.scores.labels),
        asset_class=dict(zip(panel.assets.tolist(), panel.asset_class.tolist(), strict=True)),
        events=_events(study, execution),
        notes=_notes(study, execution, int(window[0]) - first),
        cost_sensitivity=_cost_sensitivity(study, execution),
        metrics=metrics,
        periods_per_year=panel.periods_per_year,
        warm_up=int(window[0]) - first,
        manifest=_manifest(study, command),
        risk_contributions=risk,
    )


def _date(row: np.ndarray | int, study: Study):
    return study.panel.dates[row].astype("datetime64[ns]")


def _weights(study: Study, execution: Execution) -> pd.DataFrame:
    """Every eligible asset of every decision since the first that wanted anything."""
    decisions = execution.decisions
    wanted = [bool(decision.weights.any()) for decision in decisions]
    first = wanted.index(True)
    at, column = np.nonzero(study.signals.eligible[first:])
    at = at + first
    target = np.stack([decision.weights for decision in decisions])
    return pd.DataFrame(
        {
            "decision_date": _date(study.signals.rows[at], study),
            "symbol": study.panel.assets[column].astype(object),
            "score": study.scores.composite[at, column],
            **{
                name: study.scores.raw[number][at, column]
                for number, name in enumerate(study.scores.columns)
            },
            "target_weight": target[at, column],
        }
    )


def _sleeves(study: Study, execution: Execution) -> pd.DataFrame:
    weights = np.stack([decision.weights for decision in execution.decisions])
    rows = np.array([decision.row for decision in execution.decisions])
    kept = np.maximum.accumulate(weights.any(axis=1))
    columns: dict[str, np.ndarray] = {}
    for name in sorted(set(study.panel.asset_class.tolist())):
        part = weights[:, study.panel.asset_class == name]
        columns[f"{name}_long"] = np.maximum(part, 0.0).sum(axis=1)
        columns[f"{name}_short"] = np.minimum(part, 0.0).sum(axis=1)
    columns["cash"] = 1.0 - weights.sum(axis=1)
    index = pd.DatetimeIndex(_date(rows, study), name="decision_date")
    return pd.DataFrame(columns, index=index)[kept]


def _benchmark(study: Study, universe: pd.Series, window: np.ndarray) -> pd.Series:
    """Session returns of the benchmark, bought like the book in its first session."""
    config, panel = study.config, study.panel
    name = config.benchmark
    if name == "equal_weight":
        return universe
    if name == "cash":
        days = np.diff(panel.dates[window].astype("int64"), prepend=0.0)
        days[0] = 0.0
        rate = study.carry.cash_rates_at(window) * days / study.carry.day_count
        return pd.Series(rate, index=universe.index, name="cash")
    closes = _closes(study, name)[window]
    returns = np.zeros(len(closes))
    returns[1:] = closes[1:] / closes[:-1] - 1.0
    return pd.Series(np.nan_to_num(returns), index=universe.index, name=name)


def _closes(study: Study, symbol: str) -> np.ndarray:
    """(T,) closes of a symbol of the set, the last one carried."""
    reference, panel = study.data.reference, study.data.panel
    if symbol in reference.columns:
        return reference[symbol].ffill().to_numpy()
    if symbol in panel.assets:
        return panel.mark[:, np.flatnonzero(panel.assets == symbol)[0]]
    raise ConfigError(
        f"benchmark {symbol!r} is not in {study.config.data.dir}",
        "use equal_weight, cash, or a symbol of its universe.csv",
    )


def _factor_returns(study: Study, window: np.ndarray, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Each factor's own long-short portfolio, without costs; NaN until it is known.

    Where classes are ranked on their own, one too thin to be ranked is left out, as it is in
    the portfolio and in ``runs.factors``.
    """
    config, classes = study.config, study.panel.asset_class
    quantile = config.portfolio.select.quantile or 0.2
    least = config.portfolio.min_breadth.long_short
    columns = {}
    for name, scaled in zip(study.scores.columns, study.scores.scaled, strict=True):
        if config.preprocess.by_class:
            scaled = _without_thin_classes(scaled, classes, least)
        weights = long_short_weights(scaled, quantile)
        returns = drifted_returns(study.panel.mark, study.scores.rows, weights)
        returns[: _entry(study.scores.rows, weights, len(returns)) + 1] = np.nan
        columns[name] = returns[window]
    return pd.DataFrame(columns, index=sessions)


def _entry(rows: np.ndarray, weights: np.ndarray, never: int) -> int:
    """Row of the first entry, a session after the first decision that wants anything."""
    wanted = weights.any(axis=1)
    return int(rows[wanted.argmax()]) + 1 if wanted.any() else never


def _without_thin_classes(scaled: np.ndarray, classes: np.ndarray, least: int) -> np.ndarray:
    """(R, N) scores, NaN where fewer than `least` assets of the class have one."""
    kept = scaled.copy()
    for name in sorted(set(classes.tolist())):
        members = classes == name
        thin = np.isfinite(scaled[:, members]).sum(axis=1) < least
        kept[np.ix_(thin, members)] = np.nan
    return kept


def _ranks(study: Study, execution: Execution) -> pd.DataFrame:
    """The latest decision, best score first, each asset ranked in the pool it competes in."""
    panel, number = study.panel, len(execution.decisions) - 1
    decision = execution.decisions[number]
    eligible = np.flatnonzero(study.signals.eligible[number])
    score = study.scores.composite[number, eligible]
    weights = decision.weights[eligible]
    table = pd.DataFrame(
        {
            "symbol": panel.assets[eligible].astype(object),
            "asset_class": panel.asset_class[eligible].astype(object),
            **{
                name: study.scores.raw[position][number, eligible]
                for position, name in enumerate(study.scores.columns)
            },
            "score": score,
            "rank": _pool_ranks(study, score, panel.asset_class[eligible]),
            "side": np.select([weights > 0, weights < 0], ["long", "short"], "").astype(object),
            "target_weight": weights,
            "price": panel.mark[decision.row, eligible],
        }
    )
    order = np.lexsort((table["symbol"].to_numpy(dtype=str), -np.nan_to_num(score, nan=-np.inf)))
    return table.iloc[order].reset_index(drop=True)


def _pool_ranks(study: Study, score: np.ndarray, asset_class: np.ndarray) -> np.ndarray:
    """Rank from the best, 1, within the class where classes have sleeves, else among all."""
    by_class = study.config.portfolio.sleeves is not None
    pool = asset_class if by_class else np.zeros(len(score))
    return pd.Series(-score).groupby(pool).rank(method="min").to_numpy()


def _events(study: Study, execution: Execution) -> pd.DataFrame:
    """The account's events and the reports of the decisions, in order of time.

    Reports begin with the first decision that wanted anything: before it there is no history.
    """
    decisions = execution.decisions
    wanted = [bool(decision.weights.any()) for decision in decisions]
    rows = [
        (_date(decision.row, study), asset_class, kind, detail)
        for decision in decisions[wanted.index(True) :]
        for asset_class, kind, detail in decision.reports
    ]
    reports = pd.DataFrame(rows, columns=["date", "symbol", "kind", "detail"])
    events = execution.tables["events"]
    if not len(reports) or not len(events):
        return events if len(events) else reports
    return pd.concat([reports, events]).sort_values("date", kind="stable", ignore_index=True)


def _cost_sensitivity(study: Study, execution: Execution) -> pd.DataFrame:
    tables, config = execution.tables, study.config
    given = {
        "starting_cash": config.execution.starting_cash,
        "periods_per_year": study.panel.periods_per_year,
        "cash_annual": study.carry.cash_annual,
    }
    repriced = cost_table(tables["values"], tables["fills"], **given)
    rows = []
    for scale in SCALES:
        again = tables if scale == 1.0 else execute(study, scale, ("values", "fills")).tables
        rows.append(cost_row("re-run", scale, again["values"]["value"], again["fills"], **given))
    return pd.concat([repriced, pd.DataFrame(rows)], ignore_index=True)


def _notes(study: Study, execution: Execution, warm_up: int) -> list[str]:
    """What the data set lacks and what the run assumes, in sentences."""
    notes = list(study.data.limits)
    proxies = [
        study.scores.labels[f"{name}_proxy"]
        for name, entry in study.config.factors.items()
        if entry.proxy is not None
    ]
    if proxies:
        notes.append(f"Proxies, marked wherever they appear: {'; '.join(proxies)}.")
    notes += study.carry.notes
    notes.append(_fill_note(study, execution))
    if warm_up:
        notes.append(
            f"Trading starts {warm_up} sessions after {study.config.data.start}, with the first "
            "fill; the days before it are in no metric."
        )
    return notes


def _fill_note(study: Study, execution: Execution) -> str:
    forced = study.config.execution.fill
    if forced == "next_open":
        return (
            "Baskets fill at the next session's open, as asked: closes stand in where a "
            "vendor gave none, and the opens of two classes are hours apart."
        )
    if forced == "next_close":
        return "Baskets fill at the next session's close, as asked."
    panel = study.panel
    closes = len(set(panel.asset_class.tolist())) > 1 or panel.close_only.any()
    where = "close, because two asset classes or close-only data share them" if closes else "open"
    return f"Baskets fill at the next session's {where}."


def _manifest(study: Study, command: str) -> dict[str, Any]:
    return {
        "name": study.config.name,
        "command": command,
        "seed": study.config.seed,
        **provenance(study),
    }
