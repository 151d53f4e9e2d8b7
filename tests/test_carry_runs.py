"""Carry of a bundled run by schedules, computed again night by night by a plain loop."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from configs.load import load_config
from runs.assemble import execute, prepare
from runs.collect import collect
from tests.cost_runs_case import ROOT, SET, UNIVERSE
from tests.engine_case import rebuilt_values


def test_carry_by_schedule_follows_from_positions_and_prices():
    overrides = [
        UNIVERSE,
        "portfolio.max_weight=1.0",
        "data.start=2015-12-01",
        "data.end=2016-03-31",
        "costs.carry.cash_annual={series: rf, spread_annual: 0.001}",
        "costs.carry.short_rebate_annual=[{from: 2015-12-15, rate: 0.001}, {from: 2016-01-16, "
        "rate: 0.003}]",
        "costs.carry.borrow_annual={equity: {by: dollar_volume, tiers: [{from: 0, rate: 0.05}, "
        "{from: 7.0e+8, rate: 0.005}]}, crypto: [{from: 2015-01-01, rate: 0.2}, {from: 2016-02-01, "
        "rate: 0.1}]}",
    ]
    config = load_config(str(ROOT / "configs" / "backtest.yaml"), overrides)
    whole = prepare(config)
    execution = execute(whole)
    tables, panel = execution.tables, whole.panel
    rebuilt = rebuilt_values(tables, config.execution.starting_cash)
    np.testing.assert_allclose(rebuilt, tables["values"]["value"], rtol=1e-9)
    rf = pd.read_csv(SET / "published_monthly.csv", index_col="date")["rf"]
    rf.index = pd.PeriodIndex(pd.DatetimeIndex(rf.index), freq="M")
    classes = dict(zip(panel.assets.tolist(), panel.asset_class.tolist(), strict=True))
    volume = pd.DataFrame(panel.volume, pd.DatetimeIndex(panel.dates), panel.assets)
    prices, fills, values = tables["prices"], tables["fills"], tables["values"]
    carry = tables["carry"].set_index(["date", "kind", "symbol"])["amount"]
    held = dict.fromkeys(prices.columns, 0.0)
    checked = dict.fromkeys((0.05, 0.005, "rebate", "interest"), 0)
    for before, date in zip(values.index, values.index[1:], strict=False):
        for row in fills[fills["date"] == before].itertuples():
            held[row.symbol] += row.size
        days, short = (date - before).days, 0.0
        for name, units in held.items():
            worth = -units * prices.at[before, name] if units < -1e-12 else 0.0
            short += worth
            if not worth:
                continue
            if classes[name] == "crypto":
                rate = 0.2 if before < pd.Timestamp("2016-02-01") else 0.1
            else:
                lately = volume[name].loc[:before].tail(63).fillna(0.0).sum() / 63
                rate = 0.05 if lately < 7e8 else 0.005
            rebate = 0.001 if before < pd.Timestamp("2016-01-16") else 0.003
            found = carry[date, "borrow", name], carry[date, "rebate", name]
            expected = -worth * rate * days / 365, worth * rebate * days / 365
            assert found == pytest.approx(expected, rel=1e-9)
            checked[rate] += 1
            checked["rebate"] += 1
        month = before.to_period("M")
        rate = rf[month] / month.days_in_month * 365 + 0.001
        expected = (values.at[before, "cash"] - short) * rate * days / 365
        assert carry[date, "interest", ""] == pytest.approx(expected, rel=1e-9)
        checked["interest"] += 1
    assert min(checked.values()) >= 20, checked
    result = collect(whole, execution, "command")
    assert result.metrics["cash_annual"] == whole.carry.cash_annual
    assert len(set(whole.carry.cash_rates.tolist())) > 3
