"""The blocks ``execution`` and ``delisting_return``: fills, limits at the fill, and ends."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from configs.values import AssetClass, Positive, Strict

__all__ = ["DelistingConfig", "ExecutionConfig"]


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


class DelistingConfig(Strict):
    bankruptcy: float = Field(-1.0, ge=-1.0, le=0.0, description="return on the last mark")
    unknown: float = Field(-0.3, ge=-1.0, le=0.0, description="return on the last mark")
    merger: float = Field(0.0, ge=-1.0, le=0.0, description="return on the last mark")
    data_end: float = Field(0.0, ge=-1.0, le=0.0, description="return on the last mark")
