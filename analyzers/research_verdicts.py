"""Verdicts of the research report: which factors carry to coins, by stated rules."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from analyzers.research_measures import Measure
from analyzers.research_tests import DETECTED, benjamini_hochberg, holm

__all__ = ["carry_table", "sign_word", "verdict_of", "with_adjusted"]


def with_adjusted(table: pd.DataFrame) -> pd.DataFrame:
    """The studies of all samples with p-values corrected for all tests of them together.

    Returns
    -------
    DataFrame
        With ``ic_holm``, ``ic_fdr``, ``spread_holm`` and ``spread_fdr``: every IC and every
        spread that is defined is one test of one family.
    """
    p_values = table[["ic_p", "spread_p"]].to_numpy(dtype=float)
    names = {"holm": holm, "fdr": benjamini_hochberg}
    adjusted = {name: f(p_values.ravel()).reshape(p_values.shape) for name, f in names.items()}
    columns = {
        f"{part}_{name}": values[:, k]
        for name, values in adjusted.items()
        for k, part in enumerate(("ic", "spread"))
    }
    return table.assign(**columns)


def carry_table(
    table: pd.DataFrame, measures: Sequence[Measure], *, stocks: tuple[str, str], level: float
) -> pd.DataFrame:
    """Stocks against all coins, a row a measure that both can be scored by.

    Parameters
    ----------
    table : DataFrame
        As `with_adjusted` returns it.
    measures : sequence of Measure
    stocks : (str, str)
        Sample and universe of stocks that coins are compared with.
    level : float
        Of the tests.

    Returns
    -------
    DataFrame
        measure, label, difference (IC of coins less that of stocks), difference_t (of
        independent samples), ranks and pays (`sign_word` of the coins' IC and spread), and
        verdict (`verdict_of` both). Empty where coins were not studied.
    """
    at = table.set_index(["sample", "universe", "measure"])
    found = []
    for measure in measures:
        if not measure.both or ("coins", "full", measure.key) not in at.index:
            continue
        coin = at.loc[("coins", "full", measure.key)]
        stock = at.loc[(*stocks, measure.key)] if (*stocks, measure.key) in at.index else None
        ranks, pays = (sign_word(coin, part, level) for part in ("ic", "spread"))
        found.append(
            (
                measure.key,
                measure.label,
                *_difference(coin, stock),
                ranks,
                pays,
                verdict_of(ranks, pays),
            )
        )
    columns = ["measure", "label", "difference", "difference_t", "ranks", "pays", "verdict"]
    return pd.DataFrame(found, columns=columns)


def sign_word(line: pd.Series, part: str, level: float) -> str:
    """What one test says: ``yes`` or ``no`` where it is beyond zero at the level.

    Parameters
    ----------
    line : Series
        A row of `with_adjusted`.
    part : {"ic", "spread"}
    level : float

    Returns
    -------
    str
        ``yes`` above zero and ``no`` below it, ``yes!`` and ``no!`` where that survives Holm's
        correction, ``?`` where zero is not refused, empty where there is no test.
    """
    p_value, sign = line[f"{part}_p"], line[f"{part}_t"]
    if not np.isfinite(p_value):
        return ""
    if p_value > level:
        return "?"
    sure = "!" if line[f"{part}_holm"] <= level else ""
    return ("yes" if sign > 0 else "no") + sure


def verdict_of(ranks: str, pays: str) -> str:
    """One word for both tests.

    ``carries``: both above zero, or one of them and the other not below. ``hint``: so, but no
    correction for the number of tests is survived. ``split``: one above and the other below.
    ``reversed``: none above and one or both below. ``not seen``: neither. ``too thin``: no test.
    """
    if not ranks and not pays:
        return "too thin"
    up = [word for word in (ranks, pays) if word.startswith("yes")]
    down = [word for word in (ranks, pays) if word.startswith("no")]
    if up and down:
        return "split"
    if down:
        return "reversed"
    if not up:
        return "not seen"
    return "carries" if any(word.endswith("!") for word in up) else "hint"


def _difference(coin: pd.Series, stock: pd.Series | None) -> tuple[float, float]:
    if stock is None:
        return math.nan, math.nan
    difference = float(coin["ic_mean"] - stock["ic_mean"])
    error = math.hypot(float(coin["ic_detectable"]), float(stock["ic_detectable"])) / DETECTED
    return difference, difference / error if error > 0 else math.nan
