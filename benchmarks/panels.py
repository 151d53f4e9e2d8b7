"""Synthetic panels and target weights: what every engine of the comparison is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from feeds.panel import Panel
from strategies.schedule import decision_rows
from strategies.weights import select_sides

__all__ = [
    "Case",
    "case_of",
    "make_case",
    "make_panel",
    "open_panel",
    "save_panel",
    "target_weights",
]

CASH = 1_000_000.0
COMMISSION_BPS = 5.0
SLIPPAGE_BPS = 5.0
#: A power of two, so that sums and differences of sizes are exact in every engine.
LOT = 2.0**-36
#: Below what cash and margin allow, so that engines which do not scale fill every order whole.
GROSS = {"long_only": 0.95, "long_short": 1.0}

_START = np.datetime64("2010-01-04")
#: Rows made at a time: the temporaries stay small however long the panel is.
_BLOCK = 256

Allocate = Callable[[str, tuple[int, int], type], np.ndarray]


@dataclass(frozen=True)
class Case:
    """One task for all engines.

    Parameters
    ----------
    panel : Panel
        T sessions of N assets, every asset with a bar on every session.
    rows : (R,) int array
        Decision rows, the last before the last row of the panel; each fills at the next open.
    weights : (R, N) float array
        Signed target value over account value.
    side : {"long_only", "long_short"}
        What the weights are.
    """

    panel: Panel
    rows: np.ndarray
    weights: np.ndarray
    side: str

    def fresh(self) -> Panel:
        """The same arrays in a panel that has cached nothing yet."""
        return replace(self.panel)


def make_case(assets: int, sessions: int, side: str, seed: int) -> Case:
    """A panel in memory and monthly decile weights on it."""
    panel = make_panel(assets, sessions, seed)
    return case_of(panel, side, seed)


def case_of(panel: Panel, side: str, seed: int, weights: np.ndarray | None = None) -> Case:
    """Monthly decile weights on a panel, made unless given: the month's last session decides."""
    first = panel.dates[0].astype("datetime64[D]").item()
    rows = decision_rows(panel.dates, panel.next_session, "monthly", first)
    rows = rows[rows < len(panel.dates) - 1]
    if weights is None:
        weights = target_weights(panel.assets, len(rows), side, seed)
    return Case(panel, rows, weights, side)


def target_weights(assets: np.ndarray, decisions: int, side: str, seed: int) -> np.ndarray:
    """(R, N) equal weights of the best decile, and of the worst with a minus sign.

    The scores are a stationary AR(1) with a coefficient of 0.9 from month to month, about as
    persistent as twelve-month momentum, and independent of the prices.
    """
    rng = np.random.default_rng([seed, 1])
    weights = np.zeros((decisions, len(assets)))
    score = rng.standard_normal(len(assets))
    for row in weights:
        best, worst = select_sides(score, assets, quantile=0.1, top=None)
        share = GROSS[side] if side == "long_only" else GROSS[side] / 2
        row[best] = share / len(best)
        if side == "long_short":
            row[worst] = -share / len(worst)
        score = 0.9 * score + np.sqrt(1 - 0.9**2) * rng.standard_normal(len(assets))
    return weights


def make_panel(assets: int, sessions: int, seed: int, allocate: Allocate | None = None) -> Panel:
    """Random walks with a common factor, the same for a seed, block by block.

    Parameters
    ----------
    assets, sessions, seed : int
        N, T and the seed of the walks.
    allocate : callable, optional
        ``(name, shape, dtype)`` to an array to be filled; in memory by default.
    """
    allocate = allocate or (lambda name, shape, dtype: np.empty(shape, dtype))
    shape = (sessions, assets)
    names = ("open", "high", "low", "close", "volume", "split_factor", "dividend_factor")
    arrays = {name: allocate(name, shape, float) for name in names}
    arrays |= {name: allocate(name, shape, bool) for name in ("tradable", "member")}
    _fill_walks(arrays, seed)
    return _panel(arrays)


def save_panel(folder: Path, assets: int, sessions: int, seed: int) -> None:
    """Write the arrays of :func:`make_panel` as ``.npy`` files, without holding them."""

    def allocate(name: str, shape: tuple[int, int], dtype: type) -> np.ndarray:
        path = folder / f"{name}.npy"
        return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)

    make_panel(assets, sessions, seed, allocate)


def open_panel(folder: Path) -> Panel:
    """The panel of :func:`save_panel`, memory-mapped and read-only."""
    return _panel(
        {
            path.stem: np.load(path, mmap_mode="r").view(np.ndarray)
            for path in sorted(folder.glob("*.npy"))
        }
    )


def _fill_walks(arrays: dict[str, np.ndarray], seed: int) -> None:
    sessions, assets = arrays["close"].shape
    # One stream a field, read row by row: the numbers do not depend on the size of a block.
    market, own, gap = (np.random.default_rng([seed, 0, number]) for number in range(3))
    level = np.full(assets, np.log(100.0))
    for start in range(0, sessions, _BLOCK):
        rows = slice(start, min(start + _BLOCK, sessions))
        count = rows.stop - rows.start
        common = 0.0003 + 0.008 * market.standard_normal((count, 1))
        steps = common + 0.015 * own.standard_normal((count, assets))
        # Summed from where the last block ended, in the order of one long sum.
        path = np.cumsum(np.concatenate([level[None], steps]), axis=0)[1:]
        before = np.concatenate([level[None], path[:-1]])
        level = path[-1]
        arrays["close"][rows] = np.exp(path)
        arrays["open"][rows] = np.exp(before + 0.004 * gap.standard_normal((count, assets)))
        both = arrays["open"][rows], arrays["close"][rows]
        arrays["high"][rows], arrays["low"][rows] = np.maximum(*both), np.minimum(*both)
        arrays["volume"][rows] = 1e6
        for name in ("split_factor", "dividend_factor", "tradable", "member"):
            arrays[name][rows] = 1


def _panel(arrays: dict[str, np.ndarray]) -> Panel:
    sessions, assets = arrays["close"].shape
    dates = np.busday_offset(_START, np.arange(sessions + 1), roll="forward")
    return Panel(
        dates=dates[:-1],
        assets=np.array([f"S{number:05d}" for number in range(assets)]),
        asset_class=np.full(assets, "equity"),
        calendar="XNYS",
        next_session=dates[-1],
        volume_unit=np.full(assets, "units"),
        price_kind=np.full(assets, "traded"),
        close_only=np.zeros(assets, dtype=bool),
        end_reason=np.full(assets, "data_end"),
        **arrays,
    )
