"""What cleaning does: an action for each class of faults, and thresholds by asset class."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from feeds.cleaning.faults import FAULTS, fault_named
from feeds.errors import ConfigError
from feeds.suggestions import remedy_for

__all__ = ["FAULTS", "ClassRules", "CleaningRules", "changed_rules", "load_rules"]

_MAX_BYTES = 256 * 1024


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _actions(given: dict[str, str]) -> dict[str, str]:
    for name, action in given.items():
        known = [fault.name for fault in FAULTS]
        if name not in known:
            raise ValueError(f"unknown fault {name!r}|{remedy_for(name, known)}")
        allowed = fault_named(name).actions
        if action not in allowed:
            raise ValueError(f"{name} cannot be {action!r}|{remedy_for(action, allowed)}")
    return MappingProxyType(dict(sorted(given.items())))


class ClassRules(_Frozen):
    """Thresholds of one asset class; factors are ratios of prices, above 1."""

    spike_up: float = Field(5.0, gt=1, description="a close this many times the one before")
    spike_down: float = Field(10.0, gt=1, description="a close this many times below it")
    connect: float = Field(2.0, gt=1, description="a bar this near the last close follows it")
    rise_most: float = Field(30.0, gt=1, description="more than this in one bar is no rise")
    fall_most: float = Field(1000.0, gt=1, description="more than this in one bar is no fall")
    rise_volume: float = Field(3.0, gt=0, description="units over their median that prove a rise")
    fall_volume: float = Field(0.9, gt=0, description="value over its median that proves a fall")
    volume_window: int = Field(20, ge=1, description="bars of those medians")
    reuse_gap: int = Field(30, ge=1, description="missing sessions before another level is new")
    reuse_gap_any: int = Field(60, ge=1, description="missing sessions before any level is new")
    stale_after: int = Field(10, ge=2, description="carried rows of a run until they are stale")
    max_gap: int = Field(5, ge=1, description="missing sessions in a row")
    max_missing: float = Field(0.2, ge=0, le=1, description="share of sessions without a row")
    max_loss: float = Field(0.05, ge=0, le=1, description="share of rows that may be faulty")
    max_leaps: int = Field(10, ge=1, description="prints, new levels and real leaps together")
    min_loss: int = Field(5, ge=1, description="fewer faulty rows are never too many")
    constant_after: int = Field(20, ge=2, description="rows of one price that are no prices")
    actions: Mapping[str, str] = Field(
        default_factory=lambda: MappingProxyType({}), description="in place of the general ones"
    )

    _known = field_validator("actions", mode="after")(_actions)


def _defaults() -> Mapping[str, ClassRules]:
    coin = {
        "spike_up": 10.0, "spike_down": 20.0, "reuse_gap": 90, "reuse_gap_any": 365,
        "actions": {"level_change": "flag", "unadjusted_split": "flag"},
    }  # fmt: skip
    level = {"placeholder": "off", "carried": "off", "stale": "off", "constant": "flag"}
    return MappingProxyType({
        "equity": ClassRules(),
        "crypto": ClassRules(**coin),
        "index": ClassRules(actions=level | {"unadjusted_split": "off", "level_change": "flag"}),
        "reference": ClassRules(actions=level | {"unadjusted_split": "off"}),
    })  # fmt: skip


class CleaningRules(_Frozen):
    """All rules of a cleaning.

    Parameters
    ----------
    actions : mapping of fault to action
        In place of the defaults of :data:`FAULTS`.
    classes : mapping of asset class to ClassRules
        A class that is not named has the rules of ``equity``.
    accept : mapping of symbol to days
        Leaps that are known to be real, as ISO days: they are taken as they are.
    """

    actions: Mapping[str, str] = Field(default_factory=lambda: MappingProxyType({}))
    classes: Mapping[str, ClassRules] = Field(default_factory=_defaults)
    accept: Mapping[str, tuple[str, ...]] = Field(default_factory=lambda: MappingProxyType({}))

    _known = field_validator("actions", mode="after")(_actions)

    @field_validator("accept", mode="before")
    @classmethod
    def _days(cls, given: Any) -> Any:
        """Days are ISO text; a list of them is as good as a tuple."""
        if not isinstance(given, Mapping):
            return given
        days = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
        for name, values in days.items():
            for value in values if isinstance(values, tuple) else ():
                dt.date.fromisoformat(value if isinstance(value, str) else "")
        return days

    @field_validator("classes", mode="before")
    @classmethod
    def _over_defaults(cls, given: Any) -> Any:
        """What a class does not give is the default of that class."""
        if not isinstance(given, Mapping):
            return given
        merged = dict(_defaults())
        for name, values in given.items():
            if name not in merged:
                raise ValueError(f"unknown asset class {name!r}|{remedy_for(name, merged)}")
            merged[name] = _merged(merged[name], values) if isinstance(values, Mapping) else values
        return merged

    def of(self, asset_class: str) -> ClassRules:
        """Thresholds of an asset class."""
        return self.classes.get(asset_class, self.classes["equity"])

    def action(self, fault: str, asset_class: str) -> str:
        """What is done about a fault in series of an asset class."""
        own = self.of(asset_class).actions
        return own.get(fault, self.actions.get(fault, fault_named(fault).default))


def _merged(base: ClassRules, values: Mapping[str, Any]) -> dict[str, Any]:
    own = values.get("actions", {})
    actions = {**base.actions, **own} if isinstance(own, Mapping) else own
    return {**base.model_dump(exclude={"actions"}), **values, "actions": actions}


def load_rules(path: str | Path) -> CleaningRules:
    """Read and validate a file of cleaning rules.

    Parameters
    ----------
    path : path
        YAML; what it leaves out is as in :class:`CleaningRules`.

    Raises
    ------
    ConfigError
        If the file is missing, too large or no plain YAML, or has a key, action or number that
        there is not; it names the key, the value and the nearest that there is.
    """
    data = _plain(Path(path))
    try:
        return CleaningRules.model_validate(data)
    except ValidationError as error:
        raise _problem(path, error) from None


def changed_rules(rules: CleaningRules) -> dict[str, Any]:
    """What differs from the defaults, as plain data that a file of rules may hold.

    Returns
    -------
    dict
        Validated anew it gives the same rules; empty where all are defaults.
    """
    classes = {}
    for name, default in _defaults().items():
        own = _changed(default, rules.classes[name])
        if own:
            classes[name] = own
    actions = {
        name: action
        for name, action in rules.actions.items()
        if action != fault_named(name).default
    }
    accept = {name: list(days) for name, days in sorted(rules.accept.items())}
    found = {"actions": actions, "classes": classes, "accept": accept}
    return {name: values for name, values in found.items() if values}


def _changed(default: ClassRules, rules: ClassRules) -> dict[str, Any]:
    """Thresholds and actions of a class that are not its defaults."""
    found: dict[str, Any] = {
        name: getattr(rules, name)
        for name in ClassRules.model_fields
        if name != "actions" and getattr(rules, name) != getattr(default, name)
    }
    actions = {
        name: action
        for name, action in rules.actions.items()
        if default.actions.get(name) != action
    }
    return {**found, "actions": actions} if actions else found


class _Loader(yaml.SafeLoader):
    """Plain data; a key given twice is an error, and so are aliases."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(
                None, None, "aliases are not allowed", self.peek_event().start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            # Symbols such as ON and TRUE are keys: they stay text.
            key.tag = "tag:yaml.org,2002:str"
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# An action is a word: off and on are none of YAML's truth values here, and a day is text.
_Loader.yaml_implicit_resolvers = {
    letter: [
        (tag, pattern)
        for tag, pattern in pairs
        if not tag.endswith((":bool", ":timestamp", ":merge"))
    ]
    for letter, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _plain(path: Path) -> Any:
    try:
        with open(path, "rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise ConfigError(f"{path}: too large for cleaning rules", "name another file")
        data = yaml.load(content.decode("utf-8-sig"), Loader=_Loader)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror or error}",
            "name a file such as configs/cleaning.yaml",
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text", "save it as UTF-8 text") from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = " ".join(str(getattr(error, "problem", None) or "nested too deep").split())
        raise ConfigError(f"{path}{line}: not valid YAML: {problem}", "mend the line") from None
    return {} if data is None else data


def _problem(path: str | Path, error: ValidationError) -> ConfigError:
    found = error.errors(include_url=False)
    first = min(found, key=lambda item: item["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"] if part != "[key]") or "top level"
    if first["type"] == "extra_forbidden":
        model = ClassRules if first["loc"][0] == "classes" else CleaningRules
        remedy = remedy_for(str(first["loc"][-1]), model.model_fields)
        return ConfigError(f"{path}: {where}: unknown key", remedy)
    text = str(first["msg"]).removeprefix("Value error, ")
    problem, _, remedy = text.partition("|")
    if not remedy:
        value = str(first.get("input"))
        problem = f"{problem}, not {value if len(value) <= 40 else value[:37] + '...'}"
    return ConfigError(f"{path}: {where}: {problem}", remedy or "see configs/cleaning.yaml")
