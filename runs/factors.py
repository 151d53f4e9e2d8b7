"""Factor study: returns, information coefficients, quantiles, turnover and correlations.

python -m runs.factors --start 2010-01-01 --end 2016-12-30 --factors value,size,momentum
"""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from feeds.errors import ConfigError
from runs.command import (
    CommandParser,
    add_common_arguments,
    add_config_arguments,
    configure_logging,
    main_guard,
    report_console,
)
from runs.factor_inputs import study
from runs.study_files import (
    check_place,
    earlier_files,
    output_files,
    remove_leftovers,
    write_files,
)

if TYPE_CHECKING:
    from configs.schema import BacktestConfig

__all__ = ["main", "output_files", "study", "write_files"]

logger = logging.getLogger(__name__)

_PREFIX = "data.investable."


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = CommandParser(
        prog="python -m runs.factors",
        description="Study factors: each one's own long-short portfolio and quantiles before "
        "and after costs, information coefficients and their decay, turnover, correlations, "
        "regimes, Fama-MacBeth slopes, spanning tests and the frontier across asset classes.",
    )
    parser.add_argument("--start", metavar="DATE", help="first decision (default: data.start)")
    parser.add_argument("--end", metavar="DATE", help="last day of data (default: data.end)")
    parser.add_argument(
        "--factors", metavar="A,B", help="names to study (default: all of the configuration)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("outputs/results.pkl"),
        help="file of results; CSV tables are written beside it (default: %(default)s)",
    )
    add_config_arguments(parser)
    parser.add_argument(
        "--horizon",
        type=int,
        metavar="N",
        help="sessions ahead of the information coefficients (default: a month)",
    )
    parser.add_argument(
        "--investable",
        metavar="FLOOR=N,..",
        help="floors of an investable universe, as min_dollar_volume=1e6,min_price=5; the study "
        "is of that universe, and the full one is shown beside it",
    )
    parser.add_argument(
        "--no-tearsheet",
        action="store_true",
        help="tables only, without the page factor_tearsheet.html",
    )
    add_common_arguments(parser)
    return parser


def _configured(arguments: argparse.Namespace) -> BacktestConfig:
    """The configuration with the dates of the command line; errors name those options."""
    from configs.load import load_config

    options = {"start": arguments.start, "end": arguments.end}
    given = {
        f"data.{name}={date}": f"{name} {date}"
        for name, date in options.items()
        if date is not None
    }
    given |= {f"{_PREFIX}{floor}": f"investable {floor}" for floor in _floors(arguments.investable)}
    try:
        return load_config(arguments.config, [*arguments.overrides, *given])
    except ConfigError as error:
        problem = error.problem
        for override, option in given.items():
            problem = problem.replace(f"--set {override}", f"--{option}")
        raise ConfigError(problem, error.remedy) from None


def _floors(text: str | None) -> list[str]:
    """The floors of ``--investable`` as ``name=number``."""
    floors = [] if text is None else [part.strip() for part in text.split(",")]
    for floor in floors:
        name, _, number = floor.partition("=")
        if not (name and number):
            raise ConfigError(
                f"--investable {floor!r} is not a floor and its number",
                "write --investable min_dollar_volume=1000000,min_price=5",
            )
    return floors


def _names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise ConfigError(
            f"--factors {text!r} has an empty or repeated name", "write --factors value,momentum"
        )
    return names


def _command(given: Sequence[str]) -> str:
    """The command that gives these results again; where they are written is no part of it."""
    kept, skip = [], False
    for word in given:
        if skip or word in ("--quiet", "--verbose") or word.startswith("--out="):
            skip = False
        elif word == "--out":
            skip = True
        else:
            kept.append(shlex.quote(word))
    return " ".join(["python -m runs.factors", *kept])


@main_guard
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 2 on a user's mistake."""
    arguments = build_parser().parse_args(argv)
    configure_logging(quiet=arguments.quiet, verbose=arguments.verbose)
    if arguments.horizon is not None and arguments.horizon < 1:
        raise ConfigError(f"--horizon {arguments.horizon} is under one session", "use 21, a month")
    check_place(arguments.out)
    config = _configured(arguments)
    given = sys.argv[1:] if argv is None else argv
    results = study(config, _names(arguments.factors), arguments.horizon, _command(given))
    logger.info("%d factor portfolios studied", len(results.summary))
    page = None
    if not arguments.no_tearsheet:
        from analyzers.factor_sheet import factor_sheet

        page = factor_sheet(results)
    files = output_files(results, arguments.out, page)
    before = earlier_files(arguments.out)
    write_files(files)
    remove_leftovers(arguments.out, files, before)
    if not arguments.quiet:
        from runs.factors_terminal import print_study

        print_study(results, list(files), report_console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
