"""The main job: backtest a configuration and write its report.

python -m runs.backtest --config configs/backtest.yaml [--set key=value ...] [--out DIR]
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from runs.command import (
    CommandParser,
    add_common_arguments,
    add_config_arguments,
    command_text,
    configure_logging,
    main_guard,
    report_console,
)

__all__ = ["backtest", "main"]


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = CommandParser(
        prog="python -m runs.backtest",
        description="Backtest a configuration: tables, metrics, plots, summary and tearsheet.",
    )
    add_config_arguments(parser)
    parser.add_argument("--out", help="folder to write (default: outputs/<name of the run>)")
    parser.add_argument(
        "--no-tearsheet",
        action="store_true",
        help="tables only, several times faster: no tearsheet, summary page and plots "
        "(python -m runs.export_plots --input DIR draws the plots later)",
    )
    parser.add_argument(
        "--daily-positions",
        action="store_true",
        help="positions.csv of every session instead of after each rebalance",
    )
    add_common_arguments(parser)
    return parser


def backtest(
    config_path: str,
    overrides: Sequence[str] = (),
    out: str | None = None,
    *,
    pages: bool = True,
    daily: bool = False,
):
    """Run a configuration and write its folder, at once or not at all.

    Without `pages` the folder has tables and ``results.pkl`` only. With `daily`, positions
    are those of every session.

    Returns
    -------
    result : RunResult
    folder : Path

    Raises
    ------
    UserError
        If the configuration, the data or the output folder will not do; earlier outputs are
        then untouched.
    """
    from analyzers.recorder import daily_positions
    from analyzers.run_folder import check_run_folder, write_pages, write_tables
    from configs.load import dump_config, load_config
    from feeds.atomic import replacing_folder
    from runs.assemble import execute, prepare
    from runs.collect import collect
    from runs.environment import installed_packages

    watch = _Stopwatch()
    config = load_config(config_path, overrides)
    folder = Path(out) if out else Path("outputs") / config.name
    check_run_folder(folder)
    study = prepare(config)
    watch.lap("prepare")
    execution = execute(study)
    watch.lap("execute")
    result = collect(study, execution, _command(config_path, overrides, pages, daily))
    if daily:
        result.positions = daily_positions(execution.account.journal, study.panel)
    watch.lap("collect")
    with replacing_folder(folder) as building:
        if pages:
            write_pages(result, building, watch.lap)
        write_tables(
            result,
            building,
            config_text=dump_config(config),
            environment=installed_packages(),
            timings=watch.laps,
        )
    return result, folder


class _Stopwatch:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = round(now - self._since, 3)
        self._since = now


def _command(config_path: str, overrides: Sequence[str], pages: bool, daily: bool) -> str:
    flags = {"--no-tearsheet": not pages, "--daily-positions": daily}
    given = (flag for flag, is_given in flags.items() if is_given)
    return command_text("runs.backtest", config_path, overrides, given)


@main_guard
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 2 on a user's mistake."""
    arguments = build_parser().parse_args(argv)
    configure_logging(quiet=arguments.quiet, verbose=arguments.verbose)
    result, folder = backtest(
        arguments.config,
        arguments.overrides,
        arguments.out,
        pages=not arguments.no_tearsheet,
        daily=arguments.daily_positions,
    )
    if not arguments.quiet:
        from runs.terminal import print_summary

        print_summary(result, folder, report_console())
    return 0


if __name__ == "__main__":
    # A run is short and leaves few cycles behind; looking for them costs a tenth of it.
    gc.disable()
    sys.exit(main())
