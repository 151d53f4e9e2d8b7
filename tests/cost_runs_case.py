"""A bundled run under costs of one's choice, for tests that compute its costs again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from configs.load import load_config
from runs.assemble import Study, execute, prepare
from strategies.execution.costs import make_trading_costs
from tests.engine_case import rebuilt_values

CONFIG = "configs/backtest.yaml"
ROOT = Path(__file__).parents[1]
SET = ROOT / "data" / "sp500_crypto"
STOCKS = (
    "MMM ABT AAPL AMZN T BAC BA CVX CSCO KO DIS XOM F GE GS HD INTC IBM JNJ JPM MCD MRK MSFT NKE"
)
UNIVERSE = f"data.universe=[{', '.join([*STOCKS.split(), 'BTC', 'ETH'])}]"
#: A year of weeks, so that coins trade often, and with half of the book, so that they trade much.
DATES = [
    UNIVERSE,
    "data.start=2015-06-01",
    "data.end=2016-06-30",
    "portfolio.rebalance=weekly",
    "portfolio.sleeves={equity: 0.5, crypto: 0.5}",
]


def make_study() -> Study:
    """A year of the bundled set, few stocks and two coins."""
    return prepare(load_config(str(ROOT / CONFIG), DATES))


def make_run(study: Study) -> Callable[[dict, dict], dict[str, Any]]:
    """Gives the tables of the study under other commissions and slippage."""

    def execute_with(commission: dict, slippage: dict) -> dict[str, Any]:
        market = study.costs.market
        costs = make_trading_costs(
            study.panel, commission, slippage, str(SET), seed=5, market=market
        )
        tables = execute(replace(study, costs=costs)).tables
        rebuilt = rebuilt_values(tables, study.config.execution.starting_cash)
        np.testing.assert_allclose(rebuilt, tables["values"]["value"], rtol=1e-9)
        return tables

    return execute_with


def classes_of(study: Study) -> dict[str, str]:
    """Asset class by symbol."""
    return dict(zip(study.panel.assets.tolist(), study.panel.asset_class.tolist(), strict=True))


def fills_of(tables: dict[str, Any], classes: dict[str, str], of_class: str) -> list[dict]:
    """Fills of one class, in order, as plain dicts."""
    rows = tables["fills"].to_dict("records")
    return [row for row in rows if classes[row["symbol"]] == of_class]
