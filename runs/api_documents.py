"""The JSON files that are served: read strictly, and shown without paths."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ValidationError

from runs.api_folders import Damaged
from runs.api_models import Manifest, Metrics
from runs.api_signal_models import SignalsDocument, StatusDocument, Summary

__all__ = [
    "SIGNALS_SCHEMA",
    "read_head",
    "read_manifest",
    "read_metrics",
    "read_signals",
    "read_status",
    "without_paths",
]

#: The version of ``signals.json`` that is understood; of ``status.json``, too.
SIGNALS_SCHEMA = 1
# Names of folders may have blanks in them; an option of a command ends a path.
_PART = r"(?! )(?:(?! --)[^/\\\"',;\n])+[/\\]"
_PATH = re.compile(rf"(?:(?<![\w:/.~-])|(?<=file://))(?:~|[A-Za-z]:)?[/\\](?:{_PART})+")


def read_metrics(content: bytes, name: str) -> dict[str, Any]:
    """``metrics.json`` of the run `name`.

    Raises
    ------
    Damaged
        If it is not such a file, or holds a number that is not finite; so for the others here.
    """
    return _shaped(Metrics, {"name": name, "metrics": _parsed(content, "metrics.json")})


def read_manifest(content: bytes, name: str) -> dict[str, Any]:
    """``manifest.json`` of the run `name`, of every path in it the last part."""
    manifest = without_paths(_parsed(content, "manifest.json"))
    return _shaped(Manifest, {"name": name, "manifest": manifest})


def read_signals(content: bytes, file: str) -> dict[str, Any]:
    """Signals of one bar, in the shape of :class:`SignalsDocument`, without paths."""
    return _versioned(SignalsDocument, content, file)


def read_head(content: bytes, file: str) -> dict[str, Any]:
    """What a list tells of the signals of one bar; the rest of the file need only be JSON."""
    return _shaped(Summary, _of_known_version(_parsed(content, file, float), file), file)


def read_status(content: bytes) -> dict[str, Any]:
    """``status.json`` of a live session, without paths."""
    return _versioned(StatusDocument, content, "status.json")


def without_paths(value: Any) -> Any:
    """Plain data in which every absolute path is cut to its last part."""
    if isinstance(value, str):
        return _PATH.sub("", value)
    if isinstance(value, list):
        return [without_paths(item) for item in value]
    if isinstance(value, dict):
        return {without_paths(key): without_paths(item) for key, item in value.items()}
    return value


def _versioned(model: type[BaseModel], content: bytes, file: str) -> dict[str, Any]:
    shaped = _shaped(model, without_paths(_of_known_version(_parsed(content, file), file)), file)
    del shaped["version"]
    return shaped


def _of_known_version(document: dict[str, Any], file: str) -> dict[str, Any]:
    version = document.get("schema")
    if isinstance(version, int) and version > SIGNALS_SCHEMA:
        raise Damaged(f"{file} was written by a later version of the program")
    return document


def _parsed(
    content: bytes, file: str, number: Callable[[str], float] | None = None
) -> dict[str, Any]:
    """An object of JSON. To look at each number takes three times as long, unless it is `float`."""
    try:
        found = json.loads(content, parse_float=number or _finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        raise Damaged(f"{file} is damaged") from None
    if not isinstance(found, dict):
        raise Damaged(f"{file} is not such a file")
    return found


def _shaped(model: type[BaseModel], found: Any, file: str = "") -> dict[str, Any]:
    try:
        return model.model_validate(found).model_dump(mode="json")
    except ValidationError as error:
        at = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
        file = file or f"{model.__name__.lower()}.json"
        raise Damaged(f"{file} is not such a file: see {at[:80]}") from None


def _finite(text: str) -> float:
    """A number of a JSON file; NaN and infinities, which JSON does not have, are refused."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
