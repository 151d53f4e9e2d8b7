"""A live session: closed bars of an hour are polled, ranked and traded on paper, one by one.

`python -m runs.signals --live --config C`. Which bars there are is said by the vendors' stamps;
the clock of the machine paces the polls and is written to the status file, nothing else.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from configs.live import check_live
from configs.schema import BacktestConfig
from feeds.errors import ConfigError, UserError
from feeds.panel import Panel
from feeds.sources.retry import RetryPolicy
from feeds.store import load_dataset
from runs.live_bars import behind, complete_rows, universe
from runs.live_book import neutral_bar
from runs.live_status import write_status
from runs.live_study import live_study
from runs.paper_account import Progress, bring_up_to_date
from runs.signal_files import check_signal_folder, write_signals
from runs.signal_record import signal_record
from strategies.execution.account_state import row_of
from strategies.execution.ledger import Ledger
from strategies.execution.replay import PaperBook, replay

__all__ = ["LiveSession", "Pace"]

_LOG = logging.getLogger(__name__)
#: Longest pause after faults, and the longest that a vendor may ask for, in seconds.
_LONGEST_PAUSE = 900.0
#: Hours from one session to the next, four days apart at most, and a day to spare.
_LONGEST_CLOSURE = 120


@dataclass(frozen=True)
class Pace:
    """The clock of a session.

    Parameters
    ----------
    wait : callable
        Waits so many seconds, of the monotonic clock; True at once when told to stop.
    now : callable
        The time with its zone, for the status file alone.
    """

    wait: Callable[[float], bool]
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.timezone.utc)


@dataclass
class _Faults:
    in_a_row: int = 0
    total: int = 0
    last: str = ""
    policy: RetryPolicy = field(default_factory=RetryPolicy)

    def count(self, problem: str) -> None:
        self.in_a_row, self.total, self.last = self.in_a_row + 1, self.total + 1, problem
        _LOG.warning("%s", problem)

    def pause(self, usual: float) -> float:
        """Seconds to the next poll: growing from a short one while faults last, bounded."""
        if not self.in_a_row:
            return usual
        # Beyond some doublings a float would overflow; the bound is reached long before.
        return self.policy.pause(min(self.in_a_row, 40), None)


class LiveSession:
    """One strategy, one ledger that is open to write to, and the folder of its signals.

    Parameters
    ----------
    config : BacktestConfig
        With a block ``live``.
    ledger : Ledger
        Open to write: the one writer there can be.
    folder : Path
        Of the signals.
    refresh : callable
        Brings the data set up to date; False where a symbol could not be fetched.
    pace : Pace
    since : str, optional
        First day of a ledger that has not begun; its latest complete bar unless given.
    on_poll : callable, optional
        Told the status after each poll.

    Raises
    ------
    UserError
        If configuration, data or folder will not do.
    """

    def __init__(
        self,
        config: BacktestConfig,
        ledger: Ledger,
        folder: Path,
        refresh: Callable[[], bool],
        pace: Pace,
        since: str | None = None,
        on_poll: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        check_live(config)
        check_signal_folder(folder)
        self._config, self._ledger, self._folder = config, ledger, folder
        self._refresh, self._pace, self._since, self._on_poll = refresh, pace, since, on_poll
        usual = config.live.poll_seconds
        longest = max(_LONGEST_PAUSE, usual)
        self._faults = _Faults(
            policy=RetryPolicy(first_pause=min(usual, 5.0), longest_pause=longest)
        )
        self._book: PaperBook | None = None
        self._behind: list[str] = []

    def run(self, polls: int | None = None) -> None:
        """Go on until told to stop, or for so many polls.

        What is stored is booked first, so that a mistake in the configuration is refused
        before anything is polled. After that only such a mistake ends the session: faults of
        vendors, network and disk are counted, and tried again after a growing, bounded pause.

        Raises
        ------
        UserError
        """
        self.step()
        done, stop = 0, False
        while not stop and (polls is None or done < polls):
            self._poll()
            done += 1
            pause = self._faults.pause(self._config.live.poll_seconds)
            self._tell("fault" if self._faults.in_a_row else "waiting", pause)
            if polls is None or done < polls:
                stop = self._pace.wait(pause)
        self._tell("stopped", None)

    def step(self) -> tuple[str, ...]:
        """Book every complete bar that is new, and write the signal of the last one.

        Returns
        -------
        tuple of str
            Bars booked now.
        """
        panel = self._stored()
        stop = complete_rows(panel, self._config.live.max_age)
        if not stop:
            raise ConfigError(f"{self._config.data.dir} has no complete bar", "wait for some")
        book = self._known_book()
        first, day = self._first(panel, book, stop), panel.dates[-1].astype(dt.datetime).date()
        if book.bar and first >= stop and (self._folder / "manifest.json").is_file():
            return ()
        # The row before is scored, too: what waits from there may have to be hedged.
        progress, live = self._booked(book, day, stop, max(stop - first, 1) + bool(book.bar))
        record = signal_record(
            live, progress.book, self._ledger.events_about(live.bar), self._ledger.head
        )
        write_signals(record, self._folder)
        return progress.bars

    def _booked(
        self, book: PaperBook, day: dt.date, stop: int, latest: int
    ) -> tuple[Progress, Any]:
        config = self._config
        live = live_study(config, day, interval=config.live.interval, rows=stop, latest=latest)
        # Should a bar fail midway, the ledger is asked anew what was booked.
        self._book = None
        progress = bring_up_to_date(
            self._ledger, live, self._since, book=book if book.bar else None, events_of=neutral_bar
        )
        self._book = progress.book
        return progress, live

    def _poll(self) -> None:
        try:
            self._tell("polling", None)
            complete = self._refresh()
            self.step()
            if complete:
                self._faults.in_a_row = 0
            else:
                self._faults.count("a symbol could not be brought up to date")
        except ConfigError:
            raise
        except UserError as error:
            self._faults.count(error.problem)

    def _stored(self) -> Panel:
        config = self._config
        data = load_dataset(
            config.data.dir, calendar=config.data.calendar, interval=config.live.interval
        )
        panel = universe(data.panel, config.data.universe)
        _check_stale_after(config, panel)
        self._behind = behind(panel, config.live.max_age)
        return panel

    def _known_book(self) -> PaperBook:
        if self._book is None:
            self._book = replay(self._ledger.events())
        return self._book

    def _first(self, panel: Panel, book: PaperBook, stop: int) -> int:
        """The first row that is not booked yet."""
        if book.bar:
            return row_of(panel, book.bar) + 1
        if self._since is None:
            return stop - 1
        return int((panel.dates < np.datetime64(self._since, "h")).sum())

    def _tell(self, state: str, pause: float | None) -> None:
        """Write what the session is doing; a status that cannot be written stops nothing."""
        book, now = self._known_book(), self._pace.now()
        due = None if pause is None else _time(now + dt.timedelta(seconds=pause))
        told = {
            "schema": 1,
            "name": self._config.name,
            "state": state,
            "last_bar": book.bar,
            "updated": _time(now),
            "next_poll": due,
            "value": book.value,
            "neutrality": _neutrality(self._config, self._ledger, book),
            "behind": self._behind,
            "faults": {name: getattr(self._faults, name) for name in ("in_a_row", "total", "last")},
        }
        try:
            write_status(self._folder, told)
        except UserError as error:
            _LOG.warning("%s", error.problem)
        if self._on_poll is not None and state != "polling":
            self._on_poll(told)


def _check_stale_after(config: BacktestConfig, panel: Panel) -> None:
    """A stock has no bar from one session to the next, which is no end of it."""
    if (panel.asset_class != "crypto").any() and config.execution.stale_after < _LONGEST_CLOSURE:
        raise ConfigError(
            f"execution.stale_after {config.execution.stale_after} counts bars of an hour, and "
            "stocks have none over a long weekend",
            f"set it to {_LONGEST_CLOSURE} or more",
        )


def _neutrality(config: BacktestConfig, ledger: Ledger, book: PaperBook) -> dict[str, Any] | None:
    """The note of the last bar, with the bands of today."""
    for event in reversed(ledger.events("note")):
        if event.bar != book.bar:
            break
        if event.payload["note"] == "neutrality":
            told = {name: event.payload[name] for name in ("dollar", "beta", "within", "forced")}
            return {**told, "bands": config.live.bands.model_dump()}
    return None


def _time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
