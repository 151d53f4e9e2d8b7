"""Attribution of any return series: exposures, alpha and contributions that add up to it.

python -m runs.attribution --returns outputs/runs/latest --factors outputs/results.pkl
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from feeds.errors import ConfigError
from runs.command import (
    CommandParser,
    add_common_arguments,
    configure_logging,
    main_guard,
    report_console,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["main"]

logger = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = CommandParser(
        prog="python -m runs.attribution",
        description="Regress a return series on factors: exposures, alpha with Newey-West "
        "errors, and contributions that add up to the return; on all dates and on a moving "
        "window.",
    )
    parser.add_argument(
        "--returns", type=Path, required=True, metavar="PATH", help="a run's folder, or a CSV"
    )
    parser.add_argument(
        "--factors",
        type=Path,
        required=True,
        metavar="PATH",
        help="factor_returns.csv, published_monthly.csv, a file of French's library, a "
        "results.pkl (which runs code when read: only one that you wrote), or a folder of one",
    )
    parser.add_argument("--column", metavar="NAME", help="the return, where a CSV has several")
    parser.add_argument("--prices", action="store_true", help="the CSV holds prices, not returns")
    for side in ("returns", "factors"):
        parser.add_argument(
            f"--{side}-in",
            choices=("decimal", "percent"),
            default="decimal",
            help=f"unit of the {side} (default: %(default)s)",
        )
    parser.add_argument(
        "--select", metavar="A,B", help="factors to use (default: all columns but rf)"
    )
    parser.add_argument(
        "--rf",
        metavar="NAME|RATE",
        help="subtracted from the return: a column of the factors, or a rate a year; 0 for "
        "returns that are in excess or cost nothing to hold (default: column rf, if there)",
    )
    parser.add_argument(
        "--window", type=int, metavar="N", help="dates of the moving window (default: a year of "
        "days or weeks, three years of months)",
    )  # fmt: skip
    parser.add_argument("--lags", type=int, metavar="N", help="Newey-West lags (default: by size)")
    parser.add_argument(
        "--dimson",
        type=int,
        default=0,
        metavar="N",
        help="lags of each factor, whose slopes are added up: 1 where closes are hours apart, as "
        "between equities and coins",
    )
    parser.add_argument("--start", metavar="DATE", help="first date used")
    parser.add_argument("--end", metavar="DATE", help="last date used")
    parser.add_argument("--periods-per-year", type=int, metavar="N", help="instead of 12, 52, 252 "
                        "or, with weekends, 365")  # fmt: skip
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("outputs/attribution"),
        help="folder of tables and plots (default: %(default)s)",
    )
    add_common_arguments(parser)
    return parser


def _inputs(arguments: argparse.Namespace) -> tuple[pd.Series, pd.DataFrame, dict[str, str]]:
    from analyzers.attribution_study import RF
    from runs.return_files import load_factors, load_returns

    returns = load_returns(
        arguments.returns,
        column=arguments.column,
        prices=arguments.prices,
        units=arguments.returns_in,
    )
    factors, labels = load_factors(arguments.factors, units=arguments.factors_in)
    if arguments.select is not None:
        rates = [name for name in factors if str(name).lower() == RF or name == arguments.rf]
        names = [name.strip() for name in arguments.select.split(",")]
        missing = [name for name in names if name not in factors]
        if missing or len(set(names)) < len(names):
            raise ConfigError(
                f"--select {arguments.select}: "
                + (f"no factor is called {missing[0]}" if missing else "a name stands twice"),
                f"{arguments.factors} has {', '.join(map(str, factors.columns))}",
            )
        factors = factors[[*names, *(name for name in rates if name not in names)]]
    span = slice(arguments.start, arguments.end)
    return returns.loc[span], factors.loc[span], labels


def _rate(text: str | None) -> str | float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def _check(arguments: argparse.Namespace) -> None:
    import pandas as pd

    for name, least in (("window", 2), ("lags", 0), ("dimson", 0), ("periods_per_year", 1)):
        value = getattr(arguments, name)
        if value is not None and value < least:
            option = name.replace("_", "-")
            raise ConfigError(f"--{option} {value} is under {least}", f"use {least} or more")
    for name in ("start", "end"):
        value = getattr(arguments, name)
        if value is not None and pd.isna(pd.to_datetime(value, format="%Y-%m-%d", errors="coerce")):
            raise ConfigError(f"--{name} {value} is not a date", "write it as 2016-12-30")


@main_guard
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 2 on a user's mistake."""
    arguments = build_parser().parse_args(argv)
    configure_logging(quiet=arguments.quiet, verbose=arguments.verbose)
    _check(arguments)
    returns, factors, labels = _inputs(arguments)
    from analyzers.attribution_study import attribution_files, study_attribution

    found = study_attribution(
        returns,
        factors,
        rf=_rate(arguments.rf),
        window=arguments.window,
        lags=arguments.lags,
        dimson=arguments.dimson,
        per_year=arguments.periods_per_year,
        labels=labels,
    )
    from runs.factors import write_files

    files = {arguments.out / name: content for name, content in attribution_files(found).items()}
    write_files(files)
    logger.info("%d files in %s", len(files), arguments.out)
    if not arguments.quiet:
        from runs.attribution_terminal import print_attribution

        print_attribution(found, arguments.out, report_console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
