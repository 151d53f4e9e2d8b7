"""The block ``portfolio.risk_budget``: shares of risk for factors and sleeves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from configs.values import AssetClass, Name, Positive, Strict
from feeds.suggestions import remedy_for

if TYPE_CHECKING:
    from configs.schema import BacktestConfig

__all__ = ["RiskBudgetConfig", "check_risk_budget"]

_WEIGHTING = "factor_risk_parity"


class RiskBudgetConfig(Strict):
    factors: dict[Name, Positive] = Field(
        default_factory=dict,
        description="relative share of its sleeve's risk, by factor; 1 where not named",
    )
    sleeves: dict[AssetClass, Positive] = Field(
        default_factory=dict,
        description="relative share of the book's risk, by asset class; 1 where not named",
    )
    streams: Literal["realised", "present"] = Field(
        "realised",
        description="whose past returns are the risk of a factor: its portfolio as it was "
        "rebalanced through time, or the one it holds at the decision",
    )


def check_risk_budget(config: BacktestConfig) -> None:
    """Refuse budgets that would do nothing, and what contradicts them.

    Raises
    ------
    ValueError
        Problem and remedy on two lines.
    """
    portfolio, budget = config.portfolio, config.portfolio.risk_budget
    if portfolio.weighting != _WEIGHTING:
        if budget != RiskBudgetConfig():
            raise ValueError(
                f"portfolio.risk_budget is not used by weighting {portfolio.weighting}\n"
                f"remove it, or choose weighting: {_WEIGHTING}"
            )
        return
    if portfolio.side == "long_short" and portfolio.net:
        raise ValueError(
            f"portfolio.net {portfolio.net:g} contradicts weighting {_WEIGHTING}, whose factor "
            "portfolios hold as much short as long\nset portfolio.net to 0"
        )
    held = [name for name, entry in config.factors.items() if entry.weight]
    _check_names("factors", budget.factors, held, "factor with a weight")
    _check_names("sleeves", budget.sleeves, list(portfolio.sleeves or {}), "sleeve")


def _check_names(block: str, given: dict[str, float], known: list[str], what: str) -> None:
    for name in given:
        if name not in known:
            remedy = remedy_for(name, known) if known else "remove it, or set portfolio.sleeves"
            raise ValueError(f"portfolio.risk_budget.{block}.{name}: no {what}\n{remedy}")
