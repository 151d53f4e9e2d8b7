"""Factors: panel to scores, pure functions without look-ahead."""

from __future__ import annotations

from factors.composite import Scores, composite_scores
from factors.momentum import momentum
from factors.plugins import load_plugins
from factors.registry import (
    Factor,
    check_fields,
    check_parameters,
    factor,
    get_factor,
    known_factors,
)
from factors.size import dollar_volume, small_cap
from factors.value import book_to_market, long_run_return
from factors.volatility import low_volatility

__all__ = [
    "Factor",
    "Scores",
    "book_to_market",
    "check_fields",
    "check_parameters",
    "composite_scores",
    "dollar_volume",
    "factor",
    "get_factor",
    "known_factors",
    "load_plugins",
    "long_run_return",
    "low_volatility",
    "momentum",
    "small_cap",
]
