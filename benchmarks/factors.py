"""Factor families against the plain pandas expression of each, on the same panel in one run.

python -m benchmarks.factors [--panel 7000x500] [--panel 1000x6300] [--holes] [--out FILE]

CPU of both, the largest difference of their scores, and the limit of the machine: every array
that is needed read once and the scores written once at the rate of a copy, and the divisions,
roots and logarithms of a score at the rate of NumPy's on arrays in the cache, all measured in the
same run. A family has reached what it can at five times pandas or three quarters of the limit.
Figures that were filed are given as arrays to both. A first call is not timed: what the compiler
costs stands by itself. ``--holes`` lists a third of the assets late and takes out one bar in
fifty.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.factor_peers import PEERS, Frames
from benchmarks.panels import make_panel
from benchmarks.tables import aligned
from factors import get_factor
from feeds.figures import Figures
from feeds.panel import Panel

__all__ = ["Machine", "Measured", "factor_panel", "main", "measure_factor"]

#: What every family should reach: so many times pandas, or that share of the limit.
_TIMES, _SHARE = 5.0, 0.75
#: Figures that are filed every quarter, and those of each day.
_FILED = ("accruals_ttm", "assets", "assets_year_ago", "net_income_ttm", "operating_cash_flow_ttm",
          "operating_income_ttm", "revenue_ttm")  # fmt: skip
_DAILY = ("active_addresses", "funding_rate", "transfer_volume")
#: CPU seconds of the import and of the first score of every family that needs the compiler.
_FIRST_CALLS = """
import time
start = time.process_time()
import numba
imported = time.process_time()
from benchmarks.factor_peers import PEERS
from benchmarks.factors import factor_panel
from factors import get_factor
panel = factor_panel(300, 4, 1)
begun = time.process_time()
for name in sorted(PEERS):
    get_factor(*PEERS[name].factor).scores(panel)
print(imported - start, time.process_time() - begun)
"""


@dataclasses.dataclass(frozen=True)
class Measured:
    """One family on one panel.

    Parameters
    ----------
    ours, pandas : float
        CPU seconds, the least of the repeats.
    limit : float
        CPU seconds that the memory and the arithmetic unit need for it.
    difference : float
        Largest relative difference of two scores, of those known to both.
    unlike : int
        Scores that only one of them knows.
    """

    factor: str
    panel: str
    ours: float
    pandas: float
    limit: float
    difference: float
    unlike: int

    @property
    def ratio(self) -> float:
        """CPU of pandas over ours."""
        return self.pandas / self.ours

    @property
    def share(self) -> float:
        """Limit over ours."""
        return self.limit / self.ours

    @property
    def same(self) -> bool:
        """Whether both give the same numbers."""
        return self.difference <= 1e-9 and self.unlike == 0

    @property
    def reached(self) -> str:
        """What the family has reached: ``5x``, ``limit``, or ``missed``."""
        if not self.same:
            return "differs"
        return "5x" if self.ratio >= _TIMES else "limit" if self.share >= _SHARE else "missed"


@dataclasses.dataclass(frozen=True)
class Machine:
    """CPU seconds of the machine.

    Parameters
    ----------
    byte : float
        To move one byte, read or written, when an array is copied into a new one.
    cell : mapping
        To divide, take the root or the logarithm of a number in the cache, by name.
    """

    byte: float
    cell: Mapping[str, float]

    @classmethod
    def measured(cls, panel: Panel, repeats: int = 9) -> Machine:
        """The machine now, with a panel's closes."""
        part = panel.close.ravel()[: 1 << 14]
        part = np.where(np.isfinite(part), part, 1.0)
        out = np.empty_like(part)
        steps = {
            "divide": lambda: np.divide(part, 3.0, out=out),
            "log": lambda: np.log(part, out=out),
            "sqrt": lambda: np.sqrt(part, out=out),
        }
        copied = min(_timed(panel.close.copy)[1] for _ in range(repeats))
        cell = {
            name: min(_timed(lambda: [step() for _ in range(50)])[1] for _ in range(repeats))
            / (50 * part.size)
            for name, step in steps.items()
        }
        return cls(copied / (2.0 * panel.close.nbytes), cell)

    def limit(self, cells: int, arrays: int, needs: Sequence[str]) -> float:
        """Seconds for scores of so many cells out of so many arrays."""
        return cells * (8.0 * (arrays + 1) * self.byte + sum(self.cell[name] for name in needs))


def factor_panel(sessions: int, assets: int, seed: int, holes: bool = False) -> Panel:
    """Random walks with volumes, caps and books of their own; with holes where asked."""
    panel = make_panel(assets, sessions, seed)
    rng = np.random.default_rng([seed, 2])
    volume = rng.lognormal(13.0, 0.8, panel.shape)
    shares = rng.lognormal(18.0, 1.0, assets)
    bars = {name: getattr(panel, name) for name in ("open", "high", "low", "close")}
    bars["volume"] = volume
    known = np.ones(panel.shape, dtype=bool)
    if holes:
        known = rng.random(panel.shape) >= 0.02
        listed = np.where(np.arange(assets) % 3 == 0, rng.integers(0, sessions, assets), 0)
        known &= np.arange(sessions)[:, None] >= listed
        bars = {name: np.where(known, values, np.nan) for name, values in bars.items()}
    quarters = np.arange(sessions) // 63
    figures = {
        name: rng.lognormal(20.0, 1.0, (quarters[-1] + 1, assets))[quarters] for name in _FILED
    }
    figures |= {name: rng.lognormal(15.0, 1.0, panel.shape) for name in _DAILY}
    if holes:
        figures = {
            name: (
                np.where(rng.random(panel.shape) < 0.1, np.nan, values)
                if name in _DAILY
                else values
            )
            for name, values in figures.items()
        }
    cap = bars["close"] * shares
    book = np.broadcast_to(shares * rng.uniform(5.0, 80.0, assets), panel.shape)
    return dataclasses.replace(
        panel,
        **bars,
        tradable=known,
        market_cap=cap,
        book_equity=book.copy(),
        figure_events=Figures.from_arrays(figures),
        checked=True,
    )


def measure_factor(
    name: str, panel: Panel, frames: Frames, repeats: int, machine: Machine
) -> Measured:
    """Time a family and its peer in turns, and compare their scores."""
    peer = PEERS[name]
    entry = get_factor(*peer.factor)
    given = peer.parameters(panel.shape[0])
    entry.scores(panel.select(np.arange(2)), **given)
    for figure in set(entry.fields) & set(panel.figures):
        panel.figure(figure)
    ours, ours_seconds, theirs, pandas_seconds = None, [], None, []
    for _ in range(repeats):
        # A panel that has cached nothing yet but the figures that both are given.
        fresh = dataclasses.replace(panel, checked=True)
        fresh._figure_arrays.update(panel._figure_arrays)
        ours, seconds = _timed(lambda: entry.scores(fresh, **given))
        ours_seconds.append(seconds)
    for _ in range(max(repeats // 2, 1)):
        theirs, seconds = _timed(lambda: peer.scores(frames, **given))
        pandas_seconds.append(seconds)
    difference, unlike = _compared(ours, theirs.to_numpy())
    return Measured(
        factor=name,
        panel="x".join(map(str, panel.shape)),
        ours=min(ours_seconds),
        pandas=min(pandas_seconds),
        limit=machine.limit(panel.close.size, len(entry.fields) + peer.arrays, peer.needs),
        difference=difference,
        unlike=unlike,
    )


def compiler_cost() -> str:
    """CPU of the compiler's import, and of first calls with nothing kept and with all kept."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _FIRST_CALLS]
        given = {**os.environ, "NUMBA_CACHE_DIR": folder}
        runs = [
            subprocess.run(command, env=given, capture_output=True, text=True, check=True).stdout
            for _ in range(2)
        ]
    (_, compiled), (imported, kept) = (map(float, text.split()) for text in runs)
    return (
        f"compiler: import {imported:.2f} s; first calls {compiled:.1f} s where nothing is "
        f"compiled yet, {kept:.2f} s from then on"
    )


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    gc.collect()
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def _compared(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, int]:
    known = np.isfinite(ours) & np.isfinite(theirs)
    unlike = int((np.isfinite(ours) != np.isfinite(theirs)).sum())
    scale = np.maximum(
        np.abs(theirs[known]), np.median(np.abs(theirs[known])) if known.any() else 1
    )
    gaps = np.abs(ours[known] - theirs[known]) / scale
    return float(gaps.max(initial=0.0)), unlike


def table(results: Sequence[Measured]) -> str:
    """The figures of each family, ready for a page."""
    head = ("panel", "factor", "ours ms", "pandas ms", "pandas / ours", "limit ms", "of the limit",
            "difference", "unlike", "reached")  # fmt: skip
    rows = [
        (
            result.panel,
            result.factor,
            f"{1e3 * result.ours:.1f}",
            f"{1e3 * result.pandas:.1f}",
            f"{result.ratio:.1f}",
            f"{1e3 * result.limit:.1f}",
            f"{100 * result.share:.0f} %",
            f"{result.difference:.0e}",
            str(result.unlike),
            result.reached,
        )
        for result in results
    ]
    return aligned(head, rows, texts=2)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where the numbers of a family differ."""
    arguments = _parsed(argv)
    results: list[Measured] = []
    for size in arguments.panel or ["7000x500", "1000x6300"]:
        sessions, assets = (int(part) for part in size.split("x"))
        panel = factor_panel(sessions, assets, arguments.seed, arguments.holes)
        frames, machine = Frames(panel), Machine.measured(panel)
        names = arguments.factors.split(",") if arguments.factors else sorted(PEERS)
        for name in names:
            results.append(measure_factor(name, panel, frames, arguments.repeats, machine))
            print(table(results[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    print(table(results))
    if not arguments.no_compiler:
        print(compiler_cost())
    if arguments.out:
        lines = [json.dumps(_record(result)) for result in results]
        arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if all(result.same for result in results) else 1


def _record(result: Measured) -> Mapping[str, object]:
    found = dataclasses.asdict(result)
    return {**found, "ratio": result.ratio, "share": result.share, "reached": result.reached}


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.factors", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--panel", action="append", help="sessions x assets; 7000x500 and 1000x6300 by default"
    )
    parser.add_argument("--factors", help="names, separated by commas; all by default")
    parser.add_argument("--holes", action="store_true", help="late listings and missing bars")
    parser.add_argument("--no-compiler", action="store_true", help="leave out what it costs")
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="write one JSON object a line")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
