"""The kinds of value that the configuration's schema is made of."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from feeds.suggestions import nearest

__all__ = [
    "AssetClass",
    "Date",
    "Fraction",
    "Name",
    "NonNegative",
    "Positive",
    "Strict",
    "distinct",
    "list_to_tuple",
]


class Strict(BaseModel):
    """A block of keys: frozen, no key unknown, no value of another type taken for its own."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, str_strip_whitespace=False
    )


Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]


def _iso_date(value: Any) -> Any:
    """A quoted date is a date too."""
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            return value
    return value


def list_to_tuple(value: Any) -> Any:
    """YAML has lists only; anything else is passed on to be judged."""
    return tuple(value) if isinstance(value, list) else value


def _name(value: str) -> str:
    """Names and symbols become column and file names: no way out of a folder."""
    path_like = value.startswith((".", "/", "~")) or ".." in value or "\\" in value
    if path_like or not value.isprintable() or value != value.strip():
        raise ValueError(
            f"{value[:60]!r} is not a name: it leads to a path, or holds blanks at its ends or "
            "unprintable characters\nchoose plain text"
        )
    return value


def _asset_class(value: str) -> str:
    """Data sets may hold classes of their own, but not misspelt ones of these two."""
    meant = nearest(value, ("equity", "crypto"))
    if meant not in (None, value):
        raise ValueError(f"unknown asset class {value[:60]!r}\ndid you mean {meant}?")
    return value


def distinct(symbols: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Refuse a symbol that is listed twice."""
    seen: set[str] = set()
    for symbol in symbols or ():
        if symbol in seen:
            raise ValueError(f"{symbol} is listed twice in data.universe\nkeep one of them")
        seen.add(symbol)
    return symbols


AssetClass = Annotated[str, AfterValidator(_asset_class)]
Date = Annotated[dt.date, BeforeValidator(_iso_date)]
Name = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_name)]
