"""The recorder's tables: columns, signs and units of a run's files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analyzers.recorder import Recorder, journal_tables
from strategies.execution.cerebro import PanelCerebro
from strategies.execution.commission import PercentCommission
from strategies.execution.costs import Carry
from strategies.execution.journal import Journal
from strategies.execution.slippage import BpsSlippage
from tests.engine_case import Script, make_account, make_plan, run_account

NAN = np.nan


@pytest.fixture
def story(make_panel):
    """A long that is delisted and a short that pays borrow; the second asset has split 2:1."""
    close = np.full((8, 3), 10.0)
    close[3:, 0] = NAN
    panel = make_panel(
        close,
        split_factor=np.array([1.0, 2.0, 1.0]) * np.ones((8, 1)),
        price_kind=np.array(["traded", "traded", "index"]),
        end_reason=np.array(["unknown", "data_end", "data_end"]),
    )
    account = make_account(
        panel,
        commission=PercentCommission(100),
        slippage=BpsSlippage(1000),
        carry=Carry(np.array([0.0, 0.365, 0.0]), np.zeros(3)),
        stale_after=2,
    )
    run_account(account, {1: [20.0, -10.0, 0.0], 5: [0.0, -10.0, 5.0]})
    return panel, journal_tables(account.journal, panel)


def test_columns_are_those_of_the_files(story):
    _, tables = story
    columns = {
        "values": "value cash long short margin",
        "fills": "date decision_date symbol reason size price reference_price commission slippage "
        "shares",
        "carry": "date symbol kind amount",
        "positions": "date symbol size shares close value",
        "prices": "A00 A01 A02",
        "events": "date symbol kind detail",
    }
    assert {name: " ".join(table.columns) for name, table in tables.items()} == columns


def test_fills(story):
    panel, tables = story
    fills = tables["fills"]
    dates = panel.dates.astype("datetime64[ns]")
    assert fills["date"].tolist() == pd.to_datetime(dates[[2, 2, 4, 6]]).tolist()
    assert fills["decision_date"].isna().tolist() == [False, False, True, False]
    assert fills["decision_date"][0] == dates[1]
    assert fills["symbol"].tolist() == ["A00", "A01", "A00", "A02"]
    assert fills["reason"].tolist() == ["rebalance", "rebalance", "delisting", "rebalance"]
    assert fills["size"].tolist() == [20.0, -10.0, -20.0, 5.0]
    # 10 % of slippage: 11 to buy, 9 to sell; the delisting at 10 x 0.7.
    assert fills["price"].tolist() == pytest.approx([11.0, 9.0, 7.0, 11.0])
    assert fills["reference_price"].tolist() == [10.0] * 4
    # 1 % of 220, 90 and 55; slippage |size| x 1; none of it on the delisting.
    assert fills["commission"].tolist() == pytest.approx([2.2, 0.9, 0.0, 0.55])
    assert fills["slippage"].tolist() == pytest.approx([20.0, 10.0, 0.0, 5.0])


def test_shares_are_printed_ones_and_empty_where_they_are_not_known(story):
    _, tables = story
    assert tables["fills"]["shares"].tolist()[:3] == [20.0, -20.0, -20.0]
    assert np.isnan(tables["fills"]["shares"].iloc[3])
    positions = tables["positions"]
    assert positions.loc[positions["symbol"] == "A01", "shares"].tolist() == [-20.0, -20.0]


def test_positions_are_those_after_each_basket(story):
    panel, tables = story
    table = tables["positions"]
    assert table["symbol"].tolist() == ["A00", "A01", "A01", "A02"]
    assert table["size"].tolist() == [20.0, -10.0, -10.0, 5.0]
    assert table["close"].tolist() == [10.0] * 4
    assert table["value"].tolist() == [200.0, -100.0, -100.0, 50.0]
    assert table["date"].dt.day.tolist() == [3, 3, 7, 7]


def test_values_begin_with_the_first_fill_and_add_up(story):
    panel, tables = story
    table = tables["values"]
    assert table.index.name == "date"
    assert len(table) == 6
    first = table.iloc[0]
    # 1,000 - 220 - 2.2 + 90 - 0.9 = 866.9.
    assert first["cash"] == pytest.approx(866.9)
    assert (first["long"], first["short"], first["margin"]) == (200.0, -100.0, 75.0)
    np.testing.assert_allclose(table["value"], table[["cash", "long", "short"]].sum(axis=1))


def test_carry_is_positive_when_received(story):
    _, tables = story
    carry = tables["carry"]
    # 100 x 0.365 / 365 = 0.10 paid on each of five days.
    assert carry["amount"].tolist() == pytest.approx([-0.1] * 5)
    assert set(carry["kind"]) == {"borrow"} and set(carry["symbol"]) == {"A01"}
    assert carry["date"].is_monotonic_increasing


def test_prices_are_carried_marks_of_all_that_was_ever_held(story):
    _, tables = story
    prices = tables["prices"]
    assert prices.shape == (6, 3)
    assert prices.index.equals(tables["values"].index)
    assert (prices == 10.0).all(axis=None), "also after the last bar"


def test_events_without_an_asset_have_an_empty_symbol(make_panel):
    panel = make_panel(np.full((3, 1), 10.0))
    account = run_account(make_account(panel), {0: [500.0]})
    events = journal_tables(account.journal, panel)["events"]
    assert events[["symbol", "kind"]].to_numpy().tolist() == [["", "scaled"]]


def test_an_account_that_never_traded_has_empty_tables(make_panel):
    tables = journal_tables(Journal(), make_panel())
    assert [len(table) for table in tables.values()] == [0] * 6
    assert list(tables["values"].columns) == ["value", "cash", "long", "short", "margin"]
    assert list(tables["carry"].columns) == ["date", "symbol", "kind", "amount"]


def test_the_analyzer_reads_the_brokers_account_after_the_run(make_panel):
    panel = make_panel(np.full((3, 1), 10.0))
    account = make_account(panel)

    def act(strategy, row):
        if row == 0:
            strategy.broker.submit_plan(make_plan(account, 0, [5.0]))

    cerebro = PanelCerebro(panel, account)
    cerebro.addstrategy(Script, act=act)
    cerebro.addanalyzer(Recorder, _name="recorder")
    strategy = cerebro.run()[0]
    read = strategy.analyzers.recorder.get_analysis()
    assert read["fills"]["size"].tolist() == [5.0]
    # The broker reads as any other: cash, value, value by asset, positions.
    broker, data = cerebro.broker, strategy.data
    assert (broker.getcash(), broker.getvalue(), broker.get_value([data])) == (950.0, 1000.0, 50.0)
    assert (strategy.position.size, strategy.getposition(data).price) == (5.0, 10.0)
    assert strategy.values == [1000.0] * 3


def test_tables_survive_files_without_change(story):
    _, tables = story
    for name in ("fills", "carry", "positions"):
        text = tables[name].to_csv(index=False)
        assert "\nNone" not in text and "NaT" not in text
