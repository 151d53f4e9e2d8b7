"""Types of a factor function's parameters, as its annotations state them."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

__all__ = ["is_instance", "parameter_hints", "type_name"]

_NAMES = {
    bool: "true or false",
    dict: "a mapping",
    float: "a number",
    int: "a whole number",
    list: "a list",
    str: "text",
    tuple: "a list",
    type(None): "null",
}


def parameter_hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Annotations of a function's parameters; none where they cannot be resolved."""
    try:
        return get_type_hints(function)
    except (NameError, TypeError, AttributeError):
        # A name imported under TYPE_CHECKING only: the value is passed on unchecked.
        return {}


def is_instance(value: object, hint: Any) -> bool:
    """Whether a configured value fits an annotation.

    Whole numbers fit ``float``; true and false fit ``bool`` only. Annotations beyond plain
    types, unions and ``Literal`` are not judged.
    """
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return any(is_instance(value, option) for option in get_args(hint))
    if origin is Literal:
        return any(value == option and type(value) is type(option) for option in get_args(hint))
    plain = origin or hint
    if plain is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if plain is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if plain is tuple:
        return isinstance(value, (list, tuple))
    return isinstance(value, plain) if plain in _NAMES else True


def type_name(hint: Any) -> str:
    """An annotation in words: ``a whole number or null``."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(option) for option in get_args(hint))
    if origin is Literal:
        return " or ".join(repr(option) for option in get_args(hint))
    return _NAMES.get(origin or hint, str(hint))
