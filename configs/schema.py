"""The strict, frozen schema of a run's configuration.

Every key is described in `docs/configuration.md`, which is generated from this module.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from configs.scoring import FactorConfig, PreprocessConfig
from configs.values import (
    AssetClass,
    Date,
    Fraction,
    Name,
    NonNegative,
    Positive,
    Strict,
    distinct,
    list_to_tuple,
)

__all__ = [
    "BacktestConfig",
    "CarryConfig",
    "CostsConfig",
    "DataConfig",
    "ExecutionConfig",
    "FactorConfig",
    "PortfolioConfig",
    "PreprocessConfig",
]


def _rebalance_form(value: Any) -> str:
    if isinstance(value, DatesConfig) or isinstance(value, dict) and "dates" in value:
        return "<dates>"
    return "<every>" if isinstance(value, (dict, EveryConfig)) else "<period>"


class InvestableConfig(Strict):
    """Floors an asset must reach, as of each date, to be eligible."""

    min_price: NonNegative = Field(0.0, description="raw close, in currency")
    min_market_cap: NonNegative = Field(0.0, description="market cap, in currency")
    min_dollar_volume: NonNegative = Field(
        0.0, description="median traded value of the last 63 sessions, in currency"
    )
    min_age: int = Field(0, ge=0, description="sessions with a bar so far")


class DataConfig(Strict):
    dir: str = Field(description="folder of the data set")
    start: Date = Field(description="first day on which the strategy may decide")
    end: Date = Field(description="last day; later bars are not read")
    calendar: Literal["XNYS", "24/7"] = Field(
        "XNYS", description="XNYS folds crypto into sessions; 24/7 has every day"
    )
    universe: Annotated[
        tuple[Name, ...] | None, BeforeValidator(list_to_tuple), AfterValidator(distinct)
    ] = Field(None, description="symbols to use; null means every tradable symbol of the set")
    investable: InvestableConfig | None = Field(None, description="floors, or null for none")

    @model_validator(mode="after")
    def _ordered(self):
        if self.end <= self.start:
            raise ValueError(
                f"data.end {self.end} is not after data.start {self.start}\n"
                "exchange them, or correct one"
            )
        return self


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
    weighting: Literal["equal", "rank", "score"] = Field("equal", description="within a side")
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
        return self


class ExecutionConfig(Strict):
    fill: Literal["auto", "next_open", "next_close"] = Field("auto", description="fill instant")
    starting_cash: Positive = Field(1_000_000.0, description="in currency")
    cash_buffer: float = Field(0.0, ge=0.0, lt=1.0, description="share of NAV kept in cash")
    lots: dict[AssetClass, Positive] = Field(
        default_factory=lambda: {"equity": 1.0, "crypto": 1e-8},
        description="smallest tradable quantity by class, in printed shares where known",
    )
    participation_rate: float | None = Field(
        None,
        gt=0.0,
        le=1.0,
        description="share of a session's volume that a ticket may fill, the rest waits; null for "
        "no cap",
    )
    maintenance_margin: float = Field(
        0.25, gt=0.0, lt=1.0, description="NAV at or below this share of gross liquidates"
    )
    stale_after: int = Field(
        10, ge=1, description="sessions without a bar after which a holding is closed"
    )


class CarryConfig(Strict):
    borrow_annual: dict[AssetClass, NonNegative] = Field(
        default_factory=dict, description="fee on shorts, by class"
    )
    funding_annual: dict[AssetClass, float] = Field(
        default_factory=dict,
        description="perpetual funding, by class, instead of borrow; positive: longs pay shorts",
    )
    cash_annual: float = Field(0.0, description="interest on cash that is not short proceeds")
    short_rebate_annual: float = Field(0.0, description="interest on short proceeds")
    day_count: Literal[360, 365] = Field(365, description="days a year for accrual")

    @model_validator(mode="after")
    def _borrow_or_funding(self):
        both = sorted(set(self.borrow_annual) & set(self.funding_annual))
        if both:
            raise ValueError(
                f"costs.carry charges {both[0]} both borrow and funding\nkeep one of them"
            )
        return self


class CostsConfig(Strict):
    commission: dict[AssetClass, dict[str, Any]] = Field(
        default_factory=dict, description="{scheme: name, ...} by asset class"
    )
    slippage: dict[AssetClass, dict[str, Any]] = Field(
        default_factory=dict, description="{scheme: name, ...} by asset class"
    )
    carry: CarryConfig = Field(default_factory=CarryConfig, description="accruals")


class DelistingConfig(Strict):
    bankruptcy: float = Field(-1.0, ge=-1.0, le=0.0, description="return on the last mark")
    unknown: float = Field(-0.3, ge=-1.0, le=0.0, description="return on the last mark")
    merger: float = Field(0.0, ge=-1.0, le=0.0, description="return on the last mark")
    data_end: float = Field(0.0, ge=-1.0, le=0.0, description="return on the last mark")


class BacktestConfig(Strict):
    """A whole run: data, factors, portfolio, execution and costs."""

    name: Name = Field(description="title of the run")
    seed: int = Field(7, ge=0, description="seed of everything random")
    data: DataConfig = Field(description="what is read")
    benchmark: Name = Field(
        "equal_weight", description="equal_weight (of the universe), cash, or a symbol of the set"
    )
    factors: dict[str, FactorConfig] = Field(min_length=1, description="by factor name")
    preprocess: PreprocessConfig = Field(default_factory=PreprocessConfig, description="scores")
    portfolio: PortfolioConfig = Field(description="scores to weights")
    execution: ExecutionConfig = Field(default_factory=ExecutionConfig, description="fills")
    costs: CostsConfig = Field(default_factory=CostsConfig, description="what trading costs")
    delisting_return: DelistingConfig = Field(
        default_factory=DelistingConfig, description="by end_reason"
    )
    plugins: Annotated[tuple[str, ...], BeforeValidator(list_to_tuple)] = Field(
        (), description="modules or files with the user's factors"
    )

    @model_validator(mode="after")
    def _enough_factors(self):
        if self.preprocess.min_factors > len(self.factors):
            raise ValueError(
                f"preprocess.min_factors {self.preprocess.min_factors} exceeds the "
                f"{len(self.factors)} factors asked for\nlower it, or ask for more factors"
            )
        if not any(entry.weight for entry in self.factors.values()):
            raise ValueError(
                "every weight in factors is 0, so that nothing is ranked\ngive one factor a weight"
            )
        return self
