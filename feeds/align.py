"""One calendar for equities and crypto: native bars to the rows of a panel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Native", "adjustment_factors", "align_bars"]


@dataclass(frozen=True)
class Native:
    """Bars of one asset on its own days, raw, increasing dates.

    Parameters
    ----------
    dates : (D,) datetime64[D] array
        Strictly increasing days with a bar.
    open, high, low, close, volume : (D,) float64 arrays
        As printed; NaN for an open, high, low or volume the vendor did not give.
    split_ratio, dividend : (D,) float64 arrays
        New shares for one old share, and cash for one share, on the ex-date.
    market_cap : (D,) float64 array, optional
        In currency, as the vendor gave it; NaN where it did not.
    """

    dates: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    split_ratio: np.ndarray
    dividend: np.ndarray
    market_cap: np.ndarray | None = None


def adjustment_factors(bars: Native) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative split and dividend factors, 1 at the first bar.

    ``split_factor = cumprod(split_ratio)`` and ``dividend_factor = cumprod(1 + dividend /
    close)``, both at the ex-date, so that the ratio of two adjusted closes is the total
    return of a holder who reinvests each dividend at the close of its ex-date. Events of the
    first bar fall before anyone could hold it and are left out.

    Returns
    -------
    split_factor, dividend_factor : (D,) float64 arrays
    """
    splits, payouts = bars.split_ratio.copy(), 1.0 + bars.dividend / bars.close
    splits[:1] = payouts[:1] = 1.0
    return np.cumprod(splits), np.cumprod(payouts)


def align_bars(bars: Native, sessions: np.ndarray) -> dict[str, np.ndarray]:
    """Fold one asset's bars into sessions.

    The days after the asset's bar before and up to a session fold into that session's bar:
    highest high, lowest low, last close, summed volume, and the open of the session day
    itself. A session day without a bar of its own has none, and the days that wait fold into
    the next bar. Days after the last session wait for one that is not there yet.

    Parameters
    ----------
    bars : Native
        D days.
    sessions : (T,) datetime64[D] array
        The panel's rows.

    Returns
    -------
    dict of (T,) arrays
        open, high, low, close (adjusted forward), volume and market_cap (as given): float64,
        NaN where there is no bar; split_factor, dividend_factor: float64, 1 before the first
        bar and carried where there is none; tradable: bool; has_open: bool, whether the bar's range
        was given. Where it was not, open = high = low = close.
    """
    names = ("open", "high", "low", "close", "volume", "market_cap")
    out = {name: np.full(len(sessions), np.nan) for name in names}
    out["split_factor"] = out["dividend_factor"] = np.ones(len(sessions))
    out["tradable"] = np.zeros(len(sessions), dtype=bool)
    out["has_open"] = np.zeros(len(sessions), dtype=bool)
    own = np.isin(bars.dates, sessions)
    if not own.any():
        return out
    ends = np.flatnonzero(own)
    starts = np.concatenate([[0], ends[:-1] + 1])
    rows = np.searchsorted(sessions, bars.dates[ends])
    split, payout = adjustment_factors(bars)
    scale, stop = split * payout, ends[-1] + 1
    high = np.where(np.isfinite(bars.high), bars.high, bars.close) * scale
    low = np.where(np.isfinite(bars.low), bars.low, bars.close) * scale
    has_open = np.isfinite(bars.open[ends])
    close = bars.close[ends] * scale[ends]
    out["open"][rows] = np.where(has_open, bars.open[ends] * scale[ends], close)
    out["high"][rows] = np.maximum.reduceat(high[:stop], starts)
    out["low"][rows] = np.minimum.reduceat(low[:stop], starts)
    out["close"][rows] = close
    out["volume"][rows] = _summed(bars.volume[:stop], starts, ends)
    if bars.market_cap is not None:
        out["market_cap"][rows] = bars.market_cap[ends]
    last = np.searchsorted(rows, np.arange(len(sessions)), side="right") - 1
    out["split_factor"] = np.where(last < 0, 1.0, split[ends][last])
    out["dividend_factor"] = np.where(last < 0, 1.0, payout[ends][last])
    out["tradable"][rows] = True
    out["has_open"][rows] = has_open
    return out


def _summed(volume: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Volume summed over each fold; NaN only where no day of it is known."""
    known = np.isfinite(volume)
    total = np.add.reduceat(np.where(known, volume, 0.0), starts)
    counted = np.add.reduceat(known.astype(np.int64), starts)
    return np.where(counted > 0, total, np.nan)
