"""What the endpoint answers of the paper account, as OpenAPI describes it."""

from __future__ import annotations

from pydantic import Field, FiniteFloat

from runs.api_fields import Answer, BarName, Number, Page

__all__ = ["Portfolio", "PortfolioValue", "PortfolioValuePage"]


class Holding(Answer):
    symbol: str
    shares: FiniteFloat = Field(description="printed shares; negative is short")
    price: Number = Field(description="the last close that was booked, as printed")
    price_date: BarName | None = Field(description="its bar")
    value: Number = Field(description="shares x price, in currency")


class Portfolio(Answer):
    name: str | None = Field(description="of the account; null where none was opened")
    as_of: BarName | None = Field(description="last bar that was booked")
    decision_date: BarName | None = Field(description="bar of the latest decision")
    value: FiniteFloat = Field(description="cash + long + short at the last bar, in currency")
    cash: FiniteFloat = Field(description="the proceeds of short sales included")
    long: FiniteFloat = Field(description="worth of what is held long, zero or more")
    short: FiniteFloat = Field(description="worth of what is held short, zero or less")
    margin: FiniteFloat = Field(description="account value that maintenance asks for")
    positions: list[Holding] = Field(description="by symbol")
    events: int = Field(description="events of the ledger")
    ledger_head: str = Field(description="hash of its last event")


class PortfolioValue(Answer):
    date: BarName = Field(description="bar: a session, or an hour")
    value: FiniteFloat = Field(description="cash + long + short, in currency")
    cash: FiniteFloat = Field(description="the proceeds of short sales included")
    long: FiniteFloat = Field(description="worth of what is held long, zero or more")
    short: FiniteFloat = Field(description="worth of what is held short, zero or less")
    margin: FiniteFloat = Field(description="account value that maintenance asks for")


class PortfolioValuePage(Page):
    items: list[PortfolioValue]
