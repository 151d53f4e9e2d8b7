"""Budgets of risk in a configuration: what is refused, and with which words."""

from __future__ import annotations

import pytest

from configs.load import load_config
from feeds.errors import ConfigError

BASE = "configs/backtest.yaml"
PARITY = "portfolio.weighting=factor_risk_parity"


def refused(*overrides: str) -> tuple[str, str]:
    with pytest.raises(ConfigError) as error:
        load_config(BASE, overrides)
    assert len(str(error.value).splitlines()) <= 2
    return error.value.problem, error.value.remedy


def test_budgets_are_read_and_equal_where_not_given():
    budget = load_config(BASE, [PARITY]).portfolio.risk_budget
    assert budget.factors == {} and budget.sleeves == {}
    given = "portfolio.risk_budget={factors: {value: 2}, sleeves: {equity: 0.9, crypto: 0.1}}"
    budget = load_config(BASE, [PARITY, given]).portfolio.risk_budget
    assert budget.factors == {"value": 2.0}
    assert budget.sleeves == {"equity": 0.9, "crypto": 0.1}


@pytest.mark.parametrize("given", ["sleeves.equity=0.9", "factors.value=2", "streams=present"])
def test_budgets_that_would_do_nothing(given):
    problem, remedy = refused(f"portfolio.risk_budget.{given}")
    assert problem.endswith("portfolio.risk_budget is not used by weighting equal")
    assert remedy == "remove it, or choose weighting: factor_risk_parity"


@pytest.mark.parametrize(
    ("given", "problem", "remedy"),
    [
        ("factors.valu=1", "factors.valu: no factor with a weight", "did you mean value?"),
        ("sleeves.forex=1", "sleeves.forex: no sleeve", "known: equity, crypto"),
    ],
)
def test_names_that_are_not_there(given, problem, remedy):
    found = refused(PARITY, f"portfolio.risk_budget.{given}")
    assert found[0].endswith(problem) and found[1] == remedy


def test_a_factor_that_is_only_reported_has_no_budget():
    found = refused(PARITY, "factors.value.weight=0", "portfolio.risk_budget.factors.value=1")
    assert found[0].endswith("factors.value: no factor with a weight")


def test_a_sleeve_where_there_are_none():
    found = refused(PARITY, "portfolio.sleeves=null", "portfolio.risk_budget.sleeves.equity=1")
    assert found[1] == "remove it, or set portfolio.sleeves"


@pytest.mark.parametrize("value", ["0", "-1", ".nan"])
def test_a_budget_is_above_zero(value):
    problem, _ = refused(PARITY, f"portfolio.risk_budget.factors.value={value}")
    assert "portfolio.risk_budget.factors.value" in problem


def test_a_net_that_factor_portfolios_do_not_have():
    problem, remedy = refused(PARITY, "portfolio.net=0.5")
    assert "portfolio.net 0.5 contradicts weighting factor_risk_parity" in problem
    assert remedy == "set portfolio.net to 0"
