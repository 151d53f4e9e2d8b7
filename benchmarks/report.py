"""The comparison's lines, ratios and tables."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from benchmarks.contest import Result

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


def lines_of(results: Iterable[Result]) -> list[Line]:
    """Lines of results on one case, compared with our factor lane where it took part."""
    results = list(results)
    ours = [result for result in results if result.engine.name == "factor"]
    reference = ours[0].outcome.final_value if ours else None
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
    head = f"{'engine':<52} {'N':>5} {'CPU s':>9} {'min..max':>19} {'fills':>7} {'value':>12}"
    rows = [f"{head} {'difference':>10}"]
    for line in lines:
        spread = "extrapolated" if line.extrapolated else f"{line.least:.4f}..{line.most:.4f}"
        value = "" if line.extrapolated else f"{line.final_value:.2f}"
        fills = "" if line.extrapolated else str(line.fills)
        known = not line.extrapolated and line.difference is not None
        difference = f"{line.difference:.1e}" if known else ""
        rows.append(
            f"{line.title:<52} {line.assets:>5} {line.cpu_seconds:>9.4f} {spread:>19} "
            f"{fills:>7} {value:>12} {difference:>10}"
        )
    return "\n".join(rows)


def ratio_table(lines: Iterable[Line], judged: bool) -> tuple[str, bool]:
    """Ratios of CPU, and whether all limits hold; without a verdict where not `judged`."""
    cpu = {line.engine: line.cpu_seconds for line in lines}
    rows, held = [], True
    for ratio in RATIOS:
        if ratio.above not in cpu or ratio.below not in cpu:
            continue
        value = cpu[ratio.above] / cpu[ratio.below]
        text = f"{ratio.above + ' / ' + ratio.below:<32} {value:>10.1f}"
        for name, bound in (("limit", ratio.limit), ("aim", ratio.aim)):
            if bound is None:
                continue
            text += f"   {name}: {'at most' if ratio.at_most else 'at least'} {bound:g}"
            if judged:
                text += " (holds)" if ratio.holds(value, bound) else " (missed)"
        if judged and ratio.limit is not None:
            held = held and ratio.holds(value, ratio.limit)
        rows.append(text)
    return "\n".join(rows), held


def growth_table(lines: Iterable[Line]) -> str:
    """CPU, CPU a fill and CPU an asset-bar by engine, side and size."""
    rows = [
        f"{'engine':<9} {'side':<10} {'T':>5} {'N':>5} {'fills':>7} {'CPU s':>9} "
        f"{'us a fill':>10} {'ns an asset-bar':>16}"
    ]
    for line in lines:
        rows.append(
            f"{line.engine:<9} {line.side:<10} {line.sessions:>5} {line.assets:>5} "
            f"{line.fills:>7} {line.cpu_seconds:>9.4f} {line.per_fill:>10.2f} "
            f"{line.per_asset_bar:>16.2f}"
        )
    return "\n".join(rows)
