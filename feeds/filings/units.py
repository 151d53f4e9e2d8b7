"""Filings in the wrong unit: all figures a thousand times what they were, or a thousandth."""

from __future__ import annotations

import numpy as np

from feeds.filings.options import MONEY, FilingOptions
from feeds.filings.read import Filings
from feeds.filings.versions import note_filings
from feeds.repairs import RepairLog

__all__ = ["mend_units"]

_THOUSAND = 3.0  # powers of ten
#: How far a balance sheet figure may be from a thousand times that of the filing before, and
#: how far the median of all figures: assets seldom double between two filings, while a year's
#: income is four times a quarter's.
_BALANCE = np.log10(2.0)
_MEDIAN = np.log10(4.0)
_BALANCE_FIGURES = ("book_equity", "assets")
#: Figures of which a jump on its own is told: who ranks by them must know.
_TOLD = ("book_equity", "net_income")


def mend_units(filings: Filings, options: FilingOptions, log: RepairLog) -> Filings:
    """Find filings whose figures are all off by 1,000 from the symbol's filing before.

    A filing is compared with those that were filed before it, as they were mended. It is off
    where equity and assets, as far as they are known, are 1,000 times theirs or a thousandth
    within a factor of two, the median of all figures in currency is within a factor of four,
    and at least two figures tell. A company of few assets that raises capital is then no fault. By
    the rule of `options` the figures are multiplied (``repair``), the filing is left out
    (``drop``) or as it is (``flag``).

    Equity or net income that jumps so while the other figures do not (``figure_off_by_1000``)
    may be a wrong figure or a true one, and is only flagged.

    Nothing is known of a symbol's first filing: where that one is wrong, the next are mended to
    its unit, and the range of caps is left to tell.

    Parameters
    ----------
    filings : Filings
        Those of a symbol stand together.
    options : FilingOptions
        `units` is the rule.
    log : RepairLog
        Gets a row a figure mended, or a filing dropped or flagged.

    Returns
    -------
    Filings
        In the same order.
    """
    names = [name for name in MONEY if name in filings.figures]
    if not names or not len(filings):
        return filings
    code = np.cumsum(np.append(True, filings.symbol[1:] != filings.symbol[:-1]))
    order = np.lexsort((filings.line, filings.filed.astype("int64"), code))
    money = np.column_stack([filings.figures[name][order] for name in names])
    balance = np.array([name in _BALANCE_FIGURES for name in names])
    factor, alone = np.empty(len(filings)), np.empty((len(filings), len(names)), dtype=bool)
    factor[order], alone[order] = _compare(money, code[order], balance)
    for column, name in enumerate(names):
        if name in _TOLD and alone[:, column].any():
            note_filings(filings, alone[:, column], "figure_off_by_1000", "flag", log, name)
    return _apply(filings, names, factor, options.units, log)


def _apply(
    filings: Filings, names: list[str], factor: np.ndarray, rule: str, log: RepairLog
) -> Filings:
    wrong = factor != 1.0
    if not wrong.any():
        return filings
    if rule != "repair":
        note_filings(filings, wrong, "units_off_by_1000", rule, log)
        return filings.take(~wrong) if rule == "drop" else filings
    mended = {}
    for name in names:
        values = filings.figures[name].copy()
        cells = np.flatnonzero(wrong & np.isfinite(values) & (values != 0))
        before, values[cells] = values[cells], values[cells] * factor[cells]
        mended[name] = values
        note_filings(
            filings, cells, "units_off_by_1000", "repair", log, name, before, values[cells]
        )
    return filings.with_figures(**mended)


def _compare(
    money: np.ndarray, code: np.ndarray, balance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Factors (M,) that mend each filing, and (M, K) figures that jump alone; in filing order."""
    factor, alone = np.ones(len(money)), np.zeros(money.shape, dtype=bool)
    above = np.vstack([money[:1], money[:-1]])
    jumps = np.append(False, code[1:] == code[:-1]) & _about_thousand(above, money).any(axis=1)
    # A symbol without a jump between neighbours has nothing to mend; the few others are gone
    # through filing by filing, each against those before it as they were mended.
    for symbol in np.unique(code[jumps]).tolist():
        first, stop = np.searchsorted(code, (symbol, symbol + 1))
        reference = money[first]
        for row in range(first + 1, stop):
            factor[row] = _factor(reference, money[row], balance)
            mended = money[row] * factor[row]
            alone[row] = _about_thousand(reference, mended)
            reference = np.where(np.isfinite(mended), mended, reference)
    return factor, alone


def _jump(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Powers of ten between two figures; NaN where one is zero or not known."""
    with np.errstate(divide="ignore", invalid="ignore"):
        jump = np.log10(np.abs(now)) - np.log10(np.abs(before))
    return np.where(np.isfinite(jump), jump, np.nan)


def _about_thousand(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Whether figures are 1,000 times others or a thousandth, within a factor of two."""
    return np.abs(np.abs(_jump(before, now)) - _THOUSAND) <= _BALANCE


def _factor(before: np.ndarray, now: np.ndarray, balance: np.ndarray) -> float:
    """1,000 where the figures (K,) fell to a thousandth, 0.001 where they rose, 1 otherwise."""
    jump = _jump(before, now)
    told = np.isfinite(jump)
    if np.count_nonzero(told) < 2:
        return 1.0
    middle = np.median(jump[told])
    if abs(abs(middle) - _THOUSAND) > _MEDIAN:
        return 1.0
    off = np.copysign(_THOUSAND, middle)
    if (np.abs(jump[told & balance] - off) > _BALANCE).any():
        return 1.0
    return 1e-3 if off > 0 else 1e3
