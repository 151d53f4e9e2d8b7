"""Recipes: the committed, complete description of how a data set is made."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from feeds.errors import ConfigError

__all__ = [
    "Entry",
    "Join",
    "RawFile",
    "Recipe",
    "Repair",
    "Series",
    "Universe",
    "Witness",
    "load_recipe",
]


class _Frozen(BaseModel):
    # Not strict: the loader hands over text, so that the symbols ON, NO and TRUE stay text.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class RawFile(_Frozen):
    """One raw file: where it is, what it must hash to, how it reads and whence it came."""

    path: str = Field(description="relative to --raw")
    sha256: str = Field(min_length=64, max_length=64)
    form: Literal[
        "wide_returns",
        "wide_close",
        "wide_volume",
        "wide_ohlcv",
        "long_ohlcv",
        "yahoo",
        "constituents",
        "monthly_factors",
    ]
    package: str
    licence: str
    origin: str
    options: dict[str, str] = Field(default_factory=dict)


class Join(_Frozen):
    """A second series that goes on where the first one stops, checked on their overlap."""

    source: str
    symbol: str
    first: dt.date = Field(description="first day taken from the second series")
    volume: Literal["as_is", "dollars_to_units", "none"] = "as_is"
    min_overlap: int = Field(10, ge=3, description="days both series must have")
    min_correlation: float = Field(0.95, description="of their daily returns on the overlap")
    max_gap: float = Field(0.02, description="largest abs(ratio of closes - 1) on the overlap")


class Witness(_Frozen):
    """A second source that a series is compared with on their common days, and only that."""

    source: str
    symbols: dict[str, str] = Field(description="our symbol: name in the witness's file")
    min_correlation: float = Field(0.95, description="of daily returns; below it is an error")


class Series(_Frozen):
    """Symbols of one raw file that share their class, units and kind."""

    source: str
    asset_class: str
    symbols: dict[str, str] | Literal["all"] = Field(description="name in the file: our symbol")
    exclude: dict[str, str] = Field(default_factory=dict, description="name in the file: why")
    names: dict[str, str] = Field(default_factory=dict, description="our symbol: its name")
    volume_source: str | None = Field(None, description="a wide_volume file")
    volume_unit: Literal["units", "currency"]
    price_kind: Literal["traded", "adjusted", "index"]
    zero_volume: Literal["keep", "blank", "drop"] = "keep"
    listed: bool = Field(True, description="whether a day outside the sessions is an error")
    last: dt.date | None = Field(None, description="later rows are not closed bars: dropped")
    join: Join | None = None


class Entry(_Frozen):
    """An entry date that overrides the constituents file."""

    start: dt.date | None = None
    reason: str


class Universe(_Frozen):
    """When the equities enter: from a constituents file, or with their first bar."""

    source: str | None = None
    renamed: dict[str, str] = Field(default_factory=dict, description="our symbol: the file's")
    entries: dict[str, Entry] = Field(default_factory=dict)


class Repair(_Frozen):
    """One repair of known faults.

    ``void``: the day's return is unknown; the asset has no bar on it and the level goes on
    from the day before. ``drop``: the day's bar is wrong, the next one is right; its return
    covers both days. ``truncate``: the series ends on the date. ``blank_volume``: the volume
    is unknown.
    """

    action: Literal["void", "drop", "truncate", "blank_volume"]
    symbols: tuple[str, ...] = Field(min_length=1)
    dates: tuple[dt.date, ...] = Field(min_length=1)
    reason: str = Field(min_length=10)
    end_reason: Literal["bankruptcy", "merger", "data_end", "unknown"] | None = None

    @model_validator(mode="after")
    def _complete(self):
        if self.action == "truncate" and (len(self.dates) != 1 or self.end_reason is None):
            raise ValueError("truncate needs one date and an end_reason")
        return self


class Published(_Frozen):
    """Published monthly factors that come with the set."""

    source: str
    columns: dict[str, str] = Field(description="column in the file: ours")


class Recipe(_Frozen):
    """A whole data set."""

    name: str
    title: str
    start: dt.date
    end: dt.date
    raw: dict[str, RawFile]
    series: tuple[Series, ...]
    universe: Universe = Universe()
    repairs: tuple[Repair, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    published: Published | None = None
    limits: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _sources_exist(self):
        wanted = [item.source for item in self.series]
        wanted += [item.volume_source for item in self.series if item.volume_source]
        wanted += [item.join.source for item in self.series if item.join]
        wanted += [item.source for item in self.witnesses]
        wanted += [self.universe.source] if self.universe.source else []
        wanted += [self.published.source] if self.published else []
        for name in wanted:
            if name not in self.raw:
                raise ValueError(f"source {name!r} is not one of raw: {', '.join(self.raw)}")
        return self


class _TextLoader(yaml.BaseLoader):
    """Every scalar is text, and a key given twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                line = node.start_mark.line + 1
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is given twice in the block at line {line}"
                )
        return super().construct_mapping(node, deep)


def load_recipe(path: str | Path) -> Recipe:
    """Read and validate a recipe.

    Raises
    ------
    ConfigError
        If the file is missing, is not YAML, or misses or misspells a key.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot read the recipe {path}: {error}",
            "name a file of configs/recipes with --recipe",
        ) from None
    try:
        return Recipe.model_validate(yaml.load(text, Loader=_TextLoader))
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"{path} is not a valid recipe: {problem}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "top level"
        raise ConfigError(f"{path}: {where}: {first['msg']}", "see docs/data.md") from None
