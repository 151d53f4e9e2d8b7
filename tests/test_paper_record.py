"""A paper account's track record: a run's folder whose books balance, and the parity report."""

import csv
import json

import numpy as np
import pandas as pd
import pytest

from analyzers.result import RunResult
from feeds.errors import DataError, OutputError
from runs.paper import main, paper
from strategies.execution.ledger import reading_ledger
from tests.paper_case import CONFIG, DAYS, run_to, write_config, write_set
from tests.test_paper_account import rescale

FIRST, LAST = 22, 60


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    folder = tmp_path_factory.mktemp("record")
    config = write_config(folder, write_set(folder / "set"))
    run_to(folder / "paper.db", config, DAYS[40], since=DAYS[FIRST])
    for day in DAYS[41 : LAST + 1]:
        run_to(folder / "paper.db", config, day)
    result, parity, out = paper(
        str(config), ledger=folder / "paper.db", out=str(folder / "out"), pages=False
    )
    return folder, config, result, parity, out


def table(folder, name):
    return pd.read_csv(folder / name, keep_default_na=False, na_values=[""], dtype={"symbol": str})


def test_values_follow_from_cash_fills_carry_and_prices(case):
    *_, out = case
    values, prices = table(out, "values.csv"), table(out, "prices.csv").set_index("date")
    fills, carry = table(out, "fills.csv"), table(out, "carry.csv")
    cash, held = json.loads((out / "metrics.json").read_text())["starting_cash"], {}
    assert len(values) == LAST - FIRST
    for _, row in values.iterrows():
        for _, one in fills[fills["date"] == row["date"]].iterrows():
            cash -= one["size"] * one["price"] + one["commission"]
            held[one["symbol"]] = held.get(one["symbol"], 0.0) + one["size"]
        cash += carry.loc[carry["date"] == row["date"], "amount"].sum()
        worth = sum(size * prices.loc[row["date"], name] for name, size in held.items())
        assert row["cash"] == pytest.approx(cash, rel=1e-9, abs=1e-4)
        assert row["value"] == pytest.approx(cash + worth, rel=1e-9)


def test_the_folder_is_a_runs_folder(case):
    folder, _, result, _, out = case
    loaded = RunResult.load(out / "results.pkl")
    assert loaded.metrics == result.metrics
    assert loaded.notes[0].startswith("A paper account, ")
    with reading_ledger(folder / "paper.db") as ledger:
        events = ledger.events()
    with open(out / "ledger.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["bar"], row["kind"], row["symbol"]) for row in rows] == [
        (event.bar, event.kind, event.symbol) for event in events
    ]
    assert [json.loads(row["payload"]) for row in rows] == [event.payload for event in events]
    # Printed shares of the fills are those that were booked.
    fills = table(out, "fills.csv")
    booked = [event.payload["shares"] for event in events if event.kind == "fill"]
    assert np.allclose(fills["shares"], booked, rtol=1e-12, atol=0)


def test_nothing_differs_and_lateness_is_counted(case):
    *_, parity, out = case
    told = json.loads((out / "parity.json").read_text())
    assert told == parity.summary
    assert (told["differences"], told["unexplained"], told["largest"]) == (0, 0, {})
    assert (told["decisions"], told["sessions"]) == (LAST + 1 - FIRST, LAST - FIRST)
    # The first run caught up the bars before its own.
    assert told["late_decisions"] == 40 - FIRST
    assert told["fills"] == told["backtest_fills"] > 100
    assert table(out, "parity.csv").empty


def test_a_revision_explains_what_follows_it(case, tmp_path):
    folder, *_ = case
    ledger = tmp_path / "paper.db"
    ledger.write_bytes((folder / "paper.db").read_bytes())
    revised = write_config(tmp_path, write_set(tmp_path / "set", revise={"NA": {50: 0.6}}))
    run_to(ledger, revised, DAYS[LAST])
    _, parity, _ = paper(str(revised), ledger=ledger, out=str(tmp_path / "out"), pages=False)
    assert parity.summary["differences"] > 0
    assert parity.summary["unexplained"] == 0
    assert parity.differences["date"].min() >= pd.Timestamp(DAYS[50])
    assert parity.differences["reason"].str.contains("revision").all()
    assert set(parity.differences["what"]) >= {"weight", "fill", "value"}


def test_a_difference_that_nothing_accounts_for_says_so(case, tmp_path):
    """The same prices changed behind the ledger's back, without a run that could flag it."""
    folder, *_ = case
    revised = write_config(tmp_path, write_set(tmp_path / "set", revise={"NA": {50: 0.6}}))
    _, parity, _ = paper(
        str(revised), ledger=folder / "paper.db", out=str(tmp_path / "out"), pages=False
    )
    assert parity.summary["unexplained"] == parity.summary["differences"] > 0


def test_another_configuration_is_named(case, tmp_path):
    folder, config, *_ = case
    overrides = ("costs.slippage.equity.bps=50", "portfolio.gross=1.1")
    _, parity, _ = paper(
        str(config), overrides, ledger=folder / "paper.db", out=str(tmp_path / "o"), pages=False
    )
    told = "configuration changed: portfolio.gross; costs changed: costs.slippage.equity.bps"
    assert set(parity.differences["reason"]) == {told}
    assert parity.summary["configuration_changes"] == [
        "costs.slippage.equity.bps",
        "portfolio.gross",
    ]


def test_the_cash_is_what_the_account_began_with(case, tmp_path):
    """Twice the cash in the configuration of today is no loss of half of it on the first day."""
    folder, config, result, *_ = case
    overrides = ("execution.starting_cash=200000",)
    out = str(tmp_path / "o")
    other, parity, _ = paper(
        str(config), overrides, ledger=folder / "paper.db", out=out, pages=False
    )
    assert other.metrics == result.metrics
    assert other.metrics["starting_cash"] == 100_000
    assert parity.summary["differences"] == 0


def test_the_record_after_a_correction_is_in_todays_units(tmp_path):
    """Adjusted prices scaled by 0.98 in the middle: positions times closes are still the value."""
    folder = tmp_path / "set"
    rescale(folder, 1.0)
    text = CONFIG.replace("per_share, rate: 0.01, minimum: 1", "percent, bps: 2")
    config = write_config(tmp_path, folder, text)
    run_to(tmp_path / "paper.db", config, DAYS[40], since=DAYS[FIRST])
    rescale(folder, 0.98)
    run_to(tmp_path / "paper.db", config, DAYS[50])
    _, parity, out = paper(
        str(config), ledger=tmp_path / "paper.db", out=str(tmp_path / "out"), pages=False
    )
    values, prices = table(out, "values.csv"), table(out, "prices.csv").set_index("date")
    fills = table(out, "fills.csv")
    for _, row in values.iterrows():
        held = fills[fills["date"] <= row["date"]].groupby("symbol")["size"].sum()
        worth = (held * prices.loc[row["date"], held.index]).sum()
        assert row["long"] + row["short"] == pytest.approx(worth, rel=1e-6, abs=1.0)
    # Sizes are the backtest's on the scaled prices, but for the lots that they were cut to.
    assert parity.summary["unexplained"] == 0
    assert parity.summary["corrected_symbols"]


def test_mistakes_are_answered(case, tmp_path, capsys):
    folder, config, *_ = case
    given = ["--config", str(config), "--out", str(tmp_path / "out")]
    assert main([*given, "--ledger", str(tmp_path / "none.db")]) == 2
    assert "no such ledger" in capsys.readouterr().err
    wrong = [*given, "--ledger", str(folder / "paper.db"), "--set", "name=other"]
    assert main(wrong) == 2
    assert "is the ledger of 'paper-case'" in capsys.readouterr().err
    nowhere = [*given, "--ledger", str(folder / "paper.db"), "--set", "data.dir=nowhere"]
    assert main(nowhere) == 2
    assert "nowhere is not a data set" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    run_to(tmp_path / "new.db", config, DAYS[FIRST])
    with pytest.raises(DataError, match="no fill yet"):
        paper(str(config), ledger=tmp_path / "new.db", out=str(tmp_path / "out"), pages=False)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    with pytest.raises(OutputError):
        paper(str(config), ledger=folder / "paper.db", out=str(tmp_path / "full"), pages=False)


@pytest.mark.slow
def test_pages_and_the_screen(case, tmp_path, capsys):
    folder, config, *_ = case
    out = tmp_path / "out"
    given = ["--config", str(config), "--out", str(out), "--ledger", str(folder / "paper.db")]
    assert main(given) == 0
    assert "every weight, fill, carry and value is the backtest's" in capsys.readouterr().out
    assert "A paper account" in (out / "summary.html").read_text()
    assert (out / "tearsheet.html").is_file() and list((out / "plots").glob("*.svg"))
