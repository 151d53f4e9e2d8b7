"""The blocks under ``portfolio`` that say how risk is estimated and what limits must hold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from configs.values import AssetClass, Name, NonNegative, Positive, Strict, list_to_tuple

if TYPE_CHECKING:
    from configs.portfolio import PortfolioConfig

__all__ = [
    "CovarianceConfig",
    "MeanVarianceConfig",
    "NeutralConfig",
    "SectorCaps",
    "VolatilityTargetConfig",
    "check_construction",
    "largest_side",
]

#: Rounding that no limit is refused for.
_ROUNDING = 1e-9


def _for_all(value: Any) -> Any:
    """A number is the cap of every sector."""
    given = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {"others": value} if given else value


def _every_class(value: Any) -> Any:
    """True means each class, null and false none."""
    if isinstance(value, bool) or value is None:
        return ("all",) if value else ()
    return list_to_tuple(value)


SectorCaps = Annotated[dict[Name, NonNegative], BeforeValidator(_for_all)]


class CovarianceConfig(Strict):
    estimator: Literal["ledoit_wolf", "oas", "sample", "ewma"] = Field(
        "ledoit_wolf", description="shrinkage, the sample's own, or exponential weights"
    )
    lookback: int = Field(252, ge=2, description="sessions of returns up to the decision")
    halflife: int = Field(63, ge=1, description="sessions in which a weight of ewma halves")
    min_history: int = Field(
        126, ge=2, description="fewest known returns; with fewer an asset has no known risk"
    )

    @model_validator(mode="after")
    def _reachable(self):
        if self.min_history > self.lookback:
            raise ValueError(
                f"portfolio.covariance.min_history {self.min_history} exceeds the lookback of "
                f"{self.lookback}, so that no asset has it\n"
                f"lower min_history to {self.lookback // 2}, or raise lookback"
            )
        return self


class MeanVarianceConfig(Strict):
    risk_aversion: Positive = Field(
        5.0, description="half of it times the annual variance is taken off the expected return"
    )
    turnover_penalty: NonNegative = Field(
        0.0, description="taken off the expected annual return for each unit of weight traded"
    )
    information_coefficient: Positive = Field(
        0.05, description="expected annual return = it x volatility x standard score"
    )


class NeutralConfig(Strict):
    dollar: NonNegative | None = Field(
        None, description="greatest absolute net weight; null for no limit"
    )
    beta: NonNegative | None = Field(
        None, description="greatest absolute beta of the book; null for no limit"
    )
    asset_class: Annotated[tuple[AssetClass, ...], BeforeValidator(_every_class)] = Field(
        (), description="classes whose net weight is zero: true for each, or a list"
    )
    sector: bool = Field(False, description="whether the net weight of each sector is zero")
    market: Name = Field(
        "equal_weight", description="what beta is against: equal_weight, or a symbol of the set"
    )

    @property
    def asks(self) -> bool:
        """Whether anything is to be neutral."""
        given = self.dollar is not None or self.beta is not None
        return given or bool(self.asset_class) or self.sector


class VolatilityTargetConfig(Strict):
    annual: Positive = Field(description="standard deviation of a year's return")
    max_leverage: Positive = Field(
        1.0, description="most that weights are multiplied by; 1 scales down only"
    )


def largest_side(portfolio: PortfolioConfig) -> float:
    """What the larger side of the book sums to."""
    if portfolio.side == "long_only":
        return portfolio.gross
    return (portfolio.gross + abs(portfolio.net)) / 2


def check_construction(portfolio: PortfolioConfig) -> None:
    """Refuse limits that contradict each other whatever the data.

    Raises
    ------
    ValueError
        Problem and remedy on two lines.
    """
    for check in (_check_sides, _check_totals, _check_sleeves, _check_weighting):
        check(portfolio)


def _check_sides(portfolio: PortfolioConfig) -> None:
    neutral = portfolio.neutral
    if portfolio.side == "long_only" and neutral.asks:
        asked = {"dollar": neutral.dollar is not None, "beta": neutral.beta is not None}
        asked |= {"asset_class": bool(neutral.asset_class), "sector": neutral.sector}
        what = next(name for name, given in asked.items() if given)
        raise ValueError(
            f"portfolio.neutral.{what} contradicts side long_only: a book without shorts is "
            "neutral only when it is empty\nchoose side: long_short, or remove portfolio.neutral"
        )
    net = abs(portfolio.net)
    zero = bool(neutral.asset_class == ("all",) or neutral.sector)
    allowed = 0.0 if zero else neutral.dollar
    if allowed is not None and net > allowed + _ROUNDING:
        what = "dollar" if not zero else "asset_class" if neutral.asset_class else "sector"
        raise ValueError(
            f"portfolio.net {portfolio.net:g} contradicts portfolio.neutral.{what}, which allows "
            f"{allowed:g}\nset portfolio.net to {allowed:g}, or "
            + (f"raise neutral.dollar to {net:g}" if not zero else f"remove neutral.{what}")
        )


def _check_totals(portfolio: PortfolioConfig) -> None:
    gross, most = portfolio.gross, portfolio.max_gross
    if most is not None and gross > most + _ROUNDING:
        raise ValueError(
            f"portfolio.gross {gross:g} exceeds portfolio.max_gross {most:g}\n"
            f"lower gross to {most:g}, or raise max_gross to {gross:g}"
        )
    top, cap = portfolio.select.top, portfolio.max_weight
    if top is None or portfolio.weighting in ("mean_variance", "factor_risk_parity"):
        return
    share = max((portfolio.sleeves or {"": 1.0}).values())
    needed = share * largest_side(portfolio)
    if top * cap < needed - _ROUNDING:
        count = math.ceil(needed / cap - _ROUNDING)
        raise ValueError(
            f"portfolio.max_weight {cap:g} x {top} assets a side cannot reach {needed:g} a side\n"
            f"raise max_weight to {needed / top:.4g}, or select: {{top: {count}}}"
        )


def _check_sleeves(portfolio: PortfolioConfig) -> None:
    """Where limits are kept by projection, no sleeve takes over what another may not hold."""
    limits = portfolio.max_sector_weight or portfolio.max_gross or portfolio.neutral.asks
    for name, share in (portfolio.sleeves or {}).items() if limits else ():
        cap, own = portfolio.max_class_weight.get(name), share * portfolio.gross
        if cap is not None and cap < own - _ROUNDING:
            raise ValueError(
                f"portfolio.max_class_weight.{name} {cap:g} is below its sleeve of {own:g}\n"
                f"raise the cap to {own:g}, or lower portfolio.sleeves.{name} to "
                f"{cap / portfolio.gross:.4g}"
            )


def _check_weighting(portfolio: PortfolioConfig) -> None:
    penalised = portfolio.mean_variance.turnover_penalty > 0
    if portfolio.weighting == "mean_variance" and penalised and portfolio.stagger > 1:
        raise ValueError(
            f"portfolio.stagger {portfolio.stagger} contradicts a turnover_penalty, which is "
            "counted from the whole book and not from one of its formations\n"
            "set stagger: 1, or mean_variance.turnover_penalty: 0"
        )
