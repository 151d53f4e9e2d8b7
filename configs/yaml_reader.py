"""A small, strict YAML: plain data with line numbers, and nothing that surprises.

Mappings, lists and scalars only. Scalars follow YAML 1.2, so that the symbols ``ON``, ``NO``
and ``TRUE`` are text and ``1e-3`` is a number. Anchors, aliases, tags and second documents are
refused, as are duplicate keys, and files that are large or deep beyond use.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from feeds.errors import ConfigError

__all__ = ["Document", "parse_yaml", "read_yaml", "resolve_scalar", "shorten"]

Key = tuple[str | int, ...]

_MAX_BYTES = 256 * 1024
_MAX_DEPTH = 20
_MAX_DIGITS = 40

_CONSTANTS = {"": None, "~": None, "null": None, "true": True, "false": False}
# A leading zero makes a symbol of the digits (0700), as in no number that one writes.
_INT = re.compile(r"[-+]?(0|[1-9]\d*(_\d{3})*)")
_FLOAT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_LEADING_ZERO = re.compile(r"[-+]?0\d+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NOT_FINITE = re.compile(r"[-+]?\.inf|\.nan", re.IGNORECASE)


@dataclass
class Document:
    """Plain data, and the line on which each part of it stands.

    Parameters
    ----------
    data : object
        Dicts, lists, text, numbers, dates, true, false and None.
    lines : dict
        Path of keys and positions to a line number from 1.
    """

    data: Any
    lines: dict[Key, int] = field(default_factory=dict)


def read_yaml(path: str | Path) -> Document:
    """Read one YAML file.

    Raises
    ------
    ConfigError
        If the file is missing, not a plain file, not UTF-8, too large, or not the strict YAML
        of this module.
    """
    text = _decode(_read_bytes(Path(path)), str(path))
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str, numbered: bool = True) -> Document:
    """Parse the text of one document.

    Parameters
    ----------
    text : str
    source : str
        Where it stands, for errors: a file name or an override.
    numbered : bool
        Whether errors name the line.

    Raises
    ------
    ConfigError
        If the text is not the strict YAML of this module.
    """
    parser = _Parser(text, source, numbered)
    try:
        return parser.parse()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        parser.refuse(mark, f"not valid YAML: {error.problem}", "mend the line, or quote the text")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"{source}, line {line}: character U+{ord(text[error.position]):04X} is not allowed",
            "save the file as plain UTF-8 text",
        ) from None


def resolve_scalar(text: str) -> Any:
    """The value of an unquoted scalar: null, true, false, a number, a date, or the text.

    Raises
    ------
    ValueError
        If it looks like a number or date but is none.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.fullmatch(text):
        if len(text) > _MAX_DIGITS:
            raise ValueError(f"{shorten(text)} has too many digits")
        return int(text)
    if _FLOAT.fullmatch(text) and not _LEADING_ZERO.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise ValueError(f"{shorten(text)} is too large")
        return number
    if _DATE.fullmatch(text):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text} is not a day of the calendar") from None
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a finite number")
    return text


def shorten(value: object, width: int = 60) -> str:
    """A value on one line of at most `width` characters, as it would be typed."""
    text = str(value) if isinstance(value, str) else repr(value)
    if isinstance(value, dict | list | tuple):
        text = repr(value)
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= width else text[: width - 3] + "..."


def _read_bytes(path: Path) -> bytes:
    remedy = "name a configuration file, such as configs/backtest.yaml"
    name = shorten(str(path), 200)
    try:
        if not path.exists():
            raise ConfigError(f"{name}: no such file", remedy)
        if not path.is_file():
            raise ConfigError(f"{name}: not a plain file", remedy)
        with open(path, "rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{name}: cannot be read: {reason}", remedy) from None
    if len(content) > _MAX_BYTES:
        raise ConfigError(
            f"{path}: larger than {_MAX_BYTES // 1024} KB, too large for a configuration", remedy
        )
    return content


def _decode(content: bytes, source: str) -> str:
    remedy = "save the file as UTF-8 text"
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ConfigError(f"{source}: is UTF-16 text, not UTF-8", remedy)
    if b"\x00" in content:
        line = content.count(b"\n", 0, content.index(b"\x00")) + 1
        raise ConfigError(f"{source}, line {line}: holds a NUL byte", remedy)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{source}, line {line}: not UTF-8 text", remedy) from None


class _Parser:
    """Builds plain data from YAML events, so that depth is known before it is built."""

    def __init__(self, text: str, source: str, numbered: bool) -> None:
        self.events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.SafeLoader)
        self.source = source
        self.numbered = numbered
        self.lines: dict[Key, int] = {}

    def parse(self) -> Document:
        next(self.events)  # the stream's start
        event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            return Document(None)
        data = self._node(next(self.events), ())
        next(self.events)  # the document's end
        extra = next(self.events)
        if not isinstance(extra, yaml.StreamEndEvent):
            self.refuse(extra.start_mark, "a second document begins", "keep one document a file")
        return Document(data, self.lines)

    def _node(self, event: yaml.Event, path: Key) -> Any:
        self._check(event, path)
        self.lines.setdefault(path, event.start_mark.line + 1)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        if event.style is not None:
            return event.value
        try:
            return resolve_scalar(event.value)
        except ValueError as error:
            place = f"{_dotted(path)}: " if path else ""
            self.refuse(event.start_mark, f"{place}{error}", "mend it, or quote it if it is text")

    def _mapping(self, path: Key) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            self._check(event, path)
            if not isinstance(event, yaml.ScalarEvent):
                self.refuse(event.start_mark, "a key is not text", "write key: value")
            key = event.value
            here = (*path, key)
            if key in result:
                self.refuse(
                    event.start_mark,
                    f"{_dotted(here)} is given twice, first on line {self.lines[here]}",
                    "keep one of them",
                )
            self.lines[here] = event.start_mark.line + 1
            result[key] = self._node(next(self.events), here)
        return result

    def _sequence(self, path: Key) -> list[Any]:
        result: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            result.append(self._node(event, (*path, len(result))))
        return result

    def _check(self, event: yaml.Event, path: Key) -> None:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self.refuse(event.start_mark, "anchors and aliases are not allowed", "write it out")
        if event.tag is not None:
            self.refuse(
                event.start_mark,
                f"the tag {shorten(event.tag)} is not allowed",
                "remove it; quote what is text",
            )
        if len(path) >= _MAX_DEPTH:
            self.refuse(
                event.start_mark,
                f"nested deeper than {_MAX_DEPTH} levels",
                "no key lies that deep; look for an unclosed bracket",
            )

    def refuse(self, mark: yaml.Mark | None, problem: str, remedy: str) -> NoReturn:
        line = f", line {mark.line + 1}" if mark is not None and self.numbered else ""
        raise ConfigError(f"{self.source}{line}: {problem}", remedy) from None


def _dotted(path: Key) -> str:
    return ".".join(shorten(part) for part in path)
