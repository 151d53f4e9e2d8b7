"""What a cost study takes from a run: parts of scores, thin sleeves, and idle cash."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from configs.load import load_config
from runs.assemble import Execution, execute, prepare
from runs.costs_capacity import capacity_curve, impact_models
from runs.costs_sampling import _check
from runs.costs_sources import _contributions, _thin
from runs.costs_variants import TABLES, cost_basis, figures_of, run_again, with_capital, with_costs
from strategies.execution.draws import normal_draws
from strategies.factor_rebalance import Decision

CONFIG = "configs/large_caps_bitcoin.yaml"
DATES = ["data.start=2017-11-01", "data.end=2018-06-29"]


@pytest.fixture(scope="module")
def study():
    return prepare(load_config(CONFIG, DATES))


def test_parts_of_a_score_add_up_to_it(study) -> None:
    parts, composite = _contributions(study), study.scores.composite
    ranked = np.isfinite(composite)
    assert ranked.any() and (parts[:, ~ranked] == 0).all()
    np.testing.assert_allclose(parts.sum(axis=0)[ranked], composite[ranked], atol=1e-12)
    # Momentum 1, value 1 and volatility 0.5, known together: of 2.5 parts momentum has 1.
    known = np.isfinite(study.scores.scaled).all(axis=0)
    assert known.any()
    expected = study.scores.scaled[0][known] / 2.5
    np.testing.assert_allclose(parts[0][known], expected, atol=1e-12)


def test_thin_sleeves_are_read_off_the_reports(study) -> None:
    rows, assets = study.signals.rows, study.panel.shape[1]
    weights = np.zeros(assets)
    decisions = [
        Decision(int(rows[0]), weights, (("crypto", "thin sleeve", "2 ranked"),)),
        Decision(int(rows[1]), weights, (("crypto", "capped", "max_weight"),)),
        Decision(int(rows[2]), weights, (("", "thin sleeve", "2 ranked"),)),
    ]
    thin = _thin(study, Execution(None, decisions, {}))
    crypto = study.panel.asset_class == "crypto"
    np.testing.assert_array_equal(thin[0], crypto)
    assert not thin[1].any() and thin[2].all() and not thin[3:].any()


def test_idle_cash_earns_its_interest_by_the_calendar(study) -> None:
    config = load_config(CONFIG, [*DATES, "costs.carry.cash_annual=0.03"])
    days = pd.DatetimeIndex(["2018-01-04", "2018-01-05", "2018-01-08", "2018-01-09"])
    basis = cost_basis(replace(prepare(config)), days)
    # A day, a weekend of three, a day; none before the first session.
    assert basis.cash_value == pytest.approx(
        1e6 * (1 + 0.03 / 365) * (1 + 0.09 / 365) * (1 + 0.03 / 365), rel=1e-14
    )
    assert basis.starting_cash == 1e6 and basis.cash_annual == 0.03
    assert cost_basis(study, days).cash_value == 1e6


def test_idle_cash_follows_dated_steps() -> None:
    steps = (
        "costs.carry.cash_annual=[{from: 2000-01-01, rate: 0.01}, {from: 2018-01-05, rate: 0.02}]"
    )
    days = pd.DatetimeIndex(["2018-01-04", "2018-01-05", "2018-01-08"])
    study = prepare(load_config(CONFIG, [*DATES, steps]))
    basis = cost_basis(study, days)
    rates = study.carry.cash_rates_at(
        np.searchsorted(study.panel.dates, days.values.astype("M8[D]"))
    )
    # The weekend accrues at the rate of the Friday that it follows.
    expected = 1e6 * (1 + rates[1] / 365) * (1 + rates[2] * 3 / 365)
    assert basis.cash_value == pytest.approx(expected, rel=1e-14)
    assert rates[1] == 0.01 and rates[2] == 0.02


def test_a_variant_changes_its_schemes_and_nothing_else(study) -> None:
    free = with_costs(study, {}, {})
    assert free.targets is study.targets and free.carry is study.carry
    assert figures_of(free, run_again(free)) == figures_of(study, run_again(study, 0.0))
    only = with_costs(study, study.config.costs.commission, {})
    tables = run_again(only)
    assert (tables["fills"]["slippage"] == 0).all() and tables["fills"]["commission"].sum() > 0


def test_checks_draw_anew_for_each_seed_and_on_the_same_fills(study) -> None:
    base = execute(study, 1.0, TABLES)
    found = _check(study, base, 7, 2, lambda *step: None)
    assert found["seed"].tolist() == [7, 7, 8, 8]
    assert found["method"].tolist() == ["re-run", "re-priced"] * 2
    assert found["slippage"].nunique() == 4
    # The draws of seed 8, by the scheme itself, on what the fills paid as configured.
    fills = base.tables["fills"]
    rows = np.searchsorted(study.panel.dates, fills["date"].to_numpy().astype("M8[D]"))
    columns = [study.panel.assets.tolist().index(name) for name in fills["symbol"]]
    keys = study.costs.market.keys(rows, np.array(columns))
    drawn = np.exp(math.sqrt(math.log(2)) * normal_draws(8, *keys) - math.log(2) / 2)
    assert found["slippage"][3] == pytest.approx((drawn * fills["slippage"]).sum(), rel=1e-9)
    lost = ((drawn - 1) * fills["slippage"]).sum()
    final = base.tables["values"]["value"].iloc[-1]
    assert found["final_value"][3] == pytest.approx(final - lost, rel=1e-12)


def test_another_capital_is_the_same_strategy(study) -> None:
    larger = with_capital(study, 1e9)
    assert larger.config.execution.starting_cash == 1e9
    ours, theirs = figures_of(study, run_again(study)), figures_of(larger, run_again(larger))
    # Percentages of value: only whole lots tell the two apart.
    assert theirs["cagr"] == pytest.approx(ours["cagr"], abs=2e-3)
    assert theirs["final_value"] / 1e9 == pytest.approx(ours["final_value"] / 1e6, rel=1e-3)


def test_a_class_without_volume_trades_without_impact_and_it_is_said(study) -> None:
    panel = study.panel
    coins = panel.asset_class == "crypto"
    part = replace(panel, volume=np.where(coins, np.nan, panel.volume), checked=True)
    models, notes = impact_models(replace(study, panel=part))
    own = study.config.costs.slippage
    assert list(models) == list(impact_models(study)[0]) and len(models) == 3
    assert models["square root"]["crypto"] == own["crypto"]
    assert models["square root"]["equity"] == {
        "scheme": "sum",
        "of": [own["equity"], {"scheme": "square_root"}],
    }
    assert len(notes) == 3 and all("crypto trades without impact" in note for note in notes)
    nothing = replace(panel, volume=np.full(panel.shape, np.nan), checked=True)
    found = capacity_curve(replace(study, panel=nothing), 0.05, True, lambda *step: None)
    assert not len(found.curve) and not len(found.limits)
    assert "capacity is not known" in found.notes[-1]
