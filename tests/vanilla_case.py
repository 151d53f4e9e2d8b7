"""One random plan of trades, and what should become of it by a ledger of a few lines.

A case fixes panel, targets in units, costs and the instant of the fills, so that every witness
trades the same tickets; what they are compared on is what became of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from feeds.panel import Panel

CASH = 1_000_000.0
#: Powers of two: sizes are then exact, and vanilla's split of a flip into a closing and an
#: opening part leaves no rounding dust behind as a partial fill.
LOTS = (1.0, 2.0**-4, 2.0**-16)


@dataclass(frozen=True, eq=False)
class Case:
    """Targets by decision row, in units (N,); NaN leaves an asset alone."""

    panel: Panel
    targets: dict[int, np.ndarray]
    instant: str
    lot: float
    bps: tuple[float, float]
    slip: float
    #: Share of a session's volume that a ticket may be; None: all of it.
    rate: float | None = None

    @property
    def group(self) -> np.ndarray:
        """(N,) number of each asset's commission: they take turns."""
        return np.arange(self.panel.shape[1]) % 2

    def change(self, row: int, held: np.ndarray) -> np.ndarray:
        """(N,) units to trade, decided in `row`."""
        target = self.targets[row]
        return np.where(np.isnan(target), 0.0, target - held)


@st.composite
def cases(draw, make_panel, largest=60, longest=60, *, holed=True, lots=LOTS):
    """Books of 2 to `largest` assets, long only and long-short, gross 0.5 to 1.5."""
    shape = draw(st.integers(8, longest)), draw(st.integers(2, largest))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, shape), axis=0))
    punch(close, rng, draw(st.sampled_from([0.0, 0.2, 0.5])) if holed else 0.0)
    panel = make_panel(close, close * np.exp(rng.normal(0, 0.01, shape)))
    instant = draw(st.sampled_from(["open", "open", "close"]))
    lot = draw(st.sampled_from(lots))
    side = draw(st.sampled_from(["long_only", "long_short", "neutral"]))
    gross = draw(st.floats(0.5, 0.95 if side == "long_only" else 1.5))
    decisions = draw(st.sets(st.integers(0, shape[0] - 2), min_size=1, max_size=8))
    targets = {
        row: draw_target(panel, rng, row, side, gross, lot, instant) for row in sorted(decisions)
    }
    bps = draw(st.sampled_from([0.0, 5.0, 30.0])), draw(st.sampled_from([0.0, 5.0, 30.0]))
    # Vanilla applies no slippage to orders at the close.
    slip = draw(st.sampled_from([0.0, 1.0, 25.0])) if instant == "open" else 0.0
    return Case(panel, targets, instant, lot, bps, slip)


@st.composite
def capped_cases(draw, make_panel, largest=30, longest=40):
    """Cases whose tickets fill in parts, over assets without holes.

    A session on which its asset has no bar fills a vanilla order that is partly filled at the
    bar before, again: a difference that has its own test.
    """
    case = draw(cases(make_panel, largest, longest, holed=False, lots=(1.0,)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    volume = rng.choice([0.0, 40.0, 400.0, 4000.0], case.panel.shape)
    rate = draw(st.sampled_from([0.25, 0.5]))
    return replace(case, panel=replace(case.panel, volume=volume), rate=rate)


def punch(close: np.ndarray, rng: np.random.Generator, share: float) -> None:
    """Late listings, ends and holes for a share of the assets; the first keeps every bar.

    On a day on which no asset at all has a bar, vanilla has no bar to call a strategy on.
    """
    rows, columns = close.shape
    for column in range(1, columns):
        late, dead, holed = rng.random(3) < share
        if late:
            close[: rng.integers(1, rows), column] = np.nan
        if dead:
            close[rng.integers(1, rows) :, column] = np.nan
        for _ in range(rng.integers(1, 4) if holed else 0):
            start = rng.integers(0, rows)
            close[start : start + rng.integers(1, 6), column] = np.nan


def draw_target(panel, rng, row, side, gross, lot, instant) -> np.ndarray:
    """(N,) whole lots at the marks of `row`, worth `gross` of the starting cash together."""
    columns = panel.shape[1]
    raw = rng.random(columns) if side == "long_only" else rng.normal(size=columns)
    raw[rng.random(columns) < 0.25] = 0.0
    listed = np.isfinite(panel.mark[row])
    raw[~listed] = 0.0
    if side == "neutral" and raw.any():
        raw[raw != 0] -= raw[raw != 0].mean()
    weights = raw / (np.abs(raw).sum() or 1.0) * gross
    price = np.where(listed, panel.mark[row], 1.0)
    target = np.round(weights * CASH / price / lot) * lot
    if instant == "close":
        # A vanilla Close order that waits fills at the close before the hole: a difference that
        # has its own test. Here it is left alone.
        target[~panel.tradable[row + 1]] = np.nan
    return np.where(listed, target, np.nan)


# The third witness


@dataclass
class Ledger:
    """What should have happened: fills, and (cash, value) at the close of each row."""

    fills: list[tuple]
    closes: list[tuple[float, float]]
    cancelled: list[tuple[int, str]]
    #: Tickets whose asset had no bar on the first session, and fills of a part.
    waited: int = 0
    parts: int = 0
    #: Rows whose fills open a position and leave less cash than the short proceeds, or less
    #: value than a quarter of the exposure.
    beyond: tuple[int, ...] = ()


def keep_ledger(case: Case) -> Ledger:
    """Every ticket filled whole at its asset's next bar, one at a time, in plain arithmetic."""
    panel, names = case.panel, case.panel.assets.tolist()
    cash, held, last, waiting = CASH, [0.0] * len(names), [0.0] * len(names), {}
    book = Ledger([], [], [])
    for row in range(panel.shape[0]):
        prices = list(last)
        for at in np.flatnonzero(panel.tradable[row]).tolist():
            prices[at] = float(getattr(panel, case.instant)[row, at])
            last[at] = float(panel.close[row, at])
        grows = False
        for at in [at for at in waiting if panel.tradable[row, at]]:
            size = cut(case, row, at, waiting[at])
            waiting[at] -= size
            if not waiting[at]:
                del waiting[at]
            book.parts += at in waiting
            if not size:
                continue
            price = prices[at] * (1 + (case.slip if size > 0 else -case.slip) / 1e4)
            fee = abs(size) * price * case.bps[at % 2] / 1e4
            cash -= size * price + fee
            grows |= size * (held[at] + size) > 0
            held[at] += size
            book.fills.append((row, names[at], size, price, fee))
        if row - 1 in case.targets:
            book.waited += sum(not panel.tradable[row, at] for at in waiting)
        if grows and breaks_limits(cash, held, prices):
            book.beyond += (row,)
        book.closes.append((cash, cash + worth(held, last)))
        if row in case.targets:
            book.cancelled += [(row, names[at]) for at in waiting]
            change = case.change(row, np.array(held))
            waiting = {at: float(change[at]) for at in np.flatnonzero(change).tolist()}
    return book


def cut(case: Case, row: int, at: int, size: float) -> float:
    """What a session's volume lets through of a ticket, in whole units."""
    if case.rate is None:
        return size
    room = case.rate * case.panel.volume[row, at] // 1
    return max(-room, min(room, size))


def worth(held: list[float], prices: list[float]) -> float:
    """Signed value of a book."""
    return sum(units * price for units, price in zip(held, prices, strict=True) if units)


def breaks_limits(cash: float, held: list[float], prices: list[float]) -> bool:
    """Whether short proceeds were spent, or the exposure is four times the value or more."""
    long = worth([max(units, 0.0) for units in held], prices)
    short = worth([min(units, 0.0) for units in held], prices)
    return cash + short < 0 or cash + long + short <= 0.25 * (long - short)
