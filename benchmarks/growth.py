"""How CPU grows: vanilla Backtrader from small sizes, our lanes up to large ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from benchmarks.contest import Engine, measure, measure_cases
from benchmarks.panels import case_of, make_case, make_panel
from benchmarks.report import Line, lines_of

__all__ = ["SIDES", "extrapolate", "measure_growth", "measure_small"]

SIDES = ("long_only", "long_short")


def measure_small(
    engines: Sequence[Engine], largest: int, sessions: int, side: str, seed: int
) -> list[Line]:
    """Slow engines at a quarter, a half and the whole of `largest` assets, once each.

    The first of `engines` is our factor lane, with which their final values are compared; its
    own lines are left out.
    """
    lines: list[Line] = []
    for assets in (largest // 4, largest // 2, largest):
        case = make_case(assets, sessions, side, seed)
        lines += lines_of(measure(engines, case, repeats=1))[1:]
    return lines


def extrapolate(lines: Iterable[Line], assets: int) -> Line:
    """What one engine would take at `assets`, from its two largest sizes.

    The lower of a straight line through both and of a constant cost an asset, so that the guess
    does not flatter whatever is compared with it.
    """
    small, large = sorted(lines, key=lambda line: line.assets)[-2:]
    slope = (large.cpu_seconds - small.cpu_seconds) / (large.assets - small.assets)
    straight = large.cpu_seconds + slope * (assets - large.assets)
    seconds = min(straight, large.cpu_seconds * assets / large.assets)
    return replace(
        large,
        assets=assets,
        cpu_seconds=seconds,
        least=seconds,
        most=seconds,
        repeats=0,
        difference=None,
        extrapolated=True,
    )


def measure_growth(
    engines: Sequence[Engine],
    assets: Sequence[int],
    sessions: Sequence[int],
    repeats: int,
    seed: int,
) -> Iterator[Line]:
    """Every engine on both sides at every size, small ones first.

    All lengths and sides of one number of assets take turns: a difference between them is
    theirs, and not one of the hour.
    """
    for columns in assets:
        panels = [make_panel(columns, rows, seed) for rows in sessions]
        cases = [case_of(panel, side, seed) for side in SIDES for panel in panels]
        yield from lines_of(measure_cases(engines, cases, repeats), compared=False)
