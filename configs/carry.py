"""The block ``costs.carry``: what holding costs and earns, as rates or schedules of rates."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    create_model,
    model_validator,
)

from configs.values import AssetClass, Date, Name, NonNegative, Strict, list_to_tuple

__all__ = ["CarryConfig", "FigureRate", "RateStep", "SeriesRate", "TieredRate", "ValueTier"]

#: ``from`` cannot be written as an attribute of a class.
RateStep = create_model(
    "RateStep",
    __base__=Strict,
    __module__=__name__,
    **{
        "from": (Date, Field(description="first day of the rate")),
        "rate": (float, Field(description="per year")),
    },
)
ValueTier = create_model(
    "ValueTier",
    __base__=Strict,
    __module__=__name__,
    **{
        "from": (NonNegative, Field(description="value from which the rate holds, in currency")),
        "rate": (NonNegative, Field(description="per year")),
    },
)


class SeriesRate(Strict):
    series: Name = Field(description="column of published_monthly.csv, a return a month: rf")
    spread_annual: float = Field(0.0, description="added to it, per year")


class FigureRate(Strict):
    figure: Name = Field(description="daily figure of the data set")
    missing_annual: float = Field(description="rate a year where the figure is not known")


def _increasing(steps: tuple[Any, ...]) -> tuple[Any, ...]:
    starts = [getattr(step, "from") for step in steps]
    if any(later <= earlier for earlier, later in zip(starts, starts[1:], strict=False)):
        told = ", ".join(str(start) for start in starts)
        raise ValueError(f"steps from {told} do not increase\nsort them, each once")
    return steps


def _from_nothing(tiers: tuple[Any, ...]) -> tuple[Any, ...]:
    if getattr(tiers[0], "from") != 0:
        raise ValueError("the tiers do not begin at 0\nlet the first one be {from: 0, rate: ...}")
    return tiers


Steps = Annotated[
    tuple[RateStep, ...],
    BeforeValidator(list_to_tuple),
    Field(min_length=1),
    AfterValidator(_increasing),
]


class TieredRate(Strict):
    by: Literal["market_cap", "dollar_volume"] = Field(
        description="of the session before; dollar volume is the mean of a day of 63 sessions"
    )
    tiers: Annotated[
        tuple[ValueTier, ...],
        BeforeValidator(list_to_tuple),
        Field(min_length=1),
        AfterValidator(_increasing),
        AfterValidator(_from_nothing),
    ] = Field(description="rates by value; one that is not known is in the first")


def _form(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "<steps>"
    if isinstance(value, SeriesRate) or isinstance(value, dict) and "series" in value:
        return "<series>"
    if isinstance(value, TieredRate) or isinstance(value, dict) and {"by", "tiers"} & set(value):
        return "<tiers>"
    return "<figure>" if isinstance(value, (dict, FigureRate)) else "<rate>"


def _cash_form(value: Any) -> str:
    form = _form(value)
    return "<series>" if form in ("<figure>", "<tiers>") else form


def _funding_form(value: Any) -> str:
    form = _form(value)
    return "<figure>" if form in ("<series>", "<tiers>") else form


def _borrow_form(value: Any) -> str:
    form = _form(value)
    return "<figure>" if form == "<series>" else form


CashRate = Annotated[
    Annotated[float, Tag("<rate>")]
    | Annotated[Steps, Tag("<steps>")]
    | Annotated[SeriesRate, Tag("<series>")],
    Discriminator(_cash_form),
]
FundingRate = Annotated[
    Annotated[float, Tag("<rate>")]
    | Annotated[Steps, Tag("<steps>")]
    | Annotated[FigureRate, Tag("<figure>")],
    Discriminator(_funding_form),
]
BorrowRate = Annotated[
    Annotated[NonNegative, Tag("<rate>")]
    | Annotated[Steps, Tag("<steps>")]
    | Annotated[FigureRate, Tag("<figure>")]
    | Annotated[TieredRate, Tag("<tiers>")],
    Discriminator(_borrow_form),
]


class CarryConfig(Strict):
    borrow_annual: dict[AssetClass, BorrowRate] = Field(
        default_factory=dict,
        description="fee on shorts, by class: a rate, steps by date, tiers by value, or a figure",
    )
    funding_annual: dict[AssetClass, FundingRate] = Field(
        default_factory=dict,
        description="perpetual funding, by class, instead of borrow: a rate, steps by date, or a "
        "figure of a day's funding; positive: longs pay shorts",
    )
    cash_annual: CashRate = Field(
        0.0,
        description="interest on cash that is not short proceeds: a rate, steps by date, or a "
        "published series",
    )
    short_rebate_annual: CashRate = Field(
        0.0, description="interest on short proceeds, given likewise"
    )
    day_count: Literal[360, 365] = Field(365, description="days a year for accrual")

    @model_validator(mode="after")
    def _borrow_or_funding(self):
        both = sorted(set(self.borrow_annual) & set(self.funding_annual))
        if both:
            raise ValueError(
                f"costs.carry charges {both[0]} both borrow and funding\nkeep one of them"
            )
        return self

    @model_validator(mode="after")
    def _no_negative_borrow(self):
        for name, given in self.borrow_annual.items():
            steps = given if isinstance(given, tuple) else ()
            missing = getattr(given, "missing_annual", 0.0)
            if missing < 0 or any(step.rate < 0 for step in steps):
                raise ValueError(
                    f"costs.carry.borrow_annual.{name} pays for being short\ngive rates of 0 or "
                    "more; a rebate has a key of its own"
                )
        return self
