"""What the endpoint answers of signals: the shape of every response, as OpenAPI describes it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, FiniteFloat

from runs.api_fields import Answer, BarName, ByFactor, Moment, Number, Page

__all__ = [
    "HistoryPage",
    "Signals",
    "SignalsDocument",
    "SignalsPage",
    "Status",
    "StatusDocument",
    "Summary",
]


class Head(Answer):
    """What a set of signals is about."""

    name: str = Field(description="of the configuration")
    as_of: BarName = Field(description="the closed bar that it was computed from")
    decided: bool = Field(description="whether the schedule decides at this bar")
    next_decision: BarName | None = Field(description="the next bar that decides")
    data_hash: str = Field(description="of the data that it was computed from")
    config_hash: str = Field(description="of the configuration")


class Known(Answer):
    """What a list says of signals; null where their file is damaged."""

    decided: bool | None = Field(description="whether the schedule decides at this bar")
    next_decision: BarName | None = Field(description="the next bar that decides")


class Bar(Known):
    """A bar that has signals."""

    as_of: BarName = Field(description="the closed bar that they were computed from")


class Summary(Known):
    name: str = Field(description="of the configuration")
    as_of: BarName | None = Field(description="the closed bar that they were computed from")


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
    price_date: BarName | None = Field(description="bar of the last close")
    age_sessions: int | None = Field(description="bars since the last close; 0 is current")


class Assets(Page):
    items: list[Asset]


class Source(Answer):
    source: str = Field(description="where the bars come from")
    asset_class: str
    symbols: int = Field(description="assets that should have a bar")
    newest: BarName = Field(description="the latest bar of any of them")
    oldest: BarName = Field(description="the latest bar of the one that is furthest behind")
    age_sessions: int = Field(description="bars since the newest; 0 is current")
    behind: list[str] = Field(description="symbols without a bar at as_of")


class Order(Answer):
    symbol: str
    side: str = Field(description="buy or sell")
    shares: FiniteFloat = Field(description="printed shares; negative is a sale")
    reduce: FiniteFloat = Field(description="the part of shares towards no position")
    increase: FiniteFloat = Field(description="the part of shares that opens or enlarges one")
    fill: str = Field(description="next_open or next_close")
    decided: BarName = Field(description="the bar at which it was decided")
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


class Bands(Answer):
    dollar: Number = Field(description="greatest absolute net weight")
    beta: Number = Field(description="greatest absolute weight x beta; null where none is set")


class Neutrality(Answer):
    """How far what is held is from neutral, at the close of the last bar."""

    dollar: FiniteFloat = Field(description="net weight")
    beta: Number = Field(description="sum of weight x beta; null where no beta is asked for")
    within: bool = Field(description="whether both are within the bands")
    forced: bool = Field(description="whether the bar decided because the book had drifted")
    bands: Bands


class Faults(Answer):
    in_a_row: int = Field(ge=0, description="polls that failed since one succeeded")
    total: int = Field(ge=0, description="since the session was started")
    last: str = Field(description="the latest in words, without paths; empty before the first")


class Status(Answer):
    """What a live session is doing."""

    name: str = Field(description="of the configuration")
    state: Literal["polling", "waiting", "fault", "stopped"] = Field(
        description="fault: the latest poll failed, and another follows"
    )
    last_bar: BarName | None = Field(description="the last bar that was booked")
    value: FiniteFloat = Field(description="of the paper account at its close, in currency")
    updated: Moment = Field(description="when this was written, by the machine's clock")
    next_poll: Moment | None = Field(
        description="when the next poll is due; null where none is. Minutes ago: it was killed"
    )
    neutrality: Neutrality | None = Field(description="null before the first bar")
    behind: list[str] = Field(description="symbols whose newest bar is waited for")
    faults: Faults


class StatusDocument(Status):
    """The file ``status.json`` as it is read."""

    version: int = Field(alias="schema")
