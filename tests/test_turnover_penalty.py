"""Whole runs of mean-variance weights: a price on trading is counted from what is held."""

from __future__ import annotations

import numpy as np
import pytest

from configs.load import load_config
from runs.assemble import execute, prepare

CONFIG = "configs/large_caps_bitcoin.yaml"
SHORT = ["data.start=2018-01-01", "data.end=2018-12-31", "portfolio.max_class_weight={}"]


def run(penalty):
    overrides = [*SHORT, "portfolio.weighting=mean_variance"]
    overrides.append(f"portfolio.mean_variance={{turnover_penalty: {penalty}}}")
    study = prepare(load_config(CONFIG, overrides))
    return study, execute(study)


@pytest.fixture(scope="module")
def runs():
    return {penalty: run(penalty) for penalty in (0, 0.02, 5)}


def traded(execution):
    fills = execution.tables["fills"]
    return (fills["size"].abs() * fills["price"]).groupby(fills["date"]).sum()


def test_the_dearer_trading_the_less_of_it(runs):
    # The first basket buys the book whatever it costs.
    amounts = [traded(execution).iloc[1:].sum() for _, execution in runs.values()]
    assert amounts[0] > 1.5 * amounts[1] > 0


def test_where_trading_costs_more_than_it_earns_weights_stay_where_they_drifted(runs):
    _, execution = runs[5]
    value = execution.tables["values"]["value"]
    after = traded(execution).iloc[1:] / value.reindex(traded(execution).index[1:])
    # What trades left over is whole shares, and the fees of the first basket.
    assert after.max() < 0.01


def test_targets_that_depend_on_the_account_are_not_shared(runs):
    assert runs[0][0].targets and not runs[5][0].targets


def test_the_weights_sum_to_gross_under_the_cap(runs):
    for _, execution in runs.values():
        for decision in execution.decisions:
            assert decision.weights.sum() == pytest.approx(1.0, abs=1e-9)
            assert np.abs(decision.weights).max() <= 0.25 + 1e-9
