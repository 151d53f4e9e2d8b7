"""What may be asked of a route, besides the names in its address."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from runs.api_fields import AskedBar, Date

__all__ = ["LongPage", "NoParameters", "PageOf", "PageOfBars", "PageOfTable", "PageOfValues"]

_BAR = "a date, or an hour as 2024-05-31T14:00Z"


class PageOf(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=1000, description="items at most")
    offset: int = Field(0, ge=0, le=2**31 - 1, description="items to leave out first")


class LongPage(PageOf):
    limit: int = Field(1000, ge=1, le=5000, description="items at most")


class PageOfTable(LongPage):
    start: Date | None = Field(None, description="first date (the first column)")
    end: Date | None = Field(None, description="last date")


class PageOfBars(PageOf):
    start: AskedBar | None = Field(None, description=f"first bar: {_BAR}")
    end: AskedBar | None = Field(None, description="last bar; a date includes its hours")


class PageOfValues(PageOfBars):
    limit: int = Field(1000, ge=1, le=5000, description="items at most")


class NoParameters(BaseModel):
    """Misspelt parameters are refused rather than left out."""

    model_config = ConfigDict(extra="forbid")
