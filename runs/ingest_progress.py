"""The progress display of a fetch: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["FetchStep", "fetch_progress"]


class FetchStep(Protocol):
    """What is shown of one step; any object that has these."""

    kind: str
    symbol: str
    done: int
    total: int


@contextmanager
def fetch_progress(
    quiet: bool, console: Console | None = None
) -> Iterator[Callable[[FetchStep], None] | None]:
    """A callable that shows each step it is told of; None where nothing is to be shown.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    console : rich.console.Console, optional
        By default standard error, so that a report on standard output stays as it is.
    """
    if quiet or (console is None and not sys.stderr.isatty()):
        yield None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("fetching"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[failed]}"),
        progress.TimeElapsedColumn(),
        progress.TextColumn("{task.fields[symbol]}", markup=False),
    )
    with progress.Progress(
        *columns, console=console or Console(stderr=True), transient=True
    ) as display:
        yield _shown_on(display)


def _shown_on(display: object) -> Callable[[FetchStep], None]:
    task = display.add_task("", total=None, symbol="", failed="")
    failures = 0

    def show(step: FetchStep) -> None:
        nonlocal failures
        failures += step.kind == "failed"
        said = f"{failures} failed" if failures else ""
        display.update(task, completed=step.done, total=step.total, symbol=step.symbol, failed=said)

    return show
