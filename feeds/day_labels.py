"""Whether a source's daily bars carry the right day: lead-lag correlation with a reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from feeds.errors import DataError
from feeds.lead_lag import LAGS, changes, correlations, rolling

__all__ = [
    "LabelReport",
    "LabelSpan",
    "check_labels",
    "daily_log_returns",
    "shift_labels",
]

#: Standard errors of Fisher's z that set a lag apart from every other.
_SIGNIFICANCE = 4.0
#: Place of a day that is no session.
_NOWHERE = np.iinfo(np.int64).min


@dataclass(frozen=True)
class LabelSpan:
    """Days of a source whose labels are all off by the same number of days.

    Parameters
    ----------
    start, end : datetime64[D]
        First and last label.
    lag : int or None
        Days (sessions) by which labels are late: what the reference has on day d stands on
        d + lag. None where no lag is set apart from the others.
    days : int
        Returns that both have at that lag (at none: at 0).
    correlations : dict of int to float
        By lag; NaN with fewer than three common returns.
    """

    start: np.datetime64
    end: np.datetime64
    lag: int | None
    days: int
    correlations: Mapping[int, float]


@dataclass(frozen=True, eq=False)
class LabelReport:
    """What was found of the day labels of one source.

    Parameters
    ----------
    whole : LabelSpan
        All days taken together.
    spans : tuple of LabelSpan
        Days of one lag each, in order; one where the lag never changes.
    windows : DataFrame
        Rolling windows of 180 days: start, end, days, and a correlation a lag (columns
        ``lag_-2`` to ``lag_2``). For tables and plots; nothing is decided by them.
    sessions : (T,) datetime64[D] array or None
        The calendar in which lags are counted, where it is not every day.
    """

    whole: LabelSpan
    spans: tuple[LabelSpan, ...]
    windows: pd.DataFrame
    sessions: np.ndarray | None = None

    @property
    def is_off(self) -> bool:
        """Whether some days carry a wrong label, beyond doubt."""
        return any(span.lag for span in self.spans)

    def findings(self) -> tuple[str, ...]:
        """A sentence for each span with wrong labels."""
        unit = "session" if self.sessions is not None else "day"
        found = []
        for span in self.spans:
            if span.lag:
                count = abs(span.lag)
                found.append(
                    f"labels from {span.start} to {span.end} are {count} {unit}"
                    f"{'s' * (count > 1)} {'late' if span.lag > 0 else 'early'}: returns "
                    f"correlate {span.correlations[span.lag]:.3f} with the reference so, and "
                    f"{span.correlations[0]:.3f} as labelled ({span.days} days)"
                )
        return tuple(found)


def daily_log_returns(
    days: np.ndarray, closes: np.ndarray, sessions: np.ndarray | None = None
) -> pd.Series:
    """Log returns of single days: over a gap there is none.

    Parameters
    ----------
    days : (D,) datetime64[D] array
        Increasing.
    closes : (D,) float64 array
        Adjusted for splits; positive, or NaN where not known.
    sessions : (T,) datetime64[D] array, optional
        Days that follow each other; by default all calendar days. Others are left out.

    Returns
    -------
    Series
        Index: days.
    """
    place = _places(days, sessions)
    inside = (place != _NOWHERE) & (closes > 0)
    days, place, logs = days[inside], place[inside], np.log(closes[inside])
    follows = np.diff(place) == 1
    return pd.Series(np.diff(logs)[follows], index=pd.DatetimeIndex(days[1:][follows]))


def check_labels(
    series: pd.Series,
    reference: pd.Series,
    sessions: np.ndarray | None = None,
    least_days: int = 60,
) -> LabelReport:
    """Compare a source's daily returns with a reference's at lags of -2 to 2 days.

    A lag holds where its correlation is set apart from that of every other lag: the intervals of
    four standard errors around Fisher's z = atanh(r), 1 / sqrt(n - 3) each, share nothing. On
    noise, or between different assets, none does. Returns beyond eight times the typical size
    are cut to it. Where the lag changes is the split that leaves the least misfit, over all splits
    that gain more than ten days of it (Viterbi 1967); a span of fewer than `least_days` is
    counted to its longer neighbour.

    It is a check of whole series and looks at all days: whatever is made of it before the last
    of them knows the future.

    Parameters
    ----------
    series, reference : Series
        Log returns by day (:func:`daily_log_returns`), of the same asset; NaN is left out.
    sessions : (T,) datetime64[D] array, optional
        The calendar in which lags are counted, for equities; by default every day.
    least_days : int
        Fewest common returns from which a lag is told.

    Raises
    ------
    DataError
        If one of them has no returns, or days are not unique.
    """
    place, values = _returns(series, sessions, "the series")
    other, known = _returns(reference, sessions, "the reference")
    first, last = min(place[0], other[0]) - 2, max(place[-1], other[-1]) + 3
    ours, theirs = np.full(last - first, np.nan), np.full(last - first, np.nan)
    ours[place - first], theirs[other - first] = _cut(values), _cut(known)
    # Column k holds what the reference has on the day that label d stands for at lag k.
    lagged = np.column_stack([np.roll(theirs, lag) for lag in LAGS])
    labels = _labels(np.arange(first, last), sessions)
    own = np.flatnonzero(np.isfinite(ours))
    ours, lagged, labels = ours[own], lagged[own], labels[own]
    whole = _span(ours, lagged, labels, least_days)
    bounds = changes(ours, lagged, least_days)
    spans = [
        _span(ours[a:b], lagged[a:b], labels[a:b], least_days) for a, b in zip(bounds, bounds[1:])
    ]
    return LabelReport(whole, tuple(_joined(spans, whole)), rolling(ours, lagged, labels), sessions)


def shift_labels(days: np.ndarray, report: LabelReport) -> tuple[np.ndarray, np.ndarray]:
    """Labels moved to the days that they stand for, where the report sets a lag apart.

    To be applied only where a user orders it: the lag was found with all days of the series, so a
    backtest on moved labels assumes that the source's fault was known throughout.

    Parameters
    ----------
    days : (D,) datetime64[D] array
        Labels, increasing.
    report : LabelReport
        Of these labels.

    Returns
    -------
    labels : (D,) datetime64[D] array
        NaT where a label would leave the calendar.
    keep : (D,) bool array
        False where the label is NaT or a later row has the same: where labels change, two may
        fall on one day, and the row of the span that begins there stays.
    """
    place = _places(days, report.sessions)
    counted = place != _NOWHERE
    # What comes before the first span's first return is of that span.
    starts = np.array([span.start for span in report.spans])
    lags = np.array([span.lag or 0 for span in report.spans])
    own = np.maximum(np.searchsorted(starts, days, side="right") - 1, 0)
    moved = np.where(counted, place - lags[own], place)
    labels = np.where(counted, _labels(moved, report.sessions), days)
    ahead = np.where(counted, moved, np.iinfo(np.int64).max)
    later = np.minimum.accumulate(np.append(ahead[1:], np.iinfo(np.int64).max)[::-1])[::-1]
    return labels, ~np.isnat(labels) & ((moved < later) | ~counted)


def _places(days: np.ndarray, sessions: np.ndarray | None) -> np.ndarray:
    """(D,) int64 numbers of days, or of sessions, _NOWHERE where a day is none."""
    days = np.asarray(days).astype("datetime64[D]")
    if sessions is None:
        return days.astype("int64")
    at = np.searchsorted(sessions, days)
    found = sessions[np.minimum(at, len(sessions) - 1)] == days
    return np.where(found, at, _NOWHERE)


def _labels(places: np.ndarray, sessions: np.ndarray | None) -> np.ndarray:
    if sessions is None:
        return places.astype("datetime64[D]")
    inside = (places >= 0) & (places < len(sessions))
    found = sessions[np.clip(places, 0, len(sessions) - 1)]
    return np.where(inside, found, np.datetime64("NaT"))


def _returns(
    series: pd.Series, sessions: np.ndarray | None, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Places and values of the finite returns, in order."""
    values = series.to_numpy(dtype="float64")
    place = _places(series.index.to_numpy(), sessions)
    good = np.isfinite(values) & (place != _NOWHERE)
    order = np.argsort(place[good], kind="stable")
    place, values = place[good][order], values[good][order]
    if not len(place):
        raise DataError(f"{name} has no return to compare", "give one with two days in a row")
    if np.any(np.diff(place) == 0):
        day = _labels(place[1:][np.diff(place) == 0], sessions)[0]
        raise DataError(f"{name} has {day} twice", "keep one return a day")
    return place, values


def _cut(values: np.ndarray) -> np.ndarray:
    """Returns within eight times their median size: one crash must not decide."""
    size = np.median(np.abs(values))
    return np.clip(values, -8.0 * size, 8.0 * size) if size > 0 else values


def _span(ours: np.ndarray, lagged: np.ndarray, labels: np.ndarray, least_days: int) -> LabelSpan:
    counts, found = correlations(ours, lagged)
    lag = None
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.arctanh(np.clip(found, -0.999999, 0.999999))
        error = _SIGNIFICANCE / np.sqrt(counts - 3.0)
    best = int(np.argmax(np.where(counts >= least_days, z, -np.inf)))
    if counts[best] >= least_days:
        # A lag of which too little is known to compare it is no rival.
        rivals = (counts >= least_days // 2) & (np.arange(len(LAGS)) != best)
        if rivals.any() and (z[best] - error[best] > (z + error)[rivals]).all():
            lag = LAGS[best]
    days = int(counts[best] if lag is not None else counts[LAGS.index(0)])
    return LabelSpan(labels[0], labels[-1], lag, days, dict(zip(LAGS, found.tolist())))


def _joined(spans: list[LabelSpan], whole: LabelSpan) -> list[LabelSpan]:
    """The spans, or all days as one where they do not differ in a lag that is set apart."""
    return spans if len({span.lag for span in spans}) > 1 else [whole]
