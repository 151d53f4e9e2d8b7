"""Pages held against each other, number by number, to the digits that they print."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[\u2212-]?\d[\d,]*(?:\.\d+)?")


def differences(found: str, expected: str) -> list[str]:
    """Lines whose words differ, or one of whose numbers is off by more than its last digit."""
    ours, theirs = found.splitlines(), expected.splitlines()
    wrong = [] if len(ours) == len(theirs) else [f"{len(ours)} lines, expected {len(theirs)}"]
    return wrong + [f"{a!r}\n!= {b!r}" for a, b in zip(ours, theirs) if not _alike(a, b)]


def _alike(one: str, other: str) -> bool:
    if _NUMBER.sub("#", one) != _NUMBER.sub("#", other):
        return False
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other))
    return all(abs(_value(a) - _value(b)) <= 1.01 * _digit(b) for a, b in pairs)


def _value(text: str) -> float:
    return float(text.replace("\u2212", "-").replace(",", ""))


def _digit(text: str) -> float:
    return 10.0 ** -len(text.partition(".")[2])


def table_lines(page: str, heading: str) -> dict[str, str]:
    """Lines of the first table after a heading, by their first cell."""
    lines = page[page.index(heading) :].splitlines()[1:]
    first = next(k for k, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        rows.append(line)
    return {line.split("|")[1].strip(): line for line in rows[2:]}
