"""What the endpoint answers of runs: the shape of every response, as OpenAPI describes it."""

from __future__ import annotations

from typing import Any

from pydantic import Field, FiniteFloat

from runs.api_fields import Answer, ByFactor, Date, Number, Page

__all__ = [
    "CarryPage",
    "FactorReturnPage",
    "FillPage",
    "Health",
    "Manifest",
    "Metrics",
    "PositionPage",
    "Problem",
    "RunPage",
    "ValuePage",
    "WeightPage",
]


class Problem(Answer):
    """Why there is no answer."""

    detail: str = Field(description="one sentence for people")


class Health(Answer):
    status: str = Field(description="ok: the server answers")
    version: str = Field(description="of the program")


class Run(Answer):
    name: str = Field(description="of the run's folder")
    start: Date | None = Field(description="first session of trading")
    end: Date | None = Field(description="last session")
    sessions: int | None = Field(description="from start to end")
    cagr: Number
    volatility: Number
    sharpe: Number
    max_drawdown: Number
    final_value: Number


class RunPage(Page):
    items: list[Run]


class Metrics(Answer):
    name: str = Field(description="of the run's folder")
    metrics: dict[str, FiniteFloat | int | str | None] = Field(
        description="as in metrics.json: fractions, a year where the name says so; losses are "
        "negative, costs positive; null where not defined"
    )


class Manifest(Answer):
    name: str = Field(description="of the run's folder")
    manifest: dict[str, Any] = Field(
        description="as in manifest.json: command, seed, hashes of the data, versions, timings; "
        "of a path the last part is shown"
    )


class Value(Answer):
    date: Date = Field(description="session")
    value: FiniteFloat = Field(description="cash + long + short, in currency")
    cash: FiniteFloat = Field(description="the proceeds of short sales included")
    long: FiniteFloat = Field(description="worth of what is held long, zero or more")
    short: FiniteFloat = Field(description="worth of what is held short, zero or less")
    margin: FiniteFloat = Field(description="account value that maintenance asks for")


class Fill(Answer):
    date: Date = Field(description="session of the fill")
    decision_date: Date | None = Field(description="null where nobody decided")
    symbol: str
    reason: str = Field(description="rebalance, delisting, stop or liquidation")
    size: FiniteFloat = Field(description="adjusted units; positive bought, negative sold")
    price: FiniteFloat = Field(description="of one unit, slippage included")
    reference_price: FiniteFloat = Field(description="before slippage")
    commission: FiniteFloat = Field(description="in currency; a cost is positive")
    slippage: FiniteFloat = Field(description="in currency; a cost is positive")
    shares: Number = Field(description="size in printed shares; null where not known")


class Carry(Answer):
    date: Date = Field(description="session on which it was booked")
    symbol: str = Field(description="the holding; empty for interest on cash")
    kind: str = Field(description="borrow, funding, interest or rebate")
    amount: FiniteFloat = Field(description="in currency; positive was received")


class Weight(Answer):
    decision_date: Date = Field(description="session at whose close it was decided")
    symbol: str
    score: Number = Field(description="composite; higher is better; null where not ranked")
    factors: ByFactor
    target_weight: FiniteFloat = Field(description="signed target value over account value")


class Position(Answer):
    date: Date = Field(description="session, after its fills")
    symbol: str
    size: FiniteFloat = Field(description="adjusted units; negative is short")
    shares: Number = Field(description="size in printed shares; null where not known")
    close: FiniteFloat = Field(description="adjusted close, the mark")
    value: FiniteFloat = Field(description="size x close, in currency")


class FactorReturn(Answer):
    date: Date = Field(description="session")
    factors: ByFactor


class ValuePage(Page):
    items: list[Value]


class FillPage(Page):
    items: list[Fill]


class CarryPage(Page):
    items: list[Carry]


class WeightPage(Page):
    items: list[Weight]


class PositionPage(Page):
    items: list[Position]


class FactorReturnPage(Page):
    items: list[FactorReturn]
