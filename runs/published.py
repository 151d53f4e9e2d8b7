"""Our factors held against published ones: tables, plots, and what each step of refinement gains.

python -m runs.published --data data/us --published french_daily.csv --start 2015-08-01
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from feeds.errors import ConfigError, DataError
from runs.command import (
    CommandParser,
    add_common_arguments,
    configure_logging,
    main_guard,
    report_console,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

    from feeds.store import DataSet

__all__ = ["Comparison", "compare_published", "main"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Constructions of ours beside the published factors.

    Parameters
    ----------
    table : DataFrame
        A row a construction and factor: ``case``, ``title``, then the columns of
        `analyzers.published.compare_series`.
    ours : dict of str to DataFrame
        Returns of each construction, by period.
    published : DataFrame
    frequency : {"daily", "weekly", "monthly"}
    notes : tuple of str
        What the data set lacks, in sentences.
    """

    table: pd.DataFrame
    ours: dict[str, pd.DataFrame]
    published: pd.DataFrame
    frequency: str
    notes: tuple[str, ...]


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = CommandParser(
        prog="python -m runs.published",
        description="Build the market, size, value, momentum, profitability and investment "
        "factors, or those of coins, and hold them against a published file.",
    )
    parser.add_argument("--data", type=Path, required=True, help="data set, made by runs.ingest")
    parser.add_argument(
        "--published", type=Path, required=True, metavar="FILE",
        help="CSV with date, mkt_rf, smb, hml, umd (or mom), rmw, cma, rf; daily or monthly; or "
        "with yyww, cmkt, csmb, cmom, weekly",
    )  # fmt: skip
    parser.add_argument("--percent", action="store_true", help="the file's returns are in percent")
    parser.add_argument("--start", metavar="DATE", help="first period compared")
    parser.add_argument("--end", metavar="DATE", help="last period compared")
    parser.add_argument(
        "--cases", metavar="A,B", help="constructions by name (default: all that the set allows)"
    )
    parser.add_argument(
        "--plot",
        metavar="NAME",
        help="construction that is plotted (default: refined, or the last)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("outputs/published"),
        help="folder of tables and plots (default: %(default)s)",
    )
    add_common_arguments(parser)
    return parser


def compare_published(
    folder: Path,
    file: Path,
    *,
    percent: bool = False,
    start: str | None = None,
    end: str | None = None,
    cases: Sequence[str] | None = None,
) -> Comparison:
    """Build every construction that a data set allows and compare it with a published file.

    Parameters
    ----------
    folder : Path
        A data set.
    file : Path
        Published returns, as `runs.published_file.read_published_file` reads them.
    percent : bool
        Whether they are in percent.
    start, end : str, optional
        First and last day compared, ISO.
    cases : sequence of str, optional
        Constructions by name.

    Raises
    ------
    UserError
        If the set or the file cannot be read, or they have no period in common.
    """
    import pandas as pd

    from analyzers.published import compare_series
    from feeds.store import load_dataset
    from runs.published_file import PERIODS, read_published_file

    published, frequency = read_published_file(file, percent=percent)
    data = load_dataset(folder, calendar="24/7" if frequency == "weekly" else "XNYS")
    window = _window(published, start, end)
    published = published[window]
    parts, ours = [], {}
    for name, title, returns in _built(data, published, frequency, cases):
        logger.info("%s: %s", name, title)
        ours[name] = returns.reindex(published.index)
        table = compare_series(ours[name], published, periods_per_year=PERIODS[frequency])
        parts.append(table.assign(case=name, title=title))
    table = pd.concat(parts, ignore_index=True)
    table = table[["case", "title", *[c for c in table if c not in ("case", "title")]]]
    if not (table["periods"] > 0).any():
        raise DataError(
            f"{file} and {folder} have no period in common",
            f"the set covers {data.panel.dates[0]}..{data.panel.dates[-1]}",
        )
    return Comparison(table, ours, published, frequency, data.limits)


def _built(
    data: DataSet, published: pd.DataFrame, frequency: str, names: Sequence[str] | None
) -> list[tuple[str, str, pd.DataFrame]]:
    """Name, title and returns of each construction."""
    if frequency == "weekly":
        from factors.crypto_three import crypto_three

        if names not in (None, ["coins"]):
            raise ConfigError(f"--cases {','.join(names)}: weeks are of coins", "use --cases coins")
        found = crypto_three(data.panel)[["cmkt", "csmb", "cmom"]]
        return [("coins", "market, size and momentum of coins, weeks of their authors", found)]
    from runs.published_cases import Inputs, build_case, choose_cases

    inputs = Inputs(data)
    built = []
    for case in choose_cases(inputs.panel, names):
        factors = build_case(case, inputs)
        returns = factors.returns(published.get("rf"), monthly=frequency == "monthly")
        built.append((case.name, case.title, returns))
    return built


def _window(published: pd.DataFrame, start: str | None, end: str | None) -> np.ndarray:
    """(T,) bool: periods from `start` to `end`."""
    import numpy as np
    import pandas as pd

    from factors.coin_weeks import week_labels

    inside = np.ones(len(published), dtype=bool)
    for option, text in (("--start", start), ("--end", end)):
        if text is None:
            continue
        day = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
        if pd.isna(day):
            raise ConfigError(f"{option} {text!r} is no date", "write year-month-day: 2015-08-01")
        edge = day
        if published.index.name == "week":
            edge = int(week_labels(np.array([day.to_numpy()]).astype("datetime64[D]"))[0])
        inside &= np.array(
            published.index >= edge if option == "--start" else published.index <= edge
        )
    return inside


def build_figures(found: Comparison, case: str) -> dict[str, Figure]:
    """The figures of one construction by file name."""
    from analyzers.figures_published import plot_cumulative, plot_differences, plot_scatter

    rows = found.table[found.table["case"] == case]
    ours, published = found.ours[case], found.published
    notes = {
        row.factor: f"correlation {row.correlation:.{4 if row.correlation > 0.99 else 3}f}, "
        f"slope {row.slope:.2f}"
        for row in rows.itertuples()
        if row.periods > 2
    }
    subtitle = f"{case}: {rows['title'].iloc[0]}; {found.frequency} returns"
    figures = {"published_scatter": plot_scatter(ours, published, notes, subtitle=subtitle)}
    if found.frequency == "weekly":
        from factors.coin_weeks import week_ends

        dates = week_ends(published.index.to_numpy()).astype("datetime64[ns]")
        ours, published = ours.set_axis(dates), published.set_axis(dates)
    figures["published_cumulative"] = plot_cumulative(ours, published, notes, subtitle=subtitle)
    figures["published_differences"] = plot_differences(ours, published, notes, subtitle=subtitle)
    return figures


def output_files(found: Comparison, folder: Path) -> dict[Path, bytes]:
    """Content by path: the comparison, and the returns of every construction in long form."""
    import pandas as pd

    series = pd.concat({"published": found.published, **found.ours}, names=["case"])
    tables = {
        "published.csv": found.table,
        "published_returns.csv": series.reset_index(),
    }
    return {
        folder / name: table.to_csv(index=False, lineterminator="\n").encode()
        for name, table in tables.items()
    }


def _names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise ConfigError(f"--cases {text!r} has an empty or repeated name", "write --cases plain")
    return names


@main_guard
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 2 on a user's mistake."""
    arguments = build_parser().parse_args(argv)
    configure_logging(quiet=arguments.quiet, verbose=arguments.verbose)
    found = compare_published(
        arguments.data,
        arguments.published,
        percent=arguments.percent,
        start=arguments.start,
        end=arguments.end,
        cases=_names(arguments.cases),
    )
    case = arguments.plot or ("refined" if "refined" in found.ours else list(found.ours)[-1])
    if case not in found.ours:
        raise ConfigError(
            f"--plot {case!r} is no construction of this run", f"built: {', '.join(found.ours)}"
        )
    from analyzers.figures import save_figures
    from runs.factors import write_files

    files: Mapping[Path, bytes] = output_files(found, arguments.out)
    write_files(files)
    paths = [*files, *save_figures(build_figures(found, case), arguments.out)]
    if not arguments.quiet:
        from runs.published_terminal import print_comparison

        print_comparison(found, paths, report_console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
