"""The block ``portfolio.stops``: when a holding is given up between rebalances."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from configs.values import Strict

__all__ = ["StopsConfig"]


def _cool_off_form(value: Any) -> str:
    return "<word>" if isinstance(value, str) else "<sessions>"


CoolOff = Annotated[
    Annotated[int, Field(ge=0), Tag("<sessions>")]
    | Annotated[Literal["next_rebalance"], Tag("<word>")],
    Discriminator(_cool_off_form),
]


class StopsConfig(Strict):
    """Stops per asset, judged at each close and filled at the next session."""

    loss: float | None = Field(
        None, gt=0.0, lt=1.0, description="adverse move from the average entry price"
    )
    trailing: float | None = Field(
        None, gt=0.0, lt=1.0, description="adverse move from the best close since entry"
    )
    drawdown: float | None = Field(
        None,
        gt=0.0,
        lt=1.0,
        description="adverse move from the best close of the last drawdown_lookback sessions; bars "
        "entries, too",
    )
    drawdown_lookback: int = Field(252, ge=2, description="sessions, the present one included")
    cool_off: CoolOff = Field(
        "next_rebalance",
        description="until when a stopped asset is barred: the next rebalance, or so many sessions",
    )
    barred: Literal["cash", "spread"] = Field(
        "cash",
        description="the weight of barred assets: kept in cash, or spread over the others of "
        "their side and class",
    )

    @model_validator(mode="after")
    def _some(self):
        if self.loss is None and self.trailing is None and self.drawdown is None:
            raise ValueError(
                "portfolio.stops has none of loss, trailing and drawdown\n"
                "give one of them, or remove the block"
            )
        return self
