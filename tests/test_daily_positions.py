"""Positions of every session: those after each rebalance, carried until the next fill."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.recorder import daily_positions, journal_tables
from runs.backtest import backtest
from tests.engine_case import make_account, run_account


def test_by_hand(make_panel):
    """10 of A00 bought for the close of row 2, sold for that of row 4; 5 of A01 from row 4 on."""
    close = [[10.0, 20.0], [11.0, 21.0], [12.0, 22.0], [13.0, 23.0], [14.0, 24.0], [15.0, 25.0]]
    targets = {1: [10.0, 0.0], 3: [0.0, 5.0]}
    account = run_account(make_account(make_panel(close=close)), targets)
    table = daily_positions(account.journal, account.panel)
    rows = [(str(date.date()), *rest) for date, *rest in table.to_numpy().tolist()]
    assert rows == [
        ("2020-01-03", "A00", 10.0, 10.0, 12.0, 120.0),
        ("2020-01-04", "A00", 10.0, 10.0, 13.0, 130.0),
        ("2020-01-05", "A01", 5.0, 5.0, 24.0, 120.0),
        ("2020-01-06", "A01", 5.0, 5.0, 25.0, 125.0),
    ]


def test_they_sum_to_what_is_long_and_short_on_every_session(tmp_path):
    changes = ["data.end=2012-12-31"]
    result, folder = backtest(
        "configs/backtest.yaml", changes, str(tmp_path / "run"), pages=False, daily=True
    )
    sums = result.positions.groupby("date")["value"].sum().reindex(result.values.index)
    net = result.values["long"] + result.values["short"]
    assert np.abs(sums - net).max() <= 1e-9 * result.values["value"].max()
    assert result.manifest["command"].endswith("--no-tearsheet --daily-positions")
    lines = (folder / "positions.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(result.positions) + 1


def test_on_a_rebalance_they_are_the_table_of_rebalances(make_panel):
    targets = {3: [3.0, -2.0, 0.0, 1.0], 20: [0.0, 4.0, 1.0, 1.0]}
    account = run_account(make_account(make_panel(), cash=1e5), targets)
    after = journal_tables(account.journal, account.panel, ["positions"])["positions"]
    daily = daily_positions(account.journal, account.panel)
    kept = daily[daily["date"].isin(after["date"])].reset_index(drop=True)
    assert kept["symbol"].tolist() == after["symbol"].tolist()
    assert kept["size"].to_numpy() == pytest.approx(after["size"].to_numpy(), rel=1e-12)
