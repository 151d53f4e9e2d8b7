"""``python -m runs.signals --live``: a session from its arguments, stopped cleanly by a signal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from configs.live import check_live
from configs.load import load_config
from feeds.errors import ConfigError
from runs.live import LiveSession, Pace
from runs.refresh import refresh_dataset
from strategies.execution.ledger import writing_ledger

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["live_signals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def live_signals(
    config_path: str,
    overrides: Sequence[str],
    *,
    ledger: str | Path,
    out: str | None,
    since: str | None,
    ingest: str | None,
    offline: bool,
    interval: str,
    polls: int | None,
    console: Console | None,
) -> None:
    """Run a session until it is told to stop.

    SIGINT and SIGTERM end it after the bar at work, with everything booked and the status
    written. The ledger is held all the while: a second session is refused.

    Raises
    ------
    UserError
        If configuration, data, ledger or folder will not do.
    """
    config = load_config(config_path, overrides)
    check_live(config)
    if interval != config.live.interval:
        raise ConfigError(
            f"--interval {interval} is not live.interval {config.live.interval}",
            "give the same",
        )
    folder = Path(out) if out else Path("outputs") / "signals" / config.name
    data = Path(config.data.dir)

    def refresh() -> bool:
        return offline or refresh_dataset(data, ingest, None)

    with _stopping() as told, writing_ledger(ledger) as book:
        on_poll = None if console is None else _printer(console)
        LiveSession(config, book, folder, refresh, Pace(told.wait), since, on_poll).run(polls)


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that is set by the first signal to stop; a second one ends at once."""
    told = threading.Event()
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def stop(number: int, frame: FrameType | None) -> None:
        told.set()
        for one, handler in before.items():
            signal.signal(one, handler)

    for number in _SIGNALS:
        signal.signal(number, stop)
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _printer(console: Console) -> Any:
    """A line for each status."""

    def show(told: dict[str, Any]) -> None:
        drifted, parts = told["neutrality"], [told["last_bar"] or "no bar yet", told["state"]]
        parts.append(f"value {told['value']:,.2f}")
        if drifted is not None:
            parts.append(f"net {drifted['dollar']:+.2%}")
            if drifted["beta"] is not None:
                parts.append(f"beta {drifted['beta']:+.3f}")
            if not drifted["within"]:
                parts.append("OUT OF ITS BANDS")
        if told["faults"]["in_a_row"]:
            parts.append(f"{told['faults']['in_a_row']} faults: {told['faults']['last']}")
        if told["next_poll"] is not None:
            parts.append(f"next poll {told['next_poll']}")
        console.print(", ".join(parts), soft_wrap=True, highlight=False, markup=False)

    return show
