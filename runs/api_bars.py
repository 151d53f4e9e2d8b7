"""Names of bars as they are asked for, listed and filed, without the numpy of the panels."""

from __future__ import annotations

import datetime as dt
import re

__all__ = ["BAR_PATTERN", "bar_file", "check_bar", "check_day", "filed_bar", "is_within"]

#: A session's date, or an hour by its start in UTC.
BAR_PATTERN = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(T([01][0-9]|2[0-3]):00Z)?$"
_BAR = re.compile(BAR_PATTERN.removeprefix("^").removesuffix("$"))
_FILED = re.compile(r"(T[0-9]{2})(00Z)$")
_SUFFIX = ".json"


def check_bar(name: object) -> str:
    """A name of a bar, as it is.

    Raises
    ------
    ValueError
        If it is written otherwise.
    """
    if not isinstance(name, str) or not _BAR.fullmatch(name):
        raise ValueError("not a bar as 2024-05-31 or 2024-05-31T14:00Z")
    return name


def check_day(name: str) -> str:
    """A name of a bar, as it is.

    Raises
    ------
    ValueError
        If no calendar has its day.
    """
    dt.date.fromisoformat(name[:10])
    return name


def bar_file(name: str) -> str:
    """The file of a bar in a history, as `runs.signals` calls it: hours without a colon."""
    return f"{name.replace(':', '')}{_SUFFIX}"


def filed_bar(file: str) -> str | None:
    """The bar that a file of a history is of; None where its name is not one of a bar."""
    name = _FILED.sub(r"\1:\2", file.removesuffix(_SUFFIX))
    try:
        known = check_day(check_bar(name))
    except ValueError:
        return None
    return known if bar_file(known) == file else None


def is_within(name: str, start: str | None, end: str | None) -> bool:
    """Whether a bar lies between two others, both included.

    A date as `end` includes the hours of its day.
    """
    return (start is None or name >= start) and (end is None or name[: len(end)] <= end)
