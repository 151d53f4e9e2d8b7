"""The blocks ``execution`` and ``delisting_return``: fills, limits at the fill, and ends."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from configs.values import AssetClass, Name, NonNegative, Positive, Strict

__all__ = ["BorrowConfig", "DelistingConfig", "ExecutionConfig", "check_tickets"]


class BorrowConfig(Strict):
    """What an asset must reach on a decision date so that it can be borrowed."""

    figure: Name | None = Field(
        None, description="a figure of the data set: above zero, the asset can be borrowed"
    )
    min_market_cap: NonNegative = Field(0.0, description="market cap, in currency")
    min_dollar_volume: NonNegative = Field(
        0.0, description="median traded value of the last 63 sessions, in currency"
    )


def _borrow_form(value: Any) -> str:
    return "<floors>" if isinstance(value, (dict, BorrowConfig)) else "<flag>"


Borrow = Annotated[
    Annotated[bool, Tag("<flag>")] | Annotated[BorrowConfig, Tag("<floors>")],
    Discriminator(_borrow_form),
]


def _participation_form(value: Any) -> str:
    return "<classes>" if isinstance(value, dict) else "<rate>"


Rate = Annotated[float, Field(gt=0.0, le=1.0)]
Participation = Annotated[
    Annotated[Rate, Tag("<rate>")] | Annotated[dict[AssetClass, Rate], Tag("<classes>")],
    Discriminator(_participation_form),
]


class ExecutionConfig(Strict):
    fill: Literal["auto", "next_open", "next_close"] = Field("auto", description="fill instant")
    starting_cash: Positive = Field(1_000_000.0, description="in currency")
    cash_buffer: float = Field(0.0, ge=0.0, lt=1.0, description="share of NAV kept in cash")
    lots: dict[AssetClass, Positive] = Field(
        default_factory=lambda: {"equity": 1.0, "crypto": 1e-8},
        description="smallest tradable quantity by class, in printed shares where known",
    )
    ticks: dict[AssetClass, Positive] = Field(
        default_factory=dict,
        description="smallest step of a printed price by class: fills are rounded against the "
        "trader",
    )
    min_ticket: dict[AssetClass, NonNegative] = Field(
        default_factory=dict,
        description="least value of a ticket by class, in currency; full exits are always traded",
    )
    spread_over: int = Field(
        1, ge=1, description="sessions over which a rebalance is spread, in equal parts"
    )
    short_available: dict[AssetClass, Borrow] = Field(
        default_factory=dict,
        description="what can be sold short, by class: true (as where not given), false, or floors",
    )
    unborrowable: Literal["cash", "spread"] = Field(
        "cash",
        description="the weight of shorts that cannot be borrowed: kept in cash, or spread over "
        "the other shorts of their class",
    )
    participation_rate: Participation | None = Field(
        None,
        description="share of a session's volume that a ticket may fill, above 0 and at most 1, "
        "for all or by class; the rest waits; null for no cap",
    )
    maintenance_margin: float = Field(
        0.25, gt=0.0, lt=1.0, description="NAV at or below this share of gross liquidates"
    )
    stale_after: int = Field(
        10, ge=1, description="sessions without a bar after which a holding is closed"
    )


def check_tickets(config: Any) -> None:
    """Refuse minima under which nothing could ever be traded.

    Parameters
    ----------
    config : BacktestConfig

    Raises
    ------
    ValueError
        Naming the key, with a remedy on a second line.
    """
    book = config.execution.starting_cash * config.portfolio.gross
    for name, least in config.execution.min_ticket.items():
        if least > book:
            raise ValueError(
                f"execution.min_ticket.{name} {least:g} exceeds the whole book of {book:g}\n"
                "lower it, or raise execution.starting_cash"
            )


class DelistingConfig(Strict):
    bankruptcy: float = Field(-1.0, ge=-1.0, le=0.0, description="return on the last mark")
    unknown: float = Field(-0.3, ge=-1.0, le=0.0, description="return on the last mark")
    merger: float = Field(0.0, ge=-1.0, le=0.0, description="return on the last mark")
    data_end: float = Field(0.0, ge=-1.0, le=0.0, description="return on the last mark")
