"""The participation cap on any history: nothing beyond it, nothing more than was asked for."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers.recorder import journal_tables
from runs.backtest import backtest
from strategies.execution.commission import PercentCommission
from strategies.execution.costs import Carry
from strategies.execution.slippage import BpsSlippage
from tests.engine_case import make_account, make_plan, rebuilt_values

NAN = np.nan


@st.composite
def thin_markets(draw):
    rows, columns = draw(st.integers(8, 30)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    drift = draw(st.sampled_from([0.02, 0.25]))
    close = 50 * np.exp(np.cumsum(rng.normal(0, drift, (rows, columns)), axis=0))
    for column in range(columns):
        start = rng.integers(0, 2 * rows)
        close[start : start + rng.integers(1, 7), column] = NAN
    volume = np.exp(rng.normal(5, 2, close.shape))
    volume[rng.random(close.shape) < 0.2] = 0.0
    volume[rng.random(close.shape) < 0.1] = NAN
    gross = draw(st.sampled_from([0.8, 3.0]))
    weights = {}
    for row in rng.choice(rows - 1, size=draw(st.integers(1, 4)), replace=False).tolist():
        raw = rng.normal(size=columns) * np.isfinite(close[row])
        weights[row] = raw / max(np.abs(raw).sum(), 1e-9) * gross
    return {
        "close": close,
        "volume": volume,
        "weights": weights,
        "rate": draw(st.sampled_from([0.01, 0.1, 1.0])),
        "lot": draw(st.sampled_from([1e-6, 1.0])),
        "instant": draw(st.sampled_from(["open", "close"])),
        "every_row": draw(st.booleans()),
    }


def play(make_panel, case, *, every_row):
    panel = make_panel(
        case["close"], volume=np.where(np.isfinite(case["close"]), case["volume"], NAN)
    )
    account = make_account(
        panel,
        participation_rate=case["rate"],
        cash=1e5,
        commission=PercentCommission(20, 1.0),
        slippage=BpsSlippage(10),
        carry=Carry(np.full(panel.shape[1], 0.05), np.zeros(panel.shape[1]), 0.01),
        stale_after=4,
    )
    plans = {}
    for row in range(panel.shape[0]):
        if every_row or row in case["weights"] or row == panel.shape[0] - 1:
            account.step(row)
        if row in case["weights"] and account.is_open:
            mark = np.nan_to_num(panel.mark[row], nan=1.0)
            target = case["weights"][row] * account.value / mark
            plan = make_plan(account, row, target, lot=case["lot"], instant=case["instant"])
            plans[row] = plan.basket
            account.submit(plan)
    return panel, account, plans


@settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(thin_markets())
def test_no_session_trades_beyond_the_cap_and_no_plan_more_than_it_asked(make_panel, case):
    panel, account, plans = play(make_panel, case, every_row=case["every_row"])
    done = {}
    for row, decided, reason, column, size, *_ in account.journal.fills:
        if reason != "delisting":
            cap = case["rate"] * np.nan_to_num(panel.volume[row, column])
            assert np.all(np.abs(size) <= cap * (1 + 1e-9) + 1e-12)
        if reason == "rebalance":
            total = done.setdefault(decided, np.zeros(panel.shape[1]))
            total[column] += size
    for decided, total in done.items():
        asked = np.zeros(panel.shape[1])
        asked[plans[decided].column] = plans[decided].reduce + plans[decided].increase
        assert np.all(total * asked >= 0)
        assert np.all(np.abs(total) <= np.abs(asked) * (1 + 1e-9) + 1e-12)
    tables = journal_tables(account.journal, panel)
    if len(tables["values"]):
        again = rebuilt_values(tables, 1e5)
        size = np.maximum(np.abs(tables["values"]["value"]), 1.0)
        assert (np.abs(tables["values"]["value"] - again) <= 1e-9 * size).all()
    _, other, _ = play(make_panel, case, every_row=not case["every_row"])
    assert journal_tables(other.journal, panel)["fills"].to_csv() == tables["fills"].to_csv()
    assert journal_tables(other.journal, panel)["values"].to_csv() == tables["values"].to_csv()


def test_a_run_keeps_to_the_rate_of_its_configuration(tmp_path):
    rate = "execution.participation_rate="
    changes = ["data.end=2015-06-30", rate + "1e-4"]
    config = "configs/large_caps_bitcoin.yaml"
    result, _ = backtest(config, changes, str(tmp_path / "run"), pages=False)
    assert (result.events["kind"] == "participation").any()
    fills = result.fills[result.fills["reason"] == "rebalance"]
    parts = fills.groupby(["decision_date", "symbol"]).size()
    assert parts.max() > 1, "what is left is filled on later sessions"
