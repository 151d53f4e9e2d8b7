"""Our lanes and their peers on the same panel, schedule and target weights.

python -m benchmarks.engines [--assets 1000] [--sessions 2520] [--side long_short] [--seed 7]
    [--engines factor,vectorbt_auto,...] [--repeats 5] [--vanilla-assets 200] [--json]
python -m benchmarks.engines --growth
python -m benchmarks.engines --memory

CPU seconds of one thread, without imports and compilation; medians of repeats that take turns.
What an engine needs in a form of its own, its frames of data, is made beforehand; its feeds,
engine and strategy objects are part of the time. Peers come from ``benchmarks/requirements.txt``;
those not installed are left out and named.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from benchmarks.contest import Engine, measure, missing
from benchmarks.growth import SIDES, extrapolate, measure_growth, measure_small
from benchmarks.lanes import LANES
from benchmarks.memory import measure_memory, memory_table
from benchmarks.panels import make_case
from benchmarks.peers.bt_peer import BT
from benchmarks.peers.numba_loop import NUMBA
from benchmarks.peers.vanilla import VANILLA
from benchmarks.peers.vectorbt_peer import VECTORBT
from benchmarks.report import (
    Line,
    growth_table,
    json_lines,
    lines_of,
    ratio_table,
    speed_table,
)
from feeds.errors import UserError

__all__ = ["ENGINES", "compare", "main"]

ENGINES = {engine.name: engine for engine in (*LANES, *VANILLA, BT, *VECTORBT, NUMBA)}
#: The limits are promised from this size on.
_JUDGED = (1000, 2520)
#: Memory is measured at the largest size that is promised.
_LARGE = (5000, 6300)
_GROWTH_ASSETS = (50, 200, 1000, 5000)
_GROWTH_SESSIONS = (2520, 6300)


def compare(
    engines: Sequence[Engine],
    assets: int,
    sessions: int,
    side: str,
    seed: int,
    repeats: int,
    vanilla_assets: int,
) -> list[Line]:
    """Lines of all engines at one size, vanilla's from smaller sizes where it is larger."""
    slow = [engine for engine in engines if engine in VANILLA]
    small = bool(slow) and vanilla_assets < assets
    case = make_case(assets, sessions, side, seed)
    now = [engine for engine in engines if not small or engine not in slow]
    lines = lines_of(measure(now, case, repeats))
    if small:
        grown = measure_small([LANES[0], *slow], vanilla_assets, sessions, side, seed)
        for engine in slow:
            own = [line for line in grown if line.engine == engine.name]
            lines += [*own, extrapolate(own, assets)]
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where a limit is missed, 2 on a user's mistake."""
    arguments = _parse(argv)
    try:
        if arguments.memory:
            return _show_memory(arguments)
        if arguments.growth:
            return _show_growth(arguments)
        return _show_speed(arguments)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2


def _show_speed(arguments: argparse.Namespace) -> int:
    engines, left_out = _chosen(arguments.engines)
    lines = compare(
        engines,
        arguments.assets,
        arguments.sessions,
        arguments.side,
        arguments.seed,
        arguments.repeats,
        arguments.vanilla_assets,
    )
    full = [line for line in lines if line.assets == arguments.assets]
    judged = arguments.assets >= _JUDGED[0] and arguments.sessions >= _JUDGED[1]
    ratios, held = ratio_table(full, judged)
    if arguments.json:
        print(json_lines(lines))
    else:
        print(_headline(arguments, lines), speed_table(lines), "", ratios, "", sep="\n")
        print("What each does otherwise:")
        for engine in engines:
            print(f"  {engine.title}: {engine.differs}")
        for text in left_out:
            print(text)
    return 0 if held else 1


def _headline(arguments: argparse.Namespace, lines: Sequence[Line]) -> str:
    decisions = lines[0].decisions if lines else 0
    return (
        f"{arguments.assets} assets x {arguments.sessions} sessions, {arguments.side} deciles, "
        f"{decisions} decisions, seed {arguments.seed}; CPU seconds of one thread"
    )


def _show_growth(arguments: argparse.Namespace) -> int:
    engines = [engine for engine in _chosen(arguments.engines)[0] if engine in LANES]
    if not engines:
        raise UserError("--growth shows our lanes only", "name factor, listened or general")
    found = measure_growth(
        engines, _GROWTH_ASSETS, _GROWTH_SESSIONS, arguments.repeats, arguments.seed
    )
    if arguments.json:
        for line in found:
            print(json_lines([line]), flush=True)
    else:
        print(growth_table(found))
    return 0


def _show_memory(arguments: argparse.Namespace) -> int:
    names = [engine.name for engine in _chosen(arguments.engines)[0] if engine in LANES]
    if not names:
        raise UserError("--memory shows our lanes only", "name factor, listened or general")
    found = measure_memory(
        names, arguments.assets, arguments.sessions, arguments.side, arguments.seed
    )
    if arguments.json:
        for measured in found:
            print(json.dumps(measured))
    else:
        print(memory_table(found))
    return 0


def _chosen(names: str | None) -> tuple[list[Engine], list[str]]:
    """Engines to be measured, and a sentence on each that cannot be."""
    wanted = list(ENGINES) if names is None else [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in ENGINES:
            raise UserError(f"--engines {name}: unknown", f"choose from {', '.join(ENGINES)}")
    engines, left_out = [], []
    for name in wanted:
        absent = missing(ENGINES[name])
        if absent:
            left_out.append(
                f"{name} left out: {', '.join(absent)} not installed "
                "(pip install -r benchmarks/requirements.txt)"
            )
        else:
            engines.append(ENGINES[name])
    if not engines:
        raise UserError(left_out[0], "")
    return engines, left_out


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.engines", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--assets", type=int, help="N; 1000, with --memory 5000")
    parser.add_argument("--sessions", type=int, help="T; 2520, with --memory 6300")
    parser.add_argument("--side", choices=SIDES, default="long_short")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=5, help="turns of each engine")
    parser.add_argument("--engines", help=f"comma-separated, of {', '.join(ENGINES)}")
    parser.add_argument(
        "--vanilla-assets",
        type=int,
        default=200,
        help="largest size at which Backtrader runs; beyond it its growth is extrapolated",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a result")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--growth", action="store_true", help="our lanes over N and T, both sides")
    what.add_argument("--memory", action="store_true", help="peak memory over a mapped panel")
    arguments = parser.parse_args(argv)
    assets, sessions = _LARGE if arguments.memory else _JUDGED
    arguments.assets = assets if arguments.assets is None else arguments.assets
    arguments.sessions = sessions if arguments.sessions is None else arguments.sessions
    least = {"assets": 10, "sessions": 60, "repeats": 1, "seed": 0, "vanilla_assets": 40}
    for name, bound in least.items():
        if getattr(arguments, name) < bound:
            parser.error(f"--{name.replace('_', '-')} must be at least {bound}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
