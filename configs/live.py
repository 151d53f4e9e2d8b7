"""The block ``live``: a market-neutral book on bars of an hour, polled while the market runs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from configs.values import Positive, Strict

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
    """Refuse bands that the book could not be kept within.

    Parameters
    ----------
    config : BacktestConfig

    Raises
    ------
    ValueError
        Naming the key, with a remedy on a second line.
    """
    if config.live is None:
        return
    neutral = config.portfolio.neutral
    for name in ("dollar", "beta"):
        band, tolerance = getattr(config.live.bands, name), getattr(neutral, name)
        if band is None:
            continue
        if tolerance is None:
            raise ValueError(
                f"live.bands.{name} is {band:g}, and portfolio.neutral.{name} asks for nothing\n"
                f"set portfolio.neutral.{name} below the band, as {band / 5:g}"
            )
        if tolerance >= band:
            raise ValueError(
                f"live.bands.{name} {band:g} is not wider than portfolio.neutral.{name} "
                f"{tolerance:g}\nwiden the band, or lower the tolerance"
            )
    if config.execution.participation_rate is not None:
        raise ValueError(
            "live: execution.participation_rate fills a basket in parts, which are not neutral\n"
            "set execution.participation_rate: null"
        )
    for block, key, wanted in (("portfolio", "stagger", 1), ("execution", "spread_over", 1)):
        if getattr(getattr(config, block), key) != wanted:
            raise ValueError(
                f"live: {block}.{key} counts decisions, and a live book makes more when it drifts\n"
                f"set {block}.{key}: {wanted}"
            )
    if config.data.calendar != "24/7":
        raise ValueError(
            f"live: bars of {config.live.interval} do not fit data.calendar "
            f"{config.data.calendar}\nset data.calendar: 24/7"
        )
