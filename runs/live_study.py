"""A configuration as of a bar: the backtest's own study, its latest row scored, and its hashes."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from configs.load import to_plain
from configs.schema import BacktestConfig
from feeds.bar_labels import bar_label
from feeds.errors import ConfigError
from feeds.panel import Panel
from runs.assemble import (
    Study,
    account_rules,
    portfolio_rules,
    prepare,
)
from runs.decisions import scheduled_rows
from runs.trading import order_rules, stop_rules
from strategies.execution.ledger import canonical_json
from strategies.execution.paper import PaperSetup
from strategies.targets import Signals

__all__ = ["LiveStudy", "bars_hash", "closed_day", "live_study", "only_rows", "plain_config"]


@dataclass(frozen=True, eq=False)
class LiveStudy:
    """A study up to the latest closed bar.

    Parameters
    ----------
    study : Study
        The last of its rows is the latest bar, whether or not it decides.
    scheduled : (R,) bool array
        Which of its rows decide.
    setup : PaperSetup
        What a paper account trades by.
    data_hash, config_hash : str
        Of the data set's files (of the bars themselves where they are hours), and of the
        configuration without place and end of its data.
    """

    study: Study
    scheduled: np.ndarray
    setup: PaperSetup
    data_hash: str
    config_hash: str

    @property
    def config(self) -> BacktestConfig:
        """As it was run, its data ending on the day asked for."""
        return self.study.config

    @property
    def bar(self) -> str:
        """Name of the latest bar: an ISO date, or an hour in UTC."""
        return bar_label(self.study.panel.dates[-1])

    @property
    def decides(self) -> bool:
        """Whether the latest bar is one of the schedule's."""
        return bool(self.scheduled[-1])


def live_study(
    config: BacktestConfig,
    as_of: dt.date,
    *,
    interval: str = "1d",
    rows: int | None = None,
    latest: int = 1,
) -> LiveStudy:
    """Prepare a configuration with the bars up to a day, whatever the end of its backtest.

    Parameters
    ----------
    config : BacktestConfig
    as_of : date
        Last day that is read.
    interval : {"1d", "1h"}
        Length of the bars.
    rows : int, optional
        How many rows of the data set are read; all up to the day unless given.
    latest : int
        How many of the last rows are scored, whether or not they decide.

    Raises
    ------
    UserError
        If the data set, a factor, a scheme or the universe does not fit the configuration.
    """
    if as_of <= config.data.start:
        raise ConfigError(
            f"--as-of {as_of} is not after data.start {config.data.start}",
            "name a later day, or set an earlier data.start",
        )
    config = config.model_copy(update={"data": config.data.model_copy(update={"end": as_of})})
    study = prepare(config, latest=latest, interval=interval, rows=rows)
    rows = scheduled_rows(config, study.panel, so_far=True)
    scheduled = np.isin(study.signals.rows, rows)
    setup = PaperSetup(
        panel=study.panel,
        data=study.data.panel,
        signals=only_rows(study.signals, scheduled),
        costs=study.costs,
        carry=study.carry,
        rules=replace(account_rules(config, study.panel), together=interval != "1d"),
        portfolio=portfolio_rules(config),
        orders=order_rules(config),
        stops=stop_rules(config),
    )
    if interval == "1d":
        files = {"calendar": config.data.calendar, "files": study.data.hashes}
        data_hash = _hash(files)
    else:
        data_hash = bars_hash(study.panel)
    return LiveStudy(study, scheduled, setup, data_hash, _hash(plain_config(config)))


def plain_config(config: BacktestConfig) -> dict[str, Any]:
    """The configuration as plain data, with the content of its plugins as hashes.

    The end of its data is left out, which moves on, and so is where the data set stands: which
    one it is, its own name says.
    """
    plain = to_plain(config)
    if config.plugins:
        plain["plugin_files"] = {name: _content(name) for name in config.plugins}
    for name in ("dir", "end"):
        del plain["data"][name]
    if plain["live"] is None:
        # A strategy of days is the same whatever live sessions can be told.
        del plain["live"]
    return plain


def bars_hash(panel: Panel) -> str:
    """sha256 of the bars of a panel: whatever way they came into a data set, and no other."""
    found = hashlib.sha256(" ".join([str(panel.dates[0]), *panel.assets.tolist()]).encode())
    columns = (panel.open, panel.high, panel.low, panel.close, panel.volume)
    for part in (*columns, panel.split_factor, panel.dividend_factor, panel.tradable):
        found.update(np.ascontiguousarray(part).tobytes())
    return found.hexdigest()


def only_rows(signals: Signals, kept: np.ndarray) -> Signals:
    """The signals of some decisions, by a mask of them."""
    told = signals.prepared_reports
    return replace(
        signals,
        rows=signals.rows[kept],
        eligible=signals.eligible[kept],
        score=signals.score[kept],
        trend=signals.trend[kept],
        prepared=None if signals.prepared is None else signals.prepared[kept],
        prepared_reports=tuple(told[at] for at in kept.nonzero()[0]) if told else (),
        shortable=None if signals.shortable is None else signals.shortable[kept],
        market_members=None if signals.market_members is None else signals.market_members[kept],
    )


def closed_day(as_of: dt.date | None, today: dt.date) -> dt.date:
    """The last day that counts: the one asked for, or the day before today in UTC.

    A bar is closed when its day is over at 24:00 UTC, coins' bars included.

    Raises
    ------
    ConfigError
        If the day asked for is not over.
    """
    last = today - dt.timedelta(days=1)
    if as_of is None:
        return last
    if as_of > last:
        raise ConfigError(
            f"--as-of {as_of}: its bar is not closed before 24:00 UTC of that day",
            f"ask for {last} or an earlier day",
        )
    return as_of


def _content(plugin: str) -> str:
    """sha256 of a user's module, named by its path or a dotted name; empty where it has no file."""
    place = plugin
    if not plugin.endswith(".py"):
        found = importlib.util.find_spec(plugin)
        place = (found.origin if found is not None else None) or ""
    path = Path(place)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _hash(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode("utf-8")).hexdigest()
