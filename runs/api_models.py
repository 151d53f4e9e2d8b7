"""What the endpoint answers: the shape of every response, as OpenAPI describes it."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat

__all__ = [
    "CarryPage",
    "Date",
    "FactorReturnPage",
    "FillPage",
    "Health",
    "HistoryPage",
    "Manifest",
    "Metrics",
    "Portfolio",
    "PositionPage",
    "Problem",
    "RunPage",
    "Signals",
    "SignalsDocument",
    "SignalsPage",
    "ValuePage",
    "WeightPage",
]

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")


def _iso(value: Any) -> Any:
    """Only a date as it is written: pydantic would take seconds since 1970 for one, too."""
    if isinstance(value, dt.date) or value is None:
        return value
    if not isinstance(value, str) or not _ISO.fullmatch(value) or not value.isascii():
        raise ValueError("not a date as 2024-05-31")
    return value


Date = Annotated[dt.date, BeforeValidator(_iso)]
Number = Annotated[FiniteFloat | None, Field(description="null where it is not known")]
ByFactor = Annotated[
    dict[str, FiniteFloat | None],
    Field(description="by factor; the name of a proxy ends in _proxy; null where not known"),
]


class Answer(BaseModel):
    """A response, or a part of one. What is not described here is not served."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Problem(Answer):
    """Why there is no answer."""

    detail: str = Field(description="one sentence for people")


class Health(Answer):
    status: str = Field(description="ok: the server answers")
    version: str = Field(description="of the program")


class Page(Answer):
    total: int = Field(ge=0, description="items that there are, on this page or not")
    limit: int = Field(ge=1, description="items asked for")
    offset: int = Field(ge=0, description="items left out at the beginning")
    next_offset: int | None = Field(description="offset of the next page; null on the last one")


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


class Head(Answer):
    """What a set of signals is about."""

    name: str = Field(description="of the configuration")
    as_of: Date = Field(description="the closed bar that it was computed from")
    decided: bool = Field(description="whether the schedule decides at this bar")
    next_decision: Date | None = Field(description="the next session that decides")
    data_hash: str = Field(description="of the data that it was computed from")
    config_hash: str = Field(description="of the configuration")


class Bar(Answer):
    """A bar that has signals; null where its file is damaged."""

    as_of: Date | None = Field(description="the closed bar that they were computed from")
    decided: bool | None = Field(description="whether the schedule decides at this bar")
    next_decision: Date | None = Field(description="the next session that decides")


class Summary(Bar):
    name: str = Field(description="of the configuration")


class Asset(Answer):
    symbol: str
    asset_class: str
    eligible: bool = Field(description="whether it may be held")
    why: str | None = Field(description="why it is not eligible or ranked; empty where it is")
    factors: ByFactor
    score: Number = Field(description="composite; higher is better; null where not ranked")
    rank: int | None = Field(description="1 is best; null where not ranked")
    weight: Number = Field(description="signed target value over account value")
    held_weight: Number = Field(description="of what is held now")
    change: Number = Field(description="weight less held_weight")
    price: Number = Field(description="last close")
    price_date: Date | None = Field(description="session of the last close")
    age_sessions: int | None = Field(description="sessions since the last close; 0 is current")


class Assets(Page):
    items: list[Asset]


class Source(Answer):
    source: str = Field(description="where the bars come from")
    asset_class: str
    symbols: int = Field(description="assets that should have a bar")
    newest: Date = Field(description="the latest bar of any of them")
    oldest: Date = Field(description="the latest bar of the one that is furthest behind")
    age_sessions: int = Field(description="sessions since the newest; 0 is current")
    behind: list[str] = Field(description="symbols without a bar at as_of")


class Order(Answer):
    symbol: str
    side: str = Field(description="buy or sell")
    shares: FiniteFloat = Field(description="printed shares; negative is a sale")
    reduce: FiniteFloat = Field(description="the part of shares towards no position")
    increase: FiniteFloat = Field(description="the part of shares that opens or enlarges one")
    fill: str = Field(description="next_open or next_close")
    decided: Date = Field(description="the bar at which it was decided")
    reason: str
    price: Number = Field(description="last close, as printed")
    value: Number = Field(description="shares x price, in currency")


class Report(Answer):
    symbol: str = Field(description="an asset or a class; empty where it is about the account")
    kind: str
    detail: str


class Account(Answer):
    value: FiniteFloat = Field(description="of the paper account, in currency")
    cash: FiniteFloat = Field(description="the proceeds of short sales included")
    gross: FiniteFloat = Field(description="sum of absolute weights held")
    net: FiniteFloat = Field(description="sum of signed weights held")


class Details(Head):
    late: bool = Field(False, description="whether it was decided after a later bar had closed")
    ledger_head: str | None = Field(None, description="hash of the ledger's last event")
    account: Account | None = Field(None, description="the paper account at the bar's close")
    staleness: list[Source] = Field(description="age of each source")
    orders: list[Order] = Field(description="what waits for the next bar")
    reports: list[Report] = Field(description="what was thin, scaled, revised or left out")


class SignalsDocument(Details):
    """The file ``signals.json`` as it is read."""

    version: int = Field(alias="schema")
    assets: list[Asset]


class Signals(Details):
    assets: Assets = Field(description="one page of the assets, in the order of the file")


class SignalsPage(Page):
    items: list[Summary]


class HistoryPage(Page):
    items: list[Bar]


class Holding(Answer):
    symbol: str
    shares: FiniteFloat = Field(description="printed shares; negative is short")
    price: Number = Field(description="the last close that was booked, as printed")
    price_date: Date | None = Field(description="its session")
    value: Number = Field(description="shares x price, in currency")


class Portfolio(Answer):
    name: str | None = Field(description="of the account; null where none was opened")
    as_of: Date | None = Field(description="last bar that was booked")
    decision_date: Date | None = Field(description="bar of the latest decision")
    value: FiniteFloat = Field(description="cash + long + short at the last bar, in currency")
    cash: FiniteFloat = Field(description="the proceeds of short sales included")
    long: FiniteFloat = Field(description="worth of what is held long, zero or more")
    short: FiniteFloat = Field(description="worth of what is held short, zero or less")
    margin: FiniteFloat = Field(description="account value that maintenance asks for")
    positions: list[Holding] = Field(description="by symbol")
    events: int = Field(description="events of the ledger")
    ledger_head: str = Field(description="hash of its last event")
