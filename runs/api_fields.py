"""What the parts of an answer are: dates, bars, numbers and pages, as OpenAPI describes them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    WithJsonSchema,
)

from runs.api_bars import BAR_PATTERN, check_bar, check_day

__all__ = ["Answer", "AskedBar", "BarName", "ByFactor", "Date", "Moment", "Number", "Page"]

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


def _iso(value: Any) -> Any:
    """Only a date as it is written: pydantic would take seconds since 1970 for one, too."""
    if isinstance(value, dt.date) or value is None:
        return value
    if not isinstance(value, str) or not _ISO.fullmatch(value) or not value.isascii():
        raise ValueError("not a date as 2024-05-31")
    return value


def _moment(value: Any) -> Any:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value) or not value.isascii():
        raise ValueError("not a time as 2024-05-31T14:00:07Z")
    return value


Date = Annotated[dt.date, BeforeValidator(_iso)]
#: A time of the clock, in UTC.
Moment = Annotated[dt.datetime, BeforeValidator(_moment)]
#: Asked for: written as a bar, on a day that there may not be. Nothing will be found of it.
AskedBar = Annotated[
    str, BeforeValidator(check_bar), WithJsonSchema({"type": "string", "pattern": BAR_PATTERN})
]
BarName = Annotated[AskedBar, AfterValidator(check_day)]
Number = Annotated[FiniteFloat | None, Field(description="null where it is not known")]
ByFactor = Annotated[
    dict[str, FiniteFloat | None],
    Field(description="by factor; the name of a proxy ends in _proxy; null where not known"),
]


class Answer(BaseModel):
    """A response, or a part of one. What is not described here is not served."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Page(Answer):
    total: int = Field(ge=0, description="items that there are, on this page or not")
    limit: int = Field(ge=1, description="items asked for")
    offset: int = Field(ge=0, description="items left out at the beginning")
    next_offset: int | None = Field(description="offset of the next page; null on the last one")
