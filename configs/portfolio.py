"""The block ``portfolio``: from scores to weights."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from configs.construction import (
    CovarianceConfig,
    MeanVarianceConfig,
    NeutralConfig,
    SectorCaps,
    VolatilityTargetConfig,
    check_construction,
)
from configs.risk_budget import RiskBudgetConfig
from configs.stops import StopsConfig
from configs.values import (
    AssetClass,
    Date,
    Fraction,
    NonNegative,
    Positive,
    Strict,
    list_to_tuple,
)

__all__ = ["DatesConfig", "EveryConfig", "MinBreadth", "PortfolioConfig", "SelectConfig"]


def _rebalance_form(value: Any) -> str:
    if isinstance(value, DatesConfig) or isinstance(value, dict) and "dates" in value:
        return "<dates>"
    return "<every>" if isinstance(value, (dict, EveryConfig)) else "<period>"


class SelectConfig(Strict):
    quantile: float | None = Field(
        None, gt=0.0, le=0.5, description="share of the ranked assets held on each side"
    )
    top: int | None = Field(None, ge=1, description="number of assets held on each side")

    @model_validator(mode="after")
    def _one(self):
        if (self.quantile is None) == (self.top is None):
            raise ValueError(
                "portfolio.select needs exactly one of quantile and top\n"
                "remove the other, or set it to null"
            )
        return self


class MinBreadth(Strict):
    long_only: int = Field(4, ge=1, description="fewest eligible assets ranked when long only")
    long_short: int = Field(6, ge=2, description="fewest eligible assets ranked when long-short")


class EveryConfig(Strict):
    every: int = Field(ge=1, description="rebalance every so many sessions")


class DatesConfig(Strict):
    dates: Annotated[tuple[Date, ...], BeforeValidator(list_to_tuple)] = Field(
        min_length=1, description="decision dates, explicit"
    )


Rebalance = Annotated[
    Annotated[Literal["weekly", "monthly", "quarterly"], Tag("<period>")]
    | Annotated[EveryConfig, Tag("<every>")]
    | Annotated[DatesConfig, Tag("<dates>")],
    Discriminator(_rebalance_form),
]


class PortfolioConfig(Strict):
    side: Literal["long_only", "long_short"] = Field("long_only", description="which sides")
    select: SelectConfig = Field(description="{quantile: q} or {top: n}")
    weighting: Literal[
        "equal",
        "rank",
        "score",
        "cap",
        "inverse_volatility",
        "minimum_variance",
        "equal_risk_contribution",
        "hierarchical_risk_parity",
        "mean_variance",
        "factor_risk_parity",
    ] = Field(
        "equal",
        description="within a side; mean_variance weighs a sleeve's ranked assets, "
        "factor_risk_parity the whole book",
    )
    gross: Positive = Field(1.0, description="sum of absolute weights")
    net: float = Field(
        0.0, description="sum of weights of a long-short book; long only means net = gross"
    )
    max_weight: float = Field(
        1.0, gt=0.0, description="cap on one asset's absolute weight; the excess is spread"
    )
    max_class_weight: dict[AssetClass, NonNegative] = Field(
        default_factory=dict, description="cap on a class's absolute weight, by asset class"
    )
    max_sector_weight: SectorCaps = Field(
        default_factory=dict,
        description="cap on a sector's absolute weight: a number for all, or by sector, `others` "
        "for those not named",
    )
    max_gross: Positive | None = Field(
        None, description="most that absolute weights may sum to, leverage included"
    )
    neutral: NeutralConfig = Field(
        default_factory=NeutralConfig, description="to what the book is neutral"
    )
    volatility_target: VolatilityTargetConfig | None = Field(
        None, description="scale the book to a volatility, forecast at each decision"
    )
    stagger: int = Field(
        1, ge=1, description="the target is the mean of the last so many formations"
    )
    covariance: CovarianceConfig = Field(
        default_factory=CovarianceConfig, description="how risk is estimated where it is needed"
    )
    mean_variance: MeanVarianceConfig = Field(
        default_factory=MeanVarianceConfig, description="for weighting: mean_variance"
    )
    risk_budget: RiskBudgetConfig = Field(
        default_factory=RiskBudgetConfig, description="for weighting: factor_risk_parity"
    )
    sleeves: dict[AssetClass, Fraction] | None = Field(
        None, description="share of gross by asset class; null ranks all classes together"
    )
    min_breadth: MinBreadth = Field(default_factory=MinBreadth, description="see thin_sleeve")
    thin_sleeve: Literal["trend", "long_only", "cash", "redistribute"] = Field(
        "trend", description="what a sleeve below min_breadth does"
    )
    trend: dict[Literal["lookback", "skip"], Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict,
        description="lookback and skip of a thin sleeve's trend; default: as momentum",
    )
    no_trade_band: NonNegative = Field(
        0.0,
        description="a drift of weight up to this is not traded; entries, exits and changes of "
        "side always are",
    )
    band_to: Literal["target", "edge"] = Field(
        "target", description="how far a drift beyond the band is traded"
    )
    trade_fraction: float = Field(
        1.0, gt=0.0, le=1.0, description="share of each trade that one rebalance makes"
    )
    turnover_budget: Positive | None = Field(
        None,
        description="largest sum of absolute changes of weight of one rebalance (two-way); trades "
        "are scaled to it",
    )
    stops: StopsConfig | None = Field(
        None, description="when a holding is given up between rebalances; null for never"
    )
    rebalance: Rebalance = Field(
        "monthly", description="last session of each period, {every: n} or {dates: [...]}"
    )

    @model_validator(mode="after")
    def _feasible(self):
        if self.side == "long_only" and self.net not in (0.0, self.gross):
            raise ValueError(
                f"portfolio.net {self.net} contradicts side long_only, where net = gross\n"
                "remove portfolio.net, or choose side: long_short"
            )
        if abs(self.net) > self.gross:
            raise ValueError(
                f"portfolio.net {self.net} exceeds portfolio.gross {self.gross}\n"
                "choose a net between -gross and gross"
            )
        if self.sleeves is not None and abs(sum(self.sleeves.values()) - 1.0) > 1e-9:
            raise ValueError(
                f"portfolio.sleeves sum to {sum(self.sleeves.values()):g}, they must sum to 1\n"
                "gross scales all of them; give each its share of it"
            )
        if self.band_to == "edge" and self.no_trade_band == 0:
            raise ValueError(
                "portfolio.band_to edge needs a no_trade_band above 0\n"
                "give the band its width, such as no_trade_band: 0.005"
            )
        check_construction(self)
        return self
