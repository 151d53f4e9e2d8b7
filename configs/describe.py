"""What the schema says of each key: for errors, and for the documentation made from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from configs.schema import BacktestConfig

__all__ = ["fields_at", "parents_of"]


def fields_at(path: tuple[str | int, ...]) -> dict[str, FieldInfo]:
    """Keys that may stand below a path of keys; empty where it leads to no mapping of keys."""
    models: list[Any] = [BacktestConfig]
    for part in path:
        models = [found for model in models for found in _below(model, part)]
    known: dict[str, FieldInfo] = {}
    for model in models:
        if _is_model(model):
            known.update(model.model_fields)
    return known


def parents_of(key: str) -> list[str]:
    """Dotted paths of the mappings that have a key of this name, outermost first."""
    found = [parent for parent, name, _ in walk() if name == key]
    return sorted(found, key=lambda parent: (parent.count("."), parent))


def walk(model: type[BaseModel] = BacktestConfig, parent: str = "") -> Iterator[tuple]:
    """(parent path, key, field) of every key of the schema, in its order.

    A mapping with free keys shows as ``<name>``: ``factors.<name>.weight``; the place in a list
    as ``<n>``.
    """
    for key, field in model.model_fields.items():
        yield parent, key, field
        here = f"{parent}.{key}" if parent else key
        for option in _options(field.annotation):
            if _is_model(option):
                yield from walk(option, here)
            elif get_origin(option) is dict:
                yield from _walk_within(get_args(option)[1], f"{here}.<name>")
            elif get_origin(option) is tuple:
                yield from _walk_within(get_args(option)[0], f"{here}.<n>")


def _walk_within(annotation: Any, parent: str) -> Iterator[tuple]:
    for inner in _options(annotation):
        if _is_model(inner):
            yield from walk(inner, parent)


def _below(annotation: Any, part: str | int) -> list[Any]:
    """Annotations one key further down."""
    if _is_model(annotation):
        field = annotation.model_fields.get(part)
        return [] if field is None else _options(field.annotation)
    if get_origin(annotation) is dict:
        return _options(get_args(annotation)[1])
    if get_origin(annotation) is tuple and isinstance(part, int):
        return _options(get_args(annotation)[0])
    return []


def _options(annotation: Any) -> list[Any]:
    """The members of a union, without its marks; a plain annotation alone."""
    if _is_model(annotation) or get_origin(annotation) in (dict, tuple):
        return [annotation]
    members = [inner for arg in get_args(annotation) for inner in _options(arg)]
    return members or [annotation]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
