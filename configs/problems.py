"""One readable ConfigError from what pydantic found wrong with a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from configs.describe import fields_at, parents_of
from configs.yaml_reader import Key, shorten
from feeds.errors import ConfigError
from feeds.suggestions import nearest, remedy_for

__all__ = ["config_error"]

_EXPECTED = {
    "bool_type": "true or false",
    "date_type": "a date",
    "dict_type": "a mapping of keys",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "model_type": "a mapping of keys",
    "string_type": "text",
    "tuple_type": "a list",
}
#: What pydantic puts into a path for the member of a union, and for a key itself.
_MARKS = (
    "<dates>", "<every>", "<period>", "<flag>", "<floors>", "<sessions>", "<word>", "<classes>",
    "<rate>", "<steps>", "<series>", "<figure>", "<tiers>", "[key]"
)  # fmt: skip
_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def config_error(
    error: ValidationError,
    data: Mapping[str, Any],
    source: str,
    lines: Mapping[Key, int],
    overrides: Mapping[tuple[str, ...], str],
) -> ConfigError:
    """The first problem with its place and remedy, and how many more there are.

    Parameters
    ----------
    error : ValidationError
    data : mapping
        What was validated.
    source : str
        Name of the file.
    lines : mapping
        Path of keys to line.
    overrides : mapping
        Path of keys to the ``--set`` that gave it.
    """
    found = [(_path(item, data), item) for item in error.errors(include_url=False)]
    found = _without_consequences(found)
    # A key that is not known explains more than the one that is missing for it.
    order = {"extra_forbidden": 0, "missing": 2}
    path, item = min(found, key=lambda pair: order.get(pair[1]["type"], 1))
    problem, remedy = _sentence(path, item)
    if len(found) > 1:
        problem += f" (and {len(found) - 1} more)"
    return ConfigError(f"{_place(path, source, lines, overrides)}: {problem}", remedy)


def _path(item: Mapping[str, Any], data: Any) -> Key:
    """The item's path in the data: pydantic's own without the marks of unions and keys."""
    parts: list[str | int] = []
    node = data
    for part in item["loc"]:
        if part in _MARKS and not (isinstance(node, dict) and part in node):
            continue
        parts.append(part)
        at_place = isinstance(node, list) and isinstance(part, int) and part < len(node)
        inner = isinstance(node, dict) and part in node or at_place
        node = node[part] if inner else None
    return tuple(parts)


def _without_consequences(found: list[tuple[Key, Any]]) -> list[tuple[Key, Any]]:
    """Leave out what is missing only because its name is misspelt."""
    meant = {
        (*path[:-1], nearest(str(path[-1]), fields_at(path[:-1])))
        for path, item in found
        if item["type"] == "extra_forbidden"
    }
    return [pair for pair in found if pair[1]["type"] != "missing" or pair[0] not in meant]


def _place(
    path: Key,
    source: str,
    lines: Mapping[Key, int],
    overrides: Mapping[tuple[str, ...], str],
) -> str:
    for given, place in reversed(overrides.items()):
        if path[: len(given)] == given or (path and given[: len(path)] == path):
            return place
    if not path and overrides:
        return list(overrides.values())[-1]
    known = next((path[:end] for end in range(len(path), 0, -1) if path[:end] in lines), ())
    return f"{source}, line {lines[known]}" if known in lines else source


def _sentence(path: Key, item: Mapping[str, Any]) -> tuple[str, str]:
    """(problem, remedy) of one of pydantic's findings."""
    kind, context, value = item["type"], item.get("ctx", {}), item["input"]
    dotted = ".".join(shorten(part) for part in path)
    known = fields_at(path)
    described = fields_at(path[:-1]).get(str(path[-1])) if path else None
    remedy = f"{path[-1]}: {described.description}" if described is not None else ""
    if kind == "extra_forbidden":
        return f"unknown key {dotted}", _unknown(path)
    if kind == "missing":
        return f"{dotted} is missing", f"add it; {remedy}"
    if kind == "value_error":
        problem, _, advice = str(context["error"]).partition("\n")
        return problem, advice or remedy
    if kind == "literal_error":
        if item["loc"][-1] == "[key]":
            return f"unknown key {dotted}", remedy_for(str(path[-1]), _choices(context))
        problem = f"{dotted}: {shorten(value)} is not one of {context['expected']}"
        return problem, _advice(value, _choices(context)) or remedy
    if kind in ("model_type", "dict_type") and known:
        return f"{dotted}: {_told(value)} is not a mapping of keys", _keys(known)
    if kind in _EXPECTED:
        return f"{dotted}: {_told(value)} is not {_EXPECTED[kind]}", _typed(kind, value, remedy)
    bound = next((f"{_BOUNDS[name]} {context[name]:g}" for name in _BOUNDS if name in context), "")
    if bound:
        return f"{dotted}: {shorten(value)} is not {bound}", remedy
    if kind in ("string_too_short", "too_short"):
        return f"{dotted} is empty", remedy
    return f"{dotted}: {shorten(value)}: {shorten(item['msg'], 120)}", remedy


def _unknown(path: Key) -> str:
    word, known = str(path[-1]), fields_at(path[:-1])
    if nearest(word, known) is None and (parents := parents_of(word)):
        return f"{word} belongs under {parents[0]}" if parents[0] else f"{word} is a top-level key"
    return remedy_for(word, known)


def _choices(context: Mapping[str, Any]) -> list[str]:
    text = str(context["expected"]).replace(" or ", ", ")
    return [part.strip("'") for part in text.split(", ")]


def _advice(value: object, choices: list[str]) -> str:
    suggestion = nearest(value, choices) if isinstance(value, str) else None
    return f"did you mean {suggestion}?" if suggestion else ""


def _keys(known: Mapping[str, Any]) -> str:
    return f"write its keys below it: {', '.join(list(known)[:8])}"


def _told(value: object) -> str:
    if isinstance(value, str):
        return f"{shorten(value)!r}"
    return (
        {None: "null", True: "true", False: "false"}.get(value, "")
        if _is_constant(value)
        else shorten(value)
    )


def _is_constant(value: object) -> bool:
    return value is None or isinstance(value, bool)


def _typed(kind: str, value: object, remedy: str) -> str:
    if kind == "string_type" and not isinstance(value, (dict, list)):
        return f"quote it if it is text: '{_told(value)}'"
    if kind == "date_type":
        return f"write the date as 2010-01-31; {remedy}"
    return remedy
