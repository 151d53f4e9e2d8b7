"""Returns of costless books: weights drift between entries, and ended series are closed.

Rows of weights are decisions (R,), rows of marks are sessions (T,). A decision uses its own
row and is entered `lag` rows later, at the close.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from feeds.errors import DataError
from feeds.panel import Panel, forward_fill

__all__ = [
    "Endings",
    "holding_returns",
    "holding_trades",
    "holding_turnover",
    "likely_reasons",
    "series_endings",
]


@dataclass(frozen=True, eq=False)
class Endings:
    """When the series of N assets are closed, and at what return.

    Parameters
    ----------
    row : (N,) int array
        Session on which a holding of the asset is closed; that many sessions or more as there
        are marks where the series goes on.
    result : (N,) float64 array
        Delisting return on the last mark, -1 or more.
    """

    row: np.ndarray
    result: np.ndarray

    def __post_init__(self) -> None:
        if self.row.shape != self.result.shape or not np.all(self.result >= -1.0):
            raise DataError(
                "delisting returns must be numbers of at least -1, one an asset",
                "a share that is worth nothing returns -1",
            )


def likely_reasons(panel: Panel, floor: float = 1.0) -> np.ndarray:
    """(N,) why series ended, those of unknown reason told by their last printed close.

    Exchanges delist what stays under a dollar. A name that ended at `floor` or above was most
    likely bought: it becomes ``merger``; below, it stays ``unknown``.

    Parameters
    ----------
    panel : Panel
    floor : float
        Raw close, in currency.
    """
    last = panel.last_bar(panel.shape[0] - 1, np.arange(panel.shape[1]))
    closes = panel.raw_close[np.maximum(last, 0), np.arange(panel.shape[1])]
    bought = (panel.end_reason == "unknown") & (closes >= floor)
    return np.where(bought, "merger", panel.end_reason)


def series_endings(
    panel: Panel,
    delisting_return: Mapping[str, float],
    *,
    stale_after: int = 10,
    booked: Literal["known", "next"] = "known",
    reasons: np.ndarray | None = None,
) -> Endings:
    """Series that have ended in a panel, closed at the delisting return of their reason.

    A series has ended where it has no bar for `stale_after` sessions up to the panel's last
    row; one that is merely silent for longer and comes back has not. ``known`` closes it on the
    session on which that is known, as an account does, so that no row depends on a later one.
    ``next`` closes it on the session after its last bar, as CRSP dates delisting returns: the
    last `stale_after` rows of a panel then change when the panel grows.

    Parameters
    ----------
    panel : Panel
    delisting_return : mapping of str to float
        ``end_reason`` to the return on the last mark, in [-1, 0]. A reason that is not named
        loses nothing. Missing delisting returns of failures are about -0.3 on NYSE and AMEX and
        -0.55 on Nasdaq.
    stale_after : int
        Sessions without a bar, at least 1.
    booked : {"known", "next"}
    reasons : (N,) str array, optional
        Instead of the panel's ``end_reason``, such as from `likely_reasons`.

    Returns
    -------
    Endings
        An asset without any bar never ends.

    Raises
    ------
    DataError
        If `stale_after` is under 1, or a return is under -1.

    References
    ----------
    Shumway (1997), Journal of Finance 52; Shumway and Warther (1999), Journal of Finance 54.
    """
    if stale_after < 1:
        raise DataError(f"stale_after {stale_after} is under one session", "10 is two weeks")
    sessions = panel.shape[0]
    age = panel.age[-1]
    ended = age >= stale_after
    step = stale_after if booked == "known" else 1
    reasons = panel.end_reason if reasons is None else reasons
    lost = [float(delisting_return.get(reason, 0.0)) for reason in reasons.tolist()]
    row = np.where(ended, sessions - 1 - age + step, sessions)
    return Endings(row.astype(np.int64), np.where(ended, np.array(lost), 0.0))


def holding_returns(
    marks: np.ndarray,
    decision_rows: np.ndarray,
    weights: np.ndarray,
    lag: int = 1,
    *,
    ends: Endings | None = None,
) -> np.ndarray:
    """Session returns of a costless portfolio whose weights drift between entries.

    With V the value and P the marks at the entry row e, ``V_t = V (1 - sum w + sum w P_t /
    P_e)`` until the next entry: weights are of unit capital, the rest is cash at no interest.

    Parameters
    ----------
    marks : (T, N) array
        Adjusted closes. NaN handling: a gap carries the last mark; an asset without any mark
        at its entry is not entered, its weight stays in cash.
    decision_rows : (R,) int array
        Strictly increasing rows of decisions; those entered after the last row do nothing.
    weights : (R, N) array
        Signed target weights of unit capital; NaN is no position.
    lag : int
        Sessions from the decision to the entry at the close.
    ends : Endings, optional
        Closes each ended series at its delisting return. The proceeds are cash until the next
        entry, and a closed asset is not entered again. Without them a series that ends keeps
        its last mark.

    Returns
    -------
    (T,) float64 array
        Simple returns, 0 up to and including the first entry. A book that has lost
        everything returns -1 on that session and 0 ever after.

    Raises
    ------
    DataError
        If shapes disagree, rows are not increasing, or `lag` is negative.
    """
    relative = np.ones(len(marks))
    for entry, stop, growth, target in _holdings(marks, decision_rows, weights, lag, ends):
        relative[entry + 1 : stop] = 1.0 - target.sum() + growth @ target
        before = np.concatenate([[1.0], relative[entry + 1 : stop - 1]])
        with np.errstate(divide="ignore", invalid="ignore"):  # after a total loss
            relative[entry + 1 : stop] /= before
    return _wiped(relative) - 1.0


def holding_turnover(
    marks: np.ndarray,
    decision_rows: np.ndarray,
    weights: np.ndarray,
    lag: int = 1,
    *,
    ends: Endings | None = None,
) -> np.ndarray:
    """(R,) half the sum of ``abs(target - drifted weight)`` at each entry.

    The first counts from cash; decisions that are never entered are NaN. What was closed at its
    delisting return is cash and needs no trade. Parameters, NaN handling and errors as in
    `holding_returns`.
    """
    return np.abs(holding_trades(marks, decision_rows, weights, lag, ends=ends)).sum(axis=1) / 2.0


def holding_trades(
    marks: np.ndarray,
    decision_rows: np.ndarray,
    weights: np.ndarray,
    lag: int = 1,
    *,
    ends: Endings | None = None,
) -> np.ndarray:
    """(R, N) signed ``target - drifted weight`` of each asset at each entry.

    As `holding_turnover`: the first counts from cash, and rows of decisions that are never
    entered are NaN.
    """
    trades = np.full(np.shape(weights), np.nan)
    drifted = np.zeros(marks.shape[1])
    holdings = _holdings(marks, decision_rows, weights, lag, ends)
    for number, (entry, stop, growth, target) in enumerate(holdings):
        trades[number] = target - drifted
        if len(growth):
            value = 1.0 - target.sum() + growth[-1] @ target
            drifted = target * growth[-1] / value if value > 0.0 else np.zeros_like(target)
            if ends is not None:
                drifted = np.where(ends.row < stop, 0.0, drifted)
        else:
            drifted = target
    return trades


def _holdings(
    marks: np.ndarray,
    decision_rows: np.ndarray,
    weights: np.ndarray,
    lag: int,
    ends: Endings | None,
) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
    """For each entry: its row, the stop of its holding, growth since it, and the weights.

    The next entry's own session still belongs to the holding: it trades at that close.
    """
    rows = np.asarray(decision_rows, dtype=np.int64)
    _check_decisions(marks, rows, weights, lag)
    marks = forward_fill(np.asarray(marks, dtype=float))
    last = len(marks) - 1
    entries = rows + lag
    stops = np.minimum(np.append(entries[1:], last), last) + 1
    for entry, stop, wanted in zip(entries, stops, weights):
        if entry > last:
            return
        start = marks[entry]
        known = np.isfinite(start) & np.isfinite(wanted)
        if ends is not None:
            known &= ends.row > entry
        target = np.where(known, wanted, 0.0)
        growth = marks[entry + 1 : stop] / np.where(known, start, 1.0)
        growth = np.where(known, growth, 1.0)
        if ends is not None:
            _close(growth, int(entry) + 1, ends)
        yield int(entry), int(stop), growth, target


def _close(growth: np.ndarray, first: int, ends: Endings) -> None:
    """From the row of its end on, an asset's growth is its last one and the delisting return."""
    stop = first + len(growth)
    columns = np.flatnonzero((ends.row >= first) & (ends.row < stop))
    closed = np.arange(first, stop)[:, None] >= ends.row[columns]
    growth[:, columns] *= np.where(closed, 1.0 + ends.result[columns], 1.0)


def _check_decisions(marks: np.ndarray, rows: np.ndarray, weights: np.ndarray, lag: int) -> None:
    expected = (len(rows), marks.shape[1])
    if np.shape(weights) != expected:
        raise DataError(
            f"weights have shape {np.shape(weights)}, expected {expected}",
            "give one row a decision and one column an asset",
        )
    if lag < 0 or (len(rows) and rows[0] < 0) or np.any(np.diff(rows) <= 0):
        raise DataError(
            f"decision rows must increase from 0 and the lag {lag} must not be negative",
            "sort the rows and drop repeated ones",
        )


def _wiped(relative: np.ndarray) -> np.ndarray:
    """Growth factors of a book that stops at the first one that is not positive."""
    lost = np.flatnonzero(~(relative > 0.0))
    if len(lost):
        relative[lost[0]] = 0.0
        relative[lost[0] + 1 :] = 1.0
    return relative
