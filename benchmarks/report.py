"""The comparison's lines, ratios and tables."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from benchmarks.contest import Result
from benchmarks.tables import aligned

__all__ = [
    "RATIOS",
    "Line",
    "Ratio",
    "growth_table",
    "lines_of",
    "json_lines",
    "ratio_table",
    "speed_table",
]


@dataclass(frozen=True)
class Line:
    """One engine on one case.

    Parameters
    ----------
    cpu_seconds, least, most : float
        Median, smallest and largest of the repeats.
    difference : float or None
        Relative difference of the final value to that of our factor lane.
    extrapolated : bool
        True where CPU seconds are not measured but follow from smaller cases.
    """

    engine: str
    title: str
    assets: int
    sessions: int
    side: str
    decisions: int
    fills: int
    cpu_seconds: float
    least: float
    most: float
    repeats: int
    final_value: float
    difference: float | None
    extrapolated: bool = False

    @property
    def per_fill(self) -> float:
        """CPU microseconds a fill."""
        return 1e6 * self.cpu_seconds / self.fills

    @property
    def per_asset_bar(self) -> float:
        """CPU nanoseconds an asset and session."""
        return 1e9 * self.cpu_seconds / (self.assets * self.sessions)


@dataclass(frozen=True)
class Ratio:
    """CPU of one engine over that of another, with what is asked of it.

    Parameters
    ----------
    above, below : str
        Names of the engines.
    limit, aim : float or None
        At least so much; at most, where `at_most`.
    """

    above: str
    below: str
    limit: float | None = None
    aim: float | None = None
    at_most: bool = False

    def holds(self, value: float, bound: float) -> bool:
        """Whether a measured ratio is on the right side of a bound."""
        return value <= bound if self.at_most else value >= bound


RATIOS = (
    Ratio("vanilla", "factor", 2000),
    Ratio("vanilla_defaults", "factor"),
    Ratio("vectorbt_auto", "factor", 20, 50),
    Ratio("vectorbt_rust", "factor"),
    Ratio("vectorbt_expert", "factor", 2, 5),
    Ratio("vectorbt_flexible", "factor"),
    Ratio("bt", "factor"),
    Ratio("factor", "numba", 20, 3, at_most=True),
    Ratio("vanilla", "general", 100),
    Ratio("vanilla", "listened", 100),
)


def lines_of(results: Iterable[Result], compared: bool = True) -> list[Line]:
    """Lines of results; where they are of one case, `compared` with our factor lane's."""
    results = list(results)
    ours = [result for result in results if result.engine.name == "factor"]
    reference = ours[0].outcome.final_value if ours and compared else None
    return [_line(result, reference) for result in results]


def _line(result: Result, reference: float | None) -> Line:
    sessions, assets = result.case.panel.shape
    value = result.outcome.final_value
    return Line(
        engine=result.engine.name,
        title=result.engine.title,
        assets=assets,
        sessions=sessions,
        side=result.case.side,
        decisions=len(result.case.rows),
        fills=result.outcome.fills,
        cpu_seconds=result.cpu,
        least=min(result.seconds),
        most=max(result.seconds),
        repeats=len(result.seconds),
        final_value=value,
        difference=None if reference is None else value / reference - 1.0,
    )


def json_lines(lines: Iterable[Line]) -> str:
    """One JSON object a line."""
    return "\n".join(json.dumps(asdict(line)) for line in lines)


def speed_table(lines: Iterable[Line]) -> str:
    """Engines with CPU, fills, final value and its difference to our factor lane's."""
    head = ("engine", "N", "CPU s", "min..max", "fills", "final value", "difference")
    return aligned(head, [_speed_row(line) for line in lines])


def _speed_row(line: Line) -> list[str]:
    start = [line.title, str(line.assets), f"{line.cpu_seconds:.4f}"]
    if line.extrapolated:
        return [*start, "extrapolated", "", "", ""]
    difference = "" if line.difference is None else f"{line.difference:.1e}"
    spread = f"{line.least:.4f}..{line.most:.4f}" if line.repeats > 1 else "once"
    return [*start, spread, str(line.fills), f"{line.final_value:.2f}", difference]


def ratio_table(lines: Iterable[Line], judged: bool) -> tuple[str, bool]:
    """Ratios of CPU, and whether all limits hold; without a verdict where not `judged`."""
    cpu = {line.engine: line.cpu_seconds for line in lines}
    rows, held = [], True
    for ratio in RATIOS:
        if ratio.above not in cpu or ratio.below not in cpu:
            continue
        value = cpu[ratio.above] / cpu[ratio.below]
        bounds = [_bound(ratio, value, bound, judged) for bound in (ratio.limit, ratio.aim)]
        rows.append([f"{ratio.above} / {ratio.below}", f"{value:.1f}", *bounds])
        if judged and ratio.limit is not None:
            held = held and ratio.holds(value, ratio.limit)
    return aligned(("CPU ratio", "measured", "limit", "aim"), rows), held


def _bound(ratio: Ratio, value: float, bound: float | None, judged: bool) -> str:
    if bound is None:
        return ""
    verdict = "holds" if ratio.holds(value, bound) else "missed"
    text = f"{'at most' if ratio.at_most else 'at least'} {bound:,g}"
    return f"{text}: {verdict}" if judged else text


def growth_table(lines: Iterable[Line]) -> str:
    """CPU, CPU a fill and CPU an asset-bar by engine, side and size."""
    head = ("engine", "side", "T", "N", "fills", "CPU s", "us a fill", "ns an asset-bar")
    rows = [
        [
            line.engine,
            line.side,
            str(line.sessions),
            str(line.assets),
            str(line.fills),
            f"{line.cpu_seconds:.4f}",
            f"{line.per_fill:.2f}",
            f"{line.per_asset_bar:.2f}",
        ]
        for line in lines
    ]
    return aligned(head, rows, texts=2)
