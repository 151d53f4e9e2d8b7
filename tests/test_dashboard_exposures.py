"""Exposures by asset class and by factor, and what became of runs, against hand-made numbers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from feeds.errors import DataError
from runs.dashboard_account import read_account
from runs.dashboard_exposures import UNKNOWN, by_class, by_factor, classes_of_set, factor_exposures
from runs.dashboard_files import Places
from runs.dashboard_portfolio import classes_of_account, signals_of
from runs.dashboard_runs import cut_to_common, outcomes, read_run, sleeves
from tests.api_case import ROOT, write_run
from tests.dashboard_case import write_all, write_mixed_ledger, write_set

CLASSES = {"A": "equity", "B": "equity", "BTC": "crypto"}


def asset(symbol: str, scores: dict, weight: float | None, held: float | None, eligible=True):
    told = {"symbol": symbol, "asset_class": CLASSES.get(symbol, "equity"), "factors": scores}
    return {**told, "weight": weight, "held_weight": held, "eligible": eligible}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_all(tmp_path_factory.mktemp("exposures") / "outputs")


def test_holdings_by_class():
    dates = pd.to_datetime(["2021-03-01", "2021-03-02"]).rename("date")
    marked = pd.DataFrame(
        {"A": [300.0, 0.0], "B": [-100.0, 50.0], "BTC": [None, -20.0], "C": [0.0, 0.0]}, dates
    )
    table = by_class(marked, pd.Series([1000.0, 500.0], dates), CLASSES)
    rows = table.drop(columns="date").to_numpy().tolist()
    # Crypto: nothing, then -20 of 500. Equity: 300 and -100 of 1000, then 50 of 500.
    assert rows == [
        ["crypto", 0.0, 0.0, 0.0, 0.0],
        ["crypto", 0.0, -0.04, -0.04, 0.04],
        ["equity", 0.3, -0.1, pytest.approx(0.2), 0.4],
        ["equity", 0.1, 0.0, 0.1, 0.1],
    ]
    assert by_class(marked, pd.Series([1000.0, 500.0], dates), {})["asset_class"].unique() == [
        UNKNOWN
    ]
    assert by_class(marked[["C"]], marked["A"], CLASSES).empty


def test_the_paper_account_by_class(tmp_path):
    write_mixed_ledger(tmp_path / "paper.db")
    write_set(tmp_path / "data" / "little")
    account = read_account(tmp_path / "paper.db")
    places = Places(tmp_path, tmp_path / "data")
    classes = classes_of_account(places, account, None)
    table = by_class(account.marked, account.values["value"], classes)
    last = table[table["date"] == "2021-03-04"].set_index("asset_class")
    assert last.loc["equity", ["long", "short", "net"]].tolist() == [0.5, 0, 0.5]
    assert last.loc["crypto", ["long", "short"]].tolist() == [0, pytest.approx(-150 / 1100)]
    # The classes add up to what the ledger noted of the whole book.
    whole = table.groupby("date")[["gross", "net"]].sum()
    assert whole["gross"].tolist() == pytest.approx(account.values["gross"].tolist())
    assert whole["net"].tolist() == pytest.approx(account.values["net"].tolist())


def test_classes_are_those_of_signals_or_of_the_set(outputs, tmp_path):
    write_mixed_ledger(tmp_path / "paper.db")
    account = read_account(tmp_path / "paper.db")
    places = Places(outputs, outputs.parent / "data")
    signals = signals_of(places, account.name)
    assert signals == outputs / "signals" / "small" and signals_of(places, "other") is None
    known = classes_of_account(places, account, signals)
    # BTC is a coin of the set, S0009 one of the signals.
    assert (known["BTC"], known["S0009"], known["S0000"]) == ("crypto", "crypto", "equity")
    assert classes_of_set(places.data, "none") == {}


def test_exposure_to_factors_by_hand():
    assets = [
        asset("A", {"size": 3.0, "value": None}, 0.5, 0.4),
        asset("B", {"size": 1.0, "value": 2.0}, -0.5, -0.2),
        asset("D", {"size": 1.0, "value": 4.0}, None, 0.1),
        asset("E", {"size": 9.0, "value": 9.0}, 0.3, 0.3, eligible=False),
        asset("BTC", {"size": 7.0, "value": 7.0}, 0.2, 0.2),
    ]
    table = by_factor(assets).set_index(["asset_class", "factor"])
    # Size: A is best (1), B and D share the mean of -1 and 0; E is not eligible.
    assert table.loc[("equity", "size"), "held"] == pytest.approx(0.4 + 0.5 * 0.2 - 0.5 * 0.1)
    assert table.loc[("equity", "size"), "wanted"] == pytest.approx(0.5 + 0.5 * 0.5)
    # Value: B is worse (-1) than D (1), A has none.
    assert table.loc[("equity", "value"), "held"] == pytest.approx(0.2 + 0.1)
    assert table.loc[("equity", "value"), "wanted"] == pytest.approx(0.5)
    # One coin is in the middle of its class.
    assert table.loc[("crypto", "size")].tolist() == [0.0, 0.0]


def test_no_scores_are_no_exposure():
    assert by_factor([]).empty
    assert by_factor([asset("A", {"size": None}, 0.5, 0.5), asset("B", {}, 0.5, 0.5)]).empty


def test_the_best_long_and_the_worst_short_come_near_one():
    count = 100
    weights = [(-0.05 if k < 10 else 0.05 if k >= 90 else 0.0) for k in range(count)]
    assets = [asset(f"S{k}", {"size": float(k)}, w, w) for k, w in enumerate(weights)]
    # Mean rank of the best tenth: 1 - 9/99, on a gross of 1.
    assert by_factor(assets)["held"].tolist() == [pytest.approx(1 - 9 / 99)]


def test_exposures_of_a_history(tmp_path):
    folder = tmp_path / "history"
    folder.mkdir()
    for bar, held in (("2026-01-05T23:00Z", 0.25), ("2026-01-06T00:00Z", 0.5)):
        assets = [asset("A", {"size": 2.0}, 0.5, held), asset("B", {"size": 1.0}, 0.0, 0.0)]
        name = bar.replace(":", "")
        (folder / f"{name}.json").write_text(json.dumps({"as_of": bar, "assets": assets}))
    table = factor_exposures(tmp_path)
    assert table["held"].tolist() == [0.25, 0.5] and table["wanted"].tolist() == [0.5, 0.5]
    assert table["date"].tolist() == [pd.Timestamp("2026-01-05T23"), pd.Timestamp("2026-01-06")]
    (folder / "2026-01-06T0100Z.json").write_text('{"as_of": "x", "assets": [{}]}')
    with pytest.raises(DataError, match="T0100Z.json: damaged"):
        factor_exposures(tmp_path)
    assert factor_exposures(tmp_path / "none").empty


def test_runs_by_class_follow_from_fills_and_prices(outputs, tmp_path):
    write_run(tmp_path / "small")
    (tmp_path / "small" / "prices.csv").write_text(
        "date,NA,BTC\n2021-03-01,50,50000\n2021-03-02,51,50000\n2021-03-04,49,50000\n"
    )
    write_set(tmp_path / "data" / "small")
    universe = tmp_path / "data" / "small" / "universe.csv"
    universe.write_text(universe.read_text().replace("A,equity", "NA,equity", 1))
    run = read_run(tmp_path / "small")
    table = sleeves(tmp_path / "small", run, tmp_path / "data")
    by_day = table.set_index(["asset_class", "date"])
    # 10 NA at 51 and -0.002 BTC at 50,000 of 1010; NA is gone on the 4th.
    assert by_day.loc[("equity", "2021-03-02"), "long"] == pytest.approx(510 / 1010)
    assert by_day.loc[("crypto", "2021-03-02"), "short"] == pytest.approx(-100 / 1010)
    assert by_day.loc[("equity", "2021-03-04"), "gross"] == 0
    cut = cut_to_common({"a": run, "b": type(run)(run.values[1:], run.costs[1:], run.metrics)})
    assert sleeves(tmp_path / "small", cut["a"], tmp_path / "data")["date"].nunique() == 2
    # No prices, or no data set: nothing is said.
    assert sleeves(outputs / "small", run, tmp_path / "data").empty
    assert sleeves(tmp_path / "small", run, tmp_path).empty


def test_what_became_of_runs(outputs):
    row = outcomes({"small": read_run(outputs / "small")}).iloc[0]
    assert row["return"] == pytest.approx(990.25 / 1000.5 - 1)
    assert row["drawdown"] == pytest.approx(990.25 / 1010 - 1)
    # Commission 0.5 + 0.2 and slippage 0.5 + 0.02 of 1000.5, carry 0.25 less 0.125 of 1010.
    assert row["commission"] == pytest.approx(0.7 / 1000.5)
    assert row["cost"] == pytest.approx(1.22 / 1000.5 + 0.125 / 1010)
    gross = (600 / 1000.5 + 609.5 / 1010 + 589.75 / 990.25) / 3
    assert row["gross"] == pytest.approx(gross)


def test_the_page_shows_both_exposures(monkeypatch, outputs, tmp_path):
    pytest.importorskip("streamlit", reason="Streamlit is not installed")
    from streamlit.testing.v1 import AppTest

    write_mixed_ledger(tmp_path / "mixed.db")
    script = ROOT / "runs" / "dashboard_app.py"
    given = [outputs, outputs.parent / "data", tmp_path / "mixed.db"]
    monkeypatch.setattr(sys, "argv", [str(script), *map(str, given)])
    app = AppTest.from_file(str(script), default_timeout=30)
    app.query_params["page"] = "Portfolio"
    app.run()
    assert not app.exception and not app.error
    titles = [one.value for one in app.subheader]
    assert titles[:5] == [
        "Value",
        "Exposure",
        "Exposure, crypto",
        "Exposure, equity",
        "Exposure to factors",
    ]
