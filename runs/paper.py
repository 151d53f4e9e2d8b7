"""The paper account's track record: a run's folder from the ledger, and the parity report.

python -m runs.paper --config configs/backtest.yaml [--ledger outputs/paper.db] [--out DIR]
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runs.command import (
    CommandParser,
    add_common_arguments,
    add_config_arguments,
    add_ledger_argument,
    command_text,
    configure_logging,
    main_guard,
    report_console,
)

if TYPE_CHECKING:
    from analyzers.result import RunResult
    from configs.schema import BacktestConfig
    from runs.live_record import LiveRecord
    from runs.parity import Parity
    from strategies.execution.ledger import Event
    from strategies.execution.replay import PaperBook

__all__ = ["build_parser", "main", "paper", "paper_of_hours"]


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = CommandParser(
        prog="python -m runs.paper",
        description="Tables, report and tearsheet of a paper account, and how it compares with "
        "the backtest of the same configuration over the same dates.",
    )
    add_config_arguments(parser)
    add_ledger_argument(parser)
    parser.add_argument("--out", help="folder to write (default: outputs/paper-<name>)")
    parser.add_argument(
        "--no-tearsheet", action="store_true", help="tables only: no pages and no plots"
    )
    add_common_arguments(parser)
    return parser


def paper(
    config_path: str,
    overrides: Sequence[str] = (),
    *,
    ledger: str | Path,
    out: str | None = None,
    pages: bool = True,
) -> tuple[RunResult, Parity, Path]:
    """Write the track record of a ledger as a run's folder, at once or not at all.

    The ledger is read and left as it is; the data set is used as it is stored.

    Raises
    ------
    UserError
        If the ledger, the configuration or the output folder will not do, or nothing was
        filled yet.
    """
    from analyzers.run_folder import check_run_folder, write_pages, write_tables
    from configs.load import dump_config, load_config
    from feeds.atomic import replacing_folder
    from feeds.errors import ConfigError
    from runs.collect import collect
    from runs.environment import installed_packages
    from runs.live_study import live_study
    from runs.paper_account import check_same
    from runs.paper_record import paper_record, write_events
    from runs.parity import compare_with_backtest

    config = load_config(config_path, overrides)
    folder = Path(out) if out else Path("outputs") / f"paper-{config.name}"
    check_run_folder(folder)
    book, events = _read(ledger)
    if _is_of_hours(book.opened):
        raise ConfigError(f"{ledger} is a ledger of hours", "use paper_of_hours")
    config, left = _with_traded(_from_its_cash(config, book), events)
    live = live_study(config, dt.date.fromisoformat(book.bar))
    check_same(Path(ledger), book, live)
    record = paper_record(live, events)
    parity = compare_with_backtest(live, record, events)
    command = command_text("runs.paper", config_path, overrides)
    result = collect(record.study, record.execution, command)
    result.notes[:0] = [_note(parity), *_told_left(left)]
    with replacing_folder(folder) as building:
        if pages:
            write_pages(result, building)
        write_tables(
            result,
            building,
            config_text=dump_config(record.study.config),
            environment=installed_packages(),
            timings={},
        )
        write_events(events, building / "ledger.csv")
        _write_parity(parity, building)
    return result, parity, folder


def paper_of_hours(
    config_path: str, overrides: Sequence[str] = (), *, ledger: str | Path, out: str | None = None
) -> tuple[LiveRecord, Path]:
    """Write the track record of a live session's ledger as a folder of tables.

    Raises
    ------
    UserError
        If the ledger, the configuration or the output folder will not do, or nothing was
        filled yet.
    """
    from configs.load import load_config
    from runs.live_record import write_live_record

    config = load_config(config_path, overrides)
    folder = Path(out) if out else Path("outputs") / f"paper-{config.name}"
    book, events = _read(ledger)
    config, _ = _with_traded(_from_its_cash(config, book), events)
    return write_live_record(config, Path(ledger), book, events, folder), folder


def _read(ledger: str | Path) -> tuple[PaperBook, list[Event]]:
    """The account and the events of a ledger that is checked and has begun."""
    from feeds.errors import DataError
    from strategies.execution.ledger import reading_ledger
    from strategies.execution.replay import replay

    with reading_ledger(ledger) as opened:
        opened.check()
        events = opened.events()
    book = replay(events)
    if not book.bar:
        raise DataError(f"{ledger} has no bar yet", "run python -m runs.signals first")
    return book, events


def _from_its_cash(config: BacktestConfig, book: PaperBook) -> BacktestConfig:
    """The configuration with the cash that the account began with, whatever it says today."""
    cash = {"starting_cash": book.opened["starting_cash"]}
    return config.model_copy(update={"execution": config.execution.model_copy(update=cash)})


def _with_traded(
    config: BacktestConfig, events: Sequence[Event]
) -> tuple[BacktestConfig, list[str]]:
    """The configuration with everything that was traded in its universe, and what it lacked.

    Raises
    ------
    DataError
        If the data set has no prices of something that was traded.
    """
    from feeds.errors import DataError
    from feeds.store import read_manifest, read_universe

    # First of all whether it is a data set.
    read_manifest(Path(config.data.dir))
    traded = {event.symbol for event in events if event.kind == "fill"}
    for event in events:
        traded |= set(event.payload["weights"]) if event.kind == "decision" else set()
    gone = sorted(traded - set(read_universe(Path(config.data.dir))["symbol"]))
    if gone:
        raise DataError(
            f"{gone[0]} was traded by the ledger, and {config.data.dir} does not have it",
            "name a data set that does in data.dir: the record needs its prices",
        )
    given = config.data.universe
    left = [] if given is None else sorted(traded - set(given))
    if not left:
        return config, []
    data = config.data.model_copy(update={"universe": (*given, *left)})
    return config.model_copy(update={"data": data}), left


def _told_left(left: Sequence[str]) -> list[str]:
    if not left:
        return []
    return [
        f"Traded once and no longer in data.universe: {', '.join(left)}. The tables, and the "
        "backtest that they are held against, have them in it."
    ]


def _note(parity: Parity) -> str:
    told = parity.summary
    return (
        f"A paper account, {told['start']} to {told['end']}: {told['late_decisions']} of its "
        f"decisions were made late, and {told['differences']} figures differ from a backtest of "
        f"the same dates, {told['unexplained']} without a known reason (parity.csv)."
    )


def _write_parity(parity: Parity, folder: Path) -> None:
    text = json.dumps(parity.summary, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "parity.json").write_text(text + "\n", encoding="utf-8")
    table = parity.differences.assign(date=parity.differences["date"].dt.date.astype(str))
    table.to_csv(folder / "parity.csv", index=False, lineterminator="\n")


def _is_of_hours(opened: Mapping[str, Any]) -> bool:
    """Whether the first note of a ledger, which opened it, names an interval."""
    return "interval" in opened.get("data", {})


def _opened(ledger: str) -> Mapping[str, Any]:
    from strategies.execution.ledger import reading_ledger

    with reading_ledger(ledger) as found:
        notes = found.events("note")
    return notes[0].payload if notes else {}


def _main_of_hours(arguments: argparse.Namespace) -> int:
    given = {"ledger": arguments.ledger, "out": arguments.out}
    record, folder = paper_of_hours(arguments.config, arguments.overrides, **given)
    if not arguments.quiet:
        from runs.paper_terminal import print_live_record

        print_live_record(record, folder, report_console())
    return 0


@main_guard
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 2 on a user's mistake."""
    arguments = build_parser().parse_args(argv)
    configure_logging(quiet=arguments.quiet, verbose=arguments.verbose)
    if _is_of_hours(_opened(arguments.ledger)):
        return _main_of_hours(arguments)
    result, parity, folder = paper(
        arguments.config,
        arguments.overrides,
        ledger=arguments.ledger,
        out=arguments.out,
        pages=not arguments.no_tearsheet,
    )
    if not arguments.quiet:
        from runs.paper_terminal import print_parity
        from runs.terminal import print_summary

        console = report_console()
        print_summary(result, folder, console)
        print_parity(parity, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
