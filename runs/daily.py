"""Run the signals once a session, when its bar is closed, and wait in between.

python -m runs.daily [--backups outputs/backups] -- --config C [--ledger outputs/paper.db] ...
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from feeds.errors import OutputError, UserError
from feeds.lock import is_locked
from runs.command import CommandParser, add_common_arguments, configure_logging, main_guard
from runs.daily_schedule import Pause, next_due, retry_at, utc_now

__all__ = ["build_parser", "health_problem", "keep_up", "main"]

#: A run that takes longer than this is stuck.
_LONGEST_RUN = dt.timedelta(hours=3)
#: How late a run may begin before the loop is taken for dead.
_GRACE = dt.timedelta(minutes=10)
_LOCK_TRIES = 5
_LOGGER = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments; what follows ``--`` is for ``runs.signals``."""
    parser = CommandParser(
        prog="python -m runs.daily",
        usage="%(prog)s [options] -- [arguments of runs.signals]",
        description="Run the signals now and then once a session of the data's calendar, after "
        "its bar is closed at 24:00 UTC. A run that fails is tried again.",
    )
    parser.add_argument(
        "--after",
        type=_minutes,
        default="30",
        metavar="MINUTES",
        help="how long after 24:00 UTC vendors are asked (default: %(default)s)",
    )
    parser.add_argument(
        "--retry",
        type=_minutes,
        default="10",
        metavar="MINUTES",
        help="first wait after a run that failed; it doubles each time (default: %(default)s)",
    )
    parser.add_argument(
        "--attempts",
        type=_count,
        default="6",
        help="runs that fail before the next session is waited for (default: %(default)s)",
    )
    parser.add_argument("--backups", help="folder for a copy of the ledger after each run")
    parser.add_argument(
        "--state",
        default="outputs/.daily.json",
        help="what the loop last did, which --check reads (default: %(default)s)",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="exit 0 if the loop is alive and its last run went well",
    )
    add_common_arguments(parser)
    return parser


def keep_up(
    run: Callable[[], int],
    due: Callable[[dt.datetime], dt.datetime],
    pause: Callable[[dt.datetime], bool],
    clock: Callable[[], dt.datetime],
    note: Callable[[dict[str, Any]], None],
    *,
    retry: dt.timedelta,
    attempts: int,
) -> None:
    """Run at once, then whenever a bar is due, until the pause says that it is time to go.

    Parameters
    ----------
    run : callable
        Brings everything up to date; 0 where that worked. Doing it twice does no harm.
    due : callable
        The next instant after a given one at which there is something to do.
    pause : callable
        Waits until an instant; False to end.
    clock : callable
        The time in UTC.
    note : callable
        Takes what is known before and after each run: ``state`` (running, waiting), ``since``,
        ``next`` (both ISO), ``exit_code`` of the last run and ``failures`` in a row.
    """
    failures, code = 0, None
    while True:
        started = clock()
        note(_state("running", started, started + _LONGEST_RUN, code, failures))
        code = run()
        failures = 0 if code == 0 else failures + 1
        now = clock()
        # Counted from the start: a bar that closed during a long run is not left for later.
        wake = retry_at(now, due(started), failures, retry, attempts)
        note(_state("waiting", now, wake, code, failures))
        if not pause(wake):
            return


def health_problem(state: Path, now: dt.datetime) -> str | None:
    """What is wrong with the loop that writes `state`, in one sentence; None where nothing is.

    Raises nothing: a file that is absent or damaged is a problem, too.
    """
    try:
        known = json.loads(state.read_text(encoding="utf-8"))
        expected, failures = dt.datetime.fromisoformat(known["next"]), int(known["failures"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{state}: no run has begun, or the file is damaged"
    if now > expected + _GRACE:
        return f"nothing has happened since {known.get('since')}; {expected} is past"
    if failures:
        return f"the last {failures} runs failed, with exit code {known.get('exit_code')}"
    return None


def _state(
    state: str, since: dt.datetime, until: dt.datetime, code: int | None, failures: int
) -> dict[str, Any]:
    return {
        "state": state,
        "since": since.isoformat(timespec="seconds"),
        "next": until.isoformat(timespec="seconds"),
        "exit_code": code,
        "failures": failures,
    }


def _minutes(text: str) -> dt.timedelta:
    try:
        minutes = int(text)
    except ValueError:
        minutes = -1
    if not 0 <= minutes < 24 * 60:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes below a day")
    return dt.timedelta(minutes=minutes)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of runs such as 6")
    return int(text)


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """The lock that tells the check that the loop lives, and a second loop that it is one.

    Raises
    ------
    OutputError
        If another loop has the state, or nothing can be written there.
    """
    from feeds.lock import writer_lock

    lock = writer_lock(state)
    for left in reversed(range(_LOCK_TRIES)):
        try:
            lock.__enter__()
            break
        except OutputError as error:
            if "being written" not in error.problem:
                raise OutputError(error.problem, "name another file with --state") from None
            if not left:
                holder = error.problem.rsplit(" by ", 1)[-1]
                raise OutputError(
                    f"--state {state}: another loop is at work, {holder}",
                    "end it, or name another file with --state",
                ) from None
            # A check that looks at this moment holds the lock, too.
            time.sleep(0.2)
            lock = writer_lock(state)
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def _write_state(path: Path, state: dict[str, Any]) -> None:
    fresh = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(state, sort_keys=True) + "\n", encoding="utf-8")
        os.replace(fresh, path)
    except OSError as error:
        # The loop goes on: a full disk may be mended, and the check tells of it.
        _LOGGER.error("cannot write %s: %s", path, error.strerror or error)


def _run(arguments: Sequence[str], ledger: str, backups: str | None) -> int:
    """One run of the signals in a process of its own, and the copy of the ledger."""
    code = subprocess.run([sys.executable, "-m", "runs.signals", *arguments]).returncode
    if code == 0 and backups is not None:
        from runs.backup import backup_ledger

        try:
            _LOGGER.info("the ledger was copied to %s", backup_ledger(ledger, backups))
        except UserError as error:
            _LOGGER.error("%s", error)
            code = 2
    if code:
        _LOGGER.error("the run failed with exit code %s", code)
    return code


def _keep_running(arguments: argparse.Namespace, given: Sequence[str]) -> None:
    """The loop over what the command line asks for."""
    from configs.load import load_config
    from runs.signals import build_parser as signals_parser

    # Read now, so that a mistake is answered before anything is waited for.
    asked = signals_parser().parse_args(given)
    if asked.as_of is not None:
        raise UserError("--as-of says which day is read last", "leave it out: each run reads on")
    if asked.live:
        raise UserError("--live polls by itself, without a daily loop", "run runs.signals --live")
    calendar = load_config(asked.config, asked.overrides).data.calendar
    state = Path(arguments.state)
    if state.is_dir():
        raise OutputError(f"--state {state} is a folder", "name a file")
    with _alone(state), Pause(utc_now) as pause:
        keep_up(
            lambda: _run(given, asked.ledger, arguments.backups),
            lambda now: next_due(calendar, now, arguments.after),
            pause.until,
            utc_now,
            lambda known: _write_state(state, known),
            retry=arguments.retry,
            attempts=arguments.attempts,
        )


@main_guard
def main(argv: Sequence[str] | None = None) -> int:
    """Run until asked to end: 0 then, 1 for a check that failed, 2 on a user's mistake."""
    given = list(sys.argv[1:] if argv is None else argv)
    cut = given.index("--") if "--" in given else len(given)
    arguments = build_parser().parse_args(given[:cut])
    configure_logging(quiet=arguments.quiet, verbose=arguments.verbose)
    if not arguments.check:
        _keep_running(arguments, given[cut + 1 :])
        return 0
    state = Path(arguments.state)
    problem = health_problem(state, utc_now())
    if problem is None and not is_locked(state):
        problem = f"{state}: the loop that wrote it has ended"
    if problem is not None:
        print(problem, file=sys.stderr)
    return int(problem is not None)


if __name__ == "__main__":
    sys.exit(main())
