"""Factors: panel to scores, pure functions without look-ahead."""

from __future__ import annotations

from factors.beta import low_beta
from factors.carry import funding_carry
from factors.composite import Scores, composite_scores
from factors.investment import low_investment
from factors.liquidity import illiquidity, low_turnover
from factors.momentum import momentum, residual_momentum
from factors.network import active_addresses, transfer_volume
from factors.plugins import load_plugins
from factors.quality import accruals, profitability, return_on_equity
from factors.registry import (
    Factor,
    check_fields,
    check_parameters,
    factor,
    get_factor,
    known_factors,
)
from factors.reversal import short_term_reversal
from factors.size import dollar_volume, small_cap
from factors.trend import high_52w, trend
from factors.value import (
    book_to_market,
    cash_flow_yield,
    earnings_yield,
    long_run_return,
    sales_yield,
)
from factors.volatility import idiosyncratic_volatility, low_maximum_return, low_volatility

__all__ = [
    "Factor",
    "Scores",
    "accruals",
    "active_addresses",
    "book_to_market",
    "cash_flow_yield",
    "check_fields",
    "check_parameters",
    "composite_scores",
    "dollar_volume",
    "earnings_yield",
    "factor",
    "funding_carry",
    "get_factor",
    "high_52w",
    "idiosyncratic_volatility",
    "illiquidity",
    "known_factors",
    "load_plugins",
    "long_run_return",
    "low_beta",
    "low_investment",
    "low_maximum_return",
    "low_turnover",
    "low_volatility",
    "momentum",
    "profitability",
    "residual_momentum",
    "return_on_equity",
    "sales_yield",
    "short_term_reversal",
    "small_cap",
    "transfer_volume",
    "trend",
]
