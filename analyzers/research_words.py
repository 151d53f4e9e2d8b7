"""Numbers of the research report as text, and words that follow from numbers by stated rules."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

__all__ = ["by_verdict", "cell", "joined", "number", "p_text", "per_cent", "span"]

_MINUS, _NARROW = "\u2212", "\u202f"
_NOTHING = "\u2013"
VERDICTS = ("carries", "hint", "split", "reversed", "not seen", "too thin")


def number(value: float, digits: int = 2) -> str:
    """``-0.125`` with two digits is ``−0.13``; NaN is a dash and minus nothing is nothing."""
    if value is None or not math.isfinite(value):
        return _NOTHING
    text = f"{value:,.{digits}f}"
    return (text.lstrip("-") if float(text.replace(",", "")) == 0 else text).replace("-", _MINUS)


def per_cent(value: float, digits: int = 0) -> str:
    """A fraction: ``0.125`` is ``12 %`` or, with a digit, ``12.5 %``."""
    text = number(100.0 * value if value is not None else math.nan, digits)
    return text if text == _NOTHING else f"{text}{_NARROW}%"


def cell(value: float, t_stat: float, digits: int = 3, *, share: bool = False) -> str:
    """A figure with its t-statistic: ``0.048 (2.3)``."""
    text = per_cent(value, 0) if share else number(value, digits)
    return text if text == _NOTHING else f"{text} ({number(t_stat, 1)})"


def p_text(value: float, digits: int = 3) -> str:
    """A p-value: ``0.0002`` is ``<0.001``; NaN is a dash."""
    least = 10.0**-digits
    if value is not None and 0.0 <= value < least / 2.0:
        return f"<{least:.{digits}f}"
    return number(value, digits)


def joined(names: Sequence[str], last: str = "and") -> str:
    """``a``, ``a and b``, or ``a, b and c``."""
    names = list(names)
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def span(first: object, last: object) -> str:
    """Two dates as ISO days with two dots between them; a dash where there are none."""
    if pd.isna(first) or pd.isna(last):
        return _NOTHING
    return f"{pd.Timestamp(first):%Y-%m-%d}..{pd.Timestamp(last):%Y-%m-%d}"


def by_verdict(carry: pd.DataFrame) -> dict[str, list[str]]:
    """Labels of the measures by verdict, verdicts in a fixed order, those without any left out."""
    found = {name: carry.loc[carry["verdict"] == name, "label"].tolist() for name in VERDICTS}
    return {name: labels for name, labels in found.items() if labels}
