"""Turns in CPU seconds: what an engine of the comparison is, and how it is timed."""

from __future__ import annotations

import gc
import importlib.util
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from threadpoolctl import threadpool_limits

from benchmarks.panels import Case, make_case

__all__ = ["Engine", "Outcome", "Result", "measure", "measure_cases", "missing"]


@dataclass(frozen=True)
class Outcome:
    """What a run came to: the account's value at the last close, and how many fills it took."""

    final_value: float
    fills: int


@dataclass(frozen=True)
class Engine:
    """One engine of the comparison.

    Parameters
    ----------
    name, title : str
        For the command line, and for tables.
    prepare : callable
        Case to a function of no arguments that makes the run. What `prepare` does, the
        engine's own form of the data, is not timed; the function is, the making of its feeds,
        engine and strategy objects included.
    differs : str
        What it does otherwise than our lanes, in one sentence.
    needs : tuple of str
        Modules without which it is left out.
    turns : int
        Most repeats: slow engines vary little.
    """

    name: str
    title: str
    prepare: Callable[[Case], Callable[[], Outcome]]
    differs: str
    needs: tuple[str, ...] = ()
    turns: int = 100


@dataclass
class Result:
    """CPU seconds of one engine on one case, and what it came to."""

    engine: Engine
    case: Case
    seconds: list[float] = field(default_factory=list)
    outcome: Outcome | None = None

    @property
    def cpu(self) -> float:
        """Median CPU seconds."""
        return statistics.median(self.seconds)


def missing(engine: Engine) -> list[str]:
    """Modules that the engine needs and that are not installed."""
    return [name for name in engine.needs if importlib.util.find_spec(name) is None]


def measure(engines: Sequence[Engine], case: Case, repeats: int) -> list[Result]:
    """Time engines on one case; see :func:`measure_cases`."""
    return measure_cases(engines, [case], repeats)


def measure_cases(engines: Sequence[Engine], cases: Sequence[Case], repeats: int) -> list[Result]:
    """Time each engine on each case `repeats` times, all taking turns, on one thread.

    Turns, so that whatever else the machine does falls on all that is compared. A small case
    that is not counted comes first, so that imports and compilation are done. The collector
    starts every turn with nothing to collect, and does not look through what the imports of
    another engine have left.
    """
    results = [Result(engine, case) for case in cases for engine in engines]
    with threadpool_limits(limits=1):
        small = make_case(12, 70, cases[0].side, seed=0)
        for engine in engines:
            engine.prepare(small)()
        gc.collect()
        gc.freeze()
        for turn in range(repeats):
            for result in results:
                if turn < result.engine.turns:
                    _take_turn(result)
        gc.unfreeze()
    return results


def _take_turn(result: Result) -> None:
    run = result.engine.prepare(result.case)
    gc.collect()
    start = time.process_time()
    result.outcome = run()
    result.seconds.append(time.process_time() - start)
