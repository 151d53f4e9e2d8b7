"""The table of risk contributions of a run: what was budgeted, decided, held and realised."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from analyzers.recorder import daily_positions
from analyzers.risk_contributions import (
    RESIDUAL,
    WINDOW,
    held_exposures,
    prevailing_budgets,
    rebalance_contributions,
    rolling_contributions,
)
from configs.risk_budget import RiskBudgetConfig
from runs.assemble import Execution, Study, execute
from strategies.history import past_returns

__all__ = ["risk_contributions"]


def risk_contributions(study: Study, execution: Execution) -> pd.DataFrame:
    """Contributions of each exposure to the risk of the book, and of the same weighed equally.

    The other book is a run of its own: the same data, factors, sleeves, limits and costs,
    ``weighting: equal``.

    Parameters
    ----------
    study : Study
        Of a configuration with ``weighting: factor_risk_parity``.
    execution : Execution

    Returns
    -------
    DataFrame
        date, book, kind, exposure, budget, contribution; see `docs/outputs.md`.
    """
    books = {"factor_risk_parity": execution, "equal": execute(_equally_weighted(study))}
    tables = [_ex_ante(study, execution)]
    for name, run in books.items():
        tables += [
            table.assign(book=name) for table in (_rebalances(study, run), _realised(study, run))
        ]
    columns = ["date", "book", "kind", "exposure", "budget", "contribution"]
    return pd.concat(tables, ignore_index=True)[columns]


def _equally_weighted(study: Study) -> Study:
    portfolio = study.config.portfolio.model_copy(
        update={"weighting": "equal", "risk_budget": RiskBudgetConfig()}
    )
    config = study.config.model_copy(update={"portfolio": portfolio})
    signals = replace(study.signals, prepared=None, prepared_reports=())
    return replace(study, config=config, signals=signals, parity=None, targets={})


def _ex_ante(study: Study, execution: Execution) -> pd.DataFrame:
    """Budgets and contributions by the covariance of the streams, before limits."""
    parity = study.parity
    first = next(decision.row for decision in execution.decisions if decision.weights.any())
    at, of = np.nonzero((parity.budgets > 0) & (parity.rows >= first)[:, None])
    return pd.DataFrame(
        {
            "date": _dates(study, parity.rows[at]),
            "book": "factor_risk_parity",
            "kind": "ex_ante",
            "exposure": _labels(study)[of],
            "budget": parity.budgets[at, of],
            "contribution": parity.contributions[at, of],
        }
    )


def _rebalances(study: Study, run: Execution) -> pd.DataFrame:
    """The book at the close of each fill session, by the covariances of the sessions so far."""
    parity, panel = study.parity, study.panel
    rows, weights = _held(study, run)
    dates, shares, budgets = [], [], []
    for row, book, budget in zip(parity.rows.tolist(), parity.books, parity.budgets, strict=True):
        at = row + 1 - rows[0]
        if 0 <= at < len(rows) and weights[at].any() and budget.any():
            history = past_returns(panel, row + 1, None, WINDOW)
            shares.append(rebalance_contributions(history, weights[at], book))
            dates.append(row + 1)
            budgets.append(np.append(budget, 0.0))
    return _table(study, "rebalance", np.array(dates, dtype=int), shares, budgets)


def _realised(study: Study, run: Execution) -> pd.DataFrame:
    """Shares of the variance of the account's returns over moving windows."""
    parity, panel = study.parity, study.panel
    rows, weights = _held(study, run)
    marks = panel.mark[rows[0] : rows[-1] + 1]
    entries = parity.rows + 1 - rows[0]
    held = held_exposures(marks, weights, entries, parity.books)
    value = run.tables["values"]["value"].to_numpy()
    returns = value[1:] / value[:-1] - 1.0
    shares = rolling_contributions(returns, held.earned[1:], WINDOW)
    budgets = prevailing_budgets(parity.budgets, entries, len(rows), WINDOW)[1:]
    known = np.flatnonzero(np.isfinite(shares).all(axis=1) & np.isfinite(budgets).all(axis=1))
    budgets = np.column_stack([budgets, np.zeros(len(budgets))])
    return _table(study, "realised", rows[1:][known], shares[known], budgets[known])


def _held(study: Study, run: Execution) -> tuple[np.ndarray, np.ndarray]:
    """(T',) rows of the sessions since the first fill, and (T', N) weights at their closes."""
    positions = daily_positions(run.account.journal, study.panel)
    values = run.tables["values"]["value"]
    sessions = values.index.to_numpy().astype("datetime64[D]")
    rows = np.searchsorted(study.panel.dates, sessions)
    order = np.argsort(study.panel.assets)
    column = order[
        np.searchsorted(study.panel.assets, positions["symbol"].to_numpy(dtype=str), sorter=order)
    ]
    at = values.index.get_indexer(positions["date"])
    weights = np.zeros((len(rows), study.panel.shape[1]))
    weights[at, column] = positions["value"].to_numpy() / values.to_numpy()[at]
    return rows, weights


def _table(study: Study, kind: str, rows: np.ndarray, shares, budgets) -> pd.DataFrame:
    """A row an exposure that had a budget or a part, and the residual."""
    names = np.append(_labels(study), RESIDUAL)
    budgets = np.reshape(budgets, (len(rows), len(names)))
    shares = np.reshape(shares, (len(rows), len(names)))
    at, of = np.nonzero((budgets > 0) | (shares != 0) | (names == RESIDUAL))
    return pd.DataFrame(
        {
            "date": _dates(study, rows[at]),
            "kind": kind,
            "exposure": names[of],
            "budget": budgets[at, of],
            "contribution": shares[at, of],
        }
    )


def _labels(study: Study) -> np.ndarray:
    return np.array([exposure.label for exposure in study.parity.exposures], dtype=object)


def _dates(study: Study, rows: np.ndarray) -> np.ndarray:
    return study.panel.dates[rows].astype("datetime64[ns]")
