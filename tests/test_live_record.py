"""The track record of a live session: its tables follow from each other, and parity is told."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from feeds.errors import ConfigError, DataError
from runs.paper import main, paper, paper_of_hours
from tests.live_case import READY, events, market, neutrality, poll_hours

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A place with a ledger of 24 hours, with a gap, and the ledger's events."""
    with pytest.MonkeyPatch.context() as patch:
        missing = {"BBB": {READY + 2, READY + 3}}
        with market(tmp_path_factory.mktemp("hours"), patch, missing=missing) as place:
            poll_hours(place, [READY + 1, READY + 24])
            yield place.folder, events(place)


@pytest.fixture(scope="module")
def record(session):
    folder, _ = session
    given = ["--config", str(folder / "live.yaml"), "--ledger", str(folder / "paper.db")]
    assert main([*given, "--out", str(folder / "record"), "--quiet"]) == 0
    return folder / "record"


def table(record, name: str) -> pd.DataFrame:
    return pd.read_csv(record / f"{name}.csv", keep_default_na=False, na_values=[""])


def test_value_follows_from_fills_and_prices_at_each_bar(record):
    values, fills, prices = (table(record, name) for name in ("values", "fills", "prices"))
    prices, held, cash = prices.set_index("date"), {}, 100_000.0
    for row in values.itertuples():
        for fill in fills[fills["date"] == row.date].itertuples():
            held[fill.symbol] = held.get(fill.symbol, 0.0) + fill.size
            cash -= fill.size * fill.price + fill.commission
        worth = sum(units * prices.loc[row.date, name] for name, units in held.items())
        assert row.cash == pytest.approx(cash, rel=1e-9)
        assert row.value == pytest.approx(cash + worth, rel=1e-9)
    assert len(values) == 23 and values["date"].is_monotonic_increasing
    assert (fills["decision_date"] < fills["date"]).all()


def test_it_says_what_the_ledger_says(record, session):
    _, found = session
    values, metrics = table(record, "values"), json.loads((record / "metrics.json").read_text())
    notes = neutrality(found)[-len(values) :]
    for name in ("dollar", "beta", "within", "forced"):
        assert values[name].tolist() == [note[name] for note in notes]
    assert metrics["start"] == "2026-01-06T01:00Z" and metrics["end"] == "2026-01-06T23:00Z"
    assert metrics["sessions"] == 23 and metrics["periods_per_year"] == 8760
    assert metrics["hedges"] == 1 and metrics["bars_outside_bands"] == 0
    assert metrics["decisions"] == sum(event.kind == "decision" for event in found)
    assert metrics["final_value"] == values["value"].iloc[-1]
    ledger = table(record, "ledger")
    assert ledger["bar"].tolist() == [event.bar for event in found]
    returns = values["value"].pct_change()
    returns.iloc[0] = values["value"].iloc[0] / 100_000.0 - 1.0
    assert metrics["volatility"] == pytest.approx(returns.std(ddof=1) * 8760**0.5, rel=1e-9)


def test_booked_anew_every_figure_is_the_same(record):
    parity = json.loads((record / "parity.json").read_text())
    assert parity["differences"] == 0 and len(table(record, "parity")) == 0
    assert parity["fills"] == parity["fills_anew"] > 0 and parity["bars"] == 25


def test_a_difference_has_its_reason(session):
    folder, _ = session
    given = {"ledger": folder / "paper.db", "out": str(folder / "other")}
    dearer = ["costs.commission.crypto.bps=20"]
    found, _ = paper_of_hours(str(folder / "live.yaml"), dearer, **given)
    reasons = {row[-1] for row in found.differences}
    assert reasons == {"costs changed: costs.commission.crypto.bps"}
    assert found.parity["unexplained"] == 0 < found.parity["differences"]
    fills = [row for row in found.differences if row[1] == "fill"]
    # Of the first fills, sized alike, the commission alone is another: twice 10 bps.
    first = [row for row in fills if row[0] == "2026-01-06T01:00Z"]
    assert len(first) >= 4 and all(row[5] < 0 for row in first)


def test_the_cash_is_what_the_account_began_with(session, record):
    folder, _ = session
    given = {"ledger": folder / "paper.db", "out": str(folder / "richer")}
    overrides = ["execution.starting_cash=200000"]
    found, _ = paper_of_hours(str(folder / "live.yaml"), overrides, **given)
    told = json.loads((record / "metrics.json").read_text())
    assert found.metrics["starting_cash"] == told["starting_cash"] == 100_000
    assert found.metrics["cagr"] == told["cagr"]
    assert found.parity["differences"] == 0


def test_what_cannot_be_told_is_refused(session, tmp_path):
    folder, _ = session
    given = {"ledger": folder / "paper.db", "out": str(tmp_path / "out")}
    with pytest.raises(ConfigError, match="a ledger of hours"):
        paper(str(folder / "live.yaml"), **given)
    with pytest.raises(ConfigError, match="is the ledger of 'live-case'"):
        paper_of_hours(str(folder / "live.yaml"), ["name=another"], **given)
    with pytest.raises(DataError, match="no such ledger"):
        paper_of_hours(str(folder / "live.yaml"), ledger=tmp_path / "none.db")
    assert not (tmp_path / "out").exists()
