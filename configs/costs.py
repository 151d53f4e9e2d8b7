"""The block ``costs``: what trading and holding cost."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from configs.carry import CarryConfig
from configs.values import AssetClass, Strict

__all__ = ["CarryConfig", "CostsConfig"]


class CostsConfig(Strict):
    commission: dict[AssetClass, dict[str, Any]] = Field(
        default_factory=dict, description="{scheme: name, ...} by asset class"
    )
    slippage: dict[AssetClass, dict[str, Any]] = Field(
        default_factory=dict, description="{scheme: name, ...} by asset class"
    )
    carry: CarryConfig = Field(default_factory=CarryConfig, description="accruals")
