"""Any history of an account: a second ledger agrees, and nothing happens out of turn."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers.recorder import journal_tables
from strategies.execution.commission import NoCommission, PercentCommission
from strategies.execution.costs import Carry
from strategies.execution.slippage import BpsSlippage
from tests.engine_case import make_account, make_plan, rebuilt_values

NAN = np.nan


@st.composite
def histories(draw):
    """Panels with late listings, holes and ends, random plans, costs and carry."""
    rows, columns = draw(st.integers(12, 40)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    volatility = draw(st.sampled_from([0.02, 0.3]))
    close = 50 * np.exp(np.cumsum(rng.normal(0, volatility, (rows, columns)), axis=0))
    for column in range(columns):
        if rng.random() < 0.3:
            close[: rng.integers(1, rows // 2), column] = NAN
        if rng.random() < 0.4:
            close[rng.integers(rows // 2, rows) :, column] = NAN
        for _ in range(rng.integers(0, 3)):
            start = rng.integers(0, rows)
            close[start : start + rng.integers(1, 6), column] = NAN
    gross = draw(st.sampled_from([0.5, 1.0, 2.5]))
    plans = {}
    for row in rng.choice(rows - 1, size=draw(st.integers(1, 6)), replace=False).tolist():
        weights = rng.normal(size=columns) * np.isfinite(close[row])
        total = np.abs(weights).sum()
        plans[row] = weights / total * gross if total else weights
    return {
        "close": close,
        "open": close * np.exp(rng.normal(0, 0.01, close.shape)),
        "reasons": rng.choice(["bankruptcy", "unknown", "merger", "data_end"], columns),
        "calendar": draw(st.sampled_from(["24/7", "XNYS"])),
        "plans": plans,
        "instant": draw(st.sampled_from(["open", "close"])),
        "lot": draw(st.sampled_from([1e-8, 1.0])),
        "buffer": draw(st.sampled_from([0.0, 0.1])),
        "commission": draw(st.sampled_from([NoCommission(), PercentCommission(20, 1.0)])),
        "slippage": BpsSlippage(draw(st.sampled_from([0.0, 25.0]))),
        "carry": draw(st.booleans()),
    }


def build(make_panel, case):
    columns = case["close"].shape[1]
    panel = make_panel(
        case["close"], case["open"], calendar=case["calendar"], end_reason=case["reasons"]
    )
    half = np.arange(columns) % 2 * 1.0
    rates = (half * 0.1, (1 - half) * 0.2, 0.03, 0.01) if case["carry"] else (half * 0, half * 0)
    account = make_account(
        panel,
        cash=100_000.0,
        commission=case["commission"],
        slippage=case["slippage"],
        carry=Carry(*rates),
        buffer=case["buffer"],
        stale_after=4,
    )
    return panel, account


def play(make_panel, case, *, every_row=True):
    panel, account = build(make_panel, case)
    rows = panel.shape[0]
    for row in range(rows):
        if every_row or row in case["plans"] or row == rows - 1:
            account.step(row)
        weights = case["plans"].get(row)
        if weights is not None and account.is_open:
            units = np.where(weights != 0, weights * account.value / panel.mark[row], 0.0)
            account.submit(make_plan(account, row, units, instant=case["instant"], lot=case["lot"]))
    return panel, account, journal_tables(account.journal, panel)


ANY = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@ANY
@given(case=histories())
def test_values_follow_from_fills_carry_and_prices_alone(make_panel, case):
    _, _, tables = play(make_panel, case)
    if len(tables["values"]):
        again = rebuilt_values(tables, 100_000.0)
        scale = np.maximum(np.abs(tables["values"]["value"]), 1.0)
        assert (np.abs(tables["values"]["value"] - again) <= 1e-9 * scale).all()
        parts = tables["values"][["cash", "long", "short"]].sum(axis=1)
        assert (np.abs(tables["values"]["value"] - parts) <= 1e-9 * scale).all()


@ANY
@given(case=histories())
def test_fills_come_after_their_decision_and_on_bars_only(make_panel, case):
    panel, _, tables = play(make_panel, case)
    fills = tables["fills"]
    traded = fills[fills["reason"] != "delisting"]
    assert (traded["date"] > traded["decision_date"]).all()
    assert fills.loc[fills["reason"] == "delisting", "decision_date"].isna().all()
    rows = np.searchsorted(panel.dates, traded["date"].to_numpy().astype("datetime64[D]"))
    columns = np.searchsorted(panel.assets, traded["symbol"].to_numpy().astype(str))
    assert panel.tradable[rows, columns].all()
    for name in ("size", "price", "reference_price", "commission", "slippage"):
        assert np.isfinite(fills[name]).all()


@ANY
@given(case=histories())
def test_there_is_one_row_of_values_a_session(make_panel, case):
    panel, _, tables = play(make_panel, case)
    values = tables["values"]
    if not len(values):
        return
    days = values.index.to_numpy().astype("datetime64[D]")
    assert days.tolist() == panel.dates[panel.dates >= days[0]].tolist()
    assert np.isfinite(values.to_numpy()).all()
    assert (values["long"] >= 0).all() and (values["short"] <= 0).all()
    np.testing.assert_allclose(values["margin"], 0.25 * (values["long"] - values["short"]))


@ANY
@given(case=histories())
def test_cash_and_margin_hold_at_every_close_that_increased_a_position(make_panel, case):
    case = case | {"instant": "close"}
    _, _, tables = play(make_panel, case)
    values, fills, held = tables["values"], tables["fills"], {}
    for date, basket in fills.groupby("date", sort=True):
        before = dict(held)
        for fill in basket.itertuples():
            held[fill.symbol] = held.get(fill.symbol, 0.0) + fill.size
        grown = [abs(held[name]) > abs(before.get(name, 0.0)) for name in basket["symbol"]]
        if any(grown) and (basket["reason"] == "rebalance").all():
            row = values.loc[date]
            slack = 1e-9 * abs(row["value"])
            assert row["cash"] + row["short"] >= case["buffer"] * row["value"] - slack
            assert row["value"] >= row["margin"] - slack


@ANY
@given(case=histories())
def test_what_is_left_unsettled_until_asked_for_comes_to_the_same(make_panel, case):
    """An account stepped row by row and one stepped from decision to decision agree exactly."""
    _, _, often = play(make_panel, case)
    _, _, seldom = play(make_panel, case, every_row=False)
    assert often["fills"].to_dict() == seldom["fills"].to_dict()
    assert often["values"].to_csv() == seldom["values"].to_csv()
    by = ["date", "kind", "symbol"]
    carry = [tables["carry"].sort_values(by).to_csv(index=False) for tables in (often, seldom)]
    assert carry[0] == carry[1]


@ANY
@given(case=histories())
def test_an_ended_holding_is_closed_on_the_first_session_it_is_stale(make_panel, case):
    panel, account, tables = play(make_panel, case)
    held = np.flatnonzero(account.position)
    assert (panel.age[-1, held] < 4).all()
    for fill in tables["fills"].itertuples():
        if fill.reason == "delisting":
            row = int(np.searchsorted(panel.dates, np.datetime64(fill.date, "D")))
            column = panel.assets.tolist().index(fill.symbol)
            assert panel.age[row, column] == 4
            assert fill.reference_price == panel.mark[row, column]


@ANY
@given(case=histories())
def test_carry_follows_from_positions_and_the_marks_of_the_night_before(make_panel, case):
    """Every amount again, from fills, marks and dates alone; the rates are those of `build`."""
    panel, _, tables = play(make_panel, case)
    names, values = panel.assets.tolist(), tables["values"]
    expected, held = {}, np.zeros(len(names))
    by_date = dict(list(tables["fills"].groupby("date")))
    for before, today in zip(values.index[:-1], values.index[1:], strict=True):
        for fill in by_date[before].itertuples() if before in by_date else ():
            held[names.index(fill.symbol)] += fill.size
        row = int(np.searchsorted(panel.dates, np.datetime64(before, "D")))
        short = np.where(held < 0, -held * panel.mark[row], 0.0)
        year = (today - before).days / 365
        for at in np.flatnonzero(short).tolist() if case["carry"] else ():
            rates = {"borrow": -0.1, "rebate": 0.01} if at % 2 else {"funding": 0.2}
            for kind, rate in rates.items():
                expected[today, kind, names[at]] = short[at] * rate * year
        if case["carry"]:
            free = values.loc[before, "cash"] - short.sum()
            expected[today, "interest", ""] = free * 0.03 * year
    booked = tables["carry"].set_index(["date", "kind", "symbol"])["amount"].to_dict()
    assert booked.keys() == expected.keys()
    np.testing.assert_allclose(
        [booked[key] for key in expected], list(expected.values()), rtol=1e-9, atol=1e-9
    )
