"""The block ``live``: a market-neutral book on bars of an hour, polled while the market runs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from configs.values import Positive, Strict
from feeds.errors import ConfigError

__all__ = ["BandsConfig", "LiveConfig", "check_live"]


class BandsConfig(Strict):
    """How far what is held may drift, as shares of NAV, before it is traded back."""

    dollar: Positive = Field(0.05, description="greatest absolute net weight of what is held")
    beta: Positive | None = Field(
        0.05, description="greatest absolute sum of weight x beta of what is held; null for none"
    )


class LiveConfig(Strict):
    """What `runs.signals --live` goes by."""

    interval: Literal["1h"] = Field("1h", description="length of a bar")
    bands: BandsConfig = Field(
        default_factory=BandsConfig,
        description="kept by further decisions: one is made once a drift is past the midpoint "
        "between portfolio.neutral and its band",
    )
    max_age: int = Field(
        2, ge=1, description="bars that a late symbol is waited for before others go on without it"
    )
    poll_seconds: float = Field(60.0, ge=1.0, le=3600.0, description="pause between two polls")


def check_live(config: Any) -> None:
    """Refuse a configuration whose book could not be kept within its bands.

    Parameters
    ----------
    config : BacktestConfig

    Raises
    ------
    ConfigError
        Naming the key.
    """
    if config.live is None:
        raise ConfigError(
            f"{config.name} has no block live", "add live: {interval: 1h}, see docs/live.md"
        )
    if config.data.calendar != "24/7":
        raise ConfigError(
            f"bars of {config.live.interval} do not fit data.calendar {config.data.calendar}",
            "set data.calendar: 24/7",
        )
    for name in ("dollar", "beta"):
        _check_band(name, getattr(config.live.bands, name), getattr(config.portfolio.neutral, name))
    if config.execution.participation_rate is not None:
        raise ConfigError(
            "execution.participation_rate fills a basket in parts, which are not neutral",
            "set execution.participation_rate: null",
        )
    for block, key in (("portfolio", "stagger"), ("execution", "spread_over")):
        if getattr(getattr(config, block), key) != 1:
            raise ConfigError(
                f"{block}.{key} counts decisions, and a live book makes more when it drifts",
                f"set {block}.{key}: 1",
            )


def _check_band(name: str, band: float | None, tolerance: float | None) -> None:
    if band is None:
        return
    if tolerance is None:
        raise ConfigError(
            f"live.bands.{name} is {band:g}, and portfolio.neutral.{name} asks for nothing",
            f"set portfolio.neutral.{name} below the band, as {band / 5:g}",
        )
    if tolerance >= band:
        raise ConfigError(
            f"live.bands.{name} {band:g} is not wider than portfolio.neutral.{name} {tolerance:g}",
            "widen the band, or lower the tolerance",
        )
