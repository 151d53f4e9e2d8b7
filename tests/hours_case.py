"""Panels of hours, made by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from feeds.panel import Panel


def panel_of_hours(
    close: np.ndarray, classes: Sequence[str] | None = None, began: str = "2026-01-05T00"
) -> Panel:
    """Assets A0, A1, ... with an hour's prices all at its close, NaN where there is no bar."""
    rows, count = close.shape
    dates = np.datetime64(began, "h") + np.arange(rows)
    ones, bars = np.ones((rows, count)), np.isfinite(close)
    return Panel(
        dates=dates,
        assets=np.array([f"A{at}" for at in range(count)]),
        asset_class=np.array(["crypto"] * count if classes is None else classes),
        calendar="24/7",
        next_session=dates[-1] + 1,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=np.where(bars, 1.0, np.nan),
        split_factor=ones,
        dividend_factor=ones,
        tradable=bars,
        member=np.ones((rows, count), dtype=bool),
        volume_unit=np.array(["units"] * count),
        price_kind=np.array(["traded"] * count),
        close_only=np.zeros(count, dtype=bool),
        end_reason=np.array(["data_end"] * count),
    )
