"""Factor study: returns, information coefficients, quantiles, turnover and correlations.

python -m runs.factors --start 2010-01-01 --end 2016-12-30 --factors value,size,momentum
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from feeds.errors import ConfigError, OutputError
from runs.command import add_common_arguments, add_config_arguments, configure_logging, main_guard

if TYPE_CHECKING:
    from analyzers.factor_results import FactorResults
    from configs.schema import BacktestConfig

__all__ = ["main", "study"]

logger = logging.getLogger(__name__)

#: Sides of a factor's portfolio where the configuration selects a number, not a share.
_QUANTILE = 0.2


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m runs.factors",
        description="Study factors one by one: the return of each one's own long-short "
        "portfolio, rank information coefficients, quantile returns, turnover, correlation.",
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
    add_common_arguments(parser)
    return parser


def study(
    config: BacktestConfig, factors: Sequence[str] | None = None, horizon: int | None = None
) -> FactorResults:
    """Study factors of a configuration.

    Parameters
    ----------
    config : BacktestConfig
        Its data, decision dates, eligible assets, quantile and min_breadth are used.
    factors : sequence of str, optional
        Names; one that the configuration lacks is computed with its defaults.
    horizon : int, optional
        Sessions; a twelfth of a year unless given.

    Raises
    ------
    UserError
        If the data, a factor or its fields are missing.
    """
    import numpy as np

    from analyzers.factor_study import StudyRules, study_factors
    from configs.load import to_plain
    from runs.assemble import prepare

    chosen = _chosen(config, factors)
    prepared = prepare(chosen)
    panel, eligible = prepared.panel, prepared.signals.eligible
    portfolio = chosen.portfolio
    rules = StudyRules(
        quantile=portfolio.select.quantile or _QUANTILE,
        min_breadth=portfolio.min_breadth.long_short,
        horizon=panel.periods_per_year // 12 if horizon is None else horizon,
        periods_per_year=panel.periods_per_year,
    )
    classes = sorted(set(panel.asset_class.tolist()))
    groups = {name: panel.asset_class == name for name in classes}
    if chosen.preprocess.neutralize is None and len(classes) > 1:
        groups["all"] = np.ones(panel.shape[1], dtype=bool)
    return study_factors(
        {
            column: np.where(eligible, raw, np.nan)
            for column, raw in zip(prepared.scores.columns, prepared.scores.raw)
        },
        groups,
        panel.mark,
        panel.dates,
        prepared.signals.rows,
        rules,
        labels=prepared.scores.labels,
        name=f"Factors of {chosen.name}",
        config=to_plain(chosen),
        notes=_notes(prepared.data.limits, rules),
    )


def _chosen(config: BacktestConfig, factors: Sequence[str] | None) -> BacktestConfig:
    """The configuration with the factors that were asked for, each standing for itself."""
    from configs.schema import FactorConfig

    entries = config.factors
    if factors is not None:
        entries = {name: entries.get(name, FactorConfig()) for name in factors}
    entries = {name: entry.model_copy(update={"weight": 1.0}) for name, entry in entries.items()}
    preprocess = config.preprocess.model_copy(update={"min_factors": 1})
    return config.model_copy(update={"factors": entries, "preprocess": preprocess})


def _notes(limits: Sequence[str], rules) -> list[str]:
    share = f"{100 * rules.quantile:g} %"
    return [
        *limits,
        f"A factor's portfolio is long the best and short the worst {share} of the ranked "
        "assets, equally weighted, entered at the close of the session after the decision, and "
        "trades free of cost.",
        f"The information coefficient is the rank correlation with the return of {rules.horizon} "
        "sessions from the session after the decision; the untraded one starts a session earlier.",
        "A series that ends keeps its last mark: delisting returns are in no factor portfolio.",
    ]


def output_files(results: FactorResults, out: Path) -> dict[Path, bytes]:
    """Content by path: the tables, and last the pickle."""
    tables = {
        "factor_returns": results.factor_returns.reset_index(),
        "ic": results.ic,
        "quantiles": results.quantiles,
        "correlation": results.correlation.rename_axis("factor").reset_index(),
        "factor_summary": results.summary,
    }
    files = {
        out.with_name(f"{name}.csv"): table.to_csv(index=False, lineterminator="\n").encode()
        for name, table in tables.items()
    }
    return files | {out: results.to_bytes()}


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write files so that each is the old one or the new one, whenever the process dies.

    All are on disk beside their places before the first is moved there.

    Raises
    ------
    OutputError
        If a folder cannot be made or written; earlier files are then untouched.
    """
    waiting: list[tuple[Path, Path]] = []
    place = next(iter(files), Path())
    try:
        for place, content in files.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_dir():
                raise IsADirectoryError(21, "it is a folder")
            beside = place.with_name(f".{place.name}.writing-{os.getpid()}")
            waiting.append((beside, place))
            with open(beside, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        for beside, place in waiting:
            os.replace(beside, place)
    except OSError as error:
        raise OutputError(
            f"cannot write {place}: {error.strerror}", "name another file with --out"
        ) from None
    finally:
        for beside, _ in waiting:
            beside.unlink(missing_ok=True)


def _configured(arguments: argparse.Namespace) -> BacktestConfig:
    """The configuration with the dates of the command line; errors name those options."""
    from configs.load import load_config

    options = {"start": arguments.start, "end": arguments.end}
    given = {
        f"data.{name}={date}": f"{name} {date}"
        for name, date in options.items()
        if date is not None
    }
    try:
        return load_config(arguments.config, [*arguments.overrides, *given])
    except ConfigError as error:
        problem = error.problem
        for override, option in given.items():
            problem = problem.replace(f"--set {override}", f"--{option}")
        raise ConfigError(problem, error.remedy) from None


def _names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise ConfigError(
            f"--factors {text!r} has an empty or repeated name", "write --factors value,momentum"
        )
    return names


@main_guard
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 2 on a user's mistake."""
    arguments = build_parser().parse_args(argv)
    configure_logging(quiet=arguments.quiet, verbose=arguments.verbose)
    if arguments.horizon is not None and arguments.horizon < 1:
        raise ConfigError(f"--horizon {arguments.horizon} is under one session", "use 21, a month")
    config = _configured(arguments)
    results = study(config, _names(arguments.factors), arguments.horizon)
    logger.info("%d factor portfolios studied", len(results.summary))
    files = output_files(results, arguments.out)
    write_files(files)
    if not arguments.quiet:
        from rich.console import Console

        from runs.factors_terminal import print_study

        print_study(results, list(files), Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
