"""How the factors of a study are called in its figures, page and terminal."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from analyzers.factor_results import FactorResults, study_key

__all__ = [
    "MARKET",
    "Place",
    "classes_of",
    "factor_label",
    "factor_labels",
    "number_text",
    "places_of",
    "proxies_of",
    "short_label",
]

_PROXY = re.compile(r" \(proxy: .*?\)")
#: What the equally weighted assets of a class are called in tables of spanning.
MARKET = "market"


class Place(NamedTuple):
    """One panel of small multiples: its key, title, and why it is empty, if it is."""

    key: str
    title: str
    reason: str


def short_label(label: str) -> str:
    """`label` without the measure of its proxy, which is told once elsewhere."""
    return _PROXY.sub(" (proxy)", label)


def factor_label(results: FactorResults, asset_class: str, factor: str) -> str:
    """Text for a factor among a class's assets, or for the class's market."""
    if factor == MARKET and study_key(asset_class, factor) not in results.factor_returns:
        return f"Equal-weighted {asset_class}"
    return f"{short_label(results.labels.get(factor, factor))}, {asset_class}"


def proxies_of(results: FactorResults) -> list[tuple[str, str]]:
    """(name, measure) of the proxies among the factors, each once."""
    found = {}
    for label in results.labels.values():
        match = re.fullmatch(r"(.*) \(proxy: (.*)\)", label)
        if match:
            found[f"{match[1]} (proxy)"] = match[2]
    return list(found.items())


def classes_of(results: FactorResults) -> list[str]:
    """Asset classes with a factor that was broad enough, in the order of the summary."""
    return list(dict.fromkeys(results.summary.get("asset_class", [])))


def places_of(results: FactorResults) -> tuple[list[Place], int]:
    """Panels of a figure with one for each key, and how many stand in a row.

    With several classes a row is a factor and a column a class, so that what one factor does in
    each stands side by side; a factor too thin in one of them says so in its place.
    """
    classes = classes_of(results)
    pairs = list(zip(results.summary.get("asset_class", []), results.summary.get("factor", [])))
    if len(classes) < 2:
        names = results.labels
        places = [Place(study_key(*pair), short_label(names[pair[1]]), "") for pair in pairs]
        return places, 3 if len(places) > 2 else 2
    thin = {
        (row["asset_class"], row["factor"]): f"at most {row['ranked_max']} assets ranked, "
        f"{row['min_breadth']} needed"
        for row in results.thin.to_dict("records")
    }
    places = []
    studied = {name for _, name in pairs}
    for factor in [name for name in results.labels if name in studied]:
        for name in classes:
            reason = "" if (name, factor) in pairs else thin.get((name, factor), "not ranked")
            title = factor_label(results, name, factor)
            places.append(Place(study_key(name, factor), title, reason))
    return places, len(classes)


def factor_labels(results: FactorResults, table: pd.DataFrame) -> list[str]:
    """`factor_label` of each row of a table with asset_class and factor."""
    return [factor_label(results, *pair) for pair in zip(table["asset_class"], table["factor"])]


def number_text(value: float, digits: int) -> str:
    """A number with a true minus sign, never minus zero; a dash where it is missing."""
    if value is None or not np.isfinite(value):
        return "\u2013"
    text = f"{value:,.{digits}f}"
    negative_zero = text.startswith("-") and not text.strip("-0.,")
    return (text[1:] if negative_zero else text).replace("-", "\u2212")
