"""The strict, frozen schema of a run's configuration.

Every key is described in `docs/configuration.md`, which is generated from this schema.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from configs.costs import CarryConfig, CostsConfig
from configs.execution import DelistingConfig, ExecutionConfig, check_tickets
from configs.live import LiveConfig
from configs.portfolio import PortfolioConfig
from configs.risk_budget import check_risk_budget
from configs.scoring import FactorConfig, PreprocessConfig
from configs.values import Date, Name, NonNegative, Strict, distinct, list_to_tuple

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
    live: LiveConfig | None = Field(
        None, description="a book on bars of an hour, for `runs.signals --live`; null for none"
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

    @model_validator(mode="after")
    def _budgeted(self):
        check_risk_budget(self)
        check_tickets(self)
        return self
