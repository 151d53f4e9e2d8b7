"""Factor families against the plain pandas expression of each, on the same panel in one run.

python -m benchmarks.factors [--panel 7000x500] [--panel 1000x6300] [--holes] [--out FILE]

CPU of both, the largest difference of their scores, and for what moves more than it computes
the bandwidth reached beside that of a plain copy. ``--holes`` lists a third of the assets late
and takes out one bar in fifty.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.factor_peers import PEERS, Frames
from benchmarks.panels import make_panel
from benchmarks.tables import aligned
from factors import get_factor
from feeds.panel import Panel

__all__ = ["Measured", "factor_panel", "main", "measure_factor"]

#: What every family should reach: so many times pandas, or that share of the copy's bandwidth.
_TIMES, _SHARE = 5.0, 0.7


@dataclasses.dataclass(frozen=True)
class Measured:
    """One family on one panel.

    Parameters
    ----------
    ours, pandas : float
        CPU seconds, the least of the repeats.
    difference : float
        Largest relative difference of two scores, of those known to both.
    unlike : int
        Scores that only one of them knows.
    bandwidth : float
        Bytes a second of ours, every field read once and the scores written once.
    copy : float
        Bytes a second of ``np.copyto``.
    """

    factor: str
    panel: str
    ours: float
    pandas: float
    difference: float
    unlike: int
    bandwidth: float
    copy: float

    @property
    def ratio(self) -> float:
        """CPU of pandas over ours."""
        return self.pandas / self.ours

    @property
    def reached(self) -> bool:
        """Whether the family is fast enough and its numbers are the same."""
        fast = self.ratio >= _TIMES or self.bandwidth >= _SHARE * self.copy
        return fast and self.difference <= 1e-9 and self.unlike == 0


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
    cap = bars["close"] * shares
    book = np.broadcast_to(shares * rng.uniform(5.0, 80.0, assets), panel.shape)
    return dataclasses.replace(
        panel, **bars, tradable=known, market_cap=cap, book_equity=book.copy(), checked=True
    )


def measure_factor(name: str, panel: Panel, frames: Frames, repeats: int, copy: float) -> Measured:
    """Time a family and its peer in turns, and compare their scores."""
    peer = PEERS[name]
    entry = get_factor(*peer.factor)
    given = peer.parameters(panel.shape[0])
    ours, ours_seconds, theirs, pandas_seconds = None, [], None, []
    for _ in range(repeats):
        # A panel that has cached nothing yet.
        fresh = dataclasses.replace(panel, checked=True)
        ours, seconds = _timed(lambda: entry.scores(fresh, **given))
        ours_seconds.append(seconds)
    for _ in range(max(repeats // 2, 1)):
        theirs, seconds = _timed(lambda: peer.scores(frames, **given))
        pandas_seconds.append(seconds)
    difference, unlike = _compared(ours, theirs.to_numpy())
    moved = 8.0 * panel.close.size * (len(entry.fields) + 1)
    return Measured(
        factor=name,
        panel="x".join(map(str, panel.shape)),
        ours=min(ours_seconds),
        pandas=min(pandas_seconds),
        difference=difference,
        unlike=unlike,
        bandwidth=moved / min(ours_seconds),
        copy=copy,
    )


def copy_bandwidth(panel: Panel, repeats: int = 7) -> float:
    """Bytes a second that ``np.copyto`` reads and writes."""
    target = np.zeros(panel.shape)
    seconds = [_timed(lambda: np.copyto(target, panel.close))[1] for _ in range(repeats)]
    return 2.0 * target.nbytes / min(seconds)


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
    head = ("panel", "factor", "ours ms", "pandas ms", "pandas / ours", "difference", "unlike",
            "GB/s", "of a copy", "")  # fmt: skip
    rows = [
        (
            result.panel,
            result.factor,
            f"{1e3 * result.ours:.1f}",
            f"{1e3 * result.pandas:.1f}",
            f"{result.ratio:.1f}",
            f"{result.difference:.0e}",
            str(result.unlike),
            f"{result.bandwidth / 1e9:.1f}",
            f"{100 * result.bandwidth / result.copy:.0f} %",
            "reached" if result.reached else "missed",
        )
        for result in results
    ]
    return aligned(head, rows, texts=2)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where a family is too slow or its numbers differ."""
    arguments = _parsed(argv)
    results: list[Measured] = []
    for size in arguments.panel or ["7000x500", "1000x6300"]:
        sessions, assets = (int(part) for part in size.split("x"))
        panel = factor_panel(sessions, assets, arguments.seed, arguments.holes)
        frames, copy = Frames(panel), copy_bandwidth(panel)
        names = arguments.factors.split(",") if arguments.factors else sorted(PEERS)
        for name in names:
            results.append(measure_factor(name, panel, frames, arguments.repeats, copy))
            print(table(results[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    print(table(results))
    if arguments.out:
        lines = [json.dumps(_record(result)) for result in results]
        arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if all(result.reached for result in results) else 1


def _record(result: Measured) -> Mapping[str, object]:
    return {**dataclasses.asdict(result), "ratio": result.ratio, "reached": result.reached}


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.factors", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--panel", action="append", help="sessions x assets; 7000x500 and 1000x6300 by default"
    )
    parser.add_argument("--factors", help="names, separated by commas; all by default")
    parser.add_argument("--holes", action="store_true", help="late listings and missing bars")
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="write one JSON object a line")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
