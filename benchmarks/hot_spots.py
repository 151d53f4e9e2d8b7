"""Where the time of a lane goes: functions by their own time, and sums by module.

python -m benchmarks.hot_spots --lane general [--assets 1000] [--sessions 2520] [--top 25]
python -m benchmarks.hot_spots --phases

``--phases`` times the stages of the factor lane instead, see :mod:`benchmarks.phases`. The
shares are those of cProfile, which charges every call about a microsecond: small functions look
larger than they are. The seconds above them are those of a run without it.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.contest import Outcome
from benchmarks.growth import SIDES
from benchmarks.lanes import LANES
from benchmarks.panels import Case, make_case
from benchmarks.peers.vanilla import VANILLA
from benchmarks.phases import measure_phases, phase_table
from benchmarks.tables import aligned

__all__ = ["main", "profile_table"]

_PLACES = ("backtrader", "numpy", "pandas", "strategies", "feeds", "benchmarks")
_PROFILED = {engine.name: engine for engine in (*LANES, *VANILLA)}


def profile_table(prepare: Callable[[Case], Callable[[], Outcome]], case: Case, top: int) -> str:
    """Profile one run, the second of its kind, and set out its functions and modules."""
    prepare(case)()
    run = prepare(case)
    start = time.process_time()
    run()
    seconds = time.process_time() - start
    run = prepare(case)
    profile = cProfile.Profile()
    profile.runcall(run)
    stats = pstats.Stats(profile).stats
    total = sum(own for _, _, own, _, _ in stats.values())
    modules: dict[str, list[float]] = defaultdict(lambda: [0.0, 0])
    functions = []
    for (path, _, name), (_, calls, own, _, _) in stats.items():
        place = _place(path)
        modules[place][0] += own
        modules[place][1] += calls
        functions.append((own, calls, f"{place}: {name}"))
    by_module = [(own, calls, place) for place, (own, calls) in modules.items()]
    return "\n\n".join(
        [
            f"{seconds:.4f} s CPU without the profile, {total:.4f} s with it",
            _top_table("module", by_module, total, top),
            _top_table("function", functions, total, top),
        ]
    )


def _top_table(what: str, entries: list[tuple[float, int, str]], total: float, top: int) -> str:
    ranked = sorted(entries, key=lambda entry: (-entry[0], entry[2]))[:top]
    rows = [[text, f"{100 * own / total:.1f} %", str(calls)] for own, calls, text in ranked]
    return aligned((what, "own time", "calls"), rows)


def _place(path: str) -> str:
    """A module's name within its package; ``built-in`` for what is written in C."""
    parts = Path(path).parts
    for name in _PLACES:
        if name in parts:
            return "/".join(parts[len(parts) - 1 - parts[::-1].index(name) :])
    return "built-in" if path.startswith("~") else Path(path).name


def main(argv: Sequence[str] | None = None) -> int:
    """Profile one lane and print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hot_spots", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--lane", choices=sorted(_PROFILED), default="factor")
    parser.add_argument("--assets", type=int, default=1000)
    parser.add_argument("--sessions", type=int, default=2520)
    parser.add_argument("--side", choices=SIDES, default="long_short")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--top", type=int, default=25, help="rows of each table")
    parser.add_argument("--phases", action="store_true", help="stages of the factor lane")
    arguments = parser.parse_args(argv)
    case = make_case(arguments.assets, arguments.sessions, arguments.side, arguments.seed)
    if arguments.phases:
        print(phase_table(measure_phases(case, repeats=7), len(case.rows)))
        return 0
    print(profile_table(_PROFILED[arguments.lane].prepare, case, arguments.top))
    return 0


if __name__ == "__main__":
    sys.exit(main())
