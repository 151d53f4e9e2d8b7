"""Fixtures that many tests share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import settings

from feeds.figures import Figures
from feeds.panel import Panel

# The same examples every time, and none too slow on a machine that is busy.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is exhaustive is slow, marked so or not."""
    for item in items:
        if item.get_closest_marker("exhaustive"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def make_panel() -> Callable[..., Panel]:
    """Build a small panel; prices are given, or a seeded random walk with traded opens.

    ``close`` (T, N) with NaN where an asset has no bar; ``open`` likewise or None for the
    close-only form. Symbols are A00, A01, ... ``figures`` are (T, N) arrays by name, or the
    events of a :class:`Figures`.
    """

    def make(
        close: np.ndarray | None = None,
        open: np.ndarray | None = None,
        *,
        shape: tuple[int, int] = (60, 4),
        seed: int = 7,
        start: str = "2020-01-01",
        calendar: str = "24/7",
        asset_class: list[str] | None = None,
        sector: list[str] | None = None,
        figures: dict[str, np.ndarray] | Figures | None = None,
        **fields,
    ) -> Panel:
        if close is None:
            rng = np.random.default_rng(seed)
            close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, shape), axis=0))
            open = close * np.exp(rng.normal(0.0, 0.005, shape))
        close = np.asarray(close, dtype=float)
        rows, columns = close.shape
        close_only = open is None
        open = close if close_only else np.asarray(open, dtype=float)
        dates = np.datetime64(start) + np.arange(rows)
        if calendar == "XNYS":
            dates = np.busday_offset(start, np.arange(rows), roll="forward")
        ones = np.ones((rows, columns))
        given = {
            "dates": dates,
            "assets": np.array([f"A{number:02d}" for number in range(columns)]),
            "asset_class": np.array(asset_class or ["equity"] * columns),
            "calendar": calendar,
            "next_session": (
                np.busday_offset(dates[-1], 1, roll="forward")
                if calendar == "XNYS"
                else dates[-1] + 1
            ),
            "open": open,
            "high": np.fmax(open, close),
            "low": np.fmin(open, close),
            "close": close,
            "volume": np.where(np.isfinite(close), 1e6, np.nan),
            "split_factor": ones,
            "dividend_factor": ones,
            "tradable": np.isfinite(close),
            "member": np.ones((rows, columns), dtype=bool),
            "volume_unit": np.array(["units"] * columns),
            "price_kind": np.array(["traded"] * columns),
            "close_only": np.full(columns, close_only),
            "end_reason": np.array(["data_end"] * columns),
            "sector": None if sector is None else np.array(sector, dtype=str),
            "figure_events": Figures.from_arrays(figures) if isinstance(figures, dict) else figures,
        }
        return Panel(**{**given, **fields})

    return make
