"""What is left after costs: one strategy under many commissions, slippages, capitals and draws.

python -m runs.costs --config configs/backtest.yaml [--set key=value ...] [--out DIR]
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from feeds.errors import ConfigError
from runs.command import (
    CommandParser,
    add_common_arguments,
    add_config_arguments,
    command_text,
    configure_logging,
    main_guard,
    report_console,
)

__all__ = ["costs", "main"]

_MOST_PATHS = 100_000


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = CommandParser(
        prog="python -m runs.costs",
        description="What is left after costs: the strategy run again under a grid of commission "
        "and slippage schemes and at multiples of its cost, the break-even cost, performance "
        "against capital under market impact, where costs come from, and bands of outcome under "
        "sampled slippage. Writes a page, CSV tables and plots.",
    )
    add_config_arguments(parser)
    parser.add_argument(
        "--grid",
        metavar="FILE",
        help="YAML with schemes of your own: commission: {name: {equity: {scheme: percent, bps: "
        "5}, ...}, ...} and slippage: likewise (default: common ones that the data bear)",
    )
    parser.add_argument(
        "--paths",
        type=int,
        default=1000,
        metavar="N",
        help="sampled paths (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="of the paths (default: that of the configuration)"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one scale in the grid, one model of impact at five capitals, one full sampled run, "
        "no break-even by running again",
    )
    parser.add_argument("--out", help="folder to write (default: outputs/costs/<name of the run>)")
    add_common_arguments(parser)
    return parser


def costs(
    config_path: str,
    overrides: Sequence[str] = (),
    out: str | None = None,
    *,
    grid: str | None = None,
    paths: int = 1000,
    seed: int | None = None,
    quick: bool = False,
    quiet: bool = True,
):
    """Study the costs of a configuration and write its folder, at once or not at all.

    Parameters
    ----------
    config_path : str
    overrides : sequence of str
    out : str, optional
        Folder; ``outputs/costs/<name>`` unless given.
    grid : str, optional
        File of schemes.
    paths : int
        Sampled paths, from 1 to 100,000.
    seed : int, optional
        That of the configuration unless given.
    quick : bool
        Compute less.
    quiet : bool
        Show no progress.

    Returns
    -------
    found : CostStudy
    folder : Path

    Raises
    ------
    UserError
        If the configuration, the grid, the data or the output folder will not do; an earlier
        study is then untouched.
    """
    from configs.load import dump_config, load_config
    from runs.assemble import prepare
    from runs.costs_folder import check_costs_folder, write_costs_folder
    from runs.costs_grid import default_grid, fit_grid, read_grid
    from runs.costs_study import StudySize, study_costs
    from runs.costs_terminal import costs_progress

    _check_size(paths, seed)
    config = load_config(config_path, overrides)
    given = read_grid(grid) if grid is not None else None
    folder = Path(out) if out else Path("outputs") / "costs" / config.name
    check_costs_folder(folder)
    study = prepare(config)
    panel = study.panel
    chosen = default_grid(config, panel) if given is None else fit_grid(config, panel, given)
    size = StudySize(paths, config.seed if seed is None else seed, quick)
    command = _command(config_path, overrides, grid, size, given_seed=seed is not None)
    with costs_progress(quiet) as tell:
        found = study_costs(study, chosen, size, command, tell)
    write_costs_folder(found, study, folder, dump_config(config))
    return found, folder


def _check_size(paths: int, seed: int | None) -> None:
    if not 1 <= paths <= _MOST_PATHS:
        raise ConfigError(
            f"--paths {paths} is not from 1 to {_MOST_PATHS:,}", "1000 give steady bands"
        )
    if seed is not None and seed < 0:
        raise ConfigError(f"--seed {seed} is negative", "give a whole number from 0")


def _command(
    config: str, overrides: Sequence[str], grid: str | None, size, given_seed: bool
) -> str:
    further = [] if grid is None else ["--grid", shlex.quote(grid)]
    if size.paths != 1000:
        further.append(f"--paths {size.paths}")
    if given_seed:
        further.append(f"--seed {size.seed}")
    if size.quick:
        further.append("--quick")
    return command_text("runs.costs", config, overrides, further)


@main_guard
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 2 on a user's mistake."""
    arguments = build_parser().parse_args(argv)
    configure_logging(quiet=arguments.quiet, verbose=arguments.verbose)
    found, folder = costs(
        arguments.config,
        arguments.overrides,
        arguments.out,
        grid=arguments.grid,
        paths=arguments.paths,
        seed=arguments.seed,
        quick=arguments.quick,
        quiet=arguments.quiet,
    )
    if not arguments.quiet:
        from runs.costs_terminal import print_costs

        print_costs(found, folder, report_console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
