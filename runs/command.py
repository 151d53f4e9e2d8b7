"""What every command shares: logging, errors and exit codes."""

from __future__ import annotations

import argparse
import difflib
import functools
import logging
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NoReturn

from feeds.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "CommandParser",
    "add_address_arguments",
    "add_common_arguments",
    "add_config_arguments",
    "add_ledger_argument",
    "command_text",
    "configure_logging",
    "main_guard",
    "report_console",
]

EXIT_USER_MISTAKE = 2
EXIT_INTERRUPTED = 130


class CommandParser(argparse.ArgumentParser):
    """Arguments of a command; a mistake is answered in two lines, with the option that is meant."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        told = message
        unknown, _, words = message.partition(": ")
        if unknown == "unrecognized arguments":
            word = words.split()[0]
            near = difflib.get_close_matches(
                word.partition("=")[0], self._option_string_actions, n=1, cutoff=0.6
            )
            told = f"{word} is no argument of this command"
            told += f"; did you mean {near[0]}?" if near else ""
        self.exit(EXIT_USER_MISTAKE, f"error: {told}\n  {self.prog} --help tells them all\n")


def add_address_arguments(parser: argparse.ArgumentParser, port: int) -> None:
    """``--host``, ``--port`` and ``--allow-host``, of every command that serves."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine only)"
    )
    parser.add_argument("--port", type=int, default=port, help="(default: %(default)s; 0: any)")
    parser.add_argument(
        "--allow-host",
        nargs="+",
        default=[],
        metavar="NAME",
        help="further names to be called by, as behind a proxy",
    )


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """``--quiet`` and ``--verbose``, which every command takes."""
    volume = parser.add_mutually_exclusive_group()
    volume.add_argument("--quiet", action="store_true", help="print errors only")
    volume.add_argument("--verbose", action="store_true", help="print what is being done")


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """``--config`` and ``--set``, of every command that runs a configuration."""
    parser.add_argument(
        "--config", default="configs/backtest.yaml", help="YAML file (default: %(default)s)"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="override one key, as portfolio.gross=0.5; may be repeated",
    )


def add_ledger_argument(parser: argparse.ArgumentParser) -> None:
    """``--ledger``, of every command that keeps or reads one paper account."""
    parser.add_argument(
        "--ledger", default="outputs/paper.db", help="SQLite file (default: %(default)s)"
    )


def command_text(
    module: str, config: str, overrides: Sequence[str], further: Iterable[str] = ()
) -> str:
    """The command that gives a run again, as a shell takes it.

    `further` arguments stand as they are; where a run writes is none of them.
    """
    parts = ["python -m", module, "--config", shlex.quote(config)]
    for override in overrides:
        parts += ["--set", shlex.quote(override)]
    return " ".join([*parts, *further])


def report_console() -> Console:
    """A terminal as wide as it is; a file or a pipe gets 100 columns, so that tables are whole."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 100)


def configure_logging(*, quiet: bool = False, verbose: bool = False) -> None:
    """Send log records to standard error at the level that was asked for."""
    level = logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(message)s", force=True)
    for name in ("matplotlib", "fontTools", "yfinance"):
        logging.getLogger(name).setLevel(logging.WARNING)


def main_guard(
    main: Callable[[Sequence[str] | None], int],
) -> Callable[[Sequence[str] | None], int]:
    """Turn a user's mistake into a short message and exit code 2, without a traceback."""

    @functools.wraps(main)
    def guarded(argv: Sequence[str] | None = None) -> int:
        try:
            return main(argv)
        except UserError as error:
            print("\n".join(f"error: {error}".splitlines()[:3]), file=sys.stderr)
            return EXIT_USER_MISTAKE
        except KeyboardInterrupt:
            print("interrupted: what was there before is as it was", file=sys.stderr)
            return EXIT_INTERRUPTED

    return guarded
