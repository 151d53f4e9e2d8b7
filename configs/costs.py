"""The block ``costs``: what trading and holding cost."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from configs.values import AssetClass, NonNegative, Strict

__all__ = ["CarryConfig", "CostsConfig"]


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
