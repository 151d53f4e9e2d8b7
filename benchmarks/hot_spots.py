"""Where the time of a lane goes: functions by their own time and with what they call.

python -m benchmarks.hot_spots --lane general [--assets 1000] [--sessions 2520] [--top 25]
python -m benchmarks.hot_spots --phases

A lane is run again and again, and every few milliseconds of CPU the stack is looked at: unlike
a tracing profiler this leaves the proportions as they are. What is written in C counts for the
function that called it. ``--phases`` times the stages of the factor lane instead, see
:mod:`benchmarks.phases`.
"""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

from benchmarks.contest import Engine
from benchmarks.growth import SIDES
from benchmarks.lanes import LANES
from benchmarks.panels import Case, make_case
from benchmarks.peers.vanilla import VANILLA
from benchmarks.phases import measure_phases, phase_table
from benchmarks.tables import aligned

__all__ = ["Samples", "main", "sample", "samples_table"]

_PLACES = ("backtrader", "numpy", "pandas", "strategies", "feeds", "benchmarks")
_PROFILED = {engine.name: engine for engine in (*LANES, *VANILLA)}
#: Seconds of CPU between two looks at the stack; the system may round it up.
_EVERY = 0.001


class Samples:
    """Looks at the stack: how often each function was on top of it, and how often on it."""

    def __init__(self) -> None:
        self.count = 0
        self.own: Counter[CodeType] = Counter()
        self.within: Counter[CodeType] = Counter()
        self.seconds = self.collecting = 0.0
        self.runs = 0
        self._began = 0.0

    def look(self, frame: FrameType | None) -> None:
        """Count one stack."""
        self.count += 1
        self.own[frame.f_code] += 1
        seen = set()
        while frame is not None:
            seen.add(frame.f_code)
            frame = frame.f_back
        self.within.update(seen)

    def collected(self, phase: str, _: dict) -> None:
        """A callback for the garbage collector: its time is spread over whoever made objects."""
        now = time.process_time()
        if phase == "start":
            self._began = now
        else:
            self.collecting += now - self._began

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look at the stack at intervals of CPU time meanwhile."""
        before = signal.signal(signal.SIGPROF, lambda _, frame: self.look(frame))
        gc.callbacks.append(self.collected)
        signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
        start = time.process_time()
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0.0)
            self.seconds += time.process_time() - start
            self.runs += 1
            gc.callbacks.remove(self.collected)
            signal.signal(signal.SIGPROF, before)


def sample(engine: Engine, case: Case, seconds: float) -> Samples:
    """Runs of an engine, one after the other, until they took `seconds` of CPU in all."""
    engine.prepare(case)()
    samples = Samples()
    while samples.seconds < seconds:
        run = engine.prepare(case)
        gc.collect()
        with samples.looking():
            run()
    return samples


def samples_table(samples: Samples, top: int) -> str:
    """Modules and functions by their share of the time."""
    modules: Counter[str] = Counter()
    for code, count in samples.own.items():
        modules[_place(code)] += count

    def share(count: int) -> str:
        return f"{100 * count / samples.count:.1f} %"

    by_module = sorted(modules.items(), key=lambda item: (-item[1], item[0]))[:top]
    ranked = sorted(samples.within, key=lambda code: (-samples.own[code], _name(code)))[:top]
    mean = samples.seconds / samples.runs
    collector = 100 * samples.collecting / samples.seconds
    return "\n\n".join(
        [
            f"{mean:.4f} s CPU a run, {samples.runs} runs, {samples.count} looks; garbage "
            f"collector {collector:.1f} %",
            aligned(("module", "own time"), [[name, share(count)] for name, count in by_module]),
            aligned(
                ("function", "own time", "with callees"),
                [
                    [_name(code), share(samples.own[code]), share(samples.within[code])]
                    for code in ranked
                ],
            ),
        ]
    )


def _name(code: CodeType) -> str:
    return f"{_place(code)}: {code.co_qualname}"


def _place(code: CodeType) -> str:
    """A module's path within its package."""
    parts = Path(code.co_filename).parts
    for name in _PLACES:
        if name in parts:
            return "/".join(parts[len(parts) - 1 - parts[::-1].index(name) :])
    return Path(code.co_filename).name


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
    parser.add_argument("--seconds", type=float, default=5.0, help="CPU to be looked at")
    parser.add_argument("--phases", action="store_true", help="stages of the factor lane")
    arguments = parser.parse_args(argv)
    case = make_case(arguments.assets, arguments.sessions, arguments.side, arguments.seed)
    if arguments.phases:
        print(phase_table(measure_phases(case, repeats=7), len(case.rows)))
        return 0
    samples = sample(_PROFILED[arguments.lane], case, arguments.seconds)
    print(samples_table(samples, arguments.top))
    return 0


if __name__ == "__main__":
    sys.exit(main())
