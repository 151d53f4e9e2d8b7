"""The part of the schema that says how factors become scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_serializer,
    model_validator,
)

from configs.values import Strict, list_to_tuple
from feeds.suggestions import nearest

__all__ = ["FactorConfig", "PreprocessConfig", "ScalingConfig", "StepConfig"]

_GROUPINGS = ("asset_class", "sector")


def _names(value: Any) -> Any:
    """One name, a list of names, or null for none."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else list_to_tuple(value)


def _written(names: tuple[str, ...] | None) -> Any:
    """The shortest text that is read back as the same names."""
    return names[0] if names and len(names) == 1 else (list(names or ()) or None)


def _characteristics(names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a name twice, and one that is almost a grouping; factors are known later."""
    for at, name in enumerate(names):
        if name in names[:at]:
            raise ValueError(f"{name[:60]} is listed twice in neutralize\nkeep one of them")
        meant = nearest(name, _GROUPINGS)
        if meant not in (None, name):
            raise ValueError(
                f"neutralize: {name[:60]!r} is no group of assets\ndid you mean {meant}?"
            )
    return names


def _keyed(key: str) -> Callable[[Any], Any]:
    """A step's one value, written without its key: ``winsorize: 0.01``."""

    def expand(value: Any) -> Any:
        return value if isinstance(value, (dict, BaseModel)) else {key: value}

    return expand


Groupings = Annotated[
    tuple[Literal["asset_class", "sector"], ...],
    BeforeValidator(_names),
    PlainSerializer(_written),
]
Characteristics = Annotated[
    tuple[str, ...],
    BeforeValidator(_names),
    AfterValidator(_characteristics),
    PlainSerializer(_written),
]
_WITHIN = Field(
    ("asset_class",), description="groups treated apart: asset_class, sector, or null for none"
)


class WithinStep(Strict):
    within: Groupings = _WITHIN


class WinsorizeStep(Strict):
    fraction: float | None = Field(
        None, ge=0.0, lt=0.5, description="share clipped on each side, by quantiles"
    )
    deviations: float | None = Field(
        None, gt=0.0, description="clip beyond so many robust standard deviations of the median"
    )
    within: Groupings = _WITHIN

    @model_validator(mode="after")
    def _one(self):
        if (self.fraction is None) == (self.deviations is None):
            raise ValueError(
                "winsorize needs exactly one of fraction and deviations\n"
                "write winsorize: 0.01, or winsorize: {deviations: 5}"
            )
        return self


class NeutralizeStep(Strict):
    by: Characteristics = Field(
        (), description="asset_class, sector, and names of factors to regress on, such as size"
    )
    within: Groupings = _WITHIN


class StepConfig(Strict):
    """One step: exactly one key."""

    winsorize: Annotated[WinsorizeStep, BeforeValidator(_keyed("fraction"))] | None = Field(
        None, description="clip extreme scores; a number is the fraction"
    )
    rank: WithinStep | None = Field(None, description="ranks over (-1/2, 1/2)")
    zscore: WithinStep | None = Field(None, description="deviations in standard deviations")
    gaussian: WithinStep | None = Field(None, description="normal scores of the ranks")
    neutralize: Annotated[NeutralizeStep, BeforeValidator(_keyed("by"))] | None = Field(
        None, description="residuals of a regression within groups; a list is what on"
    )
    lag: int | None = Field(None, ge=1, description="the scores of so many sessions before")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """`rank` alone, or without a value, is the step with its defaults."""
        if isinstance(value, str):
            return {value: {}}
        if isinstance(value, dict) and len(value) == 1:
            return {key: {} if inner is None else inner for key, inner in value.items()}
        return value

    @model_validator(mode="after")
    def _one(self):
        if len(self.model_fields_set) != 1:
            raise ValueError(
                f"a step has one key, not {len(self.model_fields_set)}\n"
                "write each step as an entry of its own: steps: [{winsorize: 0.01}, rank]"
            )
        return self

    @property
    def name(self) -> str:
        """The one key."""
        return next(iter(self.model_fields_set))

    @model_serializer(mode="wrap")
    def _only_the_key(self, inner: Callable[[StepConfig], dict[str, Any]]) -> dict[str, Any]:
        return {self.name: inner(self)[self.name]}


class ScalingConfig(Strict):
    """How the scores of one factor are made comparable."""

    winsorize: float = Field(
        0.01, ge=0.0, lt=0.5, description="fraction clipped on each side before zscore and none"
    )
    scale: Literal["rank", "zscore", "gaussian", "none"] = Field(
        "rank", description="how scores of one factor are made comparable"
    )
    neutralize: Characteristics | None = Field(
        ("asset_class",),
        description="asset_class and sector: scaled within each; names of factors, such as size: "
        "the scaled scores are regressed on them; one, a list, or null to rank across all",
    )
    steps: Annotated[tuple[StepConfig, ...] | None, BeforeValidator(list_to_tuple)] = Field(
        None, description="in place of the keys above: what is done, in order"
    )

    @model_validator(mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        """An empty list is none."""
        empty = isinstance(value, dict) and value.get("neutralize") == []
        return {**value, "neutralize": None} if empty else value

    @model_validator(mode="after")
    def _steps_or_keys(self):
        if self.steps == ():
            raise ValueError("preprocess.steps is empty\nname a step, such as rank, or remove it")
        also = sorted(self.model_fields_set & {"winsorize", "scale", "neutralize"})
        if self.steps is not None and also:
            raise ValueError(
                f"preprocess has both steps and {also[0]}\n"
                f"remove {also[0]}: each step says for itself what is done"
            )
        return self

    @property
    def by_class(self) -> bool:
        """Whether assets are compared with those of their class only."""
        if self.steps is None:
            return bool(set(self.neutralize or ()) & set(_GROUPINGS))
        settings = [getattr(step, step.name) for step in self.steps if step.name != "lag"]
        return all(set(entry.within) & set(_GROUPINGS) for entry in settings)

    @property
    def reorders(self) -> bool:
        """Whether assets may stand in another order than the factor itself puts them in."""
        if self.steps is None:
            return not set(self.neutralize or ()) <= {"asset_class"}
        return any(step.name in ("neutralize", "lag") for step in self.steps)

    @model_serializer(mode="wrap")
    def _one_form(self, inner: Callable[[ScalingConfig], dict[str, Any]]) -> dict[str, Any]:
        """Steps alone, or the keys that they would replace."""
        plain = inner(self)
        if self.steps is not None:
            return {key: plain[key] for key in plain if key in ("steps", "min_factors")}
        return plain


class PreprocessConfig(ScalingConfig):
    min_factors: int = Field(1, ge=1, description="known factors an asset needs to be ranked")


class FactorConfig(BaseModel):
    """One factor: its weight in the composite, its proxy if any, and its own parameters."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)

    weight: float = Field(1.0, description="weight in the composite score")
    proxy: str | None = Field(
        None, description="stand-in measure where the data set lacks the factor's fields"
    )
    preprocess: ScalingConfig | None = Field(
        None, description="for this factor alone, in place of the run's preprocess: keys as there"
    )

    @property
    def parameters(self) -> dict[str, Any]:
        """The factor function's own keyword arguments."""
        return dict(self.model_extra or {})
